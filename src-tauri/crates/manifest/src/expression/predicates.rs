//! Jinja's tests: `value is none`.

use super::eval::Given;
use super::value::{Fault, Number, Value, type_error};
use super::{filters, operators, repr};

/// Names of tests, between spaces.
const TESTS: &str = " boolean callable defined divisibleby eq equalto == escaped even false filter float ge >= greaterthan \
    gt > in integer iterable le <= lessthan lt < lower mapping ne != none number odd sameas sequence string test true \
    undefined upper ";

pub(super) fn known_test(name: &str) -> bool {
    !name.contains(' ') && TESTS.contains(&format!(" {name} "))
}

pub(super) fn test<'a>(name: &str, value: &Value<'a>, given: &Given<'a>) -> Result<bool, Fault> {
    use super::compile::Relation;
    let relation = |relation| {
        let other =
            given.by_place.first().map_or_else(|| type_error("a test needs a value to compare with"), Ok)?;
        operators::holds(relation, value, other)
    };
    let remainder = |by: i128| match value.number() {
        _ if by == 0 => Err(Fault::Other("division by zero".to_owned())),
        Some(Number::Int(number)) => Ok(number.checked_rem_euclid(by).unwrap_or(0) as f64),
        Some(Number::Float(number)) => Ok(number.rem_euclid(by as f64)),
        None => type_error("a number is needed"),
    };
    let text = || repr::text(value);
    let cased =
        |test: fn(char) -> bool, not: fn(char) -> bool| text().chars().any(test) && !text().chars().any(not);
    Ok(match name {
        "defined" => !matches!(value, Value::Undefined),
        "undefined" => matches!(value, Value::Undefined),
        "none" => matches!(value, Value::None),
        "true" => matches!(value, Value::Bool(true)),
        "false" => matches!(value, Value::Bool(false)),
        "boolean" => matches!(value, Value::Bool(_)),
        "integer" => matches!(value, Value::Int(_)),
        "float" => matches!(value, Value::Float(_)),
        "number" => value.number().is_some(),
        "string" => matches!(value, Value::Str(_)),
        "mapping" => matches!(value, Value::JsonDict(_) | Value::Dict(_)),
        "sequence" => value.len().is_ok(),
        "iterable" => value.items().is_ok(),
        "callable" => matches!(value, Value::Method(_) | Value::Macro(_)),
        "lower" => cased(char::is_lowercase, char::is_uppercase),
        "upper" => cased(char::is_uppercase, char::is_lowercase),
        "even" => remainder(2)? == 0.0,
        "odd" => remainder(2)? == 1.0,
        "divisibleby" => remainder(given.int(0, "num")?.unwrap_or(0))? == 0.0,
        // Small numbers and texts are the same object when they are equal, and of the same type.
        "sameas" => {
            let same_type =
                given.by_place.first().is_some_and(|other| other.type_name() == value.type_name());
            same_type && relation(Relation::Eq)?
        }
        "eq" | "equalto" | "==" => relation(Relation::Eq)?,
        "ne" | "!=" => relation(Relation::Ne)?,
        "lt" | "lessthan" | "<" => relation(Relation::Lt)?,
        "le" | "<=" => relation(Relation::Lte)?,
        "gt" | "greaterthan" | ">" => relation(Relation::Gt)?,
        "ge" | ">=" => relation(Relation::Gte)?,
        "in" => relation(Relation::In)?,
        "filter" => filters::known(&text()),
        "test" => known_test(&text()),
        // Nothing is escaped here: what is rendered is no HTML.
        "escaped" => false,
        _ => return Err(Fault::Other(format!("No test named '{name}'."))),
    })
}
