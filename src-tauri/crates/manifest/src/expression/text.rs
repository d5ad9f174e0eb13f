//! Methods of Python's `str`.

use super::eval::{BYTES_MAX, Given};
use super::format;
use super::methods::required;
use super::value::{Evaluated, Fault, Value, type_error};

/// A text is filled up to at most this width.
const WIDTH_MAX: i128 = 1_000_000;

pub(super) fn call<'a>(text: &str, name: &str, given: &Given<'a>) -> Evaluated<'a> {
    Ok(match name {
        "split" | "rsplit" => split(text, given, name == "rsplit")?,
        "splitlines" => lines(text, given.get(0, "keepends").is_some_and(Value::truthy)),
        "join" => joined(text, required(given, 0, "iterable")?)?,
        "format" => format::braces(text, given)?,
        // Python's bytes look like this, and nothing can be done with them here.
        "encode" => Value::text(text),
        "startswith" | "endswith" => {
            let Some(text) = within(text, given)? else { return Ok(Value::Bool(false)) };
            Value::Bool(affix(text, name == "startswith", required(given, 0, "prefix")?)?)
        }
        "count" | "find" | "index" | "rfind" | "rindex" => search(text, name, given)?,
        "partition" | "rpartition" => parted(text, &need(given, 0)?, name == "partition")?,
        "replace" => replaced(text, given)?,
        "ljust" | "rjust" | "center" | "zfill" | "expandtabs" => filled(text, name, given)?,
        "strip" | "lstrip" | "rstrip" | "removeprefix" | "removesuffix" => cut(text, name, given)?,
        _ if name.starts_with("is") => Value::Bool(is(text, name)),
        _ => Value::text(cased(text, name)),
    })
}

fn need(given: &Given<'_>, at: usize) -> Result<String, Fault> {
    given.text(at, "")?.map_or_else(|| type_error("an argument of type str is missing"), Ok)
}

fn cased(text: &str, name: &str) -> String {
    match name {
        "upper" => text.to_uppercase(),
        "capitalize" => capitalized(text),
        "title" => titled(text, char::is_alphabetic),
        "swapcase" => {
            let swap = |letter: char| -> String {
                if letter.is_uppercase() {
                    letter.to_lowercase().collect()
                } else {
                    letter.to_uppercase().collect()
                }
            };
            text.chars().map(swap).collect()
        }
        "casefold" => text.to_lowercase().replace('ß', "ss"),
        _ => text.to_lowercase(),
    }
}

fn is(text: &str, name: &str) -> bool {
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    let some_case = || text.chars().any(|letter| letter.is_uppercase() || letter.is_lowercase());
    match name {
        "isdecimal" => all(|letter| letter.is_ascii_digit() || (letter.is_numeric() && is_decimal(letter))),
        "isdigit" => all(|letter| {
            is_decimal(letter) || matches!(letter, '²' | '³' | '¹' | '⁰' | '⁴'..='⁹' | '₀'..='₉')
        }),
        "isnumeric" => all(char::is_numeric),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isspace" => all(char::is_whitespace),
        "isascii" => text.is_ascii(),
        "isidentifier" => {
            let starts = text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_');
            starts && text.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
        }
        "islower" => some_case() && !text.chars().any(char::is_uppercase),
        "isupper" => some_case() && !text.chars().any(char::is_lowercase),
        "istitle" => some_case() && titled(text, char::is_alphabetic) == text,
        _ => text.chars().all(|letter| !letter.is_control()),
    }
}

/// Digits of any script that has ten of them in a row: those that are no fractions, powers or letters.
fn is_decimal(letter: char) -> bool {
    letter.is_ascii_digit()
        || matches!(letter, '٠'..='٩' | '۰'..='۹' | '०'..='९' | '০'..='৯' | '๐'..='๙' | '０'..='９')
}

fn cut<'a>(text: &str, name: &str, given: &Given<'a>) -> Evaluated<'a> {
    match name {
        "removeprefix" => return Ok(Value::text(text.strip_prefix(&need(given, 0)?).unwrap_or(text))),
        "removesuffix" => return Ok(Value::text(text.strip_suffix(&need(given, 0)?).unwrap_or(text))),
        _ => {}
    }
    let letters = given.text(0, "chars")?;
    let is = |letter: char| letters.as_ref().map_or(letter.is_whitespace(), |set| set.contains(letter));
    let text = if name == "rstrip" { text } else { text.trim_start_matches(is) };
    Ok(Value::text(if name == "lstrip" { text } else { text.trim_end_matches(is) }))
}

