use std::time::Instant;

use syncline_engine::{Preview, Stop};
use syncline_protocol::{Config, ConnectorContext, Error, ErrorKind, Result};
use syncline_store::SystemKind;

use crate::api::{Api, require_tables};
use crate::host::{Analytics, Queried};
use crate::types::{
    DataRequest, DestinationRequest, GridColumn, GridData, PreviewRequest, SqlRequest, SqlResult, SqlTable,
};

/// Rows of one answer. More are asked for in windows.
const ROWS_MAX: usize = 10_000;

impl Api {
    pub(crate) async fn preview(&self, request: PreviewRequest) -> Result<Preview> {
        let connection = self.engine(&request.connection).await?;
        require_tables(&connection, std::slice::from_ref(&request.table))?;
        let stop = Stop::new();
        // A window that no longer waits drops this future: the source is told to stop reading, too.
        let _stop = StopOnDrop(stop.clone());
        connection.preview(&request.table, request.rows.min(ROWS_MAX), &stop).await
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
            Ok(Asked { connector: system.connector, title, config, context: open.context() })
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

struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.now();
    }
}
