use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_protocol::builder::{Bounds, HelpMessage, HelpWanted};
use ts_rs::TS;

use super::SecretText;

/// The language model that may be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct HelperInfo {
    /// Its address.
    pub url: String,
    /// The name of the model.
    pub model: String,
    /// Whether the vault has a key for it.
    pub has_key: bool,
}

/// Sets the language model that may be asked.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct SaveHelperRequest {
    /// Its address.
    pub url: String,
    /// The name of the model.
    pub model: String,
    /// Its key; null: the one that the vault has, if it is for this address; empty: none.
    pub key: Option<SecretText>,
}

/// Asks a language model for a draft.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct AskHelpRequest {
    /// What is wanted, and what may be told.
    pub wanted: HelpWanted,
    /// The settings for the proof, without secrets.
    #[ts(type = "Record<string, unknown>")]
    pub config: Value,
    /// The secrets, by path. The model is never told them.
    pub secrets: BTreeMap<String, SecretText>,
    /// Recorded answers are the proof, and nothing is sent to the API.
    pub replay: bool,
    /// What the draft may ask.
    pub bounds: Bounds,
}

/// What would be sent, and to whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct HelpPreview {
    /// Where it goes.
    pub url: String,
    /// To which model.
    pub model: String,
    /// All of it.
    pub messages: Vec<HelpMessage>,
    /// What the manifest, as it is, asks.
    pub bounds: Bounds,
}
