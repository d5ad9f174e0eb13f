//! Filters over lists: what they keep, how they order and group.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use super::eval::{Evaluator, Given};
use super::filters::{apply, known};
use super::predicates::{known_test, test};
use super::value::{Evaluated, Fault, Value, type_error};
use super::{methods, repr};

fn other<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Other(what.into()))
}

/// An attribute of an item: dots go deeper, digits index lists.
fn attribute<'a>(item: &Value<'a>, path: &Value<'a>) -> Evaluated<'a> {
    let Value::Str(path) = path else { return methods::item(item.clone(), path.clone()) };
    let mut value = item.clone();
    for step in path.split('.') {
        let key = match step.parse::<i128>() {
            Ok(at) if step.bytes().all(|byte| byte.is_ascii_digit()) => Value::Int(at),
            _ => Value::text(step),
        };
        value = methods::item(value, key)?;
    }
    Ok(value)
}

/// What a filter looks at: the item, or an attribute of it; without case where case does not matter.
struct Key<'a> {
    attribute: Option<Value<'a>>,
    otherwise: Option<Value<'a>>,
    sensitive: bool,
}

impl<'a> Key<'a> {
    /// The arguments `case_sensitive` and `attribute`, at these places.
    fn new(given: &Given<'a>, sensitive_at: usize, attribute_at: usize) -> Key<'a> {
        let named = |at: usize, name: &str| {
            given.get(at, name).filter(|value| !matches!(value, Value::None)).cloned()
        };
        Key {
            attribute: named(attribute_at, "attribute"),
            otherwise: None,
            sensitive: given.get(sensitive_at, "case_sensitive").is_some_and(Value::truthy),
        }
    }

    fn raw(&self, item: &Value<'a>) -> Evaluated<'a> {
        let Some(path) = &self.attribute else { return Ok(item.clone()) };
        Ok(match (attribute(item, path)?, &self.otherwise) {
            (Value::Undefined, Some(otherwise)) => otherwise.clone(),
            (found, _) => found,
        })
    }

    fn of(&self, item: &Value<'a>) -> Evaluated<'a> {
        Ok(folded(self.raw(item)?, self.sensitive))
    }
}

/// Texts are compared without case unless it matters.
fn folded(value: Value<'_>, sensitive: bool) -> Value<'_> {
    match value {
        Value::Str(text) if !sensitive => Value::text(text.to_lowercase()),
        other => other,
    }
}

/// The items, or an attribute of each.
pub(super) fn attributes<'a>(value: &Value<'a>, path: Option<&Value<'a>>) -> Result<Vec<Value<'a>>, Fault> {
    let items = value.items()?;
    match path {
        None | Some(Value::None) => Ok(items),
        Some(path) => items.iter().map(|item| attribute(item, path)).collect(),
    }
}

pub(super) fn map<'a>(evaluator: &mut Evaluator<'a>, value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let items = value.items()?;
    let named =
        |wanted: &str| given.by_name.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone());
    if let (Some(attribute), true) = (named("attribute"), given.by_place.is_empty()) {
        let key = Key { attribute: Some(attribute), otherwise: named("default"), sensitive: true };
        return Ok(Value::list(items.iter().map(|item| key.raw(item)).collect::<Result<_, Fault>>()?));
    }
    let Some(Value::Str(name)) = given.by_place.first() else {
        return other("map requires a filter argument");
    };
    if !known(name) {
        return other(format!("No filter named '{name}'."));
    }
    let rest = Given { by_place: given.by_place[1..].to_vec(), by_name: given.by_name.clone() };
    let mut mapped = Vec::with_capacity(items.len());
    for item in items {
        mapped.push(evaluator.step().and_then(|()| apply(evaluator, name, item, &rest))?);
    }
    Ok(Value::list(mapped))
}

/// `select`, `reject`, `selectattr` and `rejectattr`.
pub(super) fn select<'a>(filter: &str, value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let skip = usize::from(filter.ends_with("attr"));
    let path = match given.by_place.first() {
        _ if skip == 0 => None,
        Some(path) => Some(path),
        None => return other("a missing parameter for attribute name"),
    };
    let test_name = match given.by_place.get(skip) {
        Some(Value::Str(name)) if known_test(name) => Some(name),
        Some(name) => return other(format!("No test named '{}'.", repr::text(name))),
        None => None,
    };
    let rest =
        Given { by_place: given.by_place.iter().skip(skip + 1).cloned().collect(), by_name: Vec::new() };
    let mut kept = Vec::new();
    for item in value.items()? {
        let tested = path.map_or_else(|| Ok(item.clone()), |path| attribute(&item, path))?;
        let holds = match test_name {
            Some(name) => test(name, &tested, &rest)?,
            None => tested.truthy(),
        };
        if holds == filter.starts_with("select") {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

pub(super) fn unique<'a>(value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let key = Key::new(given, 0, 1);
    let mut texts: HashSet<String> = HashSet::new();
    let mut others: Vec<Value<'a>> = Vec::new();
    let mut kept = Vec::new();
    for item in value.items()? {
        let new = match key.of(&item)? {
            Value::Str(text) => texts.insert(text.into_owned()),
            Value::JsonList(_) | Value::List(_) | Value::JsonDict(_) | Value::Dict(_) => {
                return type_error("unhashable type");
            }
            found if others.iter().any(|known| known.equals(&found)) => false,
            found => {
                others.push(found);
                true
            }
        };
        if new {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

/// Items by their keys. Python's order: what is equal stays as it was, and what cannot be compared is an error.
pub(super) fn in_order<'a>(
    keyed: Vec<(Value<'a>, Value<'a>)>,
    reverse: bool,
) -> Result<Vec<Value<'a>>, Fault> {
    let mut runs: Vec<Vec<(Value<'a>, Value<'a>)>> = keyed.into_iter().map(|one| vec![one]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            merged.push(match pairs.next() {
                Some(right) => merge(left, right, reverse)?,
                None => left,
            });
        }
        runs = merged;
    }
    Ok(runs.into_iter().flatten().map(|(_, item)| item).collect())
}

type Keyed<'a> = (Value<'a>, Value<'a>);

fn merge<'a>(left: Vec<Keyed<'a>>, right: Vec<Keyed<'a>>, reverse: bool) -> Result<Vec<Keyed<'a>>, Fault> {
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    let first = if reverse { Ordering::Greater } else { Ordering::Less };
    while let (Some((ours, _)), Some((theirs, _))) = (left.peek(), right.peek()) {
        let later = if theirs.compare(ours)? == Some(first) { right.next() } else { left.next() };
        out.extend(later);
    }
    out.extend(left);
    out.extend(right);
    Ok(out)
}

pub(super) fn sort<'a>(value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let reverse = given.get(0, "reverse").is_some_and(Value::truthy);
    let key = Key::new(given, 1, 2);
    let items = value.items()?;
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let found = match &key.attribute {
            // Several attributes, one after the other.
            Some(Value::Str(paths)) => {
                let one = |path: &str| Ok(folded(attribute(&item, &Value::text(path))?, key.sensitive));
                Value::list(paths.split(',').map(one).collect::<Result<_, Fault>>()?)
            }
            _ => key.of(&item)?,
        };
        keyed.push((found, item));
    }
    Ok(Value::list(in_order(keyed, reverse)?))
}

pub(super) fn sort_dict<'a>(value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let Some(fields) = value.fields() else { return other("only a mapping can be sorted by its keys") };
    let sensitive = given.get(0, "case_sensitive").is_some_and(Value::truthy);
    let by_value = match given.text(1, "by")?.as_deref() {
        None | Some("key") => false,
        Some("value") => true,
        Some(_) => return other("You can only sort by either \"key\" or \"value\""),
    };
    let keyed = fields.into_iter().map(|(key, value)| {
        let by = folded(if by_value { value.clone() } else { key.clone() }, sensitive);
        (by, Value::Tuple([key, value].into()))
    });
    Ok(Value::list(in_order(keyed.collect(), given.get(2, "reverse").is_some_and(Value::truthy))?))
}

