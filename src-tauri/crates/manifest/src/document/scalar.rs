//! What a plain scalar of YAML 1.1 means.

use crate::Json;

/// The value of a scalar without quotes.
pub(super) fn plain(text: &str) -> Json {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Json::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Json::Bool(false),
        _ => {}
    }
    let number = match text.as_bytes().first() {
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => whole(text).or_else(|| float(text)),
        _ => None,
    };
    number.unwrap_or_else(|| Json::String(text.to_owned()))
}

/// A whole number; one that is too great for 64 bits stays text, so that it keeps its digits.
fn whole(text: &str) -> Option<Json> {
    let (negative, digits) = sign(text);
    let value = if digits.contains(':') {
        sexagesimal(digits)?
    } else if let Some(binary) = digits.strip_prefix("0b") {
        radix(binary, 2)?
    } else if let Some(hex) = digits.strip_prefix("0x") {
        radix(hex, 16)?
    } else if digits.len() > 1 && digits.starts_with('0') {
        radix(digits.get(1..)?, 8)?
    } else if digits.starts_with(|first: char| first.is_ascii_digit()) {
        radix(digits, 10)?
    } else {
        return None;
    };
    let value = if negative { value.checked_neg()? } else { value };
    i64::try_from(value).map(Json::from).or_else(|_| u64::try_from(value).map(Json::from)).ok()
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn radix(digits: &str, radix: u32) -> Option<i128> {
    let all_fit = digits.chars().all(|digit| digit == '_' || digit.is_digit(radix));
    let digits: String = digits.chars().filter(|digit| *digit != '_').collect();
    if all_fit { i128::from_str_radix(&digits, radix).ok() } else { None }
}

/// `1:30` is 90.
fn sexagesimal(digits: &str) -> Option<i128> {
    let mut parts = digits.split(':');
    let first = parts.next()?;
    if first.starts_with(['0', '_']) {
        return None;
    }
    let mut value = radix(first, 10)?;
    for part in parts {
        if part.is_empty() || part.len() > 2 {
            return None;
        }
        let part = radix(part, 10).filter(|part| *part < 60)?;
        value = value.checked_mul(60)?.checked_add(part)?;
    }
    Some(value)
}

/// A number with a point. An exponent needs a sign: `1.0e+3` is a number, `1.0e3` and `1e+3` are text.
fn float(text: &str) -> Option<Json> {
    let (negative, digits) = sign(text);
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => (digits.get(..at)?, digits.get(at + 1..)?),
        None => (digits, "+0"),
    };
    let (before, after) = mantissa.split_once('.')?;
    let is_digits = |text: &str| text.chars().all(|digit| digit == '_' || digit.is_ascii_digit());
    let starts_with_digit = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
    let signed = exponent.starts_with(['+', '-']) && exponent.len() > 1;
    let exponent_fits = signed && exponent.chars().skip(1).all(|digit| digit.is_ascii_digit());
    // `.5` is a number, `+.5` is not
    let starts_well = if before.is_empty() {
        digits == text && starts_with_digit(after)
    } else {
        starts_with_digit(before)
    };
    if !is_digits(before) || !is_digits(after) || !exponent_fits || !starts_well {
        return None;
    }
    let number: String =
        format!("{before}.{after}e{exponent}").chars().filter(|digit| *digit != '_').collect();
    let value: f64 = number.parse().ok()?;
    serde_json::Number::from_f64(if negative { -value } else { value }).map(Json::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The expectations are what the reference's loader gives.
    #[test]
    fn plain_scalars_mean_what_yaml_1_1_says() {
        let cases = [
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("oN", json!("oN")),
            ("y", json!("y")),
            ("~", json!(null)),
            ("Null", json!(null)),
            ("", json!(null)),
            ("12", json!(12)),
            ("-12", json!(-12)),
            ("+12", json!(12)),
            ("010", json!(8)),
            ("0o10", json!("0o10")),
            ("08", json!("08")),
            ("0x1F", json!(31)),
            ("0b101", json!(5)),
            ("1_000", json!(1000)),
            ("1:30", json!(90)),
            ("1:90", json!("1:90")),
            ("00:30", json!("00:30")),
            ("1.5", json!(1.5)),
            ("1.", json!(1.0)),
            (".5", json!(0.5)),
            ("+.5", json!("+.5")),
            ("-1.5", json!(-1.5)),
            ("1e3", json!("1e3")),
            ("1.0e3", json!("1.0e3")),
            ("1.0e+3", json!(1000.0)),
            ("1.0E-1", json!(0.1)),
            ("1_0.2_5", json!(10.25)),
            ("2024-01-05", json!("2024-01-05")),
            (".inf", json!(".inf")),
            ("-", json!("-")),
            ("1.2.3", json!("1.2.3")),
            ("_1", json!("_1")),
            ("0", json!(0)),
            ("-0", json!(0)),
            ("+", json!("+")),
            ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
            ("99999999999999999999", json!("99999999999999999999")),
            (".", json!(".")),
            ("=", json!("=")),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text), expected, "{text}");
        }
    }
}
