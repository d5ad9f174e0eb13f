//! Python's operators.

use super::compile::{Binary, Relation};
use super::datetime::{Duration, Moment};
use super::eval::BYTES_MAX;
use super::value::{Evaluated, Fault, Number, Value, type_error, undefined};
use super::{format, repr};

fn out_of_range<T>() -> Result<T, Fault> {
    Err(Fault::Other("a result is out of range".to_owned()))
}

fn unsupported<'a>(sign: &str, left: &Value<'a>, right: &Value<'a>) -> Evaluated<'a> {
    if matches!(left, Value::Undefined) || matches!(right, Value::Undefined) {
        return undefined();
    }
    type_error(format!(
        "unsupported operand type(s) for {sign}: '{}' and '{}'",
        left.type_name(),
        right.type_name()
    ))
}

pub(super) fn negative<'a>(value: &Value<'a>) -> Evaluated<'a> {
    match (value, value.number()) {
        (_, Some(Number::Int(number))) => number.checked_neg().map(Value::Int).map_or_else(out_of_range, Ok),
        (_, Some(Number::Float(number))) => Ok(Value::Float(-number)),
        (Value::Duration(duration), _) => {
            Ok(Value::Duration(Duration { months: -duration.months, microseconds: -duration.microseconds }))
        }
        (Value::Undefined, _) => undefined(),
        _ => type_error(format!("bad operand type for unary -: '{}'", value.type_name())),
    }
}

pub(super) fn holds<'a>(relation: Relation, left: &Value<'a>, right: &Value<'a>) -> Result<bool, Fault> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    Ok(match relation {
        Relation::Eq => left.equals(right),
        Relation::Ne => !left.equals(right),
        Relation::In => contains(right, left)?,
        Relation::NotIn => !contains(right, left)?,
        Relation::Lt => left.compare(right)? == Some(Less),
        Relation::Gt => left.compare(right)? == Some(Greater),
        Relation::Lte => matches!(left.compare(right)?, Some(Less | Equal)),
        Relation::Gte => matches!(left.compare(right)?, Some(Greater | Equal)),
    })
}

/// Python's `item in container`.
pub(super) fn contains<'a>(container: &Value<'a>, item: &Value<'a>) -> Result<bool, Fault> {
    match (container, item) {
        (Value::Str(text), Value::Str(part)) => Ok(text.contains(part.as_ref())),
        (Value::Str(_), Value::Undefined) => undefined(),
        (Value::Str(_), other) => {
            type_error(format!("'in <string>' requires string as left operand, not {}", other.type_name()))
        }
        (Value::JsonDict(_) | Value::Dict(_), key) => Ok(container.lookup(key).is_some()),
        (Value::JsonList(items), item) => Ok(items.iter().any(|known| Value::from(known).equals(item))),
        (Value::Undefined, _) => Ok(false),
        _ => Ok(container.items()?.iter().any(|known| known.equals(item))),
    }
}

pub(super) fn binary<'a>(operator: Binary, left: &Value<'a>, right: &Value<'a>) -> Evaluated<'a> {
    if operator == Binary::Concat {
        let mut text = repr::text(left).into_owned();
        repr::write_text(&mut text, right);
        return bounded(text);
    }
    if let (Some(left), Some(right)) = (left.number(), right.number()) {
        return arithmetic(operator, left, right);
    }
    match operator {
        Binary::Add => add(left, right),
        Binary::Sub => subtract(left, right),
        Binary::Mul => multiply(left, right),
        Binary::Rem => match left {
            Value::Str(format) => format::percent(format, right),
            _ => divide(operator, left, right),
        },
        Binary::Div | Binary::FloorDiv => divide(operator, left, right),
        Binary::Pow | Binary::Concat => unsupported("**", left, right),
    }
}

fn bounded<'a>(text: String) -> Evaluated<'a> {
    if text.len() > BYTES_MAX {
        return Err(Fault::Other("a template made a text of more than 64 MB".to_owned()));
    }
    Ok(Value::text(text))
}

fn arithmetic<'a>(operator: Binary, left: Number, right: Number) -> Evaluated<'a> {
    let zero = match right {
        Number::Int(value) => value == 0,
        Number::Float(value) => value == 0.0,
    };
    if zero && matches!(operator, Binary::Div | Binary::FloorDiv | Binary::Rem) {
        return Err(Fault::Other("division by zero".to_owned()));
    }
    if let (Number::Int(left), Number::Int(right)) = (left, right) {
        let exact = match operator {
            Binary::Add => left.checked_add(right),
            Binary::Sub => left.checked_sub(right),
            Binary::Mul => left.checked_mul(right),
            Binary::FloorDiv => Some(floor_div(left, right)),
            Binary::Rem => Some(left.wrapping_sub(floor_div(left, right).wrapping_mul(right))),
            Binary::Pow if right >= 0 => u32::try_from(right).ok().and_then(|right| left.checked_pow(right)),
            _ => return Ok(Value::Float(float_arithmetic(operator, left as f64, right as f64))),
        };
        return exact.map(Value::Int).map_or_else(out_of_range, Ok);
    }
    Ok(Value::Float(float_arithmetic(operator, left.float(), right.float())))
}

