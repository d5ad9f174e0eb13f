//! Columns under construction: values go in as wire bytes and come out as Arrow arrays.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, BooleanBufferBuilder, FixedSizeBinaryArray, ListArray,
    NullBufferBuilder, PrimitiveArray, StringArray, StructArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use serde::Deserialize as _;

use super::codec::Codec;
use super::decode::{Fault, take_field};
use super::numeric;

/// Days from 1970-01-01 to 2000-01-01, where Postgres begins to count.
pub(super) const EPOCH_DAYS: i32 = 10_957;
/// The same in µs.
pub(super) const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

type Appended = Result<(), Fault>;

/// One column: its values and which of them are null.
pub(super) struct Builder {
    values: Values,
    nulls: NullBufferBuilder,
}

enum Values {
    Boolean(BooleanBufferBuilder),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Decimal { values: Vec<i128>, precision: u8, scale: u8 },
    Numeric(Bytes),
    Text(Bytes),
    JsonText(Bytes),
    Jsonb(Bytes),
    Bytes(Bytes),
    Date(Vec<i32>),
    Time(Vec<i64>),
    Timestamp(Vec<i64>),
    Interval(Vec<IntervalMonthDayNano>),
    Uuid(Vec<u8>),
    List { offsets: Vec<i32>, item: Box<Builder> },
    Struct { members: Vec<Builder> },
}

/// Values of any length, end to end.
struct Bytes {
    offsets: Vec<i32>,
    data: Vec<u8>,
}

impl Bytes {
    fn with_capacity(rows: usize, bytes: usize) -> Bytes {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Bytes { offsets, data: Vec::with_capacity(bytes) }
    }

    fn push(&mut self, value: &[u8]) -> Appended {
        self.data.extend_from_slice(value);
        self.close()
    }

    /// Ends the value that was written into `data`.
    fn close(&mut self) -> Appended {
        let end =
            i32::try_from(self.data.len()).map_err(|_| Fault::Corrupt("a batch is larger than 2 GB"))?;
        self.offsets.push(end);
        Ok(())
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.data.truncate(self.offsets.last().copied().unwrap_or(0) as usize);
    }
}

/// The value as an array of exactly `N` bytes.
fn exactly<const N: usize>(value: &[u8]) -> Result<[u8; N], Fault> {
    value.try_into().map_err(|_| Fault::Corrupt("a value has the wrong length for its type"))
}

impl Builder {
    /// An empty column with room for `rows`.
    pub(super) fn new(codec: &Codec, rows: usize) -> Builder {
        Builder::with_capacity(codec, rows, rows * 16)
    }

    /// An empty column with room for what `full` holds, and an eighth more. Rounded up to a power of two, because an
    /// allocator keeps memory for each size apart, and the columns of a batch otherwise all have different ones.
    pub(super) fn like(codec: &Codec, full: &Builder, rows: usize) -> Builder {
        let bytes = match &full.values {
            Values::Numeric(bytes)
            | Values::Text(bytes)
            | Values::JsonText(bytes)
            | Values::Jsonb(bytes)
            | Values::Bytes(bytes) => bytes.data.len(),
            _ => 0,
        };
        Builder::with_capacity(
            codec,
            (rows + rows / 8).next_power_of_two(),
            (bytes + bytes / 8).next_power_of_two(),
        )
    }

    fn with_capacity(codec: &Codec, rows: usize, bytes: usize) -> Builder {
        let text = || Bytes::with_capacity(rows, bytes);
        let values = match codec {
            Codec::Boolean => Values::Boolean(BooleanBufferBuilder::new(rows)),
            Codec::Int16 => Values::Int16(Vec::with_capacity(rows)),
            Codec::Int32 => Values::Int32(Vec::with_capacity(rows)),
            Codec::Int64 => Values::Int64(Vec::with_capacity(rows)),
            Codec::Float32 => Values::Float32(Vec::with_capacity(rows)),
            Codec::Float64 => Values::Float64(Vec::with_capacity(rows)),
            Codec::Decimal { precision, scale } => {
                Values::Decimal { values: Vec::with_capacity(rows), precision: *precision, scale: *scale }
            }
            Codec::Numeric => Values::Numeric(text()),
            Codec::Text => Values::Text(text()),
            Codec::JsonText => Values::JsonText(text()),
            Codec::Jsonb => Values::Jsonb(text()),
            Codec::Bytes => Values::Bytes(text()),
            Codec::Date => Values::Date(Vec::with_capacity(rows)),
            Codec::Time => Values::Time(Vec::with_capacity(rows)),
            Codec::Timestamp => Values::Timestamp(Vec::with_capacity(rows)),
            Codec::Interval => Values::Interval(Vec::with_capacity(rows)),
            Codec::Uuid => Values::Uuid(Vec::with_capacity(rows * 16)),
            Codec::List(item) => {
                let mut offsets = Vec::with_capacity(rows + 1);
                offsets.push(0);
                Values::List { offsets, item: Box::new(Builder::new(item, rows)) }
            }
            Codec::Struct(members) => {
                Values::Struct { members: members.iter().map(|(_, m)| Builder::new(m, rows)).collect() }
            }
        };
        Builder { values, nulls: NullBufferBuilder::new(rows) }
    }

