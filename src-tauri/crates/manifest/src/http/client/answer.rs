//! What a server answered: its body is read once, piece by piece or whole, and never beyond a limit.

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::Url;
use syncline_protocol::{Error, ErrorKind, Result};

use super::Limits;

/// What a server answered, its body still to be read.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers; names in small letters.
    pub headers: Vec<(String, String)>,
    /// The address that answered, after redirects.
    pub url: Url,
    /// The body.
    pub body: Body,
}

impl Answer {
    /// The same answer with its body read, so that it can be given again and again.
    ///
    /// # Errors
    /// As [`Body::whole`].
    pub async fn keep(self) -> Result<Kept> {
        let Answer { status, headers, url, body } = self;
        Ok(Kept { status, headers, url, body: body.whole().await? })
    }
}

/// An answer whose body is here.
#[derive(Clone)]
pub struct Kept {
    /// Its status.
    pub status: u16,
    /// Its headers; names in small letters.
    pub headers: Vec<(String, String)>,
    /// The address that answered, after redirects.
    pub url: Url,
    /// The whole body.
    pub body: Bytes,
}

impl From<Kept> for Answer {
    fn from(kept: Kept) -> Answer {
        let Kept { status, headers, url, body } = kept;
        Answer { status, headers, url, body: Body::ready(body) }
    }
}

/// A body that is read once, bounded in size.
pub struct Body {
    bytes: BoxStream<'static, Result<Bytes>>,
    limits: Limits,
    /// How long it will be, when the server told.
    length: Option<u64>,
}

impl Body {
    /// A body that is already here.
    pub fn ready(bytes: Bytes) -> Body {
        let limits = Limits { stream_bytes: u64::MAX, body_bytes: u64::MAX, ..Limits::default() };
        Body { bytes: futures::stream::once(async { Ok(bytes) }).boxed(), limits, length: None }
    }

    /// A body that is still to come. `length`: how long the server says that it is.
    pub(super) fn coming(
        bytes: BoxStream<'static, Result<Bytes>>,
        limits: Limits,
        length: Option<u64>,
    ) -> Body {
        Body { bytes, limits, length }
    }

    /// The same body, with something that its bytes pass through before they are counted.
    pub(in crate::http) fn through(
        self,
        pass: impl FnOnce(BoxStream<'static, Result<Bytes>>) -> BoxStream<'static, Result<Bytes>>,
    ) -> Body {
        Body { bytes: pass(self.bytes), ..self }
    }

    /// The whole body.
    ///
    /// # Errors
    /// `LimitExceeded`; `ConnectionLost` or `Timeout` when it does not come to its end.
    pub async fn whole(mut self) -> Result<Bytes> {
        let limit = self.limits.body_bytes;
        let length = self.length.unwrap_or(0);
        if length > limit {
            return Err(too_large(limit));
        }
        let Some(first) = self.bytes.try_next().await? else { return Ok(Bytes::new()) };
        let (mut pieces, mut total) = (vec![first], 0);
        // Put together at the end: a body that turns out to be too large never takes more than the limit.
        loop {
            total += pieces.last().map_or(0, Bytes::len);
            if total as u64 > limit {
                return Err(too_large(limit));
            }
            match self.bytes.try_next().await? {
                Some(piece) => pieces.push(piece),
                None if pieces.len() == 1 => return Ok(pieces.swap_remove(0)),
                None => return Ok(pieces.concat().into()),
            }
        }
    }

    /// The body piece by piece.
    pub fn pieces(self) -> BoxStream<'static, Result<Bytes>> {
        let limit = self.limits.stream_bytes;
        let mut seen = 0_u64;
        self.bytes
            .map(move |piece| {
                let piece = piece?;
                seen += piece.len() as u64;
                if seen > limit { Err(too_large(limit)) } else { Ok(piece) }
            })
            .boxed()
    }
}

pub(in crate::http) fn too_large(limit: u64) -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        format!("The API answered with more than {} MB at once.", limit >> 20),
    )
    .meaning("Nothing of this answer was loaded.")
    .fix("Ask for smaller pages, if the connector has a setting for that.")
}
