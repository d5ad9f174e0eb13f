//! Reading a stream: its slices side by side, their records in order, states that never run ahead of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::sync::{Mutex, mpsc};

use super::reading::{Reading, Session, SliceSink, read_once};
use super::retriever::PageSink;
use crate::context::{Compatibility, Output, Run};
use crate::cursor::{Opened, Seen};
use crate::records::RawRecords;
use crate::{Json, Map};

/// So many slices without records a preview looks through.
const EMPTY_SLICES_MAX: usize = 100;

/// Reads everything that is newer than a state.
pub(super) async fn all(
    reading: &Reading,
    run: &Arc<Run>,
    state: Option<&Map>,
    output: &dyn Output,
) -> Result<()> {
    let session = reading.session(run, state, output)?;
    let read = Read { session: &session, run, output, handing: Mutex::new(()) };
    let outcome = read.slices().await;
    if outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Stopped) {
        return outcome;
    }
    session.finish(outcome.is_ok());
    let last = if session.has_cursor() || run.compatibility == Compatibility::Exact {
        output.state(&session.state()).await
    } else if matches!(reading, Reading::Delegating(_)) && outcome.is_ok() {
        // By this mark the next read knows that there was a full one.
        output.state(&read_once()).await
    } else {
        Ok(())
    };
    outcome.and(last)
}

struct Read<'s, 'a> {
    session: &'s Session<'a>,
    run: &'s Run,
    output: &'s dyn Output,
    /// States are handed out one at a time: a later one never before an earlier one.
    handing: Mutex<()>,
}

impl Read<'_, '_> {
    /// Reads all slices. After a failure no slice is begun, and those that were begun are read to their end.
    async fn slices(&self) -> Result<()> {
        let width = self.run.concurrency.max(1);
        let (sender, mut named) = mpsc::channel(width);
        let mut naming: BoxFuture<'_, Result<bool>> = Box::pin(async move {
            let mut queue = Queue { sender };
            self.session.slices(&mut queue).await
        });
        let mut reading = FuturesUnordered::new();
        let (mut is_named, mut is_taken, mut failed) = (false, false, None::<Error>);
        loop {
            if reading.is_empty() && (failed.is_some() || (is_named && is_taken)) {
                break;
            }
            tokio::select! {
                outcome = &mut naming, if !is_named && failed.is_none() => {
                    is_named = true;
                    failed = outcome.err();
                }
                slice = named.recv(), if !is_taken && failed.is_none() && reading.len() < width => match slice {
                    Some(slice) => reading.push(self.slice(slice)),
                    None => is_taken = true,
                },
                Some(outcome) = reading.next(), if !reading.is_empty() => if let Err(error) = outcome {
                    if error.kind() == ErrorKind::Stopped {
                        return Err(error);
                    }
                    failed = failed.or(Some(error));
                },
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn slice(&self, opened: Opened) -> Result<()> {
        let handed = Handed { read: self, seen: Mutex::new(Seen::default()) };
        self.session.read(&opened, &handed).await?;
        if !self.session.close(&opened, &handed.seen.into_inner()) {
            return Ok(());
        }
        let _one_at_a_time = self.handing.lock().await;
        self.output.state(&self.session.state()).await
    }
}

/// Slices that wait to be read.
struct Queue {
    sender: mpsc::Sender<Opened>,
}

#[async_trait]
impl SliceSink for Queue {
    async fn take(&mut self, opened: Opened) -> Result<bool> {
        Ok(self.sender.send(opened).await.is_ok())
    }
}

/// Pages of one slice on their way out.
struct Handed<'r, 's, 'a> {
    read: &'r Read<'s, 'a>,
    seen: Mutex<Seen>,
}

#[async_trait]
impl PageSink for Handed<'_, '_, '_> {
    async fn page(&self, records: Vec<Json>) -> Result<bool> {
        if !records.is_empty() {
            self.read.session.note(&mut *self.seen.lock().await, &records);
            self.read.output.records(records).await?;
        }
        Ok(true)
    }

    async fn raw(&self, records: RawRecords) -> Result<bool> {
        if !records.is_empty() {
            self.read.session.note_raw(&mut *self.seen.lock().await, &records)?;
            self.read.output.raw(records).await?;
        }
        Ok(true)
    }
}

