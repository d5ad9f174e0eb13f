//! Reads one slice: page after page, each extracted, filtered, transformed.

use async_trait::async_trait;
use syncline_protocol::Result;

use crate::Json;
use crate::context::{Output, Run, Slice};
use crate::document::Node;
use crate::http::Options;

/// What a cursor says of records while a slice is read.
pub trait Freshness: Send + Sync {
    /// Whether the record is not older than what is already synced, so that it must be kept.
    fn is_fresh(&self, record: &Json) -> bool;
}

/// One slice to read.
pub struct SliceRead<'a> {
    /// Client and configuration.
    pub run: &'a Run,
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

/// A retriever (`SimpleRetriever`, `AsyncRetriever`).
pub struct Retriever {}

impl Retriever {
    /// From the component of a retriever. `stream` is the stream's component, when it has one: schema normalisation
    /// looks there for a schema.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub fn new(_retriever: &Node<'_>, _stream: Option<&Node<'_>>) -> Result<Retriever> {
        todo!("owner: records")
    }

    /// Answers are kept for other streams of the run: this one is a parent.
    pub fn keep_answers(&mut self) {
        todo!("owner: records")
    }

    /// Reads the slice to its end, or until the sink has enough.
    ///
    /// # Errors
    /// Of requests, decoders and templates. What the sink took before stays taken.
    pub async fn read(&self, _read: SliceRead<'_>, _pages: &dyn PageSink) -> Result<()> {
        todo!("owner: records")
    }
}
