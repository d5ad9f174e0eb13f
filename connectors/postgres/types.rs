//! Which types Postgres has, what they mean to Syncline, and how each is asked for.

use std::collections::HashMap;

use syncline_protocol::{Error, ErrorKind, LogicalType, Result, StructField};

use super::codec::Codec;
use super::sql::quote;

/// How a column is selected and decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) logical: LogicalType,
    pub(super) cast: Cast,
    pub(super) codec: Codec,
}

/// What the SELECT does to a column before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cast {
    /// Nothing.
    None,
    /// `column::type`.
    To(String),
    /// `to_jsonb(column)::text`.
    Json,
    /// `column::text::type`, for floats into numeric: the direct cast drops digits.
    ThroughText(String),
}

impl Cast {
    /// The expression for a column.
    pub(super) fn expression(&self, column: &str) -> String {
        let column = quote(column);
        match self {
            Cast::None => column,
            Cast::To(type_name) => format!("{column}::{type_name}"),
            Cast::Json => format!("pg_catalog.to_jsonb({column})::pg_catalog.text"),
            Cast::ThroughText(type_name) => format!("{column}::pg_catalog.text::{type_name}"),
        }
    }
}

const TEXT: &str = "pg_catalog.text";

/// A type that is not built in, or an array, as the catalog describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TypeDefinition {
    Enum,
    Domain { base: u32, modifier: i32 },
    Composite { members: Vec<(String, u32, i32)> },
    Array { element: u32 },
    Other,
}

/// Definitions by type number.
pub(super) type TypeMap = HashMap<u32, TypeDefinition>;

/// How a column of type `oid` with modifier `modifier` is read when nobody asked for another type.
pub(super) fn natural(oid: u32, modifier: i32, types: &TypeMap) -> Reading {
    match form(oid, modifier, types, 0) {
        Some((logical, codec)) => Reading { logical, cast: Cast::None, codec },
        None => converted(oid, types),
    }
}

/// Types whose binary form is not decoded: text, or JSON where text would lose the structure.
fn converted(oid: u32, types: &TypeMap) -> Reading {
    let as_text = |cast: &str, logical, codec| Reading { logical, cast: Cast::To(cast.to_owned()), codec };
    match types.get(&base(oid, types)) {
        Some(TypeDefinition::Array { element }) => match types.get(&base(*element, types)) {
            Some(TypeDefinition::Composite { .. } | TypeDefinition::Array { .. }) => json(),
            _ => as_text(
                "pg_catalog.text[]",
                LogicalType::List(Box::new(LogicalType::Text)),
                Codec::List(Box::new(Codec::Text)),
            ),
        },
        Some(TypeDefinition::Composite { .. }) => json(),
        _ => as_text(TEXT, LogicalType::Text, Codec::Text),
    }
}

fn json() -> Reading {
    Reading { logical: LogicalType::Json, cast: Cast::Json, codec: Codec::Text }
}

/// The type below any domains.
fn base(mut oid: u32, types: &TypeMap) -> u32 {
    for _ in 0..64 {
        match types.get(&oid) {
            Some(TypeDefinition::Domain { base, .. }) => oid = *base,
            _ => break,
        }
    }
    oid
}

/// Logical type and wire form of a type that is decoded as it is; none for others.
fn form(oid: u32, modifier: i32, types: &TypeMap, depth: usize) -> Option<(LogicalType, Codec)> {
    if depth > 32 {
        return None;
    }
    let simple = |logical: LogicalType| {
        let codec = Codec::of(&logical);
        Some((logical, codec))
    };
    match oid {
        16 => simple(LogicalType::Boolean),
        17 => simple(LogicalType::Bytes),
        20 => simple(LogicalType::Int64),
        21 => simple(LogicalType::Int16),
        23 => simple(LogicalType::Int32),
        // name, text, bpchar, varchar: their binary form is the text
        19 | 25 | 1042 | 1043 => simple(LogicalType::Text),
        114 => simple(LogicalType::Json),
        3802 => Some((LogicalType::Json, Codec::Jsonb)),
        700 => simple(LogicalType::Float32),
        701 => simple(LogicalType::Float64),
        1082 => simple(LogicalType::Date),
        1083 => simple(LogicalType::Time),
        1114 => simple(LogicalType::Timestamp),
        1184 => simple(LogicalType::TimestampTz),
        1186 => simple(LogicalType::Interval),
        1700 => simple(numeric(modifier)),
        2950 => simple(LogicalType::Uuid),
        _ => match types.get(&oid)? {
            TypeDefinition::Enum => simple(LogicalType::Text),
            TypeDefinition::Domain { base, modifier: own } => {
                // A domain over numeric carries the precision in its own modifier.
                let modifier = if *own >= 0 { *own } else { modifier };
                form(*base, modifier, types, depth + 1)
            }
            TypeDefinition::Array { element } => {
                let (logical, codec) = form(*element, modifier, types, depth + 1)?;
                // An array whose elements are a domain over an array: lists of lists lose NULL bounds; rare. As JSON.
                (!matches!(codec, Codec::List(_)))
                    .then(|| (LogicalType::List(Box::new(logical)), Codec::List(Box::new(codec))))
            }
            TypeDefinition::Composite { members } => {
                let mut fields = Vec::with_capacity(members.len());
                let mut codecs = Vec::with_capacity(members.len());
                for (name, oid, modifier) in members {
                    let (logical, codec) = form(*oid, *modifier, types, depth + 1)?;
                    fields.push(StructField { name: name.clone(), logical });
                    codecs.push((name.clone(), codec));
                }
                (!fields.is_empty()).then_some((LogicalType::Struct(fields), Codec::Struct(codecs)))
            }
            TypeDefinition::Other => None,
        },
    }
}

