//! Arrow arrays into DuckDB's vectors and back.
//!
//! The hot path of every load. Numbers are copied as blocks, text is not copied at all: a vector's string points into
//! the Arrow buffer, and the appender makes its own copy before the buffer can go. Everything is done per vector of
//! 2,048 rows, which stays in the cache. Layouts: `duckdb.h` of DuckDB 1.5.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array, FixedSizeBinaryArray,
    IntervalMonthDayNanoArray, ListArray, PrimitiveArray, StringArray, StructArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNano, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;
use duckdb::core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId};
use duckdb::ffi;
use syncline_protocol::{Error, ErrorKind, LogicalType, Result};

use crate::failure::failure;
use crate::raw::{Connection, RawResult, text_at};

#[cfg(target_endian = "big")]
compile_error!("DuckDB's strings are written here as little-endian words");

/// Rows of one vector (`STANDARD_VECTOR_SIZE`).
const VECTOR_ROWS: usize = 2048;

/// DuckDB's type for a logical type.
pub(crate) fn duckdb_type(logical: &LogicalType) -> LogicalTypeHandle {
    match logical {
        LogicalType::Boolean => LogicalTypeId::Boolean.into(),
        LogicalType::Int16 => LogicalTypeId::Smallint.into(),
        LogicalType::Int32 => LogicalTypeId::Integer.into(),
        LogicalType::Int64 => LogicalTypeId::Bigint.into(),
        LogicalType::Float32 => LogicalTypeId::Float.into(),
        LogicalType::Float64 => LogicalTypeId::Double.into(),
        LogicalType::Decimal { precision, scale } => LogicalTypeHandle::decimal(*precision, *scale),
        LogicalType::Numeric | LogicalType::Text => LogicalTypeId::Varchar.into(),
        LogicalType::Json => {
            // JSON is text with another name; with the name, the appender does not parse it again.
            let mut json = LogicalTypeHandle::from(LogicalTypeId::Varchar);
            json.set_alias("JSON");
            json
        }
        LogicalType::Bytes => LogicalTypeId::Blob.into(),
        LogicalType::Date => LogicalTypeId::Date.into(),
        LogicalType::Time => LogicalTypeId::Time.into(),
        LogicalType::Timestamp => LogicalTypeId::Timestamp.into(),
        LogicalType::TimestampTz => LogicalTypeId::TimestampTZ.into(),
        LogicalType::Interval => LogicalTypeId::Interval.into(),
        LogicalType::Uuid => LogicalTypeId::Uuid.into(),
        LogicalType::List(item) => LogicalTypeHandle::list(&duckdb_type(item)),
        LogicalType::Struct(fields) => {
            let members: Vec<_> =
                fields.iter().map(|field| (field.name.as_str(), duckdb_type(&field.logical))).collect();
            LogicalTypeHandle::struct_type(&members)
        }
    }
}

/// What a column of the table is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    /// A column of the batch.
    Column(usize),
    /// Nulls.
    Null,
    /// False.
    False,
    /// The same number in every row, an int16.
    Number(i16),
    /// The number of the row in the segment, an int64.
    Sequence,
}

/// Appends Arrow batches to a table, inside the transaction of its connection. Rows that are not flushed when it is
/// dropped are forgotten.
pub(crate) struct Appender<'a> {
    appender: ffi::duckdb_appender,
    chunk: DataChunkHandle,
    /// How columns must lie in Arrow to be written.
    columns: Vec<DataType>,
    connection: PhantomData<&'a Connection>,
}

