//! Waiting for conditions. The only place in the tests where time passes without anything happening.

use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Asks `condition` until it holds. Returns whether it held before `deadline` was over.
pub async fn wait_for(mut condition: impl AsyncFnMut() -> bool, deadline: Duration) -> bool {
    let end = Instant::now() + deadline;
    loop {
        if condition().await {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
