//! What a client never exceeds.

use std::time::Duration;

/// The bounds of one client.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long a connection may take to be made, when the requester says nothing else.
    pub connect: Duration,
    /// How long a server may be silent: before its answer, and in the middle of a body.
    pub idle: Duration,
    /// Bytes of a body that is read whole, after decompression.
    pub body: u64,
    /// Bytes of a body that is decoded piece by piece, after decompression.
    pub streamed: u64,
    /// Bytes of one piece of such a body: a line, a record.
    pub element: usize,
    /// How often one request is redirected.
    pub redirects: usize,
    /// Whether a public API may lead to private addresses (this computer, the local network).
    pub private_redirects: bool,
    /// The longest single wait before another attempt. A server that wants more is told as an error.
    pub wait: Duration,
    /// How long one request waits in total for rate limits that the server announced.
    pub rate_limited: Duration,
    /// Bytes of kept answers in memory; more go to a temporary file.
    pub kept: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect: Duration::from_secs(30),
            idle: Duration::from_secs(300),
            body: 256 << 20,
            streamed: 256 << 30,
            element: 64 << 20,
            redirects: 30,
            private_redirects: false,
            wait: Duration::from_secs(2 * 3600),
            rate_limited: Duration::from_secs(4 * 3600),
            kept: 32 << 20,
        }
    }
}
