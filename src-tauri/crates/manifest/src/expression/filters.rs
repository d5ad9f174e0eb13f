//! Jinja's filters, and those of the reference.

use super::eval::{BYTES_MAX, Evaluator, Given};
use super::value::{Evaluated, Fault, Number, Value, type_error, undefined};
use super::{encode, format, functions, methods, operators, repr, sequences, text};

/// Names of filters, between spaces.
const KNOWN: &str = " abs attr base64binascii_decode base64decode base64encode batch capitalize center count d default \
    dictsort e escape filesizeformat first float forceescape format groupby hash hmac indent int items join last length \
    list lower map max min pprint random regex_replace regex_search reject rejectattr replace reverse round safe select \
    selectattr slice sort string striptags sum title tojson trim truncate unique upper urlencode wordcount wordwrap ";

pub(super) fn known(name: &str) -> bool {
    !name.contains(' ') && KNOWN.contains(&format!(" {name} "))
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
            Some(Number::Int(number)) => Value::Int(number.saturating_abs()),
            Some(Number::Float(number)) => Value::Float(number.abs()),
            None => return type_error("bad operand type for abs()"),
        },
        "round" => round(&value, given)?,
        "sum" => {
            let mut total = given.get(1, "start").cloned().unwrap_or(Value::Int(0));
            for item in sequences::attributes(&value, given.get(0, "attribute"))? {
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
        "map" => sequences::map(evaluator, &value, given)?,
        "select" | "reject" | "selectattr" | "rejectattr" => sequences::select(name, &value, given)?,
        "join" => sequences::join(&value, given)?,
        "unique" => sequences::unique(&value, given)?,
        "sort" => sequences::sort(&value, given)?,
        "max" | "min" => sequences::extreme(&value, given, name == "max")?,
        "dictsort" => sequences::sort_dict(&value, given)?,
        "groupby" => sequences::group(&value, given)?,
        "batch" | "slice" => sequences::batch(&value, given, name == "batch")?,
        "random" => encode::random(value.items()?)?,
        "reverse" => match &value {
            Value::Str(text) => Value::text(text.chars().rev().collect::<String>()),
            other => match other.items() {
                Ok(items) => Value::list(items.into_iter().rev().collect()),
                Err(_) => return Err(Fault::Other("argument must be iterable".to_owned())),
            },
        },
        "attr" => match given.get(0, "name") {
            // Only attributes: what a dict holds is none.
            Some(Value::Str(_)) if value.fields().is_some() => Value::Undefined,
            Some(name) => methods::item(value, name.clone())?,
            None => return type_error("attr needs a name"),
        },
        "hash"
        | "hmac"
        | "base64encode"
        | "base64decode"
        | "base64binascii_decode"
        | "regex_search"
        | "regex_replace"
        | "string"
        | "tojson"
        | "urlencode" => encode::apply(name, value, given)?,
        "filesizeformat" => Value::text(file_size(&value, given)?),
        "pprint" => Value::text(repr::repr(&value)),
        _ => text_filter(name, &value, given)?,
    })
}

/// Filters that make a text of a text.
fn text_filter<'a>(name: &str, value: &Value<'a>, given: &Given<'a>) -> Evaluated<'a> {
    let written = repr::text(value);
    Ok(Value::text(match name {
        "lower" => written.to_lowercase(),
        "upper" => written.to_uppercase(),
        // Words begin after spaces, hyphens and opening brackets only.
        "title" => text::titled(&written, |letter| !(letter.is_whitespace() || "-({[<".contains(letter))),
        "capitalize" => text::capitalized(&written),
        "trim" => match given.text(0, "chars")? {
            Some(letters) => written.trim_matches(|letter| letters.contains(letter)).to_owned(),
            None => written.trim().to_owned(),
        },
        "center" => {
            let width = given.int(0, "width")?.unwrap_or(80);
            let given = Given { by_place: vec![Value::Int(width)], by_name: Vec::new() };
            return text::call(&written, "center", &given);
        }
        "replace" => {
            let count = given.int(2, "count")?.filter(|count| *count >= 0);
            let count = count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
            let (old, new) = (given.get(0, "old"), given.get(1, "new"));
            let (Some(old), Some(new)) = (old, new) else { return type_error("replace needs two texts") };
            text::replace(&written, &repr::text(old), &repr::text(new), count)?
        }
        "escape" | "e" | "forceescape" => written
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('\'', "&#39;")
            .replace('"', "&#34;"),
        "wordcount" => {
            let words = written.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            return Ok(Value::Int(words.filter(|word| !word.is_empty()).count() as i128));
        }
        "wordwrap" => {
            let width = given.int(0, "width")?.unwrap_or(79).clamp(1, 1_000_000) as usize;
            let lines: Vec<String> = written.lines().map(|line| wrapped(line, width)).collect();
            lines.join("\n")
        }
        "format" if given.by_name.is_empty() => {
            return format::percent(&written, &Value::Tuple(given.by_place.clone().into()));
        }
        "format" => {
            let fields = given.by_name.iter().map(|(name, value)| (Value::text(*name), value.clone()));
            return format::percent(&written, &Value::dict(fields.collect()));
        }
        "truncate" => truncated(&written, given)?,
        "indent" => indented(&written, given)?,
        "striptags" => {
            let tags = functions::regex("(?s)<!--.*?-->|<[^>]*>")?;
            let words = tags.replace_all(&written, "").split_whitespace().collect::<Vec<_>>().join(" ");
            let entities = [
                ("&lt;", "<"),
                ("&gt;", ">"),
                ("&#39;", "'"),
                ("&quot;", "\""),
                ("&#34;", "\""),
                ("&amp;", "&"),
            ];
            entities.iter().fold(words, |text, (entity, letter)| text.replace(entity, letter))
        }
        _ => written.into_owned(),
    }))
}

