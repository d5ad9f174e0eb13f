//! A stand-in for a language model that is asked as OpenAI's are: it says what a test has written down, in turn, and
//! keeps what it was told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::http::{Answer, HttpServer, Request};

/// One answer of the model.
#[derive(Debug, Clone)]
pub enum Reply {
    /// It says this.
    Says(String),
    /// Its server answers with this status and text.
    Fails(u16, String),
    /// It says nothing; told when whoever asked has given up.
    Hangs(Arc<Notify>),
}

/// The server of the model; ends when it is dropped.
#[derive(Debug)]
pub struct ModelServer {
    server: HttpServer,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    key: Option<String>,
    replies: VecDeque<Reply>,
    asked: Vec<Value>,
}

impl ModelServer {
    /// Starts to answer; with a key only those who have it.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start(key: Option<&str>, replies: impl IntoIterator<Item = Reply>) -> Result<ModelServer> {
        let state = Arc::new(Mutex::new(State {
            key: key.map(str::to_owned),
            replies: replies.into_iter().collect(),
            asked: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let server = HttpServer::start(move |request| lock(&shared).answer(&request)).await?;
        Ok(ModelServer { server, state })
    }

    /// What somebody enters as its address.
    pub fn url(&self) -> String {
        format!("{}/v1", self.server.url())
    }

    /// What it was told, question by question.
    pub fn asked(&self) -> Vec<Value> {
        lock(&self.state).asked.clone()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn answer(&mut self, request: &Request) -> Answer {
        let failure =
            |status: u16, text: &str| Answer { status, ..Answer::json(&json!({"error": {"message": text}})) };
        if (request.method.as_str(), request.target.as_str()) != ("POST", "/v1/chat/completions") {
            return failure(404, "Unknown request URL");
        }
        let expected = self.key.as_ref().map(|key| format!("Bearer {key}"));
        if expected.as_deref() != request.header("authorization") {
            return failure(401, "Incorrect API key provided");
        }
        let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
            return failure(400, "The body is no JSON");
        };
        if !body["model"].is_string() || body["messages"].as_array().is_none_or(Vec::is_empty) {
            return failure(400, "model and messages are needed");
        }
        self.asked.push(body);
        match self.replies.pop_front() {
            None => failure(500, "Nothing is left to be said"),
            Some(Reply::Fails(status, text)) => failure(status, &text),
            Some(Reply::Hangs(given_up)) => Answer { given_up: Some(given_up), ..Answer::default() },
            Some(Reply::Says(text)) => Answer::json(&json!({
                "id": "chatcmpl-1", "object": "chat.completion", "model": "stand-in",
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            })),
        }
    }
}
