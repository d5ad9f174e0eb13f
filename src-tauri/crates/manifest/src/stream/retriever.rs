//! Reads one slice: page after page, each extracted, filtered, transformed (`SimpleRetriever`, `AsyncRetriever`).

mod job;

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use syncline_protocol::{Error, ErrorKind, Result};

use crate::Json;
use crate::context::{Compatibility, Output, Run, Slice};
use crate::document::Node;
use crate::http::{Action, Asked, Decoder, Options, Requester, Response, named};
use crate::paging::{Page, Paginator};
use crate::records::{Extractor, Place, Selector};
use crate::slices::CHILD_RESPONSE;

use job::AsyncRetriever;

/// What a cursor says of records while a slice is read.
pub trait Freshness: Send + Sync {
    /// Whether the record is not older than what is already synced, so that it must be kept.
    fn is_fresh(&self, record: &Json) -> bool;
}

/// One slice to read.
pub struct SliceRead<'a> {
    /// Client and configuration.
    pub run: &'a Arc<Run>,
    /// The slice.
    pub slice: &'a Slice,
    /// What router and cursor add to each request of this slice (left out on later pages when the retriever says
    /// `ignore_stream_slicer_parameters_on_paginated_requests`).
    pub options: &'a Options,
    /// The name of the stream, for messages.
    pub stream: &'a str,
    /// Where waiting is told. Records go to the page sink.
    pub output: &'a dyn Output,
    /// Client-side incremental: records that are not fresh are left out, where the reference does so.
    pub filter: Option<&'a dyn Freshness>,
    /// A data feed: paging ends after a page whose last record is not fresh, and older ones are left out.
    pub feed: Option<&'a dyn Freshness>,
}

/// Takes the records of each page.
#[async_trait]
pub trait PageSink: Send + Sync {
    /// Takes them. False: enough, read no further page.
    ///
    /// # Errors
    /// When the read is being stopped.
    async fn page(&self, records: Vec<Json>) -> Result<bool>;
}

/// A retriever.
pub struct Retriever {
    kind: Kind,
}

enum Kind {
    Simple(Box<Simple>),
    Async(Box<AsyncRetriever>),
}

/// Asks for pages until there are none.
struct Simple {
    requester: Requester,
    decoder: Decoder,
    selector: Selector,
    paginator: Paginator,
    options_on_first_page_only: bool,
}

impl Retriever {
    /// From the component of a retriever. `stream` is the stream's component, when it has one: schema normalisation
    /// looks there for a schema.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub fn new(retriever: &Node<'_>, stream: Option<&Node<'_>>) -> Result<Retriever> {
        let kind = match retriever.kind() {
            "SimpleRetriever" | "" => Kind::Simple(Box::new(Simple::new(retriever, stream)?)),
            "AsyncRetriever" => Kind::Async(Box::new(AsyncRetriever::new(retriever, stream)?)),
            _ => return Err(retriever.unsupported(named(retriever, "retriever"))),
        };
        Ok(Retriever { kind })
    }

    /// Answers are kept for other streams of the run: this one is a parent.
    pub fn keep_answers(&mut self) {
        if let Kind::Simple(simple) = &mut self.kind {
            simple.requester.keep_answers();
        }
    }

    /// Reads the slice to its end, or until the sink has enough.
    ///
    /// # Errors
    /// Of requests, decoders and templates. What the sink took before stays taken.
    pub async fn read(&self, read: SliceRead<'_>, pages: &dyn PageSink) -> Result<()> {
        match &self.kind {
            Kind::Simple(simple) => simple.read(&read, Vec::new(), pages).await,
            Kind::Async(retriever) => retriever.read(&read, pages).await,
        }
    }
}

/// What a page came to.
#[derive(Default)]
struct Taken {
    extracted: usize,
    kept: usize,
    last: Option<Json>,
    enough: bool,
}

impl Simple {
    fn new(node: &Node<'_>, stream: Option<&Node<'_>>) -> Result<Simple> {
        for newer in ["page_size_reduction", "request_window_splitting", "pagination_reset"] {
            if let Some(found) = node.field(newer) {
                return Err(found.unsupported(format!("`{newer}`")));
            }
        }
        let selector = Selector::new(&node.require("record_selector")?, stream)?;
        let decoder = match node.field("decoder") {
            Some(decoder) => Decoder::new(&decoder)?,
            None => selector.own_decoder().unwrap_or_else(Decoder::json),
        };
        fits(node, selector.extractor())?;
        let ignore = node.boolean("ignore_stream_slicer_parameters_on_paginated_requests")?;
        Ok(Simple {
            requester: Requester::new(&node.require("requester")?)?,
            decoder,
            selector,
            paginator: Paginator::new(node.field("paginator"))?,
            options_on_first_page_only: ignore.unwrap_or(false),
        })
    }

