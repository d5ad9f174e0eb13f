//! Arrow batches as the binary rows of `COPY … FROM STDIN (FORMAT BINARY)`.
//!
//! What each column needs is decided once per batch; then rows are written value by value into one buffer, without
//! allocating. The layout of values is that of the `*_send` and `*_recv` functions of PostgreSQL
//! (`src/backend/utils/adt`): big-endian, each with its length in front, -1 for null.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, FixedSizeBinaryArray, ListArray, StringArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNano, IntervalMonthDayNanoType, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;
use syncline_protocol::{Error, ErrorKind, LogicalType, Result};
use tokio_util::bytes::{BufMut, BytesMut};

mod numeric;

/// What stands before the first row: signature, flags, length of the (absent) header extension.
pub(crate) const COPY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What stands after the last row.
pub(crate) const COPY_TRAILER: &[u8] = &[0xff, 0xff];

/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL begins to count.
const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// The first instant a timestamp can hold, 4714-11-24 BC, in µs since 1970-01-01.
pub(crate) const TIMESTAMP_MIN: i64 = -210_866_803_200_000_000;
/// The first day a date can hold, 4714-11-24 BC, in days since 1970-01-01.
pub(crate) const DATE_MIN: i32 = -2_440_588;
/// The last day a date can hold, 5874897-12-31, in days since 1970-01-01.
pub(crate) const DATE_MAX: i32 = 2_145_042_905;

/// One column of the rows that are copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyColumn {
    /// Its name in the table that takes the rows.
    pub(crate) name: String,
    /// Where its values come from.
    pub(crate) origin: Origin,
}

/// Where the values of a copied column come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The column of the batch with the same name; null in each row when the batch has none.
    Batch(Wire),
    /// The same truth value in each row.
    Constant(bool),
    /// Whether the batch holds deletes.
    IsDelete,
    /// The number of the row within the segment.
    Ordinal,
}

/// The form in which values travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wire {
    /// As the type that this type lands as.
    pub(crate) logical: LogicalType,
    /// JSON as `jsonb` instead of `json`.
    pub(crate) jsonb: bool,
}

/// Turns one batch into rows, piece by piece, so that a buffer of fixed size is enough.
pub(crate) struct BatchEncoder<'a> {
    fields: Vec<Field<'a>>,
    next: usize,
    rows: usize,
}

/// One column, ready to be written row by row.
enum Field<'a> {
    Values(&'a str, Values<'a>),
    /// The same bytes (with their length) in each row.
    Constant([u8; 5], usize),
    Counter(i64),
}

