//! Names, types and statements that shape tables: pure text, so that a plan can show what a run will do.

use syncline_protocol::{
    Column, Deletes, Landing, LogicalType, SchemaChange, TargetName, TargetTable, WriteMode, system,
};
use xxhash_rust::xxh3::xxh3_64;

/// The longest name in a default build of PostgreSQL (`NAMEDATALEN` - 1), in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 63;

/// A name as an identifier. Always in double quotes: then case, reserved words and odd characters need no rules.
pub(crate) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as a literal, whatever `standard_conforming_strings` says.
pub(crate) fn literal(text: &str) -> String {
    if text.contains('\\') {
        format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// A table with its schema, as SQL.
pub(crate) fn qualified(schema: &str, table: &str) -> String {
    format!("{}.{}", ident(schema), ident(table))
}

/// Names as a list for SQL, each with `prefix` (`"t."`, or empty) in front.
pub(crate) fn idents<'a>(names: impl IntoIterator<Item = &'a str>, prefix: &str) -> String {
    names.into_iter().map(|name| format!("{prefix}{}", ident(name))).collect::<Vec<_>>().join(", ")
}

/// The name of the copy that is built beside a table. A name that would become too long is cut and gets a hash of the
/// whole, so that two long names stay apart.
pub(crate) fn beside_name(table: &str) -> String {
    let name = format!("{}{table}", system::BESIDE_PREFIX);
    if name.len() <= NAME_BYTES_MAX {
        return name;
    }
    let hash = format!("_{:016x}", xxh3_64(table.as_bytes()));
    let mut end = NAME_BYTES_MAX - hash.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{hash}", &name[..end])
}

/// The copy that is built beside a table.
pub(crate) fn beside(table: &TargetName) -> TargetName {
    TargetName { schema: table.schema.clone(), name: beside_name(&table.name) }
}

/// As which type a logical type lands.
pub(crate) fn landing(logical: &LogicalType) -> Landing {
    match logical {
        LogicalType::Struct(_) => Landing::converted(LogicalType::Json, "Lands as JSON."),
        LogicalType::List(item) if item.is_nested() => {
            Landing::converted(LogicalType::Json, "Lists of lists or of structures land as JSON.")
        }
        LogicalType::Interval => {
            Landing::converted(LogicalType::Interval, "Parts below a microsecond are cut off.")
        }
        other => Landing::same(other),
    }
}

/// Whether the JSON of a column lands as `jsonb`: only where it is that in the source too. `jsonb` orders keys, drops
/// doubled ones and refuses `\\u0000`; `json` keeps the text as it came, whatever the source.
pub(crate) fn is_jsonb(column: &Column) -> bool {
    matches!(column.native_type.as_deref(), Some("jsonb" | "jsonb[]"))
}

/// Whether values of a column have no equality, so that only their text can be compared: JSON that is not `jsonb`.
pub(crate) fn is_compared_as_text(column: &Column) -> bool {
    let json = match &column.logical {
        LogicalType::List(item) => **item == LogicalType::Json,
        scalar => *scalar == LogicalType::Json,
    };
    json && !is_jsonb(column)
}

/// The type of a column in SQL.
pub(crate) fn sql_type(column: &Column) -> String {
    type_name(&column.logical, is_jsonb(column))
}

/// The name of the type that a logical type lands as; JSON as `jsonb` or as `json`.
pub(crate) fn type_name(logical: &LogicalType, jsonb: bool) -> String {
    let name = match logical {
        LogicalType::Boolean => "boolean",
        LogicalType::Int16 => "smallint",
        LogicalType::Int32 => "integer",
        LogicalType::Int64 => "bigint",
        LogicalType::Float32 => "real",
        LogicalType::Float64 => "double precision",
        LogicalType::Decimal { precision, scale } => return format!("numeric({precision},{scale})"),
        LogicalType::Numeric => "numeric",
        LogicalType::Text => "text",
        LogicalType::Bytes => "bytea",
        LogicalType::Date => "date",
        LogicalType::Time => "time",
        LogicalType::Timestamp => "timestamp",
        LogicalType::TimestampTz => "timestamptz",
        LogicalType::Interval => "interval",
        LogicalType::Uuid => "uuid",
        LogicalType::List(item) if !item.is_nested() => return format!("{}[]", type_name(item, jsonb)),
        LogicalType::Json | LogicalType::Struct(_) | LogicalType::List(_) if jsonb => "jsonb",
        LogicalType::Json | LogicalType::Struct(_) | LogicalType::List(_) => "json",
    };
    name.to_owned()
}

/// A column as it stands in a statement.
pub(crate) fn column_text(column: &Column) -> String {
    format!("{} {}", ident(&column.name), sql_type(column))
}

/// The statements that a schema change means. `default_schema` is where tables without a schema lie.
pub(crate) fn statements(change: &SchemaChange, default_schema: &str) -> Vec<String> {
    let schema = change.table().schema.as_deref().unwrap_or(default_schema);
    let name = qualified(schema, &change.table().name);
    match change {
        SchemaChange::CreateTable { table } => {
            vec![format!("CREATE SCHEMA IF NOT EXISTS {}", ident(schema)), create_table(&name, table)]
        }
        SchemaChange::AddColumn { column, .. } => vec![format!(
            "ALTER TABLE {name} ADD COLUMN IF NOT EXISTS {} {}",
            ident(&column.name),
            sql_type(column)
        )],
        SchemaChange::WidenColumn { column, from, .. } => {
            let quoted = ident(&column.name);
            let new = sql_type(column);
            let old = match (from, &column.logical) {
                // Arrays and scalars alike; a cast from text would read them as JSON text.
                (_, LogicalType::Json) if new == "jsonb" => format!("pg_catalog.to_jsonb({quoted})"),
                (_, LogicalType::Json) => format!("pg_catalog.to_json({quoted})"),
                _ => format!("{quoted}::{new}"),
            };
            vec![format!("ALTER TABLE {name} ALTER COLUMN {quoted} TYPE {new} USING {old}")]
        }
        SchemaChange::DropTable { .. } => vec![format!("DROP TABLE IF EXISTS {name}")],
    }
}

/// The statement that creates a table (or its copy beside) with the columns of `table`.
pub(crate) fn create_table(name: &str, table: &TargetTable) -> String {
    let keyed = is_keyed(table);
    let columns: Vec<_> = table
        .all_columns()
        .iter()
        .map(|column| {
            let rule = match column.name.as_str() {
                // Only what identifies a row is certain to stay without nulls when the source changes.
                key if keyed && table.key.iter().any(|name| name == key) => " NOT NULL",
                system::DELETED => " NOT NULL DEFAULT false",
                system::CURRENT => " NOT NULL DEFAULT true",
                system::VALID_FROM => " NOT NULL",
                _ => "",
            };
            format!("  {} {}{rule}", ident(&column.name), sql_type(column))
        })
        .collect();
    format!("CREATE TABLE IF NOT EXISTS {name} (\n{}\n)", columns.join(",\n"))
}

/// Whether a loader keeps one row per key in a table of this mode.
pub(crate) fn is_keyed(table: &TargetTable) -> bool {
    !table.key.is_empty() && table.mode != WriteMode::Append
}

/// The condition that leaves the rows readers count: those that are neither deleted nor superseded.
pub(crate) fn live(table: &TargetTable) -> Option<String> {
    match table.mode {
        WriteMode::Merge { deletes: Deletes::Soft } => {
            Some(format!("{} IS NOT TRUE", ident(system::DELETED)))
        }
        WriteMode::History => Some(format!("{} IS TRUE", ident(system::CURRENT))),
        _ => None,
    }
}

/// A type of the catalog, as `inspect` asks for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CatalogType {
    /// The type, or what a domain stands for.
    pub(crate) oid: u32,
    /// The type of the items of an array; zero otherwise.
    pub(crate) item: u32,
    /// Precision and scale of `numeric`; -1 when there are none.
    pub(crate) modifier: i32,
}

