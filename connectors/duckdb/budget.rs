//! How much memory and how many threads DuckDB gets at a time.
//!
//! DuckDB fills its buffers up to `memory_limit` whatever it does, and its threads spin while they wait for each other.
//! Appending needs neither: each loader brings a thread of its own, and the blocks it has written are not read again. So
//! what the configuration allows is only given to statements that join and sort.

use std::sync::{Arc, Mutex, PoisonError};

use crate::database::Database;
use crate::raw::Connection;

/// What a column of a row group takes while it is filled and encoded: 122,880 rows of 16 bytes.
const COLUMN_BYTES: u64 = 122_880 * 16;
/// Less than this makes DuckDB swap its own bookkeeping.
const APPENDING_BYTES_MIN: u64 = 64 << 20;
/// The thread of a loader does its statements by itself.
const APPENDING_THREADS: u16 = 1;

/// The most that DuckDB may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of buffers.
    pub(crate) memory: u64,
    /// Threads of one statement.
    pub(crate) threads: u16,
}

/// What is going on in a database.
#[derive(Debug, Default)]
struct Use {
    /// Bytes that appending loaders need.
    appending: u64,
    loaders: usize,
    /// Statements that join or sort.
    merges: usize,
}

/// The limits of a database and what is going on in it.
#[derive(Debug)]
pub(crate) struct Budget {
    most: Limits,
    current: Mutex<(Use, Limits)>,
}

/// A share of the budget; dropping it gives it back.
pub(crate) struct Share {
    database: Arc<Database>,
    columns: Option<u64>,
}

impl Budget {
    /// The budget of a database that was opened with `most`.
    pub(crate) fn new(most: Limits) -> Self {
        Budget { most, current: Mutex::new((Use::default(), most)) }
    }
}

impl Share {
    /// For a loader that appends rows of that many columns.
    pub(crate) fn to_append(database: &Arc<Database>, columns: usize) -> Share {
        Share { database: Arc::clone(database), columns: Some(columns as u64) }.taken()
    }

    /// For statements that join or sort.
    pub(crate) fn to_merge(database: &Arc<Database>) -> Share {
        Share { database: Arc::clone(database), columns: None }.taken()
    }

    fn taken(self) -> Share {
        self.change(|using| match self.columns {
            Some(columns) => {
                using.appending += columns * COLUMN_BYTES;
                using.loaders += 1;
            }
            None => using.merges += 1,
        });
        self
    }

    /// Changes what is going on, and tells DuckDB. Limits only cost or save memory and time, so a failure is not one of
    /// the sync: lowering the memory fails while too much of it is in use.
    fn change(&self, change: impl FnOnce(&mut Use)) {
        let budget = self.database.budget();
        let mut current = budget.current.lock().unwrap_or_else(PoisonError::into_inner);
        let (using, set) = &mut *current;
        change(using);
        let wanted = using.limits(budget.most);
        if wanted == *set {
            return;
        }
        let told = Connection::new(Arc::clone(&self.database)).and_then(|connection| {
            let doing = "changing its limits";
            connection.execute(doing, &format!("SET threads = {}", wanted.threads), &[])?;
            connection.execute(doing, &format!("SET memory_limit = '{}B'", wanted.memory), &[])
        });
        match told {
            Ok(_) => *set = wanted,
            Err(error) => tracing::debug!(%error, "DuckDB keeps its limits"),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.change(|using| match self.columns {
            Some(columns) => {
                using.appending -= columns * COLUMN_BYTES;
                using.loaders -= 1;
            }
            None => using.merges -= 1,
        });
    }
}

impl Use {
    fn limits(&self, most: Limits) -> Limits {
        if self.loaders == 0 || self.merges > 0 {
            return most;
        }
        Limits {
            memory: self.appending.max(APPENDING_BYTES_MIN).min(most.memory),
            threads: APPENDING_THREADS.min(most.threads),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appending_gets_what_its_columns_need_and_merges_get_everything() {
        let most = Limits { memory: 512_000_000, threads: 4 };
        let appending = |columns: u64, loaders, merges| {
            Use { appending: columns * COLUMN_BYTES, loaders, merges }.limits(most)
        };
        assert_eq!(appending(0, 0, 0), most);
        assert_eq!(appending(16, 1, 0), Limits { memory: APPENDING_BYTES_MIN, threads: 1 });
        assert_eq!(appending(100, 2, 0), Limits { memory: 196_608_000, threads: 1 });
        assert_eq!(appending(600, 2, 0), Limits { memory: most.memory, threads: 1 });
        assert_eq!(appending(16, 1, 1), most);
        let small = Limits { memory: 32 << 20, threads: 1 };
        assert_eq!(Use { appending: 1, loaders: 1, merges: 0 }.limits(small), small);
    }
}
