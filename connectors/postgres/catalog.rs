//! What the system catalog says about tables: three queries, however many tables there are.

use std::collections::HashMap;

use syncline_protocol::{
    Column, CursorCandidate, DiscoverFilter, LogicalType, Result, TableInfo, TableKind, TableName,
    TableSchema,
};
use tokio_postgres::{Client, Row};

use super::cursor::candidates;
use super::error::while_doing;
use super::types::{Reading, TypeDefinition, TypeMap, natural};

/// A table with what is needed to read it.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) oid: u32,
    pub(super) name: TableName,
    pub(super) kind: TableKind,
    pub(super) rows_estimate: Option<u64>,
    bytes_estimate: Option<u64>,
    comment: Option<String>,
    schema_usable: bool,
    readable: bool,
    pub(super) columns: Vec<TableColumn>,
    /// Names of the columns that identify a row.
    key: Vec<String>,
    /// Numbers of the columns that an index begins with.
    indexed: Vec<i16>,
}

/// A column with how it is read.
#[derive(Debug, Clone)]
pub(super) struct TableColumn {
    number: i16,
    pub(super) name: String,
    pub(super) native_type: String,
    pub(super) nullable: bool,
    /// Whether order and equality are those of a built-in type.
    pub(super) built_in: bool,
    pub(super) reading: Reading,
}

const TABLES: &str = "
WITH RECURSIVE wanted AS (
    SELECT c.oid, n.nspname, n.oid AS nspoid, c.relname, c.relkind, c.reltuples, c.relpages, c.reltoastrelid
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND c.relpersistence <> 't'
      AND (NOT c.relispartition OR $2::text[] IS NOT NULL)
      AND n.nspname !~ '^pg_(toast|temp_)'
      AND ($1 OR n.nspname NOT IN ('pg_catalog', 'information_schema'))
      AND ($2::text[] IS NULL OR EXISTS (
            SELECT FROM unnest($2::text[], $3::text[]) AS asked (namespace, name)
            WHERE asked.namespace = n.nspname AND asked.name = c.relname))
), tree AS (
    SELECT w.oid AS root, w.oid FROM wanted w WHERE w.relkind = 'p'
    UNION ALL
    SELECT t.root, i.inhrelid FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
), leaves AS (
    SELECT w.oid AS root, w.oid, w.relkind, w.reltuples, w.relpages, w.reltoastrelid
    FROM wanted w WHERE w.relkind IN ('r', 'm')
    UNION ALL
    SELECT t.root, c.oid, c.relkind, c.reltuples, c.relpages, c.reltoastrelid
    FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid WHERE c.relkind = 'r'
), sizes AS (
    -- No statistics yet (-1 since version 14, 0 pages before): the size of the file tells, the number of rows is unknown.
    SELECT l.root,
           pg_catalog.sum(CASE WHEN l.reltuples < 0 OR l.relpages = 0 THEN NULL ELSE l.reltuples END)::float8 AS rows,
           pg_catalog.bool_and(l.reltuples >= 0 AND l.relpages > 0) AS analyzed,
           pg_catalog.sum(CASE WHEN l.relpages = 0 THEN pg_catalog.pg_relation_size(l.oid)
                    ELSE (l.relpages + coalesce(x.relpages, 0))::int8
                         * pg_catalog.current_setting('block_size')::int8 END)::int8 AS bytes
    FROM leaves l LEFT JOIN pg_catalog.pg_class x ON x.oid = l.reltoastrelid
    GROUP BY l.root
), unique_keys AS (
    SELECT DISTINCT ON (i.indrelid) i.indrelid, (i.indkey::int2[])[0:i.indnkeyatts - 1] AS numbers
    FROM wanted w
    JOIN pg_catalog.pg_index i ON i.indrelid = w.oid
    WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a
                      WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                        AND NOT a.attnotnull)
    ORDER BY i.indrelid, i.indisprimary DESC, i.indnkeyatts, i.indexrelid
), indexed AS (
    SELECT i.indrelid, pg_catalog.array_agg(DISTINCT i.indkey[0]) AS numbers
    FROM wanted w JOIN pg_catalog.pg_index i ON i.indrelid = w.oid WHERE i.indisvalid
    GROUP BY i.indrelid
)
SELECT w.oid, w.nspname::text, w.relname::text, w.relkind::text,
       CASE WHEN s.analyzed OR s.bytes = 0 THEN coalesce(s.rows, 0) END, s.bytes,
       d.description,
       -- Null for what was dropped after the snapshot: reading it will tell.
       coalesce(pg_catalog.has_schema_privilege(w.nspoid, 'USAGE'), true),
       coalesce(pg_catalog.has_table_privilege(w.oid, 'SELECT')
                OR pg_catalog.has_any_column_privilege(w.oid, 'SELECT'), true),
       k.numbers, x.numbers
