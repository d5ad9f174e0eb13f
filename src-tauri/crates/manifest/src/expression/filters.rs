//! Jinja's filters and tests, and those of the reference.

use std::borrow::Cow;
use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::eval::{Evaluator, Given};
use super::value::{Evaluated, Fault, Number, Value, type_error, undefined};
use super::{functions, methods, operators, repr};
use crate::Json;

const KNOWN: &[&str] = &[
    "abs",
    "attr",
    "base64binascii_decode",
    "base64decode",
    "base64encode",
    "batch",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "filesizeformat",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "hash",
    "hmac",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "regex_replace",
    "regex_search",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "wordcount",
];

const TESTS: &[&str] = &[
    "boolean",
    "callable",
    "defined",
    "divisibleby",
    "eq",
    "equalto",
    "==",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    ">=",
    "greaterthan",
    "gt",
    ">",
    "in",
    "integer",
    "iterable",
    "le",
    "<=",
    "lessthan",
    "lt",
    "<",
    "lower",
    "mapping",
    "ne",
    "!=",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "string",
    "true",
    "undefined",
    "upper",
];

pub(super) fn known(name: &str) -> bool {
    KNOWN.contains(&name)
}

pub(super) fn known_test(name: &str) -> bool {
    TESTS.contains(&name)
}

fn text_of<'v>(value: &'v Value<'_>) -> Result<Cow<'v, str>, Fault> {
    match value {
        Value::Str(text) => Ok(Cow::Borrowed(text)),
        Value::Undefined => undefined(),
        other => type_error(format!("a text is needed, not {}", other.type_name())),
    }
}

pub(super) fn apply<'a>(
    evaluator: &mut Evaluator<'a>,
    name: &str,
    value: Value<'a>,
    given: &Given<'a>,
) -> Evaluated<'a> {
    Ok(match name {
        "default" | "d" => {
            let falsy = given.get(1, "boolean").is_some_and(Value::truthy) && !value.truthy();
            if matches!(value, Value::Undefined) || falsy {
                given.get(0, "default_value").cloned().unwrap_or_else(|| Value::text(""))
            } else {
                value
            }
        }
        "length" | "count" => Value::Int(value.len()? as i128),
        "int" => int(&value, given)?,
        "float" => float(&value, given)?,
        "abs" => match value.number() {
            Some(Number::Int(number)) => Value::Int(number.abs()),
            Some(Number::Float(number)) => Value::Float(number.abs()),
            None => return type_error("bad operand type for abs()"),
        },
        "round" => round(&value, given)?,
        "sum" => {
            let mut total = given.get(1, "start").cloned().unwrap_or(Value::Int(0));
            for item in attributes(&value, given.text(0, "attribute")?.as_deref())? {
                total = operators::binary(super::compile::Binary::Add, &total, &item)?;
            }
            total
        }
        "first" => value.items()?.into_iter().next().unwrap_or(Value::Undefined),
        "last" => value.items()?.into_iter().next_back().unwrap_or(Value::Undefined),
        "list" => Value::list(value.items()?),
        "items" => match (&value, value.fields()) {
            (Value::Undefined, _) => Value::list(Vec::new()),
            (_, Some(fields)) => Value::list(
                fields.into_iter().map(|(key, value)| Value::Tuple([key, value].into())).collect(),
            ),
            _ => return type_error("Can only get item pairs from a mapping."),
        },
        "map" => mapped(evaluator, &value, given)?,
        "select" | "reject" | "selectattr" | "rejectattr" => selected(name, &value, given)?,
        "join" => {
            let between = given.get(0, "d").map(|text| repr::text(text).into_owned()).unwrap_or_default();
            let items = attributes(&value, given.text(1, "attribute")?.as_deref())?;
            let texts: Vec<Cow<'_, str>> = items.iter().map(repr::text).collect();
            Value::text(texts.join(&between))
        }
        "unique" => {
            let sensitive = given.get(0, "case_sensitive").is_some_and(Value::truthy);
            let mut kept: Vec<Value<'a>> = Vec::new();
            for item in value.items()? {
                if !kept.iter().any(|known| folded(known, sensitive).equals(&folded(&item, sensitive))) {
                    kept.push(item);
                }
            }
            Value::list(kept)
        }
        "sort" => sorted(&value, given)?,
        "max" | "min" => best(&value, given, name == "max")?,
        "dictsort" => {
            let fields = value.fields().unwrap_or_default();
            let pairs = fields
                .into_iter()
                .map(|(key, value)| (folded(&key, false), Value::Tuple([key, value].into())));
            Value::list(in_order(pairs.collect(), given.get(2, "reverse").is_some_and(Value::truthy))?)
        }
        "groupby" => groups(&value, given)?,
        "batch" | "slice" => batches(&value, given, name == "batch")?,
        "reverse" => match &value {
            Value::Str(text) => Value::text(text.chars().rev().collect::<String>()),
            other => Value::list(other.items()?.into_iter().rev().collect()),
        },
        "attr" => methods::item(value, given.get(0, "name").cloned().unwrap_or(Value::Undefined))?,
        "tojson" => Value::text(tojson(&value)?),
        "string" => match &value {
            Value::Str(_) => value,
            Value::Undefined => return type_error("Object of type Undefined is not JSON serializable"),
            other => {
                let json = other.to_json();
                let json = json.ok_or_else(|| Fault::Type("it is not JSON serializable".to_owned()))?;
                Value::text(format!("\"\"\"{}\"\"\"", repr::json_dumps(&json)))
            }
        },
        "hash"
        | "hmac"
        | "base64encode"
        | "base64decode"
        | "base64binascii_decode"
        | "regex_search"
        | "regex_replace" => own(name, &value, given)?,
        _ => text_filter(name, &value, given)?,
    })
}

