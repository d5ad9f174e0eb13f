//! Texts with places for values: Python's `'%s' % value` and `'{}'.format(value)`.

use super::eval::{BYTES_MAX, Given};
use super::value::{Evaluated, Fault, Number, Value, type_error};
use super::{methods, repr};

/// A place is at most this wide, a number at most this precise.
const WIDTH_MAX: usize = 10_000;

/// How a value is written at its place.
#[derive(Debug, Clone)]
struct Style {
    fill: char,
    /// `<`, `>`, `^`, or `=`: filled between the sign and the digits. None: as its type has it.
    align: Option<char>,
    /// What a number shows that is not negative: `+`, a space, or `-` for nothing.
    sign: char,
    /// `#`: the prefix of hexadecimal numbers.
    alternate: bool,
    width: usize,
    /// Between thousands.
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

impl Default for Style {
    fn default() -> Style {
        Style {
            fill: ' ',
            align: None,
            sign: '-',
            alternate: false,
            width: 0,
            grouping: None,
            precision: None,
            kind: None,
        }
    }
}

fn other<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Other(what.into()))
}

/// Takes digits off the front of a text.
fn digits(text: &mut &str) -> Option<usize> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    *text = rest;
    (!number.is_empty()).then(|| number.parse().unwrap_or(WIDTH_MAX).min(WIDTH_MAX))
}

impl Style {
    fn pad(&self, sign: &str, text: &str, align: char) -> String {
        let missing = self.width.saturating_sub(sign.chars().count() + text.chars().count());
        let fill = |count: usize| self.fill.to_string().repeat(count);
        match self.align.unwrap_or(align) {
            '<' => format!("{sign}{text}{}", fill(missing)),
            '^' => format!("{}{sign}{text}{}", fill(missing / 2), fill(missing - missing / 2)),
            '=' => format!("{sign}{}{text}", fill(missing)),
            _ => format!("{}{sign}{text}", fill(missing)),
        }
    }

    fn number(&self, number: Number) -> Result<String, Fault> {
        let (negative, text) = match (number, self.kind) {
            (Number::Int(value), None | Some('d' | 'n' | 'b' | 'o' | 'x' | 'X')) => {
                (value < 0, self.whole(value.unsigned_abs()))
            }
            (_, None | Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' | 'n')) => {
                let value = number.float();
                (value.is_sign_negative() && !value.is_nan(), self.float(value.abs()))
            }
            (_, Some(kind)) => return other(format!("a number cannot be written as `{kind}`")),
        };
        let sign = match (negative, self.sign) {
            (true, _) => "-",
            (false, '+') => "+",
            (false, ' ') => " ",
            (false, _) => "",
        };
        Ok(self.pad(sign, &text, '>'))
    }

    fn whole(&self, value: u128) -> String {
        let (prefix, text) = match self.kind {
            Some('b') => ("0b", format!("{value:b}")),
            Some('o') => ("0o", format!("{value:o}")),
            Some('x') => ("0x", format!("{value:x}")),
            Some('X') => ("0X", format!("{value:X}")),
            _ => ("", value.to_string()),
        };
        let text = self.grouped(&text, if prefix.is_empty() { 3 } else { 4 });
        if self.alternate { format!("{prefix}{text}") } else { text }
    }

    fn float(&self, value: f64) -> String {
        let precision = self.precision.unwrap_or(6);
        let text = match self.kind {
            _ if !value.is_finite() => if value.is_nan() { "nan" } else { "inf" }.to_owned(),
            Some('f' | 'F') => format!("{value:.precision$}"),
            Some('%') => format!("{:.precision$}%", value * 100.0),
            Some('e' | 'E') => exponential(value, precision),
            Some(_) => general(value, precision, false),
            None if self.precision.is_some() => general(value, precision, true),
            None => repr::float(value),
        };
        let text = if matches!(self.kind, Some('E' | 'F' | 'G')) { text.to_uppercase() } else { text };
        self.grouped(&text, 3)
    }

