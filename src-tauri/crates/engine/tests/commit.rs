//! The commit protocol: every row exactly once, whatever fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use syncline_engine::{Event, Observer, Outcome, Stop, TableState};
use syncline_protocol::{ErrorKind, Opening, TableName};

use crate::memory::{Fault, Fixture, options};

#[tokio::test(flavor = "multi_thread")]
async fn a_first_sync_lands_everything_and_proves_it() {
    let fixture = Fixture::new(json!([{"name": "a"}, {"name": "empty"}]));
    fixture.source.add("a", 95);
    fixture.source.add("empty", 0);
    let receipt = fixture
        .run_with(
            syncline_engine::RunOptions { verify: true, ..options() },
            Stop::new(),
            Arc::new(syncline_engine::Unobserved),
        )
        .await;
    assert_eq!(receipt.outcome, Outcome::Succeeded, "{receipt:#?}");
    assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
    let table = &receipt.tables[0];
    assert_eq!((table.rows_read, table.rows_written, table.rows_in_destination), (95, 95, Some(95)));
    assert_eq!(table.proof.count.unwrap().committed, 95);
    assert!(table.proof.checksum.unwrap().matches());
    assert_eq!(receipt.tables[1].rows_in_destination, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn later_syncs_bring_only_what_changed() {
    let fixture = Fixture::new(json!([{"name": "a", "cursor": "updated"}]));
    fixture.source.add("a", 50);
    fixture.run().await;
    fixture.source.change("a", |table| {
        table.rows.insert(7, (100, json!("seven")));
        table.rows.insert(200, (101, json!("new")));
    });
    let receipt = fixture.run().await;
    assert_eq!(receipt.tables[0].rows_read, 2);
    assert_eq!(
        receipt.tables[0].rows_in_destination,
        Some(51),
        "counted again, though only two rows were read"
    );
    assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
    let commits = fixture.destination.world.lock().unwrap().commits;
    let receipt = fixture.run().await;
    assert_eq!((receipt.outcome, receipt.tables[0].rows_read), (Outcome::Succeeded, 0));
    assert_eq!(fixture.destination.world.lock().unwrap().commits, commits, "nothing new needs no commit");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_rows_are_noticed_by_their_keys() {
    let fixture =
        Fixture::new(json!([{"name": "a", "cursor": "updated", "detect_deletes": true, "deletes": "hard"}]));
    fixture.source.add("a", 30);
    fixture.run().await;
    fixture.source.change("a", |table| table.rows.retain(|id, _| id % 3 != 0));
    let receipt = fixture.run().await;
    assert_eq!(receipt.tables[0].rows_deleted, 10);
    assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn replace_swaps_a_full_copy_in() {
    let fixture = Fixture::new(json!([{"name": "a", "mode": "replace"}]));
    fixture.source.add("a", 30);
    fixture.run().await;
    fixture.source.change("a", |table| table.rows.retain(|id, _| *id > 20));
    fixture.destination.fail([Fault::None, Fault::Reject(ErrorKind::DiskFull)]);
    let receipt = fixture.run().await;
    assert_eq!(receipt.outcome, Outcome::Failed);
    assert_eq!(
        fixture.destination.rows("a").len(),
        30,
        "readers keep the old copy until the new one is whole"
    );
    fixture.run().await;
    assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_neither_repeated_nor_forgotten() {
    // Often, because it matters which lane asks for the commit after the one whose answer is lost.
    for _ in 0..100 {
        let fixture = Fixture::new(json!([{"name": "a", "mode": "append"}]));
        fixture.source.add("a", 95);
        fixture.destination.fail([Fault::None, Fault::LostReply, Fault::None, Fault::LostReply]);
        let receipt = fixture.run().await;
        assert_eq!(receipt.outcome, Outcome::Succeeded, "{receipt:#?}");
        assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
        assert_eq!(receipt.tables[0].rows_read, 95, "the account holds rows whose answer was lost");
        assert!(receipt.attempts.len() > 1);
    }
}

/// Any faults in any order: as long as the run is repeated, each row ends up exactly once.
#[tokio::test(flavor = "multi_thread")]
async fn random_faults_lose_and_double_nothing() {
    for seed in 0..60 {
        let mut random = StdRng::seed_from_u64(seed);
        let fixture = Fixture::new(json!([
            {"name": "a", "cursor": "updated", "detect_deletes": true, "deletes": "hard"},
            {"name": "b", "mode": "append", "cursor": "updated"},
            {"name": "c", "mode": "replace"}
        ]));
        for table in ["a", "b", "c"] {
            fixture.source.add(table, random.random_range(0..120));
        }
        for round in 0..3u32 {
            for _ in 0..random.random_range(0..10) {
                let fault = match random.random_range(0..4) {
                    0 => Fault::Reject(ErrorKind::ConnectionLost),
                    1 => Fault::Reject(ErrorKind::DiskFull),
                    2 => Fault::LostReply,
                    _ => Fault::None,
                };
                fixture.destination.fail([fault]);
                if random.random_bool(0.3) {
                    fixture.source.faults.lock().unwrap().push_back(ErrorKind::ConnectionLost);
                }
            }
            let mut runs = 0;
            while fixture.run().await.outcome != Outcome::Succeeded {
                runs += 1;
                assert!(runs < 50, "seed {seed}: does not end");
            }
            for table in ["a", "b", "c"] {
                assert_eq!(
                    fixture.destination.rows(table),
                    fixture.expected(table),
                    "seed {seed} round {round} table {table}"
                );
            }
            let updated = 10_i64.pow(6 + round);
            fixture.source.change("a", |table| {
                table.rows.retain(|id, _| id % 7 != 3);
                table.rows.insert(5, (updated, json!(format!("changed {round}"))));
            });
            for table in ["a", "b", "c"] {
                fixture.source.change(table, |table| {
                    for id in 0..15 {
                        let id = 200 + 20 * i64::from(round) + id;
                        table.rows.insert(id, (updated + 1 + id, json!(format!("late {id}"))));
                    }
                });
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_first_sync_goes_on_where_it_was() {
    let fixture = Fixture::new(json!([{"name": "a"}]));
    fixture.source.add("a", 300);
    fixture.destination.fail([Fault::None, Fault::None, Fault::Reject(ErrorKind::DiskFull)]);
    let first = fixture.run().await;
    assert_eq!((first.outcome, first.tables[0].state), (Outcome::Failed, TableState::Failed));
    let second = fixture.run().await;
    assert_eq!(second.outcome, Outcome::Succeeded);
    assert!(second.tables[0].resumed);
    assert!(first.tables[0].rows_read > 0);
    assert_eq!(
        first.tables[0].rows_read + second.tables[0].rows_read,
        300,
        "what is durable is not read again"
    );
    assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
}

/// Asks the run to stop after the first commit.
struct StopAfterCommit(Stop);

impl Observer for StopAfterCommit {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Committed { rows, .. } if *rows > 0) {
            self.0.soon();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_at_a_durable_point() {
    let fixture = Fixture::new(json!([{"name": "a", "mode": "append"}]));
    fixture.source.add("a", 1000);
    let stop = Stop::new();
    let receipt = fixture.run_with(options(), stop.clone(), Arc::new(StopAfterCommit(stop))).await;
    assert_eq!(receipt.outcome, Outcome::Stopped);
    let landed = fixture.destination.rows("a").len();
    assert!(landed > 0 && landed < 1000);
    assert_eq!(receipt.tables[0].rows_read, landed as u64);
    assert_eq!(fixture.run().await.outcome, Outcome::Succeeded);
    assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
}

/// Another computer opens the connection after the first commit.
struct TakeOver(crate::memory::MemoryDestination);

impl Observer for TakeOver {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Committed { .. }) {
            *self.0.world.lock().unwrap().fences.get_mut("p/c").unwrap() += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superseded_run_cannot_write() {
    let fixture = Fixture::new(json!([{"name": "a", "mode": "append"}]));
    fixture.source.add("a", 200);
    let receipt =
        fixture.run_with(options(), Stop::new(), Arc::new(TakeOver(fixture.destination.clone()))).await;
    assert_eq!(receipt.outcome, Outcome::Failed);
    assert_eq!(receipt.failure.unwrap().kind, ErrorKind::Fenced);
    assert_eq!(fixture.destination.rows("a").len(), 0);
    use syncline_protocol::Destination as _;
    fixture.destination.open(&Opening { connection: "p/c".into(), run: "x".into() }).await.unwrap();
    fixture.run().await;
    assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_table_fails_and_the_others_go_on() {
    let fixture = Fixture::new(json!([{"name": "gone"}, {"name": "a"}]));
    fixture.source.add("a", 20);
    let receipt = fixture.run().await;
    assert_eq!(receipt.outcome, Outcome::Failed);
    assert_eq!(receipt.tables[0].failure.as_ref().unwrap().kind, ErrorKind::NotFound);
    assert_eq!(receipt.tables[0].table, TableName::bare("gone"));
    assert_eq!(receipt.tables[1].state, TableState::Done);
}

/// A clock that goes an hour back each time somebody looks at it.
fn falling_clock() -> jiff::Timestamp {
    static LOOKS: AtomicI64 = AtomicI64::new(0);
    let looks = LOOKS.fetch_add(1, Ordering::Relaxed);
    jiff::Timestamp::from_second(1_900_000_000 - looks * 3_600).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_back_costs_nothing() {
    let mut fixture = Fixture::new(json!([{"name": "a", "cursor": "updated"}]));
    fixture.connection.clock = falling_clock;
    fixture.source.add("a", 95);
    for round in 0..3 {
        fixture.source.change("a", |table| {
            table.rows.insert(300 + round, (1_000 + round, json!("late")));
        });
        let receipt = fixture.run().await;
        assert_eq!(receipt.outcome, Outcome::Succeeded, "{receipt:#?}");
        assert_eq!(fixture.destination.rows("a"), fixture.expected("a"));
        assert!(receipt.duration_ms < 60_000, "measured by a clock that does not jump");
    }
}
