//! From text to a moment: `strptime`, ISO 8601.

use jiff::civil::{Date, ISOWeekDate, Time, Weekday};

use super::Moment;

pub(super) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// What a text says so far.
#[derive(Clone, Default)]
struct Fields {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    hour12: Option<i64>,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    micros: i64,
    offset: i32,
}

/// Python's `strptime`: numbers take as many digits as they can and still let the rest fit.
pub(super) fn strptime(text: &str, format: &str) -> Option<Moment> {
    if !text.is_ascii() && text.len() > 4096 {
        return None;
    }
    let mut fields = Fields::default();
    // Each directive can try a few lengths; the bound keeps a hostile format from trying them all.
    let mut tries = 10_000;
    matches(text, format, &mut fields, &mut tries)?.moment()
}

fn matches(text: &str, format: &str, fields: &mut Fields, tries: &mut u32) -> Option<Fields> {
    *tries = tries.checked_sub(1)?;
    let mut wanted = format.chars();
    let Some(letter) = wanted.next() else { return text.is_empty().then(|| fields.clone()) };
    if letter.is_whitespace() {
        let rest = text.trim_start();
        return (rest.len() < text.len())
            .then(|| matches(rest, wanted.as_str().trim_start(), fields, tries))?;
    }
    if letter != '%' {
        let found = text.chars().next()?;
        let same = found == letter || found.to_lowercase().eq(letter.to_lowercase());
        return same.then(|| matches(&text[found.len_utf8()..], wanted.as_str(), fields, tries))?;
    }
    let directive = wanted.next()?;
    let rest = wanted.as_str();
    let composed = match directive {
        'T' | 'X' => "%H:%M:%S",
        'D' | 'x' => "%m/%d/%y",
        'F' => "%Y-%m-%d",
        'R' => "%H:%M",
        'c' => "%a %b %d %H:%M:%S %Y",
        _ => "",
    };
    if !composed.is_empty() {
        return matches(text, &format!("{composed}{rest}"), fields, tries);
    }
    for (length, set) in candidates(text, directive)? {
        let mut next = fields.clone();
        set(&mut next);
        if let Some(found) = matches(&text[length..], rest, &mut next, tries) {
            return Some(found);
        }
    }
    None
}

type Candidate<'t> = (usize, Box<dyn Fn(&mut Fields) + 't>);

/// The ways in which a directive can match the beginning of a text, the longest first.
fn candidates(text: &str, directive: char) -> Option<Vec<Candidate<'_>>> {
    let numbers = |digits: std::ops::RangeInclusive<usize>,
                   range: std::ops::RangeInclusive<i64>,
                   put: fn(&mut Fields, i64)| {
        let mut found: Vec<Candidate<'_>> = Vec::new();
        for length in digits.rev() {
            let Some(token) =
                text.get(..length).filter(|token| token.bytes().all(|byte| byte.is_ascii_digit()))
            else {
                continue;
            };
            if let Ok(number) = token.parse::<i64>()
                && range.contains(&number)
            {
                found.push((length, Box::new(move |fields| put(fields, number))));
            }
        }
        found
    };
    let names =
        |names: &'static [&'static str], short: bool, put: fn(&mut Fields, i64)| -> Vec<Candidate<'_>> {
            let found = names.iter().enumerate().filter_map(|(at, name)| {
                let name = if short { &name[..3] } else { *name };
                let matched = text.get(..name.len())?.eq_ignore_ascii_case(name);
                let set: Box<dyn Fn(&mut Fields)> = Box::new(move |fields| put(fields, at as i64));
                matched.then_some((name.len(), set))
            });
            found.collect()
        };
    Some(match directive {
        'Y' => numbers(4..=4, 1..=9999, |fields, year| fields.year = Some(year)),
        'y' => numbers(2..=2, 0..=99, |fields, year| {
            fields.year = Some(if year < 69 { 2000 + year } else { 1900 + year })
        }),
        'm' => numbers(1..=2, 1..=12, |fields, month| fields.month = Some(month)),
        'd' | 'e' => numbers(1..=2, 1..=31, |fields, day| fields.day = Some(day)),
        'H' => numbers(1..=2, 0..=23, |fields, hour| fields.hour = hour),
        'I' => numbers(1..=2, 1..=12, |fields, hour| fields.hour12 = Some(hour)),
        'M' => numbers(1..=2, 0..=59, |fields, minute| fields.minute = minute),
        'S' => numbers(1..=2, 0..=61, |fields, second| fields.second = second),
        'j' => numbers(1..=3, 1..=366, |fields, day| fields.day_of_year = Some(day)),
        'u' | 'w' => numbers(1..=1, 0..=7, |_, _| {}),
        'f' => {
            let mut found = numbers(1..=6, 0..=999_999, |_, _| {});
            for (length, set) in &mut found {
                let number: i64 = text[..*length].parse().ok()?;
                let micros = number * 10_i64.pow(6 - *length as u32);
                *set = Box::new(move |fields| fields.micros = micros);
            }
            found
        }
        'b' | 'h' => names(&MONTHS, true, |fields, month| fields.month = Some(month + 1)),
        'B' => names(&MONTHS, false, |fields, month| fields.month = Some(month + 1)),
        'a' => names(&DAYS, true, |_, _| {}),
        'A' => names(&DAYS, false, |_, _| {}),
        'p' => names(&["AM", "PM"], false, |fields, afternoon| fields.afternoon = Some(afternoon == 1)),
        'Z' => names(&["UTC", "GMT"], false, |_, _| {}),
        'z' => {
            let (length, offset) = offset(text)?;
            vec![(length, Box::new(move |fields: &mut Fields| fields.offset = offset))]
        }
        '%' => text.starts_with('%').then(|| -> Vec<Candidate<'_>> { vec![(1, Box::new(|_| {}))] })?,
        _ => return None,
    })
}

