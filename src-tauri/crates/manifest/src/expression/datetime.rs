//! Times the way the reference reads and prints them.

use jiff::Timestamp;
use syncline_protocol::Result;

/// A moment with the offset it was written with: what Python's aware `datetime` holds (microseconds).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The instant.
    pub at: Timestamp,
    /// Its offset from UTC in seconds.
    pub offset: i32,
}

/// A duration as ISO 8601 has it (`P1M`, `PT0.5S`): calendar parts apart, because a month is not a number of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Duration {
    /// Years and months, in months.
    pub months: i64,
    /// Weeks, days and smaller, in microseconds.
    pub microseconds: i64,
}

impl Duration {
    /// Reads `P1DT2H`.
    ///
    /// # Errors
    /// `Config`, when the text is no duration.
    pub fn parse(_text: &str) -> Result<Duration> {
        todo!("owner: expression")
    }
}

impl Moment {
    /// Reads a text with a format of the reference (`%Y-%m-%dT%H:%M:%S.%f%z`, `%s`, `%ms`, `%_ms`, `%s_as_float`,
    /// `%epoch_microseconds`). Without an offset it is UTC. None when the text does not fit.
    pub fn parse(_text: &str, _format: &str) -> Option<Moment> {
        todo!("owner: expression")
    }

    /// Prints it in its own offset.
    pub fn format(&self, _format: &str) -> String {
        todo!("owner: expression")
    }

    /// This moment plus a duration; a day that the month does not have becomes its last one.
    #[must_use]
    pub fn plus(&self, _duration: Duration) -> Option<Moment> {
        todo!("owner: expression")
    }

    /// This moment minus a duration.
    #[must_use]
    pub fn minus(&self, _duration: Duration) -> Option<Moment> {
        todo!("owner: expression")
    }
}
