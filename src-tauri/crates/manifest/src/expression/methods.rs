//! Attributes, items and methods of Python's types.

use std::borrow::Cow;
use std::rc::Rc;

use super::datetime::{Duration, Moment};
use super::eval::Given;
use super::value::{Evaluated, Fault, Value, type_error, undefined};
use super::{operators, repr};

const TEXT: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "find",
    "format",
    "index",
    "isalnum",
    "isalpha",
    "isdecimal",
    "isdigit",
    "islower",
    "isnumeric",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
];
const LIST: &[&str] =
    &["append", "count", "extend", "index", "insert", "pop", "remove", "reverse", "copy", "clear"];
const DICT: &[&str] = &["get", "items", "keys", "values", "update", "pop", "setdefault", "copy", "clear"];
const MOMENT: &[&str] =
    &["strftime", "isoformat", "timestamp", "date", "replace", "weekday", "isoweekday", "astimezone", "time"];
const DURATION: &[&str] = &["total_seconds"];

fn methods(value: &Value<'_>) -> &'static [&'static str] {
    match value {
        Value::Str(_) => TEXT,
        Value::JsonList(_) | Value::List(_) => LIST,
        Value::Tuple(_) => &["count", "index"],
        Value::JsonDict(_) | Value::Dict(_) => DICT,
        Value::Moment(_) | Value::Day(_) => MOMENT,
        Value::Duration(_) => DURATION,
        _ => &[],
    }
}

/// `value.name`: a method or attribute first, then an item.
pub(super) fn attribute<'a>(value: Value<'a>, name: &'a str) -> Evaluated<'a> {
    if matches!(value, Value::Undefined) {
        return undefined();
    }
    if methods(&value).contains(&name) {
        return Ok(Value::Method(Rc::new((value, name))));
    }
    if let Some(found) = property(&value, name) {
        return Ok(found);
    }
    Ok(value.lookup(&Value::Str(Cow::Borrowed(name))).unwrap_or(Value::Undefined))
}

/// `value[key]`: an item first, then an attribute.
pub(super) fn item<'a>(value: Value<'a>, key: Value<'a>) -> Evaluated<'a> {
    if matches!(value, Value::Undefined) {
        return undefined();
    }
    if let Some(found) = value.lookup(&key) {
        return Ok(found);
    }
    let at = match &key {
        Value::Int(at) => Some(*at),
        Value::Bool(at) => Some((*at).into()),
        _ => None,
    };
    if let Some(at) = at {
        return Ok(indexed(&value, at).unwrap_or(Value::Undefined));
    }
    match key {
        Value::Str(name) => {
            if let Some(found) = property(&value, &name) {
                return Ok(found);
            }
            match methods(&value).iter().find(|known| **known == name) {
                Some(method) => Ok(Value::Method(Rc::new((value, method)))),
                None => Ok(Value::Undefined),
            }
        }
        _ => Ok(Value::Undefined),
    }
}

fn indexed<'a>(value: &Value<'a>, at: i128) -> Option<Value<'a>> {
    if !matches!(value, Value::Str(_) | Value::JsonList(_) | Value::List(_) | Value::Tuple(_)) {
        return None;
    }
    let length = value.len().ok()? as i128;
    let at = usize::try_from(if at < 0 { at + length } else { at }).ok()?;
    match value {
        Value::Str(text) => text.chars().nth(at).map(|letter| Value::text(letter.to_string())),
        Value::JsonList(items) => items.get(at).map(Value::from),
        Value::List(items) => items.borrow().get(at).cloned(),
        Value::Tuple(items) => items.get(at).cloned(),
        _ => None,
    }
}

