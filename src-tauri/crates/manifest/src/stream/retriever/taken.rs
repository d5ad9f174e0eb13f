//! What a page came to.

use syncline_protocol::Result;

use super::SliceRead;
use super::circle::Print;
use super::pages::Simple;
use crate::Json;
use crate::records::Place;

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
        let mut records = retriever.selector.select(place, extracted.records).await?;
        self.kept += records.len();
        if retriever.paginator.looks_at_records() || read.feed.is_some() {
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

/// Null fields at the top are left out, as the reference leaves them out of what it hands on. This is the one place
/// where that happens: filters, transformations, casts and paginators before it still see them.
fn without_nulls(records: &mut [Json]) {
    for record in records {
        if let Json::Object(fields) = record
            && fields.values().any(Json::is_null)
        {
            fields.retain(|_, value| !value.is_null());
        }
    }
}
