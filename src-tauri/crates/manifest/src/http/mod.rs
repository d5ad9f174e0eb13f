//! One request and its answer: address, options, authenticator, error handler, waiting, decoder.

pub mod client;

use syncline_protocol::Result;

use crate::context::{Output, Run, Slice};
use crate::document::Node;
use crate::{Json, Map};

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

/// Where an option goes (`RequestOption`).
#[derive(Debug, Clone)]
pub struct RequestOption {}

impl RequestOption {
    /// From its component.
    ///
    /// # Errors
    /// `Config`, when it is not valid.
    pub fn new(_node: &Node<'_>) -> Result<RequestOption> {
        todo!("owner: http")
    }

    /// Puts `value` into its place. Its name may be a template over the configuration.
    ///
    /// # Errors
    /// `Config`, when the place is taken.
    pub fn put(&self, _run: &Run, _value: Json, _options: &mut Options) -> Result<()> {
        todo!("owner: http")
    }
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
    /// Headers with the server's capitalisation; values are text, `link` is replaced by the parsed Link header when
    /// templates read it through [`Response::headers_json`].
    pub headers: Vec<(String, String)>,
    /// The address that answered.
    pub url: String,
    /// Whether the error handler ignores it, or it is no 2xx that the handler calls a success: it has no records and
    /// ends paging.
    pub ignored: bool,
    /// The body, still to be read.
    pub body: client::Body,
}

impl Response {
    /// What templates see as `headers`.
    pub fn headers_json(&self) -> Json {
        todo!("owner: http")
    }
}

/// A requester (`HttpRequester`) with authenticator and error handler. Tries again as the handler says.
pub struct Requester {}

impl Requester {
    /// From its component. `parent`: it serves a parent stream, whose answers are kept for others.
    ///
    /// # Errors
    /// `Config` when it is not valid, `Unsupported` when it names a class that is unknown here.
    pub fn new(_node: &Node<'_>) -> Result<Requester> {
        todo!("owner: http")
    }

    /// Answers to GET are kept during the run, so that a stream read as itself and as a parent is read once
    /// (`use_cache`, and every parent unless the manifest says no).
    pub fn keep_answers(&mut self) {
        todo!("owner: http")
    }

    /// Sends one request until the error handler is content. Waits as budget, backoff and server say, telling
    /// `output` what for. Dropping the future cancels.
    ///
    /// # Errors
    /// Of the kind the handler's verdict maps to, with the API's message (never its secrets); `Stopped`.
    pub async fn send(&self, _run: &Run, _asked: Asked<'_>, _output: &dyn Output) -> Result<Response> {
        todo!("owner: http")
    }
}

/// Turns a body into JSON elements (`JsonDecoder`, `JsonlDecoder`, `CsvDecoder`, `GzipDecoder` …).
#[derive(Debug, Clone)]
pub struct Decoder {}

/// What came out of a body.
pub struct Decoded {
    /// What templates of paginators see as `response`: the first element (the first item when the body is a list);
    /// `{}` for bodies decoded piece by piece.
    pub response: Json,
    /// Elements, in batches; one batch with one element for plain JSON.
    pub elements: futures::stream::BoxStream<'static, Result<Vec<Json>>>,
}

impl Decoder {
    /// From its component.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub fn new(_node: &Node<'_>) -> Result<Decoder> {
        todo!("owner: http")
    }

    /// Plain JSON: what is used when a retriever names no decoder.
    pub fn json() -> Decoder {
        todo!("owner: http")
    }

    /// Decodes. A plain JSON body is read whole, within the limit of the client; others pass through piece by piece.
    ///
    /// # Errors
    /// `CorruptInput` when the body is not what it should be (with `Compatibility::Exact` that gives `{}`);
    /// `LimitExceeded`; `ConnectionLost`.
    pub async fn decode(&self, _run: &Run, _response: Response) -> Result<Decoded> {
        todo!("owner: http")
    }
}