fn property<'a>(value: &Value<'a>, name: &str) -> Option<Value<'a>> {
    let civil = match value {
        Value::Moment(moment) => moment.civil(),
        Value::Day(day) => day.to_datetime(jiff::civil::Time::midnight()),
        Value::Duration(duration) => {
            const DAY: i64 = 86_400_000_000;
            let rest = duration.microseconds.rem_euclid(DAY);
            return Some(Value::Int(match name {
                "days" => duration.microseconds.div_euclid(DAY).into(),
                "seconds" => (rest / 1_000_000).into(),
                "microseconds" => (rest % 1_000_000).into(),
                "months" => (duration.months % 12).into(),
                "years" => (duration.months / 12).into(),
                _ => return None,
            }));
        }
        _ => return None,
    };
    Some(Value::Int(match name {
        "year" => civil.year().into(),
        "month" => civil.month().into(),
        "day" => civil.day().into(),
        "hour" => civil.hour().into(),
        "minute" => civil.minute().into(),
        "second" => civil.second().into(),
        "microsecond" => (civil.subsec_nanosecond() / 1000).into(),
        _ => return None,
    }))
}

pub(super) fn call<'a>(value: &Value<'a>, name: &str, given: &Given<'a>) -> Evaluated<'a> {
    match value {
        Value::Str(text) => text_method(text, name, given),
        Value::JsonList(_) | Value::List(_) | Value::Tuple(_) => list_method(value, name, given),
        Value::JsonDict(_) | Value::Dict(_) => dict_method(value, name, given),
        Value::Moment(moment) => moment_method(moment, name, given),
        Value::Day(day) => match (name, Moment::midnight(*day)) {
            ("isoformat", _) => Ok(Value::text(day.to_string())),
            (_, Some(moment)) => moment_method(&moment, name, given),
            _ => Err(Fault::Other("a day is out of range".to_owned())),
        },
        Value::Duration(duration) => Ok(Value::Float(duration.microseconds as f64 / 1e6)),
        _ => type_error("it has no methods"),
    }
}

fn moment_method<'a>(moment: &Moment, name: &str, given: &Given<'a>) -> Evaluated<'a> {
    let weekday = moment.civil().date().weekday();
    Ok(match name {
        "strftime" => match given.text(0, "format")? {
            Some(format) => Value::text(moment.strftime(&format)),
            None => return type_error("strftime() missing required argument 'format'"),
        },
        "isoformat" => {
            let between = given.text(0, "sep")?.and_then(|text| text.chars().next()).unwrap_or('T');
            Value::text(moment.iso(between))
        }
        "timestamp" => Value::Float(moment.seconds()),
        "date" => Value::Day(moment.civil().date()),
        "weekday" => Value::Int(weekday.to_monday_zero_offset().into()),
        "isoweekday" => Value::Int(weekday.to_monday_one_offset().into()),
        "astimezone" => Value::Moment(moment.to_utc()),
        "replace" => replaced(moment, given)?,
        _ => return type_error(format!("'datetime' has no method '{name}' here")),
    })
}

fn replaced<'a>(moment: &Moment, given: &Given<'a>) -> Evaluated<'a> {
    let civil = moment.civil();
    let part = |at: usize, name: &str, now: i64| -> Result<i64, Fault> {
        Ok(given.int(at, name)?.map_or(now, |value| i64::try_from(value).unwrap_or(-1)))
    };
    let micros = i64::from(civil.subsec_nanosecond() / 1000);
    let parts = [
        part(0, "year", civil.year().into())?,
        part(1, "month", civil.month().into())?,
        part(2, "day", civil.day().into())?,
        part(3, "hour", civil.hour().into())?,
        part(4, "minute", civil.minute().into())?,
        part(5, "second", civil.second().into())?,
        part(6, "microsecond", micros)?,
    ];
    let [year, month, day, hour, minute, second, micros] = parts;
    let text = format!("{year:04}-{month}-{day} {hour}:{minute}:{second}.{micros:06}");
    match Moment::parse(&text, "%Y-%m-%d %H:%M:%S.%f") {
        Some(utc) => {
            let at = utc.at.as_microsecond() - i64::from(moment.offset) * 1_000_000;
            let at = jiff::Timestamp::from_microsecond(at);
            at.map(|at| Value::Moment(Moment { at, offset: moment.offset }))
                .map_err(|_| Fault::Other("a time is out of range".to_owned()))
        }
        None => Err(Fault::Other("a time has a part out of range".to_owned())),
    }
}

