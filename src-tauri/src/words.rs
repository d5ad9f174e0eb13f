//! What the shell says, in the language of the page.

use serde::Deserialize;

/// Sent by the page together with its menu; English until then.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Words {
    pub(crate) show: String,
    pub(crate) quit: String,
    pub(crate) edit: String,
    /// While a sync runs.
    pub(crate) running: String,
    /// How to get back to it once the window is closed: not every desktop shows a tray.
    pub(crate) background: String,
    /// About a connection whose sync failed; `{name}` is its name.
    pub(crate) failed: String,
    /// About a connection that waits for a decision.
    pub(crate) decision: String,
    /// What there is to decide.
    pub(crate) decide: String,
}

impl Default for Words {
    fn default() -> Self {
        let [show, quit, edit, running, background, failed, decision, decide] = [
            "Show Syncline",
            "Quit",
            "Edit",
            "A sync is running",
            "Start Syncline again to see it.",
            "{name} could not be synced",
            "{name} waits for your decision",
            "Its source has changed.",
        ]
        .map(str::to_owned);
        Words { show, quit, edit, running, background, failed, decision, decide }
    }
}

/// A sentence with a name in it.
pub(crate) fn about(sentence: &str, name: &str) -> String {
    sentence.replace("{name}", name)
}