fn replaced<'a>(text: &str, given: &Given<'a>) -> Evaluated<'a> {
    let (old, new) = (need(given, 0)?, need(given, 1)?);
    let count = given.int(2, "count")?.filter(|count| *count >= 0);
    let count = count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    replace(text, &old, &new, count).map(Value::text)
}

/// Replaces, but makes no text that is too long.
pub(super) fn replace(text: &str, old: &str, new: &str, count: usize) -> Result<String, Fault> {
    let found = if old.is_empty() { text.chars().count() + 1 } else { text.matches(old).count() };
    if found.min(count).saturating_mul(new.len()) > BYTES_MAX {
        return Err(Fault::Other("a template made a text of more than 64 MB".to_owned()));
    }
    Ok(text.replacen(old, new, count))
}

fn joined<'a>(text: &str, parts: &Value<'a>) -> Evaluated<'a> {
    let mut texts = Vec::new();
    for part in parts.items()? {
        match part {
            Value::Str(part) => texts.push(part),
            other => return type_error(format!("expected str instance, {} found", other.type_name())),
        }
    }
    if texts.len().saturating_mul(text.len()) > BYTES_MAX {
        return Err(Fault::Other("a template made a text of more than 64 MB".to_owned()));
    }
    Ok(Value::text(texts.join(text)))
}

/// The part of a text that the arguments `start` and `end` choose; none when it lies behind the end.
fn within<'t>(text: &'t str, given: &Given<'_>) -> Result<Option<&'t str>, Fault> {
    let (start, end) = (given.int(1, "start")?, given.int(2, "end")?);
    if start.is_none() && end.is_none() {
        return Ok(Some(text));
    }
    let length = text.chars().count() as i128;
    let place = |at: i128| if at < 0 { at.saturating_add(length).max(0) } else { at };
    let (start, end) = (place(start.unwrap_or(0)), place(end.unwrap_or(length)).min(length));
    if start > end {
        return Ok(None);
    }
    let byte = |at: i128| {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte)
    };
    Ok(text.get(byte(start)..byte(end)))
}

fn search<'a>(text: &str, name: &str, given: &Given<'a>) -> Evaluated<'a> {
    let part = need(given, 0)?;
    let inside = within(text, given)?;
    if name == "count" {
        let Some(inside) = inside else { return Ok(Value::Int(0)) };
        let count =
            if part.is_empty() { inside.chars().count() + 1 } else { inside.matches(part.as_str()).count() };
        return Ok(Value::Int(count as i128));
    }
    let found = inside.and_then(|inside| {
        let at = if name.starts_with('r') { inside.rfind(&part) } else { inside.find(&part) };
        let before = inside.as_ptr() as usize - text.as_ptr() as usize;
        at.map(|at| text[..before + at].chars().count() as i128)
    });
    match found {
        Some(at) => Ok(Value::Int(at)),
        None if name.ends_with("find") => Ok(Value::Int(-1)),
        None => Err(Fault::Other("substring not found".to_owned())),
    }
}

fn parted<'a>(text: &str, part: &str, first: bool) -> Evaluated<'a> {
    if part.is_empty() {
        return Err(Fault::Other("empty separator".to_owned()));
    }
    let found = if first { text.split_once(part) } else { text.rsplit_once(part) };
    let parts = match found {
        Some((before, after)) => [before, part, after],
        None if first => [text, "", ""],
        None => ["", "", text],
    };
    Ok(Value::Tuple(parts.map(Value::text).into()))
}

