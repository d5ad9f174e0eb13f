//! Schema changes, types, names, sizes.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use syncline_protocol::{
    BatchKind, Column, Deletes, Destination, DigestHasher, ErrorKind, Finish, LoadInto, LogicalType,
    SchemaChange, TargetTable, WriteMode,
};

use super::world::{World, Writer, expect_kind, rows};
use crate::collect::{Collector, sorted_rows};
use crate::conformance::values::every_type_for;
use crate::rows::{batch, widen};

const MERGE: WriteMode = WriteMode::Merge { deletes: Deletes::Soft };

async fn shape(destination: &dyn Destination, target: &TargetTable) -> Result<BTreeMap<String, LogicalType>> {
    let mut tables = destination.inspect(std::slice::from_ref(&target.name)).await?;
    ensure!(tables.len() == 1, "inspect of one table answers {}", tables.len());
    let columns = tables.remove(0).context("inspect does not see the table")?;
    Ok(columns.into_iter().map(|column| (column.name, column.logical)).collect())
}

pub(super) async fn create_shows_in_inspect(world: &World) -> Result<()> {
    for (mode, suffix) in [(MERGE, "merge"), (WriteMode::History, "history"), (WriteMode::Append, "append")] {
        let writer = world.open().await?;
        let target = world.named(&world.target(writer.destination.as_ref(), mode), suffix);
        let missing = world.named(&target, "missing");
        writer.create(&target).await?;
        let names = [missing.name.clone(), target.name.clone()];
        let tables = writer.destination.inspect(&names).await?;
        ensure!(tables.len() == 2 && tables[0].is_none(), "a missing table is seen: {tables:?}");
        let found = shape(writer.destination.as_ref(), &target).await?;
        let expected: BTreeMap<_, _> =
            target.all_columns().into_iter().map(|column| (column.name, column.logical)).collect();
        ensure!(found == expected, "inspect sees {found:?} instead of {expected:?}");
        ensure!(writer.destination.count(&target).await? == 0, "a new table has rows");
        writer.session.close().await;
    }
    Ok(())
}