impl<'a> Appender<'a> {
    /// An appender for `catalog.schema.table`, all of whose columns are, in their order, of `types`.
    pub(crate) fn new(
        connection: &'a Connection,
        (catalog, schema, table): (Option<&str>, &str, &str),
        types: &[LogicalType],
    ) -> Result<Self> {
        let name = |text: &str| {
            CString::new(text).map_err(|_| Error::new(ErrorKind::Config, "A table name holds U+0000."))
        };
        let (catalog, schema, table) = (catalog.map(name).transpose()?, name(schema)?, name(table)?);
        let catalog_text = catalog.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        let mut appender: ffi::duckdb_appender = ptr::null_mut();
        // SAFETY: the connection outlives the appender (`'a`), the names outlive the call.
        let state = unsafe {
            ffi::duckdb_appender_create_ext(
                connection.raw(),
                catalog_text,
                schema.as_ptr(),
                table.as_ptr(),
                &mut appender,
            )
        };
        let appender = Appender {
            appender,
            chunk: DataChunkHandle::new(&types.iter().map(duckdb_type).collect::<Vec<_>>()),
            columns: types.iter().map(LogicalType::to_arrow).collect(),
            connection: PhantomData,
        };
        if state != ffi::DuckDBSuccess {
            return Err(appender.error("preparing to write rows"));
        }
        Ok(appender)
    }

    /// Appends all rows of a batch. `fills` names the content of each column of the table; `first` is the number of the
    /// first row in the segment.
    pub(crate) fn append(&mut self, batch: &RecordBatch, fills: &[Fill], first: i64) -> Result<()> {
        if !self.fits(batch, fills) {
            return Err(Error::internal("The columns of a batch are not those the table was opened with."));
        }
        for offset in (0..batch.num_rows()).step_by(VECTOR_ROWS) {
            let length = VECTOR_ROWS.min(batch.num_rows() - offset);
            let pointer = self.chunk.get_ptr();
            // SAFETY: the chunk is ours. Resetting forgets the strings of the last round, which the appender copied.
            unsafe { ffi::duckdb_data_chunk_reset(pointer) };
            for (index, fill) in fills.iter().enumerate() {
                // SAFETY: `index` < number of columns of the chunk; the vector lives as long as the chunk, and has
                // room for VECTOR_ROWS ≥ length rows.
                unsafe {
                    let vector = ffi::duckdb_data_chunk_get_vector(pointer, index as u64);
                    match fill {
                        Fill::Column(column) => write(vector, batch.column(*column), offset, length)?,
                        Fill::Null => write_validity(vector, Some(&NullBuffer::new_null(length)), 0, length),
                        Fill::False => put(vector, (0..length).map(|_| 0u8)),
                        Fill::Number(number) => put(vector, (0..length).map(|_| *number)),
                        Fill::Sequence => {
                            put(vector, (0..length).map(|row| first + (offset + row) as i64));
                        }
                    }
                }
            }
            self.chunk.set_len(length);
            // SAFETY: both are live; the rows are copied during the call.
            if unsafe { ffi::duckdb_append_data_chunk(self.appender, pointer) } != ffi::DuckDBSuccess {
                return Err(self.error("writing rows"));
            }
        }
        Ok(())
    }

    /// Whether each column has its fill, and each filling column lies in Arrow as it will be read. What follows relies
    /// on it for memory safety.
    fn fits(&self, batch: &RecordBatch, fills: &[Fill]) -> bool {
        let fits = |(wanted, fill): (&DataType, &Fill)| match fill {
            Fill::Column(column) => {
                batch.columns().get(*column).is_some_and(|array| array.data_type().equals_datatype(wanted))
            }
            Fill::Null => true,
            Fill::False => *wanted == DataType::Boolean,
            Fill::Number(_) => *wanted == DataType::Int16,
            Fill::Sequence => *wanted == DataType::Int64,
        };
        fills.len() == self.columns.len() && self.columns.iter().zip(fills).all(fits)
    }

    /// Hands everything appended so far to the transaction.
    pub(crate) fn flush(&mut self) -> Result<()> {
        // SAFETY: the appender is live.
        if unsafe { ffi::duckdb_appender_flush(self.appender) } != ffi::DuckDBSuccess {
            return Err(self.error("writing rows"));
        }
        Ok(())
    }

    fn error(&self, doing: &str) -> Error {
        // SAFETY: the appender is live and owns the text.
        failure(doing, &unsafe { text_at(ffi::duckdb_appender_error(self.appender)) })
    }
}

impl Drop for Appender<'_> {
    fn drop(&mut self) {
        // SAFETY: made by us, destroyed once. Clearing first, because destroying would flush what is left.
        unsafe {
            ffi::duckdb_appender_clear(self.appender);
            ffi::duckdb_appender_destroy(&mut self.appender);
        }
    }
}

