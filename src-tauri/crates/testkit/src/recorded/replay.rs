//! The server that replays a recording.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use serde_json::{Value, json};

use super::asked::{Asked, missing};
use super::{Exchange, RateLimit, Recording, Refusal};
use crate::http::{Answer, HttpServer, Request};

/// Which answers are given.
#[derive(Debug, Clone)]
pub enum World {
    /// The first ones.
    First,
    /// Those after rows were added and changed.
    Later,
    /// The first ones, but the next request is told once to come back later.
    Busy(RateLimit),
    /// Nobody comes in.
    Closed(Refusal),
}

/// A server that answers as it is written in a recording.
#[derive(Debug)]
pub struct Replay {
    server: HttpServer,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    world: World,
    headers: BTreeMap<String, String>,
    entries: Vec<Entry>,
    /// Since the log was last taken.
    log: BTreeSet<String>,
    unexpected: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    asked: Asked,
    exchange: Exchange,
    served: [bool; 2],
}

impl Replay {
    /// Starts to serve the first world.
    ///
    /// # Errors
    /// When there is no free port, or a request in the recording is not well written.
    pub async fn start(recording: &Recording) -> Result<Replay> {
        let entry = |exchange: &Exchange| {
            Ok(Entry { asked: Asked::recorded(exchange)?, exchange: exchange.clone(), served: [false; 2] })
        };
        let state = Arc::new(Mutex::new(State {
            world: World::First,
            headers: recording.headers.clone(),
            entries: recording.exchanges.iter().map(entry).collect::<Result<_>>()?,
            log: BTreeSet::new(),
            unexpected: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let server = HttpServer::start(move |request| {
            // Clients send the address that they know.
            let address = format!("http://{}", request.header("host").unwrap_or_default());
            shared.lock().unwrap_or_else(PoisonError::into_inner).answer(&request, &address)
        })
        .await?;
        Ok(Replay { server, state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A text with the addresses of this server instead of the real ones.
    pub fn localised(&self, text: &str) -> String {
        text.replace("https://", &format!("{}/", self.server.url()))
    }

    /// From now on these answers are given.
    pub fn enter(&self, world: World) {
        self.state().world = world;
    }

    /// The different requests since this was last asked.
    pub fn take_log(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.state().log)
    }

    /// Requests that are not in the recording, and lacking headers.
    pub fn unexpected(&self) -> Vec<String> {
        self.state().unexpected.clone()
    }

    /// Whether the first answer to a request of the log holds anything.
    pub fn gave_rows(&self, asked: &str) -> bool {
        let state = self.state();
        let found = state.entries.iter().find(|entry| format!("{}{}", entry.asked, entry.with()) == asked);
        found.is_some_and(|entry| {
            let is_refused = entry.exchange.status.is_some_and(|status| status >= 400);
            !is_refused && entry.exchange.answer.as_ref().is_some_and(holds_rows)
        })
    }

    /// Answers of the recording that were never given.
    pub fn unused(&self) -> Vec<String> {
        let unused = |entry: &Entry| {
            let lacks = [
                entry.exchange.answer.is_some() && !entry.served[0],
                entry.exchange.later.is_some() && !entry.served[1],
            ];
            match lacks {
                [true, _] => Some(format!("{}{}", entry.asked, entry.with())),
                [false, true] => Some(format!("{}{} (later)", entry.asked, entry.with())),
                [false, false] => None,
            }
        };
        self.state().entries.iter().filter_map(unused).collect()
    }
}

impl Entry {
    /// The headers that this request is told apart by.
    fn with(&self) -> String {
        self.exchange.with.iter().map(|(name, value)| format!(" {name}: {value}")).collect()
    }
}

impl State {
    fn answer(&mut self, request: &Request, address: &str) -> Answer {
        if let World::Closed(refusal) = &self.world {
            return said(refusal.status, &refusal.headers, &refusal.body, address);
        }
        let asked = match Asked::received(request, address) {
            Ok(asked) => asked,
            Err(error) => return self.refuse(format!("{} {}: {error}", request.method, request.target)),
        };
        if let World::Busy(limit) = &self.world
            && asked.to_string().contains(&limit.at)
        {
            let answer = said(limit.status, &limit.headers, &limit.body, address);
            // Said once.
            self.world = World::First;
            return answer;
        }
        let is_later = matches!(self.world, World::Later);
        let body = |exchange: &Exchange| match is_later {
            true => exchange.later.clone().or_else(|| exchange.answer.clone()),
            false => exchange.answer.clone(),
        };
        let candidates = self.entries.iter_mut();
        let candidates = candidates.filter(|entry| entry.asked.is(&asked) && body(&entry.exchange).is_some());
        let demanded = &self.headers;
        let lacking = |entry: &Entry| {
            let mut demanded = demanded.clone();
            demanded.extend(entry.exchange.with.clone());
            missing(request, &demanded)
        };
        // Requests can differ in headers alone.
        let Some(entry) = candidates.min_by_key(|entry| lacking(entry).len()) else {
            return self.refuse(asked.to_string());
        };
        let lacks = lacking(entry);
        if !lacks.is_empty() {
            return self.refuse(format!("{asked}: {}", lacks.join(", ")));
        }
        entry.served[usize::from(is_later && entry.exchange.later.is_some())] = true;
        let (status, headers) = (entry.exchange.status.unwrap_or(200), entry.exchange.headers.clone());
        let body = body(&entry.exchange).unwrap_or_default();
        self.log.insert(format!("{asked}{}", entry.with()));
        said(status, &headers, &body, address)
    }

    fn refuse(&mut self, what: String) -> Answer {
        if !self.unexpected.contains(&what) {
            self.unexpected.push(what);
        }
        said(400, &BTreeMap::new(), &json!({"message": "The recording does not have this request."}), "")
    }
}

/// Whether a list in a body has items.
fn holds_rows(body: &Value) -> bool {
    match body {
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => fields.values().any(holds_rows),
        Value::String(text) => text.lines().count() > 1,
        _ => false,
    }
}

fn said(status: u16, headers: &BTreeMap<String, String>, body: &Value, address: &str) -> Answer {
    let text = match body {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let local = |text: &str| text.replace("https://", &format!("{address}/"));
    let kind = if body.is_string() { "text/plain" } else { "application/json" };
    let mut all = vec![("Content-Type".to_owned(), kind.to_owned())];
    all.retain(|(name, _)| !headers.keys().any(|given| given.eq_ignore_ascii_case(name)));
    all.extend(headers.iter().map(|(name, value)| (name.clone(), local(value))));
    Answer { status, headers: all, body: local(&text).into_bytes().into() }
}
