//! The commit protocol: fence, ordinal, atomicity, checkpoints, quarantine.

use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use syncline_protocol::{
    CheckOutcome, CheckStep, Column, Commit, Deletes, ErrorKind, LoadInto, LogicalType, RejectedRow,
    SchemaChange, StepSink, TablePosition, WriteMode,
};

use super::world::{EPOCH, World, expect_kind, rows, source_table};

const MERGE: WriteMode = WriteMode::Merge { deletes: Deletes::Hard };

#[derive(Default)]
struct Steps(Mutex<Vec<CheckStep>>);

impl StepSink for Steps {
    fn step(&self, step: CheckStep) {
        self.0.lock().expect("no step panicked").push(step);
    }
}

pub(super) async fn check_ends_and_leaves_nothing(world: &World) -> Result<()> {
    let destination = world.destination().await;
    let steps = Steps::default();
    destination.check(&steps).await;
    let steps = steps.0.into_inner().expect("no step panicked");
    ensure!(!steps.is_empty(), "the check tells no step");
    ensure!(CheckOutcome::of(&steps) != CheckOutcome::NotReady, "the check failed: {steps:?}");
    ensure!(destination.checkpoints("check").await?.is_empty(), "the check left checkpoints");
    Ok(())
}

pub(super) async fn open_raises_the_fence(world: &World) -> Result<()> {
    let first = world.open().await?;
    ensure!(first.checkpoints.is_empty(), "a new connection has checkpoints: {:?}", first.checkpoints);
    let fence = first.fence;
    let second = first.reopen(world).await?;
    ensure!(second.fence > fence, "the fence went from {fence} to {}", second.fence);
    ensure!(second.checkpoints.is_empty(), "the fence row shows as a checkpoint");
    second.session.close().await;
    Ok(())
}

