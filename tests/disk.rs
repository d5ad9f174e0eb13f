//! A disk that is full in the middle of a run.
#![cfg(target_os = "linux")]

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use e2e::program::{PASSWORD_VARIABLE, Project, built_program, said};
use e2e::target::{NAME, Target};
use syncline_testkit::PostgresServer;
use tokio::process::Command;

/// Files may not grow beyond this: like a full disk, a write then fails in its middle. Much less than the table takes.
const FILE_BYTES_MAX: u64 = 2_000_000;
const ROWS: u64 = 60_000;
const CONNECTION: &str =
    "source: source\ndestination: target\ntables:\n  - name: public.orders\n    mode: merge\n";

#[tokio::test]
async fn what_was_durable_stays_and_the_next_run_goes_on() -> Result<()> {
    for target in [Target::DuckDb, Target::Parquet] {
        let server = PostgresServer::shared().await;
        let source = server.create_database().await?;
        // Text that does not become small by compression.
        source
            .execute(&format!(
                "create table orders (id int primary key, note text);
                 insert into orders select n, md5(n::text) || md5((n * 7)::text) from generate_series(1, {ROWS}) n"
            ))
            .await;
        let program = built_program()?;
        let project = Project::new(&program, &source)?;
        project.write(&format!("destinations/{NAME}.yaml"), &target.yaml(&source))?;
        project.write("connections/main.yaml", CONNECTION)?;

        // The signal that comes with the limit would end the program; ignored, it leaves the error of the write.
        let limit = format!("trap '' XFSZ; exec prlimit --fsize={FILE_BYTES_MAX} \"$@\"");
        let limited = Command::new("sh")
            .args(["-c", &limit, "sh"])
            .arg(&program)
            .arg("--project")
            .arg(project.folder())
            .args(["run", "main", "--yes"])
            .env(PASSWORD_VARIABLE, &source.password)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .await
            .context("a shell")?;
        let told = said(&limited);
        ensure!(limited.status.code() == Some(1), "{target}: {}: {told}", limited.status);
        ensure!(told.contains("There is no space left on the disk"), "{target}: {told}");

        project.run("main").await?;
        let account = "select concat_ws('|', count(*), count(distinct id), sum(id)) from {table}";
        let landed = target.rows(&project, &source, ("public", "orders"), account).await?;
        let expected = format!("{ROWS}|{ROWS}|{}", ROWS * (ROWS + 1) / 2);
        ensure!(landed == [expected], "{target}: {landed:?}");
    }
    Ok(())
}
