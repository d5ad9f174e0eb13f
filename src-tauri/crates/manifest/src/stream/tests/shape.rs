//! What a stream tells of itself, and what it refuses to be.

use std::collections::HashSet;

use serde_json::json;
use syncline_protocol::{ErrorKind, Result};

use super::{reading, run};
use crate::Json;
use crate::context::Compatibility;
use crate::document::{Document, Node};
use crate::stream::{Stream, parents};

fn retriever() -> Json {
    json!({ "type": "SimpleRetriever",
        "requester": { "type": "HttpRequester", "url_base": "http://api.invalid", "path": "/x" },
        "record_selector": { "type": "RecordSelector", "extractor": { "type": "DpathExtractor", "field_path": [] } } })
}

/// A whole stream with these fields more.
fn stream(more: Json) -> Result<Stream> {
    let mut stream = json!({ "type": "DeclarativeStream", "name": "x", "retriever": retriever() });
    for (name, value) in more.as_object().unwrap() {
        stream[name] = value.clone();
    }
    let document = Document::parse(&json!({ "type": "DeclarativeSource", "streams": [stream] }).to_string())?;
    Stream::new(&Node::root(&document).list("streams")[0])
}

#[test]
fn keys_are_paths() {
    for (key, expected) in [
        (json!(null), vec![]),
        (json!(""), vec![]),
        (json!("id"), vec![vec!["id"]]),
        (json!(["a", "b"]), vec![vec!["a"], vec!["b"]]),
        (json!([["a", "b"], ["c"]]), vec![vec!["a", "b"], vec!["c"]]),
    ] {
        assert_eq!(stream(json!({ "primary_key": key })).unwrap().primary_key, expected);
    }
    assert_eq!(stream(json!({ "primary_key": { "a": 1 } })).err().unwrap().kind(), ErrorKind::Config);
}

#[test]
fn the_cursor_field_is_told_once_the_configuration_is_known() {
    let with = |field: &str| {
        let cursor = json!({ "type": "DatetimeBasedCursor", "cursor_field": field, "datetime_format": "%s",
            "start_datetime": "0" });
        stream(json!({ "incremental_sync": cursor, "$parameters": { "field": "changed" } })).unwrap()
    };
    assert_eq!(with("updated").cursor_field.as_deref(), Some("updated"));
    assert_eq!(with("{{ parameters['field'] }}").cursor_field.as_deref(), Some("changed"));
    let mut stream = with("{{ config['field'] }}");
    stream.settle(&run(&json!({ "field": "seen" }), Compatibility::Safe)).unwrap();
    assert_eq!(stream.cursor_field.as_deref(), Some("seen"));
    assert_eq!(self::stream(json!({})).unwrap().cursor_field, None);
}

#[test]
fn what_cannot_be_run_is_told_with_its_place() {
    let divided = |router: Json| {
        let mut retriever = retriever();
        retriever["partition_router"] = router;
        json!({ "retriever": retriever })
    };
    let custom = |kind: &str| json!({ "type": kind, "class_name": "source_x.components.Special" });
    for (more, what) in [
        (json!({ "file_uploader": { "type": "FileUploader" } }), "file_uploader"),
        (json!({ "incremental_sync": custom("CustomIncrementalSync") }), "source_x.components.Special"),
        (divided(custom("CustomPartitionRouter")), "source_x.components.Special"),
        (divided(json!([custom("ListPartitionRouter")])), "source_x.components.Special"),
        (json!({ "retriever": custom("CustomRetriever") }), "source_x.components.Special"),
    ] {
        let error = stream(more).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains(what), "{error}");
        assert!(
            error
                .context()
                .iter()
                .any(|(name, place)| *name == "in the manifest" && place.starts_with("streams/0"))
        );
    }
}

#[test]
fn parents_of_parents_are_bounded() {
    let nested = |depth: usize| {
        (0..depth).fold(json!({ "type": "DeclarativeStream", "name": "x", "retriever": { "type": "SimpleRetriever" } }), |inner, _| {
            json!({ "type": "DeclarativeStream", "name": "x", "retriever": { "type": "SimpleRetriever", "partition_router": {
                "type": "SubstreamPartitionRouter", "parent_stream_configs": [{ "type": "ParentStreamConfig",
                    "stream": inner, "parent_key": "id", "partition_field": "id" }] } } })
        })
    };
    assert!(reading(&nested(8), &json!({}), &Default::default()).is_ok());
    assert_eq!(
        reading(&nested(40), &json!({}), &Default::default()).err().unwrap().kind(),
        ErrorKind::Config
    );
}

#[test]
fn all_parents_are_found() {
    let parent = |name: &str, router: Json| json!({ "stream": { "name": name, "retriever": { "partition_router": router } } });
    let stream = json!({ "retriever": { "partition_router": [
        { "parent_stream_configs": [parent("a", json!({ "parent_stream_configs": [parent("b", json!(null))] }))] },
        { "underlying_partition_router": { "partition_routers": [{ "parent_stream_configs": [parent("c", json!(null))] }] } },
    ] }, "schema_loader": { "parent_stream_configs": [parent("d", json!(null))] } });
    assert_eq!(parents(&stream), HashSet::from(["a", "b", "c"].map(str::to_owned)));
}