/// The logical type that lands as this type; text for a type that Syncline never makes.
pub(crate) fn logical_of(found: CatalogType) -> LogicalType {
    if found.item != 0 {
        let item = CatalogType { oid: found.item, item: 0, ..found };
        return LogicalType::List(Box::new(logical_of(item)));
    }
    match found.oid {
        16 => LogicalType::Boolean,
        21 => LogicalType::Int16,
        23 => LogicalType::Int32,
        20 => LogicalType::Int64,
        700 => LogicalType::Float32,
        701 => LogicalType::Float64,
        1700 => numeric(found.modifier),
        17 => LogicalType::Bytes,
        1082 => LogicalType::Date,
        1083 => LogicalType::Time,
        1114 => LogicalType::Timestamp,
        1184 => LogicalType::TimestampTz,
        1186 => LogicalType::Interval,
        2950 => LogicalType::Uuid,
        114 | 3802 => LogicalType::Json,
        _ => LogicalType::Text,
    }
}

/// The modifier of `numeric(p,s)` holds both, plus four; the scale is a signed number of 11 bits
/// (`numeric_typmod_scale` in `numeric.c`).
fn numeric(modifier: i32) -> LogicalType {
    if modifier < 4 {
        return LogicalType::Numeric;
    }
    let (precision, scale) = ((modifier - 4) >> 16, (((modifier - 4) & 0x7ff) ^ 1024) - 1024);
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision => {
            LogicalType::Decimal { precision, scale }
        }
        _ => LogicalType::Numeric,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_protocol::StructField;

    #[test]
    fn names_are_quoted_and_texts_escaped() {
        assert_eq!(qualified("a\"b", "Order"), "\"a\"\"b\".\"Order\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal(r"a\b'"), r"E'a\\b'''");
    }

    #[test]
    fn long_names_beside_stay_apart_and_fit() {
        let long = "é".repeat(31);
        let names = [beside_name(&format!("{long}a")), beside_name(&format!("{long}b"))];
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.len() <= NAME_BYTES_MAX), "{names:?}");
        assert_eq!(beside_name("orders"), "_syncline_new_orders");
    }

    #[test]
    fn statements_say_what_apply_runs() {
        let table = TargetTable {
            name: TargetName { schema: None, name: "Order".into() },
            columns: vec![
                Column::new("id", LogicalType::Int64),
                Column::new("tags", LogicalType::List(Box::new(LogicalType::Text))),
                Column::new("raw", LogicalType::Json).native("json"),
                Column::new("document", LogicalType::Json).native("jsonb"),
            ],
            key: vec!["id".into()],
            mode: WriteMode::Merge { deletes: Deletes::Soft },
        };
        assert_eq!(
            statements(&SchemaChange::CreateTable { table }, "shop"),
            [
                "CREATE SCHEMA IF NOT EXISTS \"shop\"",
                "CREATE TABLE IF NOT EXISTS \"shop\".\"Order\" (\n  \"id\" bigint NOT NULL,\n  \
                 \"tags\" text[],\n  \"raw\" json,\n  \"document\" jsonb,\n  \"_syncline_deleted\" boolean NOT NULL DEFAULT false\n)"
            ]
        );
    }

    #[test]
    fn nested_values_land_as_json() {
        let list = |item| LogicalType::List(Box::new(item));
        let record = LogicalType::Struct(vec![StructField { name: "a".into(), logical: LogicalType::Int32 }]);
        assert_eq!(landing(&list(LogicalType::Uuid)).logical, list(LogicalType::Uuid));
        for nested in [list(list(LogicalType::Int32)), list(record.clone()), record] {
            let landing = landing(&nested);
            assert_eq!(landing.logical, LogicalType::Json);
            assert!(landing.note.is_some());
        }
    }

    #[test]
    fn numeric_modifiers_are_read() {
        let modifier = |precision: i32, scale: i32| ((precision << 16) | (scale & 0x7ff)) + 4;
        assert_eq!(numeric(modifier(38, 10)), LogicalType::Decimal { precision: 38, scale: 10 });
        assert_eq!(numeric(modifier(5, -2)), LogicalType::Numeric);
        assert_eq!(numeric(modifier(3, 5)), LogicalType::Numeric);
        assert_eq!(numeric(-1), LogicalType::Numeric);
    }
}
