use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use syncline_protocol::{ReadMode, TableName};
use syncline_testkit::rows::values;

use super::*;

fn lines() -> Elements {
    let named = Elements::named("orders.lines", ["orders"].into_iter()).unwrap();
    Elements { fields: vec!["id".to_owned(), "changed".to_owned()], width: 1, ..named }
}

fn read(elements: &Elements) -> TableRead {
    let schema = json!({"properties": {
        "id": {"type": "integer"}, "changed": {"type": "string", "format": "date"},
        "lines": {"type": "array", "items": {"properties": {"sku": {"type": "string"}, "count": {"type": "integer"}}}}
    }});
    let mut columns = elements.columns(&schema, &json_schema::columns(&schema)).unwrap();
    columns.push(Column::new(VALUE, LogicalType::Text));
    TableRead {
        table: TableName::bare(elements.table()),
        columns,
        key: elements.key(),
        mode: ReadMode::Full,
        key_list: false,
    }
}

/// What changes say, one line each.
fn told(changes: &[Change]) -> Vec<String> {
    let line = |change: &Change| match change {
        Change::Batch(batch) => {
            let rows: Vec<String> = values(&batch.rows).iter().map(Value::to_string).collect();
            format!("{:?} {}", batch.kind, rows.join(" "))
        }
        Change::Rejected(row) => format!("Rejected {:?} {} {}", row.column, row.reason, row.row),
        other => format!("{other:?}"),
    };
    changes.iter().map(line).collect()
}

/// What records come to, handed on at the end.
fn written(records: &Value, told_before: Told) -> (Vec<Change>, Option<TableSchema>) {
    let elements = lines();
    let read = read(&elements);
    let parents = elements.parents(&read);
    let mut writer =
        ElementWriter::new(&elements, &read, parents.as_ref(), HashSet::new(), told_before).unwrap();
    let mut changes = writer.take(records.as_array().unwrap()).unwrap();
    changes.extend(writer.finish().unwrap());
    assert_eq!(writer.rows(), 0);
    (changes, writer.news())
}

