//! Commits of the Postgres destination when connections are killed and sessions overtaken.

use syncline_protocol::{
    Column, Commit, ErrorKind, LoadInto, LoaderOptions, LogicalType, Opening, SchemaChange,
};
use syncline_testkit::wait_for;

use crate::support::desk::*;

#[tokio::test]
async fn a_connection_killed_in_the_middle_leaves_nothing_and_the_next_goes_on() {
    let target = orders(SOFT);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    desk.load(&target, &[rows(&[(1, "a")])]).await.unwrap();
    for distinct in [true, false] {
        let mut loader = desk.loader(&target, LoadInto::Table, distinct).await;
        loader.write(rows(&[(10, "lost"), (11, "lost")])).await.unwrap();
        let killed = desk
            .query(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = 'syncline' AND query LIKE 'COPY%'",
            )
            .await;
        assert_eq!(killed, ["t"]);
        let error = loader.commit(&desk.commit(2)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error:?}");
        let error = loader.write(rows(&[(1, "x")])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        drop(loader);
        assert_eq!(desk.query("SELECT id FROM shop.orders").await, ["1"]);
    }
    let mut desk = Desk::at(desk.database.clone()).await;
    assert_eq!(desk.ordinal, 1);
    desk.load(&target, &[rows(&[(10, "kept"), (11, "kept")])]).await.unwrap();
    assert_eq!(desk.query("SELECT id FROM shop.orders ORDER BY id").await, ["1", "10", "11"]);
}

#[tokio::test]
async fn a_connection_killed_while_committing_wrote_all_or_nothing() {
    let target = orders(SOFT);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    desk.load(&target, &[rows(&[(1, "a")])]).await.unwrap();
    let blocker = desk.database.connect().await.unwrap();
    blocker
        .batch_execute("BEGIN; SELECT FROM public._syncline_checkpoints WHERE \"table\" = '' FOR UPDATE")
        .await
        .unwrap();
    let mut loader = desk.loader(&target, LoadInto::Table, false).await;
    loader.write(rows(&[(2, "b")])).await.unwrap();
    let commit = desk.commit(1);
    let database = desk.database.clone();
    let killer = async {
        wait_for(
            async || {
                let killed = query(
                    &database,
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FOR SHARE%'",
                )
                .await;
                !killed.is_empty()
            },
            SOON,
        )
        .await;
    };
    let (result, ()) = futures::join!(loader.commit(&commit), killer);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::ConnectionLost);
    blocker.batch_execute("ROLLBACK").await.unwrap();
    let mut desk = Desk::at(desk.database.clone()).await;
    assert_eq!(desk.ordinal, 1);
    assert_eq!(desk.query("SELECT id FROM shop.orders").await, ["1"]);
    desk.load(&target, &[rows(&[(2, "b")])]).await.unwrap();
    assert_eq!(desk.destination.count(&target).await.unwrap(), 2);
}

#[tokio::test]
async fn a_new_session_waits_for_a_commit_and_then_shuts_the_old_one_out() {
    let target = orders(SOFT);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    desk.load(&target, &[rows(&[(1, "a")])]).await.unwrap();
    let mut zombie = desk.loader(&target, LoadInto::Table, true).await;
    zombie.write(rows(&[(2, "zombie")])).await.unwrap();
    // Somebody is just committing: the fence row is locked as a commit locks it.
    let committing = desk.database.connect().await.unwrap();
    committing
        .batch_execute("BEGIN; SELECT FROM public._syncline_checkpoints WHERE \"table\" = '' FOR SHARE")
        .await
        .unwrap();
    let other = destination_at(&desk.database);
    let database = desk.database.clone();
    let release = async {
        wait_for(
            async || {
                let waiting = query(
                    &database,
                    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
                )
                .await;
                !waiting.is_empty()
            },
            SOON,
        )
        .await;
        committing.batch_execute("COMMIT").await.unwrap();
    };
    let opening = Opening { connection: "shop".into(), run: "run 2".into() };
    let (opened, ()) = futures::join!(other.open(&opening), release);
    let opened = opened.unwrap();
    assert_eq!(opened.fence, 2);
    let error = zombie.commit(&desk.commit(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced);
    assert!(error.message().contains("run 2"), "{error}");
    let column = Column::new("late", LogicalType::Text);
    let change = SchemaChange::AddColumn { table: target.name.clone(), column };
    assert_eq!(desk.session.apply(&change).await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(desk.query("SELECT * FROM shop.orders LIMIT 1").await.len(), 1);
    assert_eq!(
        desk.query("SELECT count(*) FROM information_schema.columns WHERE column_name = 'late'").await,
        ["0"]
    );
    // Another connection is not touched by that.
    let third = Opening { connection: "stock".into(), run: "run 3".into() };
    assert_eq!(other.open(&third).await.unwrap().fence, 1);
}

#[tokio::test]
async fn wrong_ordinals_and_counts_are_refused() {
    let target = orders(SOFT);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    desk.load(&target, &[rows(&[(1, "a")])]).await.unwrap();
    for (ordinal, count, kind) in [
        (1, 1, ErrorKind::Conflict),
        (3, 1, ErrorKind::Conflict),
        (2, 2, ErrorKind::Mismatch),
        (2, 0, ErrorKind::Mismatch),
    ] {
        for distinct in [true, false] {
            let mut loader = desk.loader(&target, LoadInto::Table, distinct).await;
            loader.write(rows(&[(2, "b")])).await.unwrap();
            let error = loader.commit(&Commit { rows: count, ..commit_of(ordinal) }).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error:?}");
        }
    }
    assert_eq!(desk.query("SELECT id FROM shop.orders").await, ["1"]);
    assert_eq!(desk.query("SELECT ordinal FROM _syncline_checkpoints WHERE \"table\" <> ''").await, ["1"]);
}

#[tokio::test]
async fn a_dropped_loader_rolls_back_and_blocks_nobody() {
    let target = orders(SOFT);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    let mut dropped = desk.loader(&target, LoadInto::Table, true).await;
    dropped.write(rows(&[(1, "lost")])).await.unwrap();
    let mut other = desk.loader(&target, LoadInto::Table, false).await;
    other.write(rows(&[(2, "kept")])).await.unwrap();
    drop(dropped);
    other.commit(&desk.commit(1)).await.unwrap();
    desk.ordinal += 1;
    drop(other);
    desk.load(&target, &[rows(&[(3, "kept")])]).await.unwrap();
    assert_eq!(desk.query("SELECT id FROM shop.orders ORDER BY id").await, ["2", "3"]);
    desk.session.close().await;
    let database = desk.database.clone();
    wait_for(
        async || {
            let open = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'syncline'";
            query(&database, open).await.is_empty()
        },
        SOON,
    )
    .await;
    let options = LoaderOptions { target, table: table(), into: LoadInto::Table, distinct: true };
    assert_eq!(desk.session.loader(&options).await.err().unwrap().kind(), ErrorKind::Stopped);
}
