//! Versions of connectors that a project keeps side by side.

use std::sync::Arc;

use syncline_engine::versions::{
    ConnectionUse, Moved, Reach, SourceUpgrade, SourceUse, UpgradePlan, apply_upgrade, put_back, roll_back,
    uses,
};
use syncline_protocol::{Error, ErrorKind, Result, Traffic, split_reference};
use syncline_store::{Recording, SystemKind};

use crate::api::{Api, Open};
use crate::rehearse::{Stage, nothing_recorded, rehearse};
use crate::types::{
    ConnectionVersion, ConnectorVersions, PutBackRequest, Rehearsal, RehearsalRequest, RollbackRequest,
    SourceVersion, UpgradeRequest, VersionChanged, VersionMark, VersionsMoved,
};

impl Open {
    /// The sources that use a connector, with their connections.
    pub(crate) fn uses(&self, connector: &str) -> Result<Vec<SourceUse>> {
        uses(&self.project, &self.state, self.host.connectors(), connector)
    }

    /// Does something that puts files on another version. The history tells that itself, so that the change of the file
    /// is not told once more, as if somebody had made it elsewhere.
    fn moving<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.keep_files(true)?;
        let done = work();
        self.changed_files()?;
        done
    }

    /// The version that an upgrade leads to.
    fn upgrade_to(&self, request: &UpgradeRequest) -> Result<String> {
        let reference = match &request.to {
            Some(version) => format!("{}@{version}", request.connector),
            None => request.connector.clone(),
        };
        // What was added since the program began counts, too.
        self.host.refresh_connectors()?;
        let connector = self.connector(&reference)?;
        if connector.versioned() {
            return Ok(connector.version().into_owned());
        }
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("`{}` comes with the program, in one version.", request.connector),
        )
        .meaning("Nothing was changed.")
        .fix("Update the program to get a newer one."))
    }
}

impl Api {
    pub(crate) async fn connector_versions(&self, (): ()) -> Result<Vec<ConnectorVersions>> {
        self.blocking(|open| {
            open.host.refresh_connectors()?;
            let registry = open.host.connectors();
            let versioned = registry.list().into_iter().filter(|connector| connector.versioned());
            let mut all = Vec::new();
            for connector in versioned {
                let name = connector.name().into_owned();
                let versions = registry.versions(&name).into_iter().rev();
                all.push(ConnectorVersions {
                    title: connector.listing().title.into_owned(),
                    versions: versions.map(|version| version.version().into_owned()).collect(),
                    sources: open.uses(&name)?.into_iter().map(SourceVersion::from).collect(),
                    connector: name,
                });
            }
            Ok(all)
        })
        .await
    }

    pub(crate) async fn plan_upgrade(&self, request: UpgradeRequest) -> Result<UpgradePlan> {
        let connector = request.connector.clone();
        let (to, compared) = self
            .blocking(move |open| {
                let to = open.upgrade_to(&request)?;
                let mut compared = Vec::new();
                for user in open.uses(&request.connector)? {
                    let Some((from, connections)) = user.moving(&to, &request.only) else { continue };
                    let system = open.project.system(SystemKind::Source, &user.source)?;
                    let at = |version: &str| {
                        open.source_on(&format!("{}@{version}", request.connector), &system, None)
                    };
                    let (before, after) = (at(&from), at(&to));
                    compared.push((user.source, from, connections, before, after));
                }
                Ok((to, compared))
            })
            .await?;
        let mut sources = Vec::new();
        for (source, from, connections, before, after) in compared {
            sources.push(SourceUpgrade::compare(&source, &from, connections, before, after).await);
        }
        Ok(UpgradePlan { connector, to, sources })
    }

    pub(crate) async fn upgrade(&self, request: UpgradeRequest) -> Result<VersionsMoved> {
        self.blocking(move |open| {
            let to = open.upgrade_to(&request)?;
            let UpgradeRequest { connector, only, .. } = request;
            let registry = open.host.connectors();
            open.moving(|| {
                apply_upgrade(&open.project, &open.state, registry, &connector, &to, &only, open.now())
            })
            .map(VersionsMoved::from)
        })
        .await
    }

