//! Logical types, how they lie in Arrow, and how they widen.
//!
//! | Logical | Arrow | Values |
//! | --- | --- | --- |
//! | boolean | Boolean | |
//! | int16, int32, int64 | Int16, Int32, Int64 | |
//! | float32, float64 | Float32, Float64 | with NaN and infinities |
//! | decimal(p,s) | Decimal128(p,s), 1 ≤ p ≤ 38, 0 ≤ s ≤ p | exact; no NaN, no infinity |
//! | numeric | Utf8 | exact decimal of any size as canonical text; also `NaN`, `Infinity`, `-Infinity` |
//! | text | Utf8 | |
//! | bytes | Binary | |
//! | date | Date32 | days since 1970-01-01, proleptic Gregorian; `i32::MAX`/`i32::MIN` are ±infinity |
//! | time | Time64(µs) | 0 ..= 86,400,000,000 (24:00:00 is legal) |
//! | timestamp | Timestamp(µs) | no zone; `i64::MAX`/`i64::MIN` are ±infinity |
//! | timestamptz | Timestamp(µs, "UTC") | an instant; infinities as above |
//! | interval | Interval(MonthDayNano) | |
//! | uuid | FixedSizeBinary(16) | |
//! | json | Utf8 | JSON text as the source gave it |
//! | list<T> | List(item: T) | |
//! | struct<…> | Struct | |
//!
//! The logical type travels with the Arrow field as metadata, so that `text`, `numeric` and `json` stay apart.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Arrow field metadata key that holds the logical type as text.
pub const TYPE_METADATA: &str = "syncline.type";
/// The most digits a `decimal` can have.
pub const DECIMAL_DIGITS_MAX: u8 = 38;

/// What a value means, independent of any system. See the module documentation for the Arrow layout.
///
/// As text: `int64`, `decimal(10,2)`, `list<text>`, `struct<"a":int32,"b":text>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the table above says it
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(type = "string"))]
pub enum LogicalType {
    Boolean,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Decimal { precision: u8, scale: u8 },
    Numeric,
    Text,
    Bytes,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Interval,
    Uuid,
    Json,
    List(Box<LogicalType>),
    Struct(Vec<StructField>),
}

/// A member of a struct type. Members can always be null.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StructField {
    /// Name, as the source has it.
    pub name: String,
    /// Type of the member.
    pub logical: LogicalType,
}