    async fn read(
        &self,
        read: &SliceRead<'_>,
        variables: Vec<(&str, &Json)>,
        pages: &dyn PageSink,
    ) -> Result<()> {
        let slice = read.slice.for_templates();
        let mut token = self.paginator.first_token();
        let mut circle = Circle::default();
        // The first page may be a part of the parent's answer.
        let mut embedded = read.slice.extra_fields.get(CHILD_RESPONSE).map(Response::embedded);
        loop {
            let mut options = if token.is_some() && self.options_on_first_page_only {
                Options::default()
            } else {
                read.options.clone()
            };
            self.paginator.put(read.run, token.as_ref(), &mut options)?;
            let asked = Asked {
                slice: Some(read.slice),
                token: token.as_ref(),
                variables: variables.clone(),
                options,
                stream: read.stream,
            };
            let response = match embedded.take() {
                Some(response) => response,
                None => self.requester.send(read.run, asked, read.output).await?,
            };
            match response.action {
                Action::ResetPagination | Action::ReducePageSize | Action::SplitRequestWindow => {
                    return Err(Error::new(
                        ErrorKind::Unsupported,
                        "The connector asks to page in another way after this answer, which Syncline cannot do.",
                    )
                    .with("table", read.stream));
                }
                // What the author of the manifest wants ignored has no records, and ends paging.
                _ if response.ignored => return Ok(()),
                _ => {}
            }
            let next = self.page(read, response, &slice, token.as_ref(), pages).await?;
            let Some((next, taken)) = next else { return Ok(()) };
            if self.paginator.follows_the_api() && read.run.compatibility == Compatibility::Safe {
                circle.check(&next, &taken, read.stream)?;
            }
            token = Some(next);
        }
    }

    /// Takes a page; gives the token of the next one, unless it was the last.
    async fn page(
        &self,
        read: &SliceRead<'_>,
        response: Response,
        slice: &Json,
        token: Option<&Json>,
        pages: &dyn PageSink,
    ) -> Result<Option<(Json, Taken)>> {
        let headers = response.headers_json();
        let wrapped = token.map_or(Json::Null, |token| serde_json::json!({"next_page_token": token}));
        let place = Place { run: read.run, slice, token: &wrapped, fresh: read.filter };
        let mut body = self.decoder.decode(read.run, response, self.paginator.looks_at_response()).await?;
        let mut taken = Taken::default();
        // The token is told before the records are taken where it can be: then the answer need not be copied.
        let page = |response: &Json, taken: &Taken| {
            let page = Page {
                response,
                headers: &headers,
                slice,
                extracted: taken.extracted,
                kept: taken.kept,
                last: taken.last.as_ref(),
                token,
            };
            self.paginator.next(read.run, &page)
        };
        let early =
            if self.paginator.looks_at_records() { None } else { Some(page(&body.response, &taken)?) };
        while let Some(elements) = body.elements.next().await {
            for element in elements? {
                self.take(&place, read, element, &mut taken, pages).await?;
                if taken.enough {
                    return Ok(None);
                }
            }
        }
        if let (Some(feed), Some(last)) = (read.feed, &taken.last)
            && !feed.is_fresh(last)
        {
            return Ok(None);
        }
        let next = match early {
            Some(next) => next,
            None => page(&body.response, &taken)?,
        };
        Ok(next.map(|next| (next, taken)))
    }

    async fn take(
        &self,
        place: &Place<'_>,
        read: &SliceRead<'_>,
        element: Json,
        taken: &mut Taken,
        pages: &dyn PageSink,
    ) -> Result<()> {
        let extracted = self.selector.extract(read.run, element)?;
        taken.extracted += extracted.count;
        let mut records = self.selector.select(place, extracted.records).await?;
        taken.kept += records.len();
        if self.paginator.looks_at_records() || read.feed.is_some() {
            taken.last = records.last().cloned().or(taken.last.take());
        }
        if let Some(feed) = read.feed {
            records.retain(|record| feed.is_fresh(record));
        }
        without_nulls(&mut records);
        if !records.is_empty() {
            taken.enough = !pages.page(records).await?;
        }
        Ok(())
    }
}

/// Whether decoder and paginator can work with an extractor of several.
fn fits(node: &Node<'_>, extractor: &Extractor) -> Result<()> {
    let whole = ["", "JsonDecoder", "XmlDecoder", "ZipfileDecoder"];
    if let Some(decoder) = node.field("decoder")
        && extractor.sees_all()
        && !whole.contains(&decoder.kind())
    {
        let kind = decoder.kind();
        return Err(
            decoder.error(format!("a CombinedExtractor needs whole bodies, which `{kind}` never sees"))
        );
    }
    let strategy = node.field("paginator").and_then(|paginator| paginator.field("pagination_strategy"));
    match strategy {
        Some(strategy) if strategy.kind() == "OffsetIncrement" && extractor.adds_up() => Err(strategy.error(
            "an OffsetIncrement would skip records, because the CombinedExtractor adds up the records of several lists",
        )),
        _ => Ok(()),
    }
}

/// Null fields at the top are left out, as the reference leaves them out of what it hands on.
fn without_nulls(records: &mut [Json]) {
    for record in records {
        if let Json::Object(fields) = record
            && fields.values().any(Json::is_null)
        {
            fields.retain(|_, value| !value.is_null());
        }
    }
}

/// Notices an API that answers with the same page for ever.
#[derive(Default)]
struct Circle {
    token: Option<Json>,
    last: Option<Json>,
    times: u32,
}

impl Circle {
    fn check(&mut self, token: &Json, taken: &Taken, stream: &str) -> Result<()> {
        let same = self.token.as_ref() == Some(token) && self.last == taken.last;
        self.times = if same { self.times + 1 } else { 0 };
        // Some APIs repeat a token and still go on; the same page thrice is no accident.
        if self.times >= 3 {
            return Err(Error::new(ErrorKind::CorruptInput, "The API keeps answering with the same page.")
                .with("table", stream)
                .meaning("What was read before is loaded; the table stays where it was.")
                .fix("The connector's manifest does not notice the last page. Report it, or change its stop condition."));
        }
        self.token = Some(token.clone());
        self.last.clone_from(&taken.last);
        Ok(())
    }
}
