//! Versions of connectors that a project keeps side by side.

use std::sync::Arc;

use syncline_engine::versions::{SourceUpgrade, SourceUse, UpgradePlan, apply_upgrade, roll_back, uses};
use syncline_protocol::{Error, ErrorKind, Result, Traffic, split_reference};
use syncline_store::{Recording, SystemKind};

use crate::api::{Api, Open};
use crate::rehearse::{Stage, nothing_recorded, rehearse};
use crate::types::{
    ConnectionVersion, ConnectorVersions, Rehearsal, RehearsalRequest, RollbackRequest, SourceVersion,
    UpgradeRequest, VersionChanged,
};

impl Open {
    fn uses(&self, connector: &str) -> Result<Vec<SourceUse>> {
        uses(&self.project, &self.state, self.host.connectors(), connector)
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
                    title: connector.spec().title.into_owned(),
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

    pub(crate) async fn upgrade(&self, request: UpgradeRequest) -> Result<Vec<VersionChanged>> {
        self.blocking(move |open| {
            let to = open.upgrade_to(&request)?;
            let UpgradeRequest { connector, only, .. } = request;
            let registry = open.host.connectors();
            let changed =
                apply_upgrade(&open.project, &open.state, registry, &connector, &to, &only, open.now())?;
            Ok(changed.into_iter().map(|name| VersionChanged { name, version: to.clone() }).collect())
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

    pub(crate) async fn roll_back(&self, request: RollbackRequest) -> Result<Vec<VersionChanged>> {
        self.blocking(move |open| {
            let RollbackRequest { connector, only } = request;
            open.connector(&connector)?;
            let registry = open.host.connectors();
            let changed = roll_back(&open.project, &open.state, registry, &connector, &only, open.now())?;
            Ok(changed.into_iter().map(|(name, version)| VersionChanged { name, version }).collect())
        })
        .await
    }
}

impl From<SourceUse> for SourceVersion {
    fn from(user: SourceUse) -> Self {
        let connection = |user: syncline_engine::versions::ConnectionUse| {
            let (bad_since, bad_because) = user.bad.map(|bad| (bad.since.to_string(), bad.because)).unzip();
            ConnectionVersion {
                connection: user.connection,
                version: user.version,
                own: user.ahead,
                runs_on: user.runs_on,
                bad_since,
                bad_because,
                worked: user.worked,
            }
        };
        SourceVersion {
            source: user.source,
            version: user.version,
            pinned: user.pinned,
            connections: user.connections.into_iter().map(connection).collect(),
        }
    }
}
