//! Filters that encode: JSON, URLs, base64, hashes, regular expressions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::eval::{BYTES_MAX, Given};
use super::value::{Evaluated, Fault, Value, type_error, undefined};
use super::{functions, methods, repr};
use crate::Json;

/// A value that JSON can hold.
fn dumped(value: &Value<'_>) -> Result<Json, Fault> {
    value
        .to_json()
        .ok_or_else(|| Fault::Type(format!("Object of type {} is not JSON serializable", value.type_name())))
}

fn tojson(value: &Value<'_>, indent: Option<i128>) -> Result<String, Fault> {
    let json = ordered(&dumped(value)?);
    let text = match indent {
        None => repr::json_dumps(&json),
        Some(width) => repr::json_dumps_indented(&json, width.clamp(0, 100) as usize),
    };
    Ok(text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace('\'', "\\u0027"))
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
    let pairs = match value {
        Value::JsonDict(_) | Value::Dict(_) | Value::JsonList(_) | Value::List(_) | Value::Tuple(_) => {
            methods::pairs(value)?
        }
        _ => return Ok(Value::text(one(value, b"/"))),
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
fn encodable<'v>(value: &'v Value<'_>) -> Result<&'v str, Fault> {
    match value {
        Value::Str(text) => Ok(text),
        Value::Undefined => undefined(),
        other => Err(Fault::Other(format!("'{}' object has no attribute 'encode'", other.type_name()))),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest<D: Digest>(parts: &[&[u8]]) -> String {
    let mut hasher = D::new();
    parts.iter().for_each(|part| hasher.update(part));
    hex(&hasher.finalize())
}

pub(super) fn apply<'a>(name: &str, value: Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    Ok(Value::text(match name {
        "tojson" => tojson(&value, given.int(0, "indent")?)?,
        "urlencode" => return urlencode(&value),
        // JSON in quotes that survive being read as a literal.
        "string" => match &value {
            Value::Str(_) => return Ok(value),
            other => format!("\"\"\"{}\"\"\"", repr::json_dumps(&dumped(other)?)),
        },
        "regex_search" => return regex_search(&value, given),
        "regex_replace" => regex_replace(&value, given)?,
        _ => hashed(name, &value, given)?,
    }))
}

/// One of the items.
pub(super) fn random(items: Vec<Value<'_>>) -> Evaluated<'_> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| Fault::Other("no random numbers are available".to_owned()))?;
    let at = usize::from_le_bytes(bytes) % items.len().max(1);
    Ok(items.into_iter().nth(at).unwrap_or(Value::Undefined))
}

fn hashed(name: &str, value: &Value<'_>, given: &Given<'_>) -> Result<String, Fault> {
    Ok(match name {
        "hash" => {
            let text = repr::text(value);
            let salt =
                given.get(1, "salt").filter(|salt| salt.truthy()).map(|salt| repr::text(salt).into_owned());
            let parts = [text.as_bytes(), salt.as_deref().unwrap_or_default().as_bytes()];
            if matches!(given.get(0, "hash_type"), Some(Value::None)) {
                return type_error("attribute name must be string, not 'NoneType'");
            }
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
        "base64encode" => STANDARD.encode(encodable(value)?.as_bytes()),
        "base64decode" => {
            let text = encodable(value)?;
            let kept: String = text
                .chars()
                .filter(|letter| letter.is_ascii_alphanumeric() || "+/=".contains(*letter))
                .collect();
            let bytes = STANDARD.decode(kept).map_err(|_| Fault::Other("a text is not base64".to_owned()))?;
            String::from_utf8(bytes).map_err(|_| Fault::Other("decoded bytes are no text".to_owned()))?
        }
        // Its name promises otherwise, but the reference encodes, and ASCII only.
        _ => {
            let text = encodable(value)?;
            if !text.is_ascii() {
                return Err(Fault::Other("only ASCII can be encoded here".to_owned()));
            }
            STANDARD.encode(text.as_bytes())
        }
    })
}

fn text<'v>(value: &'v Value<'_>) -> Result<&'v str, Fault> {
    match value {
        Value::Str(text) => Ok(text),
        other => type_error(format!("expected string or bytes-like object, got '{}'", other.type_name())),
    }
}

fn too_long<E>(_: E) -> Fault {
    Fault::Other("a regular expression took too long".to_owned())
}

/// The first group of the first match; nothing when there is no match, or no group in the expression.
fn regex_search<'a>(value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let Some(pattern) = given.get(0, "regex") else { return type_error("regex_search needs an expression") };
    let regex = functions::regex(text(pattern)?)?;
    let text = text(value)?;
    let Some(found) = regex.captures(text).map_err(too_long)? else { return Ok(Value::text("")) };
    Ok(match found.get(1) {
        Some(group) => Value::text(group.as_str()),
        None if regex.captures_len() > 1 => Value::None,
        None => Value::text(""),
    })
}

