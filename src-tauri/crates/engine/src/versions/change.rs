//! Who uses which version, and how that is changed: only project files are written.

use serde_json::json;
use syncline_protocol::{ConnectorRegistry, Error, ErrorKind, Result, compare_versions, split_reference};
use syncline_store::{BadVersion, JournalEntry, Project, State, SystemKind};

use super::open::choose;

/// A source that uses a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceUse {
    /// The source.
    pub source: String,
    /// The version it is on.
    pub version: String,
    /// Whether it names the version; else it follows the newest.
    pub pinned: bool,
    /// Its connections.
    pub connections: Vec<ConnectionUse>,
}

impl SourceUse {
    /// What an upgrade to this version moves: the version it comes from, and the connections that would run on it. None
    /// when it is there already. With `only`, just these connections move.
    pub fn moving(&self, to: &str, only: &[String]) -> Option<(String, Vec<String>)> {
        let wanted =
            self.connections.iter().filter(|user| only.is_empty() || only.contains(&user.connection));
        let moved: Vec<&ConnectionUse> =
            wanted.filter(|user| user.version != to || user.bad.is_some()).collect();
        let source_moves = only.is_empty() && (self.version != to || !self.pinned);
        if moved.is_empty() && !source_moves {
            return None;
        }
        let from = moved.first().map_or(&self.version, |user| &user.runs_on);
        Some((from.clone(), moved.iter().map(|user| user.connection.clone()).collect()))
    }
}

/// A connection of such a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionUse {
    /// The connection.
    pub connection: String,
    /// The version that it wants: its own, or that of its source.
    pub version: String,
    /// Whether it names a version of its own.
    pub ahead: bool,
    /// The version that it runs on: another one when the wanted one is bad for it.
    pub runs_on: String,
    /// That the wanted version is bad for it, and why.
    pub bad: Option<BadVersion>,
    /// The version that last worked for it, other than the wanted one.
    pub worked: Option<String>,
}

/// The sources of a project that use a connector, sorted by name. Files that cannot be read use nothing for sure.
///
/// # Errors
/// `Config` when there is no such connector; those of the state.
pub fn uses(
    project: &Project,
    state: &State,
    registry: &ConnectorRegistry,
    connector: &str,
) -> Result<Vec<SourceUse>> {
    let newest = registry.get(connector)?.version().into_owned();
    let known: Vec<String> =
        registry.versions(connector).iter().map(|version| version.version().into_owned()).collect();
    let connections: Vec<_> = project
        .connections()?
        .into_iter()
        .filter_map(|name| Some((project.connection(&name).ok()?, name)))
        .collect();
    let mut found = Vec::new();
    for source in project.systems(SystemKind::Source)? {
        let Ok(system) = project.system(SystemKind::Source, &source) else { continue };
        let (name, version) = split_reference(&system.connector);
        if name != connector {
            continue;
        }
        let of_source = version.unwrap_or(&newest).to_owned();
        let mut users = Vec::new();
        for (config, name) in connections.iter().filter(|(config, _)| config.source == source) {
            let version = config.source_version.clone().unwrap_or_else(|| of_source.clone());
            let marks = state.version_marks(name, connector)?;
            let bad = marks.iter().find(|mark| mark.version == version).and_then(|mark| mark.bad.clone());
            let worked = marks.iter().filter(|mark| mark.version != version && mark.bad.is_none());
            let worked = worked.filter_map(|mark| Some((mark.worked_at?, &mark.version))).max();
            users.push(ConnectionUse {
                connection: name.clone(),
                runs_on: choose(&version, &marks, &known).version,
                ahead: config.source_version.is_some(),
                worked: worked.map(|(_, version)| version.clone()),
                version,
                bad,
            });
        }
        found.push(SourceUse { pinned: version.is_some(), version: of_source, source, connections: users });
    }
    Ok(found)
}

