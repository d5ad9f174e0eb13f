//! Waiting: a seam, so that tests do not wait.

use std::time::{Duration, Instant};

use async_trait::async_trait;

/// Time as a client experiences it.
#[async_trait]
pub trait Pause: Send + Sync {
    /// Now.
    fn now(&self) -> Instant;
    /// Waits.
    async fn wait(&self, time: Duration);
}

/// Time as it passes.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealTime;

#[async_trait]
impl Pause for RealTime {
    fn now(&self) -> Instant {
        Instant::now()
    }

    async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
