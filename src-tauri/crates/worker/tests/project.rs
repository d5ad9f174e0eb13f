use crate::support::Shell;

#[test]
fn a_project_is_made_once() {
    let shell = Shell::with_project();
    assert!(shell.read("project.yaml").contains("name: Test"));
    insta::assert_snapshot!(shell.fails(&["init"]), @r"");
}

#[test]
fn outside_of_a_project_it_says_what_to_do() {
    let shell = Shell::new();
    insta::assert_snapshot!(shell.fails(&["status"]), @r"");
    insta::assert_snapshot!(shell.fails(&["--project", "nowhere", "status"]), @r"");
}

#[test]
fn an_empty_project_says_what_comes_next() {
    let shell = Shell::with_project();
    assert_eq!(
        shell.ok(&["status"]),
        "There are no connections yet. Add one with `syncline add connection NAME`.\n"
    );
    assert_eq!(shell.ok(&["status", "--json"]), "[]\n");
    insta::assert_snapshot!(shell.fails(&["run", "--all"]), @r"");
    insta::assert_snapshot!(shell.fails(&["run", "nightly"]), @r"");
    insta::assert_snapshot!(shell.fails(&["check"]), @r"");
    insta::assert_snapshot!(shell.fails(&["check", "nightly"]), @r"");
    insta::assert_snapshot!(shell.fails(&["receipt", "last"]), @r"");
}

#[test]
fn a_mistake_in_a_file_is_shown_with_its_place() {
    let shell = Shell::with_project();
    shell.write("sources/shop.yaml", "connector: sample\nconfg: {}\n");
    insta::assert_snapshot!(shell.fails(&["discover", "shop"]), @r"");
    insta::assert_snapshot!(shell.fails(&["discover", "-v", "shp"]), @r"");
    shell.write("connections/nightly.yaml", "source: shop\ndestination: none\ntables: []\n");
    let status = shell.ok(&["status"]);
    assert!(status.contains("connections/nightly.yaml: there is no destination called `none`."), "{status}");
}

#[test]
fn schemas_are_printed() {
    let shell = Shell::new();
    let list = shell.ok(&["schema"]);
    assert!(list.contains("connection") && list.contains("project file"), "{list}");
    let schema: serde_json::Value = serde_json::from_str(&shell.ok(&["schema", "connection"])).unwrap();
    assert_eq!(schema["title"], "Syncline connection");
    let said = shell.run(&["schema", "nonsense"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("There is no connector called `nonsense`."), "{}", said.err);
}

#[test]
fn a_log_is_kept() {
    let shell = Shell::with_project();
    shell.ok(&["status"]);
    let logs: Vec<_> = std::fs::read_dir(shell.path().join(".syncline/logs")).unwrap().collect();
    assert_eq!(logs.len(), 1);
}