/// The largest or the smallest item.
pub(super) fn extreme<'a>(value: &Value<'a>, given: &Given<'a>, largest: bool) -> Evaluated<'a> {
    let key = Key::new(given, 0, 1);
    let wanted = if largest { Ordering::Greater } else { Ordering::Less };
    let mut best: Option<Keyed<'a>> = None;
    for item in value.items()? {
        let found = key.of(&item)?;
        let better = match &best {
            None => true,
            Some((known, _)) => found.compare(known)? == Some(wanted),
        };
        if better {
            best = Some((found, item));
        }
    }
    Ok(best.map_or(Value::Undefined, |(_, item)| item))
}

pub(super) fn group<'a>(value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let Some(path) = given.get(0, "attribute") else { return type_error("groupby needs an attribute") };
    let key = Key {
        attribute: Some(path.clone()),
        otherwise: given.get(1, "default").filter(|value| !matches!(value, Value::None)).cloned(),
        sensitive: given.get(2, "case_sensitive").is_some_and(Value::truthy),
    };
    let mut keyed = Vec::new();
    for item in value.items()? {
        keyed.push((key.of(&item)?, item));
    }
    let mut groups: Vec<(Value<'a>, Vec<Value<'a>>)> = Vec::new();
    for item in in_order(keyed, false)? {
        let found = key.of(&item)?;
        match groups.last_mut() {
            Some((known, items)) if known.equals(&found) => items.push(item),
            _ => groups.push((found, vec![item])),
        }
    }
    let mut tuples = Vec::with_capacity(groups.len());
    for (_, items) in groups {
        let name = key.raw(&items[0])?;
        tuples.push(Value::Tuple([name, Value::list(items)].into()));
    }
    Ok(Value::list(tuples))
}

