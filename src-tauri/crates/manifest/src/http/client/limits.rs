//! What a client never exceeds.

use std::time::Duration;

/// The bounds of one client.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long a connection may take to be made, when the requester says nothing else.
    pub connect: Duration,
    /// How long a server may be silent: before its answer, and in the middle of a body.
    pub silence: Duration,
    /// Bytes of a body that is read whole, after decompression.
    pub body_bytes: u64,
    /// Bytes of a body that is decoded piece by piece, after decompression.
    pub stream_bytes: u64,
    /// Bytes of one piece of such a body: a line, a record.
    pub element_bytes: usize,
    /// How often one request is redirected.
    pub redirects: usize,
    /// Whether a public API may lead to private addresses (this computer, the local network).
    pub allow_private: bool,
    /// The longest single wait before another attempt. A server that wants more is told as an error.
    pub wait: Duration,
    /// How long one request waits in total for rate limits that the server announced.
    pub rate_limited: Duration,
    /// Bytes of kept answers in memory; more go to a temporary file.
    pub kept_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect: Duration::from_secs(30),
            silence: Duration::from_secs(300),
            body_bytes: 256 << 20,
            stream_bytes: 256 << 30,
            element_bytes: 64 << 20,
            redirects: 30,
            allow_private: false,
            wait: Duration::from_secs(2 * 3600),
            rate_limited: Duration::from_secs(4 * 3600),
            kept_bytes: 32 << 20,
        }
    }
}
