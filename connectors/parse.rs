//! Text to values: exact, without allocation. What does not fit exactly is refused, never rounded.

const DAY_MICROS: i64 = 86_400_000_000;

/// `true` or `false` in any case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A decimal number in plain notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plain {
    /// The number without its point.
    pub(crate) unscaled: i128,
    /// Digits before the point, without leading zeros.
    pub(crate) before: u8,
    /// Digits after the point.
    pub(crate) scale: u8,
    /// Whether the number begins with a zero that carries no value, as codes do ("007").
    pub(crate) leading_zero: bool,
}

/// A number as digits with an optional sign and point, at most 38 digits.
pub(crate) fn plain(text: &str) -> Option<Plain> {
    let bytes = text.as_bytes();
    let (negative, digits) = match bytes.first()? {
        b'-' => (true, &bytes[1..]),
        b'+' => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    if digits.len() > 40 {
        return None;
    }
    let (mut unscaled, mut before, mut scale) = (0i128, 0u8, 0u8);
    let (mut point, mut any) = (false, false);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                unscaled = unscaled.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
                any = true;
                if point {
                    scale += 1;
                } else if unscaled != 0 {
                    before += 1;
                }
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    if !any || before + scale > 38 {
        return None;
    }
    let leading_zero = digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit();
    Some(Plain { unscaled: if negative { -unscaled } else { unscaled }, before, scale, leading_zero })
}

impl Plain {
    /// The unscaled value at another scale, when no digit is lost and `precision` holds it.
    pub(crate) fn at_scale(self, precision: u8, scale: u8) -> Option<i128> {
        let value = if scale >= self.scale {
            self.unscaled.checked_mul(10i128.checked_pow(u32::from(scale - self.scale))?)?
        } else {
            let divisor = 10i128.checked_pow(u32::from(self.scale - scale))?;
            if self.unscaled % divisor != 0 {
                return None;
            }
            self.unscaled / divisor
        };
        (value.unsigned_abs() < 10u128.checked_pow(u32::from(precision))?).then_some(value)
    }
}

/// A whole number.
pub(crate) fn int(text: &str) -> Option<i64> {
    text.strip_prefix('+').unwrap_or(text).parse().ok().filter(|_| !text.starts_with("+-"))
}

/// A binary floating-point number; `NaN` and `Infinity` only as these words.
pub(crate) fn float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" | "+Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust also reads "inf", "nan" and words like them.
        _ if text.bytes().any(|byte| byte.is_ascii_alphabetic() && !matches!(byte, b'e' | b'E')) => None,
        _ => text.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0i64, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

/// `2026-11-23` as days since 1970-01-01.
pub(crate) fn date(text: &str) -> Option<i32> {
    date_bytes(text.as_bytes())
}

fn date_bytes(text: &[u8]) -> Option<i32> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else { return None };
    let year = number(&[*y0, *y1, *y2, *y3])?;
    let month = number(&[*m0, *m1])?;
    let day = number(&[*d0, *d1])?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    (1..=days).contains(&day).then(|| days_from_civil(year, month, day))
}

/// Days since 1970-01-01. Algorithm: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn days_from_civil(year: i64, month: i64, day: i64) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    // Four digits of a year stay far inside an i32.
    (era * 146_097 + day_of_era - 719_468) as i32
}

/// `14:05`, `14:05:09` or `14:05:09.123456` as microseconds since midnight.
pub(crate) fn time(text: &str) -> Option<i64> {
    time_bytes(text.as_bytes())
}