fn regex_replace(value: &Value<'_>, given: &Given<'_>) -> Result<String, Fault> {
    let (Some(pattern), Some(replacement)) = (given.get(0, "regex"), given.get(1, "replacement")) else {
        return type_error("regex_replace needs an expression and a replacement");
    };
    let regex = functions::regex(text(pattern)?)?;
    let text_in = text(value)?;
    let parts = replacement_parts(text(replacement)?, &regex)?;
    let mut made = 0_usize;
    let with = |found: &fancy_regex::Captures<'_, str>| {
        let mut out = String::new();
        for part in &parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(at) => out.push_str(found.get(*at).map_or("", |group| group.as_str())),
            }
        }
        made = made.saturating_add(out.len());
        if made > BYTES_MAX { String::new() } else { out }
    };
    let replaced = regex.try_replacen(text_in, 0, with).map_err(too_long)?.into_owned();
    if made > BYTES_MAX {
        return Err(Fault::Other("a template made a text of more than 64 MB".to_owned()));
    }
    Ok(replaced)
}

/// A piece of a replacement: text, or the number of a group.
enum Part {
    Text(String),
    Group(usize),
}

/// Python's replacements: `\1`, `\g<name>`, `\n`.
fn replacement_parts(text: &str, regex: &fancy_regex::Regex) -> Result<Vec<Part>, Fault> {
    let wrong = || Fault::Other("a replacement is not valid".to_owned());
    let group = |at: usize| if at < regex.captures_len() { Ok(Part::Group(at)) } else { Err(wrong()) };
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        parts.push(Part::Text(rest[..at].to_owned()));
        let after = &rest[at + 1..];
        let letter = after.chars().next().ok_or_else(wrong)?;
        rest = &after[letter.len_utf8()..];
        let plain = |text: &str| Part::Text(text.to_owned());
        parts.push(match letter {
            'g' => {
                let (name, after) =
                    rest.strip_prefix('<').and_then(|rest| rest.split_once('>')).ok_or_else(wrong)?;
                rest = after;
                let named = || regex.capture_names().position(|known| known == Some(name));
                group(name.parse().ok().or_else(named).ok_or_else(wrong)?)?
            }
            '1'..='9' => {
                let end = rest.len()
                    - rest.strip_prefix(|next: char| next.is_ascii_digit()).map_or(rest.len(), str::len);
                let (digit, after) = rest.split_at(end);
                rest = after;
                group(format!("{letter}{digit}").parse().map_err(|_| wrong())?)?
            }
            '0' => plain("\0"),
            'n' => plain("\n"),
            't' => plain("\t"),
            'r' => plain("\r"),
            'a' => plain("\x07"),
            'b' => plain("\x08"),
            'f' => plain("\x0c"),
            'v' => plain("\x0b"),
            '\\' => plain("\\"),
            letter if letter.is_ascii_alphabetic() => return Err(wrong()),
            letter => Part::Text(format!("\\{letter}")),
        });
    }
    parts.push(Part::Text(rest.to_owned()));
    Ok(parts)
}
