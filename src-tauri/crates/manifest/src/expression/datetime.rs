//! Times the way the reference reads and prints them: Python's `strptime` and `strftime`, and formats of its own.

mod read;

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use syncline_protocol::{Error, ErrorKind, Result};

/// A moment with the offset it was written with: what Python's aware `datetime` holds (microseconds).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The instant.
    pub at: Timestamp,
    /// Its offset from UTC in seconds.
    pub offset: i32,
}

/// A duration as ISO 8601 has it (`P1M`, `PT0.5S`): calendar parts apart, because a month is not a number of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Duration {
    /// Years and months, in months.
    pub months: i64,
    /// Weeks, days and smaller, in microseconds.
    pub microseconds: i64,
}

impl Duration {
    /// Reads `P1DT2H`.
    ///
    /// # Errors
    /// `Config`, when the text is no duration.
    pub fn parse(text: &str) -> Result<Duration> {
        Duration::read(text).ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("`{text}` is not a duration like `P1D` or `PT30M`."))
        })
    }

    fn read(text: &str) -> Option<Duration> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let rest = rest.strip_prefix('P')?;
        let (days, time) = rest.split_once('T').map_or((rest, None), |(days, time)| (days, Some(time)));
        if days.is_empty() && time.is_none() {
            return None;
        }
        let [years, months, weeks, days] = amounts(days, ['Y', 'M', 'W', 'D'])?;
        let [hours, minutes, seconds, _] = amounts(time.unwrap_or_default(), ['H', 'M', 'S', '\0'])?;
        let seconds = ((weeks * 7.0 + days) * 24.0 + hours) * 3600.0 + minutes * 60.0 + seconds;
        let sign = if negative { -1 } else { 1 };
        Some(Duration {
            months: sign * whole_months(years, months)?,
            microseconds: sign * (seconds * 1e6).round_ties_even() as i64,
        })
    }
}

/// A month has no half, so a duration has none of one.
fn whole_months(years: f64, months: f64) -> Option<i64> {
    (years.fract() == 0.0 && months.fract() == 0.0).then_some((years * 12.0 + months) as i64)
}

/// `1Y2M` as the amounts of these units, which stand in this order.
fn amounts(text: &str, units: [char; 4]) -> Option<[f64; 4]> {
    let mut amounts = [0.0; 4];
    let mut rest = text;
    let mut next = 0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !matches!(letter, '0'..='9' | '.' | ','))?;
        let unit = rest[end..].chars().next()?;
        let place = next + units[next..].iter().position(|known| *known == unit)?;
        if !rest[..end].starts_with(|letter: char| letter.is_ascii_digit())
            || !rest[..end].ends_with(|letter: char| letter.is_ascii_digit())
        {
            return None;
        }
        let amount: f64 = rest[..end].replace(',', ".").parse().ok()?;
        if amount > 1e9 {
            return None;
        }
        amounts[place] = amount;
        next = place + 1;
        rest = &rest[end + unit.len_utf8()..];
    }
    Some(amounts)
}

impl Moment {
    /// A moment in UTC.
    pub fn utc(at: Timestamp) -> Moment {
        let at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        Moment { at, offset: 0 }
    }

    /// Midnight of a day, in UTC.
    pub fn midnight(day: Date) -> Option<Moment> {
        Moment::from_civil(day.to_datetime(jiff::civil::Time::midnight()), 0)
    }

    pub(super) fn from_civil(civil: DateTime, offset: i32) -> Option<Moment> {
        let at = Offset::from_seconds(offset).ok()?.to_timestamp(civil).ok()?;
        Some(Moment { at, offset })
    }

    /// What a clock in its own offset shows.
    pub fn civil(&self) -> DateTime {
        Offset::from_seconds(self.offset).unwrap_or(Offset::UTC).to_datetime(self.at)
    }

    /// The same moment in UTC.
    #[must_use]
    pub fn to_utc(self) -> Moment {
        Moment { at: self.at, offset: 0 }
    }

