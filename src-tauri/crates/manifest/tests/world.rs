//! A made-up internet: a manifest is read as always, and what its requests are answered is a function.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_manifest::connector::Connector;
use syncline_manifest::context::Compatibility;
use syncline_manifest::http::client::{Answer, Client, Kept, Limits, Prepared, Relay};
use syncline_manifest::{Output, Run};
use syncline_protocol::Result;

/// What a host says; none: it is left to the network.
type Says = dyn Fn(&Prepared) -> Option<Said> + Send + Sync;

/// What a host answers.
#[derive(Clone, Default)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Said {
    pub(crate) fn with(status: u16, body: impl Into<Vec<u8>>) -> Said {
        Said { status, headers: Vec::new(), body: body.into() }
    }
}

pub(crate) struct World {
    says: Box<Says>,
    asked: Mutex<Vec<Prepared>>,
    allow_private: bool,
    haste: u32,
}

/// What a read gave.
#[derive(Debug, Default)]
pub(crate) struct Got {
    pub(crate) records: Vec<Value>,
    pub(crate) state: Value,
    /// What was waited for.
    pub(crate) waited: Vec<String>,
}

pub(crate) fn ok(body: &Value) -> Option<Said> {
    Some(Said::with(200, body.to_string()))
}

impl World {
    pub(crate) fn new(says: impl Fn(&Prepared) -> Option<Said> + Send + Sync + 'static) -> World {
        World { says: Box::new(says), asked: Mutex::default(), allow_private: false, haste: 10_000 }
    }

    /// Waiting takes as long as it takes.
    pub(crate) fn at_full_length(self) -> World {
        World { haste: 1, ..self }
    }

    /// Everywhere this body.
    pub(crate) fn of(body: impl Into<Vec<u8>>) -> World {
        let said = Said::with(200, body);
        World::new(move |_| Some(said.clone()))
    }

    pub(crate) fn allowing_private(self) -> World {
        World { allow_private: true, ..self }
    }

    /// The first stream of a manifest, read to its end.
    pub(crate) async fn read(self, manifest: &Value, config: Value) -> Result<(Got, Vec<Prepared>)> {
        let mut manifest = manifest.clone();
        manifest["check"] = json!({"type": "CheckStream", "stream_names": ["s"]});
        let connector = Connector::parse(&manifest.to_string(), &|_| None)?;
        let limits = Limits { allow_private: self.allow_private, ..Limits::default() };
        let haste = self.haste;
        let world = Arc::new(self);
        let relay: Arc<dyn Relay> = Arc::<World>::clone(&world);
        let client = Client::new(limits)?.with_relay(relay);
        let clock = || "2024-03-01T23:59:57Z".parse::<jiff::Timestamp>().unwrap();
        let mut run = Run::new(connector.configure(config)?, client, Compatibility::Safe, clock);
        run.haste = haste;
        connector.limit(&mut run)?;
        let run = Arc::new(run);
        let tables = connector.tables(&run).await?;
        let kept = Taken::default();
        tables[0].stream.as_ref().map_err(again)?.read(&run, None, &kept).await?;
        let asked = std::mem::take(&mut *world.asked.lock().unwrap());
        Ok((kept.got.into_inner().unwrap(), asked))
    }
}

fn again(error: &syncline_protocol::Error) -> syncline_protocol::Error {
    syncline_protocol::Error::new(error.kind(), error.message())
}

#[async_trait]
impl Relay for World {
    async fn send(&self, client: &Client, request: &Prepared) -> Result<Answer> {
        self.asked.lock().unwrap().push(request.clone());
        match (self.says)(request) {
            Some(Said { status, headers, body }) => {
                Ok(Kept { status, headers, url: request.url.clone(), body: body.into() }.into())
            }
            None => client.send_now(request).await,
        }
    }
}

#[derive(Default)]
struct Taken {
    got: Mutex<Got>,
}

#[async_trait]
impl Output for Taken {
    async fn records(&self, records: Vec<Value>) -> Result<()> {
        self.got.lock().unwrap().records.extend(records);
        Ok(())
    }

    async fn state(&self, state: &Value) -> Result<()> {
        self.got.lock().unwrap().state = state.clone();
        Ok(())
    }

    fn waiting(&self, reason: Option<&str>) {
        self.got.lock().unwrap().waited.extend(reason.map(str::to_owned));
    }
}

/// A manifest of one stream, `s`.
pub(crate) fn manifest(stream: Value) -> Value {
    json!({"streams": [stream]})
}

/// A stream whose records are the body itself.
pub(crate) fn stream() -> Value {
    json!({"type": "DeclarativeStream", "name": "s", "primary_key": "id", "retriever": {
        "type": "SimpleRetriever",
        "requester": {"type": "HttpRequester", "url_base": "https://api.example.test", "path": "/items"},
        "record_selector": {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": []}},
    }})
}
