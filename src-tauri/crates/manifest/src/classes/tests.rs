use serde_json::{Value, json};

use super::extractors::Ported;
use crate::document::{Document, Node};
use crate::expression::Scope;

/// The records that an extractor of this class makes of a body.
fn extracted(mut extractor: Value, body: Value) -> Vec<Value> {
    extractor["type"] = json!("CustomRecordExtractor");
    let document = Document::parse(&json!({"streams": [extractor]}).to_string()).unwrap();
    let node = &Node::root(&document).list("streams")[0];
    let (ported, path) = Ported::of(node).unwrap().expect("a known class");
    if ported.takes_bodies() {
        return ported.rows_of(body);
    }
    let found = path.iter().filter(|step| *step != "*").fold(body, |body, step| body[step.as_str()].clone());
    let found = match found {
        Value::Array(items) => items,
        one => vec![one],
    };
    let config = json!({"day": "on"});
    ported.shaped(found, &Scope::new(&config, jiff::Timestamp::now)).unwrap()
}

fn class(name: &str, fields: Value) -> Value {
    let mut component = json!({"class_name": format!("source_declarative_manifest.components.{name}")});
    component.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    component
}

#[test]
#[allow(clippy::too_many_lines)] // a table of cases
fn extractors_make_records_of_what_is_none() {
    for (extractor, body, expected) in [
        (
            class("WrappingDpathExtractor", json!({"field_path": []})),
            json!([1, "a"]),
            json!([{"data": 1}, {"data": "a"}]),
        ),
        (
            class("LabelsRecordExtractor", json!({"field_path": ["values"]})),
            json!({"values": ["x"]}),
            json!([{"label": "x"}]),
        ),
        (
            class("EventsRecordExtractor", json!({"field_path": ["events"]})),
            json!({"events": ["x"]}),
            json!([{"event_name": "x"}]),
        ),
        (class("CustomExtractor", json!({})), json!({"categories": ["x"]}), json!([{"name": "x"}])),
        (
            class(
                "NullCheckedDpathExtractor",
                json!({"field_path": ["data", "*"], "nullable_nested_field": "data"}),
            ),
            json!({"data": [{"id": 1, "data": {"id": 1, "a": 2}}, {"id": 2, "data": null}, {"id": 3}]}),
            json!([{"id": 1, "a": 2}, {"id": 2, "data": null}, {"id": 3}]),
        ),
        (
            class(
                "ObjectDpathExtractor",
                json!({"field_path": ["t"], "inject_key_as_field": "{{ config['day'] }}"}),
            ),
            json!({"t": {"2024-01-01": {"v": 1}, "2024-01-02": {"v": 2}}}),
            json!([{"on": "2024-01-01", "v": 1}, {"on": "2024-01-02", "v": 2}]),
        ),
        (class("PocketExtractor", json!({})), json!({"list": {"7": {"id": 7}}}), json!([{"id": 7}])),
        (class("PocketExtractor", json!({})), json!({"list": [{"id": 7}]}), json!([{"id": 7}])),
        (
            class("MailChimpRecordExtractorEmailActivity", json!({"field_path": ["emails"]})),
            json!({"emails": [{"id": 1, "activity": [{"a": 1}, {"a": 2}]}, {"id": 2, "activity": []}]}),
            json!([{"id": 1, "a": 1}, {"id": 1, "a": 2}]),
        ),
        (
            class("EventsRecordExtractor", json!({"field_path": []})),
            json!([{"_type": "x", "email": "e", "own": 1}]),
            json!([{"itblInternal": null, "_type": "x", "createdAt": null, "email": "e", "data": {"own": 1}}]),
        ),
        (
            class("UsersRecordExtractor", json!({"field_path": []})),
            json!([{"email": "e", "signupDate": "2021-04-14 16:52:31 +00:00", "own": 1}]),
            json!([{"email": "e", "signupDate": "2021-04-14T16:52:31+00:00", "data": {"own": 1}}]),
        ),
        (
            class("CustomExtractor", json!({"field_path": ["x"]})),
            json!({"x": [{"at": "/Date(1419937200000+0130)/", "in": {"at": "/Date(-1000)/"}, "plain": "Date"}]}),
            json!([{"at": "2014-12-30T12:30:00+00:00", "in": {"at": "1969-12-31T23:59:59+00:00"}, "plain": "Date"}]),
        ),
        (
            class("USCensusRecordExtractor", json!({})),
            json!([["NAME", "POP"], ["Alabama, \"x\"", "4"], ["Alaska", null]]),
            json!([{"NAME": "Alabama, \"x\"", "POP": "4"}, {"NAME": "Alaska", "POP": "null"}]),
        ),
        (
            class("AverageSessionLengthRecordExtractor", json!({})),
            json!({"data": {"series": [[1.5, 2]], "xValues": ["d1", "d2"]}}),
            json!([{"date": "d1", "length": 1.5}, {"date": "d2", "length": 2}]),
        ),
        (
            class("ActiveUsersRecordExtractor", json!({})),
            json!({"data": {"series": [[1, 2], [3, 4]], "seriesLabels": ["a", "b"], "xValues": ["d1", "d2"]}}),
            json!([{"date": "d1", "statistics": {"a": 1, "b": 3}}, {"date": "d2", "statistics": {"a": 2, "b": 4}}]),
        ),
        (
            class("IVRMenusRecordExtractor", json!({})),
            json!({"ivrs": [{"id": 1, "menus": [{"id": 2, "routes": []}]}, {"id": 3}]}),
            json!([{"ivr_id": 1, "id": 2, "routes": []}]),
        ),
        (
            class("IVRRoutesRecordExtractor", json!({})),
            json!({"ivrs": [{"id": 1, "menus": [{"id": 2, "routes": [{"id": 5}]}]}]}),
            json!([{"ivr_id": 1, "ivr_menu_id": 2, "id": 5}]),
        ),
        (class("ExportDatesExtractor", json!({})), json!({"dates": ["d"]}), json!([{"dates": ["d"]}])),
        (class("ExportDatesExtractor", json!({})), json!({}), json!([{"dates": []}])),
    ] {
        assert_eq!(Value::Array(extracted(extractor.clone(), body)), expected, "{extractor}");
    }
}

#[test]
fn classes_that_are_not_known_stay_so() {
    for component in [
        class("NobodyKnowsExtractor", json!({})),
        class("EventsRecordExtractor", json!({"field_path": ["x"]})),
    ] {
        let document = Document::parse(&json!({"streams": [component]}).to_string()).unwrap();
        assert!(Ported::of(&Node::root(&document).list("streams")[0]).unwrap().is_none());
    }
}

proptest::proptest! {
    #[test]
    fn no_date_panics(text in "/?Date\\(-?[0-9]{0,20}[+-]?[0-9é]{0,5}\\)?") {
        let _ = extracted(class("CustomExtractor", json!({"field_path": ["x"]})), json!({"x": [{"at": text}]}));
    }
}
