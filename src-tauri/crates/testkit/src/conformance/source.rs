//! The conformance suite of sources.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use arrow::record_batch::RecordBatch;
use futures::future::BoxFuture;
use serde_json::Value;
use syncline_protocol::{
    BatchKind, Change, CheckOutcome, CheckStep, Column, DiscoverFilter, ErrorKind, LogicalType, Part,
    PartKind, ReadMode, ReadPlan, Sampling, Source, SourceSession, StepSink, TableInfo, TableKind, TableName,
    TablePosition, TableRead,
};

use super::case::Report;
use crate::collect::{Collector, batches, sorted_rows};

/// From this many checkpoints of a part reading is resumed, spread over it.
const RESUMES_MAX: usize = 12;
/// A source that is told to stop returns within this time.
const STOP_WITHIN: Duration = Duration::from_secs(10);

type Make = Arc<dyn Fn() -> BoxFuture<'static, Box<dyn Source>> + Send + Sync>;
type Case = for<'a> fn(&'a World, &'a TableRead) -> BoxFuture<'a, Result<()>>;

macro_rules! cases {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), (|world, read| Box::pin($name(world, read))) as Case)),*] };
}

/// For each table and each way to read it.
const CASES: &[(&str, Case)] = cases![
    a_plan_is_well_formed,
    batches_have_the_columns_that_were_asked_for,
    columns_come_in_the_order_that_was_asked_for,
    reading_twice_gives_the_same,
    every_checkpoint_resumes_exactly_there,
    an_unfinished_plan_goes_on_in_a_later_session,
    a_complete_position_starts_a_new_plan,
    a_stopped_read_ends,
    a_stop_before_the_first_row_ends_it,
    a_sample_keeps_its_limit,
    a_column_that_is_gone_is_a_schema_change,
];

struct World {
    make: Make,
}

impl World {
    async fn session(&self, read: &TableRead) -> Result<Box<dyn SourceSession>> {
        let source = (self.make)().await;
        Ok(source.open(std::slice::from_ref(read)).await?)
    }
}

/// The suite for one source.
#[derive(Clone)]
pub struct Suite {
    make: Make,
    tables: Vec<TableName>,
}

impl Suite {
    /// `make` connects to a source that has tables and does not change meanwhile.
    pub fn new<F>(make: F) -> Self
    where
        F: Fn() -> BoxFuture<'static, Box<dyn Source>> + Send + Sync + 'static,
    {
        Suite { make: Arc::new(make), tables: Vec::new() }
    }

    /// Only these tables, instead of all that discovery finds.
    #[must_use]
    pub fn tables(mut self, tables: Vec<TableName>) -> Self {
        self.tables = tables;
        self
    }

    /// Runs all cases.
    pub async fn run(&self) -> Report {
        let mut report = Report::default();
        let world = World { make: Arc::clone(&self.make) };
        report.case("source::check_ends".to_owned(), Box::pin(check_ends(&world))).await;
        report
            .case("source::an_unknown_table_is_not_found".to_owned(), Box::pin(unknown_table(&world)))
            .await;
        let reads = Mutex::new(Vec::new());
        let discovery = async {
            let found = discover(&world, &self.tables).await?;
            *reads.lock().expect("no case panicked") = found;
            Ok(())
        };
        report.case("source::discovery_lists_tables".to_owned(), Box::pin(discovery)).await;
        for (label, read) in reads.into_inner().expect("no case panicked") {
            for (name, case) in CASES {
                report.case(format!("source::{name}[{label}]"), case(&world, &read)).await;
            }
        }
        report
    }
}

/// Runs all cases of [`Suite::new`] on all tables.
///
/// # Panics
/// Naming each case that failed.
pub async fn suite<F>(make: F)
where
    F: Fn() -> BoxFuture<'static, Box<dyn Source>> + Send + Sync + 'static,
{
    Suite::new(make).run().await.unwrap();
}

#[derive(Default)]
struct Steps(Mutex<Vec<CheckStep>>);

impl StepSink for Steps {
    fn step(&self, step: CheckStep) {
        self.0.lock().expect("no step panicked").push(step);
    }
}

async fn check_ends(world: &World) -> Result<()> {
    let steps = Steps::default();
    (world.make)().await.check(&steps).await;
    let steps = steps.0.into_inner().expect("no step panicked");
    ensure!(!steps.is_empty(), "the check tells no step");
    ensure!(CheckOutcome::of(&steps) != CheckOutcome::NotReady, "the check failed: {steps:?}");
    Ok(())
}