/// Filters that make a text of a text.
fn text_filter<'a>(name: &str, value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    if name == "urlencode" {
        return urlencode(value);
    }
    let text = repr::text(value);
    Ok(Value::text(match name {
        "lower" => text.to_lowercase(),
        "upper" => text.to_uppercase(),
        "title" => methods::titled(&text),
        "capitalize" => methods::capitalized(&text),
        "trim" => match given.text(0, "chars")? {
            Some(letters) => text.trim_matches(|letter| letters.contains(letter)).to_owned(),
            None => text.trim().to_owned(),
        },
        "replace" => {
            let count = given.int(2, "count")?.map_or(usize::MAX, |count| count.max(0) as usize);
            let (old, new) = (given.get(0, "old"), given.get(1, "new"));
            let (Some(old), Some(new)) = (old, new) else { return type_error("replace needs two texts") };
            text.replacen(repr::text(old).as_ref(), &repr::text(new), count)
        }
        "escape" | "e" | "forceescape" => text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('\'', "&#39;")
            .replace('"', "&#34;"),
        "wordcount" => return Ok(Value::Int(text.split_whitespace().count() as i128)),
        "format" => {
            let values = Value::Tuple(given.by_place.clone().into());
            return operators::percent(&text, &values);
        }
        "truncate" => {
            let length = given.int(0, "length")?.unwrap_or(255).max(0) as usize;
            let end = given.text(2, "end")?.unwrap_or_else(|| "...".to_owned());
            if text.chars().count() <= length + 5 {
                text.into_owned()
            } else {
                let kept: String = text.chars().take(length.saturating_sub(end.chars().count())).collect();
                let cut = if given.get(1, "killwords").is_some_and(Value::truthy) {
                    kept.as_str()
                } else {
                    kept.rsplit_once(' ').map_or(kept.as_str(), |(before, _)| before)
                };
                format!("{cut}{end}")
            }
        }
        "indent" => {
            let width = given.int(0, "width")?.unwrap_or(4).clamp(0, 1000) as usize;
            text.replace('\n', &format!("\n{}", " ".repeat(width)))
        }
        "striptags" => {
            let tags = functions::regex("(?s)<!--.*?-->|<[^>]*>")?;
            tags.replace_all(&text, "").split_whitespace().collect::<Vec<_>>().join(" ")
        }
        _ => text.into_owned(),
    }))
}