FROM wanted w
LEFT JOIN sizes s ON s.root = w.oid
LEFT JOIN unique_keys k ON k.indrelid = w.oid
LEFT JOIN indexed x ON x.indrelid = w.oid
LEFT JOIN pg_catalog.pg_description d
       ON d.objoid = w.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
ORDER BY w.nspname, w.relname";

/// `{validated}` is a condition that only version 18 and later need and know.
const COLUMNS: &str = "
SELECT a.attrelid, a.attnum, a.attname::text, a.atttypid, a.atttypmod,
       pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull AND c.relkind <> 'f' {validated}
FROM pg_catalog.unnest($1::oid[]) AS asked (oid)
JOIN pg_catalog.pg_attribute a ON a.attrelid = asked.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_class c ON c.oid = asked.oid
WHERE coalesce(pg_catalog.has_table_privilege(asked.oid, 'SELECT')
               OR pg_catalog.has_column_privilege(asked.oid, a.attnum, 'SELECT')
               OR NOT pg_catalog.has_any_column_privilege(asked.oid, 'SELECT'), true)
ORDER BY a.attrelid, a.attnum";

const VALIDATED: &str = "AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_constraint n
    WHERE n.conrelid = a.attrelid AND n.contype = 'n' AND a.attnum = ANY (n.conkey) AND NOT n.convalidated)";

const TYPES: &str = "
WITH RECURSIVE used (oid) AS (
    SELECT pg_catalog.unnest($1::oid[])
    UNION
    SELECT next.oid
    FROM used u
    JOIN pg_catalog.pg_type t ON t.oid = u.oid
    CROSS JOIN LATERAL (
        SELECT t.typbasetype WHERE t.typtype = 'd'
        UNION ALL
        SELECT t.typelem WHERE t.typcategory = 'A' AND t.typelem <> 0
        UNION ALL
        SELECT a.atttypid FROM pg_catalog.pg_attribute a
        WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ) next (oid)
)
SELECT t.oid, t.typtype::text, t.typbasetype, t.typtypmod, t.typelem, coalesce(e.typarray = t.oid, false),
       m.names, m.types, m.modifiers
FROM used u
JOIN pg_catalog.pg_type t ON t.oid = u.oid
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
LEFT JOIN LATERAL (
    SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attnum) AS names,
           pg_catalog.array_agg(a.atttypid ORDER BY a.attnum) AS types,
           pg_catalog.array_agg(a.atttypmod ORDER BY a.attnum) AS modifiers
    FROM pg_catalog.pg_attribute a
    WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
) m ON true";

/// The first number of what `initdb` does not create.
const FIRST_USER_OID: u32 = 16_384;

/// The tables that pass the filter, sorted by name.
///
/// # Errors
/// When the catalog cannot be read.
pub(super) async fn tables(client: &Client, version: i32, filter: &DiscoverFilter) -> Result<Vec<Table>> {
    let doing = while_doing;
    let asked = (!filter.tables.is_empty()).then(|| {
        let schemas: Vec<_> = filter
            .tables
            .iter()
            .map(|t| t.namespace.clone().unwrap_or_else(|| "public".to_owned()))
            .collect();
        let names: Vec<_> = filter.tables.iter().map(|table| table.name.clone()).collect();
        (schemas, names)
    });
    let (schemas, names) = asked.unzip();
    let system = filter.system || schemas.is_some();
    let rows = client.query(TABLES, &[&system, &schemas, &names]).await.map_err(doing("list tables"))?;
    let oids: Vec<u32> =
        rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(doing("list tables"))?;
    let statement = COLUMNS.replace("{validated}", if version >= 180_000 { VALIDATED } else { "" });
    let columns = client.query(&statement, &[&oids]).await.map_err(doing("list columns"))?;
    let types = types(client, &columns).await?;
    let mut by_table = group_columns(&columns, &types).map_err(doing("list columns"))?;
    rows.iter().map(|row| table(row, &mut by_table).map_err(doing("list tables"))).collect()
}