    /// Appends one value, or null. After an error the column may hold a part of it: `truncate` it.
    pub(super) fn append(&mut self, value: Option<&[u8]>) -> Appended {
        match value {
            Some(value) => {
                self.values.append(value)?;
                self.nulls.append_non_null();
            }
            None => {
                self.values.append_null()?;
                self.nulls.append_null();
            }
        }
        Ok(())
    }

    /// Forgets everything after the first `rows` values.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        if self.nulls.len() > rows {
            self.nulls.truncate(rows);
        }
    }

    /// The array of Arrow type `data_type`, which must be that of the codec.
    ///
    /// # Errors
    /// When text is not UTF-8.
    pub(super) fn finish(mut self, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let rows = self.nulls.len();
        let nulls = self.nulls.finish();
        Ok(match self.values {
            Values::Boolean(mut values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Values::Int16(values) => primitive::<Int16Type>(values, nulls, data_type)?,
            Values::Int32(values) => primitive::<Int32Type>(values, nulls, data_type)?,
            Values::Int64(values) => primitive::<Int64Type>(values, nulls, data_type)?,
            Values::Float32(values) => primitive::<Float32Type>(values, nulls, data_type)?,
            Values::Float64(values) => primitive::<Float64Type>(values, nulls, data_type)?,
            Values::Decimal { values, .. } => primitive::<Decimal128Type>(values, nulls, data_type)?,
            Values::Date(values) => primitive::<Date32Type>(values, nulls, data_type)?,
            Values::Time(values) => primitive::<Time64MicrosecondType>(values, nulls, data_type)?,
            Values::Timestamp(values) => primitive::<TimestampMicrosecondType>(values, nulls, data_type)?,
            Values::Interval(values) => primitive::<IntervalMonthDayNanoType>(values, nulls, data_type)?,
            Values::Numeric(bytes) | Values::Text(bytes) | Values::JsonText(bytes) | Values::Jsonb(bytes) => {
                let (offsets, data) = bytes.finish()?;
                Arc::new(StringArray::try_new(offsets, data, nulls)?)
            }
            Values::Bytes(bytes) => {
                let (offsets, data) = bytes.finish()?;
                Arc::new(BinaryArray::try_new(offsets, data, nulls)?)
            }
            Values::Uuid(values) => {
                Arc::new(FixedSizeBinaryArray::try_new(16, Buffer::from_vec(values), nulls)?)
            }
            Values::List { offsets, item } => {
                let DataType::List(field) = data_type else { return Err(mismatch(data_type)) };
                let items = item.finish(field.data_type())?;
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(ListArray::try_new(Arc::clone(field), offsets, items, nulls)?)
            }
            Values::Struct { members } => {
                let DataType::Struct(fields) = data_type else { return Err(mismatch(data_type)) };
                let arrays = members
                    .into_iter()
                    .zip(fields)
                    .map(|(member, field)| member.finish(field.data_type()))
                    .collect::<Result<Vec<_>, _>>()?;
                Arc::new(StructArray::try_new_with_length(fields.clone(), arrays, nulls, rows)?)
            }
        })
    }
}

fn mismatch(data_type: &DataType) -> ArrowError {
    ArrowError::SchemaError(format!("a codec and its Arrow type {data_type} do not belong together"))
}

fn primitive<T: ArrowPrimitiveType>(
    values: Vec<T::Native>,
    nulls: Option<NullBuffer>,
    data_type: &DataType,
) -> Result<ArrayRef, ArrowError> {
    if !PrimitiveArray::<T>::is_compatible(data_type) {
        return Err(mismatch(data_type));
    }
    let array = PrimitiveArray::<T>::try_new(ScalarBuffer::from(values), nulls)?;
    Ok(Arc::new(array.with_data_type(data_type.clone())))
}

impl Bytes {
    fn finish(self) -> Result<(OffsetBuffer<i32>, Buffer), ArrowError> {
        Ok((OffsetBuffer::new(ScalarBuffer::from(self.offsets)), Buffer::from_vec(self.data)))
    }
}