#[test]
fn a_field_is_named_by_its_table() {
    let tables = ["orders", "orders.old", "shops"];
    let named = |entry: &str| Elements::named(entry, tables.into_iter());
    let shown = |entry: &str| {
        let elements = named(entry).unwrap();
        (elements.parent.clone(), elements.field(), elements.table())
    };
    let text = |texts: [&str; 3]| (texts[0].to_owned(), texts[1].to_owned(), texts[2].to_owned());
    assert_eq!(shown("orders.lines"), text(["orders", "lines", "orders__lines"]));
    assert_eq!(shown("orders.lines.data"), text(["orders", "lines.data", "orders__lines__data"]));
    assert_eq!(
        shown("orders.old.lines"),
        text(["orders.old", "lines", "orders.old__lines"]),
        "the longer name"
    );
    for wrong in ["orders", "orders.", "orders..lines", "nobody.lines", "", ".lines"] {
        let error = named(wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{wrong}");
        assert!(error.to_string().contains("unnest"), "{error}");
    }
}

#[test]
fn the_key_is_that_of_the_parent_and_the_place() {
    let elements = lines();
    let read = read(&elements);
    let shown: Vec<String> = read
        .columns
        .iter()
        .map(|column| format!("{} {}{}", column.name, column.logical, if column.nullable { "" } else { "!" }))
        .collect();
    assert_eq!(
        shown,
        [
            "_parent_id int64!",
            "_parent_changed date",
            "_position int64!",
            "sku text",
            "count int64",
            "_value text"
        ]
    );
    assert_eq!(read.key, ["_parent_id", "_position"]);
    assert_eq!(elements.parents(&read).unwrap().key, ["_parent_id"]);
    let own_key = TableRead { key: vec!["sku".to_owned()], ..read };
    assert!(elements.parents(&own_key).is_none(), "told apart in another way");
}

#[test]
fn what_cannot_be_a_table_says_why() {
    let why = |elements: &Elements, schema: Value| {
        elements.columns(&schema, &json_schema::columns(&schema)).unwrap_err().message().to_owned()
    };
    let without_key = Elements { width: 0, ..lines() };
    assert!(why(&without_key, json!({})).contains("`orders` has no key"));
    let scalar = json!({"properties": {"lines": {"type": "string"}}});
    assert!(why(&lines(), scalar).contains("no list"));
    let clash =
        json!({"properties": {"lines": {"items": {"properties": {"_position": {"type": "integer"}}}}}});
    assert!(why(&lines(), clash).contains("`_position` themselves"));
}

#[test]
fn elements_become_rows_after_their_parents() {
    let (changes, news) = written(
        &json!([
            {"id": 1, "changed": "2024-05-01", "lines": [{"sku": "a", "count": 2}, {"sku": "b"}, null]},
            {"id": 2, "lines": []},
            {"id": 3},
            {"id": 4, "lines": {"sku": "alone"}},
            {"id": 5, "lines": null},
            {"id": 6, "lines": ["x", 7]}
        ]),
        Told::default(),
    );
    assert!(news.is_none(), "{news:?}");
    let days = 19844; // 2024-05-01
    assert_eq!(
        told(&changes),
        [
            "Parents [1] [2] [3] [4] [5] [6]".to_owned(),
            format!(
                r#"Rows [1,{days},0,"a",2,null] [1,{days},1,"b",null,null] [1,{days},2,null,null,null] [4,null,0,"alone",null,null] [6,null,0,null,null,"x"] [6,null,1,null,null,"7"]"#
            )
        ]
    );
}

#[test]
fn a_parent_that_comes_again_replaces_what_came_of_it() {
    let (changes, _) = written(
        &json!([
            {"id": 1, "lines": [{"sku": "a"}, {"sku": "b"}]},
            {"id": 2, "lines": [{"sku": "x"}]},
            {"id": 1.0, "lines": [{"sku": "A"}]}
        ]),
        Told::default(),
    );
    assert_eq!(
        told(&changes),
        [
            "Parents [1] [2]",
            r#"Rows [1,null,0,"a",null,null] [1,null,1,"b",null,null] [2,null,0,"x",null,null]"#,
            "Parents [1]",
            r#"Rows [1,null,0,"A",null,null]"#
        ]
    );
}

#[test]
fn what_cannot_be_taken_apart_is_kept_for_the_quarantine() {
    let (changes, news) = written(
        &json!([
            {"lines": [{"sku": "whose"}]},
            {"id": null, "lines": []},
            "no object",
            {"id": 1, "lines": [{"sku": "a"}, {"_position": 5}]}
        ]),
        Told::default(),
    );
    assert!(news.is_none(), "{news:?}");
    let told = told(&changes);
    let begins = [
        r#"Rejected Some("_parent_id") `_parent_id` has no value"#,
        r#"Rejected Some("_parent_id") `_parent_id` has no value"#,
        "Rejected None The API gave a value that is no object.",
        r#"Rejected Some("_position") The element has a field `_position` itself."#,
        "Parents [1]",
        r#"Rows [1,null,0,"a",null,null]"#,
    ];
    assert_eq!(told.len(), begins.len(), "{told:#?}");
    for (told, begin) in told.iter().zip(begins) {
        assert!(told.starts_with(begin), "{told}");
    }
    assert!(told[0].contains(r#""_line":"{\"lines\""#), "{}", told[0]);
    // A step on the way that is a list: its parents keep what they have.
    let deep = Elements { path: vec!["lines".to_owned(), "data".to_owned()], ..lines() };
    let rejected = deep.records(&json!({"id": 1, "lines": [{"data": []}]})).unwrap_err();
    assert!(rejected.reason.contains("`lines` is no object"), "{}", rejected.reason);
    let found = deep.records(&json!({"id": 1, "lines": {"data": [{"sku": "d"}]}})).unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn values_of_other_types_are_news_also_of_a_parent_without_elements() {
    let (_, news) = written(&json!([{"id": "A-1", "lines": []}]), Told::default());
    let news = news.unwrap();
    assert_eq!(news.table, TableName::bare("orders__lines"));
    assert_eq!(news.columns.len(), 6, "{news:?}");
    assert_eq!(news.column("_parent_id").unwrap().logical, LogicalType::Text);
    let (_, news) = written(&json!([{"id": 1, "lines": [{"sku": "a", "colour": "red"}]}]), Told::default());
    assert_eq!(news.unwrap().column("colour").unwrap().logical, LogicalType::Text);
    // What was settled otherwise is rejected, and its parent is not told.
    let settled = Told::default();
    written(&json!([{"id": "A-1", "lines": []}]), settled.clone());
    let (changes, news) = written(&json!([{"id": "A-1", "lines": [{"sku": "a"}]}]), settled.settle());
    assert!(news.is_none());
    let told = told(&changes);
    assert!(told.len() == 1 && told[0].starts_with("Rejected"), "{told:?}");
}

/// What a destination has after changes, by parent and place.
fn applied(changes: &[Change]) -> BTreeMap<(i64, i64), String> {
    let mut table = BTreeMap::new();
    for change in changes {
        let Change::Batch(batch) = change else { panic!("{change:?}") };
        for row in values(&batch.rows) {
            let number = |at: usize| row[at].as_i64().unwrap();
            match batch.kind {
                BatchKind::Parents => table.retain(|(parent, _), _| *parent != number(0)),
                _ => drop(table.insert((number(0), number(2)), row[3].as_str().unwrap().to_owned())),
            }
        }
    }
    table
}

/// What it should have: of each parent what came last.
fn expected(records: &Value) -> BTreeMap<(i64, i64), String> {
    let mut table = BTreeMap::new();
    for record in records.as_array().unwrap() {
        let id = record["id"].as_i64().unwrap();
        table.retain(|(parent, _), _| *parent != id);
        for (at, line) in record["lines"].as_array().unwrap().iter().enumerate() {
            table.insert((id, at as i64), line["sku"].as_str().unwrap().to_owned());
        }
    }
    table
}

#[test]
fn elements_that_fill_batches_keep_their_order() {
    // So large that a batch is handed on in the middle of a parent.
    let long = |letter: &str| json!({"sku": letter.repeat(3 << 20)});
    let records = json!([
        {"id": 1, "lines": [long("a"), long("b"), long("c"), long("d"), long("e")]},
        {"id": 2, "lines": [{"sku": "x"}]},
        {"id": 1, "lines": [{"sku": "A"}]},
        {"id": 3, "lines": [long("f"), long("g"), long("h"), {"sku": "i"}]}
    ]);
    let (changes, _) = written(&records, Told::default());
    let batches = changes.iter().filter(|change| matches!(change, Change::Batch(_))).count();
    assert!(batches >= 6, "{batches} batches");
    assert!(applied(&changes) == expected(&records));
    // So many parents without elements that they are a batch by themselves.
    let many: Vec<Value> = (0..70_000).map(|id| json!({"id": id % 66_000, "lines": []})).collect();
    let (changes, _) = written(&Value::Array(many), Told::default());
    assert!(changes.len() > 1 && applied(&changes).is_empty());
}

proptest! {
    #[test]
    fn whatever_comes_the_last_telling_stays(
        records in proptest::collection::vec((0i64..4, 0usize..4), 0..40),
        pauses in proptest::collection::vec(any::<bool>(), 40),
    ) {
        let record = |(at, (id, count)): (usize, &(i64, usize))| {
            let lines: Vec<Value> = (0..*count).map(|line| json!({"sku": format!("{at}-{line}")})).collect();
            json!({"id": id, "lines": lines})
        };
        let records: Vec<Value> = records.iter().enumerate().map(record).collect();
        let elements = lines();
        let read = read(&elements);
        let parents = elements.parents(&read);
        let mut writer =
            ElementWriter::new(&elements, &read, parents.as_ref(), HashSet::new(), Told::default()).unwrap();
        let mut changes = Vec::new();
        for (record, pause) in records.iter().zip(pauses) {
            changes.extend(writer.take(std::slice::from_ref(record)).unwrap());
            if pause {
                changes.extend(writer.finish().unwrap());
            }
        }
        changes.extend(writer.finish().unwrap());
        prop_assert_eq!(applied(&changes), expected(&Value::Array(records)));
    }
}
