//! Values as Python has them, borrowed from JSON where they can be.

use std::borrow::Cow;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

use super::datetime::{Duration, Moment};
use super::macros::Closure;
use crate::{Json, Map};

/// Lists in lists that a template made, at most.
const DEPTH_MAX: usize = 100;

/// A text that is taken apart into its letters is not longer.
const LETTERS_MAX: usize = 1 << 20;

/// A list that a template made; Python's lists can be changed by who holds them.
pub(super) type Shared<T> = Rc<RefCell<Vec<T>>>;

/// A value while a template is evaluated.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Undefined,
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Cow<'a, str>),
    JsonList(&'a [Json]),
    List(Shared<Value<'a>>),
    Tuple(Rc<[Value<'a>]>),
    JsonDict(&'a Map),
    Dict(Shared<(Value<'a>, Value<'a>)>),
    /// A dict whose fields are reached as attributes, and can be given values inside of loops.
    Namespace(Shared<(Value<'a>, Value<'a>)>),
    Moment(Moment),
    /// A day: days since 0001-01-01 are not needed, only what it prints and compares to.
    Day(jiff::civil::Date),
    Duration(Duration),
    /// A method that has not been called yet.
    Method(Rc<(Value<'a>, Cow<'a, str>)>),
    Macro(Rc<Closure<'a>>),
}

/// Why an evaluation ended. The reference treats each in its own way.
#[derive(Debug)]
pub(super) enum Fault {
    /// Python's `TypeError`: the text of the template is taken as it is.
    Type(String),
    /// Something was asked of an undefined value: the default is taken.
    Undefined(String),
    /// Anything else is an error of the manifest or its data.
    Other(String),
}

pub(super) type Evaluated<'a> = Result<Value<'a>, Fault>;

pub(super) fn type_error<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Type(what.into()))
}

pub(super) fn undefined<T>() -> Result<T, Fault> {
    Err(Fault::Undefined("a value that is not there is used".to_owned()))
}

impl<'a> From<&'a Json> for Value<'a> {
    fn from(json: &'a Json) -> Self {
        match json {
            Json::Null => Value::None,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Value::Int(value.into()),
                (_, Some(value)) => Value::Int(value.into()),
                _ => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::Str(Cow::Borrowed(text)),
            Json::Array(items) => Value::JsonList(items),
            Json::Object(fields) => Value::JsonDict(fields),
        }
    }
}

impl<'a> Value<'a> {
    pub(super) fn text(text: impl Into<String>) -> Value<'a> {
        Value::Str(Cow::Owned(text.into()))
    }

    pub(super) fn list(items: Vec<Value<'a>>) -> Value<'a> {
        Value::List(Rc::new(RefCell::new(items)))
    }

    pub(super) fn dict(fields: Vec<(Value<'a>, Value<'a>)>) -> Value<'a> {
        Value::Dict(Rc::new(RefCell::new(fields)))
    }

    /// A copy that shares nothing with this value. What lists and dicts take in is copied: so no list comes to hold
    /// itself, and none grows deeper than what can be printed.
    pub(super) fn detached(&self) -> Evaluated<'a> {
        self.copied(0)
    }

    fn copied(&self, depth: usize) -> Evaluated<'a> {
        if depth > DEPTH_MAX {
            return Err(Fault::Other("a value is nested too deep".to_owned()));
        }
        Ok(match self {
            Value::List(items) => Value::list(
                items.borrow().iter().map(|item| item.copied(depth + 1)).collect::<Result<_, _>>()?,
            ),
            Value::Tuple(items) => {
                Value::Tuple(items.iter().map(|item| item.copied(depth + 1)).collect::<Result<_, _>>()?)
            }
            Value::Namespace(fields) => return Value::Dict(Rc::clone(fields)).copied(depth),
            Value::Dict(fields) => {
                let field = |(key, value): &(Value<'a>, Value<'a>)| {
                    Ok((key.copied(depth + 1)?, value.copied(depth + 1)?))
                };
                Value::dict(fields.borrow().iter().map(field).collect::<Result<_, Fault>>()?)
            }
            Value::Method(method) => Value::Method(Rc::new((method.0.copied(depth + 1)?, method.1.clone()))),
            other => other.clone(),
        })
    }

    /// How many values a value that a template made is made of. An error when it is nested too deep.
    pub(super) fn weight(&self) -> Result<usize, Fault> {
        self.weighed(0)
    }

    fn weighed(&self, depth: usize) -> Result<usize, Fault> {
        if depth > DEPTH_MAX {
            return Err(Fault::Other("a value is nested too deep".to_owned()));
        }
        Ok(match self {
            Value::Str(text) => text.len() / 64,
            Value::List(items) => {
                items.borrow().iter().map(|item| item.weighed(depth + 1)).sum::<Result<usize, _>>()?
            }
            Value::Tuple(items) => {
                items.iter().map(|item| item.weighed(depth + 1)).sum::<Result<usize, _>>()?
            }
            Value::Dict(fields) | Value::Namespace(fields) => {
                let field = |(key, value): &(Value<'a>, Value<'a>)| {
                    Ok(key.weighed(depth + 1)? + value.weighed(depth + 1)?)
                };
                fields.borrow().iter().map(field).sum::<Result<usize, Fault>>()?
            }
            Value::Method(method) => method.0.weighed(depth + 1)?,
            _ => 0,
        } + 1)
    }

    /// Python's name of the type, for messages.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Undefined => "Undefined",
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) => "str",
            Value::JsonList(_) | Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::JsonDict(_) | Value::Dict(_) => "dict",
            Value::Namespace(_) => "Namespace",
            Value::Moment(_) => "datetime",
            Value::Day(_) => "date",
            Value::Duration(_) => "timedelta",
            Value::Method(_) => "method",
            Value::Macro(_) => "Macro",
        }
    }

    pub(super) fn truthy(&self) -> bool {
        match self {
            Value::Undefined | Value::None => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::JsonList(items) => !items.is_empty(),
            Value::List(items) => !items.borrow().is_empty(),
            Value::Tuple(items) => !items.is_empty(),
            Value::JsonDict(fields) => !fields.is_empty(),
            Value::Dict(fields) => !fields.borrow().is_empty(),
            Value::Duration(duration) => *duration != Duration::default(),
            Value::Moment(_) | Value::Day(_) | Value::Method(_) | Value::Macro(_) | Value::Namespace(_) => {
                true
            }
        }
    }

    /// A number, where Python counts it as one.
    pub(super) fn number(&self) -> Option<Number> {
        match self {
            Value::Bool(value) => Some(Number::Int((*value).into())),
            Value::Int(value) => Some(Number::Int(*value)),
            Value::Float(value) => Some(Number::Float(*value)),
            _ => None,
        }
    }

    /// What a `for` loop goes over.
    pub(super) fn items(&self) -> Result<Vec<Value<'a>>, Fault> {
        Ok(match self {
            Value::Undefined => Vec::new(),
            Value::JsonList(items) => items.iter().map(Value::from).collect(),
            Value::List(items) => items.borrow().clone(),
            Value::Tuple(items) => items.to_vec(),
            Value::JsonDict(fields) => fields.keys().map(|key| Value::Str(Cow::Borrowed(key))).collect(),
            Value::Dict(fields) => fields.borrow().iter().map(|(key, _)| key.clone()).collect(),
            Value::Str(text) if text.len() > LETTERS_MAX => {
                return Err(Fault::Other("a text is too long to be taken apart".to_owned()));
            }
            Value::Str(text) => text.chars().map(|letter| Value::text(letter.to_string())).collect(),
            other => return type_error(format!("'{}' object is not iterable", other.type_name())),
        })
    }

    /// Keys and values of a dict.
    pub(super) fn fields(&self) -> Option<Vec<(Value<'a>, Value<'a>)>> {
        match self {
            Value::JsonDict(fields) => Some(
                fields.iter().map(|(key, value)| (Value::Str(Cow::Borrowed(key)), value.into())).collect(),
            ),
            Value::Dict(fields) => Some(fields.borrow().clone()),
            _ => None,
        }
    }

    pub(super) fn len(&self) -> Result<usize, Fault> {
        Ok(match self {
            Value::Undefined => 0,
            Value::Str(text) => text.chars().count(),
            Value::JsonList(items) => items.len(),
            Value::List(items) => items.borrow().len(),
            Value::Tuple(items) => items.len(),
            Value::JsonDict(fields) => fields.len(),
            Value::Dict(fields) => fields.borrow().len(),
            other => return type_error(format!("object of type '{}' has no len()", other.type_name())),
        })
    }

    /// The value of a key of a dict.
    pub(super) fn lookup(&self, key: &Value<'a>) -> Option<Value<'a>> {
        match (self, key) {
            (Value::JsonDict(fields), Value::Str(name)) => {
                let found = fields.get(name.as_ref());
                // Names of headers have no case.
                let caseless = || {
                    fields.get(crate::http::CASELESS)?;
                    let name = name.to_lowercase();
                    let header = if name == "link" { fields.get(crate::http::LINK_HEADER) } else { None };
                    header.or_else(|| fields.get(name.as_str()))
                };
                found.or_else(caseless).map(Value::from)
            }
            (Value::Dict(fields) | Value::Namespace(fields), key) => {
                fields.borrow().iter().find(|(known, _)| known.equals(key)).map(|(_, value)| value.clone())
            }
            _ => None,
        }
    }

    /// Python's `==`.
    pub(super) fn equals(&self, other: &Value<'a>) -> bool {
        if let (Some(left), Some(right)) = (self.number(), other.number()) {
            return left.compare(right) == Some(Ordering::Equal);
        }
        match (self, other) {
            (Value::Undefined, Value::Undefined) | (Value::None, Value::None) => true,
            (Value::Str(left), Value::Str(right)) => left == right,
            (Value::Moment(left), Value::Moment(right)) => left.at == right.at,
            (Value::Day(left), Value::Day(right)) => left == right,
            (Value::Duration(left), Value::Duration(right)) => left == right,
            (Value::Tuple(left), Value::Tuple(right)) => same(left, right),
            (Value::JsonDict(_) | Value::Dict(_), Value::JsonDict(_) | Value::Dict(_)) => {
                let (Some(left), Some(right)) = (self.fields(), other.fields()) else { return false };
                left.len() == right.len()
                    && left.iter().all(|(key, value)| {
                        right.iter().any(|(other, theirs)| other.equals(key) && theirs.equals(value))
                    })
            }
            (Value::JsonList(_) | Value::List(_), Value::JsonList(_) | Value::List(_)) => {
                match (self.items(), other.items()) {
                    (Ok(left), Ok(right)) => same(&left, &right),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// Python's `<` and its like.
    pub(super) fn compare(&self, other: &Value<'a>) -> Result<Option<Ordering>, Fault> {
        if let (Some(left), Some(right)) = (self.number(), other.number()) {
            return Ok(left.compare(right));
        }
        match (self, other) {
            (Value::Undefined, _) | (_, Value::Undefined) => undefined(),
            (Value::Str(left), Value::Str(right)) => Ok(Some(left.cmp(right))),
            (Value::Moment(left), Value::Moment(right)) => Ok(Some(left.at.cmp(&right.at))),
            (Value::Day(left), Value::Day(right)) => Ok(Some(left.cmp(right))),
            (Value::Duration(left), Value::Duration(right)) if left.months == 0 && right.months == 0 => {
                Ok(Some(left.microseconds.cmp(&right.microseconds)))
            }
            (Value::Tuple(_), Value::Tuple(_))
            | (Value::JsonList(_) | Value::List(_), Value::JsonList(_) | Value::List(_)) => {
                let (left, right) = (self.items()?, other.items()?);
                for (left, right) in left.iter().zip(&right) {
                    if !left.equals(right) {
                        return left.compare(right);
                    }
                }
                Ok(Some(left.len().cmp(&right.len())))
            }
            (left, right) => type_error(format!(
                "'<' not supported between instances of '{}' and '{}'",
                left.type_name(),
                right.type_name()
            )),
        }
    }

    /// As JSON; tuples become lists. None for what JSON cannot hold.
    pub(super) fn to_json(&self) -> Option<Json> {
        Some(match self {
            Value::None => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => value.into(),
                (_, Ok(value)) => value.into(),
                _ => return None,
            },
            Value::Float(value) => Json::Number(serde_json::Number::from_f64(*value)?),
            Value::Str(text) => Json::String(text.as_ref().to_owned()),
            Value::JsonList(items) => Json::Array(items.to_vec()),
            Value::JsonDict(fields) => Json::Object((*fields).clone()),
            Value::List(items) => items.borrow().iter().map(Value::to_json).collect::<Option<_>>()?,
            Value::Tuple(items) => items.iter().map(Value::to_json).collect::<Option<_>>()?,
            Value::Dict(fields) => {
                let fields = fields.borrow();
                let field = |(key, value): &(Value<'a>, Value<'a>)| Some((json_key(key)?, value.to_json()?));
                Json::Object(fields.iter().map(field).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }
}

/// The key of a JSON object for a key of a dict, as Python's `json` writes it.
fn json_key(key: &Value<'_>) -> Option<String> {
    Some(match key {
        Value::Str(text) => text.as_ref().to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => super::repr::float(*value),
        Value::Bool(value) => value.to_string(),
        Value::None => "null".to_owned(),
        _ => return None,
    })
}

fn same<'a>(left: &[Value<'a>], right: &[Value<'a>]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.equals(right))
}

/// A number of Python. Whole numbers beyond 128 bits do not occur in what people sync.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    pub(super) fn float(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Float(value) => value,
        }
    }

    pub(super) fn compare(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Int(left), Number::Int(right)) => Some(left.cmp(&right)),
            (left, right) => left.float().partial_cmp(&right.float()),
        }
    }
}
