//! Connectors that are programs, real ones from PyPI, whose child, whose parent, or both are killed at random instants:
//! a Singer tap and an Airbyte source into DuckDB, and a Singer target. The destination ends right, and nobody lives on.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use e2e::program::Project;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::{Value, json};

use crate::external::{installed, jsonl, key, lines, number, ok, project, to_target};

/// `SYNCLINE_SEED` repeats a run; otherwise each one is different.
fn seed() -> Result<u64> {
    match std::env::var("SYNCLINE_SEED") {
        Ok(seed) => Ok(seed.parse()?),
        Err(_) => Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs()),
    }
}

/// Goes before a command: the child writes down who it is before it begins.
const WITNESSED: [&str; 4] = ["sh", "-c", "echo $$ >> children; exec \"$@\"", "sh"];

/// Who is killed.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Child,
    Program,
    Both,
}

/// Kills at random instants of runs; a printed seed does the same again.
struct Killer {
    random: ChaCha8Rng,
    /// How long a run takes that nobody disturbs.
    length: Duration,
    /// All children that there were.
    children: BTreeSet<u32>,
}

impl Killer {
    /// `undisturbed` runs once, to see how long that takes.
    async fn new(undisturbed: &Project) -> Result<Killer> {
        let seed = seed()?;
        println!("SYNCLINE_SEED={seed}");
        let begun = Instant::now();
        ok(undisturbed, &["run", "main", "--yes"]).await?;
        let length = begun.elapsed();
        Ok(Killer { random: ChaCha8Rng::seed_from_u64(seed), length, children: BTreeSet::new() })
    }

    /// One run, in which somebody is killed; whose turn it is goes by the round.
    async fn round(&mut self, project: &Project, round: u32) -> Result<()> {
        let victim = [Victim::Child, Victim::Program, Victim::Both][round as usize % 3];
        let mut program = project.command(&["run", "main", "--yes"]).spawn()?;
        let instant = self.length.mul_f64(self.random.random_range(0.05..1.1));
        let ended = tokio::time::timeout(instant, program.wait()).await.is_ok();
        if matches!(victim, Victim::Program | Victim::Both) {
            program.start_kill()?;
        }
        let children = self.children_of(project);
        if matches!(victim, Victim::Child | Victim::Both) {
            for child in &children {
                signal("-9", *child);
            }
        }
        self.children.extend(children);
        let status = program.wait().await?;
        println!("round {round}: {victim:?} killed after {instant:.1?}, ended before: {ended}, {status}");
        Ok(())
    }

    /// The children of the last run.
    fn children_of(&self, project: &Project) -> BTreeSet<u32> {
        let text = std::fs::read_to_string(project.folder().join("children")).unwrap_or_default();
        let all: BTreeSet<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
        all.difference(&self.children).copied().collect()
    }

    /// No child lives on, and what they were given is gone.
    fn nothing_is_left(&self, project: &Project) -> Result<()> {
        let alive: Vec<u32> = self.children.iter().copied().filter(|child| signal("-0", *child)).collect();
        ensure!(!self.children.is_empty() && alive.is_empty(), "{alive:?} of {:?} live on", self.children);
        let left = std::fs::read_dir(project.folder().join(".syncline/external"))?.count();
        ensure!(left == 0, "{left} folders are left");
        Ok(())
    }
}

/// Sends a signal; whether there was somebody to get it.
fn signal(signal: &str, process: u32) -> bool {
    let sent = std::process::Command::new("kill").args([signal, &process.to_string()]).output();
    sent.is_ok_and(|sent| sent.status.success())
}

