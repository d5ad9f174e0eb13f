//! The transformations of the language, through the whole of reading, as Syncline does them where nobody asks for the
//! reference's own mistakes. (`records.rs` compares them with the reference, mistakes included.)

use serde_json::{Value, json};
use syncline_protocol::ErrorKind;

use crate::world::{World, manifest, stream};

fn transforming(transformations: &Value) -> Value {
    let mut stream = stream();
    stream["transformations"] = transformations.clone();
    manifest(stream)
}

/// What becomes of a record.
async fn changed(transformation: &Value, record: &Value) -> Value {
    let world = World::of(json!([record]).to_string());
    let read = world.read(&transforming(&json!([transformation])), json!({"mark": "m"})).await;
    let (mut got, _) = read.unwrap_or_else(|error| panic!("{transformation}: {error:?}"));
    assert_eq!(got.records.len(), 1, "{transformation}");
    got.records.remove(0)
}

fn adding(fields: Value) -> Value {
    json!({"type": "AddFields", "fields": fields})
}

#[tokio::test]
#[allow(clippy::too_many_lines)] // a table of cases
async fn records_are_changed_as_the_manifest_says() {
    for (transformation, record, expected) in [
        (
            adding(json!([{"path": ["mark"], "value": "{{ config['mark'] }}"},
                {"path": ["of", "name"], "value": "{{ record['name'] | upper }}"},
                {"path": ["list", "1"], "value": "{{ record['n'] + 1 }}"}])),
            json!({"name": "a", "n": 1}),
            json!({"name": "a", "n": 1, "mark": "m", "of": {"name": "A"}, "list": [null, 2]}),
        ),
        // A later field sees an earlier one; the type is a gate and no cast.
        (
            adding(
                json!([{"path": ["a"], "value": "{{ 12 }}"}, {"path": ["b"], "value": "{{ record['a'] * 2 }}"},
                {"path": ["text"], "value": "{{ 12 }}", "value_type": "string"},
                {"path": ["number"], "value": "{{ 12 }}", "value_type": "number"},
                {"path": ["whole"], "value": "{{ 12 }}", "value_type": "integer"}]),
            ),
            json!({"id": 1}),
            json!({"id": 1, "a": 12, "b": 24, "text": "12", "number": "12", "whole": 12}),
        ),
        (
            json!({"type": "AddFields", "condition": "{{ value and path == ['x'] and record['n'] > 1 }}",
                "fields": [{"path": ["x"], "value": "{{ record['n'] }}"}, {"path": ["y"], "value": "{{ record['n'] }}"}]}),
            json!({"n": 2}),
            json!({"n": 2, "x": 2}),
        ),
        (
            adding(json!([{"path": ["x"], "value": "{{ record['missing'] }}"}])),
            json!({"n": 1}),
            json!({"n": 1, "x": ""}),
        ),
        (
            json!({"type": "RemoveFields", "field_pointers": [["a"], ["b", "*", "c"], ["list", "0"], ["missing", "x"]]}),
            json!({"a": 1, "b": {"x": {"c": 1, "d": 2}, "y": {"c": 3}}, "list": [1, 2]}),
            json!({"b": {"x": {"d": 2}, "y": {}}, "list": [null, 2]}),
        ),
        // Only what is named goes, and only where the condition holds of it.
        (
            json!({"type": "RemoveFields", "condition": "{{ property == '' }}", "field_pointers": [["a"], ["b"]]}),
            json!({"a": "", "b": "x", "other": ""}),
            json!({"b": "x", "other": ""}),
        ),
        (json!({"type": "KeysToLower"}), json!({"ID": 1, "In": {"X": 1}}), json!({"id": 1, "in": {"X": 1}})),
        (
            json!({"type": "KeysToSnakeCase"}),
            json!({"userName": 1, "HTTPCode": 2, "In": {"someKey": [{"aB": 1}]}, "größe": 3, "a1b": 4}),
            json!({"user_name": 1, "httpcode": 2, "in": {"some_key": [{"aB": 1}]}, "grosse": 3, "a_1_b": 4}),
        ),
        (
            json!({"type": "KeysReplace", "old": "{{ '.' }}", "new": "_"}),
            json!({"a.b": {"c.d": [{"e.f": 1}]}, "g": 2}),
            json!({"a_b": {"c_d": [{"e.f": 1}]}, "g": 2}),
        ),
        (
            json!({"type": "FlattenFields"}),
            json!({"n": 1, "a": {"id": 2, "b": {"c": 3}}}),
            json!({"n": 1, "id": 2, "c": 3}),
        ),
        (
            json!({"type": "FlattenFields", "flatten_lists": false}),
            json!({"a": {"list": [1, {"x": 2}]}}),
            json!({"list": [1, {"x": 2}]}),
        ),
        (
            json!({"type": "DpathFlattenFields", "field_path": ["a"], "delete_origin_value": true,
                "key_transformation": {"type": "KeyTransformation", "prefix": "p_", "suffix": "_s"}}),
            json!({"id": 1, "a": {"b": 2}}),
            json!({"id": 1, "p_b_s": 2}),
        ),
        // Nothing is overwritten.
        (
            json!({"type": "DpathFlattenFields", "field_path": ["a"], "delete_origin_value": true}),
            json!({"id": 1, "a": {"id": 2}}),
            json!({"id": 1, "a": {"id": 2}}),
        ),
        (
            json!({"type": "DpathFlattenFields", "field_path": ["a"], "replace_record": true}),
            json!({"id": 1, "a": {"id": 2}}),
            json!({"id": 2}),
        ),
    ] {
        assert_eq!(changed(&transformation, &record).await, expected, "{transformation} of {record}");
    }
}