/// Lines of at most this width; words that are longer are cut.
fn wrapped(line: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut length = 0;
    for word in line.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        if length > 0 && length + 1 + letters.len() <= width {
            current.push(' ');
            current.push_str(word);
            length += 1 + letters.len();
            continue;
        }
        for piece in letters.chunks(width) {
            if length > 0 {
                lines.push(std::mem::take(&mut current));
            }
            current.extend(piece);
            length = piece.len();
        }
    }
    lines.push(current);
    lines.join("\n")
}

fn truncated(text: &str, given: &Given<'_>) -> Result<String, Fault> {
    let length = given.int(0, "length")?.unwrap_or(255);
    let end = given.text(2, "end")?.unwrap_or_else(|| "...".to_owned());
    let leeway = given.int(3, "leeway")?.unwrap_or(5);
    let kept = length - end.chars().count() as i128;
    if kept < 0 || leeway < 0 {
        return Err(Fault::Other("a text cannot be truncated to less than its end".to_owned()));
    }
    if text.chars().count() as i128 <= length.saturating_add(leeway) {
        return Ok(text.to_owned());
    }
    let kept: String = text.chars().take(usize::try_from(kept).unwrap_or(usize::MAX)).collect();
    let whole = given.get(1, "killwords").is_some_and(Value::truthy);
    let cut =
        if whole { kept.as_str() } else { kept.rsplit_once(' ').map_or(kept.as_str(), |(before, _)| before) };
    Ok(format!("{cut}{end}"))
}

fn indented(text: &str, given: &Given<'_>) -> Result<String, Fault> {
    let space = match given.get(0, "width") {
        Some(Value::Str(space)) => space.as_ref().to_owned(),
        _ => " ".repeat(given.int(0, "width")?.unwrap_or(4).clamp(0, 1000) as usize),
    };
    if text.len().saturating_mul(space.len() + 1) > BYTES_MAX {
        return Err(Fault::Other("a template made a text of more than 64 MB".to_owned()));
    }
    let (first, blank) =
        (given.get(1, "first").is_some_and(Value::truthy), given.get(2, "blank").is_some_and(Value::truthy));
    let mut out = String::with_capacity(text.len() + 16);
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        if if at == 0 { first } else { blank || !line.is_empty() } {
            out.push_str(&space);
        }
        out.push_str(line);
    }
    Ok(out)
}

/// `4.1 MB`
fn file_size(value: &Value<'_>, given: &Given<'_>) -> Result<String, Fault> {
    let binary = given.get(0, "binary").is_some_and(Value::truthy);
    let bytes = match (value, value.number()) {
        (_, Some(number)) => number.float(),
        (Value::Str(text), _) => {
            text.trim().parse().map_err(|_| Fault::Other("a size must be a number".to_owned()))?
        }
        (other, _) => return type_error(format!("a size must be a number, not '{}'", other.type_name())),
    };
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if bytes == 1.0 {
        return Ok("1 Byte".to_owned());
    }
    if bytes < base {
        return Ok(format!("{} Bytes", bytes.trunc()));
    }
    let (mut size, mut prefix) = (bytes / base, 0);
    while size >= base && prefix < 7 {
        size /= base;
        prefix += 1;
    }
    let letter = &"kMGTPEZY"[prefix..=prefix];
    let letter = if binary { letter.to_uppercase() + "i" } else { letter.to_owned() };
    Ok(format!("{size:.1} {letter}B"))
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
                base => based(&digits.to_lowercase(), base),
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

/// A whole number with a base; 0 stands for the one that the text begins with.
fn based(text: &str, base: i128) -> Option<i128> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let prefixes = [("0x", 16), ("0o", 8), ("0b", 2)];
    let (base, digits) =
        match prefixes.iter().find_map(|(prefix, of)| Some((*of, text.strip_prefix(prefix)?))) {
            Some((of, digits)) if base == 0 || base == i128::from(of) => (of, digits),
            _ if base == 0 => (10, text),
            _ => (u32::try_from(base).ok().filter(|base| (2..=36).contains(base))?, text),
        };
    let number = i128::from_str_radix(digits, base).ok().filter(|_| !digits.starts_with(['+', '-']))?;
    Some(if negative { -number } else { number })
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
    let common = matches!(given.get(1, "method"), None | Some(Value::None))
        || given.text(1, "method")?.as_deref() == Some("common");
    Ok(match number {
        Number::Int(number) if common && precision >= 0 => Value::Int(number),
        Number::Int(_) if common => Value::Int((rounded / factor).round() as i128),
        // Python rounds the exact number that the float stands for; so does printing.
        Number::Float(number) if common && precision >= 0 && number.is_finite() => {
            Value::Float(format!("{number:.*}", precision as usize).parse().unwrap_or(number))
        }
        _ => Value::Float(rounded / factor),
    })
}
