//! Values as text: Python's `str()` and `repr()`, and its `json.dumps`.

use std::fmt::Write as _;

use super::datetime::Duration;
use super::value::Value;
use crate::Json;

/// Python's `str()`.
pub(super) fn text<'v>(value: &'v Value<'_>) -> std::borrow::Cow<'v, str> {
    match value {
        Value::Str(text) => std::borrow::Cow::Borrowed(text.as_ref()),
        other => {
            let mut out = String::new();
            write(&mut out, other, true);
            out.into()
        }
    }
}

/// Appends `str()` of a value.
pub(super) fn write_text(out: &mut String, value: &Value<'_>) {
    match value {
        Value::Str(text) => out.push_str(text),
        other => write(out, other, true),
    }
}

/// Python's `repr()`.
pub(super) fn repr(value: &Value<'_>) -> String {
    let mut out = String::new();
    write(&mut out, value, false);
    out
}

fn write(out: &mut String, value: &Value<'_>, plain: bool) {
    match value {
        Value::Undefined if plain => {}
        Value::Undefined => out.push_str("Undefined"),
        Value::None => out.push_str("None"),
        Value::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
        Value::Int(value) => {
            let _ = write!(out, "{value}");
        }
        Value::Float(value) => out.push_str(&float(*value)),
        Value::Str(text) => quoted(out, text),
        Value::JsonList(items) => sequence(out, items.iter(), "[", "]", json),
        Value::List(items) => {
            sequence(out, items.borrow().iter(), "[", "]", |out, item| write(out, item, false));
        }
        Value::Tuple(items) => {
            let close = if items.len() == 1 { ",)" } else { ")" };
            sequence(out, items.iter(), "(", close, |out, item| write(out, item, false));
        }
        Value::JsonDict(fields) => object(out, fields),
        Value::Dict(fields) => sequence(out, fields.borrow().iter(), "{", "}", |out, (key, value)| {
            write(out, key, false);
            out.push_str(": ");
            write(out, value, false);
        }),
        Value::Moment(moment) if plain => out.push_str(&moment.iso(' ')),
        Value::Moment(moment) => {
            let _ = write!(out, "datetime.datetime({})", moment.iso(' '));
        }
        Value::Day(day) => {
            let _ = write!(out, "{day}");
        }
        Value::Duration(duration) => out.push_str(&duration_text(*duration)),
        Value::Method(method) => {
            let _ = write!(out, "<built-in method {} of {} object>", method.1, method.0.type_name());
        }
    }
}

fn sequence<T>(
    out: &mut String,
    items: impl Iterator<Item = T>,
    open: &str,
    close: &str,
    mut item: impl FnMut(&mut String, T),
) {
    out.push_str(open);
    for (at, one) in items.enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        item(out, one);
    }
    out.push_str(close);
}

fn object(out: &mut String, fields: &crate::Map) {
    sequence(out, fields.iter(), "{", "}", |out, (key, value)| {
        quoted(out, key);
        out.push_str(": ");
        json(out, value);
    });
}

/// Appends Python's `repr()` of a JSON value.
fn json(out: &mut String, value: &Json) {
    match value {
        Json::String(text) => quoted(out, text),
        Json::Array(items) => sequence(out, items.iter(), "[", "]", json),
        Json::Object(fields) => object(out, fields),
        other => write(out, &Value::from(other), false),
    }
}

/// Python's text of a float: the shortest digits, an exponent from 1e16 and below 1e-4.
pub(super) fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{value}");
    if plain.contains('.') { plain } else { format!("{plain}.0") }
}

/// A text in Python's quotes.
fn quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if letter == quote => {
                out.push('\\');
                out.push(letter);
            }
            letter if (letter as u32) < 0x20 || letter as u32 == 0x7f => {
                let _ = write!(out, "\\x{:02x}", letter as u32);
            }
            '\u{80}'..='\u{a0}' | '\u{ad}' => {
                let _ = write!(out, "\\x{:02x}", letter as u32);
            }
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                let _ = write!(out, "\\u{:04x}", letter as u32);
            }
            letter => out.push(letter),
        }
    }
    out.push(quote);
}

fn duration_text(duration: Duration) -> String {
    let mut out = String::new();
    if duration.months != 0 {
        let (years, months) = (duration.months / 12, duration.months % 12);
        for (count, word) in [(years, "year"), (months, "month")] {
            if count != 0 {
                let plural = if count == 1 { "" } else { "s" };
                let _ = write!(out, "{count} {word}{plural}, ");
            }
        }
    }
    const DAY: i64 = 86_400_000_000;
    let days = duration.microseconds.div_euclid(DAY);
    let rest = duration.microseconds.rem_euclid(DAY);
    if days != 0 {
        let plural = if days.abs() == 1 { "" } else { "s" };
        let _ = write!(out, "{days} day{plural}, ");
    }
    let seconds = rest / 1_000_000;
    let _ = write!(out, "{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest % 1_000_000 != 0 {
        let _ = write!(out, ".{:06}", rest % 1_000_000);
    }
    out
}

/// Python's `json.dumps` with its usual settings: `", "` and `": "` between, everything beyond ASCII escaped.
pub fn json_dumps(value: &Json) -> String {
    let mut out = String::new();
    dump(&mut out, value);
    out
}

fn dump(out: &mut String, value: &Json) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(_) => write(out, &Value::from(value), false),
        Json::String(text) => dump_text(out, text),
        Json::Array(items) => sequence(out, items.iter(), "[", "]", dump),
        Json::Object(fields) => sequence(out, fields.iter(), "{", "}", |out, (key, value)| {
            dump_text(out, key);
            out.push_str(": ");
            dump(out, value);
        }),
    }
}

fn dump_text(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(letter),
            other => {
                let mut units = [0; 2];
                for unit in other.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}