fn floor_div(left: i128, right: i128) -> i128 {
    let quotient = left.wrapping_div(right);
    if left.wrapping_rem(right) != 0 && (left < 0) != (right < 0) { quotient - 1 } else { quotient }
}

fn float_arithmetic(operator: Binary, left: f64, right: f64) -> f64 {
    match operator {
        Binary::Add => left + right,
        Binary::Sub => left - right,
        Binary::Mul => left * right,
        Binary::Div => left / right,
        Binary::FloorDiv => (left / right).floor(),
        Binary::Rem => left - right * (left / right).floor(),
        Binary::Pow => left.powf(right),
        Binary::Concat => f64::NAN,
    }
}

fn add<'a>(left: &Value<'a>, right: &Value<'a>) -> Evaluated<'a> {
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => bounded(format!("{left}{right}")),
        (Value::JsonList(_) | Value::List(_), Value::JsonList(_) | Value::List(_)) => {
            let mut items = left.items()?;
            items.extend(right.items()?);
            Ok(Value::list(items))
        }
        (Value::Tuple(left), Value::Tuple(right)) => {
            Ok(Value::Tuple(left.iter().chain(right.iter()).cloned().collect()))
        }
        (Value::Moment(moment), Value::Duration(duration))
        | (Value::Duration(duration), Value::Moment(moment)) => shifted(moment, *duration),
        (Value::Day(day), Value::Duration(duration)) | (Value::Duration(duration), Value::Day(day)) => {
            shifted_day(*day, *duration)
        }
        (Value::Duration(left), Value::Duration(right)) => Ok(Value::Duration(Duration {
            months: left.months.saturating_add(right.months),
            microseconds: left.microseconds.saturating_add(right.microseconds),
        })),
        _ => unsupported("+", left, right),
    }
}

fn subtract<'a>(left: &Value<'a>, right: &Value<'a>) -> Evaluated<'a> {
    match (left, right) {
        (Value::Moment(left), Value::Moment(right)) => Ok(Value::Duration(Duration {
            months: 0,
            microseconds: left.at.as_microsecond().saturating_sub(right.at.as_microsecond()),
        })),
        (Value::Day(left), Value::Day(right)) => {
            let days = left.since(*right).map(|span| i64::from(span.get_days()));
            let Ok(days) = days else { return out_of_range() };
            Ok(Value::Duration(Duration { months: 0, microseconds: days.saturating_mul(86_400_000_000) }))
        }
        // The day loses whole days: five hours less is the same day.
        (Value::Day(day), Value::Duration(duration)) => shifted_day(
            *day,
            Duration {
                months: duration.months.saturating_neg(),
                microseconds: whole_days(duration.microseconds).saturating_neg(),
            },
        ),
        (_, Value::Duration(_)) => add(left, &negative(right)?),
        _ => unsupported("-", left, right),
    }
}

fn shifted<'a>(moment: &Moment, duration: Duration) -> Evaluated<'a> {
    moment.plus(duration).map(Value::Moment).map_or_else(out_of_range, Ok)
}

fn whole_days(microseconds: i64) -> i64 {
    microseconds.div_euclid(86_400_000_000).saturating_mul(86_400_000_000)
}

/// A day knows no hours: what is less than a day falls away.
fn shifted_day<'a>(day: jiff::civil::Date, duration: Duration) -> Evaluated<'a> {
    let whole = Duration { months: duration.months, microseconds: whole_days(duration.microseconds) };
    let moved = Moment::midnight(day).and_then(|moment| moment.plus(whole));
    moved.map(|moment| Value::Day(moment.civil().date())).map_or_else(out_of_range, Ok)
}

