use crate::support::Shell;

#[test]
fn a_project_is_made_once() {
    let shell = Shell::with_project();
    assert!(shell.read("project.yaml").contains("name: Test"));
    insta::assert_snapshot!(shell.fails(&["init"]), @r"
    exit 2
    ✗ There is already a project in `.`.
      It was left as it is.
      1. Work with it, or choose another folder.
    ");
}

#[test]
fn outside_of_a_project_it_says_what_to_do() {
    let shell = Shell::new();
    insta::assert_snapshot!(shell.fails(&["status"]), @r"
    exit 2
    ✗ There is no Syncline project in `DIR` or in a folder above it.
      Nothing was read or written.
      1. Make one here with `syncline init`.
      2. Go into the project folder, or name it with `--project FOLDER`.
    ");
    insta::assert_snapshot!(shell.fails(&["--project", "nowhere", "status"]), @r"
    exit 2
    ✗ `nowhere` is not a Syncline project: it holds no project.yaml.
      Nothing was read or written.
      1. Make one there with `syncline init FOLDER`.
    ");
}

#[test]
fn an_empty_project_says_what_comes_next() {
    let shell = Shell::with_project();
    assert_eq!(
        shell.ok(&["status"]),
        "There are no connections yet. Add one with `syncline add connection NAME`.\n"
    );
    assert_eq!(shell.ok(&["status", "--json"]), "[]\n");
    insta::assert_snapshot!(shell.fails(&["run", "--all"]), @r"
    exit 2
    ✗ The project has no connections.
      Nothing was read or written.
      1. Add one with `syncline add connection NAME`.
    ");
    insta::assert_snapshot!(shell.fails(&["run", "nightly"]), @r"
    exit 2
    ✗ There is no connection called `nightly`.
      Nothing was read or written.
      1. Add one with `syncline add connection`.
    ");
    insta::assert_snapshot!(shell.fails(&["check"]), @r"
    exit 2
    ✗ There is nothing to check: the project has no sources and no destinations.
      Nothing was read or written.
      1. Add one with `syncline add source NAME`.
    ");
    insta::assert_snapshot!(shell.fails(&["check", "nightly"]), @r"
    exit 2
    ✗ There is no source, destination or connection called `nightly`.
      Nothing was read or written.
      1. List what there is with `syncline status`.
    ");
    insta::assert_snapshot!(shell.fails(&["receipt", "last"]), @r"
    exit 2
    ✗ There is no such run.
      Nothing was read or written.
      1. `syncline status CONNECTION` lists runs; `last` is the latest one.
    ");
}

#[test]
fn a_mistake_in_a_file_is_shown_with_its_place() {
    let shell = Shell::with_project();
    shell.write("sources/shop.yaml", "connector: sample\nconfg: {}\n");
    insta::assert_snapshot!(shell.fails(&["discover", "shop"]), @r"
    exit 2
    ✗ sources/shop.yaml, line 2, column 1: `confg` is not a key that belongs here.
      The project was not changed; nothing was read or written.
      1. Did you mean `config`?
    ");
    insta::assert_snapshot!(shell.fails(&["discover", "-v", "shp"]), @r"
    exit 2
    ✗ There is no source called `shp`.
      Nothing was read or written.
      1. Did you mean `shop`?
    ");
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
