//! Kills the program at random instants, restarts it until it finishes, and compares what it made row for row.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde::Serialize;
use syncline_testkit::postgres::Options;
use syncline_testkit::{Database, PostgresServer};

use crate::program::{Project, said};
use crate::shop::{self, TABLES_YAML, Writer, compare};
use crate::target::{self, Target};

/// After this many kills the program may finish, both sides are compared, and an empty destination is begun.
const KILLS_BEFORE_COMPARING: u32 = 25;
const CONNECTION: &str = "main";

/// What a crash test found.
#[derive(Debug, Clone, Serialize)]
pub struct Account {
    /// The destination.
    pub destination: String,
    /// What chose the instants.
    pub seed: u64,
    /// How often the program was killed while it ran.
    pub kills: u32,
    /// How often it finished before it was killed.
    pub finished: u32,
    /// How often both sides were compared.
    pub comparisons: u32,
    /// Rows of the source that are not in the destination.
    pub lost: usize,
    /// Rows that are there more than once.
    pub doubled: usize,
    /// Rows with other values than in the source, or that the source does not have.
    pub different: usize,
    /// Wall time, in seconds.
    pub seconds: f64,
}

impl Account {
    /// Whether every row arrived exactly once.
    pub fn is_clean(&self) -> bool {
        (self.lost, self.doubled, self.different) == (0, 0, 0)
    }
}

struct Test {
    project: Project,
    target: Target,
    source: Database,
    destination: Database,
    random: ChaCha8Rng,
}

/// Kills the program `kills` times on its way into `target`. `tell` gets a line now and then.
///
/// # Errors
/// When the program fails without having been killed, with what it said; or when servers cannot be had.
pub async fn crash(
    program: &Path,
    target: Target,
    kills: u32,
    seed: u64,
    tell: &(dyn Fn(String) + Sync),
) -> Result<Account> {
    let begun = Instant::now();
    let server = Options::default().setting("max_connections", "100").start().await?;
    let test = Test::new(program, target, seed, &server).await?;
    let account = test.run(kills, seed, tell).await?;
    Ok(Account { seconds: begun.elapsed().as_secs_f64(), ..account })
}

impl Test {
    async fn new(program: &Path, target: Target, seed: u64, server: &PostgresServer) -> Result<Self> {
        let (source, destination) = (server.create_database().await?, server.create_database().await?);
        shop::create(&source).await?;
        let project = Project::new(program, &source)?;
        project.write(&format!("destinations/{}.yaml", target::NAME), &target.yaml(&destination))?;
        let connection = format!("source: source\ndestination: {}\n{TABLES_YAML}", target::NAME);
        project.write(&format!("connections/{CONNECTION}.yaml"), &connection)?;
        Ok(Test { project, target, source, destination, random: ChaCha8Rng::seed_from_u64(seed) })
    }

    async fn run(mut self, kills: u32, seed: u64, tell: &(dyn Fn(String) + Sync)) -> Result<Account> {
        let mut account = Account {
            destination: self.target.to_string(),
            seed,
            kills: 0,
            finished: 0,
            comparisons: 0,
            lost: 0,
            doubled: 0,
            different: 0,
            seconds: 0.0,
        };
        let (first, next) = self.measure().await?;
        tell(format!("{} seed {seed}: a first run takes {first:.1?}, a later one {next:.1?}", self.target));
        while account.kills < kills {
            self.target.clear(&self.project, &self.destination).await?;
            let writer = Writer::start(&self.source, seed ^ u64::from(account.kills)).await?;
            let until = kills.min(account.kills + KILLS_BEFORE_COMPARING);
            let mut finished_once = false;
            while account.kills < until {
                let length = if finished_once { next } else { first };
                // Beyond the measured length: with somebody writing, and after a kill, runs take longer.
                let instant = length.mul_f64(self.random.random_range(0.0..1.6));
                if self.killed_after(instant).await? {
                    account.kills += 1;
                } else {
                    account.finished += 1;
                    finished_once = true;
                }
            }
            let written = writer.stop().await?;
            self.project.run(CONNECTION).await.context("the run after the last kill")?;
            account.comparisons += 1;
            self.compare(&mut account, tell).await?;
            tell(format!(
                "{} kills {}: lost {}, doubled {}, different {}, while {written} statements wrote",
                self.target, account.kills, account.lost, account.doubled, account.different
            ));
        }
        Ok(account)
    }

    /// How long a run takes that reads everything, and one that reads only what changed.
    async fn measure(&self) -> Result<(Duration, Duration)> {
        let mut lengths = [Duration::ZERO; 2];
        for length in &mut lengths {
            let begun = Instant::now();
            self.project.run(CONNECTION).await.context("a run that nobody disturbs")?;
            *length = begun.elapsed();
        }
        let [first, next] = lengths;
        Ok((first, next))
    }

    /// Starts the program and kills it at an instant. False when it had finished by then.
    async fn killed_after(&self, instant: Duration) -> Result<bool> {
        let mut child = self.project.command(&["run", CONNECTION, "--yes"]).spawn()?;
        // Nobody reads while it runs: what it prints is less than a pipe holds.
        let Ok(status) = tokio::time::timeout(instant, child.wait()).await else {
            // SIGKILL; on Windows TerminateProcess. Nothing of the program runs after it.
            child.start_kill()?;
            return Ok(!child.wait().await?.success());
        };
        let status = status?;
        if !status.success() {
            let output = child.wait_with_output().await?;
            bail!("a run that was not killed ended with {status}:\n{}", said(&output));
        }
        Ok(false)
    }

    async fn compare(&self, account: &mut Account, tell: &(dyn Fn(String) + Sync)) -> Result<()> {
        for (table, difference) in
            compare(self.target, &self.project, &self.source, &self.destination).await?
        {
            account.lost += difference.lost.len();
            account.doubled += difference.doubled.len();
            account.different += difference.different.len() + difference.foreign.len();
            let first = |keys: &[String]| keys.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
            tell(format!(
                "{} {table} differs: lost [{}], doubled [{}], foreign [{}], different [{}]",
                self.target,
                first(&difference.lost),
                first(&difference.doubled),
                first(&difference.foreign),
                first(&difference.different)
            ));
        }
        Ok(())
    }
}
