//! One request and its answer: address, options, authenticator, error handler, waiting, decoder.

mod auth;
pub mod client;
mod decode;
mod errors;
mod headers;
mod request;
mod retry;
mod wait;

use crate::context::Slice;
use crate::{Json, Map};

pub use decode::{Decoded, Decoder};
pub use errors::Action;
pub(crate) use errors::named;
pub(crate) use headers::{CASELESS, LINK};
pub use request::option::RequestOption;
pub use request::properties::QueryProperties;
pub use request::requester::Requester;

/// What paginators, routers and cursors add to a request. A key that occurs twice is an error of the manifest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// Headers.
    pub headers: Map,
    /// Query parameters.
    pub parameters: Map,
    /// Fields of a form body.
    pub body_data: Map,
    /// Fields of a JSON body, nested.
    pub body_json: Map,
    /// Replaces path or address (`RequestPath`).
    pub path: Option<String>,
}

/// What a request's templates see beyond configuration and parameters, and what others add to it.
#[derive(Default)]
pub struct Asked<'a> {
    /// The slice: `stream_slice` and its aliases; also each of its extra fields by name.
    pub slice: Option<&'a Slice>,
    /// The page's token; templates see `{"next_page_token": token}`.
    pub token: Option<&'a Json>,
    /// More variables (`session_token`, `creation_response`, `polling_response`, `download_target`).
    pub variables: Vec<(&'a str, &'a Json)>,
    /// What paginator, router and cursor add.
    pub options: Options,
    /// The name of the stream, for messages.
    pub stream: &'a str,
}

/// An answer that the error handler let pass.
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Headers, in small letters; values are text. Templates see them through [`Response::headers_json`].
    pub headers: Vec<(String, String)>,
    /// The address that answered.
    pub url: String,
    /// Whether its status says that something went wrong, and the error handler ignores that or calls it a success: it
    /// has no records and ends paging.
    pub ignored: bool,
    /// What the handler decided: `Success` or `Ignore`, or one of the decisions that belong to who reads page after page
    /// (`ResetPagination`, `ReducePageSize`, `SplitRequestWindow`); it has no records then.
    pub action: Action,
    /// The body, still to be read.
    pub body: client::Body,
}

impl Response {
    /// What templates of paginators see as `headers`: names in any capitalisation, `link` as the links it holds.
    pub fn headers_json(&self) -> Json {
        let mut headers = headers::json(&self.headers);
        // As the reference has it: `link` is what the header says, in any other capitalisation it is the header.
        if let Some(header) = headers.insert("link".to_owned(), headers::links(&self.headers)) {
            headers.insert(LINK.to_owned(), header);
        }
        Json::Object(headers)
    }

    /// An answer that is a part of another one: children that a parent's record holds.
    pub(crate) fn embedded(body: &Json) -> Response {
        Response {
            status: 200,
            headers: Vec::new(),
            url: String::new(),
            ignored: false,
            action: Action::Success,
            body: client::Body::ready(body.to_string()),
        }
    }
}
