//! How the program ends: running syncs reach a durable point first.

use syncline_api::Api;
use tauri::{AppHandle, Manager as _};

use crate::studio::Studio;
use crate::window;

/// Ends the program. Asked a second time while syncs stop, it does not wait for them: what is not durable is dropped, and
/// the next run reads it again.
pub(crate) fn begin(app: &AppHandle) {
    let studio = app.state::<Studio>();
    if std::mem::replace(&mut studio.shared().ending, true) {
        tracing::info!("stopping now");
        studio.api().inspect(Api::stop_now);
        return;
    }
    tracing::info!("closing; syncs that run stop at their next durable point");
    // The window shows how they end.
    if studio.is_running() && !window::is_hidden(app) {
        window::show(app);
    }
    let (app, api) = (app.clone(), studio.api());
    tauri::async_runtime::spawn(async move {
        if let Some(api) = api {
            api.drain().await;
        }
        tracing::info!("the studio is closed");
        app.exit(0);
    });
}

/// A session that ends tells its programs by a signal.
#[cfg(unix)]
pub(crate) fn on_signals(app: &AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::warn!("signals cannot be received");
            return;
        };
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            begin(&app);
        }
    });
}

/// Windows closes the window instead.
#[cfg(not(unix))]
pub(crate) fn on_signals(_: &AppHandle) {}
