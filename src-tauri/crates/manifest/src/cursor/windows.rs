//! From what was read already to the windows of time that are still to be read, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use super::settings::Settings;
use crate::expression::datetime::Moment;

/// A stretch of time that was not read yet.
#[derive(Debug, Clone)]
pub(crate) struct Gap {
    pub(crate) lower: Moment,
    pub(crate) upper: Moment,
    /// Whether it reaches to the end of what is to be read, not just to what was read before.
    pub(crate) is_last: bool,
}

/// The windows in some gaps. Made one by one: steps of a minute since 2000 are millions of them.
pub(crate) struct Windows {
    settings: Arc<Settings>,
    gaps: VecDeque<Gap>,
    /// From where the current gap goes on.
    next: Option<(Moment, Gap)>,
    start: Moment,
    end: Moment,
}

impl Windows {
    pub(crate) fn new(settings: Arc<Settings>, gaps: Vec<Gap>, start: Moment, end: Moment) -> Windows {
        Windows { settings, gaps: gaps.into(), next: None, start, end }
    }

    /// Where a step from here ends; the end of everything without a step, or beyond the calendar.
    fn step_from(&self, lower: Moment) -> Moment {
        self.settings.step.and_then(|step| lower.plus(step)).unwrap_or(self.end)
    }

    /// A window's last moment: the next window begins one granule later.
    fn before(&self, upper: Moment) -> Moment {
        self.settings.granularity.and_then(|granule| upper.minus(granule)).unwrap_or(upper)
    }

    /// Begins with a gap: its only window, or none when it is empty or longer than a step.
    fn open(&mut self, gap: Gap) -> Option<(Moment, Moment)> {
        let settings = Arc::clone(&self.settings);
        let is_point = |lower: Moment| lower.at == gap.upper.at;
        if gap.lower.at > gap.upper.at || (is_point(gap.lower) && settings.granularity.is_none()) {
            return None;
        }
        if gap.upper.at < self.start.at {
            return None;
        }
        let lower = if gap.lower.at < self.start.at { self.start } else { gap.lower };
        let lower = settings.clamped(lower);
        if lower.at > gap.upper.at || (is_point(lower) && (settings.is_compare_strictly || !gap.is_last)) {
            return None;
        }
        if self.step_from(lower).at < gap.upper.at {
            self.next = Some((lower, gap));
            return None;
        }
        // The last moment to read is itself a granule: clamped, it would lie beyond the end.
        let upper = match gap.is_last && settings.granularity.is_some() {
            true => gap.upper,
            false => settings.clamped(gap.upper),
        };
        Some((lower, if gap.is_last { upper } else { self.before(upper) }))
    }

    /// The next window of a gap that is longer than a step.
    fn walk(&mut self, lower: Moment, gap: Gap) -> Option<(Moment, Moment)> {
        let stepped = self.step_from(lower);
        let is_whole = stepped.at < gap.upper.at;
        let upper = if is_whole { self.settings.clamped(stepped) } else { gap.upper };
        let reached = !is_whole || upper.at == gap.upper.at;
        let lower = self.settings.clamped(lower);
        if lower.at >= upper.at {
            return None;
        }
        let last = if gap.is_last && reached { upper } else { self.before(upper) };
        if !reached {
            self.next = Some((upper, gap));
        }
        Some((lower, last))
    }
}

impl Iterator for Windows {
    type Item = (Moment, Moment);

    fn next(&mut self) -> Option<(Moment, Moment)> {
        loop {
            let window = match self.next.take() {
                Some((lower, gap)) => self.walk(lower, gap),
                None => {
                    let gap = self.gaps.pop_front()?;
                    self.open(gap)
                }
            };
            if window.is_some() {
                return window;
            }
        }
    }
}