/// Writes one value per row to the data of a vector.
///
/// # Safety
/// The vector is flat, holds values as large as `T`, and has room for all values.
#[inline]
unsafe fn put<T: Copy>(vector: ffi::duckdb_vector, values: impl ExactSizeIterator<Item = T>) {
    // SAFETY: by contract; `write_unaligned` because DuckDB aligns data for its own types only.
    unsafe {
        let data = ffi::duckdb_vector_get_data(vector).cast::<T>();
        for (row, value) in values.enumerate() {
            data.add(row).write_unaligned(value);
        }
    }
}

/// Copies rows of a primitive array as they are.
///
/// # Safety
/// As for [`put`], with `T::Native`.
#[inline]
unsafe fn copy<T: ArrowPrimitiveType>(
    vector: ffi::duckdb_vector,
    array: &dyn Array,
    offset: usize,
    length: usize,
) {
    let values = &array.as_primitive::<T>().values()[offset..offset + length];
    // SAFETY: by contract; source and target do not overlap.
    unsafe {
        let data = ffi::duckdb_vector_get_data(vector).cast::<T::Native>();
        ptr::copy_nonoverlapping(values.as_ptr(), data, length);
    }
}

/// Writes `length` rows of an array, from `offset`, to the first rows of a vector of the same logical type.
///
/// # Safety
/// The vector is live, flat, of the type [`duckdb_type`] names, and has room for `length` rows. The buffers of the array
/// outlive the use of the vector's strings.
unsafe fn write(vector: ffi::duckdb_vector, array: &ArrayRef, offset: usize, length: usize) -> Result<()> {
    // SAFETY: each arm writes the width that DuckDB has for the type of the array; all by contract of this function.
    unsafe {
        write_validity(vector, array.nulls(), offset, length);
        match array.data_type() {
            DataType::Boolean => {
                let values = array.as_boolean().values();
                put(vector, (offset..offset + length).map(|row| u8::from(values.value(row))));
            }
            DataType::Int16 => copy::<Int16Type>(vector, array, offset, length),
            DataType::Int32 => copy::<Int32Type>(vector, array, offset, length),
            DataType::Int64 => copy::<Int64Type>(vector, array, offset, length),
            DataType::Float32 => copy::<Float32Type>(vector, array, offset, length),
            DataType::Float64 => copy::<Float64Type>(vector, array, offset, length),
            DataType::Time64(_) => copy::<Time64MicrosecondType>(vector, array, offset, length),
            // -infinity is MIN in the contract and -MAX in DuckDB; nothing else lies below -MAX.
            DataType::Date32 => {
                let values = &array.as_primitive::<Date32Type>().values()[offset..offset + length];
                put(vector, values.iter().map(|day| (*day).max(-i32::MAX)));
            }
            DataType::Timestamp(..) => {
                let values =
                    &array.as_primitive::<TimestampMicrosecondType>().values()[offset..offset + length];
                put(vector, values.iter().map(|instant| (*instant).max(-i64::MAX)));
            }
            DataType::Decimal128(precision, _) => {
                write_decimal(vector, array.as_primitive(), *precision, offset, length)?;
            }
            DataType::Interval(_) => {
                let values = &array.as_primitive::<arrow::datatypes::IntervalMonthDayNanoType>().values()
                    [offset..offset + length];
                put(
                    vector,
                    values.iter().map(|interval| ffi::duckdb_interval {
                        months: interval.months,
                        days: interval.days,
                        micros: interval.nanoseconds / 1000,
                    }),
                );
            }
            DataType::FixedSizeBinary(16) => {
                let values = array.as_fixed_size_binary();
                put(vector, (offset..offset + length).map(|row| uuid_to_duckdb(values.value(row))));
            }
            DataType::Utf8 => {
                let array: &StringArray = array.as_string();
                write_bytes(vector, array.offsets(), array.values(), offset, length);
            }
            DataType::Binary => {
                let array: &BinaryArray = array.as_binary();
                write_bytes(vector, array.offsets(), array.values(), offset, length);
            }
            DataType::List(_) => write_list(vector, array.as_list(), offset, length)?,
            DataType::Struct(_) => {
                let members = array.as_struct();
                for (index, member) in members.columns().iter().enumerate() {
                    write(ffi::duckdb_struct_vector_get_child(vector, index as u64), member, offset, length)?;
                }
            }
            other => return Err(Error::internal(format!("DuckDB cannot take Arrow type {other}."))),
        }
    }
    Ok(())
}

