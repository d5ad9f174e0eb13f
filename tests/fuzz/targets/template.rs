//! Templates of manifests: any text is compiled or refused, and what is compiled ends, in a value or in a sentence.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use syncline_manifest::expression::{Accept, Condition, Scope, Text};

static RECORD: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "id": 7, "name": "Ä b'c\"", "at": "2024-02-29T23:59:59.5+02:00", "price": -0.5, "none": null, "big": u64::MAX,
        "on": true, "tags": ["a", 1, null, {"x": [1.0]}], "inner": {"id": "8", "items": {"a": "1"}, "7": []},
    })
});

fuzz_target!(|text: &str| {
    let parameters = Arc::new(json!({"name": "people", "n": 2}));
    let Ok(template) = Text::new(text, Arc::clone(&parameters)) else { return };
    let config = json!({"key": "secret", "since": "2024-01-01", "n": 3, "list": [3, 1, 2]});
    let slice = json!({"start_time": "2024-01-01", "id": 5, "extra_fields": {}});
    let scope = Scope::new(&config, || jiff::Timestamp::UNIX_EPOCH)
        .with("record", &RECORD)
        .with("response", &RECORD)
        .with("stream_slice", &slice);
    let _ = template.eval(&scope);
    if let Ok(condition) = Condition::new(text, parameters) {
        let _ = condition.holds(&scope);
    }
    // A gate lets a value of its type through, or keeps the text.
    if let Ok(Some(value)) = template.eval_as(&scope, Accept::Text) {
        assert!(value.is_string(), "{value}");
    }
    if let Ok(Some(value)) = template.eval_as(&scope, Accept::TextAndLists) {
        assert!(value.is_string() || value.is_array(), "{value}");
    }
});