fn int<'a>(value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let otherwise = given.get(0, "default").cloned().unwrap_or(Value::Int(0));
    let base = given.int(1, "base")?.unwrap_or(10);
    Ok(match value {
        Value::Undefined => return undefined(),
        Value::Str(text) => {
            let digits = text.trim().replace('_', "");
            let parsed = match base {
                10 => digits.parse().ok(),
                base => u32::try_from(base).ok().filter(|base| (2..=36).contains(base)).and_then(|base| {
                    i128::from_str_radix(digits.trim_start_matches("0x").trim_start_matches("0b"), base).ok()
                }),
            };
            let rounded = || {
                digits
                    .parse::<f64>()
                    .ok()
                    .filter(|value| value.is_finite())
                    .map(|value| value.trunc() as i128)
            };
            parsed.or_else(rounded).map_or(otherwise, Value::Int)
        }
        other => match other.number() {
            Some(Number::Int(number)) => Value::Int(number),
            Some(Number::Float(number)) if number.is_finite() => Value::Int(number.trunc() as i128),
            _ => otherwise,
        },
    })
}

fn float<'a>(value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let otherwise = given.get(0, "default").cloned().unwrap_or(Value::Float(0.0));
    Ok(match value {
        Value::Undefined => return undefined(),
        Value::Str(text) => text.trim().replace('_', "").parse().map_or(otherwise, Value::Float),
        other => other.number().map_or(otherwise, |number| Value::Float(number.float())),
    })
}

fn round<'a>(value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let Some(number) = value.number() else { return type_error("a number is needed to round") };
    let precision = given.int(0, "precision")?.unwrap_or(0).clamp(-30, 30) as i32;
    let factor = 10_f64.powi(precision);
    let scaled = number.float() * factor;
    let rounded = match given.text(1, "method")?.as_deref() {
        Some("ceil") => scaled.ceil(),
        Some("floor") => scaled.floor(),
        None | Some("common") => scaled.round_ties_even(),
        Some(_) => return Err(Fault::Other("method must be common, ceil or floor".to_owned())),
    };
    Ok(match number {
        Number::Int(number) if precision >= 0 => Value::Int(number),
        Number::Float(number) if precision >= 0 && given.get(1, "method").is_none() => {
            // Python rounds the exact number that the float stands for; so does printing.
            Value::Float(format!("{number:.*}", precision as usize).parse().unwrap_or(number))
        }
        _ => Value::Float(rounded / factor),
    })
}

/// An attribute of each item: dots go deeper, digits index lists.
fn attribute<'a>(item: &Value<'a>, path: &str) -> Evaluated<'a> {
    let mut value = item.clone();
    for step in path.split('.') {
        let key = step.parse::<i128>().map_or_else(|_| Value::text(step), Value::Int);
        value = methods::item(value, key)?;
    }
    Ok(value)
}

fn attributes<'a>(value: &Value<'a>, path: Option<&str>) -> Result<Vec<Value<'a>>, Fault> {
    let items = value.items()?;
    match path {
        None => Ok(items),
        Some(path) => items.iter().map(|item| attribute(item, path)).collect(),
    }
}

fn mapped<'a>(evaluator: &mut Evaluator<'a>, value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let items = value.items()?;
    if let Some((_, Value::Str(path))) = given.by_name.iter().find(|(name, _)| *name == "attribute") {
        let otherwise = given.by_name.iter().find(|(name, _)| *name == "default").map(|(_, value)| value);
        let each = |item: &Value<'a>| {
            let found = attribute(item, path)?;
            Ok(match (found, otherwise) {
                (Value::Undefined, Some(otherwise)) => otherwise.clone(),
                (found, _) => found,
            })
        };
        return Ok(Value::list(items.iter().map(each).collect::<Result<_, Fault>>()?));
    }
    let Some(Value::Str(name)) = given.by_place.first() else {
        return Err(Fault::Other("map requires a filter argument".to_owned()));
    };
    if !known(name) {
        return Err(Fault::Other(format!("No filter named '{name}'.")));
    }
    let rest = Given { by_place: given.by_place[1..].to_vec(), by_name: given.by_name.clone() };
    let each = |item| apply(evaluator, name, item, &rest);
    Ok(Value::list(items.into_iter().map(each).collect::<Result<_, _>>()?))
}