/// Marks nulls. A vector is all valid until this is called with nulls.
///
/// # Safety
/// The vector is live and has room for `length` rows.
unsafe fn write_validity(
    vector: ffi::duckdb_vector,
    nulls: Option<&NullBuffer>,
    offset: usize,
    length: usize,
) {
    let Some(nulls) = nulls else { return };
    let nulls = nulls.slice(offset, length);
    if nulls.null_count() == 0 {
        return;
    }
    // SAFETY: after `ensure_validity_writable` there is one bit a row, in 64-bit words; one is valid, as in Arrow.
    unsafe {
        ffi::duckdb_vector_ensure_validity_writable(vector);
        let words = ffi::duckdb_vector_get_validity(vector);
        let chunks = nulls.inner().bit_chunks();
        for (index, word) in chunks.iter().enumerate() {
            words.add(index).write(word);
        }
        if chunks.remainder_len() > 0 {
            words.add(length / 64).write(chunks.remainder_bits());
        }
    }
}

/// Decimals lie in the narrowest integer that holds their precision.
///
/// # Safety
/// As for [`write`].
unsafe fn write_decimal(
    vector: ffi::duckdb_vector,
    array: &Decimal128Array,
    precision: u8,
    offset: usize,
    length: usize,
) -> Result<()> {
    let values = &array.values()[offset..offset + length];
    // A source that breaks its own precision must not be cut to fewer bits.
    let bound = 10i128.pow(u32::from(precision.min(38)));
    if values.iter().any(|value| *value <= -bound || *value >= bound) {
        let wrong =
            |row: usize| array.is_valid(offset + row) && (values[row] <= -bound || values[row] >= bound);
        if (0..length).any(wrong) {
            let message = format!("A decimal has more than its {precision} digits.");
            return Err(Error::new(ErrorKind::Mismatch, message));
        }
    }
    // SAFETY: the widths of DuckDB's decimals; by contract otherwise.
    unsafe {
        match precision {
            0..=4 => put(vector, values.iter().map(|value| *value as i16)),
            5..=9 => put(vector, values.iter().map(|value| *value as i32)),
            10..=18 => put(vector, values.iter().map(|value| *value as i64)),
            _ => put(vector, values.iter().copied()),
        }
    }
    Ok(())
}

/// Writes DuckDB's 16-byte strings: the length, then either the bytes themselves (up to 12), or four of them and a
/// pointer.
///
/// # Safety
/// As for [`write`]; the offsets are those of an Arrow array over `bytes`.
unsafe fn write_bytes(
    vector: ffi::duckdb_vector,
    offsets: &OffsetBuffer<i32>,
    bytes: &Buffer,
    offset: usize,
    length: usize,
) {
    let offsets = &offsets[offset..=offset + length];
    let bytes = bytes.as_slice();
    let word = |pair: &[i32]| {
        let (start, end) = (pair[0] as usize, pair[1] as usize);
        let text = &bytes[start..end];
        let head = match bytes.get(start..start + 16) {
            Some(head) => u128::from_le_bytes(head.try_into().unwrap_or_default()),
            // The last few bytes of the buffer.
            None => {
                let mut head = [0; 16];
                let known = text.len().min(16);
                head[..known].copy_from_slice(&text[..known]);
                u128::from_le_bytes(head)
            }
        };
        let size = text.len() as u128;
        if text.len() <= 12 {
            size | (head & ((1u128 << (8 * text.len())) - 1)) << 32
        } else {
            let prefix = head & 0xffff_ffff;
            size | prefix << 32 | (text.as_ptr() as u128) << 64
        }
    };
    // SAFETY: by contract; a string of DuckDB has 16 bytes.
    unsafe { put(vector, offsets.windows(2).map(word)) };
}

