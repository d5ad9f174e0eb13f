//! Rows that belong to parents: when a parent comes again, what it no longer has is gone.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use syncline_protocol::{
    BatchKind, Column, Commit, Deletes, Durable, Finish, LoadInto, LoaderOptions, LogicalType, TargetTable,
    WriteMode, system,
};

use super::world::{EPOCH, Segment, World, Writer, parents, rows, source_table};

const SOFT: WriteMode = WriteMode::Merge { deletes: Deletes::Soft };
const HARD: WriteMode = WriteMode::Merge { deletes: Deletes::Hard };
const MERGING: [(WriteMode, &str); 3] = [(SOFT, "soft"), (HARD, "hard"), (WriteMode::History, "history")];

/// A target with the columns value, parent, position and the key parent, position. None where the destination does not
/// claim to replace children.
async fn children(world: &World, mode: WriteMode, suffix: &str) -> Result<Option<(Writer, TargetTable)>> {
    let columns = vec![
        Column::new("value", LogicalType::Text),
        Column::new("parent", LogicalType::Int64).required(),
        Column::new("position", LogicalType::Int64).required(),
    ];
    keyed(world, mode, suffix, columns, &["parent", "position"]).await
}

async fn keyed(
    world: &World,
    mode: WriteMode,
    suffix: &str,
    columns: Vec<Column>,
    key: &[&str],
) -> Result<Option<(Writer, TargetTable)>> {
    let writer = world.open().await?;
    if !writer.destination.capabilities().replaces_children {
        writer.session.close().await;
        return Ok(None);
    }
    let target = world.named(&world.target_of(writer.destination.as_ref(), mode, columns, key), suffix);
    Ok(Some((writer, target)))
}

/// Loads a segment, which must count so many written and deleted rows, after which readers see these.
async fn step(
    writer: &mut Writer,
    target: &TargetTable,
    segment: Segment<'_>,
    (written, deleted): (u64, u64),
    seen: &[Value],
) -> Result<()> {
    let durable = writer.load(target, segment).await?;
    writer.expect(target, seen).await.map_err(|error| error.context(format!("after {segment:?}")))?;
    ensure!(durable == Durable { written, deleted }, "{segment:?} counts as {durable:?}");
    Ok(())
}

pub(super) async fn a_parent_keeps_what_came_with_it(world: &World) -> Result<()> {
    for (mode, suffix) in MERGING {
        let Some((mut writer, target)) = children(world, mode, suffix).await? else { return Ok(()) };
        writer.create(&target).await?;
        let three = rows(&[json!(["a", 1, 0]), json!(["b", 1, 1]), json!(["c", 1, 2]), json!(["x", 2, 0])]);
        let first = [parents(&[json!([1]), json!([2])]), three];
        let seen = [json!(["a", 1, 0]), json!(["b", 1, 1]), json!(["c", 1, 2]), json!(["x", 2, 0])];
        step(&mut writer, &target, &first, (4, 0), &seen).await?;
        let fewer = [parents(&[json!([1])]), rows(&[json!(["A", 1, 0])])];
        step(&mut writer, &target, &fewer, (1, 2), &[json!(["A", 1, 0]), json!(["x", 2, 0])]).await?;
        step(&mut writer, &target, &[parents(&[json!([1])])], (0, 1), &[json!(["x", 2, 0])]).await?;
        // One that has nothing, and never had.
        step(&mut writer, &target, &[parents(&[json!([1]), json!([3])])], (0, 0), &[json!(["x", 2, 0])])
            .await?;
        let back = [parents(&[json!([1])]), rows(&[json!(["again", 1, 0]), json!(["b", 1, 1])])];
        let seen = [json!(["again", 1, 0]), json!(["b", 1, 1]), json!(["x", 2, 0])];
        step(&mut writer, &target, &back, (2, 0), &seen).await?;
        if mode == SOFT
            && let Some(all) = world.everything(&target, &["value", "position", system::DELETED]).await
        {
            let expected = [
                json!(["again", 0, false]),
                json!(["b", 1, false]),
                json!(["c", 2, true]),
                json!(["x", 0, false]),
            ];
            ensure!(all == expected.map(|row| row.to_string()), "the table holds {all:?}");
        }
        writer.session.close().await;
    }
    Ok(())
}

