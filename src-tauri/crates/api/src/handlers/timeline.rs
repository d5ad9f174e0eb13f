//! What happened to a connection besides its runs.

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};
use syncline_protocol::{Error, ErrorKind, Result};
use syncline_store::{FileVersion, JournalEntry, RunRecord};

use super::connections::text_of;
use crate::api::{Api, Open};
use crate::inbox;
use crate::types::{
    ConfigDiff, DiffLine, DiffRequest, DiffSign, TimelineDiff, TimelineEntry, TimelineRequest,
};

/// More than this nobody looks at, and more would make a window slow.
const LIST_MAX: usize = 10_000;
/// Lines around a change that are shown with it.
const CONTEXT_LINES: usize = 3;

impl Open {
    /// Keeps how the files of all connections are. What is not as it was is told to the history of each connection that
    /// it is part of. `outside`: nobody changed it here.
    pub(crate) fn keep_files(&self, outside: bool) -> Result<()> {
        for (connection, detail) in self.changed_files()? {
            let KeptFile { file, before, after } = detail;
            let detail = json!({"file": file, "before": before, "after": after, "outside": outside});
            self.note(&connection, "change", None, detail)?;
        }
        Ok(())
    }

    /// Keeps how the files of all connections are, and tells nobody. Gives what is not as it was, by the connections that
    /// it is part of.
    pub(crate) fn changed_files(&self) -> Result<Vec<(String, KeptFile)>> {
        let mut changed = Vec::new();
        let mut kept = std::collections::BTreeMap::new();
        for connection in self.project.connections()? {
            // One that cannot be read is no reason to do nothing about the others.
            let Ok(texts) = self.project.texts_of(&connection) else { continue };
            for (file, text) in texts {
                let known = self.state.keep_file(&file, &self.host.without_secrets(&text), self.now())?;
                if let Some(version) = known {
                    kept.insert(file.clone(), version);
                }
                if let Some(version) = kept.get(&file)
                    && let Some(before) = version.before
                {
                    changed.push((connection.clone(), KeptFile { file, before, after: version.after }));
                }
            }
        }
        Ok(changed)
    }
}

/// A file that is not as it was: its name, and the versions of it.
pub(crate) struct KeptFile {
    file: String,
    before: i64,
    after: i64,
}

impl Api {
    pub(crate) async fn timeline(&self, request: TimelineRequest) -> Result<Vec<TimelineEntry>> {
        self.blocking(move |open| {
            let limit = request.limit.min(LIST_MAX);
            let entries = open.state.journal_numbered(&request.connection, limit)?;
            let runs = open.state.runs(Some(&request.connection), limit)?;
            let journal: Vec<&JournalEntry> = entries.iter().map(|(_, entry)| entry).collect();
            let mut told: Vec<_> =
                runs.windows(2).flat_map(|pair| upgrades(&pair[0], &pair[1], &journal)).collect();
            for (id, entry) in entries {
                let undo = inbox::can_undo(open, id, &entry)?;
                told.push(timeline_entry(id, entry, undo));
            }
            // Times of equal length sort as moments do; entries of one moment stay in their order.
            told.sort_by(|a, b| b.at.cmp(&a.at));
            Ok(told)
        })
        .await
    }

    pub(crate) async fn config_diff(&self, request: DiffRequest) -> Result<ConfigDiff> {
        self.blocking(move |open| {
            let version = |id| {
                open.state.file_version(id)?.ok_or_else(|| {
                    Error::new(ErrorKind::NotFound, "This version of the configuration is no longer kept.")
                })
            };
            Ok(diff(&version(request.before)?, &version(request.after)?))
        })
        .await
    }
}

fn diff(before: &FileVersion, after: &FileVersion) -> ConfigDiff {
    let difference = TextDiff::from_lines(&before.content, &after.content);
    let mut lines = Vec::new();
    for (at, group) in difference.grouped_ops(CONTEXT_LINES).iter().enumerate() {
        if at > 0 {
            lines.push(DiffLine { sign: DiffSign::Gap, text: String::new() });
        }
        lines.extend(group.iter().flat_map(|op| difference.iter_changes(op)).map(|change| DiffLine {
            sign: match change.tag() {
                ChangeTag::Equal => DiffSign::Same,
                ChangeTag::Insert => DiffSign::Added,
                ChangeTag::Delete => DiffSign::Removed,
            },
            text: change.value().trim_end_matches(['\n', '\r']).to_owned(),
        }));
    }
    ConfigDiff {
        file: after.file.clone(),
        before_at: before.at.to_string(),
        after_at: after.at.to_string(),
        lines,
    }
}

/// Connectors that a run used in another version than the run before it, unless the journal tells that itself: somebody
/// asked for the version, or the earlier run went back to it.
fn upgrades(run: &RunRecord, before: &RunRecord, journal: &[&JournalEntry]) -> Vec<TimelineEntry> {
    let told: Vec<(&str, &str)> = journal
        .iter()
        .filter(|entry| matches!(entry.kind.as_str(), "version" | "fell_back"))
        .filter(|entry| before.started_at <= entry.at && entry.at <= run.started_at)
        .map(|entry| (text_of(&entry.detail, "connector"), text_of(&entry.detail, "to")))
        .collect();
    let changed = run.connectors.iter().filter_map(|(connector, version)| {
        let old = before.connectors.get(connector).filter(|old| *old != version)?;
        if told.contains(&(connector, version)) {
            return None;
        }
        Some(TimelineEntry {
            id: None,
            at: run.started_at.to_string(),
            kind: "connector".to_owned(),
            run: Some(run.id.clone()),
            text: format!("`{connector}` went from version {old} to {version}."),
            diff: None,
            undo: false,
        })
    });
    changed.collect()
}