/// # Safety
/// As for [`write`].
unsafe fn write_list(
    vector: ffi::duckdb_vector,
    list: &ListArray,
    offset: usize,
    length: usize,
) -> Result<()> {
    let offsets = &list.value_offsets()[offset..=offset + length];
    let (first, last) = (offsets[0] as u64, offsets[length] as u64);
    // SAFETY: entries point into the child's first `last - first` rows, which are reserved before they are written.
    unsafe {
        let entry = |pair: &[i32]| ffi::duckdb_list_entry {
            offset: pair[0] as u64 - first,
            length: (pair[1] - pair[0]) as u64,
        };
        put(vector, offsets.windows(2).map(entry));
        let items = last - first;
        let reserved = ffi::duckdb_list_vector_reserve(vector, items) == ffi::DuckDBSuccess
            && ffi::duckdb_list_vector_set_size(vector, items) == ffi::DuckDBSuccess;
        if !reserved {
            return Err(Error::internal("DuckDB has no room for the items of a list."));
        }
        write(ffi::duckdb_list_vector_get_child(vector), list.values(), first as usize, items as usize)
    }
}

/// DuckDB keeps a UUID as a signed 128-bit number whose order is that of the text: the highest bit is flipped.
#[inline]
fn uuid_to_duckdb(bytes: &[u8]) -> u128 {
    u128::from_be_bytes(bytes.try_into().unwrap_or_default()) ^ (1 << 127)
}

/// The chunks of a result, as Arrow.
pub(crate) struct Chunks<'a> {
    result: RawResult,
    connection: PhantomData<&'a Connection>,
}

impl<'a> Chunks<'a> {
    /// The rows of a result of `connection`, which must stay open while they are read.
    pub(crate) fn new(_connection: &'a Connection, result: RawResult) -> Self {
        Chunks { result, connection: PhantomData }
    }

    /// How many columns the result has.
    pub(crate) fn columns(&mut self) -> usize {
        // SAFETY: the result is live.
        unsafe { ffi::duckdb_column_count(&mut self.result.0) as usize }
    }

    /// The next rows (up to 2,048), or `None` at the end. The columns of the result must have these types.
    pub(crate) fn next(&mut self, doing: &str, types: &[LogicalType]) -> Result<Option<Vec<ArrayRef>>> {
        if types.len() != self.columns() {
            return Err(Error::internal("A query has another number of columns than expected."));
        }
        // SAFETY: the result is live; the chunk belongs to us and is destroyed below.
        let chunk = unsafe { ffi::duckdb_fetch_chunk(self.result.0) };
        if chunk.is_null() {
            return if self.result.failed() { Err(failure(doing, &self.result.error())) } else { Ok(None) };
        }
        let chunk = Fetched(chunk);
        // SAFETY: the chunk is live while `chunk` is; its vectors have `length` rows.
        unsafe {
            let length = ffi::duckdb_data_chunk_get_size(chunk.0) as usize;
            if length == 0 {
                return Ok(None);
            }
            types
                .iter()
                .enumerate()
                .map(|(index, logical)| {
                    read(ffi::duckdb_data_chunk_get_vector(chunk.0, index as u64), logical, length)
                })
                .collect::<Result<_>>()
                .map(Some)
        }
    }
}

struct Fetched(ffi::duckdb_data_chunk);

impl Drop for Fetched {
    fn drop(&mut self) {
        // SAFETY: fetched by us, destroyed once.
        unsafe { ffi::duckdb_destroy_data_chunk(&mut self.0) };
    }
}

/// The first `length` values of a vector.
///
/// # Safety
/// The vector is live and flat, holds values of `T`'s size, and has at least `length` rows.
unsafe fn values<T: Copy>(vector: ffi::duckdb_vector, length: usize) -> impl Iterator<Item = T> {
    // SAFETY: by contract.
    let data = unsafe { ffi::duckdb_vector_get_data(vector) }.cast::<T>();
    (0..length).map(move |row| unsafe { data.add(row).read_unaligned() })
}

