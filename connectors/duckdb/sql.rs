//! Names, types and statements as DuckDB writes them.

use syncline_protocol::{
    Column, Landing, LogicalType, SchemaChange, StructField, TargetName, TargetTable, WriteMode, system,
};

/// A name in double quotes.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name as people write it: in double quotes only where it needs them.
pub(crate) fn readable(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit();
    let starts_well = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if starts_well && name.bytes().all(plain) && !RESERVED.contains(&name) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// Words that cannot be the name of a table without quotes.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "default",
    "deferrable",
    "desc",
    "describe",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lambda",
    "lateral",
    "leading",
    "limit",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "pivot",
    "pivot_longer",
    "pivot_wider",
    "placing",
    "primary",
    "qualify",
    "references",
    "returning",
    "select",
    "show",
    "some",
    "summarize",
    "symmetric",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "unpivot",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

/// Names in double quotes, with commas between, each with a prefix like `s.`.
pub(crate) fn list<'a>(prefix: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("{prefix}{}", quoted(name))).collect::<Vec<_>>().join(", ")
}

/// The type of a column.
pub(crate) fn type_name(logical: &LogicalType) -> String {
    match logical {
        LogicalType::Boolean => "BOOLEAN".to_owned(),
        LogicalType::Int16 => "SMALLINT".to_owned(),
        LogicalType::Int32 => "INTEGER".to_owned(),
        LogicalType::Int64 => "BIGINT".to_owned(),
        LogicalType::Float32 => "FLOAT".to_owned(),
        LogicalType::Float64 => "DOUBLE".to_owned(),
        LogicalType::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
        LogicalType::Numeric | LogicalType::Text => "VARCHAR".to_owned(),
        LogicalType::Bytes => "BLOB".to_owned(),
        LogicalType::Date => "DATE".to_owned(),
        LogicalType::Time => "TIME".to_owned(),
        LogicalType::Timestamp => "TIMESTAMP".to_owned(),
        LogicalType::TimestampTz => "TIMESTAMPTZ".to_owned(),
        LogicalType::Interval => "INTERVAL".to_owned(),
        LogicalType::Uuid => "UUID".to_owned(),
        LogicalType::Json => "JSON".to_owned(),
        LogicalType::List(item) => format!("{}[]", type_name(item)),
        LogicalType::Struct(fields) => {
            let members: Vec<_> = fields
                .iter()
                .map(|field| format!("{} {}", quoted(&field.name), type_name(&field.logical)))
                .collect();
            format!("STRUCT({})", members.join(", "))
        }
    }
}

/// As which type a logical type lands.
pub(crate) fn landing(logical: &LogicalType) -> Landing {
    match logical {
        LogicalType::Numeric => Landing::converted(
            LogicalType::Text,
            "lands as exact decimal text: DuckDB's decimals end at 38 digits",
        ),
        LogicalType::Interval => Landing {
            logical: LogicalType::Interval,
            note: Some("kept to the microsecond; nanoseconds are cut off".to_owned()),
        },
        LogicalType::List(item) => {
            let item = landing(item);
            Landing { logical: LogicalType::List(Box::new(item.logical)), note: item.note }
        }
        LogicalType::Struct(fields) if !has_struct(fields) => Landing::converted(
            LogicalType::Json,
            "lands as JSON: DuckDB has no struct without members, or with two of the same name",
        ),
        LogicalType::Struct(fields) => {
            let mut note = None;
            let fields = fields
                .iter()
                .map(|field| {
                    let member = landing(&field.logical);
                    note = note.take().or(member.note);
                    StructField { name: field.name.clone(), logical: member.logical }
                })
                .collect();
            Landing { logical: LogicalType::Struct(fields), note }
        }
        other => Landing::same(other),
    }
}

/// Whether DuckDB has a struct with these members: at least one, and all of different names, whatever their case.
fn has_struct(fields: &[StructField]) -> bool {
    let names: std::collections::HashSet<_> = fields.iter().map(|field| field.name.to_lowercase()).collect();
    !fields.is_empty() && names.len() == fields.len() && !names.contains("")
}

