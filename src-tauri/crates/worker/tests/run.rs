use serde_json::Value;

use crate::support::Shell;

/// A project with the sample shop and a DuckDB file.
fn shop() -> Shell {
    let shell = Shell::with_project();
    shell.ok(&["add", "source", "shop", "--connector", "sample"]);
    shell.ok(&["add", "destination", "studio", "--connector", "duckdb", "--set", "path=studio.duckdb"]);
    shell.ok(&["add", "connection", "nightly", "--source", "shop", "--destination", "studio", "--all"]);
    shell
}

/// The last event of a run with `--json`.
fn receipt(text: &str) -> Value {
    let event: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(event["event"], "run_ended");
    event["receipt"].clone()
}

#[test]
fn a_run_from_the_plan_to_the_receipt() {
    let shell = shop();
    let check = shell.ok(&["check", "nightly"]);
    assert_eq!(check.lines().filter(|line| *line == "Ready").count(), 2, "{check}");
    let plan: Value = serde_json::from_str(&shell.ok(&["plan", "nightly", "--json"])).unwrap();
    assert!(plan["tables"].as_array().unwrap().iter().all(|table| table["verb"] == "add"));
    assert!(shell.ok(&["plan", "nightly"]).contains("+ 5 tables new"));
    assert!(!shell.path().join("studio.duckdb").exists(), "a plan writes nothing");

    let events = shell.ok(&["run", "nightly", "--json"]);
    let receipt = receipt(&events);
    assert_eq!(receipt["outcome"], "succeeded");
    for table in receipt["tables"].as_array().unwrap() {
        let count = &table["proof"]["count"];
        assert_eq!(count["committed"], count["counted"], "{table}");
        assert_eq!(table["rows_read"], table["rows_written"], "{table}");
    }
    let run = receipt["run"].as_str().unwrap();
    let kept: Value = serde_json::from_str(&shell.ok(&["receipt", run, "--json"])).unwrap();
    assert_eq!(kept, receipt);
    assert!(shell.ok(&["receipt", "last"]).starts_with("✓ 61,240 rows in 5 tables"));
    let status: Value = serde_json::from_str(&shell.ok(&["status", "--json"])).unwrap();
    assert_eq!(status[0]["last_run"]["outcome"], "succeeded");
    assert_eq!(status[0]["running"], false);
}

/// The sample shop goes on to its next round when a run has ended: it is compared before.
#[test]
fn the_sample_is_compared_with_what_was_just_read() {
    let shell = shop();
    let receipt = receipt(&shell.ok(&["run", "nightly", "--json", "--verify"]));
    let tables = receipt["tables"].as_array().unwrap();
    let compared = tables.iter().filter(|table| {
        let checksum = &table["proof"]["checksum"];
        !checksum.is_null() && checksum["source"] == checksum["destination"]
    });
    assert_eq!(compared.count(), tables.len(), "{receipt}");
}

#[test]
fn a_rejected_row_is_listed_repaired_and_loaded() {
    let shell = shop();
    for code in [0, 0, 4] {
        let said = shell.run(&["run", "nightly", "--yes"]);
        assert_eq!(said.code, code, "{}\n{}", said.out, said.err);
    }
    let listed = shell.ok(&["quarantine", "list", "nightly", "--json"]);
    let row: Value = serde_json::from_str(listed.trim()).unwrap();
    let (table, column) = (row["table"].as_str().unwrap(), row["rejected"]["column"].as_str().unwrap());
    let replay = ["quarantine", "replay", "nightly", table];
    let kept = shell.run(&replay);
    assert_eq!(kept.code, 4, "nothing was repaired: {}", kept.out);
    let loaded = shell.ok(&[&replay[..], &["--null", column]].concat());
    assert_eq!(loaded, "Loaded 1 row; 0 rows still in quarantine.\n");
    assert_eq!(shell.ok(&["quarantine", "list", "nightly"]), "No rows in quarantine.\n");
}

#[test]
fn a_preview_shows_rows_and_writes_nothing() {
    let shell = shop();
    let preview = shell.ok(&["preview", "nightly", "customers", "--rows", "50", "--show", "2"]);
    assert!(preview.contains("sample: the first 50 rows the source gives"), "{preview}");
    assert!(preview.contains("CREATE TABLE"), "{preview}");
    assert!(!shell.path().join("studio.duckdb").exists());
    let value: Value =
        serde_json::from_str(&shell.ok(&["preview", "nightly", "customers", "--rows", "50", "--json"]))
            .unwrap();
    assert_eq!(value["rows"].as_array().unwrap().len(), 50);
    let refused = shell.fails(&["preview", "nightly", "customers", "--random"]);
    assert!(refused.contains("This source cannot give rows from all over a table"), "{refused}");
}

#[test]
fn the_demo_is_a_result_to_read() {
    let shell = Shell::new();
    let said = shell.ok(&["demo", "shop"]);
    assert!(said.starts_with("✓ 61,240 rows in 5 tables"), "{said}");
    assert!(
        said.contains("Your data is here") && shell.path().join("shop/studio.duckdb").is_file(),
        "{said}"
    );
    let again = shell.ok(&["demo", "shop"]);
    assert!(again.contains("new column `channel`"), "{again}");
}

#[test]
fn a_failing_run_says_why_and_ends_with_1() {
    let shell = shop();
    shell.write("studio.duckdb", &"this is no DuckDB file. ".repeat(1000));
    let said = shell.run(&["run", "nightly", "--attempts", "1"]);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(
        said.out.contains("✗ 5 of 5 tables failed.") || said.out.contains("✗ The run failed."),
        "{}",
        said.out
    );
    let said = shell.run(&["run", "nightly", "--attempts", "1", "--json"]);
    assert_eq!(said.code, 1);
    assert_eq!(receipt(&said.out)["outcome"], "failed");
    assert_eq!(shell.run(&["check", "studio"]).code, 1);
}

/// Ctrl-C stops at a durable point, and the next run goes on from there.
#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let shell = shop();
    let mut child = shell.command(&["run", "nightly", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let has_rows = |line: &String| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["event"] == "committed" && event["rows"].as_u64() > Some(0)
    };
    assert!(lines.any(|line| has_rows(&line)));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let first = receipt(&lines.last().unwrap());
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert_eq!(first["outcome"], "stopped");

    let second = receipt(&shell.ok(&["run", "nightly", "--json"]));
    assert_eq!(second["outcome"], "succeeded");
    let status: Value = serde_json::from_str(&shell.ok(&["status", "nightly", "--json"])).unwrap();
    let outcomes: Vec<_> =
        status.as_array().unwrap().iter().map(|run| run["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["succeeded", "stopped"]);
}

#[test]
fn tables_that_are_not_part_of_the_connection_are_refused() {
    let shell = shop();
    insta::assert_snapshot!(shell.fails(&["run", "nightly", "--table", "nope"]), @r"
    exit 2
    ✗ Connection `nightly` has no table `nope`.
      Nothing was read or written.
      1. Its tables are listed in connections/nightly.yaml.
    ");
    insta::assert_snapshot!(shell.fails(&["preview", "nightly", "nope"]), @r"
    exit 2
    ✗ Connection `nightly` has no table `nope`.
      Nothing was read or written.
      1. Its tables are listed in connections/nightly.yaml.
    ");
}
