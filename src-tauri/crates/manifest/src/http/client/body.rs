//! The body of an answer: read once, bounded in size, never silent for long.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;

use super::failure;
use crate::Json;

/// A body that is read once, bounded in size.
pub struct Body {
    /// What was read of it already.
    start: Bytes,
    /// What is still to come; none when it was read whole.
    rest: Option<BoxStream<'static, Result<Bytes>>>,
    /// The whole body as JSON, when the error handler looked at it.
    parsed: Option<Json>,
    limit: u64,
}

impl Body {
    /// A body that is there.
    pub fn ready(bytes: impl Into<Bytes>) -> Body {
        Body { start: bytes.into(), rest: None, parsed: None, limit: u64::MAX }
    }

    /// A body that arrives; `idle` is how long it may stall, `limit` how large it may get when it is streamed.
    pub(crate) fn arriving(response: reqwest::Response, host: String, idle: Duration, limit: u64) -> Body {
        let chunks = Box::pin(response.bytes_stream());
        let rest = stream::unfold(Some(chunks), move |chunks| {
            let host = host.clone();
            async move {
                let mut chunks = chunks?;
                match tokio::time::timeout(idle, chunks.next()).await {
                    Err(_) => Some((Err(failure::stalled(&host, idle)), None)),
                    Ok(None) => None,
                    Ok(Some(Err(error))) => Some((Err(failure::of_body(&host, error)), None)),
                    Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some(chunks))),
                }
            }
        });
        Body { start: Bytes::new(), rest: Some(rest.boxed()), parsed: None, limit }
    }

    /// The whole body.
    ///
    /// # Errors
    /// `LimitExceeded` when it is larger than `limit`; `ConnectionLost` or `Timeout` when it ends early or stalls.
    pub async fn bytes(mut self, limit: u64) -> Result<Bytes> {
        match self.peek(limit).await? {
            Some(bytes) => Ok(bytes),
            None => Err(too_large(limit)),
        }
    }

    /// The whole body, if it is not larger than `limit`. It can still be read.
    pub(crate) async fn peek(&mut self, limit: u64) -> Result<Option<Bytes>> {
        let Some(rest) = &mut self.rest else {
            return Ok((self.start.len() as u64 <= limit).then(|| self.start.clone()));
        };
        let mut whole = BytesMut::from(std::mem::take(&mut self.start));
        while whole.len() as u64 <= limit {
            match rest.next().await {
                Some(Ok(bytes)) => whole.extend_from_slice(&bytes),
                Some(Err(error)) => return Err(error),
                None => {
                    self.rest = None;
                    self.start = whole.freeze();
                    return Ok(Some(self.start.clone()));
                }
            }
        }
        self.start = whole.freeze();
        Ok(None)
    }

    /// Piece by piece.
    pub fn stream(self) -> BoxStream<'static, Result<Bytes>> {
        let start = (!self.start.is_empty()).then_some(Ok(self.start));
        let pieces = stream::iter(start).chain(self.rest.unwrap_or_else(|| stream::empty().boxed()));
        let limit = self.limit;
        let counted = pieces.scan(0_u64, move |total, piece| {
            let piece = piece.and_then(|bytes: Bytes| {
                *total += bytes.len() as u64;
                if *total > limit { Err(too_large(limit)) } else { Ok(bytes) }
            });
            futures::future::ready(Some(piece))
        });
        counted.boxed()
    }

    /// As a reader. Its errors carry the real one: see [`failure::from_io`].
    pub fn reader(self) -> impl AsyncRead + Send + Unpin + 'static {
        StreamReader::new(self.stream().map(|piece| piece.map_err(std::io::Error::other)))
    }

    pub(crate) fn remember(&mut self, parsed: Json) {
        self.parsed = Some(parsed);
    }

    pub(crate) fn take_parsed(&mut self) -> Option<Json> {
        self.parsed.take()
    }
}

fn too_large(limit: u64) -> Error {
    let limit = if limit >= 1 << 20 { format!("{} MiB", limit >> 20) } else { format!("{limit} bytes") };
    Error::new(ErrorKind::LimitExceeded, format!("One answer of the API is larger than {limit}."))
        .fix("Read it in smaller pages or time windows, or leave this table out.")
}
