//! Who uses which version, and how that is changed: only project files are written.

use serde_json::json;
use syncline_protocol::{ConnectorRegistry, Error, ErrorKind, Result, compare_versions, split_reference};
use syncline_store::{BadVersion, JournalEntry, Project, State, SystemKind, VersionMark};

use super::open::choose;
use super::place::{BadPlace, Place};

/// A source that uses a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceUse {
    /// The source.
    pub source: String,
    /// The version it is on.
    pub version: String,
    /// Whether it names the version; else it follows the newest.
    pub pinned: bool,
    /// The version that a roll-back puts it on. None where there is none, and where connections of it went ahead: those
    /// go back first.
    pub back: Option<String>,
    /// Its connections.
    pub connections: Vec<ConnectionUse>,
}

impl SourceUse {
    /// Whether it, or one of its connections, is on this version.
    pub fn is_on(&self, version: &str) -> bool {
        let on = |user: &ConnectionUse| user.version == version || user.runs_on == version;
        self.version == version || self.connections.iter().any(on)
    }

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
    /// The version that a run goes on with by itself when the one it runs on fails; none when that one is proved.
    pub falls_back: Option<String>,
    /// The version that a roll-back puts it on.
    pub back: Option<String>,
    /// How each version did for it that a run has tried.
    pub marks: Vec<VersionMark>,
}

/// What an upgrade or a roll-back changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    /// Sources and connections, each with its version of now.
    pub changed: Vec<(String, String)>,
    /// How everything stood that was touched, so that it can be put back.
    pub before: Vec<Place>,
}

/// What a roll-back is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach<'a> {
    /// Everything that uses the connector.
    Everything,
    /// A source with its connections.
    Source(&'a str),
    /// These connections alone.
    Connections(&'a [String]),
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
            let choice = choose(&version, &marks, &known);
            users.push(ConnectionUse {
                connection: name.clone(),
                runs_on: choice.version,
                falls_back: choice.fallback,
                back: way_back(&version, Some(&of_source), &marks, &known),
                ahead: config.source_version.is_some(),
                version,
                bad,
                marks,
            });
        }
        // Together with its connections; what one of them did not stand is left to that one.
        let back = users.iter().filter_map(|user: &ConnectionUse| user.back.clone());
        let back = back.max_by(|left, right| compare_versions(left, right));
        let back = back.or_else(|| way_back(&of_source, None, &[], &known));
        let back = back.filter(|_| !users.iter().any(|user| user.ahead));
        let pinned = version.is_some();
        found.push(SourceUse { pinned, version: of_source, back, source, connections: users });
    }
    Ok(found)
}

/// The version before: that of the source for a connection that went ahead of it, else the one that last worked, else the
/// next lower one. Never one that is bad.
fn way_back(from: &str, source: Option<&String>, marks: &[VersionMark], known: &[String]) -> Option<String> {
    let mark = |at: &str| marks.iter().find(|mark| mark.version == *at);
    let is_lower = |at: &&String| {
        let is_bad = mark(at).is_some_and(|mark| mark.bad.is_some());
        compare_versions(at, from).is_lt() && known.contains(at) && !is_bad
    };
    let worked = known.iter().filter(is_lower).filter_map(|at| Some((mark(at)?.worked_at?, at))).max();
    let lower = || known.iter().filter(is_lower).max_by(|left, right| compare_versions(left, right));
    let back = source.filter(is_lower).or(worked.map(|(_, at)| at)).or_else(lower);
    back.cloned()
}

/// Lets sources that follow the newest version name this one, so that they stay on it when another is added. Gives their
/// names.
///
/// # Errors
/// As for [`uses`]; whatever keeps a file from being written.
pub fn pin(
    project: &Project,
    state: &State,
    registry: &ConnectorRegistry,
    connector: &str,
    version: &str,
) -> Result<Vec<String>> {
    let mut pinned = Vec::new();
    for source in uses(project, state, registry, connector)?.into_iter().filter(|source| !source.pinned) {
        let mut system = project.system(SystemKind::Source, &source.source)?;
        system.connector = format!("{connector}@{version}");
        project.save_system(SystemKind::Source, &source.source, &system)?;
        pinned.push(source.source);
    }
    Ok(pinned)
}

/// Puts sources on a version of their connector; with `only`, these connections alone. A version that was bad for a
/// connection is tried again.
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
) -> Result<Moved> {
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
    let mut moved = Moved::default();
    for source in &uses {
        let source_moves = only.is_empty() && (source.version != to || !source.pinned);
        for user in source.connections.iter().filter(|user| is_wanted(&user.connection)) {
            let mut config = project.connection(&user.connection)?;
            let place =
                Place::of_connection(&user.connection, config.source_version.clone(), user.bad_place(to));
            let was_bad = state.try_version_again(&user.connection, connector, to)?;
            // A whole source that moves takes its connections along; one that moves alone says so itself.
            let own = (!only.is_empty() && source.version != to).then(|| to.to_owned());
            if was_bad || config.source_version != own {
                moved.before.push(place);
            }
            if config.source_version != own {
                config.source_version = own;
                project.save_connection(&user.connection, &config)?;
            }
            if user.version != to || user.bad.is_some() {
                let detail = json!({"connector": connector, "from": user.runs_on, "to": to});
                note(state, &user.connection, detail, now)?;
                if !source_moves {
                    moved.changed.push((user.connection.clone(), to.to_owned()));
                }
            }
        }
        if source_moves {
            moved.put_source(project, connector, source, to)?;
        }
    }
    Ok(moved)
}