    fn grouped(&self, text: &str, size: usize) -> String {
        let Some(separator) = self.grouping else { return text.to_owned() };
        let whole = text.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(text.len());
        let mut out = String::new();
        for (at, letter) in text[..whole].chars().enumerate() {
            if at > 0 && (whole - at).is_multiple_of(size) {
                out.push(separator);
            }
            out.push(letter);
        }
        out + &text[whole..]
    }
}

/// `1.234560e+04`
fn exponential(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// So many digits that count, without zeros at the end; an exponent when it is far from 1.
fn general(value: f64, precision: usize, point: bool) -> String {
    let precision = precision.max(1);
    let text = exponential(value, precision - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "+00"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let without_zeros = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    let limit = precision as i64 - i64::from(point);
    if exponent < -4 || exponent >= limit.max(i64::from(!point)) {
        let (_, exponent) = text.split_at(mantissa.len());
        return without_zeros(mantissa) + exponent;
    }
    let decimals = usize::try_from(precision as i64 - 1 - exponent).unwrap_or(0);
    let text = without_zeros(&format!("{value:.decimals$}"));
    if point && !text.contains('.') { text + ".0" } else { text }
}

/// Python's `'%s of %d' % (…)`.
pub(super) fn percent<'a>(format: &str, values: &Value<'a>) -> Evaluated<'a> {
    let mut left = match values {
        Value::Tuple(items) => items.to_vec(),
        one => vec![one.clone()],
    }
    .into_iter();
    let missing = || Fault::Type("not enough arguments for format string".to_owned());
    let mut named = false;
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let mut value = None;
        if let Some(name) = rest.strip_prefix('(') {
            let Some((name, after)) = name.split_once(')') else { return other("a format has no end") };
            if values.fields().is_none() {
                return type_error("format requires a mapping");
            }
            let found = values.lookup(&Value::text(name));
            value =
                Some(found.ok_or_else(|| Fault::Other("a format names a key that is not there".to_owned()))?);
            (rest, named) = (after, true);
        }
        let mut style = flags(&mut rest);
        style.width = match rest.strip_prefix('*') {
            Some(after) => {
                rest = after;
                let Some(Value::Int(width)) = left.next() else { return type_error("* wants int") };
                usize::try_from(width).unwrap_or(0).min(WIDTH_MAX)
            }
            None => digits(&mut rest).unwrap_or(0),
        };
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            style.precision = Some(digits(&mut rest).unwrap_or(0));
        }
        rest = rest.trim_start_matches(['h', 'l', 'L']);
        let Some(kind) = rest.chars().next() else { return other("a format has no end") };
        rest = &rest[kind.len_utf8()..];
        if kind == '%' {
            out.push('%');
            continue;
        }
        let value = value.or_else(|| left.next()).ok_or_else(missing)?;
        out.push_str(&converted(&style, kind, &value)?);
        if out.len() > BYTES_MAX {
            return other("a format made a text of more than 64 MB");
        }
    }
    out.push_str(rest);
    let may_be_unused =
        named || values.fields().is_some() || matches!(values, Value::List(_) | Value::JsonList(_));
    if left.next().is_some() && !may_be_unused {
        return type_error("not all arguments converted during string formatting");
    }
    Ok(Value::text(out))
}

fn flags(rest: &mut &str) -> Style {
    let mut style = Style { align: Some('>'), ..Style::default() };
    while let Some(flag) = rest.chars().next() {
        match flag {
            '-' => (style.align, style.fill) = (Some('<'), ' '),
            '0' if style.align != Some('<') => (style.align, style.fill) = (Some('='), '0'),
            '+' => style.sign = '+',
            ' ' if style.sign != '+' => style.sign = ' ',
            '#' => style.alternate = true,
            '0' | ' ' => {}
            _ => break,
        }
        *rest = &rest[1..];
    }
    style
}

