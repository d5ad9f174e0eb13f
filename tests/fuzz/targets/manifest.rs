//! Manifests of connectors: any text is a connector or a sentence about what is wrong with it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use syncline_manifest::connector::Connector;

fuzz_target!(|text: &str| {
    let connector = match Connector::parse(text, &|_| None) {
        Ok(connector) => connector,
        Err(error) => return assert!(!error.message().is_empty()),
    };
    assert!(connector.specification().is_object() || connector.specification().is_null());
    for table in connector.declared_tables() {
        if let Err(error) = &table.stream {
            assert!(!error.message().is_empty());
        }
    }
    let _ = connector.check_streams();
    let _ = connector.concurrency(&json!({}));
    let _ = connector.configure(json!({"api_key": "k", "start_date": "2024-01-01T00:00:00Z", "ids": [1, "2"]}));
});
