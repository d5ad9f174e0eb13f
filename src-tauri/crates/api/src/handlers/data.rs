use std::time::{Duration, Instant};

use syncline_engine::{ColumnPreview, ColumnProfile};
use syncline_protocol::{Column, Config, ConnectorContext, Error, ErrorKind, Result, Sampling};
use syncline_store::SystemKind;

use crate::api::{Api, require_tables};
use crate::estimate::{estimate, past_syncs};
use crate::host::{Analytics, Queried};
use crate::personal;
use crate::types::{
    DataRequest, DestinationRequest, GridColumn, GridData, PersonalData, PreviewRequest, ProfileRequest,
    SampleProgress, SampleTicket, SampledPreview, SqlRequest, SqlResult, SqlTable,
};

/// Rows of one answer. More are asked for in windows.
const ROWS_MAX: usize = 10_000;
/// How long columns are counted before those that are done are answered.
const PROFILE_SLICE: Duration = Duration::from_millis(250);

impl Api {
    pub(crate) async fn preview(&self, request: PreviewRequest) -> Result<SampledPreview> {
        let connection = self.engine(&request.connection).await?;
        require_tables(&connection, std::slice::from_ref(&request.table))?;
        let sampling = Sampling { rows: request.rows.min(ROWS_MAX), pick: request.pick };
        // A window that no longer waits drops this future, and with it the reading.
        let reading = self.open.samples.begin(request.ticket);
        let (preview, sample) = connection.preview(&request.table, &sampling, &reading.watch).await?;
        drop(reading);
        let (name, table) = (request.connection, request.table);
        let past = self.blocking(move |open| past_syncs(open, &name, &table)).await?;
        let estimate = estimate(preview.effect.as_ref(), &preview.trial, &past);
        Ok(SampledPreview {
            sample: self.open.samples.keep(sample),
            picks: connection.source.capabilities().samples,
            personal: preview.columns.iter().map(personal_in).collect(),
            estimate,
            preview,
        })
    }

    #[expect(clippy::unused_async, reason = "the table of requests awaits every handler")]
    pub(crate) async fn sample_progress(&self, request: SampleTicket) -> Result<Option<SampleProgress>> {
        Ok(self.open.samples.reading(&request.ticket).map(|watch| SampleProgress {
            rows: watch.rows(),
            millis: u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX),
        }))
    }

    #[expect(clippy::unused_async, reason = "the table of requests awaits every handler")]
    pub(crate) async fn enough_of_sample(&self, request: SampleTicket) -> Result<()> {
        if let Some(watch) = self.open.samples.reading(&request.ticket) {
            watch.enough();
        }
        Ok(())
    }

    pub(crate) async fn profile(&self, request: ProfileRequest) -> Result<Vec<ColumnProfile>> {
        let sample = self.open.samples.get(&request.sample).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "This sample is not kept any more.")
                .meaning("Its rows are still shown; only its columns cannot be counted.")
                .fix("Read the sample again.")
        })?;
        let profiler = self.open.host.profiler().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "This program cannot count the values of columns.")
                .meaning("The rows of the sample are shown all the same.")
        })?;
        let began = Instant::now();
        let mut profiles = Vec::new();
        for column in request.columns.into_iter().filter(|column| *column < sample.columns()) {
            profiles.push(sample.profile(column, profiler).await?);
            if began.elapsed() >= PROFILE_SLICE {
                break;
            }
        }
        Ok(profiles)
    }

    pub(crate) async fn data(&self, request: DataRequest) -> Result<GridData> {
        let connection = self.engine(&request.connection).await?;
        require_tables(&connection, std::slice::from_ref(&request.table))?;
        let limit = request.limit.min(ROWS_MAX);
        let asked = self.asked(&connection.config.destination).await?;
        if let (Some(analytics), Some(target)) =
            (self.analytics_for(&asked.connector), connection.target_of(&request.table))
        {
            return analytics.rows(asked.queried(), &target, request.offset, limit).await;
        }
        let rows = connection.rows(&request.table, request.offset, limit).await?;
        let columns = rows.columns.into_iter().map(|column| GridColumn {
            type_name: column.native_type.unwrap_or_else(|| column.logical.to_string()),
            name: column.name,
        });
        Ok(GridData { columns: columns.collect(), rows: rows.rows, total: Some(rows.total) })
    }

    pub(crate) async fn run_sql(&self, request: SqlRequest) -> Result<SqlResult> {
        let asked = self.asked(&request.destination).await?;
        let analytics = self.require_analytics(&asked)?;
        let began = Instant::now();
        let offset = request.offset.unwrap_or(0);
        let mut result =
            analytics.query(asked.queried(), &request.sql, offset, request.limit.min(ROWS_MAX)).await?;
        result.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(result)
    }

    pub(crate) async fn sql_schema(&self, request: DestinationRequest) -> Result<Vec<SqlTable>> {
        let asked = self.asked(&request.destination).await?;
        self.require_analytics(&asked)?.tables(asked.queried()).await
    }

    fn analytics_for(&self, connector: &str) -> Option<&dyn Analytics> {
        self.open.host.analytics().filter(|analytics| analytics.answers(connector))
    }

    fn require_analytics(&self, asked: &Asked) -> Result<&dyn Analytics> {
        self.analytics_for(&asked.connector).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, format!("{} cannot be asked in SQL here.", asked.title))
                .meaning("Nothing was done.")
                .fix("Use the tools that belong to that system.")
        })
    }

    async fn asked(&self, destination: &str) -> Result<Asked> {
        let name = destination.to_owned();
        self.blocking(move |open| {
            let system = open.project.system(SystemKind::Destination, &name)?;
            let (connector, config) = open.resolve(SystemKind::Destination, &system, &[])?;
            let title = connector.listing().title.into_owned();
            let context = open.context_of(&system, &[]);
            Ok(Asked { connector: system.connector, title, config, context })
        })
        .await
    }
}

/// A destination with its secrets filled in.
struct Asked {
    connector: String,
    title: String,
    config: Config,
    context: ConnectorContext,
}

impl Asked {
    fn queried(&self) -> Queried<'_> {
        Queried { connector: &self.connector, config: &self.config, context: &self.context }
    }
}

/// What speaks for personal data in a column of a sample.
fn personal_in(column: &ColumnPreview) -> Option<PersonalData> {
    personal::guess(&Column::new(&column.source, column.landed_type.clone()))
}