impl Values {
    #[inline]
    fn append(&mut self, value: &[u8]) -> Appended {
        match self {
            Values::Int32(values) => values.push(i32::from_be_bytes(exactly(value)?)),
            Values::Int64(values) => values.push(i64::from_be_bytes(exactly(value)?)),
            Values::Decimal { values, precision, scale } => {
                values.push(numeric::decimal(value, *precision, *scale)?);
            }
            Values::Text(bytes) | Values::Bytes(bytes) => bytes.push(value)?,
            Values::Date(values) => values.push(date(i32::from_be_bytes(exactly(value)?))?),
            Values::Timestamp(values) => values.push(timestamp(i64::from_be_bytes(exactly(value)?))?),
            Values::Int16(values) => values.push(i16::from_be_bytes(exactly(value)?)),
            Values::Float32(values) => values.push(f32::from_be_bytes(exactly(value)?)),
            Values::Float64(values) => values.push(f64::from_be_bytes(exactly(value)?)),
            Values::Boolean(values) => match value {
                [0] => values.append(false),
                [1] => values.append(true),
                _ => return Err(Fault::Corrupt("a boolean is neither true nor false")),
            },
            Values::Numeric(bytes) => {
                numeric::text(value, &mut bytes.data)?;
                bytes.close()?;
            }
            Values::JsonText(bytes) => bytes.push(json(value)?)?,
            Values::Jsonb(bytes) => match value.split_first() {
                Some((1, text)) => bytes.push(text)?,
                _ => return Err(Fault::Corrupt("a jsonb value has a version that is not known")),
            },
            Values::Time(values) => values.push(time(i64::from_be_bytes(exactly(value)?))?),
            Values::Interval(values) => values.push(interval(value)?),
            Values::Uuid(values) => values.extend_from_slice(&exactly::<16>(value)?),
            Values::List { offsets, item } => list(value, offsets, item)?,
            Values::Struct { members } => composite(value, members)?,
        }
        Ok(())
    }

    #[inline]
    fn append_null(&mut self) -> Appended {
        match self {
            Values::Boolean(values) => values.append(false),
            Values::Int16(values) => values.push(0),
            Values::Int32(values) | Values::Date(values) => values.push(0),
            Values::Int64(values) | Values::Time(values) | Values::Timestamp(values) => values.push(0),
            Values::Float32(values) => values.push(0.0),
            Values::Float64(values) => values.push(0.0),
            Values::Decimal { values, .. } => values.push(0),
            Values::Numeric(bytes)
            | Values::Text(bytes)
            | Values::JsonText(bytes)
            | Values::Jsonb(bytes)
            | Values::Bytes(bytes) => bytes.close()?,
            Values::Interval(values) => values.push(IntervalMonthDayNano::ZERO),
            Values::Uuid(values) => values.extend_from_slice(&[0; 16]),
            Values::List { offsets, .. } => offsets.push(offsets.last().copied().unwrap_or(0)),
            Values::Struct { members } => {
                for member in members {
                    member.append(None)?;
                }
            }
        }
        Ok(())
    }

    fn truncate(&mut self, rows: usize) {
        match self {
            Values::Boolean(values) => values.truncate(rows),
            Values::Int16(values) => values.truncate(rows),
            Values::Int32(values) | Values::Date(values) => values.truncate(rows),
            Values::Int64(values) | Values::Time(values) | Values::Timestamp(values) => values.truncate(rows),
            Values::Float32(values) => values.truncate(rows),
            Values::Float64(values) => values.truncate(rows),
            Values::Decimal { values, .. } => values.truncate(rows),
            Values::Numeric(bytes)
            | Values::Text(bytes)
            | Values::JsonText(bytes)
            | Values::Jsonb(bytes)
            | Values::Bytes(bytes) => bytes.truncate(rows),
            Values::Interval(values) => values.truncate(rows),
            Values::Uuid(values) => values.truncate(rows * 16),
            Values::List { offsets, item } => {
                offsets.truncate(rows + 1);
                item.truncate(offsets.last().copied().unwrap_or(0) as usize);
            }
            Values::Struct { members } => members.iter_mut().for_each(|member| member.truncate(rows)),
        }
    }
}

/// Days since 2000 to days since 1970. Postgres uses the extremes of the integer for ±infinity, as Syncline does.
fn date(days: i32) -> Result<i32, Fault> {
    match days {
        i32::MAX | i32::MIN => Ok(days),
        _ => days.checked_add(EPOCH_DAYS).ok_or(Fault::Corrupt("a date is out of range")),
    }
}

/// µs since 2000 to µs since 1970; ±infinity as for dates. The last years that Postgres knows do not fit.
fn timestamp(micros: i64) -> Result<i64, Fault> {
    match micros {
        i64::MAX | i64::MIN => Ok(micros),
        _ => micros.checked_add(EPOCH_MICROS).filter(|shifted| *shifted != i64::MAX).ok_or_else(|| {
            Fault::Reject("the time lies after the year 294246, the last one that fits".to_owned())
        }),
    }
}

