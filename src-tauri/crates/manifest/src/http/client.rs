//! The HTTP client of a run: connections, limits, budgets, kept answers.

/// Sends requests for all streams of a run.
pub struct Client {}

/// A body that is read once, bounded in size.
pub struct Body {}