fn selected<'a>(filter: &str, value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let by_attribute = filter.ends_with("attr");
    let path = if by_attribute {
        Some(text_of(given.get(0, "attribute").unwrap_or(&Value::Undefined))?.into_owned())
    } else {
        None
    };
    let skip = usize::from(by_attribute);
    let test_name = given.by_place.get(skip).map(|name| text_of(name).map(Cow::into_owned)).transpose()?;
    let rest =
        Given { by_place: given.by_place.iter().skip(skip + 1).cloned().collect(), by_name: Vec::new() };
    let mut kept = Vec::new();
    for item in value.items()? {
        let tested = match &path {
            Some(path) => attribute(&item, path)?,
            None => item.clone(),
        };
        let holds = match &test_name {
            Some(name) if known_test(name) => test(name, &tested, &rest)?,
            Some(name) => return Err(Fault::Other(format!("No test named '{name}'."))),
            None => tested.truthy(),
        };
        if holds == filter.starts_with("select") {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

/// Texts are compared without case unless it matters.
fn folded<'a>(value: &Value<'a>, sensitive: bool) -> Value<'a> {
    match value {
        Value::Str(text) if !sensitive => Value::text(text.to_lowercase()),
        other => other.clone(),
    }
}

fn in_order<'a>(mut keyed: Vec<(Value<'a>, Value<'a>)>, reverse: bool) -> Result<Vec<Value<'a>>, Fault> {
    let mut fault = None;
    keyed.sort_by(|(left, _), (right, _)| match left.compare(right) {
        Ok(order) => {
            let order = order.unwrap_or(Ordering::Equal);
            if reverse { order.reverse() } else { order }
        }
        Err(wrong) => {
            fault = Some(wrong);
            Ordering::Equal
        }
    });
    fault.map_or_else(|| Ok(keyed.into_iter().map(|(_, item)| item).collect()), Err)
}

fn sorted<'a>(value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let reverse = given.get(0, "reverse").is_some_and(Value::truthy);
    let sensitive = given.get(1, "case_sensitive").is_some_and(Value::truthy);
    let path = given.text(2, "attribute")?;
    let keyed = value.items()?.into_iter().map(|item| {
        let key = path.as_deref().map_or_else(|| Ok(item.clone()), |path| attribute(&item, path))?;
        Ok((folded(&key, sensitive), item))
    });
    Ok(Value::list(in_order(keyed.collect::<Result<_, Fault>>()?, reverse)?))
}

fn best<'a>(value: &Value<'a>, given: &Given<'a>, largest: bool) -> Evaluated<'a> {
    let sensitive = given.get(0, "case_sensitive").is_some_and(Value::truthy);
    let path = given.text(1, "attribute")?;
    let mut best: Option<(Value<'a>, Value<'a>)> = None;
    for item in value.items()? {
        let key = path.as_deref().map_or_else(|| Ok(item.clone()), |path| attribute(&item, path))?;
        let key = folded(&key, sensitive);
        let better = match &best {
            None => true,
            Some((known, _)) => {
                key.compare(known)? == Some(if largest { Ordering::Greater } else { Ordering::Less })
            }
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or(Value::Undefined, |(_, item)| item))
}

fn groups<'a>(value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let path = given.text(0, "attribute")?.unwrap_or_default();
    let keyed = value.items()?.into_iter().map(|item| Ok((attribute(&item, &path)?, item)));
    let keyed: Vec<(Value<'a>, Value<'a>)> = keyed.collect::<Result<_, Fault>>()?;
    let pairs = keyed.into_iter().map(|(key, item)| (folded(&key, false), Value::Tuple([key, item].into())));
    let mut grouped: Vec<(Value<'a>, Vec<Value<'a>>)> = Vec::new();
    for pair in in_order(pairs.collect(), false)? {
        let Value::Tuple(pair) = pair else { continue };
        match grouped.last_mut() {
            Some((key, items)) if key.equals(&pair[0]) => items.push(pair[1].clone()),
            _ => grouped.push((pair[0].clone(), vec![pair[1].clone()])),
        }
    }
    let group = |(key, items)| Value::Tuple([key, Value::list(items)].into());
    Ok(Value::list(grouped.into_iter().map(group).collect()))
}

fn batches<'a>(value: &Value<'a>, given: &Given<'a>, by_size: bool) -> Evaluated<'a> {
    let items = value.items()?;
    let count = given.int(0, "linecount")?.unwrap_or(1).clamp(1, 1_000_000) as usize;
    let lists = if by_size {
        items.chunks(count).map(|chunk| Value::list(chunk.to_vec())).collect()
    } else {
        let (each, more) = (items.len() / count, items.len() % count);
        let mut rest = items.as_slice();
        let mut lists = Vec::with_capacity(count);
        for at in 0..count {
            let (head, tail) = rest.split_at(each + usize::from(at < more));
            lists.push(Value::list(head.to_vec()));
            rest = tail;
        }
        lists
    };
    Ok(Value::list(lists))
}