/// Puts sources on a version of their connector; with `only`, these connections alone. A version that was bad for a
/// connection is tried again. Gives the names of what was changed.
///
/// # Errors
/// `Config` when there is no such version or connection; whatever keeps a file from being written.
pub fn apply_upgrade(
    project: &Project,
    state: &State,
    registry: &ConnectorRegistry,
    connector: &str,
    to: &str,
    only: &[String],
    now: jiff::Timestamp,
) -> Result<Vec<String>> {
    registry.get(&format!("{connector}@{to}"))?;
    let uses = uses(project, state, registry, connector)?;
    let is_wanted = |name: &String| only.is_empty() || only.contains(name);
    let of_connector = |name: &String| {
        uses.iter().any(|source| source.connections.iter().any(|user| user.connection == *name))
    };
    if let Some(wrong) = only.iter().find(|name| !of_connector(name)) {
        return Err(Error::new(
            ErrorKind::Config,
            format!("`{wrong}` is no connection that uses `{connector}`."),
        )
        .meaning("Nothing was changed."));
    }
    let mut changed = Vec::new();
    for source in &uses {
        let mut moved = Vec::new();
        for user in source.connections.iter().filter(|user| is_wanted(&user.connection)) {
            state.try_version_again(&user.connection, connector, to)?;
            let mut config = project.connection(&user.connection)?;
            // A whole source that moves takes its connections along; one that moves alone says so itself.
            let own = (!only.is_empty() && source.version != to).then(|| to.to_owned());
            if config.source_version != own {
                config.source_version = own;
                project.save_connection(&user.connection, &config)?;
            }
            if user.version != to || user.bad.is_some() {
                let detail = json!({"connector": connector, "from": user.runs_on, "to": to});
                note(state, &user.connection, "version", detail, now)?;
                moved.push(user.connection.clone());
            }
        }
        if only.is_empty() && (source.version != to || !source.pinned) {
            let mut system = project.system(SystemKind::Source, &source.source)?;
            system.connector = format!("{connector}@{to}");
            project.save_system(SystemKind::Source, &source.source, &system)?;
            moved = vec![source.source.clone()];
        }
        changed.extend(moved);
    }
    Ok(changed)
}

/// Puts every source of a connector, or these connections alone, back on the version before: the one that last worked,
/// else the next lower one. Gives what was changed, each with its version of now.
///
/// # Errors
/// `Config` when there is nothing to go back to; whatever keeps a file from being written.
pub fn roll_back(
    project: &Project,
    state: &State,
    registry: &ConnectorRegistry,
    connector: &str,
    only: &[String],
    now: jiff::Timestamp,
) -> Result<Vec<(String, String)>> {
    let known: Vec<String> =
        registry.versions(connector).iter().map(|version| version.version().into_owned()).collect();
    let below = |version: &str| {
        let lower = known.iter().filter(|known| compare_versions(known, version).is_lt());
        lower.max_by(|left, right| compare_versions(left, right)).cloned()
    };
    let mut changed = Vec::new();
    for source in uses(project, state, registry, connector)? {
        for user in &source.connections {
            let moves = if only.is_empty() { user.ahead } else { only.contains(&user.connection) };
            if !moves {
                continue;
            }
            // One that went ahead goes back to where its source is.
            let back = match user.ahead && source.version != user.version {
                true => Some(source.version.clone()),
                false => user.worked.clone().or_else(|| below(&user.version)),
            };
            let Some(back) = back else { continue };
            let mut config = project.connection(&user.connection)?;
            config.source_version = (back != source.version).then(|| back.clone());
            project.save_connection(&user.connection, &config)?;
            let detail = json!({"connector": connector, "from": user.version, "to": back});
            note(state, &user.connection, "version", detail, now)?;
            changed.push((user.connection.clone(), back));
        }
        let went_ahead =
            changed.iter().any(|(name, _)| source.connections.iter().any(|user| user.connection == *name));
        if !only.is_empty() || went_ahead {
            continue;
        }
        let worked = source.connections.iter().filter_map(|user| user.worked.clone());
        let worked = worked.max_by(|left, right| compare_versions(left, right));
        let Some(back) = worked.or_else(|| below(&source.version)) else { continue };
        let mut system = project.system(SystemKind::Source, &source.source)?;
        system.connector = format!("{connector}@{back}");
        project.save_system(SystemKind::Source, &source.source, &system)?;
        for user in &source.connections {
            let detail = json!({"connector": connector, "from": user.version, "to": back});
            note(state, &user.connection, "version", detail, now)?;
        }
        changed.push((source.source.clone(), back));
    }
    if changed.is_empty() {
        return Err(Error::new(
            ErrorKind::Config,
            format!("There is no version of `{connector}` to go back to."),
        )
        .meaning("Nothing was changed.")
        .fix("List versions and who uses them with `syncline connector list`."));
    }
    Ok(changed)
}

fn note(
    state: &State,
    connection: &str,
    kind: &str,
    detail: serde_json::Value,
    at: jiff::Timestamp,
) -> Result<()> {
    let entry =
        JournalEntry { run: None, connection: connection.to_owned(), at, kind: kind.to_owned(), detail };
    state.add_to_journal(&entry).map(drop)
}