    /// Seconds since 1970, with a fraction: Python's `timestamp()`.
    pub fn seconds(&self) -> f64 {
        self.at.as_microsecond() as f64 / 1e6
    }

    /// Reads a text with a format of the reference (`%Y-%m-%dT%H:%M:%S.%f%z`, `%s`, `%ms`, `%_ms`, `%s_as_float`,
    /// `%epoch_microseconds`). Without an offset it is UTC. None when the text does not fit.
    pub fn parse(text: &str, format: &str) -> Option<Moment> {
        let whole = |scale: i64| {
            let number: i64 = text.trim().replace('_', "").parse().ok()?;
            Some(Moment::utc(Timestamp::from_microsecond(number.checked_mul(scale)?).ok()?))
        };
        match format {
            "%s" => whole(1_000_000),
            "%ms" => whole(1000),
            "%epoch_microseconds" => whole(1),
            "%s_as_float" => {
                let seconds: f64 = text.trim().parse().ok()?;
                let micros = (seconds * 1e6).round();
                (micros.abs() < 9e18)
                    .then(|| Timestamp::from_microsecond(micros as i64).ok())?
                    .map(Moment::utc)
            }
            format => read::strptime(text, &format.replace("%_ms", "%f")),
        }
    }

    /// Reads what ISO 8601 allows; without an offset it is UTC.
    pub fn parse_iso(text: &str) -> Option<Moment> {
        read::iso(text)
    }

    /// Reads what people and servers write as a time: ISO 8601, RFC 2822 and its like, seconds since 1970.
    pub fn parse_any(text: &str) -> Option<Moment> {
        let text = text.trim();
        if !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && text.len() <= 10
            && text.len() != 8
            && text.len() != 4
        {
            return Moment::parse(text, "%s");
        }
        read::iso(text).or_else(|| {
            [
                "%Y-%m-%d %H:%M:%S %z",
                "%a, %d %b %Y %H:%M:%S %z",
                "%a, %d %b %Y %H:%M:%S %Z",
                "%d %b %Y %H:%M:%S %z",
                "%Y/%m/%d %H:%M:%S",
                "%Y/%m/%d",
                "%m/%d/%Y %H:%M:%S",
                "%m/%d/%Y",
                "%d %b %Y",
                "%b %d, %Y",
                "%B %d, %Y",
                "%a %b %d %H:%M:%S %Y",
            ]
            .iter()
            .find_map(|format| read::strptime(text, format))
        })
    }

    /// Prints it in its own offset, with a format of the reference.
    pub fn format(&self, format: &str) -> String {
        let micros = self.at.as_microsecond();
        match format {
            "%s" => (micros / 1_000_000).to_string(),
            "%ms" => (micros / 1000).to_string(),
            "%epoch_microseconds" => micros.to_string(),
            "%s_as_float" => super::repr::float(self.seconds()),
            format if format.contains("%_ms") => {
                let millis = format!("{:03}", micros.rem_euclid(1_000_000) / 1000);
                self.strftime(&format.replace("%_ms", &millis))
            }
            format => self.strftime(format),
        }
    }

