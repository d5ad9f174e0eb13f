//! The write modes: what readers see after each.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use syncline_protocol::{Column, Commit, Deletes, Durable, Finish, LoadInto, LogicalType, WriteMode, system};

use super::world::{EPOCH, World, deletes, keys, rows};

const SOFT: WriteMode = WriteMode::Merge { deletes: Deletes::Soft };
const HARD: WriteMode = WriteMode::Merge { deletes: Deletes::Hard };

fn counts(durable: Durable, written: u64, deleted: u64, what: &str) -> Result<()> {
    ensure!(
        (durable.written, durable.deleted) == (written, deleted),
        "{what} counts as {durable:?} instead of {written} written, {deleted} deleted"
    );
    Ok(())
}

pub(super) async fn append_keeps_every_row(world: &World) -> Result<()> {
    let (mut writer, mut target) = world.with_table(WriteMode::Append).await?;
    target.key.clear();
    counts(
        writer.load(&target, &[rows(&[json!([1, "a", null]), json!([1, "a", null])])]).await?,
        2,
        0,
        "two rows",
    )?;
    counts(writer.load(&target, &[rows(&[json!([1, "b", "2.00"])])]).await?, 1, 0, "a row")?;
    writer.expect(&target, &[json!([1, "a", null]), json!([1, "a", null]), json!([1, "b", "2.00"])]).await?;
    // A key makes no difference, and deletes add nothing.
    let keyed = syncline_protocol::TargetTable { key: vec!["id".to_owned()], ..target.clone() };
    counts(writer.load(&keyed, &[deletes(&[json!([1])])]).await?, 0, 0, "a delete in append mode")?;
    ensure!(writer.seen(&target).await?.len() == 3, "a delete changed an append table");
    writer.session.close().await;
    Ok(())
}

pub(super) async fn merge_keeps_the_last_version(world: &World) -> Result<()> {
    for mode in [SOFT, HARD] {
        let mut writer = world.open().await?;
        let suffix = if mode == SOFT { "soft" } else { "hard" };
        let target = world.named(&world.target(writer.destination.as_ref(), mode), suffix);
        writer.create(&target).await?;
        writer.load(&target, &[rows(&[json!([1, "a", "1.00"]), json!([2, "b", "2.00"])])]).await?;
        let durable = writer.load(&target, &[rows(&[json!([2, "B", null]), json!([3, "c", null])])]).await?;
        counts(durable, 2, 0, "one changed and one new row")?;
        writer
            .expect(&target, &[json!([1, "a", "1.00"]), json!([2, "B", null]), json!([3, "c", null])])
            .await?;
        writer.session.close().await;
    }
    Ok(())
}

