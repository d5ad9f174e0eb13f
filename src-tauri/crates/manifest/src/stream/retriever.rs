//! Reads one slice: page after page, each extracted, filtered, transformed (`SimpleRetriever`, `AsyncRetriever`).

mod ahead;
mod chunked;
mod circle;
mod content;
mod job;
mod pages;
mod properties;
pub(super) mod rules;
mod taken;

use std::sync::Arc;

use async_trait::async_trait;
use syncline_protocol::Result;

use super::dividing::Wish;
use crate::Json;
use crate::context::{Output, Run, Slice};
use crate::document::Node;
use crate::http::{Options, named};
use crate::records::RawRecords;

use job::AsyncRetriever;
use pages::Simple;

pub(crate) use properties::without_properties;

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
    /// Where a retriever says that it needs a shorter window. None: there is nobody who could give one.
    pub(crate) wish: Option<&'a Wish>,
    /// Client-side incremental: records that are not fresh are left out, where the reference does so.
    pub filter: Option<&'a dyn Freshness>,
    /// A data feed: paging ends after a page whose last record is not fresh, and older ones are left out.
    pub feed: Option<&'a dyn Freshness>,
}

impl<'a> SliceRead<'a> {
    /// One of which every record is wanted, new or not.
    pub fn all(
        run: &'a Arc<Run>,
        slice: &'a Slice,
        options: &'a Options,
        stream: &'a str,
        output: &'a dyn Output,
    ) -> SliceRead<'a> {
        SliceRead { run, slice, options, stream, output, wish: None, filter: None, feed: None }
    }
}

/// Takes the records of each page.
#[async_trait]
pub trait PageSink: Send + Sync {
    /// Takes them. False: enough, read no further page.
    ///
    /// # Errors
    /// When the read is being stopped.
    async fn page(&self, records: Vec<Json>) -> Result<bool>;

    /// Takes records that nothing has to be done to, as text.
    ///
    /// # Errors
    /// As [`page`](Self::page), and `CorruptInput` for one that cannot be read after all.
    async fn raw(&self, records: RawRecords) -> Result<bool> {
        self.page(records.values()?).await
    }
}

/// A retriever.
pub struct Retriever {
    kind: Kind,
}

enum Kind {
    Simple(Box<Simple>),
    Async(Box<AsyncRetriever>),
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
