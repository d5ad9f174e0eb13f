use std::path::Path;

use serde_json::Value;
use syncline_protocol::{DiscoverFilter, Error, ErrorKind, Result};
use syncline_store::SystemKind;
use syncline_store::config::{ConnectionConfig, DriftPolicy, NameStyle};

use crate::api::{Api, Open};
use crate::inbox;
use crate::select::select_tables;
use crate::types::{
    ConnectionDraft, DraftRequest, OpenProjectRequest, Prepared, Project, SaveDraftRequest, Settings,
};

const SETTINGS: &str = "project";
const SAMPLE_OFFERED: &str = "sample-offered";
const DRAFTS: &str = "draft/";
const REJECTED_ROWS_MAX: u64 = 1000;
/// A draft is a half-filled form, not a place for data.
const DRAFT_BYTES_MAX: usize = 4 << 20;

impl Open {
    /// What a person has set for this project.
    pub(crate) fn settings(&self) -> Result<Settings> {
        Ok(self.state.setting(SETTINGS)?.unwrap_or_default())
    }
}

impl Api {
    pub(crate) async fn project_info(&self, (): ()) -> Result<Project> {
        self.blocking(|open| {
            let offered = open.state.setting::<bool>(SAMPLE_OFFERED)?.unwrap_or(false);
            let is_empty = open.project.connections()?.is_empty()
                && open.project.systems(SystemKind::Source)?.is_empty();
            Ok(Project {
                name: open.project.config().name.clone(),
                folder: open.project.root().display().to_string(),
                version: open.host.version().to_owned(),
                secret_store: open.vault()?.place(),
                first_launch: is_empty && !offered,
            })
        })
        .await
    }

    pub(crate) async fn open_project(&self, request: OpenProjectRequest) -> Result<()> {
        if self.is_running() {
            return Err(Error::new(ErrorKind::Locked, "A sync is running in the project that is open.")
                .meaning("The other project was not opened; the sync goes on.")
                .fix("Wait for its end, or stop it, and open the other project then."));
        }
        self.blocking(move |open| {
            let place = Path::new(request.folder.trim());
            // Somebody who picks files picks the file that makes a folder a project.
            let folder = if place.is_file() { place.parent().unwrap_or(place) } else { place };
            open.host.open_project(folder)
        })
        .await?;
        // Nothing runs, and from now on nothing can be started here.
        self.drain().await;
        Ok(())
    }

    pub(crate) async fn settings(&self, (): ()) -> Result<Settings> {
        self.blocking(Open::settings).await
    }

    pub(crate) async fn save_settings(&self, settings: Settings) -> Result<()> {
        if settings.fresh_within_minutes == Some(0) {
            return Err(Error::new(ErrorKind::Config, "Data cannot be fresher than now.")
                .meaning("Nothing was changed.")
                .fix("Give at least one minute, or nothing."));
        }
        self.blocking(move |open| open.state.set_setting(SETTINGS, &settings)).await
    }

    pub(crate) async fn prepare_sample(&self, (): ()) -> Result<Prepared> {
        let (source, sample) = self
            .blocking(|open| {
                let sample = open
                    .host
                    .sample()
                    .ok_or_else(|| Error::new(ErrorKind::Unsupported, "This program has no sample."))?;
                open.state.set_setting(SAMPLE_OFFERED, &true)?;
                for (kind, (name, system)) in
                    [(SystemKind::Source, &sample.source), (SystemKind::Destination, &sample.destination)]
                {
                    if !open.project.systems(kind)?.contains(name) {
                        open.project.save_system(kind, name, system)?;
                    }
                }
                Ok((open.source(&sample.source.0)?, sample))
            })
            .await?;
        let connection = sample.connection.clone();
        let catalog = source.discover(&DiscoverFilter::default()).await?;
        let incremental = source.capabilities().incremental;
        self.blocking(move |open| {
            if open.project.connections()?.contains(&sample.connection) {
                return Ok(());
            }
            open.state.save_catalog(&sample.source.0, open.now(), &catalog)?;
            let wanted: Vec<_> =
                catalog.tables.iter().map(|info| (info.schema.table.clone(), None)).collect();
            let tables = select_tables(&catalog, &wanted, incremental, true)?.tables;
            open.project.save_connection(
                &sample.connection,
                &ConnectionConfig {
                    source_version: None,
                    source: sample.source.0,
                    destination: sample.destination.0,
                    schema: None,
                    names: NameStyle::default(),
                    drift: DriftPolicy::default(),
                    rejected_rows_max: REJECTED_ROWS_MAX,
                    tables,
                },
            )
        })
        .await?;
        Ok(Prepared { connection })
    }

    pub(crate) async fn remove_sample(&self, (): ()) -> Result<()> {
        let connection = self.open.host.sample().map(|sample| sample.connection);
        if let Some(connection) = connection {
            self.refuse_while_running(&connection, "removed")?;
        }
        self.blocking(|open| {
            let Some(sample) = open.host.sample() else { return Ok(()) };
            open.state.set_setting(SAMPLE_OFFERED, &true)?;
            if open.project.connections()?.contains(&sample.connection) {
                open.project.remove_connection(&sample.connection)?;
                inbox::forget(open, &sample.connection)?;
            }
            for (kind, (name, _)) in
                [(SystemKind::Source, &sample.source), (SystemKind::Destination, &sample.destination)]
            {
                // One that another connection uses stays.
                if open.users(kind, name)?.is_empty() && open.project.systems(kind)?.contains(name) {
                    open.project.remove_system(kind, name)?;
                }
            }
            Ok(())
        })
        .await
    }

    pub(crate) async fn drafts(&self, (): ()) -> Result<Vec<ConnectionDraft>> {
        self.blocking(|open| {
            let drafts = open.state.settings::<ConnectionDraft>(DRAFTS)?;
            Ok(drafts.into_iter().map(|(_, draft)| draft).collect())
        })
        .await
    }

    pub(crate) async fn save_draft(&self, request: SaveDraftRequest) -> Result<()> {
        self.blocking(move |open| {
            if request.name.is_empty() || request.name.len() > 200 || size(&request.content) > DRAFT_BYTES_MAX
            {
                return Err(Error::new(ErrorKind::LimitExceeded, "This draft is too large to be kept.")
                    .meaning("Nothing was kept."));
            }
            let draft = ConnectionDraft {
                changed_at: open.now().to_string(),
                content: request.content,
                name: request.name,
            };
            open.state.set_setting(&format!("{DRAFTS}{}", draft.name), &draft)
        })
        .await
    }

    pub(crate) async fn remove_draft(&self, request: DraftRequest) -> Result<()> {
        self.blocking(move |open| open.state.remove_setting(&format!("{DRAFTS}{}", request.name)).map(|_| ()))
            .await
    }
}

fn size(content: &Value) -> usize {
    content.to_string().len()
}
