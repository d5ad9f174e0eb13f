//! The decoder of PostgreSQL's binary COPY: any bytes end in rows or in an error, whatever pieces they come in.

#![no_main]

use connectors::postgres::codec::Codec;
use connectors::postgres::decode::{BatchLimit, Decoder, Fed};
use libfuzzer_sys::fuzz_target;
use syncline_protocol::{Column, LogicalType, StructField};

/// How COPY data begins, so that the fuzzer does not have to find it.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

fn columns() -> Vec<Column> {
    let list = LogicalType::List(Box::new(LogicalType::Int32));
    let member = StructField { name: "a".to_owned(), logical: LogicalType::Text };
    [
        LogicalType::Int64,
        LogicalType::Text,
        LogicalType::Decimal { precision: 20, scale: 4 },
        LogicalType::Numeric,
        LogicalType::TimestampTz,
        LogicalType::Date,
        LogicalType::Interval,
        LogicalType::Bytes,
        LogicalType::Uuid,
        list,
        LogicalType::Struct(vec![member]),
    ]
    .into_iter()
    .enumerate()
    .map(|(number, logical)| Column::new(format!("c{number}"), logical))
    .collect()
}

/// Decodes data that comes in pieces. How many rows there were; none when it ended in an error.
fn decode(data: &[u8], columns: &[Column], piece: usize, begin: usize) -> Option<u64> {
    let columns = &columns[begin..];
    let codecs = columns.iter().map(|column| Codec::of(&column.logical)).collect();
    let mut decoder = Decoder::new(columns, codecs, 0, BatchLimit { rows: 3, bytes: 256 });
    let header = HEADER.chunks(piece);
    let mut ended = false;
    for mut input in header.chain(data.chunks(piece)) {
        loop {
            match decoder.feed(&mut input).ok()? {
                Fed::Hungry => break,
                Fed::Full | Fed::Boundary => drop(decoder.take_batch().ok()?),
                // Whatever follows the end is an error, also when it comes in a piece of its own.
                Fed::End => {
                    ended = true;
                    break;
                }
            }
        }
    }
    if !ended {
        decoder.take_batch().ok()?;
    }
    Some(decoder.total_rows())
}

fuzz_target!(|data: &[u8]| {
    let columns = columns();
    // The first byte chooses which columns are expected, so that each codec gets bytes of its own.
    let Some((first, data)) = data.split_first() else { return };
    let begin = usize::from(*first) % columns.len();
    let whole = decode(data, &columns, usize::MAX, begin);
    let pieces = decode(data, &columns, 7, begin);
    assert_eq!(whole, pieces, "how the bytes are cut must not matter");
});
