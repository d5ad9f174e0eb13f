//! `syncline discover`

use jiff::Timestamp;
use syncline_protocol::schema::TableInfo;
use syncline_protocol::{DiscoverFilter, Result, TableKind};

use crate::app::Context;
use crate::cli::Discover;
use crate::exit::Exit;
use crate::screen::{Column, Tone, paint};
use crate::text::{about, bytes, counted, shorten};

pub(crate) fn run(context: &Context<'_>, arguments: &Discover) -> Result<Exit> {
    let source = context.source(&arguments.source)?;
    let filter = DiscoverFilter { tables: Vec::new(), system: arguments.system };
    let mut catalog = context.runtime.block_on(source.discover(&filter))?;
    context.state.save_catalog(&arguments.source, Timestamp::now(), &catalog)?;
    if let Some(wanted) = &arguments.filter {
        let wanted = wanted.to_lowercase();
        catalog.tables.retain(|info| info.schema.table.to_string().to_lowercase().contains(&wanted));
    }
    if arguments.json {
        context.screen.print_json_pretty(&catalog);
        return Ok(Exit::Ok);
    }
    context.screen.print_table(
        &[
            Column::Left("TABLE"),
            Column::Left("KIND"),
            Column::Right("ROWS"),
            Column::Right("SIZE"),
            Column::Right("COLUMNS"),
            Column::Left("KEY"),
            Column::Left("UPDATED-AT"),
        ],
        catalog.tables.iter().map(row),
    );
    let unreadable: Vec<&TableInfo> =
        catalog.tables.iter().filter(|info| info.unreadable.is_some()).collect();
    for info in &unreadable {
        let reason = info.unreadable.as_deref().unwrap_or_default();
        context.screen.say(format!(
            "{} {} cannot be read: {reason}",
            paint(Tone::Warning, "!"),
            info.schema.table
        ));
    }
    context.screen.say(format!(
        "\n{} in {}.",
        counted(catalog.tables.len() as u64, "table"),
        arguments.source
    ));
    Ok(Exit::Ok)
}

fn row(info: &TableInfo) -> Vec<String> {
    let estimate = |value: Option<u64>, form: fn(u64) -> String| value.map_or_else(|| "–".to_owned(), form);
    let dash = |text: String| if text.is_empty() { "–".to_owned() } else { text };
    vec![
        shorten(&info.schema.table.to_string(), 60),
        kind(info.kind).to_owned(),
        estimate(info.rows_estimate, about),
        estimate(info.bytes_estimate, bytes),
        info.schema.columns.len().to_string(),
        dash(shorten(&info.schema.key.join(", "), 40)),
        dash(info.cursors.first().map(|cursor| cursor.column.clone()).unwrap_or_default()),
    ]
}

fn kind(kind: TableKind) -> &'static str {
    match kind {
        TableKind::Table => "table",
        TableKind::View => "view",
        TableKind::MaterializedView => "materialized view",
        TableKind::Partitioned => "partitioned",
        TableKind::Foreign => "foreign",
        TableKind::Files => "files",
        TableKind::Api => "API",
    }
}