fn tojson(value: &Value<'_>) -> Result<String, Fault> {
    let json = match value {
        Value::Undefined => return type_error("Object of type Undefined is not JSON serializable"),
        other => other.to_json().ok_or_else(|| Fault::Type("it is not JSON serializable".to_owned()))?,
    };
    Ok(repr::json_dumps(&ordered(&json))
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\'', "\\u0027"))
}

/// The same value with the keys of objects in order.
fn ordered(value: &Json) -> Json {
    match value {
        Json::Object(fields) => {
            let mut fields: Vec<(&String, &Json)> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| key.as_str());
            Json::Object(fields.into_iter().map(|(key, value)| (key.clone(), ordered(value))).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(ordered).collect()),
        other => other.clone(),
    }
}

fn urlencode<'a>(value: &Value<'a>) -> Evaluated<'a> {
    let one = |value: &Value<'a>, safe: &[u8]| functions::quote(&repr::text(value), safe);
    if let Value::Str(text) = value {
        return Ok(Value::text(functions::quote(text, b"/")));
    }
    let pairs: Vec<(Value<'a>, Value<'a>)> = match value.fields() {
        Some(fields) => fields,
        None if matches!(value, Value::JsonList(_) | Value::List(_) | Value::Tuple(_)) => {
            let pair = |item: Value<'a>| match item.items()?.as_slice() {
                [key, value] => Ok((key.clone(), value.clone())),
                _ => type_error("pairs are needed to encode"),
            };
            value.items()?.into_iter().map(pair).collect::<Result<_, Fault>>()?
        }
        None => return Ok(Value::text(one(value, b"/"))),
    };
    let encoded: Vec<String> = pairs
        .iter()
        .map(|(key, value)| {
            format!("{}={}", one(key, b"").replace("%20", "+"), one(value, b"").replace("%20", "+"))
        })
        .collect();
    Ok(Value::text(encoded.join("&")))
}

/// Python asks the value to encode itself, which only a text can.
fn encodable<'v>(value: &'v Value<'_>) -> Result<Cow<'v, str>, Fault> {
    text_of(value).map_err(|fault| match fault {
        Fault::Type(why) => Fault::Other(why),
        other => other,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest<D: Digest>(parts: &[&[u8]]) -> String {
    let mut hasher = D::new();
    parts.iter().for_each(|part| hasher.update(part));
    hex(&hasher.finalize())
}

/// The reference's own filters.
fn own<'a>(name: &str, value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    Ok(Value::text(match name {
        "hash" => {
            let text = repr::text(value);
            let salt =
                given.get(1, "salt").filter(|salt| salt.truthy()).map(|salt| repr::text(salt).into_owned());
            let parts = [text.as_bytes(), salt.as_deref().unwrap_or_default().as_bytes()];
            match given.text(0, "hash_type")?.as_deref() {
                None | Some("md5") => digest::<Md5>(&parts),
                Some("sha1") => digest::<Sha1>(&parts),
                Some("sha224") => digest::<Sha224>(&parts),
                Some("sha256") => digest::<Sha256>(&parts),
                Some("sha384") => digest::<Sha384>(&parts),
                Some("sha512") => digest::<Sha512>(&parts),
                Some(other) => return Err(Fault::Other(format!("No hashing function named {other}"))),
            }
        }
        "hmac" => {
            if given.text(1, "hash_type")?.is_some_and(|kind| kind != "sha256") {
                return Err(Fault::Other("hmac knows sha256 only".to_owned()));
            }
            let Some(key) = given.get(0, "key") else { return type_error("hmac needs a key") };
            let mut mac = Hmac::<Sha256>::new_from_slice(repr::text(key).as_bytes())
                .map_err(|_| Fault::Other("the key of hmac is not valid".to_owned()))?;
            mac.update(repr::text(value).as_bytes());
            hex(&mac.finalize().into_bytes())
        }
        "base64encode" | "base64binascii_decode" => STANDARD.encode(encodable(value)?.as_bytes()),
        "base64decode" => {
            let text = encodable(value)?;
            let kept: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
            let bytes = STANDARD.decode(kept).map_err(|_| Fault::Other("a text is not base64".to_owned()))?;
            String::from_utf8(bytes).map_err(|_| Fault::Other("decoded bytes are no text".to_owned()))?
        }
        "regex_search" => {
            let text = text_of(value)?;
            let regex = functions::regex(&given.text(0, "regex")?.unwrap_or_default())?;
            let found = regex
                .captures(text.as_ref())
                .map_err(|_| Fault::Other("a regular expression took too long".to_owned()))?;
            found.and_then(|found| found.get(1).map(|group| group.as_str().to_owned())).unwrap_or_default()
        }
        _ => {
            let text = text_of(value)?;
            let regex = functions::regex(&given.text(0, "regex")?.unwrap_or_default())?;
            let replacement = python_replacement(&given.text(1, "replacement")?.unwrap_or_default());
            let replaced = regex
                .try_replacen(text.as_ref(), 0, replacement.as_str())
                .map_err(|_| Fault::Other("a regular expression took too long".to_owned()))?;
            replaced.into_owned()
        }
    }))
}

