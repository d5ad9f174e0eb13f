//! The functions that templates can call.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use fancy_regex::Regex;

use super::datetime::{Duration, Moment};
use super::eval::Given;
use super::value::{Evaluated, Fault, Value, type_error, undefined};
use super::{Scope, methods};

const KNOWN: [&str; 17] = [
    "now_utc",
    "today_utc",
    "today_with_timezone",
    "timestamp",
    "str_to_datetime",
    "max",
    "min",
    "day_delta",
    "duration",
    "format_datetime",
    "sanitize_url",
    "camel_case_to_snake_case",
    "generate_uuid",
    "namespace",
    "dict",
    "joiner",
    "cycler",
];

pub(super) fn known(name: &str) -> bool {
    KNOWN.contains(&name)
}

fn other(what: impl Into<String>) -> Fault {
    Fault::Other(what.into())
}

fn need<'a, 'g>(given: &'g Given<'a>, at: usize, name: &str) -> Result<&'g Value<'a>, Fault> {
    match given.get(at, name) {
        Some(Value::Undefined) => undefined(),
        Some(value) => Ok(value),
        None => type_error(format!("missing required argument: '{name}'")),
    }
}

/// A text that Python itself asks for, to which a value that is not there is one of the wrong type.
fn plain_text<'g>(given: &'g Given<'_>, at: usize, name: &str) -> Result<&'g str, Fault> {
    match given.get(at, name) {
        Some(Value::Undefined) => type_error(format!("`{name}` must be str, not Undefined")),
        _ => need_text(given, at, name),
    }
}

fn need_text<'g>(given: &'g Given<'_>, at: usize, name: &str) -> Result<&'g str, Fault> {
    match need(given, at, name)? {
        Value::Str(text) => Ok(text),
        other => type_error(format!("`{name}` must be str, not {}", other.type_name())),
    }
}

pub(super) fn call<'a>(scope: &Scope<'_>, name: &str, given: &Given<'a>) -> Evaluated<'a> {
    let now = || Moment::utc((scope.clock)());
    Ok(match name {
        "now_utc" => Value::Moment(now()),
        "today_utc" => Value::Day(now().civil().date()),
        "today_with_timezone" => {
            let zone = need_text(given, 0, "timezone")?;
            let zone = jiff::tz::TimeZone::get(zone)
                .map_err(|_| other(format!("there is no time zone `{zone}`")))?;
            Value::Day((scope.clock)().to_zoned(zone).date())
        }
        "timestamp" => match need(given, 0, "dt")? {
            Value::Int(value) => Value::Int(*value),
            Value::Bool(value) => Value::Int((*value).into()),
            Value::Float(value) => Value::Int(value.trunc() as i128),
            Value::Str(text) => Value::Float(iso(text)?.seconds()),
            wrong => {
                return type_error(format!("a time must be text or a number, not {}", wrong.type_name()));
            }
        },
        "str_to_datetime" => Value::Moment(iso(need_text(given, 0, "s")?)?.to_utc()),
        "max" | "min" => extreme(given, name == "max")?,
        "day_delta" => {
            let format = given.text(1, "format")?;
            let days = match given.get(0, "num_days").and_then(Value::number) {
                Some(super::value::Number::Int(count)) => methods::days(count),
                Some(super::value::Number::Float(count)) => {
                    Some(Duration { months: 0, microseconds: (count * 86_400e6) as i64 })
                }
                None => return type_error("unsupported type for timedelta days component"),
            };
            let moment =
                days.and_then(|days| now().plus(days)).ok_or_else(|| other("date value out of range"))?;
            Value::text(moment.strftime(format.as_deref().unwrap_or("%Y-%m-%dT%H:%M:%S.%f%z")))
        }
        "duration" => {
            let Some(text) = given.text(0, "datestring")? else { return type_error("Expecting a string") };
            Value::Duration(Duration::parse(&text).map_err(|error| other(error.message()))?)
        }
        "format_datetime" => format_datetime(given)?,
        "sanitize_url" => Value::text(quote_plus(plain_text(given, 0, "value")?)),
        "camel_case_to_snake_case" => Value::text(snake(plain_text(given, 0, "value")?)),
        "generate_uuid" => Value::text(uuid()?),
        "namespace" | "dict" => {
            let dict = Rc::default();
            let fields = given.by_place.first().map_or_else(|| Ok(Vec::new()), methods::pairs)?;
            let named = given.by_name.iter().map(|(name, value)| (Value::text(*name), value.clone()));
            for (key, value) in fields.into_iter().chain(named) {
                methods::put(&dict, key, value)?;
            }
            if name == "dict" { Value::Dict(dict) } else { Value::Namespace(dict) }
        }
        wrong => return Err(other(format!("the function `{wrong}` is not known here"))),
    })
}

