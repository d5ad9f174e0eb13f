//! HTTP for requests, WebSocket for events.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde_json::Value;
use syncline_api::Listener;
use syncline_protocol::{Error, Result};
use syncline_worker::Opened;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::files;
use super::guard::{Guard, Refusal};

/// The largest request: a connection with very many tables.
const REQUEST_BYTES_MAX: usize = 32 << 20;

#[derive(Clone)]
struct Server {
    opened: Arc<Opened>,
    guard: Arc<Guard>,
    /// Cancelled when the program ends: windows that listen would keep it from ending.
    over: CancellationToken,
}

/// Serves until `over` is cancelled and all answers under way are given.
pub(super) async fn serve(
    listener: TcpListener,
    opened: Arc<Opened>,
    guard: Arc<Guard>,
    over: CancellationToken,
) -> Result<()> {
    let server = Server { opened, guard, over: over.clone() };
    let router = Router::new()
        .route("/rpc/{name}", post(rpc))
        .route("/events", any(events))
        .route("/", get(entrance))
        .fallback(get(file))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(from_fn_with_state(server.clone(), protect))
        .with_state(server);
    axum::serve(listener, router)
        .with_graceful_shutdown(over.cancelled_owned())
        .await
        .map_err(|error| Error::internal("The server stopped unexpectedly.").caused_by(error))
}

/// The headers that every answer has, also those that the router makes by itself.
async fn protect(State(server): State<Server>, request: Request, next: Next) -> Response<Body> {
    let mut response = next.run(request).await;
    server.guard.protect(response.headers_mut());
    response
}

/// Answers one request. When the window goes away meanwhile, this future is dropped, and with it the request.
async fn rpc(
    State(server): State<Server>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response<Body> {
    if let Err(refusal) = server.guard.check_request(&headers) {
        return refuse(refusal);
    }
    // A form of a foreign page cannot send this type without being asked first.
    let is_json = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !is_json.is_some_and(|value| value.starts_with("application/json")) {
        return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Requests are JSON.");
    }
    // Not by axum's extractor: its message may repeat what was sent.
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return plain(StatusCode::BAD_REQUEST, "The request is not JSON.");
    };
    drop(body);
    match server.opened.api().call(&name, request).await {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, Json(error)).into_response(),
    }
}

/// Tells events to one window, until it or the program goes away.
async fn events(
    State(server): State<Server>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response<Body> {
    if let Err(refusal) = server.guard.check_request(&headers) {
        return refuse(refusal);
    }
    // Before the window is answered: what happens from then on is told.
    let listener = server.opened.api().listen();
    upgrade.on_upgrade(move |socket| tell(socket, server, listener))
}

async fn tell(mut socket: WebSocket, server: Server, mut listener: Listener) {
    loop {
        tokio::select! {
            event = listener.next() => {
                let Some(event) = event else { break };
                let Ok(text) = serde_json::to_string(&*event) else { continue };
                if socket.send(Message::Text(Utf8Bytes::from(text))).await.is_err() {
                    return;
                }
            }
            // Windows say nothing here; an end, or an error, is the end.
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            () = server.over.cancelled() => break,
        }
    }
    let _ = socket.send(Message::Close(None)).await;
}

/// The page, for a browser that is in; the way in, for one that brings the token.
async fn entrance(State(server): State<Server>, headers: HeaderMap, uri: Uri) -> Response<Body> {
    if let Err(refusal) = server.guard.check_host(&headers) {
        return refuse(refusal);
    }
    let known = server.guard.check_page(&headers).is_ok();
    let query = uri.query().unwrap_or_default();
    let token = query.split('&').find_map(|pair| pair.strip_prefix("token="));
    match token {
        None if known => files::file("/"),
        None => refuse(Refusal::Session),
        // The token goes out of the address, so that it does not stay in the history.
        Some(token) if known || server.guard.redeem(token) => {
            let to = [
                (header::LOCATION, HeaderValue::from_static("/")),
                (header::SET_COOKIE, server.guard.cookie()),
            ];
            (StatusCode::SEE_OTHER, to).into_response()
        }
        Some(_) => refuse(Refusal::Session),
    }
}

async fn file(State(server): State<Server>, headers: HeaderMap, uri: Uri) -> Response<Body> {
    match server.guard.check_page(&headers) {
        Ok(()) => files::file(uri.path()),
        Err(refusal) => refuse(refusal),
    }
}

fn refuse(refusal: Refusal) -> Response<Body> {
    match refusal {
        Refusal::Host => plain(StatusCode::MISDIRECTED_REQUEST, "This is not the server you asked for."),
        Refusal::Origin => plain(StatusCode::FORBIDDEN, "Only the studio's own page is answered."),
        Refusal::Session => files::page(
            StatusCode::UNAUTHORIZED,
            "<h1>This browser was not let in</h1><p>The address that <code>syncline serve</code> prints works once. \
             Start it again to get a new one.</p>",
        ),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    (status, text).into_response()
}