fn filled<'a>(text: &str, name: &str, given: &Given<'a>) -> Evaluated<'a> {
    let otherwise = if name == "expandtabs" { 8 } else { 0 };
    let width = given.int(0, "width")?.unwrap_or(otherwise).clamp(0, WIDTH_MAX) as usize;
    if name == "expandtabs" {
        return Ok(Value::text(without_tabs(text, width.min(100))));
    }
    let missing = width.saturating_sub(text.chars().count());
    if name == "zfill" {
        let digits = text.trim_start_matches(['+', '-']);
        let sign = if digits.len() + 1 >= text.len() { &text[..text.len() - digits.len()] } else { "" };
        return Ok(Value::text(format!("{sign}{}{}", "0".repeat(missing), &text[sign.len()..])));
    }
    let fill = given.text(1, "fillchar")?.unwrap_or_else(|| " ".to_owned());
    if fill.chars().count() != 1 {
        return type_error("The fill character must be exactly one character long");
    }
    let left = match name {
        "ljust" => 0,
        "rjust" => missing,
        // Python puts the odd one on the left when the width is odd.
        _ => missing / 2 + (missing & width & 1),
    };
    Ok(Value::text(format!("{}{text}{}", fill.repeat(left), fill.repeat(missing - left))))
}

fn without_tabs(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for letter in text.chars() {
        match letter {
            '\t' if width > 0 => {
                let spaces = width - column % width;
                out.push_str(&" ".repeat(spaces));
                column += spaces;
            }
            '\t' => {}
            letter => {
                column = if matches!(letter, '\n' | '\r') { 0 } else { column + 1 };
                out.push(letter);
            }
        }
    }
    out
}

fn affix(text: &str, start: bool, wanted: &Value<'_>) -> Result<bool, Fault> {
    let fits = |part: &str| if start { text.starts_with(part) } else { text.ends_with(part) };
    match wanted {
        Value::Str(part) => Ok(fits(part)),
        Value::Tuple(parts) => Ok(parts.iter().any(|part| matches!(part, Value::Str(part) if fits(part)))),
        other => type_error(format!("first arg must be str or a tuple of str, not {}", other.type_name())),
    }
}

fn lines<'a>(text: &str, keep: bool) -> Value<'a> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let ends =
            ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
        let end = rest.find(ends).unwrap_or(rest.len());
        let length = match rest[end..].chars().next() {
            Some('\r') if rest[end..].starts_with("\r\n") => 2,
            Some(letter) => letter.len_utf8(),
            None => 0,
        };
        lines.push(Value::text(&rest[..if keep { end + length } else { end }]));
        rest = &rest[end + length..];
    }
    Value::list(lines)
}

fn split<'a>(text: &str, given: &Given<'a>, from_end: bool) -> Evaluated<'a> {
    let separator = given.text(0, "sep")?;
    let limit = given.int(1, "maxsplit")?.filter(|limit| *limit >= 0);
    let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let owned = |parts: Vec<&str>| Value::list(parts.into_iter().map(Value::text).collect());
    let Some(separator) = separator else { return Ok(owned(words(text, limit, from_end))) };
    if separator.is_empty() {
        return Err(Fault::Other("empty separator".to_owned()));
    }
    let limit = limit.map_or(usize::MAX, |limit| limit.saturating_add(1));
    if !from_end {
        return Ok(owned(text.splitn(limit, separator.as_str()).collect()));
    }
    let mut parts: Vec<&str> = text.rsplitn(limit, separator.as_str()).collect();
    parts.reverse();
    Ok(owned(parts))
}

/// The words of a text; after so many cuts the rest stays whole.
fn words(text: &str, limit: Option<usize>, from_end: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = if from_end { text.trim_end() } else { text.trim_start() };
    while !rest.is_empty() {
        if limit.is_some_and(|limit| parts.len() >= limit) {
            parts.push(if from_end { rest.trim_start() } else { rest.trim_end() });
            break;
        }
        if from_end {
            let start = rest.char_indices().rev().find(|(_, letter)| letter.is_whitespace());
            let start = start.map_or(0, |(at, letter)| at + letter.len_utf8());
            parts.push(&rest[start..]);
            rest = rest[..start].trim_end();
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            parts.push(&rest[..end]);
            rest = rest[end..].trim_start();
        }
    }
    if from_end {
        parts.retain(|part| !part.is_empty());
        parts.reverse();
    }
    parts
}

pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect()
}

/// Every word with a capital. `is_inside`: after this letter a word goes on.
pub(super) fn titled(text: &str, is_inside: impl Fn(char) -> bool) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if inside {
            out.extend(letter.to_lowercase());
        } else {
            out.extend(letter.to_uppercase());
        }
        inside = is_inside(letter);
    }
    out
}