/// The logical type of a type name, as `duckdb_columns()` writes it. Foreign types that have no counterpart are text.
pub(crate) fn logical_type(name: &str) -> LogicalType {
    let name = name.trim();
    if let Some(item) = name.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        // `T[]` and the fixed `T[3]`
        if item.1.chars().all(|c| c.is_ascii_digit()) {
            return LogicalType::List(Box::new(logical_type(item.0)));
        }
    }
    if let Some(members) = name.strip_prefix("STRUCT(").and_then(|rest| rest.strip_suffix(')')) {
        return struct_type(members).map_or(LogicalType::Text, LogicalType::Struct);
    }
    if let Some(digits) = name.strip_prefix("DECIMAL(").and_then(|rest| rest.strip_suffix(')')) {
        let digits = digits.split_once(',').and_then(|(precision, scale)| {
            Some((precision.trim().parse().ok()?, scale.trim().parse().ok()?))
        });
        return digits
            .map_or(LogicalType::Numeric, |(precision, scale)| LogicalType::Decimal { precision, scale });
    }
    match name {
        "BOOLEAN" => LogicalType::Boolean,
        "TINYINT" | "UTINYINT" | "SMALLINT" => LogicalType::Int16,
        "USMALLINT" | "INTEGER" => LogicalType::Int32,
        "UINTEGER" | "BIGINT" => LogicalType::Int64,
        "UBIGINT" => LogicalType::Decimal { precision: 20, scale: 0 },
        "HUGEINT" | "UHUGEINT" => LogicalType::Numeric,
        "FLOAT" => LogicalType::Float32,
        "DOUBLE" => LogicalType::Float64,
        "BLOB" => LogicalType::Bytes,
        "DATE" => LogicalType::Date,
        "TIME" => LogicalType::Time,
        "TIMESTAMP" | "TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS" => LogicalType::Timestamp,
        "TIMESTAMP WITH TIME ZONE" | "TIMESTAMPTZ" => LogicalType::TimestampTz,
        "INTERVAL" => LogicalType::Interval,
        "UUID" => LogicalType::Uuid,
        "JSON" => LogicalType::Json,
        _ => LogicalType::Text,
    }
}

/// Members of `"a" INTEGER, b DECIMAL(4,1)`: split at commas outside of brackets and quotes.
fn struct_type(members: &str) -> Option<Vec<StructField>> {
    let (mut fields, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0i32, false);
    let ends = members.char_indices().chain([(members.len(), ',')]);
    for (at, character) in ends {
        match character {
            '"' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                fields.push(struct_field(members.get(start..at)?.trim())?);
                start = at + 1;
            }
            _ => {}
        }
    }
    Some(fields)
}

fn struct_field(member: &str) -> Option<StructField> {
    let (name, rest) = if let Some(rest) = member.strip_prefix('"') {
        // Doubled quotes belong to the name.
        let mut end = 0;
        loop {
            end += rest.get(end..)?.find('"')?;
            match rest.get(end + 1..)?.starts_with('"') {
                true => end += 2,
                false => break,
            }
        }
        (rest.get(..end)?.replace("\"\"", "\""), rest.get(end + 1..)?)
    } else {
        let (name, rest) = member.split_once(' ')?;
        (name.to_owned(), rest)
    };
    Some(StructField { name, logical: logical_type(rest) })
}

/// A table by its full name. `default` is the schema for tables that name none.
pub(crate) fn table(name: &TargetName, default: &str) -> String {
    format!("{}.{}", quoted(schema_of(name, default)), quoted(&name.name))
}

/// The schema of a table.
pub(crate) fn schema_of<'a>(name: &'a TargetName, default: &'a str) -> &'a str {
    name.schema.as_deref().unwrap_or(default)
}

/// The copy that is built beside a table.
pub(crate) fn beside(name: &TargetName) -> TargetName {
    TargetName { schema: name.schema.clone(), name: format!("{}{}", system::BESIDE_PREFIX, name.name) }
}

/// `CREATE TABLE` for all columns of a table, under a name of its own.
pub(crate) fn create_table(target: &TargetTable, name: &TargetName, default: &str) -> String {
    let columns: Vec<_> = target
        .all_columns()
        .iter()
        .map(|column| format!("{} {}", quoted(&column.name), type_name(&column.logical)))
        .collect();
    format!("CREATE TABLE IF NOT EXISTS {} ({})", table(name, default), columns.join(", "))
}

/// The statements of a schema change.
pub(crate) fn ddl(change: &SchemaChange, default: &str) -> Vec<String> {
    match change {
        SchemaChange::CreateTable { table } => vec![
            format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(schema_of(&table.name, default))),
            create_table(table, &table.name, default),
        ],
        SchemaChange::AddColumn { table: name, column } => vec![format!(
            "ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} {}",
            table(name, default),
            quoted(&column.name),
            type_name(&column.logical)
        )],
        SchemaChange::WidenColumn { table: name, column, from } => vec![format!(
            "ALTER TABLE {} ALTER COLUMN {} SET DATA TYPE {}{}",
            table(name, default),
            quoted(&column.name),
            type_name(&column.logical),
            widening(&quoted(&column.name), from, &column.logical)
        )],
        SchemaChange::DropTable { table: name } => {
            vec![format!("DROP TABLE IF EXISTS {}", table(name, default))]
        }
    }
}

