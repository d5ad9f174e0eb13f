//! Jobs that the API works off by itself: create, ask until they are done, download (`AsyncRetriever`).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
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
    at_once: Option<Text>,
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
        if let (Some(urls), None) =
            (node.field("download_target_requester"), node.field("download_target_extractor"))
        {
            return Err(urls.error("a `download_target_requester` needs a `download_target_extractor`"));
        }
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
            at_once: Text::of(&Node::root(node.document()), "max_concurrent_async_job_count")?,
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
        let (job, polled) = {
            // As many jobs at once as the manifest says, of all its tables together. Downloads are not counted.
            let at_once = usize::try_from(self.number(read, &self.at_once, 1)?).unwrap_or(1).max(1);
            let _turn = read.run.job_turn(at_once).await?;
            match self.completed(read).await? {
                Some(completed) => completed,
                None => return Ok(()),
            }
        };
        self.fetch(read, &job, &polled, pages).await
    }

    /// The first job of a few that the API completes; none when it says that there is nothing to be had.
    async fn completed(&self, read: &SliceRead<'_>) -> Result<Option<(Job, Answer)>> {
        let minutes = self.number(read, &self.minutes, 60)?;
        let limit = read.run.wait(Duration::from_secs(minutes.saturating_mul(60)));
        let pause = Duration::from_secs(self.number(read, &self.retry_wait, 0)?);
        let mut attempt = 1;
        loop {
            let why = match self.ask(&self.creation, read, &[]).await {
                Ok(created) => {
                    let job = Job { created: created.seen };
                    match self.followed(read, &job, limit).await? {
                        (Status::Completed, polled) => return Ok(Some((job, polled))),
                        (Status::Skipped, _) => return Ok(None),
                        (Status::TimedOut, _) => "did not finish in time",
                        _ => "failed",
                    }
                }
                Err(error) if attempt >= TRIES || !may_pass(&error) => return Err(error),
                Err(_) => "could not be given",
            };
            if attempt >= TRIES {
                let message = format!("A job that the API should do {why}, {TRIES} times.");
                return Err(Error::new(ErrorKind::ConnectionLost, message).with("table", read.stream));
            }
            attempt += 1;
            if why == "failed" && pause > Duration::ZERO {
                pausing(read, "A job of the API failed; another one is given to it soon.", pause).await;
            }
        }
    }

    /// Asks for the status of a job until it runs no more, or has run too long.
    async fn followed(&self, read: &SliceRead<'_>, job: &Job, limit: Duration) -> Result<(Status, Answer)> {
        let began = Instant::now();
        loop {
            let polled = self.polled(read, job).await;
            let ended = match &polled {
                Ok((Status::Running, _)) => began.elapsed() >= limit,
                Ok((Status::TimedOut, _)) | Err(_) => true,
                Ok(_) => return polled,
            };
            if ended {
                self.abort(read, job).await;
                return polled.map(|(_, answer)| (Status::TimedOut, answer));
            }
            pausing(read, "The API prepares the data.", POLL).await;
        }
    }

    async fn polled(&self, read: &SliceRead<'_>, job: &Job) -> Result<(Status, Answer)> {
        let answer = self.ask(&self.polling, read, &[("creation_response", &job.created)]).await?;
        Ok((self.status_of(read, &answer).await?, answer))
    }

    /// Tells the API that a job is not wanted any more. That it does not listen is no failure of the read.
    async fn abort(&self, read: &SliceRead<'_>, job: &Job) {
        let Some(abort) = &self.abort else { return };
        if let Err(error) = self.ask(abort, read, &[("creation_response", &job.created)]).await {
            tracing::warn!(table = read.stream, %error, "a job that is not wanted any more could not be ended");
        }
    }

    fn number(&self, read: &SliceRead<'_>, text: &Option<Text>, otherwise: u64) -> Result<u64> {
        let Some(text) = text else { return Ok(otherwise) };
        let config = read.run.config();
        Ok(text.eval(&Scope::new(&config, read.run.clock))?.as_u64().unwrap_or(otherwise))
    }

    /// Sends a request of a job. What router and cursor would add is not added, as the templates of a job name what it
    /// is for.
    async fn ask(
        &self,
        requester: &Requester,
        read: &SliceRead<'_>,
        seen: &[(&str, &Json)],
    ) -> Result<Answer> {
        let asked = Asked {
            slice: Some(read.slice),
            token: None,
            variables: seen.to_vec(),
            options: Options::default(),
            stream: read.stream,
        };
        let response = Box::pin(requester.send(read.run, asked, read.output)).await?;
        let (headers, url) = (response.headers_json(), response.url.clone());
        let mut decoded = self.decoder.decode(read.run, response, true).await?;
        let mut body = Vec::new();
        while let Some(batch) = decoded.elements.next().await {
            body.extend(batch?);
        }
        let mut seen = match decoded.response {
            Json::Object(fields) => fields,
            other => Map::from_iter([("body".to_owned(), other)]),
        };
        // Templates reach headers and address of an answer beside its fields.
        seen.entry("headers").or_insert(headers);
        seen.entry("request").or_insert_with(|| serde_json::json!({"url": url}));
        Ok(Answer { seen: Json::Object(seen), body })
    }

    async fn status_of(&self, read: &SliceRead<'_>, polled: &Answer) -> Result<Status> {
        let mut found = Json::Null;
        for element in &polled.body {
            if let Some(first) = self.status.extract(read, element.clone()).await?.records.into_iter().next()
            {
                found = first;
                break;
            }
        }
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

    /// Downloads everything that a job made, then deletes it.
    async fn fetch(
        &self,
        read: &SliceRead<'_>,
        job: &Job,
        polled: &Answer,
        pages: &dyn PageSink,
    ) -> Result<()> {
        let mut targets = Vec::new();
        match (&self.target, &self.urls) {
            (None, _) => targets.push(Json::from("")),
            (Some(target), None) => {
                for element in &polled.body {
                    targets.extend(target.extract(read, element.clone()).await?.records);
                }
            }
            (Some(target), Some(urls)) => {
                let seen = [("creation_response", &job.created), ("polling_response", &polled.seen)];
                for element in self.ask(urls, read, &seen).await?.body {
                    targets.extend(target.extract(read, element).await?.records);
                }
            }
        }
        let none = Options::default();
        let sink = Until { pages, wanted: AtomicBool::new(true) };
        for target in &targets {
            let seen = vec![
                ("download_target", target),
                ("creation_response", &job.created),
                ("polling_response", &polled.seen),
            ];
            self.download.read(&SliceRead { options: &none, ..*read }, seen, &sink).await?;
            if !sink.wanted.load(Ordering::Relaxed) {
                break;
            }
        }
        if let Some(delete) = &self.delete {
            self.ask(delete, read, &[("creation_response", &job.created)]).await?;
        }
        Ok(())
    }
}

/// A job that the API was given.
struct Job {
    /// What templates see as `creation_response`.
    created: Json,
}

/// What the API says of a job.
struct Answer {
    /// As templates see it.
    seen: Json,
    body: Vec<Json>,
}

/// Remembers that somebody has enough, so that no further file is asked for.
struct Until<'a> {
    pages: &'a dyn PageSink,
    wanted: AtomicBool,
}

#[async_trait]
impl PageSink for Until<'_> {
    async fn page(&self, records: Vec<Json>) -> Result<bool> {
        let wanted = self.pages.page(records).await?;
        self.wanted.store(wanted, Ordering::Relaxed);
        Ok(wanted)
    }
}

/// Whether another job may fare better.
fn may_pass(error: &Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::Config
            | ErrorKind::Authentication
            | ErrorKind::Permission
            | ErrorKind::Unsupported
            | ErrorKind::Stopped
            | ErrorKind::Internal
    )
}

async fn pausing(read: &SliceRead<'_>, why: &str, time: Duration) {
    read.output.waiting(Some(why));
    tokio::time::sleep(read.run.wait(time)).await;
    read.output.waiting(None);
}