/// The first `length` rows of a vector of the type that [`duckdb_type`] names, as the Arrow array of that type.
///
/// # Safety
/// The vector is live and flat (result chunks are) and has at least `length` rows. Its type is checked here.
unsafe fn read(vector: ffi::duckdb_vector, logical: &LogicalType, length: usize) -> Result<ArrayRef> {
    // SAFETY: the type is checked before values are read with the width it has.
    unsafe {
        check_type(vector, logical)?;
        let nulls = read_validity(vector, length);
        Ok(match logical {
            LogicalType::Boolean => {
                let bits: BooleanBuffer = values::<u8>(vector, length).map(|value| value != 0).collect();
                Arc::new(BooleanArray::new(bits, nulls))
            }
            LogicalType::Int16 => primitive::<Int16Type>(values(vector, length), nulls),
            LogicalType::Int32 => primitive::<Int32Type>(values(vector, length), nulls),
            LogicalType::Int64 => primitive::<Int64Type>(values(vector, length), nulls),
            LogicalType::Float32 => primitive::<Float32Type>(values(vector, length), nulls),
            LogicalType::Float64 => primitive::<Float64Type>(values(vector, length), nulls),
            LogicalType::Time => primitive::<Time64MicrosecondType>(values(vector, length), nulls),
            LogicalType::Date => {
                let days =
                    values::<i32>(vector, length).map(|day| if day == -i32::MAX { i32::MIN } else { day });
                primitive::<Date32Type>(days, nulls)
            }
            LogicalType::Timestamp | LogicalType::TimestampTz => {
                let instants: Vec<i64> = values::<i64>(vector, length)
                    .map(|instant| if instant == -i64::MAX { i64::MIN } else { instant })
                    .collect();
                let array = PrimitiveArray::<TimestampMicrosecondType>::new(instants.into(), nulls);
                Arc::new(array.with_data_type(logical.to_arrow()))
            }
            LogicalType::Decimal { precision, scale } => {
                let numbers: Vec<i128> = match precision {
                    0..=4 => values::<i16>(vector, length).map(i128::from).collect(),
                    5..=9 => values::<i32>(vector, length).map(i128::from).collect(),
                    10..=18 => values::<i64>(vector, length).map(i128::from).collect(),
                    _ => values::<i128>(vector, length).collect(),
                };
                let array = Decimal128Array::new(numbers.into(), nulls);
                Arc::new(array.with_precision_and_scale(*precision, *scale as i8)?)
            }
            LogicalType::Interval => {
                let intervals: ScalarBuffer<IntervalMonthDayNano> =
                    values::<ffi::duckdb_interval>(vector, length)
                        .map(|interval| {
                            IntervalMonthDayNano::new(
                                interval.months,
                                interval.days,
                                interval.micros.saturating_mul(1000),
                            )
                        })
                        .collect();
                Arc::new(IntervalMonthDayNanoArray::new(intervals, nulls))
            }
            LogicalType::Uuid => {
                let bytes: Vec<u8> = values::<u128>(vector, length)
                    .flat_map(|number| (number ^ (1 << 127)).to_be_bytes())
                    .collect();
                Arc::new(FixedSizeBinaryArray::try_new(16, bytes.into(), nulls)?)
            }
            LogicalType::Numeric | LogicalType::Text | LogicalType::Json => {
                let (offsets, bytes) = read_bytes(vector, length, nulls.as_ref());
                Arc::new(StringArray::try_new(offsets, bytes.into(), nulls)?)
            }
            LogicalType::Bytes => {
                let (offsets, bytes) = read_bytes(vector, length, nulls.as_ref());
                Arc::new(BinaryArray::try_new(offsets, bytes.into(), nulls)?)
            }
            LogicalType::List(item) => read_list(vector, item, length, nulls)?,
            LogicalType::Struct(fields) => {
                let members = fields
                    .iter()
                    .enumerate()
                    .map(|(index, field)| {
                        let child = ffi::duckdb_struct_vector_get_child(vector, index as u64);
                        read(child, &field.logical, length)
                    })
                    .collect::<Result<Vec<_>>>()?;
                let DataType::Struct(fields) = logical.to_arrow() else {
                    return Err(Error::internal("A struct is not a struct in Arrow."));
                };
                Arc::new(StructArray::try_new(fields, members, nulls)?)
            }
        })
    }
}

