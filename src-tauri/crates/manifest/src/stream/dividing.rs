//! A slice that the API does not give as a whole is read in pieces.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use syncline_protocol::{Error, ErrorKind, Result};

use super::retriever::PageSink;
use crate::Json;
use crate::context::Slice;
use crate::cursor::{Seen, Settings};
use crate::expression::datetime::Duration;

/// How often a window may be halved.
const DEPTH_MAX: u32 = 10;

/// What a retriever wishes of the cursor while it reads a slice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shorter {
    /// Two windows of half the length, unless this one is not longer than that.
    Halves(Option<Duration>),
    /// A window that begins with the latest record that came.
    Rest,
}

/// Where a retriever leaves its wish before it stops reading.
#[derive(Debug, Default)]
pub(crate) struct Wish(Mutex<Option<Shorter>>);

impl Wish {
    pub(crate) fn is_for(&self, shorter: Shorter) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(shorter);
    }

    fn take(&self) -> Option<Shorter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The pieces of a slice that are still to be read, the first one last.
pub(super) struct Pieces {
    left: Vec<(Slice, u32)>,
}

impl Pieces {
    pub(super) fn of(slice: Slice) -> Pieces {
        Pieces { left: vec![(slice, 0)] }
    }

    /// The next one.
    pub(super) fn next(&mut self) -> Option<(Slice, u32)> {
        self.left.pop()
    }

    /// A piece was read as far as its wish says.
    ///
    /// # Errors
    /// `LimitExceeded`, when it cannot be divided.
    pub(super) fn follow(
        &mut self,
        (piece, depth): (Slice, u32),
        wish: &Wish,
        settings: Option<&Settings>,
        seen: &Seen,
    ) -> Result<()> {
        let Some(wish) = wish.take() else { return Ok(()) };
        let pieces = settings.and_then(|settings| match wish {
            Shorter::Halves(least) if depth < DEPTH_MAX => settings.halves(&piece, least).map(Vec::from),
            Shorter::Halves(_) => None,
            Shorter::Rest => Some(vec![settings.rest(&piece, seen.latest.as_ref()?)?]),
        });
        let pieces = pieces.ok_or_else(|| {
            Error::new(
                ErrorKind::LimitExceeded,
                "The API does not give all rows of a stretch of time that cannot be made shorter.",
            )
            .meaning("What was read before is loaded; the table stays where it was.")
        })?;
        self.left.extend(pieces.into_iter().rev().map(|piece| (piece, depth + 1)));
        Ok(())
    }
}

/// Pages on their way, with the latest moment in them.
pub(super) struct Noted<'s> {
    pub(super) settings: Option<&'s Settings>,
    pub(super) seen: Mutex<Seen>,
    pub(super) pages: &'s dyn PageSink,
}

#[async_trait]
impl PageSink for Noted<'_> {
    async fn page(&self, records: Vec<Json>) -> Result<bool> {
        if let Some(settings) = self.settings {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            for value in records.iter().filter_map(|record| record.get(&settings.field)) {
                seen.note(settings, value, false, None);
            }
        }
        self.pages.page(records).await
    }
}
