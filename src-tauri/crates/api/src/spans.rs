//! Sets of time: spans that do not touch each other, in order.

use jiff::{SignedDuration, Timestamp};
use syncline_store::Span;

/// A set of moments.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Spans(Vec<Span>);

impl Spans {
    /// All moments of these spans, which may overlap and come in any order. Empty ones and those that end before they
    /// begin hold no moment.
    pub(crate) fn of(spans: impl IntoIterator<Item = Span>) -> Spans {
        let mut spans: Vec<Span> = spans.into_iter().filter(|(begin, end)| begin < end).collect();
        spans.sort_unstable();
        let mut set: Vec<Span> = Vec::with_capacity(spans.len());
        for (begin, end) in spans {
            match set.last_mut() {
                Some((_, last)) if begin <= *last => *last = end.max(*last),
                _ => set.push((begin, end)),
            }
        }
        Spans(set)
    }

    /// The moments that are in both.
    pub(crate) fn and(&self, other: &Spans) -> Spans {
        let mut both = Vec::new();
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some((a, b)), Some((c, d))) = (left.peek(), right.peek()) {
            let (begin, end) = (*a.max(c), *b.min(d));
            if begin < end {
                both.push((begin, end));
            }
            if b < d {
                left.next()
            } else {
                right.next()
            };
        }
        Spans(both)
    }

    /// The moments that are not in `other`.
    pub(crate) fn without(&self, other: &Spans) -> Spans {
        let mut edges = vec![Timestamp::MIN];
        edges.extend(other.0.iter().flat_map(|(begin, end)| [*begin, *end]));
        edges.push(Timestamp::MAX);
        let gaps = edges.chunks_exact(2).map(|edge| (edge[0], edge[1]));
        self.and(&Spans::of(gaps))
    }

    pub(crate) fn seconds(&self) -> u64 {
        let all: SignedDuration = self.0.iter().map(|(begin, end)| end.duration_since(*begin)).sum();
        u64::try_from(all.as_secs()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    fn spans(edges: &[(i64, i64)]) -> Spans {
        Spans::of(edges.iter().map(|(begin, end)| (at(*begin), at(*end))))
    }

    /// The same by looking at every second.
    fn holds(edges: &[(i64, i64)], second: i64) -> bool {
        edges.iter().any(|(begin, end)| (*begin..*end).contains(&second))
    }

    proptest! {
        #[test]
        fn sets_are_what_their_moments_say(
            a in prop::collection::vec((0i64..60, 0i64..60), 0..8),
            b in prop::collection::vec((0i64..60, 0i64..60), 0..8),
        ) {
            let count = |wanted: &dyn Fn(i64) -> bool| (0..60).filter(|second| wanted(*second)).count() as u64;
            let (left, right) = (spans(&a), spans(&b));
            prop_assert_eq!(left.seconds(), count(&|s| holds(&a, s)));
            prop_assert_eq!(left.and(&right).seconds(), count(&|s| holds(&a, s) && holds(&b, s)));
            prop_assert_eq!(left.without(&right).seconds(), count(&|s| holds(&a, s) && !holds(&b, s)));
        }
    }
}
