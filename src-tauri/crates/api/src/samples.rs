//! The samples that were read last: their columns can still be asked about.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use syncline_engine::Sample;

/// Somebody looks at one table at a time, perhaps in two windows; a sample takes a few megabytes.
const KEPT: usize = 4;

/// The latest samples, newest last.
#[derive(Default)]
pub(crate) struct Samples(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    named: u64,
    samples: VecDeque<(String, Arc<Sample>)>,
}

impl Samples {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a sample in place of the oldest one, and names it.
    pub(crate) fn keep(&self, sample: Sample) -> String {
        let mut kept = self.kept();
        kept.named += 1;
        let name = kept.named.to_string();
        if kept.samples.len() == KEPT {
            kept.samples.pop_front();
        }
        kept.samples.push_back((name.clone(), Arc::new(sample)));
        name
    }

    /// A sample, unless newer ones have taken its place.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Sample>> {
        self.kept().samples.iter().find(|(known, _)| known == name).map(|(_, sample)| Arc::clone(sample))
    }
}
