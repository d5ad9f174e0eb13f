//! Samples: those that are being read can be watched and ended, and of those that were read last columns can still be
//! asked about.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use syncline_engine::{Sample, SampleWatch};

/// Somebody looks at one table at a time, perhaps in two windows; a sample takes a few megabytes.
const KEPT: usize = 4;

/// The samples that are being read, and the latest ones.
#[derive(Default)]
pub(crate) struct Samples(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    named: u64,
    /// Newest last.
    samples: VecDeque<(String, Arc<Sample>)>,
    /// By ticket.
    reading: HashMap<String, (u64, SampleWatch)>,
}

impl Kept {
    fn number(&mut self) -> u64 {
        self.named += 1;
        self.named
    }
}

impl Samples {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the reading of a sample. When the answer is dropped, because the sample is read or because nobody waits for
    /// it any more, the source is told to stop. A ticket is that of its latest reading.
    pub(crate) fn begin(&self, ticket: String) -> ReadingSample<'_> {
        let watch = SampleWatch::new();
        let mut kept = self.kept();
        let number = kept.number();
        kept.reading.insert(ticket.clone(), (number, watch.clone()));
        ReadingSample { samples: self, ticket, number, watch }
    }

    /// The sample that is being read under a ticket.
    pub(crate) fn reading(&self, ticket: &str) -> Option<SampleWatch> {
        self.kept().reading.get(ticket).map(|(_, watch)| watch.clone())
    }

    /// Keeps a sample in place of the oldest one, and names it.
    pub(crate) fn keep(&self, sample: Sample) -> String {
        let mut kept = self.kept();
        let name = kept.number().to_string();
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

/// A sample that is being read.
pub(crate) struct ReadingSample<'a> {
    samples: &'a Samples,
    ticket: String,
    number: u64,
    pub(crate) watch: SampleWatch,
}

impl Drop for ReadingSample<'_> {
    fn drop(&mut self) {
        self.watch.cancel();
        let mut kept = self.samples.kept();
        if kept.reading.get(&self.ticket).is_some_and(|(number, _)| *number == self.number) {
            kept.reading.remove(&self.ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_that_of_its_latest_reading() {
        let samples = Samples::default();
        let first = samples.begin("t".to_owned());
        let second = samples.begin("t".to_owned());
        drop(first);
        assert!(samples.reading("t").is_some(), "the end of an older reading took the newer one away");
        drop(second);
        assert!(samples.reading("t").is_none());
        assert!(samples.kept().reading.is_empty());
    }
}
