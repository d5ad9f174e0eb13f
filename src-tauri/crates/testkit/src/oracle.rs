//! Tables compared by somebody who has nothing to do with Syncline: the database itself, as text.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use tokio_postgres::{Client, SimpleQueryMessage};

/// The rows of a query as the server writes them: one line a row, values separated by `|`, null as `␀`; sorted.
///
/// # Errors
/// When the query fails.
pub async fn postgres_rows(client: &Client, query: &str) -> Result<Vec<String>> {
    let messages = client.simple_query(query).await.with_context(|| query.to_owned())?;
    let mut rows: Vec<String> = messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let values: Vec<&str> = (0..row.len()).map(|column| row.get(column).unwrap_or("␀")).collect();
                Some(values.join("|"))
            }
            _ => None,
        })
        .collect();
    rows.sort_unstable();
    Ok(rows)
}

/// How two tables differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Keys that are only in the source.
    pub lost: Vec<String>,
    /// Keys that are more often in the destination than in the source.
    pub doubled: Vec<String>,
    /// Keys that are only in the destination.
    pub foreign: Vec<String>,
    /// Keys whose rows have other values.
    pub different: Vec<String>,
}

impl Difference {
    /// Compares rows as lines, whose part before the first `|` is the key.
    pub fn between(source: &[String], destination: &[String]) -> Difference {
        let (source, destination) = (by_key(source), by_key(destination));
        let mut difference = Difference::default();
        for (key, rows) in &source {
            match destination.get(key) {
                None => difference.lost.push((*key).to_owned()),
                Some(found) if found.len() > rows.len() => difference.doubled.push((*key).to_owned()),
                Some(found) if found.len() < rows.len() => difference.lost.push((*key).to_owned()),
                Some(found) if found != rows => difference.different.push((*key).to_owned()),
                Some(_) => {}
            }
        }
        let foreign = destination.keys().filter(|key| !source.contains_key(*key));
        difference.foreign = foreign.map(|key| (*key).to_owned()).collect();
        difference
    }

    /// Whether both are the same.
    pub fn is_none(&self) -> bool {
        *self == Difference::default()
    }
}

fn by_key(rows: &[String]) -> BTreeMap<&str, Vec<&str>> {
    let mut keys: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        let (key, values) = row.split_once('|').unwrap_or((row, ""));
        keys.entry(key).or_default().push(values);
    }
    keys.values_mut().for_each(|values| values.sort_unstable());
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_difference_shows() {
        let rows = |rows: &[&str]| rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>();
        let source = rows(&["1|a", "2|b", "3|c", "4|d"]);
        assert!(Difference::between(&source, &source).is_none());
        let difference = Difference::between(&source, &rows(&["1|a", "2|b", "2|b", "3|x", "9|z"]));
        let one = |key: &str| vec![key.to_owned()];
        let expected =
            Difference { lost: one("4"), doubled: one("2"), foreign: one("9"), different: one("3") };
        assert_eq!(difference, expected);
    }
}