fn iso(text: &str) -> Result<Moment, Fault> {
    Moment::parse_iso(text).ok_or_else(|| other("a text is no time in ISO 8601"))
}

fn extreme<'a>(given: &Given<'a>, largest: bool) -> Evaluated<'a> {
    if !given.by_name.is_empty() {
        return type_error("got an unexpected keyword argument");
    }
    let items = match given.by_place.as_slice() {
        [] => return type_error("expected at least 1 argument, got 0"),
        [one] => one.items()?,
        many => many.to_vec(),
    };
    let mut items = items.into_iter();
    let mut best = items.next().ok_or_else(|| other("the list is empty"))?;
    for item in items {
        let order = item.compare(&best)?;
        if order == Some(if largest { std::cmp::Ordering::Greater } else { std::cmp::Ordering::Less }) {
            best = item;
        }
    }
    Ok(best)
}

fn format_datetime<'a>(given: &Given<'a>) -> Evaluated<'a> {
    let format = plain_text(given, 1, "format")?;
    let input = given.text(2, "input_format")?.filter(|input| !input.is_empty());
    let time = match (given.get(0, "dt"), &input) {
        (Some(Value::Undefined), Some(_)) => return type_error("a time must be text, not Undefined"),
        _ => need(given, 0, "dt")?,
    };
    let moment = match time {
        Value::Moment(moment) => return Ok(Value::text(moment.strftime(format))),
        Value::Day(_) => return type_error("Parser must be a string or character stream, not date"),
        Value::Bool(seconds) => {
            Moment::parse(if *seconds { "1" } else { "0" }, input.as_deref().unwrap_or("%s"))
        }
        Value::Int(seconds) => Moment::parse(&seconds.to_string(), input.as_deref().unwrap_or("%s")),
        Value::Str(text) => match input {
            Some(input) => Moment::parse(text, &input),
            None => Moment::parse_iso(text).map(Moment::to_utc),
        },
        wrong => return type_error(format!("a time must be text or a number, not {}", wrong.type_name())),
    };
    let moment = moment.ok_or_else(|| other("a text is no time in the expected format"))?;
    Ok(Value::text(moment.format(format)))
}

/// Python's `quote_plus`.
pub(super) fn quote_plus(text: &str) -> String {
    quote(text, b"").replace("%20", "+")
}

/// Python's `quote` with these bytes left as they are.
pub(super) fn quote(text: &str, safe: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) || safe.contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn snake(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for (at, letter) in text.chars().enumerate() {
        if at > 0 && letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

fn uuid() -> Result<String, Fault> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| other("no random numbers are available"))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

thread_local! {
    /// Expressions that were used: most are used again with the next record.
    static REGEXES: RefCell<HashMap<String, Rc<Regex>>> = RefCell::new(HashMap::new());
}

/// Regular expressions that are kept, at most.
const REGEXES_MAX: usize = 200;

/// A regular expression of Python's kind.
pub(super) fn regex(pattern: &str) -> Result<Rc<Regex>, Fault> {
    REGEXES.with_borrow_mut(|known| {
        if let Some(regex) = known.get(pattern) {
            return Ok(Rc::clone(regex));
        }
        // Python's `\Z` is the very end of the text.
        let regex = Regex::new(&pattern.replace("\\Z", "\\z"));
        let regex = Rc::new(regex.map_err(|_| other("a regular expression is not valid"))?);
        if known.len() >= REGEXES_MAX {
            known.clear();
        }
        known.insert(pattern.to_owned(), Rc::clone(&regex));
        Ok(regex)
    })
}