/// A value as `%s`, `%d` … write it.
fn converted(style: &Style, kind: char, value: &Value<'_>) -> Result<String, Fault> {
    let text = match kind {
        's' => repr::text(value).into_owned(),
        'r' => repr::repr(value),
        'a' => repr::ascii(value),
        'c' => match value {
            Value::Str(text) if text.chars().count() == 1 => text.as_ref().to_owned(),
            Value::Int(code) => {
                let letter = u32::try_from(*code).ok().and_then(char::from_u32);
                letter.map_or_else(|| other("%c arg not in range"), |letter| Ok(letter.to_string()))?
            }
            _ => return type_error("%c requires int or char"),
        },
        'd' | 'i' | 'u' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            return numeric(style, kind, value);
        }
        kind => return other(format!("unsupported format character '{kind}'")),
    };
    let text: String = text.chars().take(style.precision.unwrap_or(usize::MAX)).collect();
    let align = if style.align == Some('<') { '<' } else { '>' };
    Ok(Style { fill: ' ', align: Some(align), ..style.clone() }.pad("", &text, '>'))
}

fn numeric(style: &Style, kind: char, value: &Value<'_>) -> Result<String, Fault> {
    let Some(number) = value.number() else {
        return type_error(format!("%{kind} format: a real number is required, not {}", value.type_name()));
    };
    let whole = matches!(kind, 'd' | 'i' | 'u');
    let number = match number {
        Number::Float(value) if whole && value.is_finite() => Number::Int(value.trunc() as i128),
        Number::Float(_) if whole => return other("cannot convert float to integer"),
        Number::Float(_) if matches!(kind, 'o' | 'x' | 'X') => {
            return type_error(format!("%{kind} format: an integer is required, not float"));
        }
        number => number,
    };
    Style { kind: Some(if whole { 'd' } else { kind }), ..style.clone() }.number(number)
}

/// `'{} and {name}'.format(…)`.
pub(super) fn braces<'a>(format: &str, given: &Given<'a>) -> Evaluated<'a> {
    let mut numbering = Numbering::default();
    let text = filled(format, given, &mut numbering, 0)?;
    Ok(Value::text(text))
}

/// Places are numbered by themselves or by hand, never both.
#[derive(Default)]
struct Numbering {
    next: usize,
    by_hand: bool,
}

fn filled<'a>(
    format: &str,
    given: &Given<'a>,
    numbering: &mut Numbering,
    depth: u8,
) -> Result<String, Fault> {
    if depth > 1 {
        return other("a format is nested too deep");
    }
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        let end = if brace == "{" { closing(rest) } else { None };
        let Some(end) = end else { return other("a brace stands alone in a format") };
        let (place, spec) = rest[..end].split_once(':').unwrap_or((&rest[..end], ""));
        rest = &rest[end + 1..];
        let (place, conversion) =
            place.split_once('!').map_or((place, None), |(place, how)| (place, Some(how)));
        let value = place_value(place, given, numbering)?;
        let value = match conversion {
            None => value,
            Some("s") => Value::text(repr::text(&value)),
            Some("r") => Value::text(repr::repr(&value)),
            Some("a") => Value::text(repr::ascii(&value)),
            Some(_) => return other("a format has an unknown conversion"),
        };
        let spec =
            if spec.contains('{') { filled(spec, given, numbering, depth + 1)? } else { spec.to_owned() };
        out.push_str(&styled(&value, &spec)?);
        if out.len() > BYTES_MAX {
            return other("a format made a text of more than 64 MB");
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the brace that was opened before this text is closed.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at);
        }
    }
    None
}