fn required<'a, 'g>(given: &'g Given<'a>, at: usize, name: &str) -> Result<&'g Value<'a>, Fault> {
    match given.get(at, name) {
        Some(value) => Ok(value),
        None => type_error(format!("missing argument '{name}'")),
    }
}

fn list_method<'a>(value: &Value<'a>, name: &str, given: &Given<'a>) -> Evaluated<'a> {
    let items = value.items()?;
    match name {
        "count" => {
            let wanted = required(given, 0, "value")?;
            return Ok(Value::Int(items.iter().filter(|item| item.equals(wanted)).count() as i128));
        }
        "index" => {
            let wanted = required(given, 0, "value")?;
            let at = items.iter().position(|item| item.equals(wanted));
            return at
                .map(|at| Value::Int(at as i128))
                .ok_or_else(|| Fault::Other("the value is not in the list".to_owned()));
        }
        "copy" => return Ok(Value::list(items)),
        _ => {}
    }
    // What the record or configuration holds is not changed: templates see a copy of it.
    let Value::List(list) = value else { return Ok(Value::None) };
    let mut list = list.borrow_mut();
    match name {
        "append" => list.push(required(given, 0, "object")?.clone()),
        "extend" => {
            let more = required(given, 0, "iterable")?.items()?;
            list.extend(more);
        }
        "insert" => {
            let at = given.int(0, "index")?.unwrap_or(0).clamp(0, list.len() as i128);
            list.insert(at as usize, required(given, 1, "object")?.clone());
        }
        "pop" => {
            let at = given.int(0, "index")?.unwrap_or(-1);
            let at = if at < 0 { at + list.len() as i128 } else { at };
            let at = usize::try_from(at).ok().filter(|at| *at < list.len());
            return at
                .map(|at| list.remove(at))
                .ok_or_else(|| Fault::Other("pop from empty list".to_owned()));
        }
        "remove" => {
            let wanted = required(given, 0, "value")?;
            let at = list.iter().position(|item| item.equals(wanted));
            let at = at.ok_or_else(|| Fault::Other("the value is not in the list".to_owned()))?;
            list.remove(at);
        }
        "reverse" => list.reverse(),
        _ => list.clear(),
    }
    Ok(Value::None)
}

fn dict_method<'a>(value: &Value<'a>, name: &str, given: &Given<'a>) -> Evaluated<'a> {
    let fields = value.fields().unwrap_or_default();
    match name {
        "get" => {
            let otherwise = given.get(1, "default").cloned().unwrap_or(Value::None);
            return Ok(value.lookup(required(given, 0, "key")?).unwrap_or(otherwise));
        }
        "items" => {
            let pairs = fields.into_iter().map(|(key, value)| Value::Tuple([key, value].into()));
            return Ok(Value::list(pairs.collect()));
        }
        "keys" => return Ok(Value::list(fields.into_iter().map(|(key, _)| key).collect())),
        "values" => return Ok(Value::list(fields.into_iter().map(|(_, value)| value).collect())),
        "copy" => return Ok(Value::dict(fields)),
        _ => {}
    }
    let Value::Dict(dict) = value else { return Ok(Value::None) };
    let mut dict = dict.borrow_mut();
    let put = |dict: &mut Vec<(Value<'a>, Value<'a>)>, key: Value<'a>, value: Value<'a>| match dict
        .iter_mut()
        .find(|(known, _)| known.equals(&key))
    {
        Some(known) => known.1 = value,
        None => dict.push((key, value)),
    };
    match name {
        "update" => {
            for (key, value) in given.by_place.first().and_then(Value::fields).unwrap_or_default() {
                put(&mut dict, key, value);
            }
            for (key, value) in &given.by_name {
                put(&mut dict, Value::Str(Cow::Borrowed(key)), value.clone());
            }
        }
        "pop" => {
            let key = required(given, 0, "key")?;
            if let Some(at) = dict.iter().position(|(known, _)| known.equals(key)) {
                return Ok(dict.remove(at).1);
            }
            return given
                .get(1, "default")
                .cloned()
                .ok_or_else(|| Fault::Other("the key is not in the dict".to_owned()));
        }
        "setdefault" => {
            let key = required(given, 0, "key")?;
            if let Some((_, known)) = dict.iter().find(|(known, _)| known.equals(key)) {
                return Ok(known.clone());
            }
            let value = given.get(1, "default").cloned().unwrap_or(Value::None);
            dict.push((key.clone(), value.clone()));
            return Ok(value);
        }
        _ => dict.clear(),
    }
    Ok(Value::None)
}