fn timeline_entry(id: i64, entry: JournalEntry, undo: bool) -> TimelineEntry {
    let text = text(&entry);
    let JournalEntry { run, at, kind, detail, .. } = entry;
    let number = |name: &str| detail.get(name).and_then(Value::as_i64);
    let diff = number("before").zip(number("after"));
    let diff = diff.map(|(before, after)| TimelineDiff { before, after });
    TimelineEntry { id: Some(id), at: at.to_string(), kind, run, text, diff, undo }
}

fn text(entry: &JournalEntry) -> String {
    let detail = &entry.detail;
    let table = text_of(detail, "table");
    let number = |name: &str| detail.get(name).and_then(Value::as_u64).unwrap_or(0);
    let yes = |name: &str| detail.get(name) == Some(&Value::Bool(true));
    match entry.kind.as_str() {
        "drift" => {
            let changes = detail.get("drift").and_then(Value::as_array).cloned().unwrap_or_default();
            let changes: Vec<_> = changes.iter().map(|drift| text_of(drift, "what").to_owned()).collect();
            format!("`{table}` changed in the source: {}.", changes.join("; "))
        }
        "decision" | "undone" => {
            let what = text_of(detail, "what");
            let what = if what.is_empty() { "its present shape" } else { what };
            let how = match (entry.kind.as_str(), text_of(detail, "decision")) {
                ("undone", _) => "waits for a decision again",
                (_, "ignore") => "left out",
                (_, "ask") => "put off until tomorrow",
                _ => "accepted",
            };
            format!("`{table}`: {what} {how}.")
        }
        "plan" => format!("The plan `{}` was applied.", text_of(detail, "fingerprint")),
        "replay" => format!("`{table}`: {} rejected rows loaded, {} kept.", number("loaded"), number("kept")),
        "dismiss" => format!("`{table}`: {} rejected rows let go.", number("rows")),
        "compare" => match ["missing", "different", "extra"].map(number) {
            [0, 0, 0] => {
                format!("`{table}` was compared with its source: {} rows match.", number("matching"))
            }
            [missing, different, extra] => format!(
                "`{table}` was compared with its source: {missing} missing, {different} different, {extra} only in the destination."
            ),
        },
        "pause" if yes("paused") => "Paused.".to_owned(),
        "pause" => "No longer paused.".to_owned(),
        "fell_back" => text_of(detail, "text").to_owned(),
        "version" => {
            let of = |name: &str| text_of(detail, name).to_owned();
            format!("Version {} of `{}` instead of version {}.", of("to"), of("connector"), of("from"))
        }
        "change" if yes("removed") => "The connection was removed.".to_owned(),
        "change" if yes("new") => format!("The connection was made, with {} tables.", number("tables")),
        "change" if yes("outside") => {
            format!("`{}` was changed outside of Syncline.", text_of(detail, "file"))
        }
        "change" if detail.get("file").is_some() => format!("`{}` was changed.", text_of(detail, "file")),
        "change" => format!("The connection was changed; it has {} tables.", number("tables")),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use std::collections::BTreeMap;

    fn version(content: &str) -> FileVersion {
        FileVersion {
            id: 1,
            file: "connections/shop.yaml".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            content: content.to_owned(),
        }
    }

    #[test]
    fn a_difference_shows_what_changed_and_what_is_around_it() {
        let lines = |range: std::ops::Range<u32>| range.map(|n| format!("line {n}\n")).collect::<String>();
        let before = lines(0..30);
        let after = before.replace("line 5\n", "line five\nline more\n").replace("line 25\n", "");
        let diff = diff(&version(&before), &version(&after));
        let signs: String = diff
            .lines
            .iter()
            .map(|line| match line.sign {
                DiffSign::Same => ' ',
                DiffSign::Added => '+',
                DiffSign::Removed => '-',
                DiffSign::Gap => '…',
            })
            .collect();
        assert_eq!(signs, "   -++   …   -   ");
        assert_eq!((diff.lines[3].text.as_str(), diff.lines[4].text.as_str()), ("line 5", "line five"));
    }

    fn run(version: &str, second: i64) -> RunRecord {
        let connectors = BTreeMap::from([
            ("postgres".to_owned(), version.to_owned()),
            ("duckdb".to_owned(), "1".to_owned()),
        ]);
        let at = Timestamp::from_second(second).unwrap();
        RunRecord::begin(version.to_owned(), "c", at, connectors, "h")
    }

    #[test]
    fn another_version_of_a_connector_is_an_entry() {
        let entries = upgrades(&run("1.3.0", 9), &run("1.2.0", 1), &[]);
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].text, "`postgres` went from version 1.2.0 to 1.3.0.");
        assert!(upgrades(&run("1.3.0", 9), &run("1.3.0", 1), &[]).is_empty());
    }

    #[test]
    fn a_version_that_somebody_asked_for_or_a_run_went_back_to_is_told_once() {
        let told = |kind: &str, to: &str, second: i64| JournalEntry {
            run: None,
            connection: "c".to_owned(),
            at: Timestamp::from_second(second).unwrap(),
            kind: kind.to_owned(),
            detail: json!({"connector": "postgres", "from": "1.2.0", "to": to}),
        };
        let entries = |entry: JournalEntry| upgrades(&run("1.3.0", 9), &run("1.2.0", 1), &[&entry]).len();
        assert_eq!(entries(told("version", "1.3.0", 5)), 0);
        assert_eq!(entries(told("fell_back", "1.3.0", 5)), 0);
        assert_eq!(entries(told("plan", "1.3.0", 5)), 1, "tells something else");
        assert_eq!(entries(told("version", "1.4.0", 5)), 1, "another version");
        assert_eq!(entries(told("version", "1.3.0", 10)), 1, "after the run");
    }
}