pub(super) async fn a_parent_is_told_by_its_whole_key(world: &World) -> Result<()> {
    let columns = vec![
        Column::new("shop", LogicalType::Text).required(),
        Column::new("value", LogicalType::Text),
        Column::new("position", LogicalType::Int32).required(),
        Column::new("number", LogicalType::Int32).required(),
    ];
    let key = ["number", "shop", "position"];
    let Some((mut writer, target)) = keyed(world, HARD, "two", columns, &key).await? else { return Ok(()) };
    writer.create(&target).await?;
    let all =
        [json!(["x", "a", 0, 1]), json!(["y", "b", 0, 1]), json!(["x", "c", 0, 2]), json!(["x", "d", 1, 2])];
    writer.load(&target, &[rows(&all)]).await?;
    let segment = [parents(&[json!([2, "x"]), json!([9, "y"])]), rows(&[json!(["x", "D", 1, 2])])];
    let seen = [json!(["x", "a", 0, 1]), json!(["y", "b", 0, 1]), json!(["x", "D", 1, 2])];
    step(&mut writer, &target, &segment, (1, 1), &seen).await?;
    // All of one number, whatever the shop: the first column alone.
    step(&mut writer, &target, &[parents(&[json!([1])])], (0, 2), &[json!(["x", "D", 1, 2])]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn the_last_telling_of_a_parent_counts(world: &World) -> Result<()> {
    for (mode, suffix) in MERGING {
        let Some((mut writer, target)) = children(world, mode, suffix).await? else { return Ok(()) };
        writer.create(&target).await?;
        let before = [json!(["old", 1, 0]), json!(["old", 1, 4]), json!(["old", 2, 0]), json!(["old", 3, 0])];
        writer.load(&target, &[rows(&before)]).await?;
        let segment = [
            // Rows before any telling; 1 is then told twice more, 2 once before its rows and once after them.
            rows(&[json!(["loose", 1, 0]), json!(["loose", 1, 1]), json!(["loose", 4, 0])]),
            parents(&[json!([1]), json!([2])]),
            rows(&[
                json!(["first", 1, 0]),
                json!(["first", 1, 1]),
                json!(["first", 1, 2]),
                json!(["first", 2, 1]),
            ]),
            parents(&[json!([1])]),
            rows(&[json!(["second", 1, 1])]),
            parents(&[json!([2])]),
            rows(&[json!(["late", 4, 1])]),
        ];
        // Of what was there, two rows of 1 and the one of 2 are gone.
        let seen =
            [json!(["second", 1, 1]), json!(["old", 3, 0]), json!(["loose", 4, 0]), json!(["late", 4, 1])];
        step(&mut writer, &target, &segment, (3, 3), &seen).await.map_err(|error| error.context(suffix))?;
        writer.session.close().await;
    }
    Ok(())
}

pub(super) async fn a_lost_telling_changes_nothing(world: &World) -> Result<()> {
    for (mode, suffix) in MERGING {
        let Some((mut writer, target)) = children(world, mode, suffix).await? else { return Ok(()) };
        writer.create(&target).await?;
        let before = [json!(["a", 1, 0]), json!(["b", 1, 1])];
        writer.load(&target, &[parents(&[json!([1])]), rows(&before)]).await?;
        let mut loader = writer.loader(&target, LoadInto::Table).await?;
        let mut lost = writer.next(&target);
        let segment = [parents(&[json!([1])]), rows(&[json!(["lost", 1, 0])])];
        writer.write(loader.as_mut(), &target, &segment, &mut lost).await?;
        drop(loader);
        let mut writer = writer.reopen(world).await?;
        writer.expect(&target, &before).await?;
        // Told again, and once more, as after an answer that was lost.
        let told = [parents(&[json!([1])]), rows(&[json!(["A", 1, 0])])];
        writer.load(&target, &told).await?;
        writer.expect(&target, &[json!(["A", 1, 0])]).await?;
        writer.load(&target, &told).await?;
        writer.expect(&target, &[json!(["A", 1, 0])]).await?;
        writer.session.close().await;
    }
    Ok(())
}

pub(super) async fn history_keeps_what_a_parent_had(world: &World) -> Result<()> {
    let Some((mut writer, target)) = children(world, WriteMode::History, "kept").await? else {
        return Ok(());
    };
    writer.create(&target).await?;
    let two = [parents(&[json!([1])]), rows(&[json!(["a", 1, 0]), json!(["b", 1, 1])])];
    let seen = [json!(["a", 1, 0]), json!(["b", 1, 1])];
    step(&mut writer, &target, &two, (2, 0), &seen).await?;
    step(&mut writer, &target, &two, (0, 0), &seen).await?;
    let one = [parents(&[json!([1])]), rows(&[json!(["a", 1, 0])])];
    step(&mut writer, &target, &one, (0, 1), &[json!(["a", 1, 0])]).await?;
    let columns = ["value", system::VALID_FROM, system::VALID_TO, system::CURRENT];
    if let Some(all) = world.everything(&target, &columns).await {
        let at = |ordinal: i64| EPOCH + ordinal * 1_000_000;
        let expected = [json!(["a", at(1), null, true]), json!(["b", at(1), at(3), false])];
        ensure!(all == expected.map(|row| row.to_string()), "the versions are {all:?}");
    }
    writer.session.close().await;
    Ok(())
}

pub(super) async fn a_copy_has_the_last_telling(world: &World) -> Result<()> {
    let Some((mut writer, target)) = children(world, WriteMode::Replace, "copy").await? else {
        return Ok(());
    };
    writer.begin(&target, LoadInto::Beside).await?;
    let first = [parents(&[json!([1])]), rows(&[json!(["a", 1, 0]), json!(["b", 1, 1]), json!(["c", 1, 2])])];
    writer.load_into(&target, LoadInto::Beside, &first, Finish::None).await?;
    let second = [parents(&[json!([1]), json!([2])]), rows(&[json!(["A", 1, 0]), json!(["x", 2, 0])])];
    writer.load_into(&target, LoadInto::Beside, &second, Finish::Swap).await?;
    writer.expect(&target, &[json!(["A", 1, 0]), json!(["x", 2, 0])]).await?;
    writer.session.close().await;
    // Where no key comes twice, a telling has nothing to replace.
    let Some((mut writer, target)) = children(world, SOFT, "distinct").await? else { return Ok(()) };
    writer.create(&target).await?;
    let options = LoaderOptions {
        target: target.clone(),
        table: source_table(&target),
        into: LoadInto::Table,
        distinct: true,
    };
    let mut loader = writer.session.loader(&options).await?;
    let mut commit = Commit { finish: Finish::Complete, ..writer.next(&target) };
    writer.write(loader.as_mut(), &target, &first, &mut commit).await?;
    loader.commit(&commit).await?;
    writer.committed(&commit);
    drop(loader);
    writer.load(&target, &second).await?;
    writer.expect(&target, &[json!(["A", 1, 0]), json!(["x", 2, 0])]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn append_keeps_every_telling(world: &World) -> Result<()> {
    let Some((mut writer, target)) = children(world, WriteMode::Append, "append").await? else {
        return Ok(());
    };
    writer.create(&target).await?;
    let two = [parents(&[json!([1])]), rows(&[json!(["a", 1, 0]), json!(["b", 1, 1])])];
    step(&mut writer, &target, &two, (2, 0), &[json!(["a", 1, 0]), json!(["b", 1, 1])]).await?;
    let one = [parents(&[json!([1])]), rows(&[json!(["A", 1, 0])])];
    let seen = [json!(["a", 1, 0]), json!(["b", 1, 1]), json!(["A", 1, 0])];
    step(&mut writer, &target, &one, (1, 0), &seen).await?;
    step(&mut writer, &target, &[parents(&[json!([1])])], (0, 0), &seen).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn many_parents_are_told_anew(world: &World) -> Result<()> {
    const PARENTS: u64 = 4_000;
    for (mode, suffix) in MERGING {
        let Some((mut writer, target)) = children(world, mode, suffix).await? else { return Ok(()) };
        writer.create(&target).await?;
        // Each parent has as many rows as the remainder of its number says, four at most.
        let segment = |shift: u64| -> Vec<(BatchKind, Vec<Value>)> {
            let numbers: Vec<u64> = (0..PARENTS).collect();
            let pieces = numbers.chunks(500).flat_map(|numbers| {
                let keys: Vec<Value> = numbers.iter().map(|parent| json!([parent])).collect();
                let all: Vec<Value> = numbers
                    .iter()
                    .flat_map(|parent| (0..(parent + shift) % 5).map(move |at| json!(["v", parent, at])))
                    .collect();
                [parents(&keys), rows(&all)]
            });
            pieces.collect()
        };
        for shift in [0, 1, 3] {
            writer.load(&target, &segment(shift)).await?;
            let seen = writer.seen(&target).await?.len() as u64;
            let expected: u64 = (0..PARENTS).map(|parent| (parent + shift) % 5).sum();
            ensure!(seen == expected, "{suffix}: readers see {seen} rows instead of {expected}");
        }
        writer.session.close().await;
    }
    Ok(())
}
