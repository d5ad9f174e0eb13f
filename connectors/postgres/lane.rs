//! A connection that reads COPY at full speed: one large buffer, and bytes go to the decoder where they lie.
//!
//! The driver would wrap each row in a message of its own and pass it between two tasks. Here the few messages that a
//! simple query can be answered with are read directly
//! (<https://www.postgresql.org/docs/current/protocol-message-formats.html>). After an error a lane is not used again.

use std::fmt;

use syncline_protocol::{Error, ErrorKind, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::{Canceller, Wire};
use super::error::refused;

const BUFFER_BYTES: usize = 256 << 10;
/// No message but row data is longer than this; one that says so is not from a Postgres server.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// A signed-in connection in the hands of one reader.
pub(super) struct Lane {
    wire: Wire,
    canceller: Canceller,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// How much of a row message is still to come.
    row_left: usize,
    busy: bool,
}

/// A message of the server, as far as a reader cares.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// Bytes of COPY data at this place in the buffer, for [`Lane::bytes`].
    Data { start: usize, end: usize },
    /// The first column of a result row, as text.
    Row(Option<String>),
    /// A statement ended, with its tag ("COPY 42").
    Complete(String),
    /// All statements ended.
    Ready,
}

impl Lane {
    pub(super) fn new(wire: Wire, canceller: Canceller) -> Lane {
        Lane { wire, canceller, buffer: vec![0; BUFFER_BYTES], start: 0, end: 0, row_left: 0, busy: false }
    }

    /// Sends statements. Their answers come with [`next`](Lane::next) up to `Ready`.
    ///
    /// # Errors
    /// `ConnectionLost`.
    pub(super) async fn send(&mut self, statements: &str) -> Result<()> {
        let length = u32::try_from(statements.len() + 5)
            .map_err(|_| Error::new(ErrorKind::LimitExceeded, "A statement is longer than 4 GB."))?;
        let mut message = Vec::with_capacity(statements.len() + 6);
        message.push(b'Q');
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(statements.as_bytes());
        message.push(0);
        self.busy = true;
        self.wire.write_all(&message).await.map_err(lost)?;
        self.wire.flush().await.map_err(lost)
    }

    /// The next message that is in the buffer; none when more bytes are needed: [`fill`](Lane::fill).
    ///
    /// # Errors
    /// What the server answers with, mapped to a kind; `ConnectionLost` when it does not speak the protocol.
    pub(super) fn next(&mut self) -> Result<Option<Message>> {
        loop {
            if self.row_left > 0 {
                return Ok(self.row_data());
            }
            let Some(([tag, length @ ..], body)) =
                self.buffer.get(self.start..self.end).and_then(<[u8]>::split_first_chunk::<5>)
            else {
                return Ok(None);
            };
            let length = (u32::from_be_bytes(*length) as usize).checked_sub(4).ok_or_else(garbled)?;
            if *tag == b'd' {
                self.start += 5;
                self.row_left = length;
                continue;
            }
            if length > MESSAGE_BYTES_MAX {
                return Err(garbled());
            }
            let Some(body) = body.get(..length) else {
                self.make_room(length + 5);
                return Ok(None);
            };
            let message = read_message(*tag, body)?;
            self.start += 5 + length;
            if message == Some(Message::Ready) {
                self.busy = false;
            }
            if message.is_some() {
                return Ok(message);
            }
        }
    }

    fn row_data(&mut self) -> Option<Message> {
        let length = self.row_left.min(self.end - self.start);
        if length == 0 {
            return None;
        }
        let start = self.start;
        self.start += length;
        self.row_left -= length;
        Some(Message::Data { start, end: start + length })
    }

    /// The bytes of a `Data` message. Valid until the next `fill`.
    pub(super) fn bytes(&self, start: usize, end: usize) -> &[u8] {
        &self.buffer[start..end]
    }

    fn make_room(&mut self, message: usize) {
        if message > self.buffer.len() {
            self.buffer.resize(message, 0);
        }
    }

    /// Waits for more bytes. Cancel-safe.
    ///
    /// # Errors
    /// `ConnectionLost` when the connection broke or ended.
    pub(super) async fn fill(&mut self) -> Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        match self.wire.read(&mut self.buffer[self.end..]).await.map_err(lost)? {
            0 => Err(Error::new(ErrorKind::ConnectionLost, "The database server closed the connection.")),
            read => {
                self.end += read;
                Ok(())
            }
        }
    }

    /// The handle that stops what the server is doing for this lane.
    pub(super) fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Ends the connection politely.
    pub(super) async fn close(mut self) {
        let _ = self.wire.write_all(&[b'X', 0, 0, 0, 4]).await;
        let _ = self.wire.shutdown().await;
    }
}

impl Drop for Lane {
    /// A reader that is dropped in the middle must not leave its statement running: a backend that sorts or waits
    /// does not notice a closed socket.
    fn drop(&mut self) {
        if self.busy {
            self.canceller.clone().cancel_detached();
        }
    }
}

/// The messages a simple query is answered with; those that do not matter give none.
fn read_message(tag: u8, body: &[u8]) -> Result<Option<Message>> {
    match tag {
        b'C' => Ok(Some(Message::Complete(text(body.strip_suffix(b"\0").unwrap_or(body))))),
        b'D' => first_column(body).map(|value| Some(Message::Row(value))),
        b'Z' => Ok(Some(Message::Ready)),
        b'E' => Err(read_refusal(body)),
        // copy begins and ends, row description, empty query, notice, parameter, notification
        b'H' | b'c' | b'T' | b'I' | b'N' | b'S' | b'A' => Ok(None),
        _ => Err(garbled()),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn first_column(body: &[u8]) -> Result<Option<String>> {
    let length =
        body.get(2..6).and_then(|b| b.try_into().ok()).map(i32::from_be_bytes).ok_or_else(garbled)?;
    match usize::try_from(length) {
        Ok(length) => body.get(6..6 + length).map(|value| Some(text(value))).ok_or_else(garbled),
        Err(_) => Ok(None),
    }
}

fn read_refusal(body: &[u8]) -> Error {
    let (mut code, mut said, mut hint, mut severity) = (String::new(), String::new(), None, String::new());
    for field in body.split(|byte| *byte == 0) {
        match field.split_first() {
            Some((b'C', value)) => code = text(value),
            Some((b'M', value)) => said = text(value),
            Some((b'H', value)) => hint = Some(text(value)),
            Some((b'S', value)) => severity = text(value),
            _ => {}
        }
    }
    refused(&code, &said, hint.as_deref()).caused_by(ServerError { severity, message: said })
}

/// What the server said, for the details view.
#[derive(Debug)]
struct ServerError {
    severity: String,
    message: String,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity, self.message)
    }
}

impl std::error::Error for ServerError {}

fn lost(error: std::io::Error) -> Error {
    Error::new(ErrorKind::ConnectionLost, "The connection to the database broke.").caused_by(error)
}

fn garbled() -> Error {
    Error::new(ErrorKind::ConnectionLost, "The database server sent something that is not its protocol.")
}
