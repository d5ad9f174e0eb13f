//! Where the reading of a slice is, and the ways back from there: the same page smaller, the first page again, shorter
//! windows.

use std::time::Duration;

use syncline_protocol::{Error, ErrorKind, Result};

use super::super::SliceRead;
use super::super::circle::Circle;
use super::Simple;
use crate::Json;
use crate::paging::{PageSizeReduction, Paginator, Reducer};
use crate::stream::dividing::Shorter;

/// How often paging begins again in one slice.
const RESETS_MAX: u32 = 1;

/// Where the reading of a slice is.
pub(super) struct Turn<'a> {
    pub(super) token: Option<Json>,
    reducer: Option<Reducer<'a>>,
    pub(super) circle: Circle,
    resets: u32,
    /// Records since paging began.
    pub(super) records: u64,
    pub(super) pages: u64,
    /// The size the page was asked for with, when it was not the configured one.
    pub(super) asked: Option<i64>,
}

impl<'a> Turn<'a> {
    /// Before the first page.
    pub(super) fn new(paginator: &Paginator, reduction: Option<&'a PageSizeReduction>) -> Turn<'a> {
        Turn {
            token: paginator.first_token(),
            reducer: reduction.map(Reducer::new),
            circle: Circle::default(),
            resets: 0,
            records: 0,
            pages: 0,
            asked: None,
        }
    }

    /// A page came through; the next one may be larger again.
    pub(super) fn succeeded(&mut self) {
        self.asked = self.size();
        if let Some(reducer) = &mut self.reducer {
            reducer.succeeded();
        }
    }

    /// The size of the next page, when it is not the configured one.
    pub(super) fn size(&self) -> Option<i64> {
        self.reducer.as_ref().and_then(|reducer| reducer.size)
    }
}

impl Simple {
    /// The same page once more, smaller.
    pub(super) async fn reduce(&self, read: &SliceRead<'_>, turn: &mut Turn<'_>) -> Result<()> {
        let Some(reducer) = &mut turn.reducer else {
            return Err(Error::new(
                ErrorKind::Config,
                "The connector's manifest asks for smaller pages after this answer, but has no `page_size_reduction`.",
            )
            .with("table", read.stream));
        };
        let configured = self.paginator.size(read.run)?;
        let wait = reducer.reduce(configured).map_err(|error| error.with("table", read.stream))?;
        if wait > Duration::ZERO {
            read.output.waiting(Some("The API finds the page too large; a smaller one is asked for."));
            tokio::time::sleep(read.run.wait(wait)).await;
            read.output.waiting(None);
        }
        Ok(())
    }

    /// Whether what follows is read as a slice of its own, which begins with the latest record.
    pub(super) fn goes_on_elsewhere(&self, read: &SliceRead<'_>) -> bool {
        match (self.reset, read.wish) {
            (Some(reset), Some(wish)) if reset.by_cursor => {
                wish.is_for(Shorter::Rest);
                true
            }
            _ => false,
        }
    }

    /// The API refuses so long a window.
    pub(super) fn split(&self, read: &SliceRead<'_>) -> Result<()> {
        match (self.splitting, read.wish) {
            (Some(splitting), Some(wish)) => {
                wish.is_for(Shorter::Halves(splitting.least));
                Ok(())
            }
            _ => Err(Error::new(
                ErrorKind::Config,
                "The connector's manifest wants shorter windows after this answer, but has no `request_window_splitting`.",
            )
            .with("table", read.stream)),
        }
    }

    /// Begins again with the first page. What was handed over comes a second time; keys make one of it.
    pub(super) fn reset(&self, read: &SliceRead<'_>, turn: &mut Turn<'_>) -> Result<()> {
        turn.resets += 1;
        if turn.resets > RESETS_MAX {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "The API does not let all pages of this table be read, also when they are read from the start.",
            )
            .with("table", read.stream)
            .fix("Read a shorter stretch of time at once, if the connector has a setting for that."));
        }
        turn.token = self.paginator.first_token();
        turn.records = 0;
        turn.circle = Circle::default();
        Ok(())
    }
}