async fn unknown_table(world: &World) -> Result<()> {
    let source = (world.make)().await;
    let catalog = source.discover(&DiscoverFilter::default()).await?;
    let known = catalog.tables.first().context("discovery finds no table")?;
    let table = TableName { name: "there is no such table".to_owned(), ..known.schema.table.clone() };
    let filter = DiscoverFilter { tables: vec![table.clone()], system: false };
    let found = source.discover(&filter).await;
    ensure!(
        found
            .as_ref()
            .map_or_else(|error| error.kind() == ErrorKind::NotFound, |found| found.tables.is_empty()),
        "discovery of it gives {found:?}"
    );
    let read = TableRead { table, ..full(known) };
    let error = match source.open(std::slice::from_ref(&read)).await {
        Err(error) => error,
        Ok(session) => match session.plan(&read, None).await {
            Err(error) => error,
            Ok(plan) => bail!("it was planned: {plan:?}"),
        },
    };
    ensure!(
        error.kind() == ErrorKind::NotFound,
        "it failed with {:?} ({error}) instead of NotFound",
        error.kind()
    );
    Ok(())
}

fn full(info: &TableInfo) -> TableRead {
    TableRead {
        table: info.schema.table.clone(),
        columns: info.schema.columns.clone(),
        key: info.schema.key.clone(),
        mode: ReadMode::Full,
        key_list: false,
    }
}

/// All ways to read the tables that are to be tried, with names.
async fn discover(world: &World, only: &[TableName]) -> Result<Vec<(String, TableRead)>> {
    let source = (world.make)().await;
    let capabilities = source.capabilities();
    let all = source.discover(&DiscoverFilter::default()).await?;
    let names: Vec<_> = all.tables.iter().map(|info| &info.schema.table).collect();
    ensure!(names.is_sorted(), "the tables are not sorted by name: {names:?}");
    let filter = DiscoverFilter { tables: only.to_vec(), system: false };
    let catalog = source.discover(&filter).await?;
    ensure!(!catalog.tables.is_empty(), "discovery finds no table");
    for table in only {
        ensure!(catalog.table(table).is_some(), "discovery does not find {table}");
    }
    let mut reads = Vec::new();
    for info in catalog.tables.iter().filter(|info| info.unreadable.is_none()) {
        let schema = &info.schema;
        ensure!(!schema.columns.is_empty(), "{} has no columns", schema.table);
        for key in &schema.key {
            ensure!(schema.column(key).is_some(), "key column {key} of {} is no column", schema.table);
        }
        for cursor in &info.cursors {
            ensure!(schema.column(&cursor.column).is_some(), "cursor {} is no column", cursor.column);
        }
        reads.push((format!("{} full", schema.table), full(info)));
        if let Some(cursor) = info.cursors.first().filter(|_| capabilities.incremental) {
            let mode = ReadMode::Incremental { cursor: cursor.column.clone(), look_back: Duration::ZERO };
            let key_list = capabilities.key_lists && !schema.key.is_empty();
            let read = TableRead { mode, key_list, ..full(info) };
            reads.push((format!("{} by {}", schema.table, cursor.column), read));
        }
    }
    ensure!(!reads.is_empty(), "no table can be read");
    Ok(reads)
}

fn well_formed(plan: &ReadPlan) -> Result<()> {
    for (place, part) in plan.parts.iter().enumerate() {
        ensure!(part.index as usize == place, "part {place} has the number {}", part.index);
        let last = place + 1 == plan.parts.len();
        ensure!(part.kind == PartKind::Changes || last, "a list of keys is not the last part");
    }
    Ok(())
}

async fn a_plan_is_well_formed(world: &World, read: &TableRead) -> Result<()> {
    let session = world.session(read).await?;
    let plan = session.plan(read, None).await?;
    well_formed(&plan)?;
    ensure!(plan.full, "a first plan does not cover every row");
    ensure!(!plan.continues, "a first plan continues something");
    let again = session.plan(read, None).await?;
    ensure!(again.parts.len() == plan.parts.len(), "planning again in the session gives other parts");
    session.close().await;
    Ok(())
}

/// The changes of one part, from a checkpoint on.
async fn read_part(
    session: &dyn SourceSession,
    read: &TableRead,
    plan: &ReadPlan,
    part: &Part,
    from: Option<&Value>,
) -> Result<Vec<Change>> {
    let sink = Collector::new();
    let result = session.read(read, plan, part, from, &sink).await;
    result.with_context(|| format!("part {} from {from:?}", part.index))?;
    Ok(sink.changes())
}

