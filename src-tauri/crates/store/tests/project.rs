use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};
use syncline_protocol::{Deletes, ErrorKind, LogicalType, TableName};
use syncline_store::config::{
    ColumnRule, ConnectionConfig, DriftChoice, DriftPolicy, Mode, NameStyle, SystemConfig, TableConfig,
};
use syncline_store::{Project, SystemKind};
use tempfile::TempDir;

pub(crate) fn project() -> (TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::init(folder.path(), "Corner shop").unwrap();
    (folder, project)
}

fn system(connector: &str, config: Value) -> SystemConfig {
    SystemConfig { connector: connector.to_owned(), config }
}

fn connection(tables: Vec<TableConfig>) -> ConnectionConfig {
    ConnectionConfig {
        source_version: None,
        source: "shop".to_owned(),
        destination: "studio".to_owned(),
        schema: None,
        names: NameStyle::SnakeCase,
        drift: DriftPolicy::default(),
        rejected_rows_max: 1000,
        tables,
    }
}

fn table(name: &str) -> TableConfig {
    TableConfig {
        name: name.parse().unwrap(),
        target: None,
        mode: None,
        deletes: Deletes::Soft,
        cursor: None,
        look_back_seconds: 0,
        detect_deletes: false,
        key: Vec::new(),
        columns: Vec::new(),
        column_rules: BTreeMap::new(),
    }
}

fn with_systems() -> (TempDir, Project) {
    let (folder, project) = project();
    project.save_system(SystemKind::Source, "shop", &system("sample", json!({}))).unwrap();
    project
        .save_system(SystemKind::Destination, "studio", &system("duckdb", json!({"path": "studio.duckdb"})))
        .unwrap();
    (folder, project)
}