/// Fails when a vector does not have the physical layout of a logical type.
///
/// # Safety
/// The vector is live.
unsafe fn check_type(vector: ffi::duckdb_vector, logical: &LogicalType) -> Result<()> {
    let wanted = duckdb_type(logical);
    // SAFETY: the type of a vector is a new object that we destroy.
    let (id, decimal) = unsafe {
        let mut found = ffi::duckdb_vector_get_column_type(vector);
        let id = ffi::duckdb_get_type_id(found);
        let decimal = (ffi::duckdb_decimal_width(found), ffi::duckdb_decimal_scale(found));
        ffi::duckdb_destroy_logical_type(&mut found);
        (id, decimal)
    };
    let same = id == wanted.raw_id()
        && match logical {
            LogicalType::Decimal { precision, scale } => decimal == (*precision, *scale),
            _ => true,
        };
    if same { Ok(()) } else { Err(Error::internal(format!("A query answered another type than {logical}."))) }
}

fn primitive<T: ArrowPrimitiveType>(
    values: impl Iterator<Item = T::Native>,
    nulls: Option<NullBuffer>,
) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(values.collect(), nulls))
}

/// # Safety
/// The vector is live and has at least `length` rows.
unsafe fn read_validity(vector: ffi::duckdb_vector, length: usize) -> Option<NullBuffer> {
    // SAFETY: null means all valid, else there is one bit a row, in 64-bit words.
    unsafe {
        let words = ffi::duckdb_vector_get_validity(vector);
        if words.is_null() {
            return None;
        }
        let words: Vec<u64> = (0..length.div_ceil(64)).map(|index| words.add(index).read()).collect();
        let nulls = NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(words), 0, length));
        (nulls.null_count() > 0).then_some(nulls)
    }
}

/// # Safety
/// The vector is live, holds strings, and has at least `length` rows.
unsafe fn read_bytes(
    vector: ffi::duckdb_vector,
    length: usize,
    nulls: Option<&NullBuffer>,
) -> (OffsetBuffer<i32>, Vec<u8>) {
    let mut offsets = Vec::with_capacity(length + 1);
    let mut bytes = Vec::new();
    offsets.push(0i32);
    // SAFETY: a string of DuckDB has 16 bytes; a valid one points to `size` bytes. Null rows are not looked at.
    unsafe {
        for (row, word) in values::<u128>(vector, length).enumerate() {
            if nulls.is_none_or(|nulls| nulls.is_valid(row)) {
                let size = (word & 0xffff_ffff) as usize;
                if size <= 12 {
                    bytes.extend_from_slice(&word.to_le_bytes()[4..4 + size]);
                } else {
                    let start = (word >> 64) as usize as *const u8;
                    bytes.extend_from_slice(std::slice::from_raw_parts(start, size));
                }
            }
            // 2,048 values of at most 4 GB could pass 2 GB; the offset check of the array then refuses them.
            offsets.push(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
        }
    }
    (OffsetBuffer::new(offsets.into()), bytes)
}

/// # Safety
/// The vector is live, is a list, and has at least `length` rows.
unsafe fn read_list(
    vector: ffi::duckdb_vector,
    item: &LogicalType,
    length: usize,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    // SAFETY: the child has as many rows as the list says; entries are checked against that by `take` below.
    unsafe {
        let size = ffi::duckdb_list_vector_get_size(vector) as usize;
        let items = read(ffi::duckdb_list_vector_get_child(vector), item, size)?;
        let mut offsets = vec![0i32];
        let mut picked: Vec<u32> = Vec::with_capacity(size);
        for (row, entry) in values::<ffi::duckdb_list_entry>(vector, length).enumerate() {
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                picked.extend((entry.offset..entry.offset + entry.length).map(|index| index as u32));
            }
            offsets.push(i32::try_from(picked.len()).unwrap_or(i32::MAX));
        }
        // Lists can share and reorder their items, so they are gathered.
        let items = arrow::compute::take(&items, &arrow::array::UInt32Array::from(picked), None)?;
        let field = Arc::new(item.to_field("item", true));
        Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::new(offsets.into()), items, nulls)?))
    }
}
