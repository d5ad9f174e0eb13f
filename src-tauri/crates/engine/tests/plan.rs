//! The plan says what the run then does.

use std::sync::Arc;

use serde_json::json;
use syncline_engine::{DefinitionSign, Outcome, Plan, RunOptions, Stop, Unobserved, Verb};
use syncline_protocol::{Column, ErrorKind, LogicalType, TableName, TargetName, system};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_no_longer_synced_keeps_its_rows() {
    let mut fixture = Fixture::new(json!([{"name": "a"}, {"name": "b"}]));
    fixture.source.add("a", 5);
    fixture.source.add("b", 3);
    fixture.run().await;
    fixture.configure(|config| config.tables.retain(|table| table.name.name == "a"));
    let plan = fixture.connection.plan(&[]).await.unwrap();
    let [left] = plan.left.as_slice() else { panic!("{:?}", plan.left) };
    assert_eq!((left.table.name.as_str(), left.remove, left.restorable), ("b", false, true));
    assert_eq!(left.ddl, ["DROP main.b"]);
    assert!(plan.to_text().contains("· b → main.b   no longer synced"), "{}", plan.to_text());
    let approved = Some(plan.fingerprint);
    let options = RunOptions { approved, ..options() };
    let receipt = fixture.run_with(options, Stop::new(), Arc::new(Unobserved)).await;
    assert_eq!((receipt.outcome, receipt.removed.len()), (Outcome::Succeeded, 0));
    assert_eq!(fixture.destination.rows("b").len(), 3, "nobody asked for their removal");
    fixture.configure(|config| config.tables[0].target = Some("b".to_owned()));
    assert!(fixture.connection.plan(&[]).await.unwrap().left.is_empty(), "another table now lands there");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_removed_only_when_the_approved_plan_says_so() {
    let mut fixture = Fixture::new(json!([{"name": "a"}, {"name": "b"}]));
    fixture.source.add("a", 5);
    fixture.source.add("b", 3);
    fixture.run().await;
    let (a, b) = ([TableName::bare("a")], [TableName::bare("b")]);
    let still = fixture.connection.plan_removing(&[], &b).await.unwrap_err();
    assert_eq!(still.kind(), ErrorKind::NotFound, "it is still synced");
    fixture.configure(|config| config.tables.retain(|table| table.name.name == "a"));
    let kept = fixture.connection.plan(&[]).await.unwrap();
    let plan = fixture.connection.plan_removing(&[], &b).await.unwrap();
    assert!(plan.left[0].remove);
    assert_ne!(kept.fingerprint, plan.fingerprint);
    let run = |approved: &str, remove: &[TableName]| {
        let approved = Some(approved.to_owned());
        fixture.run_with(
            RunOptions { approved, remove: remove.to_vec(), ..options() },
            Stop::new(),
            Arc::new(Unobserved),
        )
    };
    assert_eq!(run(&kept.fingerprint, &b).await.outcome, Outcome::NeedsDecision, "that plan kept them");
    assert_ne!(run(&plan.fingerprint, &a).await.outcome, Outcome::Succeeded, "not what the plan removes");
    assert_eq!((fixture.destination.rows("a").len(), fixture.destination.rows("b").len()), (5, 3));
    let receipt = run(&plan.fingerprint, &b).await;
    assert_eq!(receipt.outcome, Outcome::Succeeded, "{receipt:#?}");
    assert_eq!(receipt.removed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["main.b"]);
    assert_eq!((fixture.destination.rows("a").len(), fixture.destination.rows("b").len()), (5, 0));
    assert!(fixture.connection.plan(&[]).await.unwrap().left.is_empty());
    fixture.configure(|config| {
        let mut again = config.tables[0].clone();
        again.name = TableName::bare("b");
        config.tables.push(again);
    });
    fixture.run().await;
    assert_eq!(fixture.destination.rows("b").len(), 3, "synced again, they are back");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_nowhere_else_are_said_to_be_so() {
    let mut fixture = Fixture::new(json!([{"name": "a"}, {"name": "b", "mode": "append"}]));
    fixture.source.add("a", 1);
    fixture.source.add("b", 1);
    fixture.run().await;
    fixture.configure(|config| config.tables.retain(|table| table.name.name == "a"));
    let plan = fixture.connection.plan_removing(&[], &[TableName::bare("b")]).await.unwrap();
    assert!(!plan.left[0].restorable);
    assert!(plan.left[0].sentence().contains("cannot be brought back"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_is_compared_with_what_is_there() {
    let fixture = Fixture::new(json!([{"name": "a"}]));
    fixture.source.add("a", 2);
    let signs = |plan: &Plan| -> Vec<(DefinitionSign, String)> {
        let lines = plan.tables[0].definition.iter();
        lines
            .filter(|line| !line.text.starts_with("_syncline"))
            .map(|line| (line.sign, line.text.clone()))
            .collect()
    };
    let first = fixture.connection.plan(&[]).await.unwrap();
    assert!(signs(&first).iter().all(|(sign, _)| *sign == DefinitionSign::Add), "{:?}", signs(&first));
    fixture.run().await;
    fixture.source.change("a", |table| table.schema.columns.push(Column::new("late", LogicalType::Text)));
    let name = TargetName { schema: Some("main".to_owned()), name: "a".to_owned() };
    let foreign = Column::new("mine", LogicalType::Date);
    fixture.destination.world.lock().unwrap().columns.get_mut(&name).unwrap().push(foreign);
    let plan = fixture.connection.plan(&[]).await.unwrap();
    assert_eq!(plan.tables[0].verb, Verb::Change);
    let differing: Vec<_> =
        signs(&plan).into_iter().filter(|(sign, _)| *sign != DefinitionSign::Same).collect();
    assert_eq!(differing, [(DefinitionSign::Add, "late text".to_owned())]);
    assert!(signs(&plan).contains(&(DefinitionSign::Same, "mine date".to_owned())), "a foreign column stays");
}
