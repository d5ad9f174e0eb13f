//! Requests and events: the same table, the same JSON and the same errors as over HTTP.

use serde_json::Value;
use syncline_api::ApiError;
use syncline_protocol::{Error, Stopped};
use tauri::State;
use tauri::ipc::{Channel, InvokeResponseBody};
use tokio_util::sync::CancellationToken;

use crate::studio::Studio;

/// Answers one request. With a `ticket` the page can give it up; its future is dropped then, and with it the work.
#[tauri::command]
pub(crate) async fn rpc(
    studio: State<'_, Studio>,
    name: String,
    request: Value,
    ticket: Option<u32>,
) -> Result<Value, ApiError> {
    let api = studio.ready_api().await.map_err(ApiError::from)?;
    let Some(ticket) = ticket else { return api.call(&name, request).await };
    let given_up = CancellationToken::new();
    studio.shared().requests.insert(ticket, given_up.clone());
    let answer = tokio::select! {
        answer = api.call(&name, request) => answer,
        () = given_up.cancelled() => Err(ApiError::from(Error::from(Stopped))),
    };
    studio.shared().requests.remove(&ticket);
    answer
}

/// The page does not want this answer any more.
#[tauri::command]
pub(crate) fn cancel(studio: State<'_, Studio>, ticket: u32) {
    if let Some(request) = studio.shared().requests.remove(&ticket) {
        request.cancel();
    }
}

/// Tells all events to the page, until it goes away or listens anew. Returns as soon as the page can be told.
#[tauri::command]
pub(crate) async fn events(
    studio: State<'_, Studio>,
    channel: Channel<InvokeResponseBody>,
) -> Result<(), ApiError> {
    let api = studio.ready_api().await.map_err(ApiError::from)?;
    let over = CancellationToken::new();
    std::mem::replace(&mut studio.shared().stream, over.clone()).cancel();
    // Here and not in the task: nothing that happens from now on is missed.
    let mut listener = api.listen();
    drop(api);
    tauri::async_runtime::spawn(async move {
        loop {
            let event = tokio::select! {
                event = listener.next() => event,
                () = over.cancelled() => None,
            };
            let Some(event) = event else { break };
            let Ok(text) = serde_json::to_string(&*event) else { continue };
            if channel.send(InvokeResponseBody::Json(text)).is_err() {
                break;
            }
        }
    });
    Ok(())
}