/// What changes mean: the rows of each kind and the rejected ones, sorted.
fn meaning(changes: &[Change]) -> Vec<String> {
    let mut lines = Vec::new();
    for (kind, sign) in
        [(BatchKind::Rows, '+'), (BatchKind::Deletes, '-'), (BatchKind::Keys, '='), (BatchKind::Parents, '^')]
    {
        lines.extend(sorted_rows(&batches(changes, kind)).into_iter().map(|row| format!("{sign}{row}")));
    }
    let mut rejected: Vec<String> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Rejected(row) => Some(format!("!{} {}", row.reason, row.row)),
            _ => None,
        })
        .collect();
    rejected.sort_unstable();
    lines.extend(rejected);
    lines
}

fn same(left: &[String], right: &[String], what: &str) -> Result<()> {
    if left == right {
        return Ok(());
    }
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|line| !those.contains(line)).take(3).cloned().collect()
    };
    bail!(
        "{what}: {} changes instead of {}; missing {:?}, new {:?}",
        right.len(),
        left.len(),
        only(left, right),
        only(right, left)
    )
}

fn fits(batch: &RecordBatch, columns: &[Column]) -> Result<()> {
    let schema = batch.schema();
    ensure!(
        schema.fields().len() == columns.len(),
        "a batch has {} columns instead of {}",
        schema.fields().len(),
        columns.len()
    );
    for (field, column) in schema.fields().iter().zip(columns) {
        ensure!(
            *field.name() == column.name,
            "column {} stands where {} should be",
            field.name(),
            column.name
        );
        ensure!(
            *field.data_type() == column.logical.to_arrow(),
            "column {} came as {} instead of {}",
            column.name,
            field.data_type(),
            column.logical
        );
        let logical = LogicalType::of_field(field);
        ensure!(logical.as_ref() == Some(&column.logical), "column {} is marked as {logical:?}", column.name);
    }
    Ok(())
}

async fn batches_have_the_columns_that_were_asked_for(world: &World, read: &TableRead) -> Result<()> {
    let session = world.session(read).await?;
    let plan = session.plan(read, None).await?;
    let mut rows = 0;
    for part in &plan.parts {
        for change in read_part(session.as_ref(), read, &plan, part, None).await? {
            match change {
                Change::Batch(batch) => {
                    rows += batch.rows.num_rows();
                    let width = batch.rows.num_columns();
                    let expected = match batch.kind {
                        BatchKind::Rows => read.columns.clone(),
                        BatchKind::Deletes | BatchKind::Keys => read.key_columns(),
                        BatchKind::Parents => read.key_columns().into_iter().take(width.max(1)).collect(),
                    };
                    fits(&batch.rows, &expected)?;
                    ensure!(
                        (batch.kind == BatchKind::Keys) == (part.kind == PartKind::Keys),
                        "a {:?} batch in a part of {:?}",
                        batch.kind,
                        part.kind
                    );
                }
                Change::Schema(schema) => bail!("the shape changed while nobody changed it: {schema:?}"),
                Change::Checkpoint(_) => {
                    ensure!(part.kind == PartKind::Changes, "a list of keys has checkpoints inside");
                }
                Change::End(_) => {
                    ensure!(part.kind == PartKind::Changes, "a list of keys has an end to go on from");
                }
                Change::Rejected(_) => rows += 1,
            }
        }
    }
    if let Some(estimate) = plan.rows_estimate.filter(|estimate| *estimate > 0 && rows == 0) {
        bail!("about {estimate} rows were announced, and none came");
    }
    session.close().await;
    Ok(())
}

async fn columns_come_in_the_order_that_was_asked_for(world: &World, read: &TableRead) -> Result<()> {
    let mut turned = read.clone();
    turned.columns.reverse();
    // Without the last column that nothing else needs.
    let needed = |name: &String| {
        read.key.contains(name)
            || matches!(&read.mode, ReadMode::Incremental { cursor, .. } if cursor == name)
    };
    if let Some(place) =
        turned.columns.iter().position(|column| !needed(&column.name)).filter(|_| turned.columns.len() > 1)
    {
        turned.columns.remove(place);
    }
    let rows = async |read: &TableRead| -> Result<Vec<RecordBatch>> {
        let session = world.session(read).await?;
        let plan = session.plan(read, None).await?;
        let mut all = Vec::new();
        for part in plan.parts.iter().filter(|part| part.kind == PartKind::Changes) {
            all.extend(batches(
                &read_part(session.as_ref(), read, &plan, part, None).await?,
                BatchKind::Rows,
            ));
        }
        session.close().await;
        Ok(all)
    };
    let places: Vec<usize> = turned
        .columns
        .iter()
        .filter_map(|column| read.columns.iter().position(|known| known.name == column.name))
        .collect();
    let expected: Vec<RecordBatch> =
        rows(read).await?.iter().map(|batch| batch.project(&places)).collect::<Result<_, _>>()?;
    let found = rows(&turned).await?;
    for batch in &found {
        fits(batch, &turned.columns)?;
    }
    same(&sorted_rows(&expected), &sorted_rows(&found), "other columns")
}