/// `0`, `name`, `0.year`, `name[key]`.
fn place_value<'a>(place: &str, given: &Given<'a>, numbering: &mut Numbering) -> Evaluated<'a> {
    let end = place.find(['.', '[']).unwrap_or(place.len());
    let (name, mut path) = place.split_at(end);
    let found = match name.parse::<usize>() {
        _ if name.is_empty() && numbering.by_hand => {
            return other("a format numbers some of its places only");
        }
        _ if name.is_empty() => {
            numbering.next += 1;
            given.by_place.get(numbering.next - 1)
        }
        Ok(_) if numbering.next > 0 => return other("a format numbers some of its places only"),
        Ok(at) => {
            numbering.by_hand = true;
            given.by_place.get(at)
        }
        Err(_) => given.by_name.iter().find(|(known, _)| *known == name).map(|(_, value)| value),
    };
    let Some(mut value) = found.cloned() else { return other("a format asks for a value that is not given") };
    while !path.is_empty() {
        let (key, after) = if let Some(inside) = path.strip_prefix('[') {
            let Some((key, after)) = inside.split_once(']') else { return other("a format has no end") };
            (key.parse::<i128>().map_or_else(|_| Value::text(key), Value::Int), after)
        } else {
            let inside = &path[1..];
            let end = inside.find(['.', '[']).unwrap_or(inside.len());
            (Value::text(&inside[..end]), &inside[end..])
        };
        value = methods::item(value, key)?;
        path = after;
    }
    Ok(value)
}

fn styled(value: &Value<'_>, spec: &str) -> Result<String, Fault> {
    if spec.is_empty() {
        return Ok(repr::text(value).into_owned());
    }
    match value {
        Value::Moment(moment) => return Ok(moment.strftime(spec)),
        Value::Day(day) => {
            return Ok(super::datetime::Moment::midnight(*day)
                .map(|day| day.strftime(spec))
                .unwrap_or_default());
        }
        _ => {}
    }
    let style = style(spec)?;
    if let Some(number) = value.number() {
        return style.number(number);
    }
    let Value::Str(text) = value else {
        return type_error(format!("unsupported format string passed to {}.__format__", value.type_name()));
    };
    if !matches!(style.kind, None | Some('s')) || style.align == Some('=') {
        return other("a text cannot be written as a number");
    }
    let text: String = text.chars().take(style.precision.unwrap_or(usize::MAX)).collect();
    Ok(style.pad("", &text, '<'))
}

/// `[[fill]align][sign][#][0][width][,][.precision][kind]`
fn style(spec: &str) -> Result<Style, Fault> {
    let mut style = Style::default();
    let mut rest = spec;
    let mut letters = rest.chars();
    let (first, second) = (letters.next(), letters.next());
    if let (Some(fill), Some(align @ ('<' | '>' | '^' | '='))) = (first, second) {
        (style.fill, style.align) = (fill, Some(align));
        rest = letters.as_str();
    } else if let Some(align @ ('<' | '>' | '^' | '=')) = first {
        style.align = Some(align);
        rest = &rest[1..];
    }
    if let Some(sign @ ('+' | '-' | ' ')) = rest.chars().next() {
        style.sign = sign;
        rest = &rest[1..];
    }
    if let Some(after) = rest.strip_prefix('#') {
        (style.alternate, rest) = (true, after);
    }
    if let Some(after) = rest.strip_prefix('0') {
        rest = after;
        style.fill = if style.align.is_none() { '0' } else { style.fill };
        style.align = style.align.or(Some('='));
    }
    style.width = digits(&mut rest).unwrap_or(0);
    if let Some(grouping @ (',' | '_')) = rest.chars().next() {
        style.grouping = Some(grouping);
        rest = &rest[1..];
    }
    if let Some(after) = rest.strip_prefix('.') {
        rest = after;
        style.precision = Some(match digits(&mut rest) {
            Some(precision) => precision,
            None => return other("a format has no precision"),
        });
    }
    let mut letters = rest.chars();
    style.kind = letters.next();
    if letters.next().is_some() {
        return other("a format is not valid");
    }
    Ok(style)
}
