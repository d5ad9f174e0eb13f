//! Watching a sample while it is read: how far it is, and that what is here is enough.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use syncline_protocol::{BatchKind, Change};

use crate::stop::Stop;

/// Watches a sample that is being read. Clones share one state.
#[derive(Debug, Clone)]
pub struct SampleWatch {
    pub(crate) stop: Stop,
    began: Instant,
    rows: Arc<AtomicU64>,
    enough: Arc<AtomicBool>,
}

impl Default for SampleWatch {
    fn default() -> Self {
        SampleWatch::new()
    }
}

impl SampleWatch {
    /// For a sample whose reading begins now.
    pub fn new() -> Self {
        SampleWatch { stop: Stop::new(), began: Instant::now(), rows: Arc::default(), enough: Arc::default() }
    }

    /// Rows that have arrived, rejected ones too.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// For how long it is read.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Ends the reading; the sample is what has arrived.
    pub fn enough(&self) {
        self.enough.store(true, Ordering::Relaxed);
        self.stop.now();
    }

    /// Ends the reading; there is no sample.
    pub fn cancel(&self) {
        self.stop.now();
    }

    pub(crate) fn is_enough(&self) -> bool {
        self.enough.load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self, change: &Change) {
        let rows = match change {
            Change::Batch(batch) if batch.kind == BatchKind::Rows => batch.rows.num_rows() as u64,
            Change::Rejected(_) => 1,
            _ => return,
        };
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }
}
