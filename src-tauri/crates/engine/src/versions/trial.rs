//! What a watched version must not break.

use std::collections::BTreeMap;
use std::sync::Arc;

use syncline_protocol::{Error, ErrorKind, Result, Source, TableName};
use syncline_store::TableValues;

/// A version that is watched, and the one that the run can go back to.
#[derive(Clone)]
pub struct Trial {
    /// The connector.
    pub connector: String,
    /// The version that is tried.
    pub version: String,
    /// The last version that worked.
    pub worked: String,
    /// The source at that version.
    pub fallback: Arc<dyn Source>,
    /// What tables had in the runs that succeeded.
    pub before: Arc<BTreeMap<TableName, TableValues>>,
}

impl Trial {
    /// Refuses rows that have less than rows of this table always had, before they become durable. `end`: they are the
    /// last ones of a load of the whole table, which then has so many rows.
    ///
    /// # Errors
    /// `Mismatch`, saying what is missing.
    pub(crate) fn check(
        &self,
        table: &TableName,
        key: &[String],
        values: &TableValues,
        end: Option<u64>,
    ) -> Result<()> {
        let Some(missing) = self.missing(table, key, values, end) else { return Ok(()) };
        let Trial { connector, version, worked, .. } = self;
        Err(Error::new(
            ErrorKind::Mismatch,
            format!("Version {version} of `{connector}` {missing}, as version {worked} and those before always did."),
        )
        .with("table", table)
        .meaning("Nothing of it was written.")
        .fix(format!("Stay on version {worked}, and tell whoever made version {version}.")))
    }

    /// What is missing, in words that go on from "Version 2 …".
    pub(crate) fn missing(
        &self,
        table: &TableName,
        key: &[String],
        values: &TableValues,
        end: Option<u64>,
    ) -> Option<String> {
        let before = self.before.get(table).filter(|before| before.rows > 0)?;
        if end == Some(0) && values.rows == 0 {
            return Some(format!("gives no rows of `{table}`"));
        }
        if values.rows == 0 {
            return None;
        }
        let present = |column: &str| values.present.get(column).copied().unwrap_or(0);
        let mut always: Vec<&str> = before.always_present().collect();
        // A key is told first: without it nothing else counts.
        always.sort_by_key(|column| !key.iter().any(|name| name == column));
        for column in always {
            if key.iter().any(|name| name == column) && present(column) < values.rows {
                return Some(format!("does not give the key `{column}` of each row of `{table}`"));
            }
            if present(column) == 0 {
                return Some(format!("gives no value for `{column}` of `{table}`"));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::versions::open::Unusable;

    fn values(rows: u64, present: &[(&str, u64)]) -> TableValues {
        TableValues {
            rows,
            present: present.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        }
    }

    fn missing(now: &TableValues, end: Option<u64>) -> Option<String> {
        let table = TableName::bare("users");
        let before = values(9, &[("id", 9), ("email", 9), ("phone", 4)]);
        let trial = Trial {
            connector: "shop".to_owned(),
            version: "2".to_owned(),
            worked: "1".to_owned(),
            fallback: Arc::new(Unusable::new(&Error::internal("unused"))),
            before: Arc::new(BTreeMap::from([(table.clone(), before)])),
        };
        let others = trial.missing(&TableName::bare("new"), &[], now, end);
        assert_eq!(others, None, "nothing is known of a new table");
        trial.missing(&table, &["id".to_owned()], now, end)
    }

    #[test]
    fn what_was_always_there_must_stay() {
        let fine = |now: &[(&str, u64)]| assert_eq!(missing(&values(3, now), Some(3)), None);
        fine(&[("id", 3), ("email", 1), ("phone", 0)]);
        fine(&[("id", 3), ("email", 3), ("more", 3)]);
        let said = missing(&values(3, &[("id", 3), ("phone", 3)]), None).unwrap();
        assert!(said.contains("`email`"), "a column that is gone or empty: {said}");
        let said = missing(&values(3, &[("id", 2), ("phone", 3)]), None).unwrap();
        assert!(said.contains("key `id`"), "a single missing key counts, and is told first: {said}");
    }

    #[test]
    fn no_rows_are_only_news_after_a_whole_load() {
        assert_eq!(missing(&values(0, &[]), None), None);
        assert!(missing(&values(0, &[]), Some(0)).unwrap().contains("no rows"));
    }
}