    pub(crate) async fn rehearse(&self, request: RehearsalRequest) -> Result<Rehearsal> {
        let (connection, connector, head, sources, from, to) = self
            .blocking(move |open| {
                open.host.refresh_connectors()?;
                let connection = open.connection(&request.connection)?;
                let system = open.project.system(SystemKind::Source, &connection.config.source)?;
                let recording = Recording::load(&open.project, &open.vault()?, &request.connection)?;
                let recording = recording.ok_or_else(|| nothing_recorded(&request.connection))?;
                let connector = split_reference(&system.connector).0.to_owned();
                let wanted =
                    UpgradeRequest { connector: connector.clone(), to: request.to, only: Vec::new() };
                let to = open.upgrade_to(&wanted)?;
                let from = connection.origin.source.as_ref().map(|source| source.version.clone());
                let from = from.unwrap_or_default();
                let Recording { head, answers } = recording;
                let answers = Arc::new(answers);
                let sources = [&from, &to].map(|version| {
                    let tape = Traffic::Replay(Arc::clone(&answers));
                    open.source_on(&format!("{connector}@{version}"), &system, Some(tape))
                });
                Ok((connection, connector, head, sources, from, to))
            })
            .await?;
        let analytics = self.open.host.analytics().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "This program cannot compare rows: it has no database in it.")
        })?;
        let folder = tempfile::tempdir().map_err(|error| {
            Error::new(ErrorKind::DiskFull, "There is no room for a rehearsal.").caused_by(error)
        })?;
        rehearse(Stage {
            connection: &connection,
            head,
            connector: &connector,
            versions: [&from, &to],
            sources,
            registry: self.open.host.connectors(),
            analytics,
            folder: folder.path(),
        })
        .await
    }

    pub(crate) async fn roll_back(&self, request: RollbackRequest) -> Result<VersionsMoved> {
        self.blocking(move |open| {
            let RollbackRequest { connector, source, only } = request;
            open.connector(&connector)?;
            let registry = open.host.connectors();
            let reach = match &source {
                _ if !only.is_empty() => Reach::Connections(&only),
                Some(source) => Reach::Source(source),
                None => Reach::Everything,
            };
            open.moving(|| roll_back(&open.project, &open.state, registry, &connector, reach, open.now()))
                .map(VersionsMoved::from)
        })
        .await
    }

    pub(crate) async fn put_back(&self, request: PutBackRequest) -> Result<Vec<VersionChanged>> {
        self.blocking(move |open| {
            let PutBackRequest { connector, places } = request;
            open.connector(&connector)?;
            let registry = open.host.connectors();
            open.moving(|| put_back(&open.project, &open.state, registry, &connector, &places, open.now()))
                .map(changed)
        })
        .await
    }
}

fn changed(names: Vec<(String, String)>) -> Vec<VersionChanged> {
    names.into_iter().map(|(name, version)| VersionChanged { name, version }).collect()
}

impl From<Moved> for VersionsMoved {
    fn from(moved: Moved) -> Self {
        VersionsMoved { changed: changed(moved.changed), before: moved.before }
    }
}

impl From<SourceUse> for SourceVersion {
    fn from(user: SourceUse) -> Self {
        SourceVersion {
            source: user.source,
            version: user.version,
            pinned: user.pinned,
            back: user.back,
            connections: user.connections.into_iter().map(ConnectionVersion::from).collect(),
        }
    }
}

impl From<ConnectionUse> for ConnectionVersion {
    fn from(user: ConnectionUse) -> Self {
        ConnectionVersion {
            connection: user.connection,
            version: user.version,
            own: user.ahead,
            runs_on: user.runs_on,
            falls_back: user.falls_back,
            back: user.back,
            marks: user.marks.into_iter().map(VersionMark::from).collect(),
        }
    }
}

impl From<syncline_store::VersionMark> for VersionMark {
    fn from(mark: syncline_store::VersionMark) -> Self {
        let (bad_since, bad_because) = mark.bad.map(|bad| (bad.since.to_string(), bad.because)).unzip();
        let worked_at = mark.worked_at.map(|at| at.to_string());
        VersionMark { version: mark.version, worked_at, bad_since, bad_because }
    }
}
