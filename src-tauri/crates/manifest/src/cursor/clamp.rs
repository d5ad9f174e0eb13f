//! Windows that begin and end with a day, a week or a month.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::Offset;
use syncline_protocol::{Error, ErrorKind, Result};

use crate::expression::datetime::{Duration, Moment};

/// The period whose borders windows are moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clamping {
    Day,
    Week(Weekday),
    Month,
}

impl Clamping {
    /// From the name of the period, and for a week the day it begins with.
    pub(crate) fn parse(target: &str, weekday: Option<&str>) -> Result<Clamping> {
        match (target, weekday) {
            ("DAY", _) => Ok(Clamping::Day),
            ("MONTH", _) => Ok(Clamping::Month),
            ("WEEK", Some(day)) => Ok(Clamping::Week(weekday_named(day)?)),
            ("WEEK", None) => Err(invalid("clamping to weeks needs `target_details` with a `weekday`")),
            _ => Err(invalid("the `target` of clamping must be DAY, WEEK or MONTH")),
        }
    }

    /// The next border, or the moment's own day when it is one. None beyond the calendar.
    pub(crate) fn up(self, moment: Moment) -> Option<Moment> {
        let civil = moment.civil();
        let date = civil.date();
        let date = match self {
            Clamping::Day if civil.time() == Time::midnight() => date,
            Clamping::Day => date.tomorrow().ok()?,
            Clamping::Week(first) => shift(date, days_until(date, first))?,
            Clamping::Month if date.day() == 1 => date,
            Clamping::Month => date.last_of_month().tomorrow().ok()?,
        };
        midnight(date, moment.offset)
    }

    /// The border before, or the moment's own day when it is one.
    pub(crate) fn down(self, moment: Moment) -> Option<Moment> {
        let date = moment.civil().date();
        let date = match self {
            Clamping::Day => date,
            Clamping::Week(first) => match days_until(date, first) {
                0 => date,
                days => shift(date, days - 7)?,
            },
            Clamping::Month => date.first_of_month(),
        };
        midnight(date, moment.offset)
    }

    /// How long before a border the period before it ends, when the cursor has no granularity.
    pub(crate) fn gap(self) -> Duration {
        const SECOND: i64 = 1_000_000;
        let microseconds = if self == Clamping::Day { SECOND } else { 86_400 * SECOND };
        Duration { months: 0, microseconds }
    }
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::Config, format!("The connector's manifest is not valid: {what}."))
}

fn weekday_named(name: &str) -> Result<Weekday> {
    Ok(match name {
        "MONDAY" => Weekday::Monday,
        "TUESDAY" => Weekday::Tuesday,
        "WEDNESDAY" => Weekday::Wednesday,
        "THURSDAY" => Weekday::Thursday,
        "FRIDAY" => Weekday::Friday,
        "SATURDAY" => Weekday::Saturday,
        "SUNDAY" => Weekday::Sunday,
        _ => return Err(invalid("the `weekday` of clamping must be a day of the week like MONDAY")),
    })
}

fn days_until(date: Date, weekday: Weekday) -> i64 {
    i64::from(weekday.to_monday_zero_offset() - date.weekday().to_monday_zero_offset()).rem_euclid(7)
}

fn shift(date: Date, days: i64) -> Option<Date> {
    date.checked_add(jiff::Span::new().days(days)).ok()
}

fn midnight(date: Date, offset: i32) -> Option<Moment> {
    let at = Offset::from_seconds(offset).ok()?.to_timestamp(date.to_datetime(Time::midnight())).ok()?;
    Some(Moment { at, offset })
}
