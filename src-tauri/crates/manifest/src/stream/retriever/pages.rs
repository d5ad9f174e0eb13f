//! Asks for page after page until there are none (`SimpleRetriever`).

mod turn;

use futures::StreamExt as _;
use syncline_protocol::Result;

use super::ahead::{hand_over, side_by_side};
use super::content::{Content, Question, Records};
use super::properties::Properties;
use super::rules;
use super::taken::Taken;
use super::{PageSink, SliceRead};
use crate::Json;
use crate::context::Compatibility;
use crate::document::Node;
use crate::http::{Action, Asked, Decoder, Options, Requester, Response};
use crate::paging::{Needs, Page, PageSizeReduction, Paginator};
use crate::records::{Place, Selector, raw};
use crate::slices::CHILD_RESPONSE;

use turn::Turn;

/// Asks for pages until there are none.
pub(super) struct Simple {
    pub(super) requester: Requester,
    pub(super) decoder: Decoder,
    pub(super) selector: Selector,
    pub(super) paginator: Paginator,
    options_on_first_page_only: bool,
    reduction: Option<PageSizeReduction>,
    reset: Option<rules::Reset>,
    splitting: Option<rules::Splitting>,
    properties: Option<Properties>,
}

/// What follows a page.
enum Next {
    Nothing,
    Page(Json),
    /// Paging begins again.
    Again,
}

impl Simple {
    pub(super) fn new(node: &Node<'_>, stream: Option<&Node<'_>>) -> Result<Simple> {
        let selector = Selector::new(&node.require("record_selector")?, stream)?;
        let decoder = match node.field("decoder") {
            Some(decoder) => Decoder::new(&decoder)?,
            None => selector.own_decoder().unwrap_or_else(Decoder::json),
        };
        rules::fits(node, selector.extractor())?;
        let ignore = node.boolean("ignore_stream_slicer_parameters_on_paginated_requests")?;
        let simple = Simple::of(
            Requester::new(&node.require("requester")?)?,
            decoder,
            selector,
            Paginator::new(node.field("paginator"))?,
        );
        Ok(Simple {
            options_on_first_page_only: ignore.unwrap_or(false),
            reduction: rules::reduction(node)?,
            reset: rules::reset(node)?,
            splitting: rules::splitting(node)?,
            properties: Properties::of(node)?,
            ..simple
        })
    }

    /// Of these parts, with nothing else said.
    pub(super) fn of(
        requester: Requester,
        decoder: Decoder,
        selector: Selector,
        paginator: Paginator,
    ) -> Simple {
        Simple {
            requester,
            decoder,
            selector,
            paginator,
            options_on_first_page_only: false,
            reduction: None,
            reset: None,
            splitting: None,
            properties: None,
        }
    }

    pub(super) async fn read(
        &self,
        read: &SliceRead<'_>,
        variables: Vec<(&str, &Json)>,
        pages: &dyn PageSink,
    ) -> Result<()> {
        if let Some(properties) = &self.properties {
            return self.read_chunked(properties, read, pages).await;
        }
        let slice = read.slice.for_templates();
        let mut turn = Turn::new(&self.paginator, self.reduction.as_ref());
        // The answer to the next page, when it was asked for ahead. The first may be a part of the parent's answer.
        let mut fetched = read.slice.extra_fields.get(CHILD_RESPONSE).map(Response::embedded);
        loop {
            let response = match fetched.take() {
                Some(response) => response,
                None => {
                    let size = turn.size();
                    Box::pin(self.fetch(read, &variables, turn.token.as_ref(), size)).await?
                }
            };
            match response.action {
                Action::ReducePageSize => {
                    self.reduce(read, &mut turn).await?;
                    continue;
                }
                Action::ResetPagination if self.goes_on_elsewhere(read) => return Ok(()),
                Action::ResetPagination => {
                    self.reset(read, &mut turn)?;
                    continue;
                }
                Action::SplitRequestWindow => return self.split(read),
                // A status that is an error, and the manifest says to ignore it or calls it a success: its author
                // wants no records of it, and no more pages. That is a wish and no loss, and nothing is said of it.
                // An answer of the 200s with the same verdict is read as any other: its records would be lost.
                _ if response.ignored && response.status >= 400 => return Ok(()),
                _ => {}
            }
            turn.succeeded();
            let (next, ahead) = self.page(read, &variables, response, &slice, &mut turn, pages).await?;
            match next {
                Next::Nothing => return Ok(()),
                Next::Again if self.goes_on_elsewhere(read) => return Ok(()),
                Next::Again => self.reset(read, &mut turn)?,
                Next::Page(token) => turn.token = Some(token),
            }
            fetched = ahead;
        }
    }

    /// Asks for the page of a token.
    pub(super) async fn fetch(
        &self,
        read: &SliceRead<'_>,
        variables: &[(&str, &Json)],
        token: Option<&Json>,
        size: Option<i64>,
    ) -> Result<Response> {
        let mut options = match self.options_on_first_page_only && token.is_some() {
            true => Options::default(),
            false => read.options.clone(),
        };
        self.paginator.put(read.run, token, size, &mut options)?;
        let asked = Asked {
            slice: Some(read.slice),
            token,
            variables: variables.to_vec(),
            options,
            stream: read.stream,
        };
        self.requester.send(read.run, asked, read.output).await
    }