fn text_method<'a>(text: &str, name: &str, given: &Given<'a>) -> Evaluated<'a> {
    let first = || given.text(0, "");
    let need = |at: usize| -> Result<String, Fault> {
        given.text(at, "")?.map_or_else(|| type_error("an argument of type str is missing"), Ok)
    };
    let strip = |start: bool, end: bool| -> Result<String, Fault> {
        let letters = first()?;
        let is = |letter: char| letters.as_ref().map_or(letter.is_whitespace(), |set| set.contains(letter));
        let text = if start { text.trim_start_matches(is) } else { text };
        Ok(if end { text.trim_end_matches(is) } else { text }.to_owned())
    };
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    let letters = || text.chars().any(char::is_alphabetic);
    Ok(match name {
        "upper" => Value::text(text.to_uppercase()),
        "lower" | "casefold" => Value::text(text.to_lowercase()),
        "strip" => Value::text(strip(true, true)?),
        "lstrip" => Value::text(strip(true, false)?),
        "rstrip" => Value::text(strip(false, true)?),
        "startswith" | "endswith" => {
            Value::Bool(affix(text, name == "startswith", required(given, 0, "prefix")?)?)
        }
        "replace" => {
            let count = given.int(2, "count")?.filter(|count| *count >= 0);
            let count = count.map_or(usize::MAX, |count| count as usize);
            Value::text(text.replacen(&need(0)?, &need(1)?, count))
        }
        "split" | "rsplit" => split(text, given, name == "rsplit")?,
        "splitlines" => Value::list(text.lines().map(|line| Value::text(line)).collect()),
        "join" => {
            let mut parts = Vec::new();
            for part in required(given, 0, "iterable")?.items()? {
                match part {
                    Value::Str(part) => parts.push(part.into_owned()),
                    other => {
                        return type_error(format!("expected str instance, {} found", other.type_name()));
                    }
                }
            }
            Value::text(parts.join(text))
        }
        "format" => format_method(text, given)?,
        "find" | "index" | "rfind" | "rindex" => {
            let part = need(0)?;
            let at = if name.starts_with('r') { text.rfind(&part) } else { text.find(&part) };
            match at {
                Some(at) => Value::Int(text[..at].chars().count() as i128),
                None if name.ends_with("find") => Value::Int(-1),
                None => return Err(Fault::Other("substring not found".to_owned())),
            }
        }
        "count" => {
            let part = need(0)?;
            let count = if part.is_empty() { text.chars().count() + 1 } else { text.matches(&part).count() };
            Value::Int(count as i128)
        }
        "partition" | "rpartition" => {
            let part = need(0)?;
            let found = if name == "partition" { text.split_once(&part) } else { text.rsplit_once(&part) };
            let (before, middle, after) = match (found, name) {
                (Some((before, after)), _) => (before, part.as_str(), after),
                (None, "partition") => (text, "", ""),
                (None, _) => ("", "", text),
            };
            Value::Tuple([Value::text(before), Value::text(middle), Value::text(after)].into())
        }
        "removeprefix" => Value::text(text.strip_prefix(&need(0)?).unwrap_or(text)),
        "removesuffix" => Value::text(text.strip_suffix(&need(0)?).unwrap_or(text)),
        "capitalize" => Value::text(capitalized(text)),
        "title" => Value::text(titled(text)),
        "swapcase" => Value::text(
            text.chars()
                .map(|letter| {
                    if letter.is_uppercase() {
                        letter.to_lowercase().to_string()
                    } else {
                        letter.to_uppercase().to_string()
                    }
                })
                .collect::<String>(),
        ),
        "zfill" => {
            let width = given.int(0, "width")?.unwrap_or(0);
            operators::percent(&format!("%0{}s", width.clamp(0, 10_000)), &Value::text(text))?
        }
        "ljust" | "rjust" | "center" => {
            let width = given.int(0, "width")?.unwrap_or(0).clamp(0, 100_000) as usize;
            let fill = given.text(1, "fillchar")?.unwrap_or_else(|| " ".to_owned());
            let missing = width.saturating_sub(text.chars().count());
            let (left, right) = match name {
                "ljust" => (0, missing),
                "rjust" => (missing, 0),
                _ => (missing / 2, missing - missing / 2),
            };
            Value::text(format!("{}{text}{}", fill.repeat(left), fill.repeat(right)))
        }
        "encode" => Value::text(text),
        "isdigit" | "isdecimal" | "isnumeric" => Value::Bool(all(char::is_numeric)),
        "isalpha" => Value::Bool(all(char::is_alphabetic)),
        "isalnum" => Value::Bool(all(char::is_alphanumeric)),
        "isspace" => Value::Bool(all(char::is_whitespace)),
        "islower" => Value::Bool(letters() && !text.chars().any(char::is_uppercase)),
        "isupper" => Value::Bool(letters() && !text.chars().any(char::is_lowercase)),
        "istitle" => Value::Bool(letters() && titled(text) == text),
        _ => return type_error(format!("'str' has no method '{name}' here")),
    })
}