fn time_bytes(text: &[u8]) -> Option<i64> {
    let [h0, h1, b':', m0, m1, rest @ ..] = text else { return None };
    let (hour, minute) = (number(&[*h0, *h1])?, number(&[*m0, *m1])?);
    let (second, fraction) = match rest {
        [] => (0, 0),
        [b':', s0, s1] => (number(&[*s0, *s1])?, 0),
        [b':', s0, s1, b'.' | b',', fraction @ ..] => (number(&[*s0, *s1])?, micros(fraction)?),
        _ => return None,
    };
    (hour < 24 && minute < 60 && second < 60)
        .then_some(((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction)
}

/// A fraction of a second; digits below a microsecond must be zero.
fn micros(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 12 {
        return None;
    }
    let (kept, rest) = digits.split_at(digits.len().min(6));
    if rest.iter().any(|byte| *byte != b'0') {
        return None;
    }
    Some(number(kept)? * 10i64.pow(6 - kept.len() as u32))
}

/// Date and time, with the offset from UTC in microseconds when the text names one.
fn date_time(text: &str) -> Option<(i64, Option<i64>)> {
    let bytes = text.as_bytes();
    let (day, rest) = bytes.split_at_checked(10)?;
    let day = i64::from(date_bytes(day)?);
    let [b'T' | b't' | b' ', rest @ ..] = rest else { return None };
    let zone = rest.iter().position(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-' | b' '));
    let (clock, offset) = match zone {
        None => (rest, None),
        Some(at) => (&rest[..at], Some(offset(&rest[at..])?)),
    };
    Some((day * DAY_MICROS + time_bytes(clock)?, offset))
}

fn offset(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'Z' | b'z'] | [b' ', b'U', b'T', b'C'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits {
        [h0, h1] => (number(&[*h0, *h1])?, 0),
        [h0, h1, m0, m1] | [h0, h1, b':', m0, m1] => (number(&[*h0, *h1])?, number(&[*m0, *m1])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000_000)
}

/// A date with a time and no zone, as microseconds since 1970-01-01; a date alone is its midnight.
pub(crate) fn timestamp(text: &str) -> Option<i64> {
    match date_time(text) {
        Some((at, None)) => Some(at),
        Some((_, Some(_))) => None,
        None => Some(i64::from(date(text)?) * DAY_MICROS),
    }
}

/// An instant, as microseconds since 1970-01-01 in UTC. The text must name its offset.
pub(crate) fn timestamp_tz(text: &str) -> Option<i64> {
    let (at, offset) = date_time(text)?;
    Some(at - offset?)
}

/// 32 hexadecimal digits, with or without hyphens.
pub(crate) fn uuid(text: &str) -> Option<[u8; 16]> {
    let (mut value, mut count) = (0u128, 0);
    for character in text.trim_start_matches('{').trim_end_matches('}').chars() {
        if character == '-' {
            continue;
        }
        value = value << 4 | u128::from(character.to_digit(16)?);
        count += 1;
        if count > 32 {
            return None;
        }
    }
    (count == 32).then(|| value.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_every_digit() {
        let amount = plain("-1234.50").unwrap();
        assert_eq!((amount.unscaled, amount.before, amount.scale), (-123_450, 4, 2));
        assert_eq!(amount.at_scale(10, 3), Some(-1_234_500));
        assert_eq!(amount.at_scale(5, 1), Some(-12_345));
        assert_eq!(plain("1.25").unwrap().at_scale(5, 1), None);
        assert_eq!(plain("100").unwrap().at_scale(2, 0), None);
        assert!(plain("007").unwrap().leading_zero && !plain("0.7").unwrap().leading_zero);
        for text in ["", "-", ".", "1.2.3", "1e5", "0x1", " 1", &"9".repeat(39)] {
            assert_eq!(plain(text), None, "{text}");
        }
        assert_eq!((int("+5"), int("+-5"), int("9223372036854775808")), (Some(5), None, None));
        assert_eq!((float("1e3"), float("inf"), float("nan")), (Some(1000.0), None, None));
    }

    #[test]
    fn dates_and_times() {
        assert_eq!(
            (date("1970-01-01"), date("2024-02-29"), date("2023-02-29")),
            (Some(0), Some(19_782), None)
        );
        assert_eq!((date("0000-03-01"), date("2024-13-01"), date("24-01-01")), (Some(-719_468), None, None));
        assert_eq!(time("14:05:09.5"), Some(50_709_500_000));
        assert_eq!((time("24:00:00"), time("1:00"), time("10:00:00.1234567")), (None, None, None));
        assert_eq!(timestamp("1970-01-02 00:00:01"), Some(DAY_MICROS + 1_000_000));
        assert_eq!(timestamp("1970-01-02"), Some(DAY_MICROS));
        assert_eq!(timestamp("1970-01-01T00:00Z"), None);
        assert_eq!(timestamp_tz("1970-01-01T02:00:00+02:00"), Some(0));
        assert_eq!(timestamp_tz("1970-01-01T00:00:00"), None);
        assert_eq!(uuid("00000000-0000-0000-0000-0000000000ff").map(|id| id[15]), Some(255));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}", digits in "[-+.:TZ0-9 ]{0,40}") {
            for text in [&text, &digits] {
                let _ = (plain(text), int(text), float(text), date(text), time(text));
                let _ = (timestamp(text), timestamp_tz(text), uuid(text), boolean(text));
            }
        }
    }
}