impl LogicalType {
    /// How values of this type lie in Arrow.
    pub fn to_arrow(&self) -> DataType {
        match self {
            LogicalType::Boolean => DataType::Boolean,
            LogicalType::Int16 => DataType::Int16,
            LogicalType::Int32 => DataType::Int32,
            LogicalType::Int64 => DataType::Int64,
            LogicalType::Float32 => DataType::Float32,
            LogicalType::Float64 => DataType::Float64,
            // scale ≤ 38 fits an i8
            LogicalType::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale as i8),
            LogicalType::Numeric | LogicalType::Text | LogicalType::Json => DataType::Utf8,
            LogicalType::Bytes => DataType::Binary,
            LogicalType::Date => DataType::Date32,
            LogicalType::Time => DataType::Time64(TimeUnit::Microsecond),
            LogicalType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            LogicalType::TimestampTz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            LogicalType::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
            LogicalType::Uuid => DataType::FixedSizeBinary(16),
            LogicalType::List(item) => DataType::List(Arc::new(item.to_field("item", true))),
            LogicalType::Struct(fields) => DataType::Struct(
                fields.iter().map(|field| field.logical.to_field(&field.name, true)).collect(),
            ),
        }
    }

    /// The Arrow field of a column of this type, with the logical type in its metadata.
    pub fn to_field(&self, name: &str, nullable: bool) -> Field {
        Field::new(name, self.to_arrow(), nullable)
            .with_metadata([(TYPE_METADATA.to_owned(), self.to_string())].into())
    }

    /// The logical type of an Arrow field: from its metadata, or the closest one for a field from elsewhere.
    /// `None` when there is no exact counterpart.
    pub fn of_field(field: &Field) -> Option<LogicalType> {
        if let Some(logical) = field.metadata().get(TYPE_METADATA).and_then(|text| text.parse().ok()) {
            return Some(logical);
        }
        LogicalType::of_arrow(field.data_type())
    }

    /// The logical type whose values include all values of an Arrow type; `None` when there is none.
    /// Unsigned and narrow integers map to the next wider signed type.
    pub fn of_arrow(data_type: &DataType) -> Option<LogicalType> {
        Some(match data_type {
            DataType::Boolean => LogicalType::Boolean,
            DataType::Int8 | DataType::UInt8 | DataType::Int16 => LogicalType::Int16,
            DataType::UInt16 | DataType::Int32 => LogicalType::Int32,
            DataType::UInt32 | DataType::Int64 => LogicalType::Int64,
            DataType::UInt64 => LogicalType::Decimal { precision: 20, scale: 0 },
            DataType::Float16 | DataType::Float32 => LogicalType::Float32,
            DataType::Float64 => LogicalType::Float64,
            DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s)
                if (0..=*p as i8).contains(s) =>
            {
                LogicalType::Decimal { precision: *p, scale: *s as u8 }
            }
            DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => LogicalType::Numeric,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => LogicalType::Text,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => LogicalType::Bytes,
            DataType::Date32 | DataType::Date64 => LogicalType::Date,
            DataType::Time32(_) | DataType::Time64(_) => LogicalType::Time,
            DataType::Timestamp(_, None) => LogicalType::Timestamp,
            DataType::Timestamp(_, Some(_)) => LogicalType::TimestampTz,
            DataType::Interval(_) => LogicalType::Interval,
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                LogicalType::List(Box::new(LogicalType::of_field(item)?))
            }
            DataType::Struct(fields) => LogicalType::Struct(
                fields
                    .iter()
                    .map(|field| {
                        Some(StructField {
                            name: field.name().clone(),
                            logical: LogicalType::of_field(field)?,
                        })
                    })
                    .collect::<Option<_>>()?,
            ),
            DataType::Dictionary(_, values) => LogicalType::of_arrow(values)?,
            _ => return None,
        })
    }

    /// Whether values are lists or structs.
    pub fn is_nested(&self) -> bool {
        matches!(self, LogicalType::List(_) | LogicalType::Struct(_))
    }

    /// The narrowest type that holds every value of both exactly: the join of the widening lattice.
    ///
    /// int16 → int32 → int64 → decimal → numeric → text; int16, int32 and float32 → float64; date → timestamp;
    /// anything nested → json; everything → text. Never a narrowing: `a.widen(b)` equals `a` exactly when each
    /// value of `b` fits into `a`.
    #[must_use]
    pub fn widen(&self, other: &LogicalType) -> LogicalType {
        use LogicalType::{
            Date, Decimal, Float32, Float64, Int16, Int32, Int64, Json, List, Numeric, Struct, Text,
            Timestamp,
        };
        if self == other {
            return self.clone();
        }
        match (self, other) {
            (Int16, Int32) | (Int32, Int16) => Int32,
            (Int16 | Int32, Int64) | (Int64, Int16 | Int32) => Int64,
            (Float32, Float64) | (Float64, Float32) => Float64,
            (Int16, Float32) | (Float32, Int16) => Float32,
            (Int32, Float32) | (Float32, Int32) | (Int16 | Int32, Float64) | (Float64, Int16 | Int32) => {
                Float64
            }
            (Date, Timestamp) | (Timestamp, Date) => Timestamp,
            (Decimal { .. }, Int16 | Int32 | Int64 | Decimal { .. })
            | (Int16 | Int32 | Int64, Decimal { .. }) => self.widen_decimal(other),
            (Numeric, number) | (number, Numeric) if number.is_number() => Numeric,
            (left, right) if left.is_number() && right.is_number() => Numeric,
            (List(left), List(right)) => match left.widen(right) {
                Text if **left != Text && **right != Text => Json,
                item => List(Box::new(item)),
            },
            (Struct(left), Struct(right)) => widen_structs(left, right),
            (Json | List(_) | Struct(_), Json | List(_) | Struct(_)) => Json,
            _ => Text,
        }
    }

    /// Whether every value of this type fits `wider` exactly.
    pub fn fits(&self, wider: &LogicalType) -> bool {
        wider.widen(self) == *wider
    }

    fn is_number(&self) -> bool {
        matches!(
            self,
            LogicalType::Int16
                | LogicalType::Int32
                | LogicalType::Int64
                | LogicalType::Float32
                | LogicalType::Float64
                | LogicalType::Decimal { .. }
                | LogicalType::Numeric
        )
    }

    /// Digits before and after the point, for the exact number types.
    fn decimal_digits(&self) -> (u8, u8) {
        match self {
            LogicalType::Int16 => (5, 0),
            LogicalType::Int32 => (10, 0),
            LogicalType::Int64 => (19, 0),
            LogicalType::Decimal { precision, scale } => (precision - scale, *scale),
            _ => (DECIMAL_DIGITS_MAX + 1, 0),
        }
    }

    fn widen_decimal(&self, other: &LogicalType) -> LogicalType {
        let (left, right) = (self.decimal_digits(), other.decimal_digits());
        let (before, scale) = (left.0.max(right.0), left.1.max(right.1));
        if before + scale <= DECIMAL_DIGITS_MAX {
            LogicalType::Decimal { precision: before + scale, scale }
        } else {
            LogicalType::Numeric
        }
    }
}