/// The first records, from the first slices that have some.
pub(super) async fn first(
    reading: &Reading,
    run: &Arc<Run>,
    count: usize,
    output: &dyn Output,
) -> Result<()> {
    let session = reading.session(run, None, output)?;
    let mut sample =
        Sample { session: &session, output, left: count, slices: 0, slices_max: EMPTY_SLICES_MAX };
    if count > 0 {
        session.slices(&mut sample).await?;
    }
    Ok(())
}

/// Reads the first slice until there is a record. Whether there is one.
pub(super) async fn check(reading: &Reading, run: &Arc<Run>, output: &dyn Output) -> Result<bool> {
    let session = reading.session(run, None, output)?;
    let mut sample = Sample { session: &session, output: &crate::Silent, left: 1, slices: 0, slices_max: 1 };
    session.slices(&mut sample).await?;
    if sample.slices == 0 {
        let message =
            format!("The table `{}` has nothing to be read by: no slice of it was found.", session.name());
        return Err(Error::new(ErrorKind::NotFound, message)
            .meaning("The table it depends on has no rows, or the configured time has not begun."));
    }
    Ok(sample.left == 0)
}

/// All records with the slices they came from, at most so many.
pub(super) async fn listed(reading: &Reading, run: &Arc<Run>, most: usize) -> Result<Vec<(Json, Json)>> {
    let session = reading.session(run, None, &crate::Silent)?;
    let mut list = List { session: &session, most, found: Vec::new() };
    session.slices(&mut list).await?;
    Ok(list.found)
}

struct List<'s, 'a> {
    session: &'s Session<'a>,
    most: usize,
    found: Vec<(Json, Json)>,
}

#[async_trait]
impl SliceSink for List<'_, '_> {
    async fn take(&mut self, opened: Opened) -> Result<bool> {
        let room = self.most.saturating_sub(self.found.len());
        let sampled = Sampled { wanted: room, records: Mutex::new(Vec::new()) };
        self.session.read(&opened, &sampled).await?;
        let slice = opened.slice.for_templates();
        self.found.extend(sampled.records.into_inner().into_iter().map(|record| (slice.clone(), record)));
        Ok(self.found.len() < self.most)
    }
}

struct Sample<'s, 'a> {
    session: &'s Session<'a>,
    output: &'s dyn Output,
    /// How many records are still wanted.
    left: usize,
    slices: usize,
    slices_max: usize,
}

#[async_trait]
impl SliceSink for Sample<'_, '_> {
    async fn take(&mut self, opened: Opened) -> Result<bool> {
        self.slices += 1;
        let first = FirstRecords { output: self.output, left: AtomicUsize::new(self.left) };
        self.session.read(&opened, &first).await?;
        self.left = first.left.into_inner();
        Ok(self.left > 0 && self.slices < self.slices_max)
    }
}

/// Hands pages on until there are enough records.
struct FirstRecords<'a> {
    output: &'a dyn Output,
    left: AtomicUsize,
}

#[async_trait]
impl PageSink for FirstRecords<'_> {
    async fn page(&self, mut records: Vec<Json>) -> Result<bool> {
        // The pages of a slice come one after the other.
        let wanted = self.left.load(Ordering::Relaxed);
        records.truncate(wanted);
        let left = wanted - records.len();
        self.left.store(left, Ordering::Relaxed);
        self.output.records(records).await?;
        Ok(left > 0)
    }

    async fn raw(&self, records: RawRecords) -> Result<bool> {
        let left = self.left.load(Ordering::Relaxed);
        self.page(records.first(left).values()?).await
    }
}

struct Sampled {
    wanted: usize,
    records: Mutex<Vec<Json>>,
}

#[async_trait]
impl PageSink for Sampled {
    async fn page(&self, records: Vec<Json>) -> Result<bool> {
        let mut taken = self.records.lock().await;
        let room = self.wanted.saturating_sub(taken.len());
        taken.extend(records.into_iter().take(room));
        Ok(taken.len() < self.wanted)
    }

    async fn raw(&self, records: RawRecords) -> Result<bool> {
        self.page(records.first(self.wanted).values()?).await
    }
}