/// `batch`: lists of so many items. `slice`: so many lists.
pub(super) fn batch<'a>(value: &Value<'a>, given: &Given<'a>, by_size: bool) -> Evaluated<'a> {
    let items = value.items()?;
    let count = given.int(0, if by_size { "linecount" } else { "slices" })?;
    let Some(count) = count else { return type_error("the number of items is missing") };
    let fill = given.get(1, "fill_with").filter(|value| !matches!(value, Value::None));
    let mut lists: Vec<Vec<Value<'a>>> = Vec::new();
    if by_size {
        let size = usize::try_from(count).unwrap_or(0);
        if size == 0 {
            return Ok(Value::list(vec![Value::list(Vec::new()), Value::list(items)]));
        }
        lists.extend(items.chunks(size).map(<[_]>::to_vec));
        if let (Some(fill), Some(last)) = (fill, lists.last_mut()) {
            last.resize(size.min(1_000_000), fill.clone());
        }
    } else {
        let count = usize::try_from(count).ok().filter(|count| (1..=1_000_000).contains(count));
        let Some(count) = count else { return other("a list cannot be cut into so many") };
        let (each, more) = (items.len() / count, items.len() % count);
        let mut rest = items.as_slice();
        for at in 0..count {
            let (head, tail) = rest.split_at(each + usize::from(at < more));
            let mut list = head.to_vec();
            if let Some(fill) = fill.filter(|_| more > 0 && at >= more) {
                list.push(fill.clone());
            }
            lists.push(list);
            rest = tail;
        }
    }
    Ok(Value::list(lists.into_iter().map(Value::list).collect()))
}

/// The items as one text.
pub(super) fn join<'a>(value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let between = given.get(0, "d").map(|text| repr::text(text).into_owned()).unwrap_or_default();
    let items = attributes(value, given.get(1, "attribute"))?;
    if items.len().saturating_mul(between.len()) > super::eval::BYTES_MAX {
        return other("a template made a text of more than 64 MB");
    }
    let texts: Vec<Cow<'_, str>> = items.iter().map(repr::text).collect();
    Ok(Value::text(texts.join(&between)))
}