fn widen_structs(left: &[StructField], right: &[StructField]) -> LogicalType {
    let mut fields = left.to_vec();
    for field in right {
        match fields.iter_mut().find(|known| known.name == field.name) {
            Some(known) => known.logical = known.logical.widen(&field.logical),
            None => fields.push(field.clone()),
        }
    }
    LogicalType::Struct(fields)
}

impl fmt::Display for LogicalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            LogicalType::Boolean => "boolean",
            LogicalType::Int16 => "int16",
            LogicalType::Int32 => "int32",
            LogicalType::Int64 => "int64",
            LogicalType::Float32 => "float32",
            LogicalType::Float64 => "float64",
            LogicalType::Decimal { precision, scale } => return write!(f, "decimal({precision},{scale})"),
            LogicalType::Numeric => "numeric",
            LogicalType::Text => "text",
            LogicalType::Bytes => "bytes",
            LogicalType::Date => "date",
            LogicalType::Time => "time",
            LogicalType::Timestamp => "timestamp",
            LogicalType::TimestampTz => "timestamptz",
            LogicalType::Interval => "interval",
            LogicalType::Uuid => "uuid",
            LogicalType::Json => "json",
            LogicalType::List(item) => return write!(f, "list<{item}>"),
            LogicalType::Struct(fields) => {
                f.write_str("struct<")?;
                for (index, field) in fields.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    let name = serde_json::Value::from(field.name.as_str());
                    write!(f, "{comma}{name}:{}", field.logical)?;
                }
                return f.write_str(">");
            }
        };
        f.write_str(word)
    }
}

impl FromStr for LogicalType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parser = Parser { rest: text.trim(), depth: 0 };
        let logical = parser.logical().ok_or_else(|| format!("`{text}` is not a type"))?;
        if parser.rest.is_empty() { Ok(logical) } else { Err(format!("`{text}` is not a type")) }
    }
}

/// Recursive descent over the text form. `depth` bounds the recursion for malformed input.
struct Parser<'a> {
    rest: &'a str,
    depth: u8,
}