fn affix(text: &str, start: bool, wanted: &Value<'_>) -> Result<bool, Fault> {
    let fits = |part: &str| if start { text.starts_with(part) } else { text.ends_with(part) };
    match wanted {
        Value::Str(part) => Ok(fits(part)),
        Value::Tuple(parts) => Ok(parts.iter().any(|part| matches!(part, Value::Str(part) if fits(part)))),
        other => type_error(format!("first arg must be str or a tuple of str, not {}", other.type_name())),
    }
}

fn split<'a>(text: &str, given: &Given<'a>, from_end: bool) -> Evaluated<'a> {
    let separator = given.text(0, "sep")?;
    let limit = given.int(1, "maxsplit")?.filter(|limit| *limit >= 0).map(|limit| limit as usize);
    let owned = |parts: Vec<&str>| Value::list(parts.into_iter().map(Value::text).collect());
    let Some(separator) = separator else {
        let mut parts = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            if limit.is_some_and(|limit| parts.len() >= limit) {
                parts.push(rest);
                break;
            }
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            parts.push(&rest[..end]);
            rest = rest[end..].trim_start();
        }
        return Ok(owned(parts));
    };
    if separator.is_empty() {
        return Err(Fault::Other("empty separator".to_owned()));
    }
    Ok(match (limit, from_end) {
        (None, _) => owned(text.split(separator.as_str()).collect()),
        (Some(limit), false) => owned(text.splitn(limit + 1, separator.as_str()).collect()),
        (Some(limit), true) => {
            let mut parts: Vec<&str> = text.rsplitn(limit + 1, separator.as_str()).collect();
            parts.reverse();
            owned(parts)
        }
    })
}

