//! A draft by a language model. Nothing of it is believed: it is loaded by the loader that loads all manifests, it asks
//! only what the person has allowed, and it counts when its tables give rows and no request contradicts it.
//!
//! 1. [`telling`]: what the model is told, word for word as the person has seen it.
//! 2. [`asking`]: one question to an endpoint that speaks like OpenAI's, and the manifest in its answer.
//! 3. [`failing`]: what is wrong with a draft, in words for the model.

mod asking;
mod failing;
mod telling;

use std::sync::Arc;
use std::time::Duration;

use syncline_protocol::Result;
use syncline_protocol::builder::{
    Bounds, Found, HelpRequest, HelpedDraft, HelpedTable, Severity, Trial, TrialFinding, TrialResult,
};

use super::recordings::Recordings;
use super::{record, trial};
use crate::Json;
use crate::context::Clock;

pub use asking::may_help;
pub use telling::messages;

/// So many tables of a draft are tried at once.
const TABLES_MAX: usize = 6;
/// How long the requests of a draft may take, all together.
const PROOF: Duration = Duration::from_secs(120);
/// What a model says is kept up to here.
const ANSWER_BYTES_MAX: usize = 200 << 10;

/// Asks a model for a draft, and proves it.
///
/// # Errors
/// When the model does not answer; see [`asking`].
pub async fn help(recordings: &Arc<Recordings>, request: &HelpRequest, clock: Clock) -> Result<HelpedDraft> {
    let answer = asking::ask(&request.helper, &request.messages, request.patience).await?;
    let yaml = asking::manifest_in(&answer);
    let mut helped =
        HelpedDraft { answer: asking::cut(&answer, ANSWER_BYTES_MAX).to_owned(), ..HelpedDraft::default() };
    let Some(yaml) = yaml else {
        helped.failed.push(failing::NO_MANIFEST.to_owned());
        return Ok(helped);
    };
    let look = super::look(&yaml);
    helped.failed.extend(look.problem.as_ref().map(failing::not_loaded));
    let names: Vec<String> = look.tables.into_iter().map(|(name, _)| name).collect();
    if look.problem.is_none() && names.is_empty() {
        helped.failed.push(failing::NO_TABLES.to_owned());
    }
    let (tried, untried) = names.split_at(names.len().min(TABLES_MAX));
    helped.untried = untried.to_vec();
    let proof = prove(recordings, request, &yaml, tried, clock, &mut helped.tables);
    if tokio::time::timeout(PROOF, proof).await.is_err() {
        helped.failed.push(failing::TOO_LONG.to_owned());
    }
    for HelpedTable { table, result } in &helped.tables {
        helped.failed.extend(failing::of(table, result, request.values));
    }
    helped.proved = helped.failed.is_empty() && helped.tables.len() == names.len();
    (helped.yaml, helped.problem) = (Some(yaml), look.problem);
    Ok(helped)
}

/// Asks each table for its first rows; without a recording also for newer ones.
async fn prove(
    recordings: &Arc<Recordings>,
    request: &HelpRequest,
    yaml: &str,
    tables: &[String],
    clock: Clock,
    proved: &mut Vec<HelpedTable>,
) {
    for table in tables {
        let wanted = Trial {
            yaml: yaml.to_owned(),
            table: table.clone(),
            config: request.config.clone(),
            replay: request.replay,
            twice: !request.replay,
            secrets: request.secrets.clone(),
            bounds: Some(request.bounds.clone()),
        };
        let result = trial(recordings, &wanted, clock).await;
        proved.push(HelpedTable { table: table.clone(), result });
    }
}

/// The findings of a table that speak against it.
fn problems(result: &TrialResult) -> impl Iterator<Item = &TrialFinding> {
    result.findings.iter().filter(|finding| {
        // Without rows nothing is proved, whatever the reason.
        finding.severity == Severity::Problem || matches!(finding.what, Found::NoRows { .. })
    })
}

/// The hosts that a manifest and its settings name, and whether it sends more than questions.
pub fn bounds(yaml: &str, config: &Json) -> Bounds {
    let mut bounds = Bounds::default();
    if let Ok(manifest) = crate::document::plain(yaml) {
        collect(&manifest, "", &mut bounds);
    }
    collect(config, "url", &mut bounds);
    bounds.hosts.sort();
    bounds.hosts.dedup();
    bounds
}

/// Fields of a manifest whose values are asked.
const ADDRESSES: [&str; 4] = ["url_base", "url", "path", "token_refresh_endpoint"];

fn collect(value: &Json, field: &str, bounds: &mut Bounds) {
    match value {
        Json::String(text) => {
            let is_post = field == "http_method" && text.eq_ignore_ascii_case("post");
            bounds.post |= is_post || field == "token_refresh_endpoint";
            let address = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            // A host that is put together from settings is known when the settings are.
            let host = address.map(|url| record::host_of(&url));
            let host = host.filter(|host| !host.is_empty() && !host.contains(['{', '%']));
            bounds.hosts.extend(host.filter(|_| ADDRESSES.contains(&field)));
        }
        Json::Array(items) => items.iter().for_each(|item| collect(item, field, bounds)),
        Json::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| *name != "spec" && *name != "schemas") {
                // Settings have names of their own.
                let field =
                    if field == "url" && !ADDRESSES.contains(&name.as_str()) { "url" } else { name.as_str() };
                collect(value, field, bounds);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_hosts_that_are_asked_count() {
        let yaml = r#"
version: 6.0.0
streams:
  - retriever:
      requester:
        url_base: https://API.example.com/v1
        authenticator: {token_refresh_endpoint: "https://login.example.com/token"}
        request_headers: {Referer: "https://elsewhere.test"}
  - retriever: {requester: {url: "http://127.0.0.1:81/a", url_base: "https://{{ config['shop'] }}.test"}}
spec: {connection_specification: {properties: {url: {default: "https://spec.test", examples: ["https://x.test"]}}}}
"#;
        let found = bounds(yaml, &json!({"base": {"address": "https://my.test:8443/x"}, "note": "https"}));
        assert_eq!(found.hosts, ["127.0.0.1:81", "api.example.com", "login.example.com", "my.test:8443"]);
        assert!(found.post, "tokens are asked for by POST");
        assert_eq!(bounds("{", &json!({})), Bounds::default());
        assert!(
            bounds("a: {http_method: POST}", &json!({})).post
                && !bounds("a: {http_method: GET}", &json!({})).post
        );
    }
}
