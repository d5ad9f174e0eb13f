//! Notices paging that goes on for ever.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};

use syncline_protocol::{Error, ErrorKind, Result};

use crate::Json;

/// The same page for the same token, so often, is no accident. Some APIs repeat a token, and still go on: a token alone
/// says nothing.
const TIMES_MAX: u32 = 3;
/// The same page for one number after the other. Whole pages of equal rows exist; so many in a row do not.
const PAGES_MAX: u32 = 10;
/// How many tokens are remembered (24 MB at most).
const TOKENS_MAX: usize = 1 << 20;

/// What was read already.
#[derive(Default)]
pub(super) struct Circle {
    seen: HashMap<u64, u32>,
    last: Option<u64>,
    in_a_row: u32,
}

/// What a page looks like: how many records it has, the first and the last of them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Print {
    count: usize,
    first: Option<u64>,
    last: u64,
}

impl Print {
    pub(super) fn add(&mut self, records: &[Json]) {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return };
        self.count += records.len();
        self.first.get_or_insert_with(|| print(first));
        self.last = print(last);
    }

    /// The same for records that are not taken apart.
    pub(super) fn add_texts<'t>(&mut self, mut texts: impl DoubleEndedIterator<Item = &'t [u8]> + Clone) {
        let count = texts.clone().count();
        let Some(first) = texts.next() else { return };
        let last = texts.next_back().unwrap_or(first);
        self.count += count;
        self.first.get_or_insert_with(|| print(&first));
        self.last = print(&last);
    }
}

fn print(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Circle {
    /// Before the page of `next` is asked for. `follows`: the API gave that token; otherwise it is counted.
    ///
    /// # Errors
    /// `CorruptInput`, when nothing new comes any more.
    pub(super) fn check(&mut self, next: &Json, page: Print, follows: bool, stream: &str) -> Result<()> {
        let look = print(&page);
        let is_over = if follows {
            if self.seen.len() >= TOKENS_MAX {
                self.seen.clear();
            }
            let times = self.seen.entry(print(&(look, next))).or_default();
            *times += 1;
            *times > TIMES_MAX
        } else {
            self.in_a_row = if self.last == Some(look) && page.count > 0 { self.in_a_row + 1 } else { 0 };
            self.last = Some(look);
            self.in_a_row >= PAGES_MAX
        };
        if !is_over {
            return Ok(());
        }
        Err(Error::new(ErrorKind::CorruptInput, "The API keeps answering with the same page.")
            .with("table", stream)
            .meaning("What was read before is loaded; the table stays where it was.")
            .fix("The connector's manifest does not notice the last page. Report it, or change its stop condition."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn page(id: u32) -> Print {
        let mut print = Print::default();
        print.add(&[json!({"id": id}), json!({"id": id + 1})]);
        print
    }

    #[test]
    fn circles_of_any_length_are_noticed() {
        let mut circle = Circle::default();
        let rounds = (0..20).position(|at| {
            let (token, id) = [("a", 1), ("b", 3), ("c", 5)][at % 3];
            circle.check(&json!(token), page(id), true, "t").is_err()
        });
        assert_eq!(rounds, Some(9));
    }

    #[test]
    fn a_token_that_stays_is_no_circle() {
        let mut circle = Circle::default();
        assert!((0..1000).all(|id| circle.check(&json!("scroll"), page(id), true, "t").is_ok()));
    }

    #[test]
    fn a_number_that_is_ignored_is_noticed() {
        let mut circle = Circle::default();
        let rounds = (0..20).position(|at| circle.check(&json!(at), page(1), false, "t").is_err());
        assert_eq!(rounds, Some(10));
    }
}
