//! Attributes and methods of Python's `datetime`, `date` and `timedelta`.

use jiff::civil::{Date, Time};

use super::datetime::{Duration, Moment};
use super::eval::Given;
use super::value::{Evaluated, Fault, Value, type_error};

const DAY: i64 = 86_400_000_000;

pub(super) fn property<'a>(value: &Value<'a>, name: &str) -> Option<Value<'a>> {
    let civil = match value {
        Value::Moment(_) if name == "tzinfo" => return Some(Value::text("UTC")),
        Value::Moment(moment) => moment.civil(),
        Value::Day(day) if matches!(name, "year" | "month" | "day") => day.to_datetime(Time::midnight()),
        Value::Duration(duration) => {
            let rest = duration.microseconds.rem_euclid(DAY);
            return Some(Value::Int(match name {
                "days" => duration.microseconds.div_euclid(DAY).into(),
                "seconds" => (rest / 1_000_000).into(),
                "microseconds" => (rest % 1_000_000).into(),
                "months" => (duration.months % 12).into(),
                "years" => (duration.months / 12).into(),
                _ => return None,
            }));
        }
        _ => return None,
    };
    Some(Value::Int(match name {
        "year" => civil.year().into(),
        "month" => civil.month().into(),
        "day" => civil.day().into(),
        "hour" => civil.hour().into(),
        "minute" => civil.minute().into(),
        "second" => civil.second().into(),
        "microsecond" => (civil.subsec_nanosecond() / 1000).into(),
        _ => return None,
    }))
}

/// A method of a `date`.
pub(super) fn call_day<'a>(day: Date, name: &str, given: &Given<'a>) -> Evaluated<'a> {
    let Some(moment) = Moment::midnight(day) else { return out_of_range() };
    match name {
        "isoformat" => Ok(Value::text(day.to_string())),
        "replace" => match replaced(&moment, given)? {
            Value::Moment(moment) => Ok(Value::Day(moment.civil().date())),
            other => Ok(other),
        },
        _ => call(&moment, name, given),
    }
}

/// A method of a `datetime`.
pub(super) fn call<'a>(moment: &Moment, name: &str, given: &Given<'a>) -> Evaluated<'a> {
    let date = moment.civil().date();
    let weekday = date.weekday();
    Ok(match name {
        "strftime" => match given.text(0, "format")? {
            Some(format) => Value::text(moment.strftime(&format)),
            None => return type_error("strftime() missing required argument 'format'"),
        },
        "isoformat" => Value::text(isoformat(moment, given)?),
        "timestamp" => Value::Float(moment.seconds()),
        "date" => Value::Day(date),
        "weekday" => Value::Int(weekday.to_monday_zero_offset().into()),
        "isoweekday" => Value::Int(weekday.to_monday_one_offset().into()),
        "isocalendar" => {
            let week = date.iso_week_date();
            let day = week.weekday().to_monday_one_offset();
            Value::Tuple(
                [week.year().into(), i64::from(week.week()), day.into()]
                    .map(|part| Value::Int(part.into()))
                    .into(),
            )
        }
        "toordinal" => {
            let first = Date::new(1, 1, 1).and_then(|first| date.since(first));
            Value::Int(first.map_or(0, |span| i128::from(span.get_days()) + 1))
        }
        "ctime" => Value::text(moment.strftime("%a %b %e %H:%M:%S %Y")),
        "tzname" => Value::text(moment.strftime("%Z")),
        "utcoffset" => {
            Value::Duration(Duration { months: 0, microseconds: i64::from(moment.offset) * 1_000_000 })
        }
        "astimezone" => Value::Moment(moment.to_utc()),
        "replace" => replaced(moment, given)?,
        _ => return type_error(format!("'datetime' has no method '{name}' here")),
    })
}

fn isoformat(moment: &Moment, given: &Given<'_>) -> Result<String, Fault> {
    let between = given.text(0, "sep")?.and_then(|text| text.chars().next()).unwrap_or('T');
    let time = match given.text(1, "timespec")?.as_deref() {
        None | Some("auto") => return Ok(moment.iso(between)),
        Some("hours") => "%H".to_owned(),
        Some("minutes") => "%H:%M".to_owned(),
        Some("seconds") => "%H:%M:%S".to_owned(),
        Some("milliseconds") => {
            format!("%H:%M:%S.{:03}", moment.at.as_microsecond().rem_euclid(1_000_000) / 1000)
        }
        Some("microseconds") => "%H:%M:%S.%f".to_owned(),
        Some(_) => return Err(Fault::Other("Unknown timespec value".to_owned())),
    };
    Ok(format!("{}{between}{}{}", moment.civil().date(), moment.strftime(&time), moment.offset_text(":")))
}

fn out_of_range<T>() -> Result<T, Fault> {
    Err(Fault::Other("a time has a part out of range".to_owned()))
}

/// Another moment with some parts of it: `replace(hour=0)`.
fn replaced<'a>(moment: &Moment, given: &Given<'a>) -> Evaluated<'a> {
    let civil = moment.civil();
    let part = |at: usize, name: &str, now: i64| -> Result<i64, Fault> {
        Ok(given.int(at, name)?.map_or(now, |value| i64::try_from(value).unwrap_or(-1)))
    };
    let year = part(0, "year", civil.year().into())?;
    let month = part(1, "month", civil.month().into())?;
    let day = part(2, "day", civil.day().into())?;
    let hour = part(3, "hour", civil.hour().into())?;
    let minute = part(4, "minute", civil.minute().into())?;
    let second = part(5, "second", civil.second().into())?;
    let micros = part(6, "microsecond", i64::from(civil.subsec_nanosecond() / 1000))?;
    let date = match (i16::try_from(year), i8::try_from(month), i8::try_from(day)) {
        (Ok(year @ 1..=9999), Ok(month), Ok(day)) => Date::new(year, month, day).ok(),
        _ => None,
    };
    let time = match (i8::try_from(hour), i8::try_from(minute), i8::try_from(second), i32::try_from(micros)) {
        (Ok(hour), Ok(minute), Ok(second), Ok(micros @ 0..=999_999)) => {
            Time::new(hour, minute, second, micros * 1000).ok()
        }
        _ => None,
    };
    let (Some(date), Some(time)) = (date, time) else { return out_of_range() };
    Moment::from_civil(date.to_datetime(time), moment.offset)
        .map_or_else(out_of_range, |moment| Ok(Value::Moment(moment)))
}
