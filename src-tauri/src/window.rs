//! The window: made hidden, shown once the page has drawn itself, kept while a sync runs.

use std::path::Path;
use std::time::Duration;

use syncline_protocol::Error;
use tauri::utils::config::Color;
use tauri::{
    AppHandle, Manager as _, State, Theme, WebviewUrl, WebviewWindow, WebviewWindowBuilder, Window,
    WindowEvent,
};
use tauri_plugin_dialog::{DialogExt as _, MessageDialogButtons, MessageDialogKind};

use crate::studio::Studio;
use crate::{end, graphics, news, tray};

/// The one window.
pub(crate) const MAIN: &str = "main";
const TITLE: &str = "Syncline";

/// A page that draws itself does so by then. A window without content is better than none, and has the right colour.
const SHOWN_AT_LATEST: Duration = Duration::from_secs(3);
/// A page that has not drawn itself by then, even on a slow computer, will not do so.
const DRAWN_AT_LATEST: Duration = Duration::from_secs(15);

/// The background of the page in both themes; `--bg` in `ui/src/styles/tokens.css`.
const LIGHT: Color = Color(0xf9, 0xfa, 0xfc, 0xff);
const DARK: Color = Color(0x11, 0x14, 0x18, 0xff);

/// Makes the window. It is seen when the page says that it is drawn.
pub(crate) fn open(app: &AppHandle) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title(TITLE)
        .inner_size(1280.0, 820.0)
        .min_inner_size(760.0, 480.0)
        .visible(false)
        .background_color(DARK)
        // Only our own page; a link elsewhere is opened by the browser of the person, when the page asks for it.
        .on_navigation(|url| matches!(url.scheme(), "tauri" | "about") || is_our_server(url))
        .build()?;
    paint(&window, window.theme().is_ok_and(|theme| theme == Theme::Dark));
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(SHOWN_AT_LATEST).await;
        if !is_drawn(&app) {
            show(&app);
            tokio::time::sleep(DRAWN_AT_LATEST.saturating_sub(SHOWN_AT_LATEST)).await;
            if !is_drawn(&app) {
                tracing::error!("the page did not draw itself");
                graphics::offer_safe_start(&app);
            }
        }
    });
    Ok(())
}

/// Windows serves the page from a name of its own; a development build from Vite.
fn is_our_server(url: &url::Url) -> bool {
    url.host_str() == Some("tauri.localhost")
        || (cfg!(not(feature = "embedded")) && url.host_str() == Some("localhost"))
}

fn is_drawn(app: &AppHandle) -> bool {
    app.state::<Studio>().shared().ready
}

/// The page is drawn, in this theme: now it can be seen. Answers where a link leads that came before.
#[tauri::command]
pub(crate) fn ready(app: AppHandle, studio: State<'_, Studio>, dark: bool) -> Option<String> {
    let (first, place) = {
        let mut shared = studio.shared();
        (!std::mem::replace(&mut shared.ready, true), shared.place.take())
    };
    if let Some(window) = app.get_webview_window(MAIN) {
        paint(&window, dark);
    }
    if first {
        tracing::info!("the page is drawn");
        show(&app);
    }
    place
}

/// The page has news for somebody who is in the browser.
#[tauri::command]
pub(crate) fn front(app: AppHandle) {
    show(&app);
}

fn paint(window: &WebviewWindow, dark: bool) {
    if let Err(error) = window.set_background_color(Some(if dark { DARK } else { LIGHT })) {
        tracing::warn!(%error, "the background of the window keeps its colour");
    }
}

/// Brings the window to the front, wherever it is.
pub(crate) fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(MAIN) else { return };
    app.state::<Studio>().shared().wanted = false;
    let shown = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!(%error, "the window could not be shown");
    }
    tray::update(app);
}

/// Closing hides the window while a sync runs; what runs is seen in the tray.
pub(crate) fn heard(window: &Window, event: &WindowEvent) {
    let app = window.app_handle();
    let Some(studio) = app.try_state::<Studio>() else { return };
    match event {
        WindowEvent::CloseRequested { api, .. } => {
            api.prevent_close();
            let ending = studio.shared().ending;
            if hides(studio.is_running(), ending, || tray::update(app)) {
                let _ = window.hide();
                tracing::info!("the window is hidden; a sync runs");
                let words = studio.shared().words.clone();
                news::tell(app, &words.running, &words.background);
            } else {
                end::begin(app);
            }
        }
        WindowEvent::Destroyed => studio.shared().stream.cancel(),
        _ => {}
    }
}

/// Whether a window that is closed is only hidden: a sync runs that nobody has asked to end, and there is a tray to come
/// back by. The tray is asked for last, because asking makes it.
fn hides(running: bool, ending: bool, tray: impl FnOnce() -> bool) -> bool {
    running && !ending && tray()
}

/// Whether somebody looks at the window.
pub(crate) fn is_looked_at(app: &AppHandle) -> bool {
    let window = app.get_webview_window(MAIN);
    window.is_some_and(|window| {
        window.is_visible().unwrap_or_default() && window.is_focused().unwrap_or_default()
    })
}

/// Whether the window was closed while a sync ran.
pub(crate) fn is_hidden(app: &AppHandle) -> bool {
    let window = app.get_webview_window(MAIN);
    is_drawn(app) && window.is_some_and(|window| !window.is_visible().unwrap_or(true))
}

/// Says why there is no window, and ends the program.
pub(crate) fn refuse(app: &AppHandle, error: &Error) {
    {
        // The page is not shown, drawn or not.
        app.state::<Studio>().shared().ready = true;
    }
    if let Some(window) = app.get_webview_window(MAIN) {
        let _ = window.hide();
    }
    let mut text = error.message().to_owned();
    for part in std::iter::once(error.meaning_text()).chain(error.fixes()) {
        text.push_str("\n\n");
        text.push_str(part);
    }
    let ended = app.clone();
    app.dialog()
        .message(text)
        .title("Syncline cannot open the project")
        .kind(MessageDialogKind::Error)
        .buttons(MessageDialogButtons::OkCustom("Close".to_owned()))
        .show(move |_| ended.exit(1));
}

/// Somebody asked for another project than the one that is open.
pub(crate) fn other_project(app: &AppHandle, other: &Path) {
    let Some(open) = app.state::<Studio>().opened() else { return };
    let open = open.folder();
    let other = other.canonicalize().unwrap_or_else(|_| other.to_owned());
    if open.canonicalize().is_ok_and(|open| open == other) {
        return;
    }
    app.dialog()
        .message(format!("{} is open. Quit Syncline first to open {}.", open.display(), other.display()))
        .title("One project at a time")
        .show(|_| {});
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_closes_is_hidden_only_while_a_sync_goes_on_that_can_be_seen() {
        assert!(hides(true, false, || true));
        assert!(!hides(true, false, || false), "without a tray there would be no way back");
        for (running, ending) in [(false, false), (true, true), (false, true)] {
            assert!(!hides(running, ending, || panic!("a tray was made for nothing")));
        }
    }
}
