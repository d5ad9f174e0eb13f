//! Compares both sides row for row: the source is read again in full, the destination is read back.

use syncline_protocol::{Digest, DigestHasher, Error, ErrorKind, Result, TableName, WriteMode};

use crate::connection::Connection;
use crate::receipt::ChecksumProof;
use crate::stop::Stop;

impl Connection {
    /// The digests of both sides of a table: of the source as its rows would land, and of the destination as a reader
    /// sees it. They differ when rows changed in the source since the last run, so compare while it is quiet.
    ///
    /// # Errors
    /// `Unsupported` where equality is not what the mode promises (append, and merge without key); whatever keeps one
    /// of the sides from being read.
    pub async fn verify(&self, table: &TableName, stop: &Stop) -> Result<ChecksumProof> {
        let prepared = self.both_sides(table).await?;
        let mapping = &prepared.mapping;
        if mapping.hashed_key || mapping.target.mode == WriteMode::Append {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "`{table}` cannot be compared row for row: in its mode the destination may rightly hold other rows than the source."
                ),
            ));
        }
        let columns = mapping.columns.len();
        let mut hasher = DigestHasher::default();
        let (mut source, mut destination) = (Digest::default(), Digest::default());
        let rejected = self
            .read_source(&prepared, stop, &mut |rows| {
                source = source.plus(hasher.digest(rows, columns)?);
                Ok(())
            })
            .await?;
        self.read_destination(&prepared, stop, &mut |rows| {
            destination = destination.plus(hasher.digest(rows, columns)?);
            Ok(())
        })
        .await?;
        Ok(ChecksumProof { source, destination, rejected })
    }
}
