//! Waiting, and saying what for.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::context::{Output, Run};

/// Waits, and tells what for and until when.
pub(crate) async fn wait(run: &Run, time: Duration, what: &str, output: &dyn Output) {
    if time.is_zero() {
        return;
    }
    output.waiting(Some(&format!("{what} until {}", until(run.now(), time))));
    run.client.pause.wait(run.wait(time)).await;
    output.waiting(None);
}

/// The time of day, with seconds when it is soon.
fn until(now: Timestamp, time: Duration) -> String {
    let Ok(at) = now.checked_add(time) else { return "much later".to_owned() };
    let at = at.to_zoned(jiff::tz::TimeZone::system());
    let form = match time.as_secs() {
        0..=90 => "%H:%M:%S",
        91..=43_200 => "%H:%M",
        _ => "%Y-%m-%d %H:%M",
    };
    at.strftime(form).to_string()
}

/// What a server asks for in `Retry-After`: seconds, or a date.
pub(crate) fn retry_after(run: &Run, headers: &[(String, String)]) -> Option<Duration> {
    let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = rfc2822::parse(value).ok()?.timestamp();
    Duration::try_from(at.duration_since((run.clock)())).ok()
}
