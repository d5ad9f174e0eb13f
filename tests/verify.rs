//! `run --verify`, with the real program.

use anyhow::{Result, ensure};
use e2e::program::{Project, built_program, said};
use e2e::target::{NAME, Target};
use syncline_testkit::PostgresServer;

const CONNECTION: &str = "\
source: source
destination: target
tables:
  - name: public.orders
    mode: merge
    cursor: updated_at
";

/// Rows from before a column was added have no value in the destination. That is a difference, and is told as one.
#[tokio::test]
async fn a_column_that_is_never_null_in_the_source_may_be_so_in_old_rows() -> Result<()> {
    for target in Target::ALL {
        let server = PostgresServer::shared().await;
        let (source, destination) = (server.create_database().await?, server.create_database().await?);
        source
            .execute(
                "create table orders (id int primary key, updated_at timestamptz not null default now());
                 insert into orders select generate_series(1, 1000)",
            )
            .await;
        let project = Project::new(&built_program()?, &source)?;
        project.write(&format!("destinations/{NAME}.yaml"), &target.yaml(&destination))?;
        project.write("connections/main.yaml", CONNECTION)?;
        let verify = async || project.command(&["run", "main", "--yes", "--verify"]).output().await;
        let output = verify().await?;
        ensure!(output.status.success(), "{target}: {}", said(&output));

        source
            .execute(
                "alter table orders add channel text not null default 'web';
                 insert into orders values (1001, now(), 'shop')",
            )
            .await;
        let output = verify().await?;
        let told = said(&output);
        ensure!(output.status.code() == Some(1), "{target}: {}: {told}", output.status);
        ensure!(told.contains("Read the table again from the start"), "{target}: {told}");

        // What it advises makes both sides equal.
        source.execute("update orders set updated_at = now() + interval '1 minute'").await;
        let output = verify().await?;
        ensure!(output.status.success(), "{target}: {}", said(&output));
    }
    Ok(())
}