impl<'a> BatchEncoder<'a> {
    /// Prepares a batch. `ordinal` is the number of its first row, `deletes` whether it holds deletes.
    ///
    /// # Errors
    /// `Internal` when a column does not have the Arrow type of the contract, or the batch has a column that is not
    /// among `columns`.
    pub(crate) fn new(
        batch: &'a RecordBatch,
        columns: &'a [CopyColumn],
        ordinal: i64,
        deletes: bool,
    ) -> Result<Self> {
        let schema = batch.schema_ref();
        if let Some(stranger) =
            schema.fields().iter().find(|field| columns.iter().all(|column| column.name != *field.name()))
        {
            return Err(Error::internal("A batch has a column that its table does not have.")
                .with("column", stranger.name()));
        }
        let fields = columns
            .iter()
            .map(|column| {
                Ok(match &column.origin {
                    Origin::Constant(value) => Field::Constant([0, 0, 0, 1, u8::from(*value)], 5),
                    Origin::IsDelete => Field::Constant([0, 0, 0, 1, u8::from(deletes)], 5),
                    Origin::Ordinal => Field::Counter(ordinal),
                    Origin::Batch(wire) => match schema.index_of(&column.name) {
                        Err(_) => Field::Constant([0xff, 0xff, 0xff, 0xff, 0], 4),
                        Ok(index) => {
                            let values = Values::new(batch.column(index), wire)
                                .map_err(|error| error.with("column", &column.name))?;
                            Field::Values(&column.name, values)
                        }
                    },
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(BatchEncoder { fields, next: 0, rows: batch.num_rows() })
    }

    /// Writes rows until `out` holds `limit` bytes or all rows are written, and answers whether rows are left.
    ///
    /// # Errors
    /// `LimitExceeded` or `CorruptInput`, naming the column, for a value that PostgreSQL cannot hold.
    pub(crate) fn fill(&mut self, out: &mut BytesMut, limit: usize) -> Result<bool> {
        let count = self.fields.len() as u16;
        while self.next < self.rows && out.len() < limit {
            out.put_u16(count);
            for field in &mut self.fields {
                match field {
                    Field::Values(name, values) => values
                        .put(self.next, out)
                        .map_err(|error| error.with("column", *name).with("row", self.next))?,
                    Field::Constant(bytes, length) => out.extend_from_slice(&bytes[..*length]),
                    Field::Counter(next) => {
                        put(out, next.to_be_bytes());
                        *next += 1;
                    }
                }
            }
            self.next += 1;
        }
        Ok(self.next < self.rows)
    }
}

/// The values of an Arrow array and its nulls.
struct Values<'a> {
    nulls: Option<&'a NullBuffer>,
    kind: Kind<'a>,
}

/// The values of one Arrow type, with all that is needed to write them.
enum Kind<'a> {
    Boolean(&'a BooleanArray),
    Int16(&'a [i16]),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    Float32(&'a [f32]),
    Float64(&'a [f64]),
    Decimal(&'a [i128], numeric::Scale),
    Numeric(&'a StringArray),
    Text(&'a StringArray),
    Jsonb(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a [i32]),
    Time(&'a [i64]),
    Timestamp(&'a [i64]),
    Interval(&'a [IntervalMonthDayNano]),
    Uuid(&'a FixedSizeBinaryArray),
    List(&'a ListArray, Box<Values<'a>>, u32),
}

/// One value with its length in front, in one write.
#[inline]
fn put<const N: usize>(out: &mut BytesMut, value: [u8; N]) {
    out.reserve(4 + N);
    out.extend_from_slice(&(N as u32).to_be_bytes());
    out.extend_from_slice(&value);
}

#[inline]
fn put_bytes(out: &mut BytesMut, value: &[u8]) {
    out.reserve(4 + value.len());
    // An Arrow value is shorter than 2 GiB: its offsets are 32 bits wide.
    out.put_u32(value.len() as u32);
    out.extend_from_slice(value);
}

impl<'a> Values<'a> {
    fn new(array: &'a ArrayRef, wire: &Wire) -> Result<Self> {
        let kind = Kind::new(array, wire).ok_or_else(|| {
            let (logical, came) = (&wire.logical, array.data_type());
            Error::internal(format!("A column of type {logical} came as Arrow type {came}."))
        })?;
        Ok(Values { nulls: array.nulls().filter(|nulls| nulls.null_count() > 0), kind })
    }

    #[inline]
    fn put(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            out.extend_from_slice(&[0xff; 4]);
            return Ok(());
        }
        match &self.kind {
            Kind::Boolean(array) => put(out, [u8::from(array.value(row))]),
            Kind::Int16(values) => put(out, values[row].to_be_bytes()),
            Kind::Int32(values) => put(out, values[row].to_be_bytes()),
            Kind::Int64(values) => put(out, values[row].to_be_bytes()),
            Kind::Float32(values) => put(out, values[row].to_be_bytes()),
            Kind::Float64(values) => put(out, values[row].to_be_bytes()),
            Kind::Decimal(values, scale) => numeric::put_decimal(out, values[row], *scale),
            Kind::Numeric(array) => return numeric::put_text(out, array.value(row)),
            Kind::Text(array) => put_bytes(out, array.value(row).as_bytes()),
            Kind::Jsonb(array) => {
                let text = array.value(row).as_bytes();
                out.reserve(5 + text.len());
                out.put_u32(text.len() as u32 + 1);
                out.put_u8(1); // the version of the binary form
                out.extend_from_slice(text);
            }
            Kind::Bytes(array) => put_bytes(out, array.value(row)),
            Kind::Date(values) => put(out, date(values[row])?.to_be_bytes()),
            Kind::Time(values) => put(out, values[row].to_be_bytes()),
            Kind::Timestamp(values) => put(out, timestamp(values[row])?.to_be_bytes()),
            Kind::Interval(values) => put(out, interval(values[row])),
            Kind::Uuid(array) => put_bytes(out, array.value(row)),
            Kind::List(list, items, oid) => return put_list(out, list, items, *oid, row),
        }
        Ok(())
    }
}

impl<'a> Kind<'a> {
    /// `None` when the array is not of the Arrow type that the contract gives to `logical`.
    fn new(array: &'a ArrayRef, wire: &Wire) -> Option<Self> {
        macro_rules! primitive {
            ($arrow:ty) => {
                array.as_primitive_opt::<$arrow>()?.values()
            };
        }
        Some(match &wire.logical {
            LogicalType::Boolean => Kind::Boolean(array.as_boolean_opt()?),
            LogicalType::Int16 => Kind::Int16(primitive!(Int16Type)),
            LogicalType::Int32 => Kind::Int32(primitive!(Int32Type)),
            LogicalType::Int64 => Kind::Int64(primitive!(Int64Type)),
            LogicalType::Float32 => Kind::Float32(primitive!(Float32Type)),
            LogicalType::Float64 => Kind::Float64(primitive!(Float64Type)),
            LogicalType::Decimal { .. } => match array.data_type() {
                DataType::Decimal128(_, scale) => {
                    let scale = numeric::Scale::new(u8::try_from(*scale).ok()?);
                    Kind::Decimal(primitive!(Decimal128Type), scale)
                }
                _ => return None,
            },
            LogicalType::Numeric => Kind::Numeric(array.as_string_opt()?),
            LogicalType::Json if wire.jsonb => Kind::Jsonb(array.as_string_opt()?),
            LogicalType::Text | LogicalType::Json => Kind::Text(array.as_string_opt()?),
            LogicalType::Bytes => Kind::Bytes(array.as_binary_opt()?),
            LogicalType::Date => Kind::Date(primitive!(Date32Type)),
            LogicalType::Time => Kind::Time(primitive!(Time64MicrosecondType)),
            LogicalType::Timestamp | LogicalType::TimestampTz => {
                Kind::Timestamp(primitive!(TimestampMicrosecondType))
            }
            LogicalType::Interval => Kind::Interval(primitive!(IntervalMonthDayNanoType)),
            LogicalType::Uuid => {
                let array = array.as_fixed_size_binary_opt()?;
                if array.value_length() != 16 {
                    return None;
                }
                Kind::Uuid(array)
            }
            LogicalType::List(item) => {
                let list: &ListArray = array.as_list_opt()?;
                let wire = Wire { logical: (**item).clone(), jsonb: wire.jsonb };
                let items = Values::new(list.values(), &wire).ok()?;
                Kind::List(list, Box::new(items), type_oid(item, wire.jsonb)?)
            }
            // Lands as JSON: the engine has converted it.
            LogicalType::Struct(_) => return None,
        })
    }
}

/// The object identifier of the built-in type that a scalar logical type lands as; none for nested types.
pub(crate) fn type_oid(logical: &LogicalType, jsonb: bool) -> Option<u32> {
    Some(match logical {
        LogicalType::Boolean => 16,
        LogicalType::Int16 => 21,
        LogicalType::Int32 => 23,
        LogicalType::Int64 => 20,
        LogicalType::Float32 => 700,
        LogicalType::Float64 => 701,
        LogicalType::Decimal { .. } | LogicalType::Numeric => 1700,
        LogicalType::Text => 25,
        LogicalType::Bytes => 17,
        LogicalType::Date => 1082,
        LogicalType::Time => 1083,
        LogicalType::Timestamp => 1114,
        LogicalType::TimestampTz => 1184,
        LogicalType::Interval => 1186,
        LogicalType::Uuid => 2950,
        LogicalType::Json if jsonb => 3802,
        LogicalType::Json => 114,
        LogicalType::List(_) | LogicalType::Struct(_) => return None,
    })
}

fn date(days: i32) -> Result<i32> {
    match days {
        // ±infinity is the same sentinel on both sides.
        i32::MIN | i32::MAX => Ok(days),
        DATE_MIN..=DATE_MAX => Ok(days - EPOCH_DAYS),
        _ => Err(out_of_range("A date")),
    }
}

fn timestamp(micros: i64) -> Result<i64> {
    match micros {
        i64::MIN | i64::MAX => Ok(micros),
        // The upper bound of PostgreSQL, the year 294276, lies beyond 64 bits counted from 1970.
        TIMESTAMP_MIN.. => Ok(micros - EPOCH_MICROS),
        _ => Err(out_of_range("A timestamp")),
    }
}

fn out_of_range(what: &str) -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        format!("{what} lies outside of the years 4713 BC to 294276 that PostgreSQL can hold."),
    )
}

/// Microseconds, days, months. PostgreSQL keeps no smaller part of a second than the microsecond.
fn interval(value: IntervalMonthDayNano) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(value.nanoseconds / 1_000).to_be_bytes());
    bytes[8..12].copy_from_slice(&value.days.to_be_bytes());
    bytes[12..].copy_from_slice(&value.months.to_be_bytes());
    bytes
}

/// An array of one dimension: dimensions, whether nulls occur, type of the items, length, first index, items.
fn put_list(out: &mut BytesMut, list: &ListArray, items: &Values<'_>, oid: u32, row: usize) -> Result<()> {
    let offsets = list.value_offsets();
    let (first, end) = (offsets[row] as usize, offsets[row + 1] as usize);
    let length_at = out.len();
    out.put_u32(0);
    out.put_u32(u32::from(end > first));
    let nulls = items.nulls.is_some_and(|nulls| (first..end).any(|item| nulls.is_null(item)));
    out.put_u32(u32::from(nulls));
    out.put_u32(oid);
    if end > first {
        out.put_u32((end - first) as u32);
        out.put_u32(1);
        for item in first..end {
            items.put(item, out)?;
        }
    }
    let length = u32::try_from(out.len() - length_at - 4)
        .map_err(|_| Error::new(ErrorKind::LimitExceeded, "A list is larger than PostgreSQL can hold."))?;
    out[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}
