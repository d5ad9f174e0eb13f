//! How a person stops a run: at a durable point, or now; and how one has it go on.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Asks a run to stop, or to go on at once. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    soon: CancellationToken,
    now: CancellationToken,
    hurry: Arc<Notify>,
}

impl Stop {
    /// A run that nobody has asked to stop.
    pub fn new() -> Self {
        Stop::default()
    }

    /// Stop at the next durable point: what is being read is finished up to its next checkpoint and committed.
    pub fn soon(&self) {
        self.soon.cancel();
    }

    /// Stop now: what is not durable is dropped. The next run goes on from the last checkpoint.
    pub fn now(&self) {
        self.soon.cancel();
        self.now.cancel();
    }

    /// Do not wait any longer before the next attempt. Without effect while none is waited for.
    pub fn hurry(&self) {
        self.hurry.notify_waiters();
    }

    pub(crate) async fn hurried(&self) {
        self.hurry.notified().await;
    }

    /// Whether either was asked for.
    pub fn requested(&self) -> bool {
        self.soon.is_cancelled()
    }

    pub(crate) fn immediate(&self) -> bool {
        self.now.is_cancelled()
    }

    pub(crate) async fn wait(&self) {
        self.soon.cancelled().await;
    }

    pub(crate) async fn wait_now(&self) {
        self.now.cancelled().await;
    }
}
