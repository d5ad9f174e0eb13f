//! What a page's body holds: its records, as text where that is enough, and what templates see of it.

use std::time::Duration;

use futures::stream::BoxStream;
use serde_json::json;
use syncline_protocol::{Error, ErrorKind, Result};

use super::SliceRead;
use super::pages::Simple;
use crate::Json;
use crate::http::client::Body;
use crate::http::{Action, Response};
use crate::paging::Needs;
use crate::records::{RawRecords, raw};

/// The body of a page.
pub(super) struct Content {
    /// What templates see as `response`.
    pub(super) seen: Json,
    pub(super) records: Records,
}

pub(super) enum Records {
    /// The records themselves, as text.
    Text(RawRecords),
    /// Elements in which the records are still to be found.
    Elements(BoxStream<'static, Result<Vec<Json>>>),
}

impl Records {
    /// What is known of the records before they are taken. `is_straight`: nothing is done to them.
    pub(super) fn known(&self, is_straight: bool) -> Needs {
        match self {
            Records::Text(_) if is_straight => Needs::Last,
            Records::Text(_) => Needs::Count,
            Records::Elements(_) => Needs::Nothing,
        }
    }
}

/// How often a page is asked for again whose body broke off.
const BREAKS_MAX: u32 = 2;

/// How a page was asked for.
pub(super) struct Question<'a> {
    pub(super) variables: &'a [(&'a str, &'a Json)],
    pub(super) token: Option<&'a Json>,
    pub(super) size: Option<i64>,
}

impl Simple {
    /// Reads the body of an answer, and what templates see of its headers. A body that breaks off was no answer: the page
    /// is asked for again.
    ///
    /// # Errors
    /// As [`content`](Self::content), when that does not help.
    pub(super) async fn opened(
        &self,
        read: &SliceRead<'_>,
        mut response: Response,
        question: &Question<'_>,
    ) -> Result<(Json, Content)> {
        for breaks in 0.. {
            let headers = response.headers_json();
            let error = match self.content(read, response).await {
                Ok(content) => return Ok((headers, content)),
                Err(error) => error,
            };
            let broke_off = matches!(error.kind(), ErrorKind::ConnectionLost | ErrorKind::Timeout);
            if !broke_off || breaks >= BREAKS_MAX {
                return Err(error.with("table", read.stream));
            }
            read.output.waiting(Some("An answer of the API broke off; the page is asked for again."));
            tokio::time::sleep(read.run.wait(Duration::from_secs(1 << breaks))).await;
            read.output.waiting(None);
            response = Box::pin(self.fetch(read, question.variables, question.token, question.size)).await?;
            if response.action != Action::Success || response.ignored {
                return Err(error.with("table", read.stream));
            }
        }
        Err(Error::internal("A page was asked for without end."))
    }

    /// Reads the body of an answer.
    ///
    /// # Errors
    /// Of the connection, and of the decoder.
    async fn content(&self, read: &SliceRead<'_>, mut response: Response) -> Result<Content> {
        let path = if self.decoder.is_json() { self.selector.list(read.run)? } else { None };
        if let Some(path) = path {
            let body = response.body.whole().await?;
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            let records = RawRecords::find(&body, &names);
            if let (Some(records), Some(seen)) = (records, self.seen(&body, &names)) {
                return Ok(Content { seen, records: Records::Text(records) });
            }
            response.body = Body::ready(body);
        }
        let decoded = self.decoder.decode(read.run, response, self.paginator.looks_at_response()).await?;
        Ok(Content { seen: decoded.response, records: Records::Elements(decoded.elements) })
    }

    /// What templates see of a body whose records are not taken apart: everything around them, unless they look there,
    /// too. None: it must be read as a value.
    fn seen(&self, body: &[u8], path: &[&str]) -> Option<Json> {
        match self.paginator.looks_at_response() {
            false => Some(json!({})),
            true if path.is_empty() => None,
            true if self.paginator.looks_at(path) => serde_json::from_slice(body).ok(),
            true => raw::around(body, path),
        }
    }
}
