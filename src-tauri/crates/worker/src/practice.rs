//! Two small APIs on this computer, to learn the builder with: one with a description, pages and a key; one of which
//! there is only an answer, with links from page to page. Made-up rows, always the same.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::{Value, json};
use syncline_api::types::PracticeApi;
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

/// Tried first, so that a connector that was made with it works again tomorrow.
const PORT: u16 = 48_765;
const KEY: &str = "practice";
const TICKETS: usize = 230;
const READINGS: usize = 90;

/// The APIs, started when somebody first asks for them; they end with the program.
#[derive(Default)]
pub(crate) struct Practice {
    server: OnceCell<Server>,
}

struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Practice {
    /// Where they are.
    ///
    /// # Errors
    /// When no port of this computer is free.
    pub(crate) async fn apis(&self) -> Result<Vec<PracticeApi>> {
        let server = self.server.get_or_try_init(start).await?;
        let base = format!("http://{}", server.address);
        Ok(vec![
            PracticeApi {
                id: "help_desk".to_owned(),
                openapi: Some(format!("{base}/helpdesk/openapi.json")),
                sample: None,
                key: Some(KEY.to_owned()),
            },
            PracticeApi {
                id: "weather".to_owned(),
                openapi: None,
                sample: Some(format!("{base}/weather/readings?limit=25")),
                key: None,
            },
        ])
    }
}

async fn start() -> Result<Server> {
    let at = |port| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let listener = match at(PORT).await {
        Ok(listener) => listener,
        Err(_) => at(0).await.map_err(no_port)?,
    };
    let address = listener.local_addr().map_err(no_port)?;
    let router = Router::new()
        .route("/helpdesk/openapi.json", get(description))
        .route("/helpdesk/v2/tickets", get(tickets))
        .route("/helpdesk/v2/tickets/{id}/comments", get(comments))
        .route("/weather/readings", get(readings))
        .with_state(address);
    let serving = async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::warn!(%error, "the practice APIs ended");
        }
    };
    Ok(Server { address, task: tokio::spawn(serving) })
}

fn no_port(error: std::io::Error) -> Error {
    Error::new(
        ErrorKind::Unreachable,
        "The practice APIs could not be started: no port of this computer is free.",
    )
    .meaning("Everything else works.")
    .caused_by(error)
}

async fn description(State(address): State<SocketAddr>) -> Json<Value> {
    let list = |name: &str, item: &str| {
        json!({"200": {"description": "A page", "content": {"application/json": {"schema": {"type": "object", "properties": {
            name: {"type": "array", "items": {"$ref": format!("#/components/schemas/{item}")}}, "total": {"type": "integer"}}}}}}})
    };
    let parameter = |name: &str, schema: Value| json!({"name": name, "in": "query", "schema": schema});
    let text = json!({"type": "string"});
    let time = json!({"type": "string", "format": "date-time"});
    Json(json!({
        "openapi": "3.1.0",
        "info": {"title": "Practice help desk", "version": "2", "description": "Lives on this computer. The key is: practice"},
        "servers": [{"url": format!("http://{address}/helpdesk/v2")}],
        "security": [{"key": []}],
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}},
            "schemas": {
                "Ticket": {"type": "object", "properties": {"id": {"type": "integer"}, "subject": text, "status": text,
                    "priority": {"type": "integer"}, "requester": {"type": "object"}, "updated_at": time}},
                "Comment": {"type": "object", "properties": {"id": {"type": "integer"}, "body": text, "created_at": time}},
            },
        },
        "paths": {
            "/tickets": {"get": {"summary": "All tickets, page by page", "responses": list("data", "Ticket"), "parameters": [
                parameter("page", json!({"type": "integer", "default": 1})),
                parameter("per_page", json!({"type": "integer", "maximum": 100})),
                parameter("updated_since", time)]}},
            "/tickets/{ticket_id}/comments": {"get": {"summary": "What was said about a ticket", "responses": list("comments", "Comment"),
                "parameters": [{"name": "ticket_id", "in": "path", "required": true, "schema": {"type": "integer"}}]}},
        },
    }))
}

type Asked = Query<HashMap<String, String>>;

fn number(asked: &HashMap<String, String>, name: &str, usual: usize) -> usize {
    asked.get(name).and_then(|value| value.parse().ok()).unwrap_or(usual)
}

fn refused(headers: &HeaderMap) -> Option<Response> {
    let key = headers.get("x-api-key").and_then(|key| key.to_str().ok());
    let message = json!({"message": "Send the key in the header X-Api-Key."});
    (key != Some(KEY)).then(|| (StatusCode::UNAUTHORIZED, Json(message)).into_response())
}

async fn tickets(headers: HeaderMap, Query(asked): Asked) -> Response {
    if let Some(refused) = refused(&headers) {
        return refused;
    }
    const SUBJECTS: [&str; 5] =
        ["Cannot sign in", "Invoice is wrong", "Slow on Mondays", "Please add dark mode", "Export fails"];
    let since = asked.get("updated_since").map_or("", String::as_str);
    let ticket = |at: usize| {
        let id = 8_800 + at;
        json!({"id": id, "subject": SUBJECTS[at % SUBJECTS.len()], "status": if at.is_multiple_of(3) { "open" } else { "solved" },
            "priority": at % 4, "requester": {"name": format!("Person {}", at % 17)},
            "updated_at": format!("2026-{:02}-{:02}T{:02}:15:00Z", at / 28 % 12 + 1, at % 28 + 1, at % 24)})
    };
    let all =
        (0..TICKETS).map(ticket).filter(|ticket| ticket["updated_at"].as_str().is_some_and(|at| at >= since));
    let (page, size) = (number(&asked, "page", 1).max(1), number(&asked, "per_page", 20).clamp(1, 100));
    let page: Vec<Value> = all.skip((page - 1) * size).take(size).collect();
    ([("x-ratelimit-remaining", "941")], Json(json!({"data": page, "total": TICKETS}))).into_response()
}

async fn comments(headers: HeaderMap, Path(ticket): Path<usize>) -> Response {
    if let Some(refused) = refused(&headers) {
        return refused;
    }
    let comment = |at: usize| json!({"id": ticket * 10 + at, "body": format!("Answer {at} to ticket {ticket}"), "created_at": format!("2026-01-{:02}T08:00:00Z", at + 1)});
    Json(json!({"comments": (0..ticket % 4).map(comment).collect::<Vec<_>>()})).into_response()
}

async fn readings(State(address): State<SocketAddr>, Query(asked): Asked) -> Json<Value> {
    const STATIONS: [&str; 3] = ["harbour", "hill", "airport"];
    let since = asked.get("since").map_or("", String::as_str);
    let reading = |at: usize| {
        json!({"reading_id": format!("r{at:04}"), "station": STATIONS[at % STATIONS.len()], "celsius": (at * 7 % 300) as f64 / 10.0,
            "measured_at": format!("2026-03-{:02}T{:02}:00:00Z", at / 24 + 1, at % 24)})
    };
    let all: Vec<Value> = (0..READINGS)
        .map(reading)
        .filter(|reading| reading["measured_at"].as_str().is_some_and(|at| at >= since))
        .collect();
    let (from, size) = (number(&asked, "from", 0), number(&asked, "limit", 25).clamp(1, 50));
    let page: Vec<Value> = all.iter().skip(from).take(size).cloned().collect();
    let next = (from + size < all.len()).then(|| {
        let since = if since.is_empty() { String::new() } else { format!("&since={since}") };
        format!("http://{address}/weather/readings?limit={size}&from={}{since}", from + size)
    });
    Json(json!({"readings": page, "links": {"next": next}}))
}