/// `Z`, `+02:00`, `-0530`, `+01:02:03` at the beginning: how long it is, and seconds east of UTC.
fn offset(text: &str) -> Option<(usize, i32)> {
    if text.starts_with('Z') {
        return Some((1, 0));
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let two = |at: usize| {
        let token = text.get(at..at + 2).filter(|token| token.bytes().all(|byte| byte.is_ascii_digit()))?;
        token.parse::<i32>().ok()
    };
    let hours = two(1)?;
    let colon = usize::from(text.as_bytes().get(3) == Some(&b':'));
    let minutes = two(3 + colon).filter(|minutes| *minutes < 60)?;
    let mut length = 5 + colon;
    let mut seconds = 0;
    let more = length + colon;
    if (colon == 0 || text.as_bytes().get(length) == Some(&b':'))
        && let Some(found) = two(more).filter(|seconds| *seconds < 60)
    {
        seconds = found;
        length = more + 2;
    }
    let all = hours * 3600 + minutes * 60 + seconds;
    (all < 86_400).then_some((length, sign * all))
}

/// The day of this number in a year.
fn day_of_year(year: i16, day: i64) -> Option<Date> {
    let first = Date::new(year, 1, 1).ok()?;
    let within = (1..=i64::from(first.days_in_year())).contains(&day);
    within.then(|| first.checked_add(jiff::Span::new().days(day - 1)).ok())?
}

impl Fields {
    fn moment(&self) -> Option<Moment> {
        let year = i16::try_from(self.year.unwrap_or(1900)).ok()?;
        let date = match (self.day_of_year, self.month.or(self.day)) {
            (Some(day), None) => day_of_year(year, day)?,
            _ => Date::new(year, self.month.unwrap_or(1) as i8, self.day.unwrap_or(1) as i8).ok()?,
        };
        let hour = match (self.hour12, self.afternoon) {
            (Some(hour), Some(true)) => hour % 12 + 12,
            (Some(hour), _) => hour % 12,
            (None, _) => self.hour,
        };
        // A leap second is the last one that Python knows.
        let time =
            Time::new(hour as i8, self.minute as i8, self.second.min(59) as i8, self.micros as i32 * 1000)
                .ok()?;
        Moment::from_civil(date.to_datetime(time), self.offset)
    }
}

/// ISO 8601 as `dateutil` reads it: `2022`, `2022-03`, `2022-03-04`, `20220304`, then any letter and a time.
pub(super) fn iso(text: &str) -> Option<Moment> {
    if !text.is_ascii() {
        return None;
    }
    let digits = |from: usize, count: usize| {
        let token =
            text.get(from..from + count).filter(|token| token.bytes().all(|byte| byte.is_ascii_digit()))?;
        token.parse::<i64>().ok()
    };
    let byte = |at: usize| text.as_bytes().get(at).copied();
    let mut fields = Fields { year: Some(digits(0, 4)?), ..Fields::default() };
    let dash = usize::from(byte(4) == Some(b'-'));
    let day_end = if byte(4 + dash) == Some(b'W') {
        let at = 5 + dash;
        let week = i8::try_from(digits(at, 2)?).ok()?;
        let (weekday, end) = match (byte(at + 2), digits(at + 2 + dash, 1)) {
            (Some(b'-'), Some(day)) if dash == 1 => (day, at + 4),
            (Some(b'0'..=b'9'), Some(day)) if dash == 0 => (day, at + 3),
            _ => (1, at + 2),
        };
        let weekday = Weekday::from_monday_one_offset(i8::try_from(weekday).ok()?).ok()?;
        let year = i16::try_from(fields.year?).ok()?;
        let date = ISOWeekDate::new(year, week, weekday).ok()?.date();
        fields.year = Some(date.year().into());
        (fields.month, fields.day) = (Some(date.month().into()), Some(date.day().into()));
        end
    } else if let (Some(day), true) =
        (digits(4 + dash, 3), !byte(7 + dash).is_some_and(|next| next.is_ascii_digit()))
    {
        // The day of the year: `2024-065`.
        let date = day_of_year(i16::try_from(fields.year?).ok()?, day)?;
        (fields.month, fields.day) = (Some(date.month().into()), Some(date.day().into()));
        7 + dash
    } else if dash == 1 {
        fields.month = Some(digits(5, 2)?);
        if byte(7) == Some(b'-') {
            fields.day = Some(digits(8, 2)?);
            10
        } else {
            7
        }
    } else if let (Some(month), Some(day)) = (digits(4, 2), digits(6, 2)) {
        (fields.month, fields.day) = (Some(month), Some(day));
        8
    } else {
        4
    };
    if day_end == text.len() {
        return fields.moment();
    }
    fields.day?;
    if byte(day_end)?.is_ascii_digit() {
        return None;
    }
    let time = &text[day_end + 1..];
    let zone = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    clock(&time[..zone], &mut fields)?;
    let zone = &time[zone..];
    fields.offset = match zone {
        "" | "Z" | "z" => 0,
        zone if zone.len() == 3 => offset(&format!("{zone}00"))?.1,
        zone => offset(zone).filter(|(length, _)| *length == zone.len())?.1,
    };
    if fields.hour == 24 {
        if (fields.minute, fields.second, fields.micros) != (0, 0, 0) {
            return None;
        }
        fields.hour = 0;
        return fields.moment()?.plus(super::Duration { months: 0, microseconds: 86_400_000_000 });
    }
    fields.moment()
}

/// `13:45:30.123`, `1345`, `13`.
fn clock(text: &str, fields: &mut Fields) -> Option<()> {
    let (whole, fraction) = match text.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let parts: Vec<&str> = if whole.contains(':') {
        whole.split(':').collect()
    } else {
        (0..whole.len()).step_by(2).map(|at| whole.get(at..at + 2).unwrap_or_default()).collect()
    };
    if parts.is_empty() || parts.len() > 3 {
        return None;
    }
    let mut numbers = parts.iter().map(|part| {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<i64>().ok())?
    });
    fields.hour = numbers.next()??;
    fields.minute = numbers.next().map_or(Some(0), |minute| minute)?;
    fields.second = numbers.next().map_or(Some(0), |second| second)?;
    if let Some(fraction) = fraction {
        if parts.len() < 3 || fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let six: String = fraction.chars().chain("000000".chars()).take(6).collect();
        fields.micros = six.parse().ok()?;
    }
    (fields.minute < 60 && fields.second < 60 && fields.hour <= 24).then_some(())
}