impl Parser<'_> {
    fn take(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    fn number(&mut self) -> Option<u8> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits.parse().ok()
    }

    fn logical(&mut self) -> Option<LogicalType> {
        self.depth = self.depth.checked_add(1).filter(|depth| *depth < 64)?;
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        let logical = match word {
            "boolean" => LogicalType::Boolean,
            "int16" => LogicalType::Int16,
            "int32" => LogicalType::Int32,
            "int64" => LogicalType::Int64,
            "float32" => LogicalType::Float32,
            "float64" => LogicalType::Float64,
            "numeric" => LogicalType::Numeric,
            "text" => LogicalType::Text,
            "bytes" => LogicalType::Bytes,
            "date" => LogicalType::Date,
            "time" => LogicalType::Time,
            "timestamp" => LogicalType::Timestamp,
            "timestamptz" => LogicalType::TimestampTz,
            "interval" => LogicalType::Interval,
            "uuid" => LogicalType::Uuid,
            "json" => LogicalType::Json,
            "decimal" => {
                self.take("(")?;
                let precision = self.number()?;
                self.take(",")?;
                let scale = self.number()?;
                self.take(")")?;
                if !(1..=DECIMAL_DIGITS_MAX).contains(&precision) || scale > precision {
                    return None;
                }
                LogicalType::Decimal { precision, scale }
            }
            "list" => {
                self.take("<")?;
                let item = self.logical()?;
                self.take(">")?;
                LogicalType::List(Box::new(item))
            }
            "struct" => {
                self.take("<")?;
                let mut fields = Vec::new();
                while self.take(">").is_none() {
                    if !fields.is_empty() {
                        self.take(",")?;
                    }
                    let mut names = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
                    let name = names.next()?.ok()?;
                    self.rest = self.rest.get(names.byte_offset()..)?;
                    self.take(":")?;
                    fields.push(StructField { name, logical: self.logical()? });
                }
                LogicalType::Struct(fields)
            }
            _ => return None,
        };
        self.depth -= 1;
        Some(logical)
    }
}

impl Serialize for LogicalType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LogicalType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for LogicalType {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LogicalType".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A type: boolean, int16, int32, int64, float32, float64, decimal(p,s), numeric, text, bytes, date, time, timestamp, timestamptz, interval, uuid, json, list<…>"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_type() -> impl Strategy<Value = LogicalType> {
        use LogicalType::*;
        let leaf = prop_oneof![
            Just(Boolean),
            Just(Int16),
            Just(Int32),
            Just(Int64),
            Just(Float32),
            Just(Float64),
            Just(Numeric),
            Just(Text),
            Just(Bytes),
            Just(Date),
            Just(Time),
            Just(Timestamp),
            Just(TimestampTz),
            Just(Interval),
            Just(Uuid),
            Just(Json),
            (1u8..=38)
                .prop_flat_map(|p| (Just(p), 0..=p))
                .prop_map(|(precision, scale)| Decimal { precision, scale }),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                inner.clone().prop_map(|item| List(Box::new(item))),
                proptest::collection::vec(("[a-c\"<>:,é]{1,3}", inner), 0..3).prop_map(|fields| {
                    Struct(
                        fields
                            .into_iter()
                            .enumerate()
                            .map(|(at, (name, logical))| StructField { name: format!("{at}{name}"), logical })
                            .collect(),
                    )
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn text_and_arrow_forms_survive(logical in any_type()) {
            prop_assert_eq!(logical.to_string().parse::<LogicalType>(), Ok(logical.clone()));
            prop_assert_eq!(LogicalType::of_field(&logical.to_field("x", true)), Some(logical));
        }

        #[test]
        fn widening_is_a_join(a in any_type(), b in any_type()) {
            let join = a.widen(&b);
            prop_assert!(a.widen(&a) == a);
            if !a.is_nested() && !b.is_nested() {
                prop_assert_eq!(&join, &b.widen(&a));
            }
            prop_assert!(a.fits(&join) && b.fits(&join), "{} {} -> {}", a, b, join);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let deep = "list<".repeat(500);
        for text in
            ["", "int", "decimal(39,0)", "decimal(5,6)", "list<", "struct<a:int32>", "text ", deep.as_str()]
        {
            if text != "text " {
                assert!(text.parse::<LogicalType>().is_err(), "{text}");
            }
        }
    }

    #[test]
    fn numbers_never_lose_digits() {
        let decimal = |precision, scale| LogicalType::Decimal { precision, scale };
        assert_eq!(LogicalType::Int64.widen(&decimal(10, 2)), decimal(21, 2));
        assert_eq!(decimal(38, 0).widen(&decimal(38, 38)), LogicalType::Numeric);
        assert_eq!(LogicalType::Int64.widen(&LogicalType::Float64), LogicalType::Numeric);
        assert_eq!(LogicalType::Int32.widen(&LogicalType::Float64), LogicalType::Float64);
        assert_eq!(LogicalType::Timestamp.widen(&LogicalType::TimestampTz), LogicalType::Text);
    }
}
