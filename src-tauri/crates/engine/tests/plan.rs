//! The plan says what the run then does.

use std::sync::Arc;

use serde_json::json;
use syncline_engine::{Outcome, RunOptions, Stop, Unobserved, Verb};
use syncline_protocol::{Column, LogicalType, TargetName, system};

use crate::memory::{Fixture, options};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_writes_nothing_and_reads_as_text() {
    let fixture = Fixture::new(json!([{"name": "a", "cursor": "updated"}, {"name": "missing"}]));
    fixture.source.add("a", 5);
    let plan = fixture.connection.plan(&[]).await.unwrap();
    assert_eq!((plan.tables[0].verb, plan.tables[1].verb), (Verb::Add, Verb::Blocked));
    let text = plan.to_text();
    assert!(text.contains("+ a → main.a   about 5 rows") && text.contains("CREATE main.a"), "{text}");
    assert!(text.contains("! missing") && text.contains("1. "), "{text}");
    assert!(fixture.destination.world.lock().unwrap().fences.is_empty());
    fixture.run().await;
    assert_eq!(fixture.connection.plan(&[]).await.unwrap().tables[0].verb, Verb::Unchanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_plan_is_applied_exactly_or_not_at_all() {
    let fixture = Fixture::new(json!([{"name": "a"}]));
    fixture.source.add("a", 5);
    let approved = Some(fixture.connection.plan(&[]).await.unwrap().fingerprint);
    let run =
        |approved| fixture.run_with(RunOptions { approved, ..options() }, Stop::new(), Arc::new(Unobserved));
    fixture.source.change("a", |table| table.schema.columns.push(Column::new("late", LogicalType::Text)));
    let receipt = run(approved).await;
    assert_eq!(receipt.outcome, Outcome::NeedsDecision);
    assert!(fixture.destination.world.lock().unwrap().tables.is_empty());
    let approved = Some(fixture.connection.plan(&[]).await.unwrap().fingerprint);
    assert_eq!(run(approved).await.outcome, Outcome::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_table_is_never_written_to() {
    let fixture = Fixture::new(json!([{"name": "a"}]));
    fixture.source.add("a", 5);
    let name = TargetName { schema: Some("main".to_owned()), name: "a".to_owned() };
    let mut columns = vec![Column::new("x", LogicalType::Text)];
    fixture.destination.world.lock().unwrap().columns.insert(name.clone(), columns.clone());
    fixture.destination.world.lock().unwrap().tables.insert(name.clone(), Vec::new());
    let receipt = fixture.run().await;
    assert_eq!(receipt.outcome, Outcome::Failed);
    assert!(receipt.tables[0].failure.as_ref().unwrap().message.contains("did not make it"));
    columns.push(Column::new(system::SYNCED_AT, LogicalType::TimestampTz));
    fixture.destination.world.lock().unwrap().columns.insert(name, columns);
    assert_eq!(fixture.run().await.outcome, Outcome::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_mode_rebuilds_and_append_never_loses_its_rows() {
    let mut fixture = Fixture::new(json!([{"name": "a"}]));
    fixture.source.add("a", 5);
    fixture.run().await;
    fixture
        .configure(|config| config.tables[0].column_rules.entry("Name".to_owned()).or_default().hash = true);
    let receipt = fixture.run().await;
    assert_eq!(receipt.outcome, Outcome::Succeeded, "{receipt:#?}");
    assert!(!fixture.destination.rows("a")[0].contains("row 0"), "values that are there become codes, too");
    fixture.configure(|config| config.tables[0].mode = Some(syncline_store::config::Mode::Append));
    assert_eq!(fixture.run().await.outcome, Outcome::NeedsDecision);
}
