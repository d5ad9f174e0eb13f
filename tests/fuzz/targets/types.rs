//! Names of types and tables, as they stand in project files and checkpoints: what parses is written back the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use syncline_protocol::{LogicalType, TableName};

fuzz_target!(|text: &str| {
    if let Ok(logical) = text.parse::<LogicalType>() {
        assert_eq!(logical.to_string().parse(), Ok(logical));
    }
    if let Ok(table) = text.parse::<TableName>() {
        assert_eq!(table.to_string().parse(), Ok(table));
    }
});
