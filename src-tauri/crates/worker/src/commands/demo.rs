//! `syncline demo`

use jiff::Timestamp;
use serde_json::{Value, json};
use syncline_api::select::select_tables;
use syncline_engine::{Outcome, Receipt, RunOptions, Stop};
use syncline_protocol::{DiscoverFilter, Result, TableName};
use syncline_store::config::{ConnectionConfig, DriftPolicy, NameStyle, SystemConfig};
use syncline_store::{Project, RunLock, SystemKind, run_id};

use crate::app::{Context, Surroundings};
use crate::cli::Demo;
use crate::commands::receipt::receipt_text;
use crate::exit::Exit;
use crate::screen::{Tone, paint};

const SOURCE: &str = "corner-shop";
const DESTINATION: &str = "studio";
const CONNECTION: &str = "demo";
const DATABASE: &str = "studio.duckdb";

pub(crate) fn run(surroundings: &Surroundings<'_>, arguments: Demo) -> Result<Exit> {
    let is_new = !arguments.folder.join("project.yaml").is_file();
    let project = match is_new {
        true => Project::init(&arguments.folder, "Corner shop")?,
        false => Project::open(&arguments.folder)?,
    };
    let context = Context::of(surroundings, project)?;
    if !context.project.connections()?.iter().any(|name| name == CONNECTION) {
        add(&context)?;
    }
    let connection = context.connection(CONNECTION)?;
    let _lock = RunLock::acquire(&context.project, CONNECTION)?;
    let stop = Stop::new();
    let _interrupts = super::run::stop_on_interrupt(context.runtime, &stop, arguments.json);
    let options = RunOptions::new(run_id(Timestamp::now())?);
    let receipt = super::run::record(&context, &connection, options, &stop, arguments.json)?;
    if !arguments.json {
        show(&context, &receipt, is_new);
    }
    Ok(receipt.outcome.into())
}

fn add(context: &Context<'_>) -> Result<()> {
    let system = |connector: &str, config: Value| SystemConfig { connector: connector.to_owned(), config };
    context.project.save_system(SystemKind::Source, SOURCE, &system("sample", json!({})))?;
    let destination = system("duckdb", json!({"path": DATABASE}));
    context.project.save_system(SystemKind::Destination, DESTINATION, &destination)?;
    let source = context.source(SOURCE)?;
    let catalog = context.runtime.block_on(source.discover(&DiscoverFilter::default()))?;
    let wanted: Vec<(TableName, _)> =
        catalog.tables.iter().map(|info| (info.schema.table.clone(), None)).collect();
    let selection = select_tables(&catalog, &wanted, source.capabilities().incremental, true)?;
    context.project.save_connection(
        CONNECTION,
        &ConnectionConfig {
            source_version: None,
            source: SOURCE.to_owned(),
            destination: DESTINATION.to_owned(),
            schema: None,
            names: NameStyle::default(),
            drift: DriftPolicy::default(),
            rejected_rows_max: 1000,
            tables: selection.tables,
        },
    )
}

fn show(context: &Context<'_>, receipt: &Receipt, is_new: bool) {
    let screen = context.screen;
    screen.print(receipt_text(receipt, screen.verbose));
    if !matches!(receipt.outcome, Outcome::Succeeded | Outcome::SucceededWithRejected) {
        return;
    }
    let folder = context.project.root().display();
    let again = match is_new {
        true => "Run it again: a second sync reads only what changed, and finds a new column",
        false => "Run it again: each sync reads only what changed since the last one",
    };
    screen.print(format!(
        "\n{}\n  {}\n\n{}\n  Look at the data        duckdb {folder}/{DATABASE}\n  See it before it lands  syncline -C {folder} preview {CONNECTION} orders\n  {again}\n                          syncline demo {folder}\n  Use your own data       syncline init && syncline add source NAME",
        paint(Tone::Strong, "Your data is here"),
        context.project.root().join(DATABASE).display(),
        paint(Tone::Strong, "Next"),
    ));
}
