//! Runs a parser beside the download: bytes in, batches of elements out, both bounded.

use std::io::{Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Rules;
use crate::Json;
use crate::http::client::{Body, failure};

const BATCH: usize = 500;
/// Bytes that the elements of a batch were made from, roughly.
const BATCH_BYTES: u64 = 1 << 20;

/// Takes the elements of a parser.
pub(super) struct Sink {
    pub(super) rules: Rules,
    batch: Vec<Json>,
    out: mpsc::Sender<Result<Vec<Json>>>,
    /// Bytes read since the last element.
    since: Arc<AtomicU64>,
    batch_bytes: u64,
}

impl Sink {
    pub(super) fn push(&mut self, element: Json) -> Result<()> {
        self.batch_bytes += self.since.swap(0, Ordering::Relaxed);
        self.batch.push(element);
        if self.batch.len() >= BATCH || self.batch_bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.batch_bytes = 0;
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        self.out.blocking_send(Ok(batch)).map_err(|_| Error::new(ErrorKind::Stopped, "Nobody reads on."))
    }

    /// A reader whose bytes count: too many of them for one element, or in total, are an error.
    pub(super) fn bounded<R: Read>(&self, inner: R) -> Bounded<R> {
        let (element, left) = (self.rules.element as u64, self.rules.unpacked);
        Bounded { inner, since: Arc::clone(&self.since), element, left }
    }
}

/// A reader that knows how much it gave for the current element.
pub(super) struct Bounded<R> {
    inner: R,
    since: Arc<AtomicU64>,
    element: u64,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let since = self.since.fetch_add(read as u64, Ordering::Relaxed) + read as u64;
        if since > self.element {
            let mebibytes = self.element >> 20;
            return Err(limit(format!("One record of the API's answer is larger than {mebibytes} MiB.")));
        }
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(limit("The API's answer is too large when it is unpacked.".to_owned())),
        }
        Ok(read)
    }
}

fn limit(message: String) -> std::io::Error {
    std::io::Error::other(
        Error::new(ErrorKind::LimitExceeded, message)
            .fix("Read it in smaller pages or time windows, or leave this table out."),
    )
}

/// Bytes that arrive, for a parser that waits for them.
struct Arriving {
    bytes: mpsc::Receiver<Result<Bytes>>,
    current: Cursor<Bytes>,
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let read = self.current.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.bytes.blocking_recv() {
                Some(Ok(bytes)) => self.current = Cursor::new(bytes),
                Some(Err(error)) => return Err(std::io::Error::other(error)),
                None => return Ok(0),
            }
        }
    }
}

/// Parses a body while it arrives.
pub(super) fn parse(
    body: Body,
    rules: Rules,
    parser: impl FnOnce(Box<dyn Read>, &mut Sink) -> Result<()> + Send + 'static,
) -> BoxStream<'static, Result<Vec<Json>>> {
    let (to, bytes) = mpsc::channel(8);
    let pump = async move {
        let mut pieces = body.stream();
        while let Some(piece) = pieces.next().await {
            if to.send(piece).await.is_err() {
                break;
            }
        }
    };
    let work = move |sink: &mut Sink| {
        let bounded = sink.bounded(Arriving { bytes, current: Cursor::default() });
        parser(Box::new(bounded), sink)
    };
    start(rules, Some(pump), work)
}

/// Runs work that makes elements of what is there already.
pub(super) fn produce(
    rules: Rules,
    work: impl FnOnce(&mut Sink) -> Result<()> + Send + 'static,
) -> BoxStream<'static, Result<Vec<Json>>> {
    start(rules, None::<std::future::Ready<()>>, work)
}

fn start(
    rules: Rules,
    pump: Option<impl Future<Output = ()> + Send + 'static>,
    work: impl FnOnce(&mut Sink) -> Result<()> + Send + 'static,
) -> BoxStream<'static, Result<Vec<Json>>> {
    let (out, elements) = mpsc::channel(4);
    let mut tasks = JoinSet::new();
    if let Some(pump) = pump {
        tasks.spawn(pump);
    }
    tasks.spawn_blocking(move || {
        let mut sink =
            Sink { rules, batch: Vec::new(), out: out.clone(), since: Arc::default(), batch_bytes: 0 };
        let done = work(&mut sink);
        // What was read before an error is good.
        let done = sink.flush().and(done);
        if let Err(error) = done {
            let _ = out.blocking_send(Err(error));
        }
    });
    // The tasks end with the stream: nobody downloads what nobody reads.
    stream::unfold((elements, tasks), |(mut elements, tasks)| async move {
        elements.recv().await.map(|batch| (batch, (elements, tasks)))
    })
    .boxed()
}

/// Reads as many bytes as the mark has, and says whether they are the mark.
pub(super) fn starts_with(reader: &mut dyn Read, mark: &[u8]) -> Result<(Cursor<Vec<u8>>, bool)> {
    let mut start = Vec::new();
    let read = reader.take(mark.len() as u64).read_to_end(&mut start);
    read.map_err(|error| failure::from_io(error, "not readable"))?;
    let found = start == mark;
    Ok((Cursor::new(start), found))
}
