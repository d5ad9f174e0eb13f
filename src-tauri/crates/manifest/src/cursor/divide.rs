//! Shorter windows, for an API that does not give a whole one.

use super::point::Point;
use super::settings::Settings;
use crate::context::Slice;
use crate::expression::datetime::{Duration, Moment};

impl Settings {
    /// The two halves of a window, one granule apart. None: it cannot be divided, or is not longer than `least`.
    pub(crate) fn halves(&self, slice: &Slice, least: Option<Duration>) -> Option<[Slice; 2]> {
        let granule = self.granularity.filter(|granule| granule.months == 0 && granule.microseconds > 0)?;
        let granule = granule.microseconds;
        let (start, end) = (self.border(slice, &self.borders.0)?, self.border(slice, &self.borders.1)?);
        let span = i128::from(end.at.as_microsecond()) - i128::from(start.at.as_microsecond());
        if span <= 0 || least.is_some_and(|least| span <= i128::from(least.microseconds)) {
            return None;
        }
        let granules = span / i128::from(granule) + 1;
        let middle = i64::try_from(granules / 2 * i128::from(granule)).ok().filter(|middle| *middle > 0)?;
        let later = |microseconds: i64| start.plus(Duration { months: 0, microseconds });
        let (first_end, second_start) = (later(middle - granule)?, later(middle)?);
        if second_start.at > end.at {
            return None;
        }
        Some([self.window(slice, start, first_end), self.window(slice, second_start, end)])
    }

    /// What is left of a window from a point on. None: that is all of it.
    pub(crate) fn rest(&self, slice: &Slice, from: &Point) -> Option<Slice> {
        let mut rest = slice.clone();
        let start = rest.window.get_mut(&self.borders.0)?;
        let shown = self.show(from);
        let is_later = self.read(start).is_none_or(|start| start.is_before(from));
        if !is_later || *start == shown {
            return None;
        }
        *start = shown;
        Some(rest)
    }

    fn border(&self, slice: &Slice, name: &str) -> Option<Moment> {
        self.read(slice.window.get(name)?)?.moment()
    }

    fn window(&self, slice: &Slice, start: Moment, end: Moment) -> Slice {
        let mut window = slice.clone();
        window.window.insert(self.borders.0.clone(), self.show(&Point::Time(start)));
        window.window.insert(self.borders.1.clone(), self.show(&Point::Time(end)));
        window
    }
}
