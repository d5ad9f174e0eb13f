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
        Value::Namespace(fields) => {
            let fields = Value::Dict(std::rc::Rc::clone(fields));
            let _ = write!(out, "<Namespace {}>", repr(&fields));
        }
        Value::Moment(moment) if plain => out.push_str(&moment.iso(' ')),
        Value::Moment(moment) => out.push_str(&moment_repr(moment)),
        Value::Day(day) if plain => {
            let _ = write!(out, "{day}");
        }
        Value::Day(day) => {
            let _ = write!(out, "datetime.date({}, {}, {})", day.year(), day.month(), day.day());
        }
        Value::Duration(duration) if plain => out.push_str(&duration_text(*duration)),
        Value::Duration(duration) => out.push_str(&duration_repr(*duration)),
        Value::Method(method) => {
            let _ = write!(out, "<built-in method {} of {} object>", method.1, method.0.type_name());
        }
        Value::Macro(closure) => {
            let _ = write!(out, "<Macro {}>", repr(&Value::text(closure.written.name.as_str())));
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

/// What Python does not print as it is: controls, formats, spaces other than the common one, private letters.
/// Letters that Unicode has not given out yet are printed.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || (letter.is_whitespace() && letter != ' ')
        || matches!(letter,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{110bd}' | '\u{110cd}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}'..='\u{e007f}'
            | '\u{f0000}'..='\u{10ffff}')
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
            letter if is_hidden(letter) => {
                let code = letter as u32;
                let _ = match code {
                    0..0x100 => write!(out, "\\x{code:02x}"),
                    0x100..0x1_0000 => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
            letter => out.push(letter),
        }
    }
    out.push(quote);
}

/// Python's `ascii()`: `repr()` with everything beyond ASCII escaped.
pub(super) fn ascii(value: &Value<'_>) -> String {
    let mut out = String::new();
    for letter in repr(value).chars() {
        let code = letter as u32;
        let _ = match code {
            0..0x80 => write!(out, "{letter}"),
            0x80..0x100 => write!(out, "\\x{code:02x}"),
            0x100..0x1_0000 => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
    }
    out
}

fn moment_repr(moment: &super::datetime::Moment) -> String {
    let civil = moment.civil();
    let mut parts =
        format!("{}, {}, {}, {}, {}", civil.year(), civil.month(), civil.day(), civil.hour(), civil.minute());
    let micros = civil.subsec_nanosecond() / 1000;
    if civil.second() != 0 || micros != 0 {
        let _ = write!(parts, ", {}", civil.second());
    }
    if micros != 0 {
        let _ = write!(parts, ", {micros}");
    }
    format!("datetime.datetime({parts}, tzinfo=datetime.timezone.utc)")
}

fn duration_repr(duration: Duration) -> String {
    let day = 86_400_000_000;
    let rest = duration.microseconds.rem_euclid(day);
    let parts = [duration.microseconds.div_euclid(day), rest / 1_000_000, rest % 1_000_000];
    if duration.months != 0 {
        let [days, seconds, micros] = parts;
        let (years, months) = (duration.months / 12, duration.months % 12);
        return format!(
            "isodate.duration.Duration({days}, {seconds}, {micros}, years={years}, months={months})"
        );
    }
    let names = ["days", "seconds", "microseconds"];
    let named =
        names.iter().zip(parts).filter(|(_, part)| *part != 0).map(|(name, part)| format!("{name}={part}"));
    let named: Vec<String> = named.collect();
    format!("datetime.timedelta({})", if named.is_empty() { "0".to_owned() } else { named.join(", ") })
}

fn duration_text(duration: Duration) -> String {
    let mut out = String::new();
    if duration.months != 0 {
        let (years, months) = (duration.months / 12, duration.months % 12);
        for (count, word) in [(years, "years"), (months, if months <= 1 { "month" } else { "months" })] {
            if count != 0 {
                let _ = write!(out, "{count} {word}, ");
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

/// The same with line ends, and so many spaces for each level.
pub(super) fn json_dumps_indented(value: &Json, width: usize) -> String {
    let mut out = String::new();
    dump_indented(&mut out, value, width, 1);
    out
}

fn dump_indented(out: &mut String, value: &Json, width: usize, level: usize) {
    let line = |out: &mut String, level: usize| {
        out.push('\n');
        out.push_str(&" ".repeat(width * level));
    };
    match value {
        Json::Array(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                out.push(if at == 0 { '[' } else { ',' });
                line(out, level);
                dump_indented(out, item, width, level + 1);
            }
            line(out, level - 1);
            out.push(']');
        }
        Json::Object(fields) if !fields.is_empty() => {
            for (at, (key, value)) in fields.iter().enumerate() {
                out.push(if at == 0 { '{' } else { ',' });
                line(out, level);
                dump_text(out, key);
                out.push_str(": ");
                dump_indented(out, value, width, level + 1);
            }
            line(out, level - 1);
            out.push('}');
        }
        other => dump(out, other),
    }
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
