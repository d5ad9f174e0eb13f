//! In which form the values of a column come over the wire.

use syncline_protocol::LogicalType;

/// The binary form of a value, and with it the Arrow type it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // named after the logical types; the others say what they are
pub enum Codec {
    Boolean,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    /// `numeric` into a decimal of this precision and scale.
    Decimal {
        precision: u8,
        scale: u8,
    },
    /// `numeric` into text.
    Numeric,
    /// Bytes that are UTF-8.
    Text,
    /// Text that must be JSON.
    JsonText,
    /// `jsonb`: a version byte, then text.
    Jsonb,
    Bytes,
    Date,
    Time,
    /// Both `timestamp` and `timestamptz`: µs since 2000.
    Timestamp,
    Interval,
    Uuid,
    /// A one-dimensional array.
    List(Box<Codec>),
    /// A composite value: name and form of each member.
    Struct(Vec<(String, Codec)>),
}

impl Codec {
    /// The codec that yields `logical` from the type of Postgres that matches it best (see
    /// [`postgres_type`](super::types::postgres_type)).
    pub fn of(logical: &LogicalType) -> Codec {
        match logical {
            LogicalType::Boolean => Codec::Boolean,
            LogicalType::Int16 => Codec::Int16,
            LogicalType::Int32 => Codec::Int32,
            LogicalType::Int64 => Codec::Int64,
            LogicalType::Float32 => Codec::Float32,
            LogicalType::Float64 => Codec::Float64,
            LogicalType::Decimal { precision, scale } => {
                Codec::Decimal { precision: *precision, scale: *scale }
            }
            LogicalType::Numeric => Codec::Numeric,
            LogicalType::Text | LogicalType::Json => Codec::Text,
            LogicalType::Bytes => Codec::Bytes,
            LogicalType::Date => Codec::Date,
            LogicalType::Time => Codec::Time,
            LogicalType::Timestamp | LogicalType::TimestampTz => Codec::Timestamp,
            LogicalType::Interval => Codec::Interval,
            LogicalType::Uuid => Codec::Uuid,
            LogicalType::List(item) => Codec::List(Box::new(Codec::of(item))),
            LogicalType::Struct(fields) => Codec::Struct(
                fields.iter().map(|field| (field.name.clone(), Codec::of(&field.logical))).collect(),
            ),
        }
    }
}
