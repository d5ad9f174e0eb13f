use std::sync::Arc;

use syncline_protocol::schema::TableInfo;
use syncline_protocol::{Column, DiscoverFilter, Result};
use syncline_store::CachedCatalog;
use syncline_store::config::Mode;

use crate::api::Api;
use crate::inbox;
use crate::personal;
use crate::requests::CacheTag;
use crate::select;
use crate::types::{
    DiscoverRequest, FoundColumn, FoundCursor, FoundTable, MatchingTable, SuggestedSync, SyncMode,
    TableSearchRequest, TableSearchResult,
};

impl Api {
    pub(crate) async fn discover(&self, request: DiscoverRequest) -> Result<Vec<FoundTable>> {
        let (known, incremental) = self.catalog(&request.source, request.refresh).await?;
        self.blocking(move |_| Ok(known.catalog.tables.iter().map(|info| found(info, incremental)).collect()))
            .await
    }

    pub(crate) async fn search_tables(&self, request: TableSearchRequest) -> Result<TableSearchResult> {
        let (known, incremental) = self.catalog(&request.source, false).await?;
        self.blocking(move |_| Ok(search(&known, incremental, &request))).await
    }

    /// What a source holds: as it is known, or asked now. And whether it can be read incrementally.
    async fn catalog(&self, name: &str, refresh: bool) -> Result<(Arc<CachedCatalog>, bool)> {
        let wanted = name.to_owned();
        let (source, known) =
            self.blocking(move |open| Ok((open.source(&wanted)?, open.state.catalog(&wanted)?))).await?;
        let incremental = source.capabilities().incremental;
        if let Some(known) = known.filter(|_| !refresh) {
            return Ok((Arc::new(known), incremental));
        }
        let catalog = source.discover(&DiscoverFilter::default()).await?;
        let name = name.to_owned();
        let known = self
            .blocking(move |open| {
                let now = CachedCatalog { discovered_at: open.now(), catalog };
                if let Some(before) = open.state.catalog(&name)? {
                    inbox::after_discovery(open, &name, &before.catalog, &now.catalog)?;
                }
                open.state.save_catalog(&name, now.discovered_at, &now.catalog)?;
                Ok(now)
            })
            .await?;
        self.events().changed(&[CacheTag::Inbox]);
        Ok((Arc::new(known), incremental))
    }
}

fn found(info: &TableInfo, incremental: bool) -> FoundTable {
    let suggested = select::table(info, None::<Mode>, incremental);
    let merges = suggested.cursor.is_some() || !info.schema.key.is_empty();
    FoundTable {
        table: info.schema.table.clone(),
        kind: info.kind,
        rows_estimate: info.rows_estimate,
        bytes_estimate: info.bytes_estimate,
        columns: info.schema.columns.iter().map(|column| found_column(info, column)).collect(),
        key: info.schema.key.clone(),
        cursors: info
            .cursors
            .iter()
            .map(|cursor| FoundCursor { column: cursor.column.clone(), reason: cursor.reason.clone() })
            .collect(),
        suggested: SuggestedSync {
            mode: if merges { SyncMode::Merge } else { SyncMode::Replace },
            cursor: suggested.cursor,
        },
        unreadable: info.unreadable.clone(),
        comment: info.comment.clone(),
    }
}

fn found_column(info: &TableInfo, column: &Column) -> FoundColumn {
    FoundColumn {
        name: column.name.clone(),
        type_name: type_name(column),
        nullable: column.nullable,
        personal: personal::guess(column).filter(|_| !info.schema.key.contains(&column.name)),
    }
}

fn type_name(column: &Column) -> String {
    column.native_type.clone().unwrap_or_else(|| column.logical.to_string())
}

/// One word of a query.
enum Word {
    Name(String),
    Type(String),
    WithoutKey,
    Personal,
}

fn words(query: &str) -> Vec<Word> {
    let parsed = |word: &str| match word.to_lowercase() {
        word if word == "key:none" => Word::WithoutKey,
        word if word == "personal" || word == "pii" => Word::Personal,
        word => match word.strip_prefix("type:") {
            Some(name) => Word::Type(name.to_owned()),
            None => Word::Name(word),
        },
    };
    query.split_whitespace().map(parsed).collect()
}

impl Word {
    fn holds_for(&self, info: &TableInfo, column: &Column) -> bool {
        match self {
            Word::Name(name) => column.name.to_lowercase().contains(name),
            Word::Type(name) => {
                column.logical.to_string().contains(name) || type_name(column).to_lowercase().contains(name)
            }
            Word::Personal => !info.schema.key.contains(&column.name) && personal::guess(column).is_some(),
            Word::WithoutKey => false,
        }
    }
}

