//! The rules that hold for all destinations.

use std::sync::Arc;

use arrow::array::RecordBatch;
use syncline_protocol::{Column, TargetName};
use syncline_testkit::conformance::destination::Suite;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    let place = Arc::new(crate::support::Place::new());
    let file = place.file();
    let make = {
        let place = Arc::clone(&place);
        move || {
            let place = Arc::clone(&place);
            Box::pin(async move { place.destination() }) as _
        }
    };
    let read = move |target: TargetName, columns: Vec<Column>| {
        let file = file.clone();
        Box::pin(async move { read_all(&file, &target, &columns) }) as _
    };
    Suite::new(make).read_all(read).run().await.unwrap();
}

/// All rows, through the crate `duckdb` and its own conversion to Arrow.
fn read_all(file: &std::path::Path, target: &TargetName, columns: &[Column]) -> Vec<RecordBatch> {
    let connection = duckdb::Connection::open(file).unwrap();
    let names: Vec<_> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let table = format!("\"{}\".\"{}\"", target.schema.as_deref().unwrap_or("main"), target.name);
    let mut statement = connection.prepare(&format!("SELECT {} FROM {table}", names.join(", "))).unwrap();
    let batches: Vec<_> = statement.query_arrow([]).unwrap().collect();
    let schema = syncline_protocol::schema::arrow_schema(columns);
    batches
        .iter()
        .map(|batch| {
            let arrays = batch
                .columns()
                .iter()
                .zip(schema.fields())
                .map(|(array, field)| arrow::compute::cast(array, field.data_type()).unwrap())
                .collect();
            RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap()
        })
        .collect()
}
