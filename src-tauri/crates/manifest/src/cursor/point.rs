//! A place on the scale of a cursor: a time, or a number that only grows.

use std::cmp::Ordering;

use serde_json::Number;

use crate::expression::datetime::Moment;

/// A value of a cursor field. All points of one cursor are of the same sort.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Point {
    Time(Moment),
    Count(Number),
}

impl Point {
    /// Which comes first. Moments are compared as instants, whatever offset they were written with.
    pub(crate) fn order(&self, other: &Point) -> Ordering {
        match (self, other) {
            (Point::Time(left), Point::Time(right)) => left.at.cmp(&right.at),
            (Point::Count(left), Point::Count(right)) => match (left.as_i64(), right.as_i64()) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal),
            },
            (Point::Time(_), Point::Count(_)) => Ordering::Less,
            (Point::Count(_), Point::Time(_)) => Ordering::Greater,
        }
    }

    pub(crate) fn is_before(&self, other: &Point) -> bool {
        self.order(other) == Ordering::Less
    }

    /// The later one; the first of two that are equal.
    pub(crate) fn later(self, other: Point) -> Point {
        if self.is_before(&other) { other } else { self }
    }

    pub(crate) fn moment(&self) -> Option<Moment> {
        match self {
            Point::Time(moment) => Some(*moment),
            Point::Count(_) => None,
        }
    }

    /// Zero of a counter says nothing about what was read.
    pub(crate) fn is_zero(&self) -> bool {
        matches!(self, Point::Count(number) if number.as_f64() == Some(0.0))
    }
}
