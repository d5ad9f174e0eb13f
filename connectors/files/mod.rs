//! Files as a source: CSV, JSON, Parquet and workbooks, also compressed with gzip or zstd; one file, a folder or a
//! pattern.
//!
//! Types are inferred from the whole first file of a table. A later file that does not fit makes the columns wider, or
//! adds some ([`Change::Schema`](syncline_protocol::Change::Schema)); a row that still does not fit goes to quarantine
//! with its line.

mod content;
pub mod csv;
mod dialect;
mod excel;
mod infer;
pub mod json;
mod listing;
mod parquet;
mod plan;
mod rows;
mod session;
mod tables;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_protocol::connector::config_schema;
use syncline_protocol::{
    Badge, Catalog, Category, ChangeSink, CheckStep, Config, Connector, ConnectorContext, DiscoverFilter,
    Error, ErrorKind, Listing, Maturity, Result, SamplePicks, Sampling, Source, SourceCapabilities,
    SourceSession, Spec, StepSink, TableRead,
};

pub use content::Format;
pub use dialect::CsvOptions;

use crate::stream::{blocking, pump};
use rows::Told;
use session::FilesSession;
use tables::Place;

/// The connector.
pub struct Files;

/// Settings of a source of files.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesConfig {
    /// A file, a folder (the files directly inside), or a pattern such as `exports/**/*.csv.gz`. Relative paths start
    /// in the project folder.
    pub path: String,
    /// How rows are written. Default: by the name of each file.
    #[serde(default)]
    pub format: Format,
    /// Which tables the files make. Default: a pattern makes one table of all files, a folder one table per file.
    #[serde(default)]
    pub tables: Option<Grouping>,
    /// The name of the table when all files make one. Default: the folder they lie in.
    #[serde(default)]
    pub table: Option<String>,
    /// How CSV files are written, where detection should not decide.
    #[serde(default)]
    pub csv: CsvOptions,
    /// Whether rows get the columns `_file`, `_line` and `_modified`: a key for merging, and the updated-at column with
    /// which only new and changed files are read.
    #[serde(default)]
    pub file_columns: bool,
    /// A compressed file larger than 64 MB when unpacked may grow by this factor at most. Default 1,000.
    #[serde(default = "decompression_ratio_max")]
    pub decompression_ratio_max: u64,
}

/// Which tables the files make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// All files are one table. Of workbooks, all sheets of the same name.
    One,
    /// Each file is a table, called like the file. Of workbooks, each sheet.
    PerFile,
}

fn decompression_ratio_max() -> u64 {
    1000
}

impl Connector for Files {
    fn listing(&self) -> Listing {
        Listing {
            category: Category::Files,
            badges: &[Badge::Incremental, Badge::SchemaChanges],
            ..self.spec().into()
        }
    }

    fn spec(&self) -> Spec {
        Spec {
            name: "files".into(),
            title: "Files".into(),
            description:
                "Reads CSV, TSV, JSON, Parquet and Excel files, also compressed; one, a folder or a pattern."
                    .into(),
            aliases: &["csv", "tsv", "json", "jsonl", "ndjson", "parquet", "excel", "xlsx", "folder"],
            url_schemes: &["file"],
            version: env!("CARGO_PKG_VERSION").into(),
            maturity: Maturity::New,
            source_schema: Some(config_schema::<FilesConfig>()),
            destination_schema: None,
        }
    }

    fn source(&self, config: &Config, context: &ConnectorContext) -> Result<Box<dyn Source>> {
        let config: FilesConfig = config.parse("files")?;
        config.csv.validate()?;
        if config.path.trim().is_empty() {
            return Err(Error::new(ErrorKind::Config, "The path of the files is empty."));
        }
        let place = Place::new(context.resolve(&config.path), config);
        Ok(Box::new(FilesSource { place: Arc::new(place), told: Told::default() }))
    }
}

struct FilesSource {
    place: Arc<Place>,
    told: Told,
}

#[async_trait]
impl Source for FilesSource {
    fn capabilities(&self) -> SourceCapabilities {
        SourceCapabilities {
            parallel_parts: 4,
            incremental: true,
            key_lists: false,
            consistent: false,
            inferred_types: true,
            samples: SamplePicks::default(),
        }
    }

    async fn check(&self, steps: &dyn StepSink) {
        let began = Instant::now();
        let place = Arc::clone(&self.place);
        let tables = match blocking(move || place.tables()).await {
            Ok(tables) => tables,
            Err(error) => return steps.step(CheckStep::failed("Find the files", began.elapsed(), &error)),
        };
        let files: usize = tables.iter().map(|table| table.files.len()).sum();
        let bytes: u64 = tables.iter().flat_map(|table| &table.files).map(|part| part.file.size).sum();
        let detail = format!("{} tables, {files} files, {bytes} bytes", tables.len());
        steps.step(CheckStep::ok("Find the files", began.elapsed()).detail(detail));
        let began = Instant::now();
        let place = Arc::clone(&self.place);
        match blocking(move || place.catalog(&DiscoverFilter::default())).await {
            Ok(catalog) => steps.step(look_inside(&catalog, began)),
            Err(error) => steps.step(CheckStep::failed(LOOK, began.elapsed(), &error)),
        }
    }

    async fn discover(&self, filter: &DiscoverFilter) -> Result<Catalog> {
        let (place, filter) = (Arc::clone(&self.place), filter.clone());
        blocking(move || place.catalog(&filter)).await
    }

    async fn sample(&self, read: &TableRead, sampling: &Sampling, sink: &dyn ChangeSink) -> Result<()> {
        let (place, read, rows) = (Arc::clone(&self.place), read.clone(), sampling.rows);
        pump(sink, move |outlet| session::sample(&place, &read, rows, outlet)).await
    }

    async fn open(&self, _tables: &[TableRead]) -> Result<Box<dyn SourceSession>> {
        let place = Arc::clone(&self.place);
        let tables = blocking(move || place.tables()).await?;
        Ok(Box::new(FilesSession::new(Arc::clone(&self.place), tables, self.told.settle())))
    }
}

/// A step of the check.
const LOOK: &str = "Look into the files";

fn look_inside(catalog: &Catalog, began: Instant) -> CheckStep {
    let step = CheckStep::ok(LOOK, began.elapsed());
    if let Some(reason) = catalog.tables.iter().find_map(|info| info.unreadable.as_ref())
        && catalog.tables.iter().all(|info| info.unreadable.is_some())
    {
        let error = Error::new(ErrorKind::CorruptInput, format!("No file can be read. {reason}"));
        return CheckStep::failed(LOOK, began.elapsed(), &error);
    }
    let mut unreadable = catalog.tables.iter().filter_map(|info| {
        info.unreadable.as_ref().map(|reason| format!("`{}`: {reason}", info.schema.table))
    });
    match unreadable.next() {
        None => step.detail("all can be read"),
        Some(first) => {
            let more = unreadable.count();
            let others = if more == 0 { String::new() } else { format!(" (and {more} more)") };
            step.limited("What cannot be read is left out.").detail(format!("{first}{others}"))
        }
    }
}