#[test]
fn a_project_is_made_found_and_opened() {
    let (folder, project) = project();
    assert_eq!(project.config().name, "Corner shop");
    assert_eq!(project.config().salt.len(), 32);
    let (words, random) = project.config().id.rsplit_once('-').unwrap();
    assert_eq!((words, random.len()), ("corner-shop", 8));
    let inside = folder.path().join("a/b");
    fs::create_dir_all(&inside).unwrap();
    assert_eq!(Project::find(&inside).unwrap().config(), project.config());
    assert_eq!(fs::read_to_string(folder.path().join(".syncline/.gitignore")).unwrap(), "*\n");
    assert_eq!(Project::init(folder.path(), "x").unwrap_err().kind(), ErrorKind::Config);

    let empty = tempfile::tempdir().unwrap();
    assert_eq!(Project::find(empty.path()).unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(Project::open(empty.path()).unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn files_read_as_a_person_would_write_them() {
    let (folder, project) = with_systems();
    let mut orders = table("public.orders");
    orders.mode = Some(Mode::Merge);
    orders.cursor = Some("updated_at".to_owned());
    orders.column_rules.insert("email".to_owned(), ColumnRule { hash: true, ..ColumnRule::default() });
    project.save_connection("nightly", &connection(vec![orders, table("public.\"odd.name\"")])).unwrap();
    let text = fs::read_to_string(folder.path().join("connections/nightly.yaml")).unwrap();
    insta::assert_snapshot!(text, @r#"
    # yaml-language-server: $schema=../.syncline/schemas/connection.schema.json
    source: shop
    destination: studio
    tables:
      - name: public.orders
        mode: merge
        cursor: updated_at
        column_rules:
          email:
            hash: true
      - name: public."odd.name"
    "#);
    let text = fs::read_to_string(folder.path().join("destinations/studio.yaml")).unwrap();
    insta::assert_snapshot!(text, @r"
    # yaml-language-server: $schema=../.syncline/schemas/destination.schema.json
    connector: duckdb
    config:
      path: studio.duckdb
    ");
    // The first line leads to a file that is there.
    assert!(folder.path().join("connections/../.syncline/schemas/connection.schema.json").is_file());
}

#[test]
fn names_are_listed_loaded_and_removed() {
    let (folder, project) = with_systems();
    fs::write(folder.path().join("sources/notes.txt"), "not a source").unwrap();
    assert_eq!(project.systems(SystemKind::Source).unwrap(), ["shop"]);
    assert_eq!(project.connections().unwrap(), Vec::<String>::new());
    project.save_connection("nightly", &connection(vec![table("orders")])).unwrap();
    assert_eq!(project.connections().unwrap(), ["nightly"]);
    let hash = project.config_hash("nightly").unwrap();
    assert_eq!(project.config_hash("nightly").unwrap(), hash);
    project.save_system(SystemKind::Source, "shop", &system("sample", json!({"seed": 2}))).unwrap();
    assert_ne!(project.config_hash("nightly").unwrap(), hash);

    let error = project.remove_system(SystemKind::Source, "shop").unwrap_err();
    assert_eq!(error.message(), "The source `shop` is still used by: nightly.");
    project.remove_connection("nightly").unwrap();
    project.remove_system(SystemKind::Source, "shop").unwrap();
    assert_eq!(project.remove_connection("nightly").unwrap_err().kind(), ErrorKind::Config);

    let error = project.system(SystemKind::Destination, "sudio").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.fixes(), ["Did you mean `studio`?"]);
}

#[test]
fn names_that_are_no_file_names_are_refused() {
    let (_folder, project) = project();
    for name in ["", "a/b", "../x", "Upper", "con", "lpt1", "a.b", "-a", "ä", &"x".repeat(64)] {
        let error = project.save_system(SystemKind::Source, name, &system("sample", json!({}))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{name}");
        assert!(project.system(SystemKind::Source, name).is_err(), "{name}");
    }
}

#[test]
fn references_must_lead_somewhere() {
    let (_folder, project) = with_systems();
    let mut config = connection(vec![table("orders")]);
    config.destination = "stdio".to_owned();
    let error = project.save_connection("nightly", &config).unwrap_err();
    assert_eq!(error.message(), "connections/nightly.yaml: there is no destination called `stdio`.");
    assert_eq!(error.fixes(), ["Did you mean `studio`?"]);
    let error = project.save_connection("nightly", &connection(vec![table("a"), table("a")])).unwrap_err();
    assert_eq!(error.message(), "connections/nightly.yaml: table `a` is listed twice.");
}

#[test]
fn mistakes_name_the_place_and_the_way_out() {
    let (folder, project) = with_systems();
    let explain = |text: &str| {
        fs::create_dir_all(folder.path().join("connections")).unwrap();
        fs::write(folder.path().join("connections/broken.yaml"), text).unwrap();
        let error = project.connection("broken").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        format!("{}\n  → {}", error.message(), error.fixes().join(" "))
    };
    let head = "source: shop\ndestination: studio\n";
    let cases = [
        "soruce: shop\ndestination: studio\ntables: []\n".to_owned(),
        format!("{head}tables:\n  - name: orders\n    mode: mirge\n"),
        format!("{head}tables:\n  - name: orders\n    colour: red\n"),
        format!("{head}tables:\n  - mode: merge\n"),
        format!("{head}tables:\n  - name: a.b.c\n"),
        format!("{head}tables:\n  - name: orders\n    look_back_seconds: soon\n"),
        format!("{head}tables:\n  - name: orders\n    column_rules:\n      a:\n        type: int\n"),
        format!("{head}tables: yes\n"),
        format!("{head}tables: [\n"),
        format!("{head}source: shop\ntables: []\n"),
        format!("{head}tables:\n\t- name: x\n"),
        String::new(),
        "- a\n- b\n".to_owned(),
        "source: \"canary-9\n".to_owned(),
        "source: [canary-9]\n".to_owned(),
    ];
    let all: Vec<String> = cases.iter().map(|case| explain(case)).collect();
    let all = all.join("\n");
    assert!(!all.contains("canary"), "{all}");
    insta::assert_snapshot!(all, @r"
    connections/broken.yaml, line 1, column 1: `soruce` is not a key that belongs here.
      → Did you mean `source`?
    connections/broken.yaml, line 5, column 11: `mirge` is not one of the possible words.
      → Did you mean `merge`?
    connections/broken.yaml, line 5, column 5: `colour` is not a key that belongs here.
      → Use one of the keys: name, target, mode, deletes, cursor, look_back_seconds, detect_deletes, key, columns, column_rules.
    connections/broken.yaml, line 4, column 5: the key `name` is missing.
      → Add `name: …`.
    connections/broken.yaml, line 4, column 11: `a.b.c` is not a table name; write it as `namespace.name` or `name`.
      → Correct what stands there.
    connections/broken.yaml, line 5, column 24: something else stands where a whole number of zero or more should.
      → Write a whole number of zero or more there.
    connections/broken.yaml, line 7, column 15: `int` is not a type.
      → Correct what stands there.
    connections/broken.yaml, line 3, column 9: something else stands where a list should.
      → Write a list there.
    connections/broken.yaml, line 3, column 9: unclosed bracket '['.
      → Check the indentation, the quotes and the brackets at this place.
    connections/broken.yaml, line 3, column 1: the key `source` stands here for the second time.
      → Remove one of the two.
    connections/broken.yaml, line 4, column 2: tabs disallowed within this context (block indentation).
      → Check the indentation, the quotes and the brackets at this place.
    connections/broken.yaml, line 1, column 1: the file ends where settings should stand.
      → Write the settings, or remove the file.
    connections/broken.yaml, line 1, column 1: something else stands where a group of keys (`key: value`) should.
      → Write a group of keys (`key: value`) there.
    connections/broken.yaml, line 1, column 9: unclosed quote.
      → Check the indentation, the quotes and the brackets at this place.
    connections/broken.yaml, line 1, column 9: something else stands where one text should.
      → Write one text there.
    ");
}

#[test]
fn a_file_that_is_not_text_is_refused() {
    let (folder, project) = with_systems();
    fs::write(folder.path().join("sources/bin.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    let error = project.system(SystemKind::Source, "bin").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptInput);
}

#[test]
fn deep_and_swelling_yaml_ends_in_an_error() {
    let (folder, project) = with_systems();
    let deep = format!("connector: x\nconfig: {}1{}\n", "[".repeat(5000), "]".repeat(5000));
    let mut bomb = "connector: x\nconfig:\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let references = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("  a{level}: &a{level} [{references}]\n"));
    }
    for text in [deep, bomb] {
        fs::write(folder.path().join("sources/big.yaml"), text).unwrap();
        assert!(project.system(SystemKind::Source, "big").is_err());
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((any_text(), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Texts that YAML could take for something else.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_]{1,8}",
        any::<String>(),
        proptest::sample::select(vec![
            "yes",
            "no",
            "on",
            "null",
            "~",
            "",
            " ",
            "012",
            "1e3",
            "0x1f",
            "1_000",
            ".inf",
            ".nan",
            "-",
            "- a",
            "a: b",
            "#c",
            "a #c",
            "'",
            "\"",
            "\\",
            "\n",
            "a\nb",
            "a\n",
            "\ta",
            "${secret:x}",
            "${env:Y}-z",
            "2026-01-01",
            "<<",
            "=",
            "!tag",
            "&a",
            "*a",
            "%x",
            "@x",
            "`",
            "|",
            ">",
            "?",
            "{",
            "[",
            ",",
            "12:30:45",
            "\u{feff}",
            "\u{85}",
            "\u{2028}",
            "true",
            "é😀",
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_connection() -> impl Strategy<Value = ConnectionConfig> {
    let choice = || prop_oneof![Just(DriftChoice::Apply), Just(DriftChoice::Ask), Just(DriftChoice::Ignore)];
    let rule =
        (any::<bool>(), any::<bool>(), proptest::option::of(any_text())).prop_map(|(exclude, hash, name)| {
            ColumnRule {
                exclude,
                hash,
                name,
                logical: Some(LogicalType::Decimal { precision: 10, scale: 2 }),
            }
        });
    let mode = prop_oneof![Just(Mode::Merge), Just(Mode::History)];
    let table = (
        proptest::option::of(any_text()),
        proptest::option::of(mode),
        proptest::option::of(any_text()),
        proptest::collection::vec(any_text(), 0..3),
        proptest::collection::btree_map(any_text(), rule, 0..3),
        any::<bool>(),
        "[a-z.\" é]{1,8}",
    );
    let tables = proptest::collection::vec(table, 0..4).prop_map(|tables| {
        tables
            .into_iter()
            .enumerate()
            .map(|(at, (target, mode, cursor, key, column_rules, detect_deletes, name))| TableConfig {
                name: TableName::new(format!("n{at}"), name),
                target,
                mode,
                deletes: if detect_deletes { Deletes::Hard } else { Deletes::Soft },
                cursor,
                look_back_seconds: 0,
                detect_deletes,
                columns: key.clone(),
                key,
                column_rules,
            })
            .collect()
    });
    (tables, choice(), choice(), choice(), choice(), any::<u64>(), proptest::option::of(any_text())).prop_map(
        |(tables, new_column, widened_type, dropped_column, new_table, rejected_rows_max, schema)| {
            ConnectionConfig {
                schema,
                drift: DriftPolicy { new_column, widened_type, dropped_column, new_table },
                rejected_rows_max,
                names: NameStyle::Preserve,
                ..connection(tables)
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 3000 }))]

    #[test]
    fn a_connection_survives_its_file(config in any_connection()) {
        let (_folder, project) = with_systems();
        project.save_connection("c", &config).unwrap();
        prop_assert_eq!(project.connection("c").unwrap(), config);
    }

    #[test]
    fn settings_survive_their_file(config in any_json()) {
        let (folder, project) = project();
        let saved = system("x", json!({ "settings": config }));
        project.save_system(SystemKind::Source, "s", &saved).unwrap();
        let text = fs::read_to_string(folder.path().join("sources/s.yaml")).unwrap();
        let loaded = project.system(SystemKind::Source, "s");
        prop_assert!(loaded.is_ok(), "{:?}\n{}", loaded, text);
        prop_assert_eq!(loaded.unwrap(), saved, "{}", text);
    }

    #[test]
    fn no_file_makes_it_panic(text in any::<String>()) {
        let (folder, project) = project();
        fs::create_dir_all(folder.path().join("connections")).unwrap();
        fs::write(folder.path().join("connections/c.yaml"), text).unwrap();
        let _ = project.connection("c");
    }
}
