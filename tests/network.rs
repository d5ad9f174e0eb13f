//! A network that breaks in the middle: connections of the real program go through a proxy that cuts them.

use anyhow::{Result, ensure};
use e2e::program::{Project, built_program, postgres_yaml};
use e2e::target::{NAME, Target};
use syncline_testkit::proxy::{Behaviour, Direction};
use syncline_testkit::{Database, PostgresServer, TcpProxy};

const ROWS: u64 = 120_000;
const CONNECTION: &str = "\
source: source
destination: target
tables:
  - name: public.orders
    mode: merge
";
/// All that can be wrong with a table: rows that are missing, there twice, or other ones.
const ACCOUNT: &str = "select concat_ws('|', count(*), count(distinct id), sum(id), min(length(note)), max(length(note))) from {table}";

async fn orders(database: &Database) {
    database
        .execute(&format!(
            "create table orders (id bigint primary key, note text);
             insert into orders select n, repeat('x', 200) from generate_series(1, {ROWS}) n; analyze orders"
        ))
        .await;
}

/// A project between these databases, each at the port that it is to be reached at.
fn project(target: Target, source: &Database, destination: &Database) -> Result<Project> {
    let project = Project::new(&built_program()?, source)?;
    project.write(
        &format!("destinations/{NAME}.yaml"),
        &match target {
            Target::Postgres => postgres_yaml(destination),
            other => other.yaml(destination),
        },
    )?;
    project.write("connections/main.yaml", CONNECTION)?;
    Ok(project)
}

async fn expect_each_row_once(target: Target, project: &Project, destination: &Database) -> Result<()> {
    let landed = target.rows(project, destination, ("public", "orders"), ACCOUNT).await?;
    let expected = format!("{ROWS}|{ROWS}|{}|200|200", ROWS * (ROWS + 1) / 2);
    ensure!(landed == [expected.clone()], "{target}: {landed:?} instead of {expected}");
    Ok(())
}

/// Cuts every connection to the source in the middle of a COPY, twice.
async fn source_breaks(target: Target) -> Result<()> {
    let server = PostgresServer::shared().await;
    let (source, destination) = (server.create_database().await?, server.create_database().await?);
    orders(&source).await;
    let proxy = TcpProxy::start(server.port()).await?;
    let project = project(target, &source.clone().at_port(proxy.port()), &destination)?;
    let run = project.run("main");
    let breaks = async {
        for bytes in [2_000_000, 9_000_000] {
            proxy.passed(Direction::ToClient, bytes).await;
            proxy.cut_all();
        }
    };
    let (output, ()) = tokio::join!(run, breaks);
    output?;
    expect_each_row_once(target, &project, &destination).await
}

#[tokio::test]
async fn a_source_that_breaks_in_the_middle_of_a_copy_is_read_to_its_end() -> Result<()> {
    for target in [Target::DuckDb, Target::Parquet] {
        source_breaks(target).await?;
    }
    Ok(())
}

/// The answers of a destination end after some bytes: at one of these counts it is the answer to a COPY that is lost, at
/// another one that to a COMMIT, which then was done or was not.
#[tokio::test]
async fn a_destination_whose_answers_are_lost_gets_each_row_once() -> Result<()> {
    let server = PostgresServer::shared().await;
    let source = server.create_database().await?;
    orders(&source).await;
    for bytes in [500, 900, 1_400, 2_000, 2_700, 3_500, 4_500] {
        let destination = server.create_database().await?;
        let proxy = TcpProxy::start(server.port()).await?;
        for _ in 0..3 {
            proxy.next(Behaviour::CutAfter(Direction::ToClient, bytes));
        }
        let project = project(Target::Postgres, &source, &destination.clone().at_port(proxy.port()))?;
        project.run("main").await?;
        expect_each_row_once(Target::Postgres, &project, &destination).await?;
    }
    Ok(())
}

/// The connection to the destination is cut while rows go into its staging table.
#[tokio::test]
async fn a_destination_that_breaks_while_it_is_loaded_gets_each_row_once() -> Result<()> {
    let server = PostgresServer::shared().await;
    let (source, destination) = (server.create_database().await?, server.create_database().await?);
    orders(&source).await;
    let proxy = TcpProxy::start(server.port()).await?;
    let project = project(Target::Postgres, &source, &destination.clone().at_port(proxy.port()))?;
    let breaks = async {
        for bytes in [3_000_000, 12_000_000] {
            proxy.passed(Direction::ToServer, bytes).await;
            proxy.cut_all();
        }
    };
    let (output, ()) = tokio::join!(project.run("main"), breaks);
    output?;
    expect_each_row_once(Target::Postgres, &project, &destination).await
}