/// `\1` and `\g<name>` as `${1}` and `${name}`.
fn python_replacement(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.replace('$', "$$");
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = rest[at + 1..].to_owned();
        if let Some(named) = after.strip_prefix("g<")
            && let Some(end) = named.find('>')
        {
            out.push_str(&format!("${{{}}}", &named[..end]));
            rest = named[end + 1..].to_owned();
        } else if after.starts_with(|letter: char| letter.is_ascii_digit()) {
            out.push_str(&format!("${{{}}}", &after[..1]));
            rest = after[1..].to_owned();
        } else {
            let mut letters = after.chars();
            match letters.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(letter) => out.push(letter),
                None => out.push('\\'),
            }
            rest = letters.as_str().to_owned();
        }
    }
    out.push_str(&rest);
    out
}

pub(super) fn test<'a>(name: &str, value: &Value<'a>, given: &Given<'a>) -> Result<bool, Fault> {
    use super::compile::Relation;
    let relation = |relation| {
        let other =
            given.by_place.first().map_or_else(|| type_error("a test needs a value to compare with"), Ok)?;
        operators::holds(relation, value, other)
    };
    let remainder = |by: i128| match value.number() {
        Some(Number::Int(number)) if by != 0 => Ok(number.rem_euclid(by)),
        _ => type_error("a whole number is needed"),
    };
    Ok(match name {
        "defined" => !matches!(value, Value::Undefined),
        "undefined" => matches!(value, Value::Undefined),
        "none" => matches!(value, Value::None),
        "true" => matches!(value, Value::Bool(true)),
        "false" => matches!(value, Value::Bool(false)),
        "boolean" => matches!(value, Value::Bool(_)),
        "integer" => matches!(value, Value::Int(_)),
        "float" => matches!(value, Value::Float(_)),
        "number" => value.number().is_some(),
        "string" => matches!(value, Value::Str(_)),
        "mapping" => matches!(value, Value::JsonDict(_) | Value::Dict(_)),
        "sequence" => value.len().is_ok(),
        "iterable" => value.items().is_ok(),
        "callable" => matches!(value, Value::Method(_)),
        "lower" => text_of(value)?.chars().all(|letter| !letter.is_uppercase()),
        "upper" => text_of(value)?.chars().all(|letter| !letter.is_lowercase()),
        "even" => remainder(2)? == 0,
        "odd" => remainder(2)? == 1,
        "divisibleby" => remainder(given.int(0, "num")?.unwrap_or(0))? == 0,
        "sameas" | "eq" | "equalto" | "==" => relation(Relation::Eq)?,
        "ne" | "!=" => relation(Relation::Ne)?,
        "lt" | "lessthan" | "<" => relation(Relation::Lt)?,
        "le" | "<=" => relation(Relation::Lte)?,
        "gt" | "greaterthan" | ">" => relation(Relation::Gt)?,
        "ge" | ">=" => relation(Relation::Gte)?,
        "in" => relation(Relation::In)?,
        "filter" => known(&text_of(value)?),
        _ => return Err(Fault::Other(format!("No test named '{name}'."))),
    })
}