/// `numeric(p,s)`: the modifier is ((p << 16) | (s & 0x7ff)) + 4, with s as an 11-bit signed number.
fn numeric(modifier: i32) -> LogicalType {
    if modifier < 4 {
        return LogicalType::Numeric;
    }
    let (precision, scale) = (((modifier - 4) >> 16) & 0xffff, (modifier - 4) & 0x7ff);
    let scale = (scale ^ 1024) - 1024;
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision => {
            LogicalType::Decimal { precision, scale }
        }
        _ => LogicalType::Numeric,
    }
}

/// How a column is read when `wanted` is the type it must have.
///
/// # Errors
/// `Unsupported` when the type cannot be had without the risk of a wrong value.
pub(super) fn reading(column: &str, natural: Reading, wanted: &LogicalType) -> Result<Reading> {
    use LogicalType::{Decimal, Float32, Float64, Json, Numeric, Text};
    if natural.logical == *wanted {
        return Ok(natural);
    }
    let logical = wanted.clone();
    let codec = Codec::of(wanted);
    let cast = match (&natural.logical, wanted) {
        (_, Text) => Cast::To(TEXT.to_owned()),
        // A person says that the text is JSON: rows where it is not go to quarantine.
        (Text, Json) => {
            return Ok(Reading { logical, cast: Cast::To(TEXT.to_owned()), codec: Codec::JsonText });
        }
        (_, Json) => Cast::Json,
        // The decoder checks each value.
        (Numeric | Decimal { .. }, Decimal { .. } | Numeric) => Cast::None,
        (Float32 | Float64, Numeric | Decimal { .. }) => Cast::ThroughText("pg_catalog.numeric".to_owned()),
        (LogicalType::Int16 | LogicalType::Int32 | LogicalType::Int64, Decimal { .. }) => {
            Cast::To("pg_catalog.numeric".to_owned())
        }
        (from, to) if from.fits(to) => Cast::To(postgres_type(to)),
        (from, to) => {
            let message = format!("The column `{column}` is {from} and cannot be read as {to}.");
            return Err(Error::new(ErrorKind::Unsupported, message)
                .fix("Choose the type text or json for this column, or leave its type as it is."));
        }
    };
    Ok(Reading { logical, cast, codec })
}

/// The type of Postgres that holds `logical` best.
pub(super) fn postgres_type(logical: &LogicalType) -> String {
    let name = match logical {
        LogicalType::Boolean => "bool",
        LogicalType::Int16 => "int2",
        LogicalType::Int32 => "int4",
        LogicalType::Int64 => "int8",
        LogicalType::Float32 => "float4",
        LogicalType::Float64 => "float8",
        LogicalType::Decimal { precision, scale } => {
            return format!("pg_catalog.numeric({precision},{scale})");
        }
        LogicalType::Numeric => "numeric",
        LogicalType::Text => "text",
        LogicalType::Bytes => "bytea",
        LogicalType::Date => "date",
        LogicalType::Time => "time",
        LogicalType::Timestamp => "timestamp",
        LogicalType::TimestampTz => "timestamptz",
        LogicalType::Interval => "interval",
        LogicalType::Uuid => "uuid",
        LogicalType::Json | LogicalType::Struct(_) => "json",
        LogicalType::List(item) => return format!("{}[]", postgres_type(item)),
    };
    format!("pg_catalog.{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_modifiers() {
        assert_eq!(numeric(-1), LogicalType::Numeric);
        assert_eq!(numeric(((15 << 16) | 2) + 4), LogicalType::Decimal { precision: 15, scale: 2 });
        assert_eq!(numeric(((39 << 16) | 2) + 4), LogicalType::Numeric);
        assert_eq!(numeric(((5 << 16) | 0x7fe) + 4), LogicalType::Numeric); // scale -2
        assert_eq!(numeric(((2 << 16) | 5) + 4), LogicalType::Numeric); // scale above precision
    }
}