async fn reading_twice_gives_the_same(world: &World, read: &TableRead) -> Result<()> {
    let session = world.session(read).await?;
    let plan = session.plan(read, None).await?;
    for part in &plan.parts {
        let first = read_part(session.as_ref(), read, &plan, part, None).await?;
        let second = read_part(session.as_ref(), read, &plan, part, None).await?;
        same(&meaning(&first), &meaning(&second), "the second read")?;
    }
    session.close().await;
    Ok(())
}

/// Each checkpoint among changes, with what comes after it; not more than a few.
fn checkpoints(changes: &[Change]) -> Vec<(Value, Vec<String>)> {
    let at: Vec<usize> =
        (0..changes.len()).filter(|at| matches!(changes[*at], Change::Checkpoint(_))).collect();
    let step = at.len().div_ceil(RESUMES_MAX).max(1);
    at.into_iter()
        .step_by(step)
        .filter_map(|at| match &changes[at] {
            Change::Checkpoint(value) => Some((value.clone(), meaning(&changes[at + 1..]))),
            _ => None,
        })
        .collect()
}

/// What the part said of its end.
fn end(changes: &[Change]) -> Option<Value> {
    changes.iter().rev().find_map(|change| match change {
        Change::End(value) => Some(value.clone()),
        _ => None,
    })
}

async fn every_checkpoint_resumes_exactly_there(world: &World, read: &TableRead) -> Result<()> {
    let session = world.session(read).await?;
    let plan = session.plan(read, None).await?;
    for part in &plan.parts {
        let changes = read_part(session.as_ref(), read, &plan, part, None).await?;
        for (value, rest) in checkpoints(&changes) {
            let resumed = read_part(session.as_ref(), read, &plan, part, Some(&value)).await?;
            same(&rest, &meaning(&resumed), &format!("part {} from {value}", part.index))?;
        }
    }
    session.close().await;
    Ok(())
}

/// Half of the work is done and the program restarts: the rest must be exactly the rest.
async fn an_unfinished_plan_goes_on_in_a_later_session(world: &World, read: &TableRead) -> Result<()> {
    let session = world.session(read).await?;
    let plan = session.plan(read, None).await?;
    let mut position = TablePosition::start(1, plan.plan.clone());
    let mut expected = Vec::new();
    let done = plan.parts.len() / 2;
    for part in plan.parts.iter().filter(|part| part.kind == PartKind::Changes) {
        let changes = read_part(session.as_ref(), read, &plan, part, None).await?;
        let middle = checkpoints(&changes);
        if (part.index as usize) < done {
            position.finish_part(part.index);
            position.ends.extend(end(&changes).map(|end| (part.index, end)));
        } else if let Some((value, rest)) = middle.get(middle.len() / 2) {
            position.at.insert(part.index, value.clone());
            expected.extend(rest.clone());
        } else {
            expected.extend(meaning(&changes));
        }
    }
    session.close().await;
    let session = world.session(read).await?;
    let again = session.plan(read, Some(&position)).await?;
    well_formed(&again)?;
    if !again.continues {
        // Allowed: the source cannot, and says so. Then it begins at the beginning.
        return Ok(());
    }
    ensure!(
        again.plan == plan.plan,
        "the plan went from {} to {} and says it continues",
        plan.plan,
        again.plan
    );
    ensure!(
        again.parts.len() == plan.parts.len(),
        "{} parts became {}: the numbers of finished parts no longer hold",
        plan.parts.len(),
        again.parts.len()
    );
    let mut found = Vec::new();
    for part in again.parts.iter().filter(|part| part.kind == PartKind::Changes) {
        if !position.done.contains(part.index) {
            let from = position.at.get(&part.index);
            found.extend(meaning(&read_part(session.as_ref(), read, &again, part, from).await?));
        }
    }
    session.close().await;
    expected.sort_unstable();
    found.sort_unstable();
    same(&expected, &found, "the rest in a later session")
}

