//! Write modes and the commit protocol.

use syncline_protocol::*;

use crate::support::*;

const SOFT: WriteMode = WriteMode::Merge { deletes: Deletes::Soft };
const HARD: WriteMode = WriteMode::Merge { deletes: Deletes::Hard };
const TABLE: &str = "\"Sales \"\"x\"\"\".orders";

fn row(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[tokio::test]
async fn merge_keeps_the_latest_row_per_key() {
    for (mode, ones) in [(SOFT, vec!["1|c|true", "2|d|false", "3|e|false"]), (HARD, vec!["2|d", "3|e"])] {
        let place = Place::new();
        let destination = place.destination();
        let target = orders(mode);
        let opened = opened(&*destination, &target).await;
        assert_eq!((opened.fence, opened.checkpoints.len()), (1, 0));
        let mut loader = opened.session.loader(&options(&target, true)).await.unwrap();
        loader.write(rows(&[(1, "a"), (2, "b")])).await.unwrap();
        let durable = loader.commit(&commit(1, 2)).await.unwrap();
        assert_eq!(durable, Durable { written: 2, deleted: 0 });

        let mut loader = opened.session.loader(&options(&target, false)).await.unwrap();
        loader.write(rows(&[(1, "c"), (2, "x")])).await.unwrap();
        loader.write(keys(BatchKind::Deletes, &[2, 1, 99])).await.unwrap();
        loader.write(rows(&[(2, "d"), (3, "e")])).await.unwrap();
        let durable = loader.commit(&commit(2, 7)).await.unwrap();
        assert_eq!(durable, Durable { written: 2, deleted: 1 });
        // The same loader takes the next segment; a deleted row that is deleted again is not counted.
        loader.write(keys(BatchKind::Deletes, &[1])).await.unwrap();
        assert_eq!(loader.commit(&commit(3, 1)).await.unwrap(), Durable::default());
        assert_eq!(destination.count(&target).await.unwrap(), 2);
        drop(loader);
        opened.session.close().await;

        let kept = if mode == SOFT { " || '|' || _syncline_deleted" } else { "" };
        let name = if mode == SOFT { "if(id = 1, 'c', name)" } else { "name" };
        let found = place.ask(&format!("SELECT id || '|' || {name}{kept} FROM {TABLE} ORDER BY 1"));
        assert_eq!(found.concat(), ones);
        let stored = destination.checkpoints("shop").await.unwrap();
        assert_eq!(stored.len(), 1);
        assert_eq!((stored[0].ordinal, stored[0].rows, stored[0].bytes), (3, 10, 100));
        assert_eq!((stored[0].checksum, stored[0].fence), (u64::MAX - 3, 1));
        assert_eq!(stored[0].position, commit(3, 0).position);
        assert_eq!(stored[0].committed_at, "1970-01-01T00:00:03.000000Z");
        assert_eq!(stored[0].table, source_table());
        let left = place.ask("SELECT count(*)::VARCHAR FROM main._syncline_checkpoints");
        assert_eq!(left, [row(&["2"])], "one for the table and one for the fence");
    }
}

#[tokio::test]
async fn append_keeps_every_change() {
    let place = Place::new();
    let destination = place.destination();
    let target = orders(WriteMode::Append);
    let opened = opened(&*destination, &target).await;
    let mut loader = opened.session.loader(&options(&target, false)).await.unwrap();
    loader.write(rows(&[(1, "a"), (1, "b")])).await.unwrap();
    loader.write(keys(BatchKind::Deletes, &[1])).await.unwrap();
    assert_eq!(loader.commit(&commit(1, 3)).await.unwrap(), Durable { written: 2, deleted: 0 });
    opened.session.close().await;
    assert_eq!(place.ask(&format!("SELECT name FROM {TABLE} ORDER BY 1")).concat(), ["a", "b"]);
}

#[tokio::test]
async fn replace_is_built_beside_and_swapped() {
    for key in [true, false] {
        let place = Place::new();
        let destination = place.destination();
        let mut target = orders(WriteMode::Replace);
        if !key {
            target.key.clear();
        }
        let opened = opened(&*destination, &target).await;
        let beside = LoaderOptions { into: LoadInto::Beside, ..options(&target, false) };
        for round in 0..2u64 {
            let first = round * 3 + 1;
            opened.session.begin(&target, LoadInto::Beside, &commit(first, 0)).await.unwrap();
            let mut loader = opened.session.loader(&beside).await.unwrap();
            let names = ["old", "new"];
            loader.write(rows(&[(1, "x"), (1, names[round as usize])])).await.unwrap();
            loader.commit(&commit(first + 1, 2)).await.unwrap();
            let visible = round * if key { 2 } else { 3 };
            assert_eq!(destination.count(&target).await.unwrap(), visible, "not yet swapped");
            loader.write(rows(&[(2, "last")])).await.unwrap();
            loader.commit(&finishing(first + 2, 1, Finish::Swap)).await.unwrap();
        }
        opened.session.close().await;
        let found = place.ask(&format!("SELECT id::VARCHAR, name FROM {TABLE} ORDER BY 1, 2"));
        let mut expected = vec![row(&["1", "new"]), row(&["2", "last"])];
        if !key {
            expected.insert(1, row(&["1", "x"]));
        }
        assert_eq!(found, expected);
        let tables = place.ask("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE '%new_%'");
        assert!(tables.is_empty(), "{tables:?}");
    }
}

#[tokio::test]
async fn history_keeps_versions_and_repeats_harmlessly() {
    let place = Place::new();
    let destination = place.destination();
    let target = orders(WriteMode::History);
    let opened = opened(&*destination, &target).await;
    let mut loader = opened.session.loader(&options(&target, false)).await.unwrap();
    loader.write(rows(&[(1, "a"), (2, "b"), (3, "c")])).await.unwrap();
    assert_eq!(loader.commit(&commit(1, 3)).await.unwrap().written, 3);
    loader.write(rows(&[(1, "a"), (2, "B")])).await.unwrap();
    loader.write(keys(BatchKind::Deletes, &[3])).await.unwrap();
    assert_eq!(loader.commit(&commit(2, 3)).await.unwrap(), Durable { written: 1, deleted: 1 });
    loader.write(rows(&[(1, "a"), (2, "B")])).await.unwrap();
    loader.write(keys(BatchKind::Deletes, &[3])).await.unwrap();
    assert_eq!(loader.commit(&commit(3, 3)).await.unwrap(), Durable::default());
    assert_eq!(destination.count(&target).await.unwrap(), 2);
    opened.session.close().await;
    let found = place.ask(&format!(
        "SELECT id || name || epoch(_syncline_valid_from)::INT || '-' || coalesce(epoch(_syncline_valid_to)::INT::VARCHAR, '') \
         || _syncline_current FROM {TABLE} ORDER BY 1"
    ));
    assert_eq!(found.concat(), ["1a1-true", "2B2-true", "2b1-2false", "3c1-2false"]);
}

#[tokio::test]
async fn a_sweep_deletes_what_the_source_no_longer_has() {
    for (mode, left) in [(SOFT, 4), (HARD, 2), (WriteMode::History, 4)] {
        let place = Place::new();
        let destination = place.destination();
        let target = orders(mode);
        let opened = opened(&*destination, &target).await;
        let mut loader = opened.session.loader(&options(&target, false)).await.unwrap();
        loader.write(rows(&[(1, "a"), (2, "b"), (3, "c")])).await.unwrap();
        loader.commit(&commit(1, 3)).await.unwrap();
        loader.write(rows(&[(4, "d")])).await.unwrap();
        loader.write(keys(BatchKind::Keys, &[1])).await.unwrap();
        loader.write(keys(BatchKind::Keys, &[4])).await.unwrap();
        let durable = loader.commit(&finishing(2, 1, Finish::Sweep)).await.unwrap();
        assert_eq!(durable, Durable { written: 1, deleted: 2 });
        assert_eq!(destination.count(&target).await.unwrap(), 2);
        // An empty source: no keys at all.
        assert_eq!(loader.commit(&finishing(3, 0, Finish::Sweep)).await.unwrap().deleted, 2);
        assert_eq!(destination.count(&target).await.unwrap(), 0);
        opened.session.close().await;
        let expected = if mode == HARD { 0 } else { left };
        assert_eq!(
            place.ask(&format!("SELECT count(*)::VARCHAR FROM {TABLE}")).concat(),
            [expected.to_string()]
        );
    }
}

#[tokio::test]
async fn what_is_not_committed_never_was() {
    let place = Place::new();
    let destination = place.destination();
    let target = orders(SOFT);
    for distinct in [true, false] {
        let opened = opened(&*destination, &target).await;
        assert!(opened.checkpoints.is_empty());
        let mut loader = opened.session.loader(&options(&target, distinct)).await.unwrap();
        loader.write(rows(&[(1, "a")])).await.unwrap();
        if distinct {
            drop(loader);
        }
        opened.session.close().await;
    }
    assert_eq!(destination.count(&target).await.unwrap(), 0);
}

#[tokio::test]
async fn a_newer_session_fences_the_older_one() {
    let place = Place::new();
    let destination = place.destination();
    let target = orders(SOFT);
    let older = opened(&*destination, &target).await;
    let mut segment = older.session.loader(&options(&target, true)).await.unwrap();
    segment.write(rows(&[(1, "zombie")])).await.unwrap();
    let newer = opened(&*destination, &target).await;
    assert_eq!((older.fence, newer.fence), (1, 2));
    let error = segment.commit(&commit(1, 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced);
    let change = SchemaChange::AddColumn {
        table: target.name.clone(),
        column: Column::new("late", LogicalType::Text),
    };
    assert_eq!(older.session.apply(&change).await.unwrap_err().kind(), ErrorKind::Fenced);
    let begun = older.session.begin(&target, LoadInto::Beside, &commit(1, 0)).await;
    assert_eq!(begun.unwrap_err().kind(), ErrorKind::Fenced);
    let mut loader = newer.session.loader(&options(&target, true)).await.unwrap();
    loader.write(rows(&[(2, "b")])).await.unwrap();
    loader.commit(&commit(1, 1)).await.unwrap();
    older.session.close().await;
    newer.session.close().await;
    // The fence outlives the process.
    let third = destination.open(&opening()).await.unwrap();
    assert_eq!((third.fence, third.checkpoints.len()), (3, 1));
    third.session.close().await;
    assert_eq!(place.ask(&format!("SELECT name FROM {TABLE}")).concat(), ["b"]);
}

#[tokio::test]
async fn wrong_ordinals_and_counts_write_nothing() {
    let place = Place::new();
    let destination = place.destination();
    let target = orders(SOFT);
    let opened = opened(&*destination, &target).await;
    let load = |number: u64, rows_said: u64, distinct: bool| {
        let (session, target) = (&opened.session, &target);
        async move {
            let mut loader = session.loader(&options(target, distinct)).await.unwrap();
            loader.write(rows(&[(1, "a")])).await.unwrap();
            loader.commit(&commit(number, rows_said)).await
        }
    };
    load(1, 1, true).await.unwrap();
    for (ordinal, said, kind) in
        [(1, 1, ErrorKind::Conflict), (3, 1, ErrorKind::Conflict), (2, 2, ErrorKind::Mismatch)]
    {
        for distinct in [true, false] {
            assert_eq!(load(ordinal, said, distinct).await.unwrap_err().kind(), kind);
        }
    }
    assert_eq!(destination.count(&target).await.unwrap(), 1);
    opened.session.close().await;
}

#[tokio::test]
async fn loaders_of_one_table_work_side_by_side() {
    let place = Place::new();
    let destination = place.destination();
    let target = orders(SOFT);
    let opened = opened(&*destination, &target).await;
    let mut left = opened.session.loader(&options(&target, true)).await.unwrap();
    let mut right = opened.session.loader(&options(&target, true)).await.unwrap();
    let mut ordinal = 0;
    for round in 0..5 {
        left.write(rows(&[(round * 2, "left")])).await.unwrap();
        right.write(rows(&[(round * 2 + 1, "right")])).await.unwrap();
        for loader in [&mut left, &mut right] {
            ordinal += 1;
            loader.commit(&commit(ordinal, 1)).await.unwrap();
        }
    }
    assert_eq!(destination.count(&target).await.unwrap(), 10);
    opened.session.close().await;
    assert_eq!(destination.checkpoints("shop").await.unwrap()[0].ordinal, 10);
}

#[tokio::test]
async fn rejected_rows_wait_in_quarantine() {
    let place = Place::new();
    let destination = place.destination();
    let target = orders(SOFT);
    let opened = opened(&*destination, &target).await;
    assert!(destination.quarantined("shop", None, 10).await.unwrap().is_empty());
    let rejected = |line: &str| RejectedRow {
        column: Some("id".to_owned()),
        reason: "`x'y` is not a number.".to_owned(),
        row: serde_json::json!({"_line": line}),
    };
    let mut loader = opened.session.loader(&options(&target, false)).await.unwrap();
    let mut first = commit(1, 0);
    first.rejected = vec![rejected("1"), rejected("2")];
    loader.commit(&first).await.unwrap();
    let found = destination.quarantined("shop", Some(&source_table()), 10).await.unwrap();
    assert_eq!(found.iter().map(|row| row.rejected.clone()).collect::<Vec<_>>(), first.rejected);
    assert_eq!(found[0].at, "1970-01-01T00:00:01.000000Z");
    let mut second = commit(2, 1);
    second.replayed = vec![found[0].id.clone()];
    loader.write(rows(&[(1, "fixed")])).await.unwrap();
    loader.commit(&second).await.unwrap();
    let left = destination.quarantined("shop", None, 10).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id, found[1].id);
    assert!(destination.quarantined("other", None, 10).await.unwrap().is_empty());
    opened.session.close().await;
}

#[tokio::test]
async fn schema_changes_repeat_harmlessly_and_later_batches_fit() {
    let place = Place::new();
    let destination = place.destination();
    let mut target = orders(SOFT);
    let opened = opened(&*destination, &target).await;
    let mut loader = opened.session.loader(&options(&target, true)).await.unwrap();
    loader.write(rows(&[(1, "a")])).await.unwrap();
    loader.commit(&commit(1, 1)).await.unwrap();
    drop(loader);
    let extra = Column::new("extra", LogicalType::Int32);
    let wide = Column::new("id", LogicalType::Int64);
    for _ in 0..2 {
        for change in [
            SchemaChange::CreateTable { table: target.clone() },
            SchemaChange::AddColumn { table: target.name.clone(), column: extra.clone() },
            SchemaChange::WidenColumn {
                table: target.name.clone(),
                column: wide.clone(),
                from: LogicalType::Int32,
            },
        ] {
            assert!(!destination.ddl(&change).is_empty());
            opened.session.apply(&change).await.unwrap();
        }
    }
    target.columns[0] = wide;
    let mut loader = opened.session.loader(&options(&target, true)).await.unwrap();
    // A batch that was made for the old shape is refused, not written in a wrong way.
    loader.write(rows(&[(2, "b")])).await.unwrap();
    assert_eq!(loader.commit(&commit(2, 1)).await.unwrap_err().kind(), ErrorKind::Internal);
    let mut loader = opened.session.loader(&options(&target, true)).await.unwrap();
    let (batch, schema) = (rows(&[(2, "b")]).rows, schema::arrow_schema(&target.columns));
    let ids = std::sync::Arc::new(arrow::array::Int64Array::from(vec![i64::MAX]));
    let arrays =
        vec![ids as _, std::sync::Arc::clone(batch.column(1)), std::sync::Arc::clone(batch.column(2))];
    let batch = arrow::record_batch::RecordBatch::try_new(schema, arrays).unwrap();
    loader.write(ChangeBatch { kind: BatchKind::Rows, rows: batch }).await.unwrap();
    loader.commit(&commit(2, 1)).await.unwrap();
    drop(loader);
    opened.session.close().await;
    let columns = destination
        .inspect(&[target.name.clone(), TargetName { schema: None, name: "none".to_owned() }])
        .await
        .unwrap();
    let found: Vec<_> = columns[0]
        .as_ref()
        .unwrap()
        .iter()
        .map(|column| format!("{} {}", column.name, column.logical))
        .collect();
    assert_eq!(
        found,
        [
            "id int64",
            "name text",
            "_syncline_synced_at timestamptz",
            "_syncline_deleted boolean",
            "extra int32"
        ]
    );
    assert!(columns[1].is_none());
    let found = place.ask(&format!("SELECT id::VARCHAR, name, extra::VARCHAR FROM {TABLE} ORDER BY id"));
    assert_eq!(found, [row(&["1", "a", "∅"]), row(&["9223372036854775807", "b", "∅"])]);
}
