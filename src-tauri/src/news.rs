//! Hears what the page hears, for what is outside the window: the tray, and notifications of what needs a person.

use serde_json::Value;
use syncline_api::{Listener, ServerEvent};
use tauri::{AppHandle, Manager as _};
use tauri_plugin_notification::NotificationExt as _;

use crate::studio::Studio;
use crate::words::{Words, about};
use crate::{end, tray, window};

/// Listens as long as the program runs.
pub(crate) fn listen(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        while let Ok(api) = app.state::<Studio>().ready_api().await {
            let listener = api.listen();
            drop(api);
            // When the project is closed, another one has taken its place.
            hear(&app, listener).await;
        }
    });
}

async fn hear(app: &AppHandle, mut listener: Listener) {
    while let Some(event) = listener.next().await {
        let ServerEvent::Run { connection, what, .. } = &*event else { continue };
        let what = serde_json::to_value(what).unwrap_or_default();
        match what["event"].as_str() {
            Some("run_started") => {
                tray::update(app);
            }
            Some("run_ended") => ended(app, connection, &what["receipt"]),
            _ => {}
        }
    }
}

fn ended(app: &AppHandle, connection: &str, receipt: &Value) {
    let studio = app.state::<Studio>();
    let message = message(&studio.shared().words, connection, receipt);
    if let Some((title, body)) = message.filter(|_| !window::is_looked_at(app)) {
        // The tray stays until somebody has looked.
        studio.shared().wanted = window::is_hidden(app);
        tell(app, &title, &body);
    }
    tray::update(app);
    let (wanted, ending) = {
        let shared = studio.shared();
        (shared.wanted, shared.ending)
    };
    if is_over(window::is_hidden(app), studio.is_running(), wanted, ending) {
        end::begin(app);
    }
}

/// Whether the program has nothing left to do: somebody closed the window before, and all went well since.
fn is_over(hidden: bool, running: bool, wanted: bool, ending: bool) -> bool {
    hidden && !running && !wanted && !ending
}

/// Says something outside the window.
pub(crate) fn tell(app: &AppHandle, title: &str, body: &str) {
    let told = app.notification().builder().title(title).body(body).show();
    let _ = told.inspect_err(|error| tracing::warn!(%error, "nobody could be notified"));
}

/// What a person has to know of the end of a run; nothing, when it did what it should.
fn message(words: &Words, connection: &str, receipt: &Value) -> Option<(String, String)> {
    match receipt["outcome"].as_str()? {
        "failed" => {
            let of_tables = || receipt["tables"].as_array()?.iter().find_map(failure);
            let why = failure(receipt).or_else(of_tables).unwrap_or_default();
            Some((about(&words.failed, connection), why))
        }
        "needs_decision" => Some((about(&words.decision, connection), words.decide.clone())),
        _ => None,
    }
}

fn failure(of: &Value) -> Option<String> {
    of["failure"]["message"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_hidden_program_ends_when_all_is_well_and_waits_for_who_has_to_look() {
        assert!(is_over(true, false, false, false));
        assert!(!is_over(false, false, false, false), "somebody still looks at the window");
        assert!(!is_over(true, true, false, false), "another sync runs");
        assert!(!is_over(true, false, true, false), "a failure has to be seen");
        assert!(!is_over(true, false, false, true), "it ends already");
    }

    #[test]
    fn only_what_needs_a_person_is_told() {
        let told = |receipt: Value| message(&Words::default(), "shop", &receipt);
        assert_eq!(told(json!({"outcome": "succeeded"})), None);
        assert_eq!(told(json!({"outcome": "stopped"})), None);
        let refused = json!({"message": "The server refused the password."});
        let whole = json!({"outcome": "failed", "failure": refused, "tables": []});
        let of_a_table = json!({"outcome": "failed", "failure": null, "tables": [{"failure": null}, {"failure": refused}]});
        for receipt in [whole, of_a_table] {
            let (title, body) = told(receipt).unwrap();
            assert_eq!(
                (title.as_str(), body.as_str()),
                ("shop could not be synced", "The server refused the password.")
            );
        }
        assert!(told(json!({"outcome": "needs_decision"})).is_some());
    }
}