async fn types(client: &Client, columns: &[Row]) -> Result<TypeMap> {
    let mut used: Vec<u32> = columns
        .iter()
        .map(|row| row.try_get(3))
        .collect::<Result<_, _>>()
        .map_err(while_doing("list columns"))?;
    used.sort_unstable();
    used.dedup();
    let rows = client.query(TYPES, &[&used]).await.map_err(while_doing("list types"))?;
    let definition = |row: &Row| -> Result<(u32, TypeDefinition), tokio_postgres::Error> {
        let members: Option<Vec<String>> = row.try_get(6)?;
        let definition = match row.try_get::<_, &str>(1)? {
            "e" => TypeDefinition::Enum,
            "d" => TypeDefinition::Domain { base: row.try_get(2)?, modifier: row.try_get(3)? },
            "c" => {
                let types: Option<Vec<u32>> = row.try_get(7)?;
                let modifiers: Option<Vec<i32>> = row.try_get(8)?;
                let numbers = types.unwrap_or_default().into_iter().zip(modifiers.unwrap_or_default());
                let members = members.unwrap_or_default().into_iter().zip(numbers);
                TypeDefinition::Composite { members: members.map(|(n, (t, m))| (n, t, m)).collect() }
            }
            _ if row.try_get(5)? => TypeDefinition::Array { element: row.try_get(4)? },
            _ => TypeDefinition::Other,
        };
        Ok((row.try_get(0)?, definition))
    };
    rows.iter().map(definition).collect::<Result<_, _>>().map_err(while_doing("list types"))
}

fn group_columns(
    rows: &[Row],
    types: &TypeMap,
) -> Result<HashMap<u32, Vec<TableColumn>>, tokio_postgres::Error> {
    let mut by_table: HashMap<u32, Vec<TableColumn>> = HashMap::new();
    for row in rows {
        let (oid, modifier): (u32, i32) = (row.try_get(3)?, row.try_get(4)?);
        by_table.entry(row.try_get(0)?).or_default().push(TableColumn {
            number: row.try_get(1)?,
            name: row.try_get(2)?,
            native_type: row.try_get(5)?,
            nullable: !row.try_get::<_, bool>(6)?,
            built_in: oid < FIRST_USER_OID || matches!(types.get(&oid), Some(TypeDefinition::Enum)),
            reading: natural(oid, modifier, types),
        });
    }
    Ok(by_table)
}

fn table(row: &Row, columns: &mut HashMap<u32, Vec<TableColumn>>) -> Result<Table, tokio_postgres::Error> {
    let oid = row.try_get(0)?;
    let columns = columns.remove(&oid).unwrap_or_default();
    let numbers: Option<Vec<i16>> = row.try_get(9)?;
    let key: Option<Vec<String>> = numbers
        .unwrap_or_default()
        .iter()
        .map(|number| {
            columns.iter().find(|column| column.number == *number).map(|column| column.name.clone())
        })
        .collect();
    Ok(Table {
        oid,
        name: TableName::new(row.try_get::<_, String>(1)?, row.try_get::<_, String>(2)?),
        kind: match row.try_get(3)? {
            "v" => TableKind::View,
            "m" => TableKind::MaterializedView,
            "p" => TableKind::Partitioned,
            "f" => TableKind::Foreign,
            _ => TableKind::Table,
        },
        rows_estimate: row.try_get::<_, Option<f64>>(4)?.map(|rows| rows as u64),
        bytes_estimate: row.try_get::<_, Option<i64>>(5)?.and_then(|bytes| u64::try_from(bytes).ok()),
        comment: row.try_get(6)?,
        schema_usable: row.try_get(7)?,
        readable: row.try_get(8)?,
        columns,
        // A column of the key that may not be read leaves no key.
        key: key.unwrap_or_default(),
        indexed: row.try_get::<_, Option<Vec<i16>>>(10)?.unwrap_or_default(),
    })
}

impl Table {
    /// The column called `name`.
    pub(super) fn column(&self, name: &str) -> Option<&TableColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// As the contract describes tables.
    pub(super) fn into_info(self) -> TableInfo {
        let cursors = self.cursors();
        let unreadable = if !self.schema_usable {
            Some("This user may not look into the schema.".to_owned())
        } else if !self.readable {
            Some("This user may not read the table.".to_owned())
        } else if self.columns.is_empty() {
            Some("The table has no columns.".to_owned())
        } else {
            None
        };
        let columns = self.columns.into_iter().map(|column| Column {
            name: column.name,
            logical: column.reading.logical,
            nullable: column.nullable,
            native_type: Some(column.native_type),
        });
        TableInfo {
            schema: TableSchema { table: self.name, columns: columns.collect(), key: self.key },
            kind: self.kind,
            rows_estimate: self.rows_estimate,
            bytes_estimate: self.bytes_estimate,
            cursors,
            unreadable,
            comment: self.comment,
            elements_of: None,
        }
    }

    fn cursors(&self) -> Vec<CursorCandidate> {
        let facts = self.columns.iter().filter(|column| column.built_in).map(|column| super::cursor::Facts {
            name: &column.name,
            logical: &column.reading.logical,
            nullable: column.nullable,
            indexed: self.indexed.contains(&column.number),
            only_key: self.key == [column.name.as_str()],
        });
        candidates(facts)
    }
}

/// The logical types that order their values in time.
pub(super) fn is_time(logical: &LogicalType) -> bool {
    matches!(logical, LogicalType::Date | LogicalType::Timestamp | LogicalType::TimestampTz)
}