/// Puts what uses a connector back on the version before: the one that last worked, else the next lower one.
///
/// # Errors
/// `Config` when there is nothing to go back to; whatever keeps a file from being written.
pub fn roll_back(
    project: &Project,
    state: &State,
    registry: &ConnectorRegistry,
    connector: &str,
    reach: Reach<'_>,
    now: jiff::Timestamp,
) -> Result<Moved> {
    let mut moved = Moved::default();
    for source in uses(project, state, registry, connector)? {
        if matches!(reach, Reach::Source(name) if name != source.source) {
            continue;
        }
        for user in &source.connections {
            let moves = match reach {
                Reach::Connections(names) => names.contains(&user.connection),
                Reach::Everything | Reach::Source(_) => user.ahead,
            };
            let Some(back) = user.back.clone().filter(|_| moves) else { continue };
            let mut config = project.connection(&user.connection)?;
            let own = (back != source.version).then(|| back.clone());
            let was = std::mem::replace(&mut config.source_version, own);
            moved.before.push(Place::of_connection(&user.connection, was, None));
            project.save_connection(&user.connection, &config)?;
            let detail = json!({"connector": connector, "from": user.version, "to": back});
            note(state, &user.connection, detail, now)?;
            moved.changed.push((user.connection.clone(), back));
        }
        if matches!(reach, Reach::Connections(_)) {
            continue;
        }
        let Some(back) = &source.back else { continue };
        moved.put_source(project, connector, &source, back)?;
        for user in &source.connections {
            let detail = json!({"connector": connector, "from": user.version, "to": back});
            note(state, &user.connection, detail, now)?;
        }
    }
    if moved.changed.is_empty() {
        return Err(Error::new(
            ErrorKind::Config,
            format!("There is no version of `{connector}` to go back to."),
        )
        .meaning("Nothing was changed.")
        .fix("List versions and who uses them with `syncline connector list`."));
    }
    Ok(moved)
}

impl Moved {
    fn put_source(&mut self, project: &Project, connector: &str, source: &SourceUse, to: &str) -> Result<()> {
        let mut system = project.system(SystemKind::Source, &source.source)?;
        system.connector = format!("{connector}@{to}");
        project.save_system(SystemKind::Source, &source.source, &system)?;
        self.before.push(Place::of_source(source));
        self.changed.push((source.source.clone(), to.to_owned()));
        Ok(())
    }
}

impl ConnectionUse {
    /// That this version is bad for it, if so.
    fn bad_place(&self, version: &str) -> Option<BadPlace> {
        let bad = self.marks.iter().find(|mark| mark.version == version)?.bad.clone()?;
        Some(BadPlace { version: version.to_owned(), since: bad.since, because: bad.because })
    }
}

/// Tells the history of a connection that it is on another version now.
pub(super) fn note(
    state: &State,
    connection: &str,
    detail: serde_json::Value,
    at: jiff::Timestamp,
) -> Result<()> {
    let (connection, kind) = (connection.to_owned(), "version".to_owned());
    state.add_to_journal(&JournalEntry { run: None, connection, at, kind, detail }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn the_way_back_leads_to_an_earlier_version_that_is_not_bad() {
        let known: Vec<String> = ["1", "2", "3", "4"].map(str::to_owned).to_vec();
        let mark = |version: &str, worked: Option<i64>, bad: bool| VersionMark {
            version: version.to_owned(),
            worked_at: worked.map(|second| Timestamp::from_second(second).unwrap()),
            proved: 0,
            bad: bad.then(|| BadVersion { since: Timestamp::UNIX_EPOCH, because: "it failed".to_owned() }),
        };
        let back = |from: &str, source: Option<&str>, marks: &[VersionMark]| {
            way_back(from, source.map(str::to_owned).as_ref(), marks, &known)
        };
        let is = |version: &str| Some(version.to_owned());
        assert_eq!(back("1", None, &[]), None);
        assert_eq!(back("4", None, &[]), is("3"), "the next lower one");
        let one = mark("1", Some(5), false);
        assert_eq!(back("4", None, std::slice::from_ref(&one)), is("1"), "the one that worked");
        assert_eq!(
            back("3", None, &[one.clone(), mark("2", Some(7), false), mark("4", Some(9), false)]),
            is("2")
        );
        assert_eq!(back("3", Some("2"), std::slice::from_ref(&one)), is("2"), "where its source is");
        let bad = mark("2", None, true);
        assert_eq!(back("3", Some("2"), &[one, bad.clone()]), is("1"), "never a bad one");
        assert_eq!(back("2", Some("4"), &[bad]), is("1"), "one that is behind does not go forward");
    }
}