pub(super) async fn a_missing_table_is_not_found(world: &World) -> Result<()> {
    let writer = world.open().await?;
    let target = world.target(writer.destination.as_ref(), MERGE);
    let count = writer.destination.count(&target).await;
    expect_kind(count.map_err(Into::into), ErrorKind::NotFound, "count of a missing table")?;
    let scan = writer.destination.scan(&target, &target.columns, &Collector::new()).await;
    expect_kind(scan.map_err(Into::into), ErrorKind::NotFound, "scan of a missing table")?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn changes_can_be_repeated(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    writer.load(&target, &[rows(&[json!([1, "a", "1.00"])])]).await?;
    writer.create(&target).await?;
    let add = SchemaChange::AddColumn {
        table: target.name.clone(),
        column: Column::new("extra", LogicalType::Int32),
    };
    let widen = SchemaChange::WidenColumn {
        table: target.name.clone(),
        column: Column::new("extra", LogicalType::Int64),
        from: LogicalType::Int32,
    };
    for change in [&add, &add, &widen, &widen] {
        writer.session.apply(change).await.with_context(|| format!("{change:?}"))?;
    }
    writer.create(&target).await?;
    writer.expect(&target, &[json!([1, "a", "1.00"])]).await?;
    let found = shape(writer.destination.as_ref(), &target).await?;
    ensure!(found.get("extra") == Some(&LogicalType::Int64), "inspect sees {found:?}");
    writer.session.close().await;
    Ok(())
}

pub(super) async fn a_dropped_table_is_gone_and_can_come_back(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    writer.load(&target, &[rows(&[json!([1, "a", "1.00"]), json!([2, "b", "2.00"])])]).await?;
    let drop = SchemaChange::DropTable { table: target.name.clone() };
    for _ in 0..2 {
        writer.session.apply(&drop).await.with_context(|| format!("{drop:?}"))?;
        let found = writer.destination.inspect(std::slice::from_ref(&target.name)).await?;
        ensure!(found == [None], "after it was dropped inspect sees {found:?}");
    }
    let count = writer.destination.count(&target).await;
    expect_kind(count.map_err(Into::into), ErrorKind::NotFound, "count of a dropped table")?;
    let mut writer = writer.reopen(world).await?;
    let found = writer.destination.inspect(std::slice::from_ref(&target.name)).await?;
    ensure!(found == [None], "after reopening inspect sees {found:?}");
    writer.create(&target).await?;
    writer.load(&target, &[rows(&[json!([3, "c", "3.00"])])]).await?;
    writer.expect(&target, &[json!([3, "c", "3.00"])]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn a_new_column_is_null_in_old_rows(world: &World) -> Result<()> {
    for (mode, suffix) in [(MERGE, "merge"), (WriteMode::History, "history"), (WriteMode::Append, "append")] {
        let mut writer = world.open().await?;
        let target = world.named(&world.target(writer.destination.as_ref(), mode), suffix);
        writer.create(&target).await?;
        writer.load(&target, &[rows(&[json!([1, "a", null])])]).await?;
        let column = Column::new("extra", LogicalType::Text);
        let mut wider = target.clone();
        // In the middle of the batch, at the end of the table.
        wider.columns.insert(1, column.clone());
        writer.session.apply(&SchemaChange::AddColumn { table: target.name.clone(), column }).await?;
        writer.expect(&wider, &[json!([1, null, "a", null])]).await?;
        let mut writer = writer.reopen(world).await?;
        writer.load(&wider, &[rows(&[json!([2, "new", "b", null])])]).await?;
        let check = writer.expect(&wider, &[json!([1, null, "a", null]), json!([2, "new", "b", null])]).await;
        check.map_err(|error| error.context(suffix))?;
        writer.session.close().await;
    }
    Ok(())
}

pub(super) async fn a_missing_column_is_null_in_new_rows(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    writer.load(&target, &[rows(&[json!([1, "a", "1.00"])])]).await?;
    let mut narrower = target.clone();
    narrower.columns.retain(|column| column.name != "name");
    writer.load(&narrower, &[rows(&[json!([2, "2.00"])])]).await?;
    writer.expect(&target, &[json!([1, "a", "1.00"]), json!([2, null, "2.00"])]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn batches_may_order_columns_otherwise(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    writer.load(&target, &[rows(&[json!([1, "a", "1.00"])])]).await?;
    let mut turned = target.clone();
    turned.columns[..3].reverse();
    writer.load(&turned, &[rows(&[json!(["2.00", "b", 2]), json!(["1.50", "A", 1])])]).await?;
    writer.expect(&target, &[json!([1, "A", "1.50"]), json!([2, "b", "2.00"])]).await?;
    writer.expect(&turned, &[json!(["1.50", "A", 1]), json!(["2.00", "b", 2])]).await?;
    writer.session.close().await;
    Ok(())
}

pub(super) async fn widening_keeps_values(world: &World) -> Result<()> {
    use LogicalType::{Date, Float32, Float64, Int16, Int32, Int64, Numeric, Text, Timestamp};
    let decimal = |precision, scale| LogicalType::Decimal { precision, scale };
    let steps: [(LogicalType, LogicalType, Value); 11] = [
        (Int16, Int32, json!(-7)),
        (Int32, Int64, json!(i32::MIN)),
        (Int64, decimal(21, 2), json!(i64::MAX)),
        (Int64, Numeric, json!(i64::MIN)),
        (Int64, Text, json!(-12)),
        (decimal(5, 2), decimal(10, 4), json!("-123.45")),
        (decimal(10, 0), Text, json!("42")),
        (decimal(10, 2), Numeric, json!("42.50")),
        (Float32, Float64, json!(0.5)),
        (Int32, Float64, json!(i32::MAX)),
        (Date, Timestamp, json!(19_782)),
    ];
    let mut writer = world.open().await?;
    let mut wrong = Vec::new();
    for (number, (from, to, value)) in steps.into_iter().enumerate() {
        let land = |logical: &LogicalType| writer.destination.landing(logical).logical;
        let (from, to) = (land(&from), land(&to));
        let what = format!("{from} to {to}");
        let Some(wider) = widen(&value, &from, &to).filter(|_| from != to) else { continue };
        let result = widen_one(world, &mut writer, number, (&from, &to), (&value, &wider)).await;
        if let Err(error) = result {
            wrong.push(format!("{what}: {error:#}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("; "));
    writer.session.close().await;
    Ok(())
}

async fn widen_one(
    world: &World,
    writer: &mut Writer,
    number: usize,
    (from, to): (&LogicalType, &LogicalType),
    (value, wider): (&Value, &Value),
) -> Result<()> {
    let columns = |logical: &LogicalType| {
        vec![Column::new("id", LogicalType::Int64).required(), Column::new("v", logical.clone())]
    };
    let narrow = world.target_of(writer.destination.as_ref(), MERGE, columns(from), &["id"]);
    let narrow = world.named(&narrow, &number.to_string());
    writer.create(&narrow).await?;
    writer.load(&narrow, &[rows(&[json!([1, value]), json!([2, null])])]).await?;
    let column = Column::new("v", to.clone());
    let change = SchemaChange::WidenColumn { table: narrow.name.clone(), column, from: from.clone() };
    writer.session.apply(&change).await?;
    let wide = world.target_of(writer.destination.as_ref(), MERGE, columns(to), &["id"]);
    let wide = world.named(&wide, &number.to_string());
    let found = shape(writer.destination.as_ref(), &wide).await?;
    ensure!(found.get("v") == Some(to), "inspect sees {:?}", found.get("v"));
    // By value, as the digest counts: 42.50 as numeric may come back as 42.5.
    let expected = digest(&columns(to), &[json!([1, wider]), json!([2, null])])?;
    let sink = Collector::new();
    writer.destination.scan(&wide, &columns(to), &sink).await?;
    ensure!(sink.digest(2) == expected, "it holds {:?}", sorted_rows(&sink.batches(BatchKind::Rows)));
    writer.load(&wide, &[rows(&[json!([3, wider])])]).await?;
    Ok(())
}

fn digest(columns: &[Column], rows: &[Value]) -> Result<syncline_protocol::Digest> {
    Ok(DigestHasher::default().digest(&batch(columns, rows), columns.len())?)
}

pub(super) async fn every_type_comes_back(world: &World) -> Result<()> {
    types_come_back(world, WriteMode::Append).await
}

pub(super) async fn every_type_merges(world: &World) -> Result<()> {
    types_come_back(world, MERGE).await
}

async fn types_come_back(world: &World, mode: WriteMode) -> Result<()> {
    let mut writer = world.open().await?;
    let mut wrong = Vec::new();
    for (number, (logical, values)) in
        every_type_for(&writer.destination.capabilities()).into_iter().enumerate()
    {
        if writer.destination.landing(&logical).logical != logical {
            // The engine converts it; the type it lands as is tried by itself.
            continue;
        }
        if let Err(error) = type_comes_back(world, &mut writer, mode, number, &logical, &values).await {
            wrong.push(format!("{logical}: {error:#}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("; "));
    writer.session.close().await;
    Ok(())
}

async fn type_comes_back(
    world: &World,
    writer: &mut Writer,
    mode: WriteMode,
    number: usize,
    logical: &LogicalType,
    values: &[Value],
) -> Result<()> {
    let columns = vec![Column::new("id", LogicalType::Int64).required(), Column::new("v", logical.clone())];
    let key: &[&str] = if mode == WriteMode::Append { &[] } else { &["id"] };
    let target = world.target_of(writer.destination.as_ref(), mode, columns.clone(), key);
    let target = world.named(&target, &number.to_string());
    writer.create(&target).await?;
    let found = shape(writer.destination.as_ref(), &target).await?;
    ensure!(found.get("v") == Some(logical), "inspect sees it as {:?}", found.get("v"));
    let given: Vec<Value> = values.iter().enumerate().map(|(id, value)| json!([id, value])).collect();
    writer.load(&target, &[rows(&given)]).await?;
    if mode != WriteMode::Append {
        // Once more, so that the rows take the way of an update.
        writer.load(&target, &[rows(&given)]).await?;
    }
    let sink = Collector::new();
    writer.destination.scan(&target, &columns, &sink).await?;
    if sink.digest(2) != digest(&columns, &given)? {
        let (back, given) =
            (sorted_rows(&sink.batches(BatchKind::Rows)), sorted_rows(&[batch(&columns, &given)]));
        let lost: Vec<_> = given.iter().filter(|row| !back.contains(row)).collect();
        let new: Vec<_> = back.iter().filter(|row| !given.contains(row)).collect();
        anyhow::bail!("{lost:?} came back as {new:?}");
    }
    Ok(())
}

pub(super) async fn long_and_odd_names_work(world: &World) -> Result<()> {
    let mut writer = world.open().await?;
    let capabilities = writer.destination.capabilities();
    let bytes = capabilities.identifier_bytes_max.min(200);
    let mut names: Vec<String> =
        ["select", "a b", "a\"b", "a'b", "x.y", "naïve", "%d", "-", "1", "table", "b\\n"]
            .map(str::to_owned)
            .to_vec();
    names.push("n".repeat(bytes));
    names.push("é".repeat(bytes / 2));
    if capabilities.case_sensitive {
        names.extend(["Case".to_owned(), "case".to_owned(), "CASE".to_owned()]);
    } else {
        names.push("Case".to_owned());
    }
    let mut columns = vec![Column::new("Id \"1\"", LogicalType::Int64).required()];
    columns.extend(names.iter().map(|name| Column::new(name, LogicalType::Text)));
    let mut target = world.target_of(writer.destination.as_ref(), MERGE, columns.clone(), &["Id \"1\""]);
    let row = |id: i64| {
        let values = names.iter().map(|name| json!(format!("{id} {name}")));
        Value::Array(std::iter::once(json!(id)).chain(values).collect())
    };
    for table in ["Odd \"table\"".to_owned(), "t".repeat(bytes), "é".repeat(bytes / 2), "order".to_owned()] {
        target.name.name = table;
        writer.create(&target).await?;
        writer.load(&target, &[rows(&[row(1), row(2)])]).await?;
        writer.load(&target, &[rows(&[row(2)]), super::world::deletes(&[json!([1])])]).await?;
        writer.expect(&target, &[row(2)]).await.map_err(|error| error.context(target.name.name.clone()))?;
        // The copy beside has a name of its own.
        writer.begin(&target, LoadInto::Beside).await?;
        writer.load_into(&target, LoadInto::Beside, &[rows(&[row(3)])], Finish::Swap).await?;
        writer.expect(&target, &[row(3)]).await.map_err(|error| error.context(target.name.name.clone()))?;
    }
    writer.session.close().await;
    Ok(())
}

pub(super) async fn ddl_says_what_apply_does(world: &World) -> Result<()> {
    let destination = world.destination().await;
    let target = world.target(destination.as_ref(), MERGE);
    let create = destination.ddl(&SchemaChange::CreateTable { table: target.clone() });
    ensure!(!create.is_empty(), "creating a table shows nothing");
    let text = create.join("\n");
    ensure!(text.contains(&target.name.name), "`{text}` does not name the table");
    let column = Column::new("extra", LogicalType::Text);
    let add = destination.ddl(&SchemaChange::AddColumn { table: target.name, column }).join("\n");
    ensure!(add.contains("extra"), "`{add}` does not name the column");
    Ok(())
}

pub(super) async fn large_segments_land(world: &World) -> Result<()> {
    let (mut writer, target) = world.with_table(MERGE).await?;
    let page = |from: i64, name: &str| {
        let values: Vec<Value> =
            (from..from + 5000).map(|id| json!([id, format!("{name} {id}"), "1.00"])).collect();
        rows(&values)
    };
    let durable = writer.load(&target, &[page(0, "a"), page(5000, "a"), page(10_000, "a")]).await?;
    ensure!(durable.written == 15_000, "15,000 rows count as {durable:?}");
    writer.load(&target, &[page(5000, "b"), page(15_000, "b")]).await?;
    let seen = writer.seen(&target).await?;
    ensure!(seen.len() == 20_000, "{} rows are there", seen.len());
    let changed = seen.iter().filter(|row| row.contains("\"b ")).count();
    ensure!(changed == 10_000, "{changed} rows have their last version");
    writer.session.close().await;
    Ok(())
}
