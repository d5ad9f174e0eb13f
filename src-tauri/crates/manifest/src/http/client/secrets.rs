//! What must not appear in messages: values of the configuration, and tokens that were obtained with them.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::Json;

/// Tokens that were obtained during a run.
#[derive(Default)]
pub(crate) struct Secrets {
    obtained: Mutex<HashSet<String>>,
}

/// Shorter values occur in ordinary words.
const SHORTEST: usize = 6;
const MASK: &str = "***";

impl Secrets {
    /// Something that was obtained and must not be shown.
    pub(crate) fn hide(&self, secret: &str) {
        if secret.len() >= SHORTEST {
            let mut obtained = self.obtained.lock().unwrap_or_else(PoisonError::into_inner);
            // Tokens of sessions that ended need no protection; a server cannot make this grow without end.
            if obtained.len() > 1_000 {
                obtained.clear();
            }
            obtained.insert(secret.to_owned());
        }
    }

    /// The text without what the configuration holds and without tokens.
    pub(crate) fn mask(&self, text: &str, config: &Json) -> String {
        let mut found = Vec::new();
        collect(config, &mut found, 0);
        let obtained = self.obtained.lock().unwrap_or_else(PoisonError::into_inner);
        found.extend(obtained.iter().map(String::as_str));
        // A longer secret may hold a shorter one.
        found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let mut text = text.to_owned();
        for secret in found {
            if text.contains(secret) {
                text = text.replace(secret, MASK);
            }
        }
        text
    }
}

fn collect<'a>(value: &'a Json, found: &mut Vec<&'a str>, depth: usize) {
    match value {
        Json::String(text) if text.len() >= SHORTEST => found.push(text),
        Json::Array(items) if depth < 32 => items.iter().for_each(|item| collect(item, found, depth + 1)),
        Json::Object(fields) if depth < 32 => {
            fields.values().for_each(|field| collect(field, found, depth + 1))
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_configuration_and_tokens_are_masked() {
        let secrets = Secrets::default();
        secrets.hide("obtained-token");
        let config =
            serde_json::json!({"credentials": [{"key": "abcdef", "longer": "abcdef-ghi"}], "region": "eu"});
        let masked = secrets.mask("abcdef-ghi, abcdef and obtained-token in eu", &config);
        assert_eq!(masked, "***, *** and *** in eu");
    }
}
