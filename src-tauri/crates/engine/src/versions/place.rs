//! Where sources and connections stood before they were moved, so that a move can be taken back as if it had not been.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use syncline_protocol::{ConnectorRegistry, Error, ErrorKind, Result};
use syncline_store::{Project, State, SystemKind};

use super::change::{SourceUse, note, uses};

/// How a source or connection stood.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Place {
    /// A source.
    Source {
        /// Its name.
        name: String,
        /// The version that it named; none when it followed the newest.
        version: Option<String>,
    },
    /// A connection.
    Connection {
        /// Its name.
        name: String,
        /// The version of its own; none when it was on that of its source.
        version: Option<String>,
        /// A version that was bad for it, and is tried again now.
        bad: Option<BadPlace>,
    },
}

/// That a version was bad for a connection.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadPlace {
    /// The version.
    pub version: String,
    /// Since when.
    #[cfg_attr(feature = "typescript", ts(type = "string"))]
    pub since: Timestamp,
    /// What it did, in one sentence.
    pub because: String,
}

impl Place {
    pub(super) fn of_source(source: &SourceUse) -> Place {
        let version = source.pinned.then(|| source.version.clone());
        Place::Source { name: source.source.clone(), version }
    }

    pub(super) fn of_connection(name: &str, version: Option<String>, bad: Option<BadPlace>) -> Place {
        Place::Connection { name: name.to_owned(), version, bad }
    }

    fn name(&self) -> &str {
        match self {
            Place::Source { name, .. } | Place::Connection { name, .. } => name,
        }
    }

    fn version(&self) -> Option<&str> {
        match self {
            Place::Source { version, .. } | Place::Connection { version, .. } => version.as_deref(),
        }
    }

    fn is_among(&self, uses: &[SourceUse]) -> bool {
        match self {
            Place::Source { name, .. } => uses.iter().any(|source| source.source == *name),
            Place::Connection { name, .. } => {
                uses.iter().flat_map(|source| &source.connections).any(|user| user.connection == *name)
            }
        }
    }
}

/// Puts sources and connections where they stood. Gives their names, each with its version of now.
///
/// # Errors
/// `Config` when one of them, or a version, is not there any more: then nothing is changed; whatever keeps a file from
/// being written.
pub fn put_back(
    project: &Project,
    state: &State,
    registry: &ConnectorRegistry,
    connector: &str,
    places: &[Place],
    now: Timestamp,
) -> Result<Vec<(String, String)>> {
    let before = uses(project, state, registry, connector)?;
    for place in places {
        if !place.is_among(&before) {
            let message = format!("`{}` does not use `{connector}` any more.", place.name());
            return Err(Error::new(ErrorKind::Config, message).meaning("Nothing was changed."));
        }
        if let Some(version) = place.version() {
            registry.get(&format!("{connector}@{version}"))?;
        }
    }
    for place in places {
        match place {
            Place::Source { name, version } => {
                let mut system = project.system(SystemKind::Source, name)?;
                let at = version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
                system.connector = format!("{connector}{at}");
                project.save_system(SystemKind::Source, name, &system)?;
            }
            Place::Connection { name, version, bad } => {
                let mut config = project.connection(name)?;
                config.source_version.clone_from(version);
                project.save_connection(name, &config)?;
                if let Some(BadPlace { version, since, because }) = bad {
                    state.mark_version_bad(name, connector, version, *since, because)?;
                }
            }
        }
    }
    let after = uses(project, state, registry, connector)?;
    let all = |uses: &[SourceUse]| -> Vec<(String, String)> {
        let users = uses.iter().flat_map(|source| &source.connections);
        users.map(|user| (user.connection.clone(), user.version.clone())).collect()
    };
    for ((connection, from), (_, to)) in all(&before).into_iter().zip(all(&after)) {
        if from != to {
            note(state, &connection, json!({"connector": connector, "from": from, "to": to}), now)?;
        }
    }
    let sources = after.iter().map(|source| (source.source.clone(), source.version.clone()));
    let mut stand: Vec<(String, String)> = sources.chain(all(&after)).collect();
    stand.retain(|(name, _)| places.iter().any(|place| place.name() == name));
    Ok(stand)
}