fn time(micros: i64) -> Result<i64, Fault> {
    match micros {
        0..=86_400_000_000 => Ok(micros),
        _ => Err(Fault::Corrupt("a time of day is out of range")),
    }
}

fn interval(value: &[u8]) -> Result<IntervalMonthDayNano, Fault> {
    let bytes: [u8; 16] = exactly(value)?;
    let (micros, days, months) = interval_parts(bytes);
    if micros == i64::MAX && days == i32::MAX && months == i32::MAX
        || micros == i64::MIN && days == i32::MIN && months == i32::MIN
    {
        return Err(Fault::Reject("the interval is infinite".to_owned()));
    }
    let nanos = micros.checked_mul(1000).ok_or_else(|| {
        Fault::Reject("the interval has more than 292 years of hours, which do not fit".to_owned())
    })?;
    Ok(IntervalMonthDayNano::new(months, days, nanos))
}

/// µs, days, months.
pub(super) fn interval_parts(bytes: [u8; 16]) -> (i64, i32, i32) {
    let wide = u128::from_be_bytes(bytes);
    ((wide >> 64) as u64 as i64, (wide >> 32) as u32 as i32, wide as u32 as i32)
}

fn json(value: &[u8]) -> Result<&[u8], Fault> {
    let mut reader = serde_json::Deserializer::from_slice(value);
    serde::de::IgnoredAny::deserialize(&mut reader)
        .and_then(|_| reader.end())
        .map(|()| value)
        .map_err(|error| Fault::Reject(format!("the text is not JSON (at character {})", error.column())))
}

/// The dimensions and elements of an array.
pub(super) struct Elements<'a> {
    /// How many elements, in one dimension.
    pub(super) count: usize,
    /// Each as a length and bytes.
    pub(super) rest: &'a [u8],
}

/// Reads the head of an array: number of dimensions, a flag for nulls, type of the elements; for each dimension
/// length and lower bound.
pub(super) fn elements(value: &[u8]) -> Result<Elements<'_>, Fault> {
    let word = |at: usize| {
        let bytes = value.get(at..).and_then(<[u8]>::first_chunk::<4>);
        bytes.map(|b| i32::from_be_bytes(*b)).ok_or(Fault::Corrupt("an array ends too early"))
    };
    match word(0)? {
        0 => Ok(Elements { count: 0, rest: &[] }),
        1 => {
            let count =
                usize::try_from(word(12)?).map_err(|_| Fault::Corrupt("an array has a negative length"))?;
            word(16)?;
            let rest = &value[20..];
            // Each element takes at least its length: a count that cannot be true must not reserve memory.
            if count > rest.len() / 4 {
                return Err(Fault::Corrupt("an array is shorter than it says"));
            }
            Ok(Elements { count, rest })
        }
        dimensions @ 2..=6 => Err(Fault::Reject(format!(
            "the array has {dimensions} dimensions; choose the type json for this column to keep them"
        ))),
        _ => Err(Fault::Corrupt("an array has an impossible number of dimensions")),
    }
}

fn list(value: &[u8], offsets: &mut Vec<i32>, item: &mut Builder) -> Appended {
    let Elements { count, mut rest } = elements(value)?;
    for _ in 0..count {
        item.append(take_field(&mut rest)?)?;
    }
    if !rest.is_empty() {
        return Err(Fault::Corrupt("an array is longer than it says"));
    }
    let end = i32::try_from(item.nulls.len()).map_err(|_| Fault::Corrupt("a batch has too many elements"))?;
    offsets.push(end);
    Ok(())
}

/// The members of a composite value: their number, then for each its type, length and bytes.
fn composite(value: &[u8], members: &mut [Builder]) -> Appended {
    let mut rest = composite_members(value, members.len())?;
    for member in members {
        rest = rest.get(4..).ok_or(Fault::Corrupt("a composite value ends too early"))?;
        member.append(take_field(&mut rest)?)?;
    }
    if rest.is_empty() { Ok(()) } else { Err(Fault::Corrupt("a composite value is longer than it says")) }
}

/// What follows the number of members, which must be `expected`.
pub(super) fn composite_members(value: &[u8], expected: usize) -> Result<&[u8], Fault> {
    let (count, rest) = value.split_first_chunk::<4>().ok_or(Fault::Corrupt("a composite value is empty"))?;
    if usize::try_from(i32::from_be_bytes(*count)) == Ok(expected) {
        Ok(rest)
    } else {
        Err(Fault::Corrupt("a composite value has another number of members than its type"))
    }
}
