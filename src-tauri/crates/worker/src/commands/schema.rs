//! `syncline schema`

use serde_json::{Value, json};
use syncline_protocol::{Error, ErrorKind, Listing, Maturity, Result};
use syncline_store::schemas::schemas;

use crate::app::Surroundings;
use crate::cli::{Schema, Side};
use crate::exit::Exit;
use crate::screen::Column;

pub(crate) fn run(surroundings: &Surroundings<'_>, arguments: &Schema) -> Result<Exit> {
    let screen = surroundings.screen;
    let registry = connectors::registry();
    let Some(name) = &arguments.name else {
        let files = schemas().into_iter().map(|(file, schema)| {
            let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
            vec![word(file).to_owned(), "project file".to_owned(), text.replace('`', "")]
        });
        let connectors = registry.list().into_iter().map(|connector| {
            let listing = connector.listing();
            let what = format!("{}: {}", listing.title, listing.description);
            vec![listing.name.clone().into_owned(), sides(&listing), what]
        });
        screen.print_table(
            &[Column::Left("NAME"), Column::Left("FOR"), Column::Left("WHAT")],
            files.chain(connectors).collect::<Vec<_>>(),
        );
        return Ok(Exit::Ok);
    };
    if let Some((_, schema)) = schemas().into_iter().find(|(file, _)| word(file) == name) {
        screen.print_json_pretty(&schema);
        return Ok(Exit::Ok);
    }
    let spec = registry.get(name)?.spec();
    let schema = match (arguments.side, spec.source_schema, spec.destination_schema) {
        (Some(Side::Source) | None, Some(schema), None) | (Some(Side::Source), Some(schema), Some(_)) => {
            schema
        }
        (Some(Side::Destination) | None, None, Some(schema))
        | (Some(Side::Destination), Some(_), Some(schema)) => schema,
        (None, Some(source), Some(destination)) => json!({"source": source, "destination": destination}),
        (Some(_), _, _) | (None, None, None) => {
            let side = if arguments.side == Some(Side::Source) { "source" } else { "destination" };
            return Err(Error::new(ErrorKind::Config, format!("{} cannot be used as a {side}.", spec.title)));
        }
    };
    screen.print_json_pretty(&schema);
    Ok(Exit::Ok)
}

/// `source.schema.json` → `source`.
fn word(file: &str) -> &str {
    file.split('.').next().unwrap_or(file)
}

fn sides(listing: &Listing) -> String {
    let sides = match (listing.source, listing.destination) {
        (true, true) => "source and destination",
        (true, false) => "source",
        _ => "destination",
    };
    match listing.maturity {
        Maturity::Stable => sides.to_owned(),
        Maturity::New => format!("{sides} (new)"),
    }
}
