//! Both sides compared row by row, and what differs read again.

use std::sync::Arc;

use serde_json::{Value, json};
use syncline_engine::{Comparison, GapReason, Outcome, RowState, RunOptions, Stop, Unobserved, Verb};
use syncline_protocol::{ErrorKind, TableName};

use crate::memory::{Fault, Fixture, Row, options};

async fn compare(fixture: &Fixture) -> Comparison {
    fixture.connection.compare(&TableName::bare("a"), &Stop::new()).await.unwrap()
}

fn expected(comparison: &Comparison) -> Vec<(GapReason, u64)> {
    comparison.expected.iter().map(|gap| (gap.reason, gap.count)).collect()
}

/// Changes the rows of the destination behind its back.
fn tamper(fixture: &Fixture, change: impl FnOnce(&mut Vec<Row>)) {
    let mut world = fixture.destination.world.lock().unwrap();
    let rows = world.tables.values_mut().next().unwrap();
    change(rows);
}

fn is(row: &Row, id: i64) -> bool {
    row["id"].as_deref() == Some(id.to_string().as_str())
}

async fn reread(fixture: &Fixture) -> syncline_engine::Receipt {
    let options = RunOptions { reread: true, ..options() };
    fixture.run_with(options, Stop::new(), Arc::new(Unobserved)).await
}

async fn synced(table: Value) -> Fixture {
    let fixture = Fixture::new(json!([table]));
    fixture.source.add("a", 500);
    assert_eq!(fixture.run().await.outcome, Outcome::Succeeded);
    fixture
}

#[tokio::test(flavor = "multi_thread")]
async fn one_planted_missing_row_is_exactly_one() {
    let fixture = synced(json!({"name": "a", "cursor": "updated"})).await;
    let same = compare(&fixture).await;
    assert_eq!((same.matching, same.problems(), same.expected.len()), (500, 0, 0));

    tamper(&fixture, |rows| rows.retain(|row| !is(row, 7)));
    let found = compare(&fixture).await;
    assert_eq!((found.missing, found.different, found.extra, found.matching), (1, 0, 0, 499));
    assert_eq!((found.examples[0].state, found.examples[0].key.as_str()), (RowState::Missing, "id = 7"));
    assert_eq!((found.source_rows, found.destination_rows), (500, 499));

    let plan = fixture.connection.plan_reread(&[]).await.unwrap();
    assert_eq!(plan.tables[0].verb, Verb::Unchanged);
    assert!(plan.tables[0].full && plan.tables[0].effects[0].starts_with("reads all rows again"), "{plan:?}");
    assert_ne!(plan.fingerprint, fixture.connection.plan(&[]).await.unwrap().fingerprint);
    // A run that only looks for news does not find it.
    fixture.run().await;
    assert_eq!(compare(&fixture).await.missing, 1);
    assert_eq!(reread(&fixture).await.outcome, Outcome::Succeeded);
    assert_eq!(compare(&fixture).await.problems(), 0);
    assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_the_last_sync_is_expected() {
    let fixture = synced(json!({"name": "a", "cursor": "updated"})).await;
    fixture.source.change("a", |table| {
        // Two new rows, one changed row, three deleted ones, one that does not fit.
        table.rows.insert(900, (1_000, json!("new")));
        table.rows.insert(901, (1_001, json!("new")));
        table.rows.insert(20, (1_002, json!("changed")));
        table.rows.retain(|id, _| !(30..33).contains(id));
        table.rows.insert(40, (40, json!(4)));
    });
    tamper(&fixture, |rows| {
        rows.retain(|row| !is(row, 7));
        let row = rows.iter_mut().find(|row| is(row, 8)).unwrap();
        row.insert("name".to_owned(), Some("other".to_owned()));
    });
    let found = compare(&fixture).await;
    assert_eq!((found.missing, found.different, found.extra), (1, 1, 0));
    assert_eq!(
        expected(&found),
        [
            (GapReason::NotSynced, 2),
            (GapReason::Outdated, 1),
            // The rejected one is still in the destination as it was.
            (GapReason::DeletesNotTracked, 4),
            (GapReason::Rejected, 1),
        ]
    );
    let states: Vec<_> = found.examples.iter().map(|row| (row.state, row.key.as_str())).collect();
    assert_eq!(states, [(RowState::Missing, "id = 7"), (RowState::Different, "id = 8")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_should_be_gone_are_a_problem_only_where_deletes_are_noticed() {
    let fixture = synced(json!({"name": "a", "mode": "replace"})).await;
    fixture.source.change("a", |table| {
        table.rows.remove(&3);
    });
    let found = compare(&fixture).await;
    assert_eq!((found.extra, found.missing, found.cursor.is_none()), (1, 0, true));
    fixture.run().await;
    assert_eq!(compare(&fixture).await.problems(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_rows_of_a_table_without_key_are_counted() {
    let fixture = Fixture::new(json!([{"name": "a", "mode": "replace"}]));
    fixture.source.add("a", 50);
    fixture.source.change("a", |table| table.schema.key.clear());
    fixture.run().await;
    tamper(&fixture, |rows| rows.retain(|row| !is(row, 7)));
    let found = compare(&fixture).await;
    assert_eq!((found.missing, found.different, found.extra, found.matching), (1, 0, 0, 49));
    assert_eq!(found.examples[0].key, "id = 7, updated = 7, name = row 7");
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_again_survives_interruptions_and_never_doubles() {
    let fixture = synced(json!({"name": "a", "cursor": "updated"})).await;
    tamper(&fixture, |rows| rows.retain(|row| !is(row, 7) && !is(row, 480)));
    fixture
        .destination
        .fail(std::iter::repeat_n(Fault::None, 6).chain([Fault::Reject(ErrorKind::ConnectionLost)]));
    let receipt = reread(&fixture).await;
    assert_eq!(receipt.outcome, Outcome::Succeeded);
    assert_eq!(receipt.attempts.len(), 2, "the fault was met");
    assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
    // What was durable before the fault was not read once more.
    assert_eq!(receipt.tables[0].rows_read, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_keeps_every_row_is_not_read_again() {
    let fixture = synced(json!({"name": "a", "cursor": "updated", "mode": "append"})).await;
    assert!(!compare(&fixture).await.rereadable);
    assert_eq!(reread(&fixture).await.outcome, Outcome::Failed);
    assert_eq!(fixture.destination.rows("a").len(), 500);
}
