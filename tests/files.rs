//! A folder of files that grows, into DuckDB and Parquet with the real program.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use duckdb::Connection;
use e2e::program::{Project, built_program, said};

const SOURCE: &str = "\
connector: files
config:
  path: in/*.csv*
  table: orders
  file_columns: true
";

const CONNECTION: &str = "\
source: source
destination: target
schema: shop
tables:
  - name: orders
    mode: merge
    cursor: _modified
";

/// Rows as lines, sorted, read without Syncline. A column that is not there is null.
fn rows(project: &Path, target: &str) -> Result<Vec<String>> {
    let (connection, table) = match target {
        "duckdb" => (Connection::open(project.join("target.duckdb"))?, "shop.orders".to_owned()),
        _ => {
            let files = project.join("target/shop/orders/*.parquet");
            let files = files.to_str().context("a path that is text")?.replace('\'', "''");
            (Connection::open_in_memory()?, format!("read_parquet('{files}', union_by_name = true)"))
        }
    };
    let mut query = connection.prepare(&format!(
        "select concat_ws('|', _file, _line, id, name, amount, coalesce(cast(columns('^paid$') as varchar), 'null'))
         from {table} order by all"
    ))?;
    let rows = query.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<duckdb::Result<_>>()?)
}

async fn run(project: &Project, code: i32) -> Result<()> {
    let output = project.command(&["run", "main", "--yes", "--verify"]).output().await?;
    ensure!(output.status.code() == Some(code), "{}: {}", output.status, said(&output));
    Ok(())
}

async fn grows(target: &str, config: &str) -> Result<()> {
    let project = Project::with_source(&built_program()?, SOURCE, "")?;
    project.write("destinations/target.yaml", config)?;
    project.write("connections/main.yaml", CONNECTION)?;
    fs::create_dir(project.folder().join("in"))?;
    project.write("in/a.csv", "id,name,amount,paid\n1,Ann,5,true\n2,\"Bob\nB.\",7,\n")?;
    project.write("in/b.csv", "paid;amount;name;id\r\nfalse;9;Cem;3\r\n")?;
    run(&project, 0).await?;
    let mut expected = vec!["a.csv|2|1|Ann|5|true", "a.csv|3|2|Bob\nB.|7|null", "b.csv|2|3|Cem|9|false"];
    ensure!(rows(project.folder(), target)? == expected, "{:?}", rows(project.folder(), target)?);

    // Nothing new.
    run(&project, 0).await?;
    ensure!(rows(project.folder(), target)? == expected, "{:?}", rows(project.folder(), target)?);

    // A file with wider numbers, and a row that is none.
    project.write("in/c.csv", "id,name,amount,paid\n4,Dora,1.25,true\n5,too few\n")?;
    run(&project, 4).await?;
    expected = vec![
        "a.csv|2|1|Ann|5.00|true",
        "a.csv|3|2|Bob\nB.|7.00|null",
        "b.csv|2|3|Cem|9.00|false",
        "c.csv|2|4|Dora|1.25|true",
    ];
    ensure!(rows(project.folder(), target)? == expected, "{:?}", rows(project.folder(), target)?);

    // A file that changed: its rows are merged.
    project.write("in/b.csv", "paid;amount;name;id\r\ntrue;9.5;Cem;3\r\nfalse;1;Eve;6\r\n")?;
    run(&project, 0).await?;
    expected.splice(2..3, ["b.csv|2|3|Cem|9.50|true", "b.csv|3|6|Eve|1.00|false"]);
    ensure!(rows(project.folder(), target)? == expected, "{:?}", rows(project.folder(), target)?);
    Ok(())
}

#[tokio::test]
async fn a_folder_that_grows_into_duckdb() -> Result<()> {
    grows("duckdb", "connector: duckdb\nconfig:\n  path: target.duckdb\n").await
}

#[tokio::test]
async fn a_folder_that_grows_into_parquet() -> Result<()> {
    grows("parquet", "connector: parquet\nconfig:\n  path: target\n").await
}
