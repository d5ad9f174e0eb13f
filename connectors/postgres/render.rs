//! Wire values as text, as Postgres would write them: for rows that go to quarantine. Not a hot path.

use std::fmt::Write as _;

use super::builder::{composite_members, elements, interval_parts};
use super::codec::Codec;
use super::decode::{Fault, take_field};
use super::numeric;

/// The value in Postgres's text form; its bytes in hexadecimal when they make no sense.
pub(super) fn render(codec: &Codec, value: &[u8]) -> String {
    text(codec, value).unwrap_or_else(|_| hex(value))
}

fn hex(value: &[u8]) -> String {
    value.iter().fold(String::from("\\x"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn exactly<const N: usize>(value: &[u8]) -> Result<[u8; N], Fault> {
    value.try_into().map_err(|_| Fault::Corrupt("a value has the wrong length for its type"))
}

fn text(codec: &Codec, value: &[u8]) -> Result<String, Fault> {
    Ok(match codec {
        Codec::Boolean => if value == [0] { "false" } else { "true" }.to_owned(),
        Codec::Int16 => i16::from_be_bytes(exactly(value)?).to_string(),
        Codec::Int32 => i32::from_be_bytes(exactly(value)?).to_string(),
        Codec::Int64 => i64::from_be_bytes(exactly(value)?).to_string(),
        Codec::Float32 => {
            float(f32::from_be_bytes(exactly(value)?).into(), &f32::from_be_bytes(exactly(value)?))
        }
        Codec::Float64 => float(f64::from_be_bytes(exactly(value)?), &f64::from_be_bytes(exactly(value)?)),
        Codec::Decimal { .. } | Codec::Numeric => {
            let mut out = Vec::new();
            numeric::text(value, &mut out)?;
            String::from_utf8_lossy(&out).into_owned()
        }
        Codec::Text | Codec::JsonText => String::from_utf8_lossy(value).into_owned(),
        Codec::Jsonb => String::from_utf8_lossy(value.get(1..).unwrap_or_default()).into_owned(),
        Codec::Bytes => hex(value),
        Codec::Date => match i32::from_be_bytes(exactly(value)?) {
            i32::MAX => "infinity".to_owned(),
            i32::MIN => "-infinity".to_owned(),
            days => date(i64::from(days)),
        },
        Codec::Time => time(i64::from_be_bytes(exactly(value)?)),
        Codec::Timestamp => match i64::from_be_bytes(exactly(value)?) {
            i64::MAX => "infinity".to_owned(),
            i64::MIN => "-infinity".to_owned(),
            micros => timestamp(micros),
        },
        Codec::Interval => {
            let (micros, days, months) = interval_parts(exactly(value)?);
            let sign = if micros < 0 { "-" } else { "" };
            let clock = micros.unsigned_abs();
            let (seconds, fraction) = (clock / 1_000_000, clock % 1_000_000);
            format!(
                "{months} mons {days} days {sign}{:02}:{:02}:{:02}.{fraction:06}",
                seconds / 3600,
                seconds / 60 % 60,
                seconds % 60
            )
        }
        Codec::Uuid => {
            let wide = u128::from_be_bytes(exactly(value)?);
            format!(
                "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                wide >> 96,
                (wide >> 80) as u16,
                (wide >> 64) as u16,
                (wide >> 48) as u16,
                wide & 0xffff_ffff_ffff
            )
        }
        Codec::List(item) => list(item, value)?,
        Codec::Struct(members) => composite(members, value)?,
    })
}

fn float(wide: f64, shortest: &dyn std::fmt::Display) -> String {
    if wide.is_nan() {
        "NaN".to_owned()
    } else if wide.is_infinite() {
        if wide > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        shortest.to_string()
    }
}

/// Days since 2000-01-01 as ISO 8601, with ` BC` as Postgres does it. Proleptic Gregorian, any year
/// (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
fn date(days: i64) -> String {
    let (year, month, day) = civil(days);
    if year > 0 {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{:04}-{month:02}-{day:02} BC", 1 - year)
    }
}

fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 730_425; // days from 0000-03-01 to 2000-01-01
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn time(micros: i64) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction == 0 { clock } else { format!("{clock}.{fraction:06}").trim_end_matches('0').to_owned() }
}

fn timestamp(micros: i64) -> String {
    const DAY: i64 = 86_400_000_000;
    let (day, clock) = (date(micros.div_euclid(DAY)), time(micros.rem_euclid(DAY)));
    match day.strip_suffix(" BC") {
        Some(day) => format!("{day} {clock} BC"),
        None => format!("{day} {clock}"),
    }
}

/// An array of any number of dimensions, as `{…}`.
fn list(item: &Codec, value: &[u8]) -> Result<String, Fault> {
    let word = |at: usize| {
        let bytes = value.get(at..).and_then(<[u8]>::first_chunk::<4>);
        bytes.map(|b| i32::from_be_bytes(*b)).ok_or(Fault::Corrupt("an array ends too early"))
    };
    let dimensions = usize::try_from(word(0)?).unwrap_or(0);
    if dimensions < 2 {
        let mut rest = elements(value)?.rest;
        return one_dimension(item, elements(value)?.count, &mut rest);
    }
    let mut lengths = Vec::new();
    for dimension in 0..dimensions.min(6) {
        lengths.push(usize::try_from(word(12 + 8 * dimension)?).unwrap_or(0));
    }
    let mut rest = value.get(12 + 8 * dimensions..).unwrap_or_default();
    // Each element takes at least its length, and an array without elements has no dimensions: lengths that cannot be true
    // must not be worked through.
    let count = lengths.iter().try_fold(1_usize, |count, length| count.checked_mul(*length));
    if count.is_none_or(|count| count == 0 || count > rest.len() / 4) {
        return Err(Fault::Corrupt("an array is shorter than it says"));
    }
    nested(item, &lengths, &mut rest)
}

fn nested(item: &Codec, lengths: &[usize], rest: &mut &[u8]) -> Result<String, Fault> {
    let [length, inner @ ..] = lengths else { return Ok(String::new()) };
    if inner.is_empty() {
        return one_dimension(item, *length, rest);
    }
    let mut parts = Vec::new();
    for _ in 0..*length {
        parts.push(nested(item, inner, rest)?);
    }
    Ok(format!("{{{}}}", parts.join(",")))
}

fn one_dimension(item: &Codec, count: usize, rest: &mut &[u8]) -> Result<String, Fault> {
    let mut parts = Vec::new();
    for _ in 0..count {
        parts.push(match take_field(rest)? {
            None => "NULL".to_owned(),
            Some(element) => {
                let element = text(item, element)?;
                let plain = !element.is_empty()
                    && !element.eq_ignore_ascii_case("null")
                    && !element.contains(|c: char| c.is_whitespace() || "{}\",\\".contains(c));
                let nested = matches!(item, Codec::List(_));
                if plain || nested { element } else { format!("\"{}\"", escape(&element)) }
            }
        });
    }
    Ok(format!("{{{}}}", parts.join(",")))
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn composite(members: &[(String, Codec)], value: &[u8]) -> Result<String, Fault> {
    let mut rest = composite_members(value, members.len())?;
    let mut parts = Vec::new();
    for (_, codec) in members {
        rest = rest.get(4..).ok_or(Fault::Corrupt("a composite value ends too early"))?;
        parts.push(match take_field(&mut rest)? {
            None => String::new(),
            Some(member) => {
                let member = text(codec, member)?;
                let plain = !member.is_empty()
                    && !member.contains(|c: char| c.is_whitespace() || "()\",\\".contains(c));
                if plain { member } else { format!("\"{}\"", escape(&member)) }
            }
        });
    }
    Ok(format!("({})", parts.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_like_those_of_postgres() {
        assert_eq!(date(0), "2000-01-01");
        assert_eq!(date(-730_119), "0001-01-01");
        assert_eq!(date(-730_120), "0001-12-31 BC");
        assert_eq!(timestamp(1_500_000), "2000-01-01 00:00:01.5");
        assert_eq!(timestamp(-1), "1999-12-31 23:59:59.999999");
    }

    #[test]
    fn an_array_whose_lengths_cannot_be_true_is_corrupt() {
        let array = |lengths: [i32; 2], elements: usize| {
            let mut value = Vec::new();
            for word in [2, 0, 23, lengths[0], 1, lengths[1], 1] {
                value.extend_from_slice(&i32::to_be_bytes(word));
            }
            value.extend((0..elements).flat_map(|_| [0, 0, 0, 4, 0, 0, 0, 7]));
            value
        };
        let item = Codec::of(&syncline_protocol::LogicalType::Int32);
        assert_eq!(list(&item, &array([2, 1], 2)).unwrap(), "{{7},{7}}");
        // It would be as many empty lists as memory holds.
        for (lengths, elements) in [([i32::MAX, 0], 1), ([i32::MAX, i32::MAX], 1), ([0, 5], 0), ([3, 1], 1)] {
            assert!(matches!(list(&item, &array(lengths, elements)), Err(Fault::Corrupt(_))), "{lengths:?}");
        }
    }
}