fn multiply<'a>(left: &Value<'a>, right: &Value<'a>) -> Evaluated<'a> {
    let (repeated, count) = match (left.number(), right.number()) {
        (None, Some(Number::Int(count))) => (left, count),
        (Some(Number::Int(count)), None) => (right, count),
        (None, Some(Number::Float(by))) => return scaled("*", left, right, by),
        (Some(Number::Float(by)), None) => return scaled("*", right, left, by),
        _ => return unsupported("*", left, right),
    };
    if let Value::Duration(duration) = repeated {
        let times = |amount: i64| i64::try_from(i128::from(amount).saturating_mul(count)).ok();
        let (Some(months), Some(microseconds)) = (times(duration.months), times(duration.microseconds))
        else {
            return out_of_range();
        };
        return Ok(Value::Duration(Duration { months, microseconds }));
    }
    let count = usize::try_from(count).unwrap_or(0);
    let size = match repeated {
        Value::Str(text) => text.len(),
        Value::JsonList(_) | Value::List(_) | Value::Tuple(_) => repeated.len()?.saturating_mul(32),
        _ => return unsupported("*", left, right),
    };
    if size.saturating_mul(count) > BYTES_MAX {
        return Err(Fault::Other("a template made a value of more than 64 MB".to_owned()));
    }
    if let Value::Str(text) = repeated {
        return Ok(Value::text(text.repeat(count)));
    }
    let items = repeated.items()?;
    let all: Vec<_> = (0..count).flat_map(|_| items.iter().cloned()).collect();
    Ok(if matches!(repeated, Value::Tuple(_)) { Value::Tuple(all.into()) } else { Value::list(all) })
}

/// A duration so many times, to the nearest microsecond.
fn scaled<'a>(sign: &str, duration: &Value<'a>, other: &Value<'a>, by: f64) -> Evaluated<'a> {
    match duration {
        Value::Duration(Duration { months: 0, microseconds }) => {
            let product = (*microseconds as f64 * by).round_ties_even();
            if !product.is_finite() || product.abs() > 9e18 {
                return out_of_range();
            }
            Ok(Value::Duration(Duration { months: 0, microseconds: product as i64 }))
        }
        _ => unsupported(sign, duration, other),
    }
}

/// `/`, `//` and `%` of durations.
fn divide<'a>(operator: Binary, left: &Value<'a>, right: &Value<'a>) -> Evaluated<'a> {
    let sign = match operator {
        Binary::Div => "/",
        Binary::FloorDiv => "//",
        _ => "%",
    };
    let Value::Duration(Duration { months: 0, microseconds }) = left else {
        return unsupported(sign, left, right);
    };
    let by = match (right, right.number()) {
        (Value::Duration(Duration { months: 0, microseconds }), _) => Number::Int((*microseconds).into()),
        (_, Some(number)) if operator != Binary::Rem => number,
        _ => return unsupported(sign, left, right),
    };
    let quotient = arithmetic(operator, Number::Int((*microseconds).into()), by)?;
    // A duration by a duration is a number, except for the rest.
    if matches!(right, Value::Duration(_)) && operator != Binary::Rem {
        return Ok(quotient);
    }
    match quotient.number() {
        Some(Number::Int(micros)) => {
            let micros = i64::try_from(micros)
                .map(|microseconds| Value::Duration(Duration { months: 0, microseconds }));
            micros.map_or_else(|_| out_of_range(), Ok)
        }
        _ => scaled(sign, left, right, 1.0 / by.float()),
    }
}

/// Python's `value[start:stop:step]`.
pub(super) fn slice<'a>(value: &Value<'a>, bounds: [Option<Value<'a>>; 3]) -> Evaluated<'a> {
    if matches!(value, Value::Undefined) {
        return undefined();
    }
    let mut numbers = [None; 3];
    for (bound, number) in bounds.iter().zip(&mut numbers) {
        *number = match bound {
            None => None,
            Some(Value::Int(bound)) => Some(*bound),
            Some(Value::Bool(bound)) => Some((*bound).into()),
            Some(_) => return type_error("slice indices must be integers or None"),
        };
    }
    if !matches!(value, Value::Str(_) | Value::JsonList(_) | Value::List(_) | Value::Tuple(_)) {
        return type_error(format!("'{}' object is not subscriptable", value.type_name()));
    }
    let items = value.items()?;
    let step = numbers[2].unwrap_or(1);
    if step == 0 {
        return Err(Fault::Other("slice step cannot be zero".to_owned()));
    }
    let length = items.len() as i128;
    let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let bound = |bound: Option<i128>, otherwise: i128| match bound {
        None => otherwise,
        Some(at) if at < 0 => at.saturating_add(length).max(lowest),
        Some(at) => at.min(highest),
    };
    let (start, stop) = if step > 0 { (0, length) } else { (length - 1, -1) };
    let (mut at, stop) = (bound(numbers[0], start), bound(numbers[1], stop));
    let mut chosen = Vec::new();
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        if let Some(item) = usize::try_from(at).ok().and_then(|at| items.get(at)) {
            chosen.push(item.clone());
        }
        at = at.saturating_add(step);
    }
    Ok(match value {
        Value::Str(_) => {
            Value::text(chosen.iter().map(|letter| repr::text(letter).into_owned()).collect::<String>())
        }
        Value::Tuple(_) => Value::Tuple(chosen.into()),
        _ => Value::list(chosen),
    })
}