pub(super) async fn merge_marks_deleted_rows(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(SOFT).await?;
    writer
        .load(&target, &[rows(&[json!([1, "a", null]), json!([2, "b", null]), json!([3, "c", null])])])
        .await?;
    counts(writer.load(&target, &[deletes(&[json!([2])])]).await?, 0, 1, "one delete")?;
    counts(
        writer.load(&target, &[deletes(&[json!([77])])]).await?,
        0,
        0,
        "a delete of a row that is not there",
    )?;
    writer.expect(&target, &[json!([1, "a", null]), json!([3, "c", null])]).await?;
    if let Some(all) = world.everything(&target, &["id", "name", system::DELETED]).await {
        let expected = [json!([1, "a", false]), json!([2, "b", true]), json!([3, "c", false])]
            .map(|row| row.to_string());
        ensure!(all == expected, "the table holds {all:?} instead of {expected:?}");
    }
    // The row comes back.
    writer.load(&target, &[rows(&[json!([2, "again", null])])]).await?;
    writer
        .expect(&target, &[json!([1, "a", null]), json!([2, "again", null]), json!([3, "c", null])])
        .await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn merge_removes_deleted_rows(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(HARD).await?;
    writer.load(&target, &[rows(&[json!([1, "a", null]), json!([2, "b", null])])]).await?;
    let durable = writer.load(&target, &[deletes(&[json!([2])]), rows(&[json!([3, "c", null])])]).await?;
    counts(durable, 1, 1, "one delete and one new row")?;
    writer.expect(&target, &[json!([1, "a", null]), json!([3, "c", null])]).await?;
    if let Some(all) = world.everything(&target, &["id"]).await {
        ensure!(all == ["[1]", "[3]"], "the table holds {all:?}");
    }
    writer.session.close().await;
    Ok(())
}

pub(super) async fn order_within_a_segment_decides(world: &World) -> Result<()> {
    for (mode, suffix) in [(SOFT, "soft"), (HARD, "hard"), (WriteMode::History, "history")] {
        let mut writer = world.open().await?;
        let target = world.named(&world.target(writer.destination.as_ref(), mode), suffix);
        writer.create(&target).await?;
        writer
            .load(&target, &[rows(&[json!([1, "a", null]), json!([2, "b", null]), json!([3, "c", null])])])
            .await?;
        writer
            .load(
                &target,
                &[
                    // 1: changed twice in one batch; 2: deleted, then back; 3: changed, then deleted;
                    // 4: new, deleted, new again; 5: new, then deleted; 6: twice over two batches
                    rows(&[
                        json!([1, "a1", null]),
                        json!([1, "a2", null]),
                        json!([3, "c1", null]),
                        json!([4, "d1", null]),
                    ]),
                    deletes(&[json!([2]), json!([4])]),
                    rows(&[json!([2, "b2", null]), json!([5, "e1", null]), json!([6, "f1", null])]),
                    deletes(&[json!([3]), json!([5])]),
                    rows(&[json!([4, "d2", null]), json!([6, "f2", null])]),
                ],
            )
            .await?;
        let expected =
            [json!([1, "a2", null]), json!([2, "b2", null]), json!([4, "d2", null]), json!([6, "f2", null])];
        writer.expect(&target, &expected).await.map_err(|error| error.context(suffix))?;
        writer.session.close().await;
    }
    Ok(())
}

pub(super) async fn a_composite_key_in_its_own_order(world: &World) -> Result<()> {
    let mut writer = world.open().await?;
    let columns = vec![
        Column::new("value", LogicalType::Text),
        Column::new("shop", LogicalType::Text).required(),
        Column::new("number", LogicalType::Int32).required(),
    ];
    let target = world.target_of(writer.destination.as_ref(), HARD, columns, &["number", "shop"]);
    writer.create(&target).await?;
    let first = [json!(["a", "x", 1]), json!(["b", "y", 1]), json!(["c", "x", 2]), json!(["d", "y", 2])];
    writer.load(&target, &[rows(&first)]).await?;
    writer.load(&target, &[rows(&[json!(["B", "y", 1])]), deletes(&[json!([2, "x"])])]).await?;
    writer.expect(&target, &[json!(["a", "x", 1]), json!(["B", "y", 1]), json!(["d", "y", 2])]).await?;
    let listed = [keys(&[json!([1, "x"])]), keys(&[json!([2, "y"])])];
    writer.load_into(&target, LoadInto::Table, &listed, Finish::Sweep).await?;
    writer.expect(&target, &[json!(["a", "x", 1]), json!(["d", "y", 2])]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn history_keeps_versions(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(WriteMode::History).await?;
    let durable = writer.load(&target, &[rows(&[json!([1, "a", null]), json!([2, "b", null])])]).await?;
    counts(durable, 2, 0, "two first versions")?;
    writer.load(&target, &[rows(&[json!([1, "A", null])])]).await?;
    counts(writer.load(&target, &[deletes(&[json!([2])])]).await?, 0, 1, "a delete in history")?;
    writer.load(&target, &[rows(&[json!([2, "back", null])])]).await?;
    writer.expect(&target, &[json!([1, "A", null]), json!([2, "back", null])]).await?;
    let columns = ["id", "name", system::VALID_FROM, system::VALID_TO, system::CURRENT];
    let at = |ordinal: i64| EPOCH + ordinal * 1_000_000;
    let current = [json!([1, "A", at(2), null, true]), json!([2, "back", at(4), null, true])];
    let wanted: Vec<Column> =
        target.all_columns().into_iter().filter(|column| columns.contains(&column.name.as_str())).collect();
    let seen = writer.seen_columns(&target, &wanted).await?;
    let expected: Vec<String> = current.iter().map(Value::to_string).collect();
    ensure!(seen == expected, "the current versions are {seen:?} instead of {expected:?}");
    if let Some(all) = world.everything(&target, &columns).await {
        let ended = [json!([1, "a", at(1), at(2), false]), json!([2, "b", at(1), at(3), false])];
        let mut expected: Vec<String> = current.iter().chain(&ended).map(Value::to_string).collect();
        expected.sort_unstable();
        ensure!(all == expected, "the versions are {all:?} instead of {expected:?}");
    }
    writer.session.close().await;
    Ok(())
}

pub(super) async fn history_ignores_unchanged_rows(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(WriteMode::History).await?;
    writer.load(&target, &[rows(&[json!([1, "a", null]), json!([2, null, "2.00"])])]).await?;
    let durable = writer.load(&target, &[rows(&[json!([1, "a", null]), json!([2, null, "2.00"])])]).await?;
    counts(durable, 0, 0, "rows that did not change")?;
    let columns: Vec<Column> = target
        .all_columns()
        .into_iter()
        .filter(|column| column.name == "id" || column.name == system::VALID_FROM)
        .collect();
    let seen = writer.seen_columns(&target, &columns).await?;
    let from = EPOCH + 1_000_000;
    ensure!(seen == [format!("[1,{from}]"), format!("[2,{from}]")], "the versions are {seen:?}");
    if let Some(all) = world.everything(&target, &["id"]).await {
        ensure!(all == ["[1]", "[2]"], "the table holds {all:?}");
    }
    writer.session.close().await;
    Ok(())
}

pub(super) async fn replace_swaps_in_one_step(world: &World) -> Result<()> {
    let mut writer = world.open().await?;
    let mut target = world.target(writer.destination.as_ref(), WriteMode::Replace);
    target.key.clear();
    // The first copy makes the table.
    writer.begin(&target, LoadInto::Beside).await?;
    writer.load_into(&target, LoadInto::Beside, &[rows(&[json!([1, "old", null])])], Finish::None).await?;
    writer.load_into(&target, LoadInto::Beside, &[rows(&[json!([1, "old", null])])], Finish::Swap).await?;
    writer.expect(&target, &[json!([1, "old", null]), json!([1, "old", null])]).await?;
    // The second one takes its place only at its end.
    writer.begin(&target, LoadInto::Beside).await?;
    writer.load_into(&target, LoadInto::Beside, &[rows(&[json!([2, "new", null])])], Finish::None).await?;
    writer.expect(&target, &[json!([1, "old", null]), json!([1, "old", null])]).await?;
    writer.load_into(&target, LoadInto::Beside, &[], Finish::Swap).await?;
    writer.expect(&target, &[json!([2, "new", null])]).await?;
    // An empty copy is a copy.
    writer.begin(&target, LoadInto::Beside).await?;
    writer.load_into(&target, LoadInto::Beside, &[], Finish::Swap).await?;
    writer.expect(&target, &[]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn replace_goes_on_after_reopening(world: &World) -> Result<()> {
    let mut writer = world.open().await?;
    let mut target = world.target(writer.destination.as_ref(), WriteMode::Replace);
    target.key.clear();
    writer.begin(&target, LoadInto::Beside).await?;
    writer.load_into(&target, LoadInto::Beside, &[rows(&[json!([1, "a", null])])], Finish::None).await?;
    let mut loader = writer.loader(&target, LoadInto::Beside).await?;
    let mut lost = writer.next(&target);
    writer.write(loader.as_mut(), &target, &[rows(&[json!([99, "lost", null])])], &mut lost).await?;
    drop(loader);
    let mut writer = writer.reopen(world).await?;
    ensure!(writer.destination.count(&target).await.is_err(), "an unfinished copy is visible");
    writer.load_into(&target, LoadInto::Beside, &[rows(&[json!([2, "b", null])])], Finish::None).await?;
    let mut writer = writer.reopen(world).await?;
    writer.load_into(&target, LoadInto::Beside, &[rows(&[json!([3, "c", null])])], Finish::Swap).await?;
    let writer = writer.reopen(world).await?;
    writer.expect(&target, &[json!([1, "a", null]), json!([2, "b", null]), json!([3, "c", null])]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn replace_begins_anew_on_begin(world: &World) -> Result<()> {
    let mut writer = world.open().await?;
    let mut target = world.target(writer.destination.as_ref(), WriteMode::Replace);
    target.key.clear();
    writer.begin(&target, LoadInto::Beside).await?;
    writer
        .load_into(&target, LoadInto::Beside, &[rows(&[json!([1, "dropped", null])])], Finish::None)
        .await?;
    let mut writer = writer.reopen(world).await?;
    // Meanwhile the shape changed, too.
    let mut wider = target.clone();
    wider.columns.insert(1, Column::new("more", LogicalType::Text));
    writer.begin(&wider, LoadInto::Beside).await?;
    writer.load_into(&wider, LoadInto::Beside, &[rows(&[json!([2, "x", "b", null])])], Finish::Swap).await?;
    writer.expect(&wider, &[json!([2, "x", "b", null])]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn replace_keeps_one_row_per_key(world: &World) -> Result<()> {
    let mut writer = world.open().await?;
    let target = world.target(writer.destination.as_ref(), WriteMode::Replace);
    writer.begin(&target, LoadInto::Beside).await?;
    let first = rows(&[json!([1, "a", null]), json!([2, "b", null]), json!([1, "a2", null])]);
    writer.load_into(&target, LoadInto::Beside, &[first], Finish::None).await?;
    let second = [rows(&[json!([2, "b2", null])]), deletes(&[json!([1])])];
    writer.load_into(&target, LoadInto::Beside, &second, Finish::Swap).await?;
    writer.expect(&target, &[json!([2, "b2", null])]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn a_swap_works_in_every_mode(world: &World) -> Result<()> {
    for (mode, suffix) in
        [(SOFT, "soft"), (HARD, "hard"), (WriteMode::History, "history"), (WriteMode::Append, "append")]
    {
        let mut writer = world.open().await?;
        let target = world.named(&world.target(writer.destination.as_ref(), mode), suffix);
        writer.create(&target).await?;
        writer.load(&target, &[rows(&[json!([1, "a", null]), json!([2, "b", null])])]).await?;
        writer.begin(&target, LoadInto::Beside).await?;
        writer.load_into(&target, LoadInto::Beside, &[rows(&[json!([2, "B", null])])], Finish::None).await?;
        writer.load_into(&target, LoadInto::Beside, &[rows(&[json!([3, "c", null])])], Finish::Swap).await?;
        let check = writer.expect(&target, &[json!([2, "B", null]), json!([3, "c", null])]).await;
        check.map_err(|error| error.context(suffix))?;
        // The table goes on in its mode, with the columns the destination keeps.
        writer.load(&target, &[rows(&[json!([4, "d", null])])]).await?;
        if mode != WriteMode::Append {
            writer.load(&target, &[rows(&[json!([3, "C", null])]), deletes(&[json!([2])])]).await?;
            let check = writer.expect(&target, &[json!([3, "C", null]), json!([4, "d", null])]).await;
            check.map_err(|error| error.context(suffix))?;
        }
        writer.session.close().await;
    }
    Ok(())
}

pub(super) async fn complete_changes_no_rows(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(SOFT).await?;
    writer.begin(&target, LoadInto::Table).await?;
    writer.load(&target, &[rows(&[json!([1, "a", null])])]).await?;
    writer.load_into(&target, LoadInto::Table, &[rows(&[json!([2, "b", null])])], Finish::Complete).await?;
    writer.load_into(&target, LoadInto::Table, &[], Finish::Complete).await?;
    writer.expect(&target, &[json!([1, "a", null]), json!([2, "b", null])]).await?;
    let mut writer = writer.reopen(world).await?;
    writer.load(&target, &[rows(&[json!([1, "A", null])])]).await?;
    writer.expect(&target, &[json!([1, "A", null]), json!([2, "b", null])]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn distinct_rows_land(world: &World) -> Result<()> {
    for (mode, suffix) in [(SOFT, "soft"), (HARD, "hard"), (WriteMode::History, "history")] {
        let mut writer = world.open().await?;
        let target = world.named(&world.target(writer.destination.as_ref(), mode), suffix);
        writer.create(&target).await?;
        let options = syncline_protocol::LoaderOptions {
            target: target.clone(),
            table: super::world::source_table(&target),
            into: LoadInto::Table,
            distinct: true,
        };
        let mut loader = writer.session.loader(&options).await?;
        let mut commit = writer.next(&target);
        let segment = [rows(&[json!([1, "a", null]), json!([2, "b", null])])];
        writer.write(loader.as_mut(), &target, &segment, &mut commit).await?;
        counts(loader.commit(&commit).await?, 2, 0, "two distinct rows")?;
        writer.committed(&commit);
        let mut commit = Commit { finish: Finish::Complete, ..writer.next(&target) };
        writer.write(loader.as_mut(), &target, &[rows(&[json!([3, "c", null])])], &mut commit).await?;
        loader.commit(&commit).await?;
        writer.committed(&commit);
        drop(loader);
        // The table is a usual one afterwards.
        writer.load(&target, &[rows(&[json!([2, "B", null])]), deletes(&[json!([1])])]).await?;
        let check = writer.expect(&target, &[json!([2, "B", null]), json!([3, "c", null])]).await;
        check.map_err(|error| error.context(suffix))?;
        writer.session.close().await;
    }
    Ok(())
}

pub(super) async fn sweep_removes_what_is_not_listed(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(HARD).await?;
    let all: Vec<Value> = (1..=6).map(|id| json!([id, "x", null])).collect();
    writer.load(&target, &[rows(&all)]).await?;
    // 99 is listed but not there: it was inserted after the rows were read.
    let listed = [keys(&[json!([1]), json!([6])]), keys(&[json!([99]), json!([3]), json!([3])])];
    let durable = writer.load_into(&target, LoadInto::Table, &listed, Finish::Sweep).await?;
    counts(durable, 0, 3, "a sweep of three rows")?;
    writer.expect(&target, &[json!([1, "x", null]), json!([3, "x", null]), json!([6, "x", null])]).await?;
    let mut writer = writer.reopen(world).await?;
    let durable = writer.load_into(&target, LoadInto::Table, &listed, Finish::Sweep).await?;
    counts(durable, 0, 0, "the same sweep again")?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn sweep_of_an_empty_list_removes_all(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(HARD).await?;
    writer.load(&target, &[rows(&[json!([1, "a", null]), json!([2, "b", null])])]).await?;
    let durable = writer.load_into(&target, LoadInto::Table, &[keys(&[])], Finish::Sweep).await?;
    counts(durable, 0, 2, "a sweep of everything")?;
    writer.expect(&target, &[]).await?;
    writer.load(&target, &[rows(&[json!([2, "b", null])])]).await?;
    // No batch at all is an empty list, too: the source table is empty.
    writer.load_into(&target, LoadInto::Table, &[], Finish::Sweep).await?;
    writer.expect(&target, &[]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn sweep_marks_and_closes(world: &World) -> Result<()> {
    for (mode, suffix) in [(SOFT, "soft"), (WriteMode::History, "history")] {
        let mut writer = world.open().await?;
        let target = world.named(&world.target(writer.destination.as_ref(), mode), suffix);
        writer.create(&target).await?;
        writer.load(&target, &[rows(&[json!([1, "a", null]), json!([2, "b", null])])]).await?;
        let durable =
            writer.load_into(&target, LoadInto::Table, &[keys(&[json!([1])])], Finish::Sweep).await?;
        counts(durable, 0, 1, suffix)?;
        writer.expect(&target, &[json!([1, "a", null])]).await.map_err(|error| error.context(suffix))?;
        // What is gone already does not go again.
        let durable =
            writer.load_into(&target, LoadInto::Table, &[keys(&[json!([1])])], Finish::Sweep).await?;
        counts(durable, 0, 0, suffix)?;
        if mode == WriteMode::History {
            let columns = ["id", system::VALID_TO, system::CURRENT];
            if let Some(all) = world.everything(&target, &columns).await {
                let expected =
                    [json!([1, null, true]), json!([2, EPOCH + 2_000_000, false])].map(|row| row.to_string());
                ensure!(all == expected, "the versions are {all:?} instead of {expected:?}");
            }
        }
        writer.load(&target, &[rows(&[json!([2, "back", null])])]).await?;
        writer.expect(&target, &[json!([1, "a", null]), json!([2, "back", null])]).await?;
        writer.session.close().await;
    }
    Ok(())
}

pub(super) async fn rows_can_come_with_a_sweep(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(HARD).await?;
    writer.load(&target, &[rows(&[json!([1, "a", null]), json!([2, "b", null])])]).await?;
    let segment = [rows(&[json!([3, "c", null]), json!([1, "A", null])]), keys(&[json!([1]), json!([3])])];
    let durable = writer.load_into(&target, LoadInto::Table, &segment, Finish::Sweep).await?;
    counts(durable, 2, 1, "two rows and a sweep of one")?;
    writer.expect(&target, &[json!([1, "A", null]), json!([3, "c", null])]).await?;
    writer.session.close().await;
    Ok(())
}
