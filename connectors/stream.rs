//! From a blocking reader to an asynchronous sink: one thread reads and decodes, a short bounded channel hands over.

use syncline_protocol::{
    BatchKind, Change, ChangeBatch, ChangeSink, Error, RejectedRow, Result, Stopped, TableSchema,
};
use tokio::sync::mpsc;

/// Changes on their way. Batches have a few megabytes, so two of them keep both sides busy.
const IN_FLIGHT: usize = 2;

/// Where a blocking reader puts its changes.
pub(crate) struct Outlet {
    changes: mpsc::Sender<Change>,
}

impl Outlet {
    /// Hands over one change; waits while the other side is behind.
    ///
    /// # Errors
    /// `Stopped` when nobody takes changes any more.
    pub(crate) fn send(&self, change: Change) -> Result<()> {
        self.changes.blocking_send(change).map_err(|_| Stopped.into())
    }

    /// Hands over rows, if there are any.
    ///
    /// # Errors
    /// As for [`Outlet::send`].
    pub(crate) fn rows(&self, kind: BatchKind, rows: Option<arrow::array::RecordBatch>) -> Result<()> {
        match rows {
            Some(rows) => self.send(Change::Batch(ChangeBatch { kind, rows })),
            None => Ok(()),
        }
    }

    /// Hands over a row that does not fit.
    ///
    /// # Errors
    /// As for [`Outlet::send`].
    pub(crate) fn reject(&self, row: RejectedRow) -> Result<()> {
        self.send(Change::Rejected(row))
    }

    /// Hands over the position up to which everything was sent.
    ///
    /// # Errors
    /// As for [`Outlet::send`].
    pub(crate) fn checkpoint(&self, at: serde_json::Value) -> Result<()> {
        self.send(Change::Checkpoint(at))
    }

    /// Says that the table has another shape than the read asked for.
    ///
    /// # Errors
    /// As for [`Outlet::send`].
    pub(crate) fn schema(&self, schema: TableSchema) -> Result<()> {
        self.send(Change::Schema(schema))
    }

    /// A function that tells whether nobody takes changes any more, for work that takes long without sending.
    pub(crate) fn is_closed_later(&self) -> impl FnMut() -> bool + Send + 'static {
        let changes = self.changes.clone();
        move || changes.is_closed()
    }
}

/// Runs `produce` on a blocking thread and hands what it sends to `sink`. When the sink stops, or this future is
/// dropped, the next `send` of the thread fails and it ends.
///
/// # Errors
/// What `produce` returns; `Stopped` when the sink is stopping.
pub(crate) async fn pump<F>(sink: &dyn ChangeSink, produce: F) -> Result<()>
where
    F: FnOnce(&Outlet) -> Result<()> + Send + 'static,
{
    let (sender, mut receiver) = mpsc::channel(IN_FLIGHT);
    let reader = tokio::task::spawn_blocking(move || produce(&Outlet { changes: sender }));
    let delivered: Result<(), Stopped> = loop {
        let change = tokio::select! {
            change = receiver.recv() => change,
            () = sink.stopped() => break Err(Stopped),
        };
        let Some(change) = change else { break Ok(()) };
        if let Err(stopped) = sink.send(change).await {
            break Err(stopped);
        }
    };
    drop(receiver);
    let produced = join(reader.await);
    delivered?;
    produced
}

/// Runs blocking work off the runtime.
///
/// # Errors
/// What `work` returns.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    join(tokio::task::spawn_blocking(work).await)
}

fn join<T>(ended: Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    ended.unwrap_or_else(|panic| {
        Err(Error::internal("A part of the program failed while a source was read.").caused_by(panic))
    })
}
