//! The HTTP client of a run: connections, limits, budgets, kept answers.

/// Sends requests for all streams of a run.
pub struct Client {}

/// What a client allows.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Whether a public API may send us on to private addresses.
    pub allow_private: bool,
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// `Internal`, when TLS cannot be set up.
    pub fn new(_limits: Limits) -> syncline_protocol::Result<Client> {
        todo!("owner: http")
    }
}

/// A body that is read once, bounded in size.
pub struct Body {}
