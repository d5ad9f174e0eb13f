//! CSV and JSON as files bring them: any bytes end in rows or in an error.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    connectors::files::csv::fuzz(data);
    connectors::files::json::fuzz(data);
});
