//! Moves the rows of one COPY from a lane through the decoder into a sink.

use serde_json::Value;
use syncline_protocol::{BatchKind, Change, ChangeBatch, ChangeSink, Error, ErrorKind, Result, Stopped};

use super::decode::{Decoder, Fed};
use super::lane::{Lane, Message};
use super::plan::Mark;

/// An ordered read tells about this often where it stands, in rows.
const CHECKPOINT_ROWS: u64 = 50_000;

/// How an ordered read tells where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checkpoints {
    /// Never: the rows have no order.
    None,
    /// After any row: the key makes its place unique.
    AnyRow,
    /// Only where the cursor value changes: rows with the same one have no order among them.
    CursorChange,
}

/// Reads one COPY to its end.
pub(super) struct Reader<'a> {
    pub(super) decoder: Decoder,
    pub(super) sink: &'a dyn ChangeSink,
    pub(super) kind: BatchKind,
    pub(super) checkpoints: Checkpoints,
    pub(super) rows_since: u64,
}

/// What the statements besides the COPY answered.
pub(super) struct Answers {
    /// The first column of each result row.
    pub(super) rows: Vec<Option<String>>,
}

impl Reader<'_> {
    /// Sends `statements`, of which one is a COPY, and hands its rows over.
    ///
    /// # Errors
    /// What the server says; `CorruptInput`; `Mismatch` when the server counted other rows than came; `Stopped`.
    pub(super) async fn run(&mut self, lane: &mut Lane, statements: &str) -> Result<Answers> {
        lane.send(statements).await?;
        let sink = self.sink;
        let mut stopped = sink.stopped();
        let mut answers = Answers { rows: Vec::new() };
        let mut counted = None;
        loop {
            match lane.next()? {
                Some(Message::Data { start, end }) => {
                    let mut bytes = lane.bytes(start, end);
                    while !bytes.is_empty() {
                        match self.decoder.feed(&mut bytes)? {
                            Fed::Hungry | Fed::End => {}
                            Fed::Full => self.flush(false).await?,
                            Fed::Boundary => self.flush(true).await?,
                        }
                    }
                }
                Some(Message::Row(value)) => answers.rows.push(value),
                Some(Message::Complete(tag)) => {
                    if let Some(count) = tag.strip_prefix("COPY ") {
                        counted = count.parse::<u64>().ok();
                        self.finish(counted).await?;
                    }
                }
                Some(Message::Ready) => break,
                None => {
                    tokio::select! {
                        biased;
                        filled = lane.fill() => filled?,
                        () = &mut stopped => {
                            // The statement ends with an error that nobody needs; the lane is dropped with it.
                            let _ = lane.canceller().cancel().await;
                            return Err(Stopped.into());
                        }
                    }
                }
            }
        }
        if counted.is_none() {
            return Err(Error::new(
                ErrorKind::ConnectionLost,
                "The database ended the data without a count.",
            ));
        }
        Ok(answers)
    }

    /// The COPY is over: hands over the rest and compares the counts.
    async fn finish(&mut self, counted: Option<u64>) -> Result<()> {
        let complete = self.decoder.feed(&mut [].as_slice())? == Fed::End && self.decoder.is_complete();
        if !complete {
            return Err(Error::new(ErrorKind::CorruptInput, "The data of the database ends in the middle."));
        }
        let rows = self.decoder.total_rows();
        if counted != Some(rows) {
            let message = "The database counted other rows than arrived.";
            return Err(Error::new(ErrorKind::Mismatch, message)
                .with("arrived", rows)
                .with("counted", counted.map_or_else(String::new, |count| count.to_string())));
        }
        self.checkpoints = Checkpoints::None; // the end of a part is one
        self.flush(false).await
    }

    /// Hands over what is decoded, and a checkpoint when one is due.
    async fn flush(&mut self, boundary: bool) -> Result<()> {
        for rejected in self.decoder.take_rejected() {
            self.rows_since += 1;
            self.sink.send(Change::Rejected(rejected)).await?;
        }
        if let Some(rows) = self.decoder.take_batch()? {
            self.rows_since += rows.num_rows() as u64;
            self.sink.send(Change::Batch(ChangeBatch { kind: self.kind, rows })).await?;
        }
        let due = self.rows_since >= CHECKPOINT_ROWS;
        let now = match self.checkpoints {
            Checkpoints::None => false,
            Checkpoints::AnyRow => due,
            Checkpoints::CursorChange => boundary,
        };
        if self.checkpoints == Checkpoints::CursorChange {
            self.decoder.stop_at_cursor_change(due && !now);
        }
        if now && let Some(mark) = self.mark() {
            self.rows_since = 0;
            self.sink.send(Change::Checkpoint(mark)).await?;
        }
        Ok(())
    }

    fn mark(&self) -> Option<Value> {
        let (values, ties) = self.decoder.marks().last()?;
        let mut texts = values.iter().map(|value| String::from_utf8_lossy(value).into_owned());
        let mark = Mark { cursor: texts.next()?, key: texts.collect(), ties };
        serde_json::to_value(mark).ok()
    }
}