pub(super) async fn a_commit_survives_reopening(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    let durable =
        writer.load(&target, &[rows(&[json!([1, "one", "1.00"]), json!([2, "two", null])])]).await?;
    ensure!((durable.written, durable.deleted) == (2, 0), "two new rows count as {durable:?}");
    let mut writer = writer.reopen(world).await?;
    writer.expect(&target, &[json!([1, "one", "1.00"]), json!([2, "two", null])]).await?;
    writer.load(&target, &[rows(&[json!([3, "three", "-3.50"])])]).await?;
    let rows = [json!([1, "one", "1.00"]), json!([2, "two", null]), json!([3, "three", "-3.50"])];
    writer.expect(&target, &rows).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn a_checkpoint_comes_back_as_it_was(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    let fence = writer.fence;
    let mut position =
        TablePosition::start(7, json!({"pages": [0, 4_294_967_295_u64], "text": "naïve \"x\" 'y' \\ \n"}));
    position.finish_part(0);
    position.finish_part(3);
    position.at.insert(4, json!([9_223_372_036_854_775_807_i64, "2024-02-29T12:34:56.123456Z", null]));
    position.rows = 12;
    position.fresh = true;
    position.shape = "merge:id".to_owned();
    let mut commit = Commit { position, checksum: u64::MAX - 1, ..writer.next(&target) };
    let mut loader = writer.loader(&target, LoadInto::Table).await?;
    writer.write(loader.as_mut(), &target, &[rows(&[json!([1, "one", null])])], &mut commit).await?;
    loader.commit(&commit).await?;
    writer.committed(&commit);
    let stored = writer.stored(&target).await?.context("no checkpoint is stored")?;
    ensure!(stored.position == commit.position, "{:?} came back as {:?}", commit.position, stored.position);
    ensure!(stored.ordinal == 1 && stored.fence == fence, "it came back as {stored:?}");
    ensure!(stored.rows == 1 && stored.bytes == commit.bytes, "rows and bytes came back as {stored:?}");
    ensure!(stored.checksum == commit.checksum, "the checksum came back as {}", stored.checksum);
    ensure!(
        stored.committed_at.starts_with("2024-02-29T12:34:57"),
        "the time of the commit came back as {}",
        stored.committed_at
    );
    // The same loader takes the next segment; rows and bytes add up.
    let mut next = writer.next(&target);
    writer.write(loader.as_mut(), &target, &[rows(&[json!([2, "two", null])])], &mut next).await?;
    loader.commit(&next).await?;
    drop(loader);
    let mut writer = writer.reopen(world).await?;
    let again = writer.checkpoints.pop().context("reopening shows no checkpoint")?;
    ensure!(again.ordinal == 2 && again.rows == 2, "reopening shows {again:?}");
    ensure!(again.bytes == commit.bytes + next.bytes, "reopening shows {again:?}");
    ensure!(
        again.table == source_table(&target) && again.position == next.position,
        "reopening shows {again:?}"
    );
    ensure!(writer.checkpoints.is_empty(), "reopening shows more than one checkpoint");
    writer.session.close().await;
    Ok(())
}

pub(super) async fn uncommitted_rows_are_invisible_and_gone(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    writer.load(&target, &[rows(&[json!([1, "one", null])])]).await?;
    let mut loader = writer.loader(&target, LoadInto::Table).await?;
    let mut commit = writer.next(&target);
    let more = [rows(&[json!([1, "changed", null]), json!([2, "two", null])])];
    writer.write(loader.as_mut(), &target, &more, &mut commit).await?;
    // Destinations that cannot read beside an open transaction may wait; nothing may show.
    writer.expect(&target, &[json!([1, "one", null])]).await?;
    drop(loader);
    let mut writer = writer.reopen(world).await?;
    writer.expect(&target, &[json!([1, "one", null])]).await?;
    ensure!(writer.stored(&target).await?.is_some_and(|stored| stored.ordinal == 1), "the ordinal moved");
    writer.load(&target, &[rows(&[json!([3, "three", null])])]).await?;
    writer.expect(&target, &[json!([1, "one", null]), json!([3, "three", null])]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn a_repeated_commit_is_a_conflict(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(WriteMode::Append).await?;
    let segment = [rows(&[json!([1, "one", null])])];
    let mut commit = writer.next(&target);
    let mut loader = writer.loader(&target, LoadInto::Table).await?;
    writer.write(loader.as_mut(), &target, &segment, &mut commit).await?;
    loader.commit(&commit).await?;
    drop(loader);
    // The answer was lost: the same segment comes again, in the same session and in a later one.
    for reopened in [false, true] {
        if reopened {
            writer = writer.reopen(world).await?;
        }
        let mut again = Commit { rows: 0, bytes: 0, ..commit.clone() };
        let mut loader = writer.loader(&target, LoadInto::Table).await?;
        writer.write(loader.as_mut(), &target, &segment, &mut again).await?;
        let result = loader.commit(&again).await;
        expect_kind(result.map_err(Into::into), ErrorKind::Conflict, "a repeated commit")?;
        drop(loader);
        writer.expect(&target, &[json!([1, "one", null])]).await?;
    }
    writer.session.close().await;
    Ok(())
}

pub(super) async fn a_skipped_ordinal_is_a_conflict(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    writer.load(&target, &[rows(&[json!([1, "one", null])])]).await?;
    let mut commit = Commit { ordinal: 3, ..writer.next(&target) };
    let mut loader = writer.loader(&target, LoadInto::Table).await?;
    writer.write(loader.as_mut(), &target, &[rows(&[json!([2, "two", null])])], &mut commit).await?;
    let result = loader.commit(&commit).await;
    expect_kind(result.map_err(Into::into), ErrorKind::Conflict, "ordinal 3 after 1")?;
    drop(loader);
    let begin = writer.session.begin(&target, LoadInto::Table, &commit_of(&commit, 1)).await;
    expect_kind(begin.map_err(Into::into), ErrorKind::Conflict, "begin with ordinal 1 after 1")?;
    writer.expect(&target, &[json!([1, "one", null])]).await?;
    writer.session.close().await;
    Ok(())
}

fn commit_of(commit: &Commit, ordinal: u64) -> Commit {
    Commit { ordinal, rows: 0, bytes: 0, ..commit.clone() }
}

pub(super) async fn a_wrong_count_is_a_mismatch(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    writer.load(&target, &[rows(&[json!([1, "one", null])])]).await?;
    let mut commit = writer.next(&target);
    let mut loader = writer.loader(&target, LoadInto::Table).await?;
    writer.write(loader.as_mut(), &target, &[rows(&[json!([2, "two", null])])], &mut commit).await?;
    commit.rows += 1;
    let result = loader.commit(&commit).await;
    expect_kind(result.map_err(Into::into), ErrorKind::Mismatch, "a commit of more rows than were written")?;
    drop(loader);
    let writer = writer.reopen(world).await?;
    writer.expect(&target, &[json!([1, "one", null])]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn a_fenced_session_cannot_commit(world: &World) -> Result<()> {
    let (mut old, target) = world.with_table(MERGE).await?;
    old.load(&target, &[rows(&[json!([1, "one", null])])]).await?;
    let mut commit = old.next(&target);
    let mut loader = old.loader(&target, LoadInto::Table).await?;
    old.write(loader.as_mut(), &target, &[rows(&[json!([2, "two", null])])], &mut commit).await?;
    let mut new = world.open_on(Arc::clone(&old.destination), &old.connection).await?;
    ensure!(new.fence > old.fence, "the fence went from {} to {}", old.fence, new.fence);
    let result = loader.commit(&commit).await;
    expect_kind(result.map_err(Into::into), ErrorKind::Fenced, "a commit of a fenced session")?;
    drop(loader);
    old.session.close().await;
    new.load(&target, &[rows(&[json!([3, "three", null])])]).await?;
    new.expect(&target, &[json!([1, "one", null]), json!([3, "three", null])]).await?;
    new.session.close().await;
    Ok(())
}

pub(super) async fn a_fenced_session_cannot_begin_or_apply(world: &World) -> Result<()> {
    let (mut old, target) = world.with_table(MERGE).await?;
    old.load(&target, &[rows(&[json!([1, "one", null])])]).await?;
    let new = world.open_on(Arc::clone(&old.destination), &old.connection).await?;
    let begin = old.session.begin(&target, LoadInto::Beside, &old.next(&target)).await;
    expect_kind(begin.map_err(Into::into), ErrorKind::Fenced, "begin in a fenced session")?;
    let column = Column::new("late", LogicalType::Text);
    let apply = old.session.apply(&SchemaChange::AddColumn { table: target.name.clone(), column }).await;
    expect_kind(apply.map_err(Into::into), ErrorKind::Fenced, "apply in a fenced session")?;
    old.session.close().await;
    ensure!(new.stored(&target).await?.is_some_and(|stored| stored.ordinal == 1), "the ordinal moved");
    new.expect(&target, &[json!([1, "one", null])]).await?;
    new.session.close().await;
    Ok(())
}

pub(super) async fn connections_do_not_fence_each_other(world: &World) -> Result<()> {
    let (mut one, target) = world.with_table(MERGE).await?;
    let other_target = world.named(&target, "other");
    let mut two = world.open_on(Arc::clone(&one.destination), "another connection").await?;
    two.create(&other_target).await?;
    one.load(&target, &[rows(&[json!([1, "one", null])])]).await?;
    two.load(&other_target, &[rows(&[json!([2, "two", null])])]).await?;
    one.load(&target, &[rows(&[json!([3, "three", null])])]).await?;
    one.expect(&target, &[json!([1, "one", null]), json!([3, "three", null])]).await?;
    two.expect(&other_target, &[json!([2, "two", null])]).await?;
    ensure!(one.destination.checkpoints(&one.connection).await?.len() == 1, "checkpoints mix");
    one.session.close().await;
    two.session.close().await;
    Ok(())
}

pub(super) async fn an_empty_commit_moves_the_checkpoint(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    let durable = writer.load(&target, &[]).await?;
    ensure!((durable.written, durable.deleted) == (0, 0), "no rows count as {durable:?}");
    writer.load(&target, &[rows(&[])]).await?;
    let writer = writer.reopen(world).await?;
    ensure!(writer.stored(&target).await?.is_some_and(|stored| stored.ordinal == 2), "the ordinal is not 2");
    writer.expect(&target, &[]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn tables_load_in_parallel(world: &World) -> Result<()> {
    let (mut writer, one) = world.with_table(MERGE).await?;
    let two = world.named(&one, "two");
    writer.create(&two).await?;
    if writer.destination.capabilities().parallel_loaders < 2 {
        return Ok(());
    }
    let (mut to_one, mut to_two) =
        (writer.loader(&one, LoadInto::Table).await?, writer.loader(&two, LoadInto::Table).await?);
    let (mut commit_one, mut commit_two) = (writer.next(&one), writer.next(&two));
    for id in 0..20 {
        writer.write(to_one.as_mut(), &one, &[rows(&[json!([id, "one", null])])], &mut commit_one).await?;
        writer.write(to_two.as_mut(), &two, &[rows(&[json!([id, "two", null])])], &mut commit_two).await?;
    }
    let (first, second) = futures::join!(to_one.commit(&commit_one), to_two.commit(&commit_two));
    first?;
    second?;
    writer.committed(&commit_one);
    drop((to_one, to_two));
    for (target, name) in [(&one, "one"), (&two, "two")] {
        let expected: Vec<_> = (0..20).map(|id| json!([id, name, null])).collect();
        writer.expect(target, &expected).await?;
    }
    writer.session.close().await;
    Ok(())
}

pub(super) async fn two_loaders_share_a_table(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    if writer.destination.capabilities().parallel_loaders < 2 {
        return Ok(());
    }
    let (mut one, mut two) =
        (writer.loader(&target, LoadInto::Table).await?, writer.loader(&target, LoadInto::Table).await?);
    let mut first = writer.next(&target);
    writer.write(one.as_mut(), &target, &[rows(&[json!([1, "one", null])])], &mut first).await?;
    let mut second = Commit { rows: 0, ..writer.next(&target) };
    writer.write(two.as_mut(), &target, &[rows(&[json!([2, "two", null])])], &mut second).await?;
    writer.write(one.as_mut(), &target, &[rows(&[json!([3, "three", null])])], &mut first).await?;
    two.commit(&second).await?;
    writer.committed(&second);
    first.ordinal = writer.next(&target).ordinal;
    one.commit(&first).await?;
    writer.committed(&first);
    // Both take another segment.
    let mut third = writer.next(&target);
    writer.write(two.as_mut(), &target, &[rows(&[json!([4, "four", null])])], &mut third).await?;
    two.commit(&third).await?;
    drop((one, two));
    let rows: Vec<_> = [(1, "one"), (2, "two"), (3, "three"), (4, "four")]
        .iter()
        .map(|(id, name)| json!([id, name, null]))
        .collect();
    writer.expect(&target, &rows).await?;
    writer.session.close().await;
    Ok(())
}

fn rejected(number: i64) -> RejectedRow {
    RejectedRow {
        column: (number != 2).then(|| "amount".to_owned()),
        reason: format!("`{number}'x\"` is no number."),
        row: json!({"id": number.to_string(), "amount": "x'\"\\ \n😀"}),
    }
}

pub(super) async fn quarantine_commits_with_its_segment(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    let before = writer.destination.quarantined(&writer.connection, None, 10).await?;
    ensure!(before.is_empty(), "a new connection has rows in quarantine");
    let mut commit = Commit { rejected: vec![rejected(1), rejected(2)], ..writer.next(&target) };
    let mut loader = writer.loader(&target, LoadInto::Table).await?;
    writer.write(loader.as_mut(), &target, &[rows(&[json!([9, "nine", null])])], &mut commit).await?;
    loader.commit(&commit).await?;
    drop(loader);
    writer.committed(&commit);
    let commit = Commit { rejected: vec![rejected(3)], ..writer.next(&target) };
    writer.loader(&target, LoadInto::Table).await?.commit(&commit).await?;
    let writer = writer.reopen(world).await?;
    let table = source_table(&target);
    let all = writer.destination.quarantined(&writer.connection, Some(&table), 10).await?;
    let rows: Vec<_> = all.iter().map(|row| row.rejected.clone()).collect();
    ensure!(rows.len() == 3 && rows[2] == rejected(3), "quarantine holds {rows:?}");
    ensure!(
        rows[..2] == [rejected(1), rejected(2)] || rows[..2] == [rejected(2), rejected(1)],
        "it holds {rows:?}"
    );
    ensure!(all.iter().all(|row| row.table == table && row.run == writer.run), "it holds {all:?}");
    ensure!(
        all[0].at.starts_with("2024-02-29T12:34:57"),
        "the time is {} instead of {EPOCH} + 1 s",
        all[0].at
    );
    let mut ids: Vec<_> = all.iter().map(|row| &row.id).collect();
    ids.sort();
    ids.dedup();
    ensure!(ids.len() == 3, "ids are not unique: {ids:?}");
    ensure!(
        writer.destination.quarantined(&writer.connection, None, 2).await?.len() == 2,
        "the limit does not hold"
    );
    ensure!(writer.destination.quarantined("somebody else", None, 9).await?.is_empty(), "connections mix");
    let elsewhere = syncline_protocol::TableName::bare("elsewhere");
    let none = writer.destination.quarantined(&writer.connection, Some(&elsewhere), 9).await?;
    ensure!(none.is_empty(), "tables mix");
    writer.expect(&target, &[json!([9, "nine", null])]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn an_uncommitted_rejection_is_gone(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    writer.load(&target, &[]).await?;
    let commit = Commit { rejected: vec![rejected(1)], ordinal: 7, ..writer.next(&target) };
    let result = writer.loader(&target, LoadInto::Table).await?.commit(&commit).await;
    expect_kind(result.map_err(Into::into), ErrorKind::Conflict, "ordinal 7")?;
    let writer = writer.reopen(world).await?;
    ensure!(
        writer.destination.quarantined(&writer.connection, None, 9).await?.is_empty(),
        "it is in quarantine"
    );
    writer.session.close().await;
    Ok(())
}

pub(super) async fn a_replayed_row_leaves_quarantine_with_its_commit(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    let commit = Commit { rejected: vec![rejected(1), rejected(2)], ..writer.next(&target) };
    writer.loader(&target, LoadInto::Table).await?.commit(&commit).await?;
    writer.committed(&commit);
    let held = writer.destination.quarantined(&writer.connection, None, 9).await?;
    let repaired = held.iter().find(|row| row.rejected == rejected(1)).context("row 1 is not held")?;
    let mut commit = Commit { replayed: vec![repaired.id.clone()], ..writer.next(&target) };
    let mut loader = writer.loader(&target, LoadInto::Table).await?;
    writer.write(loader.as_mut(), &target, &[rows(&[json!([1, "one", "1.00"])])], &mut commit).await?;
    let early = writer.destination.quarantined(&writer.connection, None, 9).await?;
    ensure!(early.len() == 2, "it left before the commit");
    loader.commit(&commit).await?;
    drop(loader);
    let writer = writer.reopen(world).await?;
    let left = writer.destination.quarantined(&writer.connection, None, 9).await?;
    ensure!(left.len() == 1 && left[0].rejected == rejected(2), "quarantine holds {left:?}");
    writer.expect(&target, &[json!([1, "one", "1.00"])]).await?;
    writer.session.close().await;
    Ok(())
}
