//! JSON as Python writes it: `", "` and `": "` between parts, only ASCII.

use std::fmt::Write as _;

use crate::Json;
use crate::expression::python_str;

/// The text of a JSON body.
pub(crate) fn write(value: &Json) -> String {
    let mut text = String::new();
    append(&mut text, value);
    text
}

fn append(text: &mut String, value: &Json) {
    match value {
        Json::String(own) => string(text, own),
        // Python writes 1e+16 where others write 1e16.
        Json::Number(number) if number.is_f64() => text.push_str(&python_str(value)),
        Json::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                append(text, item);
            }
            text.push(']');
        }
        Json::Object(fields) => {
            text.push('{');
            for (index, (name, field)) in fields.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                string(text, name);
                text.push_str(": ");
                append(text, field);
            }
            text.push('}');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

fn string(text: &mut String, own: &str) {
    text.push('"');
    for character in own.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text.push('"');
}