    /// Asks for the next page while this one is handed over: at most one ahead, never for a page that what is handed
    /// over could make needless, and not before the first page was wanted: a look at a table is often content with it.
    async fn fetch_ahead(
        &self,
        read: &SliceRead<'_>,
        variables: &[(&str, &Json)],
        next: Option<&Json>,
        size: Option<i64>,
        pages: u64,
    ) -> Result<Option<Response>> {
        match next {
            Some(token) if pages > 1 => {
                Box::pin(self.fetch(read, variables, Some(token), size)).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Takes a page: what comes next, and the answer to it when it was asked for already.
    async fn page(
        &self,
        read: &SliceRead<'_>,
        variables: &[(&str, &Json)],
        response: Response,
        slice: &Json,
        turn: &mut Turn<'_>,
        pages: &dyn PageSink,
    ) -> Result<(Next, Option<Response>)> {
        let token = turn.token.clone();
        let wrapped =
            token.as_ref().map_or(Json::Null, |token| serde_json::json!({"next_page_token": token}));
        let place = Place { run: read.run, slice, token: &wrapped, fresh: read.filter };
        let size = turn.asked.take();
        let question = Question { variables, token: token.as_ref(), size };
        let (headers, Content { seen, records }) = self.opened(read, response, &question).await?;
        turn.pages += 1;
        let told = |taken: &Taken| {
            self.paginator.next(
                read.run,
                &Page {
                    response: &seen,
                    headers: &headers,
                    slice,
                    extracted: taken.extracted,
                    kept: taken.kept,
                    last: taken.last.as_ref(),
                    token: token.as_ref(),
                    size,
                },
            )
        };
        let mut taken = Taken::default();
        let most = self.reset.and_then(|reset| reset.records);
        let is_straight = read.feed.is_none() && self.selector.is_straight(&place);
        if let Records::Text(records) = &records {
            taken.found(records);
            if is_straight {
                taken.kept = records.len();
                taken.last = match records.texts().next_back() {
                    Some(last) if self.paginator.needs() == Needs::Last => Some(raw::value(last)?),
                    _ => None,
                };
            }
        }
        let is_early =
            self.paginator.needs() <= records.known(is_straight) && read.feed.is_none() && most.is_none();
        let records = Unread { records, is_straight };
        if is_early {
            // What comes next is known: that is asked for before the records are taken.
            let next = told(&taken)?;
            let ahead = self.fetch_ahead(read, variables, next.as_ref(), turn.size(), turn.pages);
            let page = self.take_all(&place, read, records, &mut taken, pages, true);
            let (wanted, ahead) = side_by_side(page, ahead).await?;
            return Ok((self.checked(read, turn, next, &taken, wanted)?, ahead));
        }
        if !self.take_all(&place, read, records, &mut taken, pages, false).await? {
            return Ok((Next::Nothing, None));
        }
        turn.records += taken.kept as u64;
        let is_old = match (read.feed, &taken.last) {
            (Some(feed), Some(last)) => !feed.is_fresh(last),
            _ => false,
        };
        let resets = most.is_some_and(|most| turn.records >= most);
        let next = if is_old || resets { None } else { told(&taken)? };
        let held = std::mem::take(&mut taken.held);
        let ahead = self.fetch_ahead(read, variables, next.as_ref(), turn.size(), turn.pages);
        let (wanted, ahead) = side_by_side(hand_over(held, pages), ahead).await?;
        if wanted && resets {
            return Ok((Next::Again, None));
        }
        Ok((self.checked(read, turn, next, &taken, wanted)?, ahead))
    }

    /// What comes next, unless nobody wants it or paging goes in a circle.
    fn checked(
        &self,
        read: &SliceRead<'_>,
        turn: &mut Turn<'_>,
        next: Option<Json>,
        taken: &Taken,
        wanted: bool,
    ) -> Result<Next> {
        let Some(next) = next.filter(|_| wanted) else { return Ok(Next::Nothing) };
        if read.run.compatibility == Compatibility::Safe {
            turn.circle.check(&next, taken.print, self.paginator.follows_the_api(), read.stream)?;
        }
        Ok(Next::Page(next))
    }

    /// Takes all records of a body, and hands them over; `to_the_end`: also the last of them, which are held otherwise.
    /// False: enough.
    async fn take_all(
        &self,
        place: &Place<'_>,
        read: &SliceRead<'_>,
        unread: Unread,
        taken: &mut Taken,
        pages: &dyn PageSink,
        to_the_end: bool,
    ) -> Result<bool> {
        match unread.records {
            Records::Text(records) if unread.is_straight => {
                for piece in records.pieces(PIECE) {
                    if !pages.raw(piece).await? {
                        return Ok(false);
                    }
                }
            }
            Records::Text(records) => {
                for piece in records.pieces(HELD) {
                    taken.select(self, place, read, piece.parsed()?).await?;
                    if taken.held.len() >= HELD && !hand_over(std::mem::take(&mut taken.held), pages).await? {
                        return Ok(false);
                    }
                }
            }
            Records::Elements(mut elements) => {
                while let Some(batch) = elements.next().await {
                    for element in batch? {
                        taken.take(self, place, read, element).await?;
                        if taken.held.len() >= HELD
                            && !hand_over(std::mem::take(&mut taken.held), pages).await?
                        {
                            return Ok(false);
                        }
                    }
                }
            }
        }
        if to_the_end { hand_over(std::mem::take(&mut taken.held), pages).await } else { Ok(true) }
    }
}

/// Streamed bodies come in small batches, and large ones are taken in pieces: so many records are handed over together.
/// Few enough that what was taken apart for one piece is used again, still warm, for the next.
const HELD: usize = 128;
/// The same for records as text, which take no memory of their own.
const PIECE: usize = 10_000;

/// The records of a page that are still to be taken.
struct Unread {
    records: Records,
    /// Nothing is done to them.
    is_straight: bool,
}