#[tokio::test]
async fn what_a_value_is_made_of_may_be_missing_where_the_condition_does_not_hold() {
    let on = |condition: &str| {
        let value = "{{ format_datetime(record['at']['made'], '%Y') }}";
        json!({"type": "AddFields", "condition": condition, "fields": [{"path": ["year"], "value": value}]})
    };
    for condition in ["{{ record.get('at') }}", "{{ 'made' in record.get('at', {}) and path == ['year'] }}"] {
        let record = json!({"id": 1, "at": {"made": "2024-05-06T00:00:00Z"}});
        let expected = json!({"id": 1, "at": {"made": "2024-05-06T00:00:00Z"}, "year": 2024});
        assert_eq!(changed(&on(condition), &record).await, expected, "{condition}");
        assert_eq!(changed(&on(condition), &json!({"id": 2})).await, json!({"id": 2}), "{condition}");
    }
    // What Python would call the wrong type is the text of the template, for whoever looks at it; so says the reference.
    for value in [
        "{{ format_datetime(record['at'], '%Y', '%Y-%m-%d') }}",
        "{{ sanitize_url(record['at']) }}",
        "{{ camel_case_to_snake_case(record['at']) }}",
        "{{ day_delta(record['at']) }}",
    ] {
        let adding = adding(json!([{"path": ["x"], "value": value}]));
        assert_eq!(changed(&adding, &json!({"id": 2})).await, json!({"id": 2, "x": value}));
    }
    let hash = adding(json!([{"path": ["x"], "value": "{{ record['at'] | hash }}"}]));
    assert_eq!(changed(&hash, &json!({"id": 2})).await["x"], "d41d8cd98f00b204e9800998ecf8427e");
    let typed = "{{ format_datetime(record['at'], '%Y', '%Y-%m-%d') }}";
    let looking = json!({"type": "AddFields", "condition": "{{ value is string and '{{' not in value }}",
        "fields": [{"path": ["year"], "value": typed, "value_type": "string"}]});
    assert_eq!(changed(&looking, &json!({"id": 2})).await, json!({"id": 2}));
    assert_eq!(
        changed(&looking, &json!({"at": "2024-05-06"})).await,
        json!({"at": "2024-05-06", "year": "2024"})
    );
    // Where it holds, or must see the value, what is missing is told.
    for condition in ["{{ true }}", "{{ value }}"] {
        let world = World::of(json!([{"id": 1}]).to_string());
        let error = world.read(&transforming(&json!([on(condition)])), json!({})).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{condition}: {error:?}");
    }
}

#[tokio::test]
async fn transformations_follow_each_other_and_the_filter_comes_before_them() {
    let mut stream = stream();
    stream["transformations"] = json!([
        {"type": "KeysToLower"},
        adding(json!([{"path": ["twice"], "value": "{{ record['id'] * 2 }}"}])),
        {"type": "RemoveFields", "field_pointers": [["id"]]},
    ]);
    for (first, condition, expected) in [
        (false, "{{ record['ID'] > 1 }}", json!([{"twice": 4}])),
        (true, "{{ record['twice'] > 2 }}", json!([{"twice": 4}])),
        (true, "{{ record.get('ID') }}", json!([])),
    ] {
        let selector = &mut stream["retriever"]["record_selector"];
        selector["transform_before_filtering"] = json!(first);
        selector["record_filter"] = json!({"type": "RecordFilter", "condition": condition});
        let world = World::of(json!([{"ID": 1}, {"ID": 2}]).to_string());
        let (got, _) = world.read(&manifest(stream.clone()), json!({})).await.unwrap();
        assert_eq!(Value::Array(got.records), expected, "{condition}");
    }
}

#[tokio::test]
async fn what_would_be_destroyed_is_told() {
    let below_a_text = adding(json!([{"path": ["name", "first"], "value": "x"}]));
    let world = World::of(json!([{"name": "a"}]).to_string());
    let error = world.read(&transforming(&json!([below_a_text])), json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("below `first`"), "{error:?}");
}
