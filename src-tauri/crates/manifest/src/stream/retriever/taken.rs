//! What a page came to.

use syncline_protocol::Result;

use super::SliceRead;
use super::circle::Print;
use super::pages::Simple;
use crate::Json;
use crate::paging::Needs;
use crate::records::{Place, RawRecords, without_nulls};

/// What a page came to.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) extracted: usize,
    pub(super) kept: usize,
    pub(super) last: Option<Json>,
    pub(super) print: Print,
    /// Records that wait to be handed over.
    pub(super) held: Vec<Json>,
}

impl Taken {
    /// Takes the records of an element: extracted, chosen, shaped.
    pub(super) async fn take(
        &mut self,
        retriever: &Simple,
        place: &Place<'_>,
        read: &SliceRead<'_>,
        element: Json,
    ) -> Result<()> {
        let extracted = retriever.selector.extract(read, element).await?;
        self.extracted += extracted.count;
        self.print.add(&extracted.records);
        self.select(retriever, place, read, extracted.records).await
    }

    /// Takes note of records that are not taken apart.
    pub(super) fn found(&mut self, records: &RawRecords) {
        self.extracted += records.len();
        self.print.add_texts(records.texts());
    }

    /// Takes records that were counted already: chosen, shaped.
    pub(super) async fn select(
        &mut self,
        retriever: &Simple,
        place: &Place<'_>,
        read: &SliceRead<'_>,
        records: Vec<Json>,
    ) -> Result<()> {
        let mut records = retriever.selector.select(place, records).await?;
        self.kept += records.len();
        if retriever.paginator.needs() == Needs::Last || read.feed.is_some() {
            self.last = records.last().cloned().or(self.last.take());
        }
        if let Some(feed) = read.feed {
            records.retain(|record| feed.is_fresh(record));
        }
        without_nulls(&mut records);
        if self.held.is_empty() {
            self.held = records;
        } else {
            self.held.append(&mut records);
        }
        Ok(())
    }
}
