//! Attributes, items and methods of Python's types.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use super::datetime::Duration;
use super::eval::Given;
use super::value::{Evaluated, Fault, Shared, Value, type_error, undefined};
use super::{moment, sequences, text};

/// Names of methods, between spaces.
const TEXT: &str = " capitalize casefold center count encode endswith expandtabs find format index isalnum isalpha \
    isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower \
    lstrip partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines \
    startswith strip swapcase title upper zfill ";
const LIST: &str = " append clear copy count extend index insert pop remove reverse sort ";
const DICT: &str = " clear copy get items keys pop popitem setdefault update values ";
const MOMENT: &str = " astimezone ctime date isocalendar isoformat isoweekday replace strftime timestamp toordinal tzname \
    utcoffset weekday ";
const DAY: &str = " ctime isocalendar isoformat isoweekday replace strftime toordinal weekday ";

/// Whether values of this type have the method.
fn has_method(value: &Value<'_>, name: &str) -> bool {
    let names = match value {
        Value::Str(_) => TEXT,
        Value::JsonList(_) | Value::List(_) => LIST,
        Value::Tuple(_) => " count index ",
        Value::JsonDict(_) | Value::Dict(_) => DICT,
        Value::Moment(_) => MOMENT,
        Value::Day(_) => DAY,
        Value::Duration(_) => " total_seconds ",
        Value::Float(_) => " is_integer ",
        _ => return false,
    };
    !name.contains(' ') && names.find(name).is_some_and(|_| names.contains(&format!(" {name} ")))
}

