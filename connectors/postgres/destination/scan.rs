//! Reading back: the columns of tables as they are, counts, and rows.

use futures::StreamExt;
use syncline_protocol::{
    BatchKind, Change, ChangeBatch, ChangeSink, Column, Error, ErrorKind, LogicalType, Result, TargetName,
    TargetTable,
};

use crate::postgres::client::Connection;
use crate::postgres::codec::Codec;
use crate::postgres::ddl::{CatalogType, ident, live, logical_of, qualified, type_name};
use crate::postgres::decode::{BatchLimit, Decoder, Fed};
use crate::postgres::error::while_doing;

/// A column of a table as the catalog describes it.
#[derive(Debug, Clone)]
pub(super) struct FoundColumn {
    pub(super) column: Column,
    pub(super) catalog: CatalogType,
}

/// The columns of each table, in the order of the table; none for a table that is not there.
pub(super) async fn found_columns(
    connection: &Connection,
    tables: &[TargetName],
    default_schema: &str,
) -> Result<Vec<Option<Vec<FoundColumn>>>> {
    let schemas: Vec<_> =
        tables.iter().map(|table| table.schema.as_deref().unwrap_or(default_schema)).collect();
    let names: Vec<_> = tables.iter().map(|table| table.name.as_str()).collect();
    let rows = connection
        .query(
            "SELECT w.position, a.attname::text, b.oid,
                    CASE WHEN b.typcategory = 'A' AND b.typlen = -1 THEN b.typelem ELSE 0 END::oid,
                    CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END,
                    pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull
             FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (schema, name, position)
             JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
             JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
                  AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
             LEFT JOIN (pg_catalog.pg_attribute a
                        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
                        JOIN pg_catalog.pg_type b
                          ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END)
                    ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             ORDER BY w.position, a.attnum",
            &[&schemas, &names],
        )
        .await
        .map_err(while_doing("look at the tables of the destination"))?;
    let mut found: Vec<Option<Vec<FoundColumn>>> = vec![None; tables.len()];
    for row in rows {
        let position = usize::try_from(row.get::<_, i64>(0)).unwrap_or_default();
        let Some(table) = position.checked_sub(1).and_then(|index| found.get_mut(index)) else { continue };
        let columns = table.get_or_insert_default();
        let Some(name) = row.get::<_, Option<String>>(1) else { continue };
        let catalog = CatalogType { oid: row.get(2), item: row.get(3), modifier: row.get(4) };
        let mut column = Column::new(name, logical_of(catalog)).native(row.get::<_, String>(5));
        column.nullable = !row.get::<_, bool>(6);
        columns.push(FoundColumn { column, catalog });
    }
    Ok(found)
}

fn source(target: &TargetTable, default_schema: &str) -> String {
    let schema = target.name.schema.as_deref().unwrap_or(default_schema);
    let condition = live(target).map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
    format!("FROM {}{condition}", qualified(schema, &target.name.name))
}

fn not_found(target: &TargetTable) -> impl FnOnce(tokio_postgres::Error) -> Error + '_ {
    |error| match error.code().map(tokio_postgres::error::SqlState::code) {
        Some("42P01" | "3F000") => {
            Error::new(ErrorKind::NotFound, format!("The table {} is not in the database.", target.name))
                .caused_by(error)
        }
        _ => while_doing("read a table of the destination")(error),
    }
}

/// How many rows a reader counts.
pub(super) async fn count(
    connection: &Connection,
    target: &TargetTable,
    default_schema: &str,
) -> Result<u64> {
    let statement = format!("SELECT pg_catalog.count(*) {}", source(target, default_schema));
    let row = connection.query_one(&statement, &[]).await.map_err(not_found(target))?;
    Ok(row.get::<_, i64>(0).unsigned_abs())
}

/// Sends the rows that readers count to `sink`.
pub(super) async fn scan(
    connection: &Connection,
    target: &TargetTable,
    default_schema: &str,
    columns: &[Column],
    sink: &dyn ChangeSink,
) -> Result<()> {
    let selected: Vec<_> = columns
        .iter()
        .map(|column| {
            // As the decoder expects it, whatever somebody made of the column since. Decimals without precision, so
            // that a value that does not fit is noticed instead of rounded.
            let form = match &column.logical {
                LogicalType::Decimal { .. } => "numeric".to_owned(),
                other => type_name(other, false),
            };
            format!("{}::{form}", ident(&column.name))
        })
        .collect();
    let statement = format!(
        "COPY (SELECT {} {}) TO STDOUT (FORMAT BINARY)",
        selected.join(", "),
        source(target, default_schema)
    );
    let codecs = columns.iter().map(|column| Codec::of(&column.logical)).collect();
    let mut decoder = Decoder::new(columns, codecs, 0, BatchLimit::default());
    let stream = connection.copy_out(&statement).await.map_err(not_found(target))?;
    let mut stream = std::pin::pin!(stream);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(while_doing("read a table of the destination"))?;
        let mut input = &chunk[..];
        while decoder.feed(&mut input)? == Fed::Full {
            send(&mut decoder, sink).await?;
        }
    }
    if !decoder.is_complete() {
        return Err(Error::new(ErrorKind::ConnectionLost, "The rows of the table came only in part."));
    }
    send(&mut decoder, sink).await
}

async fn send(decoder: &mut Decoder, sink: &dyn ChangeSink) -> Result<()> {
    if let Some(rows) = decoder.take_batch()? {
        sink.send(Change::Batch(ChangeBatch { kind: BatchKind::Rows, rows })).await?;
    }
    for rejected in decoder.take_rejected() {
        sink.send(Change::Rejected(rejected)).await?;
    }
    Ok(())
}
