//! The source changes its shape.

use serde_json::json;
use syncline_engine::{Outcome, TableState};
use syncline_protocol::{Column, LogicalType, TableName};
use syncline_store::config::DriftChoice;

use crate::memory::Fixture;

fn loaded() -> Fixture {
    let fixture = Fixture::new(json!([{"name": "a", "cursor": "updated"}]));
    fixture.source.add("a", 10);
    fixture
}

fn add_column(fixture: &Fixture) {
    fixture.source.change("a", |table| {
        table.schema.columns.push(Column::new("channel", LogicalType::Text));
        table.rows.insert(3, (500, json!("three")));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_column_is_added_and_filled_from_now_on() {
    let fixture = loaded();
    fixture.run().await;
    add_column(&fixture);
    let receipt = fixture.run().await;
    assert_eq!(receipt.outcome, Outcome::Succeeded);
    assert_eq!(receipt.tables[0].drift[0].what, "new column `channel` (text)");
    let rows = fixture.destination.rows("a");
    assert!(rows.contains(&"channel=new 3 id=3 name=three updated=500".to_owned()), "{rows:?}");
    assert!(rows.contains(&"channel=null id=4 name=row 4 updated=4".to_owned()), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_asks_pauses_the_table_until_it_is_accepted() {
    let mut fixture = loaded();
    fixture.configure(|config| config.drift.new_column = DriftChoice::Ask);
    fixture.run().await;
    add_column(&fixture);
    let receipt = fixture.run().await;
    assert_eq!(
        (receipt.outcome, receipt.tables[0].state),
        (Outcome::NeedsDecision, TableState::NeedsDecision)
    );
    assert!(!fixture.destination.rows("a")[3].contains("three"));
    fixture.connection.accept(&TableName::bare("a")).await.unwrap();
    assert_eq!(fixture.run().await.outcome, Outcome::Succeeded);
    assert!(fixture.destination.rows("a").iter().any(|row| row.contains("channel=new 3")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ignored_column_stays_out() {
    let mut fixture = loaded();
    fixture.configure(|config| config.drift.new_column = DriftChoice::Ignore);
    fixture.run().await;
    add_column(&fixture);
    for _ in 0..2 {
        assert_eq!(fixture.run().await.outcome, Outcome::Succeeded);
        assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_column_stays_and_is_null_from_now_on() {
    // Also where types are inferred, a column that the system no longer lists is not asked for again.
    for inferred in [false, true] {
        let fixture = loaded();
        fixture.source.inferred.store(inferred, std::sync::atomic::Ordering::Relaxed);
        fixture.run().await;
        fixture.source.change("a", |table| {
            table.schema.columns.retain(|column| column.name != "Name");
            table.rows.insert(3, (500, json!("unseen")));
        });
        assert_eq!(fixture.run().await.outcome, Outcome::Succeeded);
        let rows = fixture.destination.rows("a");
        assert!(
            rows.contains(&"id=3 updated=500".to_owned())
                && rows.contains(&"id=4 name=row 4 updated=4".to_owned()),
            "{rows:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_change_asks_and_then_rebuilds() {
    let fixture = loaded();
    fixture.run().await;
    fixture.source.change("a", |table| table.schema.key = vec!["id".to_owned(), "updated".to_owned()]);
    assert_eq!(fixture.run().await.outcome, Outcome::NeedsDecision);
    fixture.connection.accept(&TableName::bare("a")).await.unwrap();
    let plan = fixture.connection.plan(&[]).await.unwrap();
    assert_eq!(plan.tables[0].verb, syncline_engine::Verb::Rebuild);
    let receipt = fixture.run().await;
    assert_eq!((receipt.outcome, receipt.tables[0].rows_read), (Outcome::Succeeded, 10));
    assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
    let receipt = fixture.run().await;
    assert_eq!(receipt.tables[0].rows_read, 0, "a rebuilt table goes on incrementally");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_cursor_asks() {
    let fixture = loaded();
    fixture.run().await;
    fixture.source.change("a", |table| table.schema.columns.retain(|column| column.name != "updated"));
    let receipt = fixture.run().await;
    assert_eq!(receipt.tables[0].state, TableState::NeedsDecision, "{:?}", receipt.tables[0].failure);
}