    /// Python's `strftime`, with the flags and widths of the C library (`%-d`, `%_H`, `%10Y`).
    pub fn strftime(&self, format: &str) -> String {
        let mut out = String::with_capacity(format.len() + 8);
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            let whole = &rest[at..];
            rest = &rest[at + 1..];
            let flags_end =
                rest.find(|letter| !matches!(letter, '-' | '_' | '0' | '^' | '#')).unwrap_or(rest.len());
            let (flags, after) = rest.split_at(flags_end);
            let width_end = after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len());
            let (width, after) = after.split_at(width_end);
            let Some(directive) = after.chars().next() else {
                out.push_str(whole);
                return out;
            };
            rest = &after[directive.len_utf8()..];
            let mut text = String::new();
            if !self.directive(&mut text, directive) {
                out.push_str(&whole[..whole.len() - rest.len()]);
            } else if flags.is_empty() && width.is_empty() {
                out.push_str(&text);
            } else {
                out.push_str(&flagged(&text, flags, width.parse().unwrap_or(0)));
            }
        }
        out.push_str(rest);
        out
    }

    /// Appends what a directive stands for; false when there is none of that letter.
    fn directive(&self, out: &mut String, directive: char) -> bool {
        let civil = self.civil();
        let (date, time) = (civil.date(), civil.time());
        let hour12 = if time.hour() % 12 == 0 { 12 } else { time.hour() % 12 };
        let (weekday, iso) = (date.weekday(), date.iso_week_date());
        let sunday = i32::from(weekday.to_sunday_zero_offset());
        let monday = i32::from(weekday.to_monday_zero_offset());
        let day_of_year = i32::from(date.day_of_year());
        let composed = match directive {
            'c' => "%a %b %e %H:%M:%S %Y",
            'x' | 'D' => "%m/%d/%y",
            'X' | 'T' => "%H:%M:%S",
            'F' => "%Y-%m-%d",
            'R' => "%H:%M",
            'r' => "%I:%M:%S %p",
            _ => "",
        };
        if !composed.is_empty() {
            out.push_str(&self.strftime(composed));
            return true;
        }
        let _ = match directive {
            'Y' => write!(out, "{}", date.year()),
            'C' => write!(out, "{:02}", date.year() / 100),
            'y' => write!(out, "{:02}", date.year().rem_euclid(100)),
            'm' => write!(out, "{:02}", date.month()),
            'd' => write!(out, "{:02}", date.day()),
            'e' => write!(out, "{:2}", date.day()),
            'H' => write!(out, "{:02}", time.hour()),
            'k' => write!(out, "{:2}", time.hour()),
            'I' => write!(out, "{hour12:02}"),
            'l' => write!(out, "{hour12:2}"),
            'M' => write!(out, "{:02}", time.minute()),
            'S' => write!(out, "{:02}", time.second()),
            'f' => write!(out, "{:06}", time.subsec_nanosecond() / 1000),
            'z' => write!(out, "{}", offset_text(self.offset, "")),
            'Z' if self.offset == 0 => write!(out, "UTC"),
            'Z' => write!(out, "UTC{}", offset_text(self.offset, ":")),
            'P' => write!(out, "{}", if time.hour() < 12 { "am" } else { "pm" }),
            'p' => write!(out, "{}", if time.hour() < 12 { "AM" } else { "PM" }),
            'j' => write!(out, "{day_of_year:03}"),
            'a' => write!(out, "{}", &read::DAYS[sunday as usize][..3]),
            'A' => write!(out, "{}", read::DAYS[sunday as usize]),
            'b' | 'h' => write!(out, "{}", &read::MONTHS[date.month() as usize - 1][..3]),
            'B' => write!(out, "{}", read::MONTHS[date.month() as usize - 1]),
            'w' => write!(out, "{sunday}"),
            'u' => write!(out, "{}", monday + 1),
            'U' => write!(out, "{:02}", (day_of_year + 6 - sunday) / 7),
            'W' => write!(out, "{:02}", (day_of_year + 6 - monday) / 7),
            'G' => write!(out, "{}", iso.year()),
            'g' => write!(out, "{:02}", iso.year().rem_euclid(100)),
            'V' => write!(out, "{:02}", iso.week()),
            's' => write!(out, "{}", self.at.as_microsecond().div_euclid(1_000_000)),
            'n' => write!(out, "\n"),
            't' => write!(out, "\t"),
            '%' => write!(out, "%"),
            _ => return false,
        };
        true
    }

    /// Python's `isoformat()`, with this letter between day and time.
    pub fn iso(&self, between: char) -> String {
        let civil = self.civil();
        let micros = civil.time().subsec_nanosecond() / 1000;
        let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
        let time = civil.time();
        format!(
            "{}{between}{:02}:{:02}:{:02}{fraction}{}",
            civil.date(),
            time.hour(),
            time.minute(),
            time.second(),
            offset_text(self.offset, ":")
        )
    }

    /// Its offset from UTC, with this between hours and minutes.
    pub(super) fn offset_text(&self, colon: &str) -> String {
        offset_text(self.offset, colon)
    }

    /// This moment plus a duration; a day that the month does not have becomes its last one. None beyond the calendar.
    #[must_use]
    pub fn plus(&self, duration: Duration) -> Option<Moment> {
        let mut moment = *self;
        if duration.months != 0 {
            let civil = self.civil();
            let date = add_months(civil.date(), duration.months)?;
            moment = Moment::from_civil(date.to_datetime(civil.time()), self.offset)?;
        }
        let micros = moment.at.as_microsecond().checked_add(duration.microseconds)?;
        let at = Timestamp::from_microsecond(micros).ok()?;
        let moment = Moment { at, offset: self.offset };
        (1..=9999).contains(&moment.civil().year()).then_some(moment)
    }

    /// This moment minus a duration.
    #[must_use]
    pub fn minus(&self, duration: Duration) -> Option<Moment> {
        self.plus(Duration {
            months: duration.months.checked_neg()?,
            microseconds: duration.microseconds.checked_neg()?,
        })
    }
}