/// How existing values become values of the wider type, where a plain cast would not keep what they say.
fn widening(column: &str, from: &LogicalType, to: &LogicalType) -> String {
    let to_text = matches!(to, LogicalType::Text | LogicalType::Numeric);
    match from {
        LogicalType::Float32 | LogicalType::Float64 if to_text => format!(
            " USING CASE WHEN isnan({column}) THEN 'NaN' WHEN isinf({column}) THEN if({column} > 0, 'Infinity', \
             '-Infinity') ELSE {column}::VARCHAR END"
        ),
        from if from.is_nested() && (to_text || *to == LogicalType::Json) => {
            format!(" USING to_json({column})::{}", type_name(to))
        }
        _ => String::new(),
    }
}

/// The system tables. They have no primary keys: DuckDB checks those eagerly, also against rows that the same
/// transaction has deleted. Uniqueness is kept by the ledger, under which all their writes happen.
pub(crate) fn system_tables(default: &str) -> [String; 3] {
    let (schema, checkpoints, quarantine) =
        (quoted(default), quoted(system::CHECKPOINTS), quoted(system::QUARANTINE));
    [
        format!("CREATE SCHEMA IF NOT EXISTS {schema}"),
        format!(
            "CREATE TABLE IF NOT EXISTS {schema}.{checkpoints} (connection VARCHAR, \"table\" VARCHAR, fence UBIGINT, \
             ordinal UBIGINT, position VARCHAR, committed_at TIMESTAMPTZ, rows UBIGINT, bytes UBIGINT, checksum UBIGINT)"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {schema}.{quarantine} (id VARCHAR, connection VARCHAR, \"table\" VARCHAR, \
             run VARCHAR, \"at\" TIMESTAMPTZ, \"column\" VARCHAR, reason VARCHAR, \"row\" VARCHAR)"
        ),
    ]
}

/// The condition under which a row counts for readers.
pub(crate) fn visible(mode: WriteMode) -> String {
    match mode {
        WriteMode::Merge { deletes: syncline_protocol::Deletes::Soft } => {
            format!("{} IS NOT TRUE", quoted(system::DELETED))
        }
        WriteMode::History => format!("{} IS TRUE", quoted(system::CURRENT)),
        _ => "true".to_owned(),
    }
}

/// A column with another name and type, read back as text `YYYY-MM-DDTHH:MM:SS.ffffffZ`, whatever the time zone of
/// the session.
pub(crate) fn rfc3339(column: &str) -> String {
    format!("strftime(make_timestamp(epoch_us({column})), '%Y-%m-%dT%H:%M:%S.%fZ')")
}

/// The columns of a table, as `duckdb_columns()` tells them.
pub(crate) const COLUMNS: &str = "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = \
    current_database() AND lower(schema_name) = lower(?) AND lower(table_name) = lower(?) ORDER BY column_index";

/// A column of an existing table.
pub(crate) fn column(name: String, data_type: String) -> Column {
    Column::new(name, logical_type(&data_type)).native(data_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_come_back_from_their_names() {
        let point = LogicalType::Struct(vec![
            StructField {
                name: "a, \"b\" (c)".to_owned(),
                logical: LogicalType::Decimal { precision: 4, scale: 1 },
            },
            StructField { name: "list".to_owned(), logical: LogicalType::List(Box::new(LogicalType::Text)) },
        ]);
        for logical in [
            LogicalType::Boolean,
            LogicalType::TimestampTz,
            LogicalType::Json,
            LogicalType::Decimal { precision: 38, scale: 10 },
            LogicalType::List(Box::new(LogicalType::List(Box::new(point.clone())))),
            point,
        ] {
            assert_eq!(logical_type(&type_name(&logical)), logical);
        }
        assert_eq!(
            logical_type("STRUCT(a INTEGER, b STRUCT(c DATE)[3])").to_string(),
            r#"struct<"a":int32,"b":list<struct<"c":date>>>"#
        );
        for foreign in ["ENUM('a', 'b')", "MAP(VARCHAR, INTEGER)", "STRUCT(", "STRUCT(\"", "]", "DECIMAL(x)"]
        {
            let _ = logical_type(foreign); // never panics
        }
    }

    #[test]
    fn structs_that_duckdb_lacks_land_as_json() {
        let field = |name: &str| StructField { name: name.to_owned(), logical: LogicalType::Numeric };
        assert_eq!(landing(&LogicalType::Struct(vec![])).logical, LogicalType::Json);
        assert_eq!(landing(&LogicalType::Struct(vec![field("a"), field("A")])).logical, LogicalType::Json);
        let landed = landing(&LogicalType::List(Box::new(LogicalType::Struct(vec![field("a")]))));
        assert_eq!(landed.logical.to_string(), r#"list<struct<"a":text>>"#);
        assert!(landed.note.is_some());
    }
}
