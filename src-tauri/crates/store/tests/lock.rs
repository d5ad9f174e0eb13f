use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use syncline_protocol::ErrorKind;
use syncline_store::{Project, RunLock};

use crate::project::project;

#[test]
fn one_run_at_a_time() {
    let (_folder, project) = project();
    let held = RunLock::acquire(&project, "nightly").unwrap();
    let error = RunLock::acquire(&project, "nightly").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert_eq!(error.context(), [("process", std::process::id().to_string())]);
    assert!(RunLock::is_held(&project, "nightly").unwrap());
    assert!(!RunLock::is_held(&project, "hourly").unwrap());
    RunLock::acquire(&project, "hourly").unwrap();
    drop(held);
    assert!(!RunLock::is_held(&project, "nightly").unwrap());
    RunLock::acquire(&project, "nightly").unwrap();
    assert_eq!(RunLock::acquire(&project, "../x").unwrap_err().kind(), ErrorKind::Config);
}

const CHILD: &str = "SYNCLINE_TEST_LOCK_PROJECT";

/// Not a test of its own: what the other process of the test below does.
#[test]
fn child_process() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let project = Project::open(folder.as_ref()).unwrap();
    let _held = RunLock::acquire(&project, "nightly").unwrap();
    println!("\nlocked");
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().lines().next();
}

#[test]
fn a_killed_process_leaves_no_lock() {
    let (folder, project) = project();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lock::child_process", "--nocapture"])
        .env(CHILD, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    assert!(output.lines().any(|line| line.unwrap() == "locked"));

    let error = RunLock::acquire(&project, "nightly").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert_eq!(error.context(), [("process", child.id().to_string())]);

    child.kill().unwrap();
    child.wait().unwrap();
    RunLock::acquire(&project, "nightly").unwrap();
}
