//! One request and its answer: address, options, authenticator, error handler, waiting, decoder.

mod auth;
pub mod budget;
pub mod client;
mod decode;
mod encode;
mod errors;
mod links;
mod options;
mod requester;
pub mod sign_in;
mod tape;

pub use errors::Action;
pub(crate) use errors::named;
pub(crate) use links::{CASELESS, LINK_HEADER};
pub use options::{Options, RequestOption};
pub use requester::{Asked, Requester, Response};

use syncline_protocol::Result;

use crate::Json;
use crate::context::Run;
use crate::document::Node;

/// Turns a body into JSON elements (`JsonDecoder`, `JsonlDecoder`, `CsvDecoder`, `GzipDecoder` …).
#[derive(Debug, Clone)]
pub struct Decoder {
    format: decode::Format,
}

/// What came out of a body.
pub struct Decoded {
    /// What templates see as `response`: the first element (the first item when the body is a list); `{}` for bodies
    /// decoded piece by piece, and when nobody looks at it.
    pub response: Json,
    /// Elements, in batches; one batch with one element for plain JSON.
    pub elements: futures::stream::BoxStream<'static, Result<Vec<Json>>>,
}

impl Decoder {
    /// From its component.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub fn new(node: &Node<'_>) -> Result<Decoder> {
        Ok(Decoder { format: decode::Format::new(node)? })
    }

    /// Plain JSON: what is used when a retriever names no decoder.
    pub fn json() -> Decoder {
        Decoder { format: decode::Format::Json }
    }

    /// Whether bodies are plain JSON.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.format, decode::Format::Json)
    }

    /// Decodes. `looked_at`: templates look at the answer, beside its records. A plain JSON body is read whole, within the limit of the client; others pass through piece by piece.
    ///
    /// # Errors
    /// `CorruptInput` when the body is not what it should be (with `Compatibility::Exact` that gives `{}`);
    /// `LimitExceeded`; `ConnectionLost`.
    pub async fn decode(&self, run: &Run, response: Response, looked_at: bool) -> Result<Decoded> {
        self.format.decode(run, response, looked_at).await
    }
}