async fn a_complete_position_starts_a_new_plan(world: &World, read: &TableRead) -> Result<()> {
    let session = world.session(read).await?;
    let plan = session.plan(read, None).await?;
    let mut position = TablePosition::start(1, plan.plan.clone());
    let mut all = Vec::new();
    for part in &plan.parts {
        let changes = read_part(session.as_ref(), read, &plan, part, None).await?;
        position.finish_part(part.index);
        position.ends.extend(end(&changes).map(|end| (part.index, end)));
        all.extend(meaning(&changes));
    }
    position.complete = true;
    session.acknowledge(&read.table, &position).await?;
    session.close().await;
    let session = world.session(read).await?;
    let next = session.plan(read, Some(&position)).await?;
    well_formed(&next)?;
    ensure!(!next.continues, "a complete plan is continued");
    let mut again = Vec::new();
    for part in next.parts.iter().filter(|part| part.kind == PartKind::Changes) {
        again.extend(meaning(&read_part(session.as_ref(), read, &next, part, None).await?));
    }
    session.close().await;
    // Nothing changed, so that nothing is new; a full plan reads everything once more.
    for line in &again {
        ensure!(all.contains(line), "the next plan reads {line}, which was not there");
    }
    if next.full {
        let rows = |lines: &[String]| lines.iter().filter(|line| !line.starts_with('=')).count();
        ensure!(
            rows(&again) == rows(&all),
            "a full plan reads {} changes instead of {}",
            rows(&again),
            rows(&all)
        );
    }
    Ok(())
}

async fn a_stopped_read_ends(world: &World, read: &TableRead) -> Result<()> {
    stopped_after(world, read, 1).await
}

async fn a_stop_before_the_first_row_ends_it(world: &World, read: &TableRead) -> Result<()> {
    stopped_after(world, read, 0).await
}

async fn stopped_after(world: &World, read: &TableRead, changes: usize) -> Result<()> {
    let session = world.session(read).await?;
    let plan = session.plan(read, None).await?;
    for part in plan.parts.iter().take(3) {
        let whole = read_part(session.as_ref(), read, &plan, part, None).await?.len();
        let sink = Collector::stop_after(changes);
        let reading = session.read(read, &plan, part, None, &sink);
        let result = tokio::time::timeout(STOP_WITHIN, reading).await.context("a stopped read goes on")?;
        ensure!(sink.len() <= changes, "{} changes came after the stop", sink.len() - changes);
        if whole > changes {
            let kind = result.err().map(|error| error.kind());
            ensure!(
                kind == Some(ErrorKind::Stopped),
                "a stopped read ended with {kind:?} instead of Stopped"
            );
        }
    }
    // The session is still good.
    for part in plan.parts.iter().take(1) {
        read_part(session.as_ref(), read, &plan, part, None).await?;
    }
    session.close().await;
    Ok(())
}

async fn a_sample_keeps_its_limit(world: &World, read: &TableRead) -> Result<()> {
    let session = world.session(read).await?;
    let plan = session.plan(read, None).await?;
    let mut total = 0;
    for part in plan.parts.iter().filter(|part| part.kind == PartKind::Changes) {
        total += meaning(&read_part(session.as_ref(), read, &plan, part, None).await?).len();
    }
    session.close().await;
    let source = (world.make)().await;
    for limit in [1, 3, 1_000_000] {
        let sink = Collector::new();
        source.sample(read, &Sampling::first(limit), &sink).await?;
        for batch in sink.batches(BatchKind::Rows) {
            fits(&batch, &read.columns)?;
        }
        let count = meaning(&sink.changes()).len();
        ensure!(count == limit.min(total), "a sample of {limit} out of {total} rows gives {count}");
    }
    Ok(())
}

async fn a_column_that_is_gone_is_a_schema_change(world: &World, read: &TableRead) -> Result<()> {
    let filter = DiscoverFilter { tables: vec![read.table.clone()], system: false };
    let catalog = (world.make)().await.discover(&filter).await?;
    let kind = catalog.table(&read.table).map(|info| info.kind);
    if matches!(kind, Some(TableKind::Files | TableKind::Api)) {
        // No list says which columns files have: one that is in none of them was in a file that is gone. What an API
        // gives beyond what its connector declares is known from earlier answers only.
        return Ok(());
    }
    let mut wrong = read.clone();
    wrong.columns.push(Column::new("there is no such column", LogicalType::Text));
    let error = match world.session(&wrong).await {
        Err(error) => error,
        Ok(session) => match session.plan(&wrong, None).await {
            Err(error) => error.into(),
            Ok(_) => bail!("a column that is not there was planned"),
        },
    };
    let kind = error.downcast_ref::<syncline_protocol::Error>().map(syncline_protocol::Error::kind);
    ensure!(
        kind == Some(ErrorKind::SchemaChanged),
        "it failed with {kind:?} ({error:#}) instead of SchemaChanged"
    );
    Ok(())
}