/// The rows that a target wrote which was killed. A row that it broke off has no line end, so that its next life goes on in
/// the same line: what is whole stands at the end of a line, and a mere beginning is no row.
fn whole_rows(project: &Project, table: &str) -> Result<Vec<Value>> {
    let bytes = std::fs::read(project.folder().join("out").join(format!("{table}.jsonl")))?;
    let text = String::from_utf8_lossy(&bytes);
    let row = |line: &str| {
        let mut starts = line.match_indices('{');
        starts.find_map(|(at, _)| serde_json::from_str(&line[at..]).ok())
    };
    Ok(text.lines().filter_map(row).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn target_and_program_are_killed_at_random_and_no_row_is_missing() -> Result<()> {
    let whole = to_target(&[])?;
    let mut killer = Killer::new(&whole).await?;
    let project = to_target(&WITNESSED)?;
    for round in 1..=6 {
        killer.round(&project, round).await?;
    }
    let ended = project.command(&["run", "main", "--yes"]).status().await?;
    // Runs that came to their end have moved the sample on: its third sync has a row that is rejected on purpose.
    ensure!(matches!(ended.code(), Some(0 | 4)), "the last run ended with {ended}");
    for table in ["products", "order_items"] {
        let keys = |project: &Project| -> Result<BTreeSet<String>> {
            Ok(whole_rows(project, table)?.iter().map(key).collect())
        };
        // Rows may come twice, and the sample changes from run to run: none may be missing.
        let missing: Vec<_> = keys(&whole)?.difference(&keys(&project)?).cloned().collect();
        ensure!(missing.is_empty(), "{table} lacks {missing:?}");
    }
    killer.nothing_is_left(&project)
}

#[tokio::test(flavor = "multi_thread")]
async fn tap_and_program_are_killed_at_random_and_the_destination_ends_right() -> Result<()> {
    const ROWS: u64 = 30_000;
    let project = jsonl(&WITNESSED)?;
    project.write("data/a.jsonl", &lines(1..ROWS + 1, 0)?)?;
    let mut killer = Killer::new(&project).await?;
    for round in 1..=9_u32 {
        // All rows come anew, with another name each.
        project.write("data/a.jsonl", &lines(1..ROWS + 1, round)?)?;
        let file = std::fs::File::options().write(true).open(project.folder().join("data/a.jsonl"))?;
        file.set_modified(SystemTime::now() + Duration::from_secs(u64::from(round) * 10))?;
        killer.round(&project, round).await?;
    }
    ok(&project, &["run", "main", "--yes"]).await?;
    let ids = "select count(distinct id) from ext.things";
    let right = "select count(*) from ext.things where name = 'näme ' || id || ' v9'";
    let rows = i64::try_from(ROWS)?;
    ensure!(number(&project, "select count(*) from ext.things")? == rows, "nothing is lost or doubled");
    ensure!((number(&project, ids)?, number(&project, right)?) == (rows, rows), "each row is the latest one");
    killer.nothing_is_left(&project)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_airbyte_source_and_program_are_killed_at_random_and_the_destination_ends_right() -> Result<()> {
    const USERS: i64 = 600;
    let faker = installed("source-faker")?;
    // Every sync gives every row anew, in many slices with a state each.
    let settings =
        json!({"count": USERS, "seed": 3, "always_updated": true, "records_per_slice": 50, "parallelism": 1});
    let tables =
        "  - name: users\n    mode: merge\n    cursor: updated_at\n  - name: products\n    mode: merge\n";
    let command: Vec<&str> = WITNESSED.into_iter().chain([faker.as_str()]).collect();
    let of = || project("airbyte", &command, &settings, tables);
    let mut killer = Killer::new(&of()?).await?;
    let project = of()?;
    for round in 1..=3 {
        killer.round(&project, round).await?;
    }
    ok(&project, &["run", "main", "--yes"]).await?;
    for (table, rows) in [("users", USERS), ("products", 100)] {
        let counts = ["count(*)", "count(distinct id)", "max(id)"];
        for count in counts {
            let found = number(&project, &format!("select {count} from ext.{table}"))?;
            ensure!(found == rows, "{table}: {count} is {found} instead of {rows}");
        }
    }
    ensure!(number(&project, "select count(*) from ext.users where name is null or email is null")? == 0);
    killer.nothing_is_left(&project)
}
