//! Who holds the file, and when it is released.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use syncline_protocol::*;

use crate::support::*;

const HOLD: &str = "SYNCLINE_TEST_HOLD";

/// Not a test by itself: the other program. Opens the file, says so, and waits until its input ends.
#[test]
fn hold_the_file() {
    let Some(file) = std::env::var_os(HOLD) else { return };
    let held = duckdb::Connection::open(file);
    let mut output = std::io::stdout();
    writeln!(output, "\nheld: {}", held.is_ok()).unwrap();
    output.flush().unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// Starts this test program as another one that holds the file; answers whether it got it.
pub(crate) fn other_program(file: &std::path::Path) -> (std::process::Child, bool) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["locking::hold_the_file", "--exact", "--nocapture", "--test-threads=1"])
        .env(HOLD, file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let held = lines.find_map(|line| line.strip_prefix("held: ").map(|held| held == "true")).unwrap();
    // The rest of the output must go somewhere until the child ends.
    std::thread::spawn(move || lines.for_each(drop));
    (child, held)
}

pub(crate) fn end(mut child: std::process::Child) {
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[derive(Default)]
struct Steps(Mutex<Vec<CheckStep>>);

impl StepSink for Steps {
    fn step(&self, step: CheckStep) {
        self.0.lock().unwrap().push(step);
    }
}

#[tokio::test]
async fn the_holder_is_named_and_nothing_is_written() {
    let place = Place::new();
    let (child, held) = other_program(&place.file());
    assert!(held);
    let process = child.id();
    let destination = place.destination();
    let error = destination.open(&opening()).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.message().starts_with("`studio.duckdb` is open in "), "{error}");
    assert!(error.message().ends_with(&format!("(process {process}).")), "{error}");
    let steps = Steps::default();
    destination.check(&steps).await;
    let steps = steps.0.into_inner().unwrap();
    assert_eq!(CheckOutcome::of(&steps), CheckOutcome::NotReady);
    assert_eq!(steps.last().unwrap().detail.as_deref(), Some(error.message()));
    end(child);
    destination.open(&opening()).await.unwrap().session.close().await;
}

#[tokio::test]
async fn close_releases_the_file_at_once() {
    let place = Place::new();
    let destination = place.destination();
    let target = orders(WriteMode::Append);
    let opened = opened(&*destination, &target).await;
    let mut loader = opened.session.loader(&options(&target, true)).await.unwrap();
    loader.write(rows(&[(1, "a")])).await.unwrap();
    loader.commit(&commit(1, 1)).await.unwrap();
    loader.write(rows(&[(2, "not committed")])).await.unwrap();
    let (child, held) = other_program(&place.file());
    assert!(!held, "we hold it");
    end(child);
    // The loader is still there: closing must end it too.
    opened.session.close().await;
    let (child, held) = other_program(&place.file());
    assert!(held, "it is released");
    end(child);
    assert!(loader.write(rows(&[(3, "late")])).await.is_err());
    assert!(!place.folder.path().join("studio.duckdb.wal").exists(), "everything is in the file");
    assert_eq!(destination.count(&target).await.unwrap(), 1);
}

#[tokio::test]
async fn the_check_leaves_nothing_behind() {
    let place = Place::new();
    let destination = place.destination();
    let steps = Steps::default();
    destination.check(&steps).await;
    let steps = steps.0.into_inner().unwrap();
    assert_eq!(CheckOutcome::of(&steps), CheckOutcome::Ready, "{steps:?}");
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 0);
    assert!(destination.checkpoints("shop").await.unwrap().is_empty());
    assert_eq!(destination.inspect(&[orders(WriteMode::Append).name]).await.unwrap(), [None]);
    assert_eq!(destination.count(&orders(WriteMode::Append)).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 0);
    let nowhere = crate::support::destination(&place.folder.path().join("missing"));
    let steps = Steps::default();
    nowhere.check(&steps).await;
    assert_eq!(CheckOutcome::of(&steps.0.into_inner().unwrap()), CheckOutcome::NotReady);
}

#[tokio::test]
async fn a_foreign_file_is_not_touched() {
    let place = Place::new();
    std::fs::write(place.file(), vec![7u8; 20_000]).unwrap();
    let error = place.destination().open(&opening()).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::CorruptInput, "{error:?}");
    assert_eq!(std::fs::read(place.file()).unwrap(), vec![7u8; 20_000]);
}
