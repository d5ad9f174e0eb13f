//! Which rows of a table differ between source and destination, and which of them rightly do.
//!
//! Both sides are read once into the digests of a fixed number of buckets, by key: memory does not depend on the size of
//! the table. Only rows of buckets that differ are then looked at one by one, in a second reading.

use std::collections::HashMap;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::row::{OwnedRow, RowConverter, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use syncline_protocol::{Digest, DigestHasher, ReadMode, Result, TableName, WriteMode};

use crate::connection::Connection;
use crate::prepare::Prepared;
use crate::stop::Stop;

mod report;

pub use report::{Comparison, DifferingRow, ExpectedGap, GapReason, RowState};

/// Buckets of rows: one for each value of the first bits of the hash of a key.
const BUCKET_BITS: u32 = 16;
/// Rows that are looked at one by one.
const ROWS_MAX: u64 = 1_000_000;
/// Differing rows that are named.
const EXAMPLES_MAX: usize = 100;
/// Hashes of keys are independent of those of rows.
const KEY_SEED: u64 = 0x5eed;
/// Columns that name a row of a table without a key.
const NAMING_COLUMNS: usize = 3;

impl Connection {
    /// Compares both sides of a table row by row. Rows that changed in the source since the last sync are told apart by
    /// the updated-at column, where there is one. Reads both sides once, and those that differ once more.
    ///
    /// # Errors
    /// Whatever keeps one of the sides from being read.
    pub async fn compare(&self, table: &TableName, stop: &Stop) -> Result<Comparison> {
        let at = (self.clock)().to_string();
        let prepared = self.both_sides(table).await?;
        let sight = Sight::new(&prepared);
        let mut overview = Overview::new(&sight);
        self.read_destination(&prepared, stop, &mut |rows| overview.destination(rows)).await?;
        let rejected = self.read_source(&prepared, stop, &mut |rows| overview.source(rows)).await?;
        let mut closer = overview.closer(&sight);
        if closer.wants_rows() {
            self.read_destination(&prepared, stop, &mut |rows| closer.destination(rows)).await?;
            self.read_source(&prepared, stop, &mut |rows| closer.source(rows)).await?;
        }
        Ok(closer.result(&prepared, at, rejected))
    }
}

/// How the rows of a table are looked at.
struct Sight {
    columns: usize,
    /// The columns that identify a row; all of them where there is no key, or where a key has several rows.
    key: Vec<usize>,
    keyed: bool,
    /// Equal rows of the source are one row in the destination.
    collapses: bool,
    /// The updated-at column.
    cursor: Option<usize>,
    /// The names of the columns, for people.
    names: Vec<String>,
}

impl Sight {
    fn new(prepared: &Prepared) -> Self {
        let mapping = &prepared.mapping;
        let columns = mapping.columns.len();
        let place = |name: &String| mapping.columns.iter().position(|column| column.target == *name);
        let key: Option<Vec<usize>> = mapping.target.key.iter().map(place).collect();
        let key = key
            .filter(|key| !key.is_empty() && !mapping.hashed_key && mapping.target.mode != WriteMode::Append);
        let cursor = match &mapping.read.mode {
            ReadMode::Full => None,
            ReadMode::Incremental { cursor, .. } => {
                mapping.columns.iter().position(|column| column.source == *cursor && !column.hash)
            }
        };
        Sight {
            columns,
            keyed: key.is_some(),
            collapses: mapping.hashed_key,
            key: key.unwrap_or_else(|| (0..columns).collect()),
            cursor,
            names: mapping.columns.iter().map(|column| column.target.clone()).collect(),
        }
    }

    /// The hashes of keys and of whole rows.
    fn hashes(
        &self,
        keys: &mut DigestHasher,
        rows: &mut DigestHasher,
        batch: &RecordBatch,
    ) -> Result<Vec<(u64, u64)>> {
        let key = batch.project(&self.key)?;
        let keys = keys.row_hashes(&key, self.key.len())?;
        let rows = rows.row_hashes(batch, self.columns)?;
        Ok(keys.iter().copied().zip(rows.iter().copied()).collect())
    }

    /// A row in words.
    fn name(&self, batch: &RecordBatch, row: usize) -> String {
        let options = FormatOptions::default().with_null("null");
        let words = self.key.iter().take(if self.keyed { usize::MAX } else { NAMING_COLUMNS }).map(|at| {
            let value = ArrayFormatter::try_new(batch.column(*at), &options);
            let value = value.map_or_else(|_| "?".to_owned(), |value| value.value(row).to_string());
            format!("{} = {value}", self.names[*at])
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

fn bucket(key: u64) -> usize {
    (key >> (64 - BUCKET_BITS)) as usize
}

/// The first reading: digests of buckets, and how far the destination is.
struct Overview<'a> {
    sight: &'a Sight,
    hashers: [DigestHasher; 2],
    source: Vec<Digest>,
    destination: Vec<Digest>,
    newest: Newest,
}

impl<'a> Overview<'a> {
    fn new(sight: &'a Sight) -> Self {
        Overview {
            sight,
            hashers: [DigestHasher::with_seed(KEY_SEED), DigestHasher::default()],
            source: vec![Digest::default(); 1 << BUCKET_BITS],
            destination: vec![Digest::default(); 1 << BUCKET_BITS],
            newest: Newest::default(),
        }
    }

    fn source(&mut self, rows: &RecordBatch) -> Result<()> {
        let [keys, values] = &mut self.hashers;
        add(&mut self.source, self.sight.hashes(keys, values, rows)?);
        Ok(())
    }

    fn destination(&mut self, rows: &RecordBatch) -> Result<()> {
        let [keys, values] = &mut self.hashers;
        add(&mut self.destination, self.sight.hashes(keys, values, rows)?);
        if let Some(at) = self.sight.cursor {
            self.newest.see(rows.column(at))?;
        }
        Ok(())
    }

    /// What is left to be looked at.
    fn closer(self, sight: &'a Sight) -> Closer<'a> {
        let total = |side: &[Digest]| side.iter().map(|digest| digest.rows).sum();
        let mut closer = Closer {
            sight,
            hashers: self.hashers,
            newest: self.newest,
            looked_at: vec![false; self.source.len()],
            source_rows: total(&self.source),
            destination_rows: total(&self.destination),
            rows: HashMap::new(),
            found: Found::default(),
        };
        let mut room = ROWS_MAX;
        for (at, (source, destination)) in self.source.iter().zip(&self.destination).enumerate() {
            if source == destination {
                closer.found.matching += source.rows;
                continue;
            }
            let rows = source.rows.max(destination.rows);
            if rows <= room {
                room -= rows;
                closer.looked_at[at] = true;
            } else {
                closer.found.unchecked += rows;
            }
        }
        closer
    }
}

fn add(buckets: &mut [Digest], hashes: Vec<(u64, u64)>) {
    for (key, row) in hashes {
        let bucket = &mut buckets[bucket(key)];
        *bucket = bucket.plus(Digest { rows: 1, checksum: row });
    }
}

/// The newest value of a column that was seen, whatever its type.
#[derive(Default)]
struct Newest {
    converter: Option<RowConverter>,
    value: Option<OwnedRow>,
}

impl Newest {
    fn see(&mut self, column: &ArrayRef) -> Result<()> {
        if self.converter.is_none() {
            self.converter = Some(RowConverter::new(vec![SortField::new(column.data_type().clone())])?);
        }
        let Some(converter) = &self.converter else { return Ok(()) };
        let rows = converter.convert_columns(std::slice::from_ref(column))?;
        // Nulls come first, so they are never the newest unless there is nothing else.
        if let Some(newest) = rows.iter().max().map(|row| row.owned())
            && self.value.as_ref().is_none_or(|known| newest.row() > known.row())
        {
            self.value = Some(newest);
        }
        Ok(())
    }

    /// Which rows of a column are newer than everything that was seen. Nobody knows when the types differ, or when
    /// nothing was seen.
    fn newer(&self, column: &ArrayRef) -> Vec<bool> {
        let rows = self
            .converter
            .as_ref()
            .and_then(|converter| converter.convert_columns(std::slice::from_ref(column)).ok());
        match (rows, &self.value) {
            (Some(rows), Some(value)) => rows.iter().map(|row| row > value.row()).collect(),
            _ => vec![false; column.len()],
        }
    }
}

#[derive(Default)]
struct Found {
    matching: u64,
    missing: u64,
    different: u64,
    not_synced: u64,
    outdated: u64,
    again: u64,
    unchecked: u64,
    examples: Vec<DifferingRow>,
}

/// A key of one of the buckets that differ.
#[derive(Default)]
struct Known {
    /// The row of the destination.
    row: u64,
    /// How many rows of each side have it.
    destination: u64,
    source: u64,
    /// How the row of the source differs, when it does.
    verdict: Option<Verdict>,
}

/// How a row differs.
#[derive(Clone, Copy)]
struct Verdict {
    state: RowState,
    /// It changed since the last sync.
    newer: bool,
}

/// The second reading: single rows of the buckets that differ.
struct Closer<'a> {
    sight: &'a Sight,
    hashers: [DigestHasher; 2],
    newest: Newest,
    looked_at: Vec<bool>,
    source_rows: u64,
    destination_rows: u64,
    rows: HashMap<u64, Known>,
    found: Found,
}

impl Closer<'_> {
    fn wants_rows(&self) -> bool {
        self.looked_at.contains(&true)
    }

    fn destination(&mut self, batch: &RecordBatch) -> Result<()> {
        let [keys, values] = &mut self.hashers;
        for (key, row) in self.sight.hashes(keys, values, batch)? {
            if self.looked_at[bucket(key)] {
                let known = self.rows.entry(key).or_default();
                (known.row, known.destination) = (row, known.destination + 1);
            }
        }
        Ok(())
    }

    fn source(&mut self, batch: &RecordBatch) -> Result<()> {
        let [keys, values] = &mut self.hashers;
        let hashes = self.sight.hashes(keys, values, batch)?;
        let newer = match self.sight.cursor {
            Some(at) => self.newest.newer(batch.column(at)),
            None => vec![false; batch.num_rows()],
        };
        let sight = self.sight;
        for (at, (key, row)) in hashes.into_iter().enumerate() {
            if !self.looked_at[bucket(key)] {
                continue;
            }
            let verdict = self.row(key, row, newer[at]);
            if let Some(Verdict { state, newer: false }) = verdict
                && self.found.examples.len() < EXAMPLES_MAX
            {
                self.found.examples.push(DifferingRow { state, key: sight.name(batch, at) });
            }
        }
        Ok(())
    }

    /// Takes a row of the source. Says how it differs, when it does.
    fn row(&mut self, key: u64, row: u64, newer: bool) -> Option<Verdict> {
        let known = self.rows.entry(key).or_default();
        known.source += 1;
        let first = known.source == 1;
        let state = match (self.sight.keyed, known.destination) {
            // Of a key that occurs several times, one row is kept, and any of them may be it.
            (true, _) if !first => {
                self.found.again += 1;
                if known.destination > 0 && known.row == row {
                    known.verdict = None;
                }
                return None;
            }
            (true, 0) => Some(RowState::Missing),
            (true, _) => (known.row != row).then_some(RowState::Different),
            (false, there) if known.source <= there => None,
            (false, _) if self.sight.collapses && !first => {
                self.found.again += 1;
                return None;
            }
            (false, _) => Some(RowState::Missing),
        };
        let Some(state) = state else {
            if !self.sight.keyed {
                self.found.matching += 1;
            }
            return None;
        };
        let verdict = Verdict { state, newer };
        if self.sight.keyed {
            known.verdict = Some(verdict);
        } else {
            self.found.count(verdict);
        }
        Some(verdict)
    }

    fn result(mut self, prepared: &Prepared, at: String, rejected: u64) -> Comparison {
        let mut extra = 0;
        for known in self.rows.into_values() {
            let there = known.destination.saturating_sub(known.source);
            // A row that is there once for several of the source takes the place of one of them.
            extra += if self.sight.keyed && known.source > 0 {
                known.destination.saturating_sub(1)
            } else {
                there
            };
            match known.verdict {
                Some(verdict) => self.found.count(verdict),
                None if self.sight.keyed && known.source > 0 => self.found.matching += 1,
                None => {}
            }
        }
        let mapping = &prepared.mapping;
        let found = self.found;
        let tracked = mapping.target.mode == WriteMode::Replace || mapping.read.key_list;
        let gone = if self.sight.keyed { GapReason::DeletesNotTracked } else { GapReason::OlderVersions };
        let left_out = prepared.accepted.columns.len().saturating_sub(mapping.columns.len());
        let expected = [
            (GapReason::NotSynced, found.not_synced),
            (GapReason::Outdated, found.outdated),
            (gone, if tracked { 0 } else { extra }),
            (GapReason::Rejected, rejected),
            (GapReason::SameKeyAgain, found.again),
            (GapReason::ColumnsLeftOut, left_out as u64),
        ];
        Comparison {
            table: mapping.table().clone(),
            target: mapping.target.name.clone(),
            at,
            source_rows: self.source_rows,
            destination_rows: self.destination_rows,
            matching: found.matching,
            missing: found.missing,
            different: found.different,
            extra: if tracked { extra } else { 0 },
            expected: expected
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(reason, count)| ExpectedGap { reason, count })
                .collect(),
            examples: found.examples,
            unchecked: found.unchecked,
            cursor: self.sight.cursor.map(|at| self.sight.names[at].clone()),
            rereadable: mapping.target.mode != WriteMode::Append,
        }
    }
}

impl Found {
    fn count(&mut self, verdict: Verdict) {
        let counter = match verdict {
            Verdict { state: RowState::Missing, newer: false } => &mut self.missing,
            Verdict { state: RowState::Missing, newer: true } => &mut self.not_synced,
            Verdict { state: RowState::Different, newer: false } => &mut self.different,
            Verdict { state: RowState::Different, newer: true } => &mut self.outdated,
        };
        *counter += 1;
    }
}