/// A day some months later; a day that the month does not have becomes its last one.
pub(super) fn add_months(date: Date, months: i64) -> Option<Date> {
    let count = (i64::from(date.year()) * 12 + i64::from(date.month()) - 1).checked_add(months)?;
    let (year, month) = (i16::try_from(count.div_euclid(12)).ok()?, (count.rem_euclid(12) + 1) as i8);
    let first = Date::new(year, month, 1).ok()?;
    Date::new(year, month, date.day().min(first.days_in_month())).ok()
}

/// Applies the flags of the C library to what a directive prints.
fn flagged(text: &str, flags: &str, width: usize) -> String {
    let digits = text.trim_start_matches([' ', '0']);
    let digits = if digits.is_empty() { "0" } else { digits };
    let numeric = digits.bytes().all(|byte| byte.is_ascii_digit());
    let (text, fill) = match flags.chars().rfind(|flag| "-_0".contains(*flag)) {
        Some('-') if numeric => return digits.to_owned(),
        Some('_') if numeric => (format!("{digits:>0$}", text.len()), ' '),
        Some('0') if numeric => (format!("{digits:0>0$}", text.len()), '0'),
        _ => (text.to_owned(), if numeric { '0' } else { ' ' }),
    };
    let text = if flags.contains('^') { text.to_uppercase() } else { text };
    let missing = width.min(1000).saturating_sub(text.chars().count());
    fill.to_string().repeat(missing) + &text
}

