//! Jobs that the API works off by itself: create, ask until they are done, download (`AsyncRetriever`).

use std::time::Duration;

use syncline_protocol::{Error, ErrorKind, Result};
use tokio::time::Instant;

use super::pages::Simple;
use super::{PageSink, SliceRead};
use crate::document::Node;
use crate::expression::{Scope, Text, python_str};
use crate::http::{Asked, Decoder, Options, Requester};
use crate::paging::Paginator;
use crate::records::{Extractor, Selector};
use crate::{Json, Map};

/// How often a job that failed is started again.
const TRIES: u32 = 3;
/// Between two questions whether it is done.
const POLL: Duration = Duration::from_secs(5);

pub(super) struct AsyncRetriever {
    creation: Requester,
    polling: Requester,
    urls: Option<Requester>,
    delete: Option<Requester>,
    abort: Option<Requester>,
    statuses: Vec<(String, Status)>,
    status: Extractor,
    target: Option<Extractor>,
    decoder: Decoder,
    minutes: Option<Text>,
    retry_wait: Option<Text>,
    download: Simple,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Running,
    Completed,
    Failed,
    TimedOut,
    Skipped,
}

impl AsyncRetriever {
    pub(super) fn new(node: &Node<'_>, stream: Option<&Node<'_>>) -> Result<AsyncRetriever> {
        let requester = |field: &str| node.field(field).map(|node| Requester::new(&node)).transpose();
        let need = |field: &str| Requester::new(&node.require(field)?);
        let decoder = |field: &str| match node.field(field) {
            Some(decoder) => Decoder::new(&decoder),
            None => Ok(Decoder::json()),
        };
        let mapping = node.require("status_mapping")?;
        let mut statuses = Vec::new();
        for (field, status) in [
            ("running", Status::Running),
            ("completed", Status::Completed),
            ("failed", Status::Failed),
            ("timeout", Status::TimedOut),
            ("skipped", Status::Skipped),
        ] {
            statuses.extend(mapping.list(field).iter().map(|word| (python_str(word.json()), status)));
        }
        let mut selector = Selector::new(&node.require("record_selector")?, stream)?;
        let extractor = match node.field("download_extractor") {
            Some(extractor) => Extractor::new(&extractor)?,
            None => Extractor::everything(),
        };
        let download_decoder = match extractor.needed_decoder() {
            Some(needed) => needed.clone(),
            None => decoder("download_decoder")?,
        };
        selector.set_extractor(extractor);
        Ok(AsyncRetriever {
            creation: need("creation_requester")?,
            polling: need("polling_requester")?,
            urls: requester("download_target_requester")?,
            delete: requester("delete_requester")?,
            abort: requester("abort_requester")?,
            statuses,
            status: Extractor::new(&node.require("status_extractor")?)?,
            target: node.field("download_target_extractor").map(|node| Extractor::new(&node)).transpose()?,
            decoder: decoder("decoder")?,
            minutes: Text::of(node, "polling_job_timeout")?,
            retry_wait: Text::of(node, "failed_retry_wait_time_in_seconds")?,
            download: Simple::of(
                need("download_requester")?,
                download_decoder,
                selector,
                Paginator::new(node.field("download_paginator"))?,
            ),
        })
    }

    pub(super) async fn read(&self, read: &SliceRead<'_>, pages: &dyn PageSink) -> Result<()> {
        let number = |text: &Option<Text>, otherwise: u64| -> Result<u64> {
            let Some(text) = text else { return Ok(otherwise) };
            let config = read.run.config();
            Ok(text.eval(&Scope::new(&config, read.run.clock))?.as_u64().unwrap_or(otherwise))
        };
        let limit = Duration::from_secs(number(&self.minutes, 60)?.saturating_mul(60));
        let pause = Duration::from_secs(number(&self.retry_wait, 0)?);
        for attempt in 1.. {
            let created = self.ask(&self.creation, read, &[], read.options.clone()).await?;
            let began = Instant::now();
            let (status, polled) = loop {
                let polled = self
                    .ask(&self.polling, read, &[("creation_response", &created)], Options::default())
                    .await?;
                let status = self.status_of(read, &polled)?;
                if status != Status::Running {
                    break (status, polled);
                }
                if began.elapsed() >= limit {
                    if let Some(abort) = &self.abort {
                        self.ask(abort, read, &[("creation_response", &created)], Options::default()).await?;
                    }
                    break (Status::TimedOut, polled);
                }
                read.output.waiting(Some("The API prepares the data."));
                tokio::time::sleep(read.run.wait(POLL)).await;
                read.output.waiting(None);
            };
            match status {
                Status::Completed => return self.fetch(read, &created, &polled, pages).await,
                Status::Skipped => return Ok(()),
                _ if attempt >= TRIES => {
                    let why = if status == Status::TimedOut { "did not finish in time" } else { "failed" };
                    return Err(Error::new(
                        ErrorKind::ConnectionLost,
                        format!("A job that the API should do {why}, {TRIES} times."),
                    )
                    .with("table", read.stream));
                }
                _ => tokio::time::sleep(read.run.wait(pause)).await,
            }
        }
        Ok(())
    }

    /// Sends a request of a job; gives its answer as templates see it.
    async fn ask(
        &self,
        requester: &Requester,
        read: &SliceRead<'_>,
        seen: &[(&str, &Json)],
        options: Options,
    ) -> Result<Json> {
        let asked = Asked {
            slice: Some(read.slice),
            token: None,
            variables: seen.to_vec(),
            options,
            stream: read.stream,
        };
        let response = requester.send(read.run, asked, read.output).await?;
        let (headers, url) = (response.headers_json(), response.url.clone());
        let decoded = self.decoder.decode(read.run, response, true).await?;
        let mut answer = match decoded.response {
            Json::Object(fields) => fields,
            other => Map::from_iter([("body".to_owned(), other)]),
        };
        // Templates reach headers and address of an answer beside its fields.
        answer.entry("headers").or_insert(headers);
        answer.entry("request").or_insert_with(|| serde_json::json!({"url": url}));
        Ok(Json::Object(answer))
    }

    fn status_of(&self, read: &SliceRead<'_>, polled: &Json) -> Result<Status> {
        let found =
            self.status.extract(read.run, polled.clone())?.records.into_iter().next().unwrap_or(Json::Null);
        let word = python_str(&found);
        self.statuses.iter().find(|(known, _)| *known == word).map(|(_, status)| *status).ok_or_else(|| {
            let word: String = word.chars().take(60).collect();
            Error::new(
                ErrorKind::CorruptInput,
                format!("The API says that a job is `{word}`, which the connector does not know."),
            )
            .with("table", read.stream)
        })
    }

    async fn fetch(
        &self,
        read: &SliceRead<'_>,
        created: &Json,
        polled: &Json,
        pages: &dyn PageSink,
    ) -> Result<()> {
        let listed = match &self.urls {
            Some(urls) => {
                let seen = [("creation_response", created), ("polling_response", polled)];
                self.ask(urls, read, &seen, Options::default()).await?
            }
            None => polled.clone(),
        };
        let targets = match &self.target {
            Some(target) => target.extract(read.run, listed)?.records,
            None => vec![Json::from("")],
        };
        for target in &targets {
            let seen = vec![
                ("download_target", target),
                ("creation_response", created),
                ("polling_response", polled),
            ];
            let inner = SliceRead { options: &Options::default(), ..*read };
            self.download.read(&inner, seen.clone(), pages).await?;
            if let Some(delete) = &self.delete {
                self.ask(delete, read, &seen, Options::default()).await?;
            }
        }
        Ok(())
    }
}