/// `value.name`: a method or attribute first, then an item.
pub(super) fn attribute<'a>(value: Value<'a>, name: &'a str) -> Evaluated<'a> {
    if matches!(value, Value::Undefined) {
        return undefined();
    }
    if let (Value::Tuple(items), "grouper" | "list") = (&value, name)
        && items.len() == 2
    {
        // What `groupby` gives.
        return Ok(items[usize::from(name == "list")].clone());
    }
    if has_method(&value, name) {
        return Ok(Value::Method(Rc::new((value, Cow::Borrowed(name)))));
    }
    if let Some(found) = moment::property(&value, name) {
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
            if let Some(found) = moment::property(&value, &name) {
                return Ok(found);
            }
            if has_method(&value, &name) {
                return Ok(Value::Method(Rc::new((value, name))));
            }
            Ok(Value::Undefined)
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

pub(super) fn call<'a>(value: &Value<'a>, name: &str, given: &Given<'a>) -> Evaluated<'a> {
    match value {
        Value::Str(text) => text::call(text, name, given),
        Value::JsonList(_) | Value::List(_) | Value::Tuple(_) => list_method(value, name, given),
        Value::JsonDict(_) | Value::Dict(_) => dict_method(value, name, given),
        Value::Moment(moment) => moment::call(moment, name, given),
        Value::Day(day) => moment::call_day(*day, name, given),
        Value::Duration(duration) => Ok(Value::Float(duration.microseconds as f64 / 1e6)),
        Value::Float(number) => Ok(Value::Bool(number.fract() == 0.0)),
        _ => type_error("it has no methods"),
    }
}

/// An argument that must be there.
pub(super) fn required<'a, 'g>(given: &'g Given<'a>, at: usize, name: &str) -> Result<&'g Value<'a>, Fault> {
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
    // What the record or configuration holds is not changed: templates change a copy of it.
    let copy = Rc::new(RefCell::new(items));
    let list = if let Value::List(list) = value { list } else { &copy };
    // Evaluated before the list is borrowed: it may be an argument itself.
    let taken = |at: usize, name: &str| required(given, at, name)?.detached();
    let position = || -> Result<usize, Fault> {
        let wanted = required(given, 0, "value")?;
        let at = list.borrow().iter().position(|item| item.equals(wanted));
        at.ok_or_else(|| Fault::Other("the value is not in the list".to_owned()))
    };
    let length = list.borrow().len() as i128;
    match name {
        "append" => {
            let item = taken(0, "object")?;
            list.borrow_mut().push(item);
        }
        "extend" => {
            let more = taken(0, "iterable")?.items()?;
            list.borrow_mut().extend(more);
        }
        "insert" => {
            let at = given.int(0, "index")?.unwrap_or(0);
            let at = if at < 0 { at.saturating_add(length) } else { at }.clamp(0, length);
            let item = taken(1, "object")?;
            list.borrow_mut().insert(at as usize, item);
        }
        "pop" => {
            let at = given.int(0, "index")?.unwrap_or(-1);
            let at = if at < 0 { at.saturating_add(length) } else { at };
            let at = usize::try_from(at).ok().filter(|_| at < length);
            let at = at.ok_or_else(|| Fault::Other("pop index out of range".to_owned()))?;
            return Ok(list.borrow_mut().remove(at));
        }
        "remove" => {
            let at = position()?;
            list.borrow_mut().remove(at);
        }
        "sort" => {
            let keyed = list.borrow().iter().map(|item| (item.clone(), item.clone())).collect();
            let sorted = sequences::in_order(keyed, given.get(1, "reverse").is_some_and(Value::truthy))?;
            *list.borrow_mut() = sorted;
        }
        "reverse" => list.borrow_mut().reverse(),
        _ => list.borrow_mut().clear(),
    }
    Ok(Value::None)
}

fn dict_method<'a>(value: &Value<'a>, name: &str, given: &Given<'a>) -> Evaluated<'a> {
    if name == "get" {
        if !given.by_name.is_empty() {
            return type_error("get() takes no keyword arguments");
        }
        let otherwise = given.by_place.get(1).cloned().unwrap_or(Value::None);
        return Ok(value.lookup(required(given, 0, "key")?).unwrap_or(otherwise));
    }
    let fields = value.fields().unwrap_or_default();
    match name {
        "items" => {
            let pairs = fields.into_iter().map(|(key, value)| Value::Tuple([key, value].into()));
            return Ok(Value::list(pairs.collect()));
        }
        "keys" => return Ok(Value::list(fields.into_iter().map(|(key, _)| key).collect())),
        "values" => return Ok(Value::list(fields.into_iter().map(|(_, value)| value).collect())),
        "copy" => return Ok(Value::dict(fields)),
        _ => {}
    }
    let copy = Rc::new(RefCell::new(fields));
    let dict = if let Value::Dict(dict) = value { dict } else { &copy };
    let found = |key: &Value<'a>| dict.borrow().iter().position(|(known, _)| known.equals(key));
    match name {
        "update" => {
            let mut news = given.by_place.first().map_or_else(|| Ok(Vec::new()), pairs)?;
            let named = given.by_name.iter();
            news.extend(named.map(|(key, value)| (Value::text(*key), value.clone())));
            for (key, value) in news {
                put(dict, key, value)?;
            }
            Ok(Value::None)
        }
        "pop" => match found(required(given, 0, "key")?) {
            Some(at) => Ok(dict.borrow_mut().remove(at).1),
            None => {
                let otherwise = given.get(1, "default").cloned();
                otherwise.ok_or_else(|| Fault::Other("the key is not in the dict".to_owned()))
            }
        },
        "popitem" => {
            let last = dict.borrow_mut().pop();
            let (key, value) = last.ok_or_else(|| Fault::Other("the dict is empty".to_owned()))?;
            Ok(Value::Tuple([key, value].into()))
        }
        "setdefault" => {
            let key = required(given, 0, "key")?;
            if found(key).is_none() {
                put(dict, key.clone(), given.get(1, "default").cloned().unwrap_or(Value::None))?;
            }
            Ok(found(key).map_or(Value::None, |at| dict.borrow()[at].1.clone()))
        }
        _ => {
            dict.borrow_mut().clear();
            Ok(Value::None)
        }
    }
}

/// Gives a key of a dict a value.
pub(super) fn put<'a>(
    dict: &Shared<(Value<'a>, Value<'a>)>,
    key: Value<'a>,
    value: Value<'a>,
) -> Result<(), Fault> {
    let value = value.detached()?;
    let known = dict.borrow().iter().position(|(known, _)| known.equals(&key));
    match known {
        Some(at) => dict.borrow_mut()[at].1 = value,
        None => dict.borrow_mut().push((key, value)),
    }
    Ok(())
}

/// The fields of a dict, or of a list of pairs.
pub(super) fn pairs<'a>(value: &Value<'a>) -> Result<Vec<(Value<'a>, Value<'a>)>, Fault> {
    if let Some(fields) = value.fields() {
        return Ok(fields);
    }
    let pair = |item: Value<'a>| match item.items()?.as_slice() {
        [key, value] => Ok((key.clone(), value.clone())),
        _ => Err(Fault::Other("a dict is made of pairs".to_owned())),
    };
    value.items()?.into_iter().map(pair).collect()
}

/// A duration of days, for functions.
pub(super) fn days(count: i128) -> Option<Duration> {
    let microseconds = i64::try_from(count).ok()?.checked_mul(86_400_000_000)?;
    Some(Duration { months: 0, microseconds })
}