/// `'{} and {name}'.format(…)`: places, names, attributes and items; no conversions beyond the width.
fn format_method<'a>(text: &str, given: &Given<'a>) -> Evaluated<'a> {
    let mut out = String::new();
    let mut rest = text;
    let mut next = 0;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let open = rest.as_bytes()[at] == b'{';
        let doubled = rest.as_bytes().get(at + 1) == Some(&rest.as_bytes()[at]);
        if doubled {
            out.push(if open { '{' } else { '}' });
            rest = &rest[at + 2..];
            continue;
        }
        let end = rest[at..].find('}').filter(|_| open).map(|end| at + end);
        let Some(end) = end else { return Err(Fault::Other("a brace stands alone in a format".to_owned())) };
        let (field, flags) = rest[at + 1..end].split_once(':').unwrap_or((&rest[at + 1..end], ""));
        rest = &rest[end + 1..];
        let name_end = field.find(['.', '[']).unwrap_or(field.len());
        let value = match (&field[..name_end], field[..name_end].parse::<usize>()) {
            ("", _) => {
                next += 1;
                given.by_place.get(next - 1)
            }
            (_, Ok(at)) => given.by_place.get(at),
            (name, _) => given.by_name.iter().find(|(known, _)| *known == name).map(|(_, value)| value),
        };
        let Some(value) = value else {
            return Err(Fault::Other("a format asks for a value that is not given".to_owned()));
        };
        if name_end < field.len() {
            return Err(Fault::Other("a format asks for a part of a value".to_owned()));
        }
        out.push_str(&spec(value, flags)?);
    }
    out.push_str(rest);
    Ok(Value::text(out))
}

fn spec(value: &Value<'_>, flags: &str) -> Result<String, Fault> {
    if flags.is_empty() {
        return Ok(repr::text(value).into_owned());
    }
    if let Value::Moment(moment) = value {
        return Ok(moment.strftime(flags));
    }
    let mut letters = flags.chars();
    let (fill, align, rest) = match (letters.next(), letters.next()) {
        (Some(fill), Some(align)) if "<>^".contains(align) => (fill, align, letters.as_str()),
        (Some(align), _) if "<>^".contains(align) => (' ', align, &flags[1..]),
        _ => return aligned(value, flags),
    };
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let text = aligned(value, &rest[digits.len()..])?;
    let missing = digits.parse::<usize>().unwrap_or(0).min(10_000).saturating_sub(text.chars().count());
    let left = match align {
        '<' => 0,
        '>' => missing,
        _ => missing / 2,
    };
    let fills = |count: usize| fill.to_string().repeat(count);
    Ok(format!("{}{text}{}", fills(left), fills(missing - left)))
}

/// A value in the format that follows its alignment; numbers stand right, texts left.
fn aligned(value: &Value<'_>, flags: &str) -> Result<String, Fault> {
    if flags.is_empty() {
        return Ok(repr::text(value).into_owned());
    }
    let kind = flags.chars().last().filter(char::is_ascii_alphabetic);
    let format = match kind {
        Some(_) => format!("%{flags}"),
        None if value.number().is_some() => format!("%{flags}s"),
        None => format!("%-{flags}s"),
    };
    match operators::percent(&format, value)? {
        Value::Str(text) => Ok(text.into_owned()),
        _ => Ok(String::new()),
    }
}

pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect()
    })
}

pub(super) fn titled(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .flat_map(|letter| {
            let letters: Vec<char> =
                if inside { letter.to_lowercase().collect() } else { letter.to_uppercase().collect() };
            inside = letter.is_alphabetic();
            letters
        })
        .collect()
}

/// A duration of days, for functions.
pub(super) fn days(count: i128) -> Option<Duration> {
    let microseconds = i64::try_from(count).ok()?.checked_mul(86_400_000_000)?;
    Some(Duration { months: 0, microseconds })
}