fn offset_text(offset: i32, colon: &str) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes, seconds) = (offset.abs() / 3600, offset.abs() / 60 % 60, offset.abs() % 60);
    let rest = if seconds == 0 { String::new() } else { format!("{colon}{seconds:02}") };
    format!("{sign}{hours:02}{colon}{minutes:02}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, format: &str) -> Option<String> {
        Moment::parse(text, format).map(|moment| moment.iso('T'))
    }

    #[test]
    fn texts_are_read_as_python_reads_them() {
        for (text, format, expected) in [
            ("2024-01-05", "%Y-%m-%d", "2024-01-05T00:00:00+00:00"),
            ("2024-1-5", "%Y-%m-%d", "2024-01-05T00:00:00+00:00"),
            ("2024-01-05T10:11:12.5+02:00", "%Y-%m-%dT%H:%M:%S.%f%z", "2024-01-05T10:11:12.500000+02:00"),
            ("2024-01-05T10:11:12Z", "%Y-%m-%dT%H:%M:%S%z", "2024-01-05T10:11:12+00:00"),
            ("2024-01-05T10:11:12Z", "%Y-%m-%dT%H:%M:%SZ", "2024-01-05T10:11:12+00:00"),
            ("20240105", "%Y%m%d", "2024-01-05T00:00:00+00:00"),
            ("1704448800", "%s", "2024-01-05T10:00:00+00:00"),
            ("1704448800123", "%ms", "2024-01-05T10:00:00.123000+00:00"),
            ("1704448800.25", "%s_as_float", "2024-01-05T10:00:00.250000+00:00"),
            ("2024-01-05T10:00:00.123Z", "%Y-%m-%dT%H:%M:%S.%_msZ", "2024-01-05T10:00:00.123000+00:00"),
            ("05 Jan 2024 03:04 PM", "%d %b %Y %I:%M %p", "2024-01-05T15:04:00+00:00"),
            ("lastmodified:[2024-01-05]", "lastmodified:[%Y-%m-%d]", "2024-01-05T00:00:00+00:00"),
        ] {
            assert_eq!(shown(text, format).as_deref(), Some(expected), "{text} {format}");
        }
        for (text, format) in [
            ("2024-13-05", "%Y-%m-%d"),
            ("2024-02-30", "%Y-%m-%d"),
            ("2024-01-05T00:00:00", "%Y-%m-%d"),
            ("24-01-05", "%Y-%m-%d"),
            ("x", "%s"),
            ("2024-01-05T10:11:12", "%Y-%m-%dT%H:%M:%S%z"),
            ("", "%Y"),
        ] {
            assert_eq!(shown(text, format), None, "{text} {format}");
        }
    }

    #[test]
    fn moments_are_printed_as_python_prints_them() {
        let moment = Moment::parse("2024-01-05T10:11:12.034567+0130", "%Y-%m-%dT%H:%M:%S.%f%z").unwrap();
        for (format, expected) in [
            ("%Y-%m-%dT%H:%M:%S.%f%z", "2024-01-05T10:11:12.034567+0130"),
            ("%s", "1704444072"),
            ("%ms", "1704444072034"),
            ("%Y-%m-%dT%H:%M:%S.%_msZ", "2024-01-05T10:11:12.034Z"),
            ("%a %A %b %B %j %U %W %w %y %I%p", "Fri Friday Jan January 005 00 01 5 24 10AM"),
            ("100%%", "100%"),
        ] {
            assert_eq!(moment.format(format), expected, "{format}");
        }
    }

    #[test]
    fn months_are_months() {
        let moment = Moment::parse("2024-03-31", "%Y-%m-%d").unwrap();
        let month = Duration::parse("P1M").unwrap();
        assert_eq!(moment.minus(month).unwrap().format("%Y-%m-%d"), "2024-02-29");
        assert_eq!(Duration::parse("P1DT0.5S").unwrap().microseconds, 86_400_500_000);
        assert_eq!(Duration::parse("-P1Y").unwrap().months, -12);
        for text in ["", "P", "1D", "PXD", "P1H", "PT1D", "P-1D"] {
            assert!(Duration::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn iso_texts() {
        for (text, expected) in [
            ("2022-01-14", "2022-01-14T00:00:00+00:00"),
            ("2022-01-01T13:45:30+00:00", "2022-01-01T13:45:30+00:00"),
            ("2022-01-01 13:45", "2022-01-01T13:45:00+00:00"),
            ("20220101T134530Z", "2022-01-01T13:45:30+00:00"),
            ("2022-01-01T13:45:30.1234567-05", "2022-01-01T13:45:30.123456-05:00"),
            ("2022", "2022-01-01T00:00:00+00:00"),
            ("2022-03", "2022-03-01T00:00:00+00:00"),
        ] {
            assert_eq!(
                Moment::parse_iso(text).map(|moment| moment.iso('T')).as_deref(),
                Some(expected),
                "{text}"
            );
        }
        for text in ["", "x", "2022-1-1", "2022-01-01T", "2022-01-01T25:00", "22-01-01"] {
            assert!(Moment::parse_iso(text).is_none(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,24}", format in "[%YmdHMSfzjabBpIyZs_ -]{0,12}") {
            let _ = (Moment::parse(&text, &format), Moment::parse_any(&text), Duration::parse(&text));
            let _ = Moment::utc(Timestamp::MAX).format(&format);
        }
    }
}