/// The columns that match when the table does: every word must hold for its name, or for one of its columns.
fn matching(info: &TableInfo, words: &[Word]) -> Option<Vec<String>> {
    let name = info.schema.table.to_string().to_lowercase();
    let mut columns: Vec<String> = Vec::new();
    for word in words {
        let before = columns.len();
        let mut any = false;
        for column in info.schema.columns.iter().filter(|column| word.holds_for(info, column)) {
            any = true;
            if !columns[..before].contains(&column.name) {
                columns.push(column.name.clone());
            }
        }
        let of_table = match word {
            Word::Name(text) => name.contains(text),
            Word::WithoutKey => info.schema.key.is_empty(),
            Word::Type(_) | Word::Personal => false,
        };
        if !any && !of_table {
            return None;
        }
    }
    Some(columns)
}

fn search(known: &CachedCatalog, incremental: bool, request: &TableSearchRequest) -> TableSearchResult {
    let words = words(&request.query);
    let mut result = TableSearchResult {
        tables: Vec::new(),
        matching_tables: 0,
        matching_columns: 0,
        total: known.catalog.tables.len(),
        discovered_at: known.discovered_at.to_string(),
    };
    for info in &known.catalog.tables {
        let Some(columns) = matching(info, &words) else { continue };
        result.matching_columns += columns.len();
        let at = result.matching_tables;
        result.matching_tables += 1;
        if at >= request.offset && result.tables.len() < request.limit {
            result.tables.push(MatchingTable { table: found(info, incremental), columns });
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use syncline_protocol::{Catalog, LogicalType, TableKind, TableName, TableSchema};

    fn info(name: &str, columns: &[(&str, LogicalType)], key: &[&str]) -> TableInfo {
        TableInfo {
            schema: TableSchema {
                table: TableName::new("public", name),
                columns: columns.iter().map(|(name, logical)| Column::new(*name, logical.clone())).collect(),
                key: key.iter().map(|name| (*name).to_owned()).collect(),
            },
            kind: TableKind::Table,
            rows_estimate: None,
            bytes_estimate: None,
            cursors: Vec::new(),
            unreadable: None,
            comment: None,
            elements_of: None,
        }
    }

    fn known() -> CachedCatalog {
        let tables = vec![
            info("customers", &[("id", LogicalType::Int64), ("email", LogicalType::Text)], &["id"]),
            info("orders", &[("id", LogicalType::Int64), ("customer_id", LogicalType::Int64)], &["id"]),
            info("payloads", &[("body", LogicalType::Json)], &[]),
        ];
        CachedCatalog { discovered_at: Timestamp::UNIX_EPOCH, catalog: Catalog { tables } }
    }

    fn names(query: &str) -> (Vec<String>, usize) {
        let request =
            TableSearchRequest { source: String::new(), query: query.to_owned(), offset: 0, limit: 10 };
        let found = search(&known(), true, &request);
        assert_eq!(found.total, 3);
        let tables = found.tables.iter().map(|found| found.table.table.name.clone()).collect();
        (tables, found.matching_columns)
    }

    #[test]
    fn tables_are_found_by_their_columns_too() {
        assert_eq!(names(""), (vec!["customers".into(), "orders".into(), "payloads".into()], 0));
        assert_eq!(names("CUSTOMER"), (vec!["customers".into(), "orders".into()], 1));
        assert_eq!(names("customer order").0, ["orders"]);
        assert_eq!(names("type:json"), (vec!["payloads".into()], 1));
        assert_eq!(names("key:none").0, ["payloads"]);
        assert_eq!(names("personal"), (vec!["customers".into()], 1));
        assert!(names("nothing").0.is_empty());
    }

    #[test]
    fn twenty_thousand_tables_are_searched_between_two_key_strokes() {
        let columns: Vec<_> = (0..12).map(|at| (format!("column_{at}"), LogicalType::Text)).collect();
        let columns: Vec<_> =
            columns.iter().map(|(name, logical)| (name.as_str(), logical.clone())).collect();
        let tables = (0..20_000).map(|at| info(&format!("table_{at}"), &columns, &["column_0"])).collect();
        let known = CachedCatalog { discovered_at: Timestamp::UNIX_EPOCH, catalog: Catalog { tables } };
        let request = TableSearchRequest {
            source: String::new(),
            query: "column_11 table_1999".to_owned(),
            offset: 2,
            limit: 3,
        };
        let found = search(&known, true, &request);
        // table_1999 and table_19990 … table_19999
        assert_eq!((found.matching_tables, found.tables.len(), found.matching_columns), (11, 3, 11));
        assert_eq!(found.tables[0].table.table.name, "table_19991");
    }
}
