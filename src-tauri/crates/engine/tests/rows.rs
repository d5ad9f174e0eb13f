//! What happens to single rows: rejected, repaired, hashed, previewed.

use std::collections::BTreeMap;

use serde_json::json;
use syncline_engine::{Outcome, Repair, SampleWatch};
use syncline_protocol::{ErrorKind, SamplePick, Sampling, TableName};

use crate::memory::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_are_kept_counted_and_come_back_repaired() {
    let fixture = Fixture::new(json!([{"name": "a"}]));
    fixture.source.add("a", 30);
    fixture.source.change("a", |table| {
        table.rows.insert(3, (3, json!(333)));
    });
    let receipt = fixture.run().await;
    assert_eq!(receipt.outcome, Outcome::SucceededWithRejected);
    assert_eq!((receipt.tables[0].rows_read, receipt.tables[0].rows_rejected), (30, 1));
    assert_eq!(fixture.destination.rows("a").len(), 29);
    let kept = fixture.connection.quarantined(None, 10).await.unwrap();
    assert_eq!(kept[0].rejected.reason, "`Name` is a number");

    let repair =
        Repair { ids: Vec::new(), values: BTreeMap::from([("Name".to_owned(), Some("three".to_owned()))]) };
    let replayed = fixture.connection.replay(&TableName::bare("a"), &repair, "r2").await.unwrap();
    assert_eq!(replayed.loaded, 1);
    assert!(fixture.destination.rows("a").contains(&"id=3 name=three updated=3".to_owned()));
    assert!(fixture.connection.quarantined(None, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_rejected_rows_fail_the_table() {
    let mut fixture = Fixture::new(json!([{"name": "a"}]));
    fixture.source.add("a", 30);
    fixture.source.change("a", |table| table.rows.values_mut().for_each(|(_, name)| *name = json!(1)));
    fixture.configure(|config| config.rejected_rows_max = 5);
    let receipt = fixture.run().await;
    assert_eq!(receipt.tables[0].failure.as_ref().unwrap().kind, ErrorKind::TooManyRejected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_destination_cannot_hold_goes_to_quarantine() {
    let fixture = Fixture::new(json!([{"name": "a"}]));
    fixture.source.add("a", 5);
    fixture.source.change("a", |table| {
        table.rows.insert(2, (2, json!("a\u{0}b")));
    });
    let receipt = fixture.run().await;
    assert_eq!(receipt.tables[0].rows_rejected, 1);
    assert_eq!(fixture.destination.rows("a").len(), 4);
    let kept = fixture.connection.quarantined(None, 10).await.unwrap();
    assert!(kept[0].rejected.reason.contains("U+0000"), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hashed_columns_can_be_compared_and_not_read() {
    let fixture = Fixture::new(
        json!([{"name": "a", "column_rules": {"Name": {"hash": true}}}, {"name": "b", "column_rules": {"Name": {"hash": true}}}]),
    );
    fixture.source.add("a", 2);
    fixture.source.add("b", 2);
    fixture.run().await;
    let (a, b) = (fixture.destination.rows("a"), fixture.destination.rows("b"));
    assert_eq!(a, b, "equal values get equal codes");
    assert!(!a[0].contains("row"), "{a:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_can_be_watched_and_what_is_here_can_be_enough() {
    let fixture = Fixture::new(json!([{"name": "a"}]));
    fixture.source.add("a", 20);
    *fixture.source.sample_stalls.lock().unwrap() = Some(7);
    let (table, sampling) = (TableName::bare("a"), Sampling::first(10));
    let watch = SampleWatch::new();
    let somebody = async {
        while watch.rows() < 7 {
            tokio::task::yield_now().await;
        }
        watch.enough();
    };
    let (previewed, ()) = tokio::join!(fixture.connection.preview(&table, &sampling, &watch), somebody);
    let (preview, sample) = previewed.unwrap();
    assert_eq!((preview.rows.len(), preview.trial.all, preview.trial.cut), (7, false, true));
    assert_eq!(sample.columns(), 3);
    // Who leaves wants no sample.
    let watch = SampleWatch::new();
    watch.cancel();
    let error = fixture.connection.preview(&table, &sampling, &watch).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_not_asked_for_samples_that_it_cannot_give() {
    let fixture = Fixture::new(json!([{"name": "a"}]));
    fixture.source.add("a", 20);
    for pick in [SamplePick::Random, SamplePick::Where("id = 1".to_owned())] {
        let sampling = Sampling { rows: 10, pick };
        let watch = SampleWatch::new();
        let error = fixture.connection.preview(&TableName::bare("a"), &sampling, &watch).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_shows_what_will_land() {
    let fixture =
        Fixture::new(json!([{"name": "a", "key": ["updated"], "column_rules": {"Name": {"name": "label"}}}]));
    fixture.source.add("a", 20);
    fixture.source.change("a", |table| {
        table.rows.insert(4, (3, json!("same")));
    });
    let (preview, sample) = fixture
        .connection
        .preview(&TableName::bare("a"), &Sampling::first(10), &SampleWatch::new())
        .await
        .unwrap();
    assert_eq!(preview.rows_sampled, 10);
    assert_eq!(preview.columns[2].target, "label");
    assert!(
        preview.findings[0].text.contains("`updated` is the key but not unique"),
        "{:?}",
        preview.findings
    );
    assert!(preview.findings[0].text.contains("1 row has"), "{:?}", preview.findings);
    assert_eq!((preview.trial.rows, preview.trial.all, sample.columns()), (10, false, 3));
    assert!(preview.effect.unwrap().ddl[0].starts_with("CREATE"));
    assert!(fixture.destination.world.lock().unwrap().tables.is_empty(), "a preview writes nothing");
}
