//! A new version of a source's connector does worse than the one before.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use syncline_engine::{Origin, Outcome, SourceVersion, Trial};
use syncline_protocol::{ErrorKind, TableName};
use syncline_store::TableValues;

use crate::memory::{Fixture, MemorySource};

const ROWS: i64 = 25;

/// A connection that has loaded a table, and whose source is on a new version now; that one has its rows from `change`.
async fn upgraded(change: impl FnOnce(&MemorySource)) -> (Fixture, MemorySource) {
    let mut fixture = Fixture::new(json!([{"name": "a", "mode": "merge"}]));
    fixture.source.add("a", ROWS);
    fixture.run().await;
    let rows = ROWS.unsigned_abs();
    let present = ["id", "updated", "Name"].map(|name| (name.to_owned(), rows));
    let before = TableValues { rows, present: BTreeMap::from(present) };
    let new = MemorySource::default();
    new.add("a", ROWS);
    change(&new);
    fixture.connection.source = Arc::new(new.clone());
    let trial = Trial {
        connector: "shop".to_owned(),
        version: "2".to_owned(),
        worked: "1".to_owned(),
        fallback: Arc::new(fixture.source.clone()),
        before: Arc::new(BTreeMap::from([(TableName::bare("a"), before)])),
    };
    let version = SourceVersion { connector: "shop".to_owned(), version: "2".to_owned(), trial: Some(trial) };
    fixture.connection.origin = Origin { source: Some(version), ..Origin::default() };
    // What is read from now on is new.
    fixture.source.change("a", |table| drop(table.rows.insert(ROWS, (ROWS, json!("the newest")))));
    (fixture, new)
}

fn without_names(source: &MemorySource) {
    source.change("a", |table| table.rows.values_mut().for_each(|(_, name)| *name = Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_what_they_always_had_are_never_written() {
    let (fixture, _) = upgraded(without_names).await;
    let receipt = fixture.run().await;
    assert_eq!(receipt.outcome, Outcome::Succeeded);
    assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
    let fell_back = receipt.fell_back.unwrap();
    assert!(fell_back.bad && fell_back.because.contains("gives no value for `Name`"), "{fell_back:?}");
    let versions: Vec<_> = receipt.attempts.iter().filter_map(|attempt| attempt.version.as_deref()).collect();
    assert_eq!(versions, ["2", "1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_comes_back_empty_is_read_on_the_version_before() {
    let (fixture, _) = upgraded(|new| new.change("a", |table| table.rows.clear())).await;
    let fell_back = fixture.run().await.fell_back.unwrap();
    assert!(fell_back.bad && fell_back.because.contains("gives no rows"), "{fell_back:?}");
    assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_whose_table_is_gone_or_asks_is_left() {
    let gone = |new: &MemorySource| new.tables.lock().unwrap().clear();
    let other_key = |new: &MemorySource| {
        new.change("a", |table| {
            table.schema.key = vec!["updated".to_owned()];
            table.schema.columns[1].nullable = false;
        });
    };
    let changes: [&dyn Fn(&MemorySource); 2] = [&gone, &other_key];
    for change in changes {
        let (fixture, _) = upgraded(change).await;
        let receipt = fixture.run().await;
        assert!(receipt.fell_back.as_ref().unwrap().bad, "{receipt:?}");
        assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_not_to_blame_when_the_one_before_does_no_better() {
    let (fixture, new) = upgraded(|_| {}).await;
    new.faults.lock().unwrap().push_back(ErrorKind::CorruptInput);
    fixture.source.faults.lock().unwrap().push_back(ErrorKind::CorruptInput);
    let receipt = fixture.run().await;
    assert_eq!(receipt.outcome, Outcome::Failed);
    assert!(!receipt.fell_back.unwrap().bad);

    // The rows themselves have no names any more: both versions say so.
    let (fixture, _) = upgraded(without_names).await;
    without_names(&fixture.source);
    let receipt = fixture.run().await;
    assert_eq!(receipt.outcome, Outcome::Succeeded);
    assert!(!receipt.fell_back.unwrap().bad);
    assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_works_stays() {
    let (fixture, new) = upgraded(|_| {}).await;
    new.change("a", |table| drop(table.rows.insert(ROWS, (ROWS, json!("the newest")))));
    new.faults.lock().unwrap().push_back(ErrorKind::ConnectionLost);
    let receipt = fixture.run().await;
    assert_eq!(receipt.outcome, Outcome::Succeeded);
    assert_eq!(receipt.fell_back, None, "a connection that broke once is tried again on the same version");
    assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
}
