//! The decoder of COPY against what a real Postgres sends.

use connectors::postgres::codec::Codec;
use connectors::postgres::decode::{BatchLimit, Decoder, Fed};
use futures::StreamExt;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use syncline_protocol::{Column, ErrorKind, Result};

use crate::postgres_source::{full, sync};
use crate::support::Database;
use crate::support::cell::{cell, column, oracle};

/// The bytes of a COPY as the server sends them.
async fn copy_bytes(database: &Database, query: &str) -> Vec<u8> {
    let statement = format!("COPY ({query}) TO STDOUT (FORMAT BINARY)");
    let chunks: Vec<_> = database.client.copy_out(&statement).await.unwrap().collect().await;
    chunks.into_iter().flat_map(|chunk| chunk.unwrap().to_vec()).collect()
}

/// Decodes `pieces` one after the other; the rows as text, or the error.
fn decode<'a>(
    columns: &[Column],
    pieces: impl Iterator<Item = &'a [u8]>,
    rows: usize,
) -> Result<Vec<String>> {
    let codecs = columns.iter().map(|column| Codec::of(&column.logical)).collect();
    let mut decoder = Decoder::new(columns, codecs, 0, BatchLimit { rows, bytes: 1 << 20 });
    let mut texts = Vec::new();
    let take = |decoder: &mut Decoder, texts: &mut Vec<String>| -> Result<()> {
        if let Some(batch) = decoder.take_batch()? {
            texts.extend((0..batch.num_rows()).map(|row| {
                format!("{:?}", batch.columns().iter().map(|array| cell(array, row)).collect::<Vec<_>>())
            }));
        }
        Ok(())
    };
    for mut piece in pieces {
        while !piece.is_empty() {
            if decoder.feed(&mut piece)? == Fed::Full {
                take(&mut decoder, &mut texts)?;
            }
        }
    }
    take(&mut decoder, &mut texts)?;
    Ok(texts)
}

#[tokio::test]
async fn the_decoder_takes_any_pieces_and_survives_any_damage() {
    let database = Database::new("damage").await;
    database
        .run("CREATE TYPE pair AS (a int, b text);
              CREATE TABLE t (id int, n numeric, d numeric(20,4), s text, ts timestamptz, l int[], p pair, iv interval, u uuid, b bool);
              INSERT INTO t SELECT i, i * 1.5, i / 7.0, repeat('é', i % 50), now(), ARRAY[i, NULL], ROW(i, 'x')::pair, '1 day', gen_random_uuid(), true
              FROM generate_series(1, 200) i; INSERT INTO t DEFAULT VALUES")
        .await;
    let columns = full(&*database.source(), "public.t").await.columns;
    let bytes = copy_bytes(&database, "SELECT * FROM t").await;
    let whole = decode(&columns, std::iter::once(bytes.as_slice()), 1000).unwrap();
    assert_eq!(whole.len(), 201);
    for size in [1, 2, 7, 64, 1000] {
        assert_eq!(decode(&columns, bytes.chunks(size), 13).unwrap(), whole, "pieces of {size}");
    }
    let mut runner = TestRunner::new(proptest::test_runner::Config { cases: 2000, ..Default::default() });
    let damage =
        (proptest::collection::vec((0..bytes.len(), any::<u8>()), 0..6), 0..bytes.len(), 1..5000usize);
    runner
        .run(&damage, |(hits, cut, size)| {
            let mut damaged = bytes.clone();
            for (at, value) in hits {
                damaged[at] = value;
            }
            if let Err(error) = decode(&columns, damaged[..cut].chunks(size), 13) {
                prop_assert_eq!(error.kind(), ErrorKind::CorruptInput);
            }
            Ok(())
        })
        .unwrap();
    runner
        .run(&proptest::collection::vec(any::<u8>(), 0..300), |noise| {
            let mut stream = bytes[..19].to_vec();
            stream.extend(noise);
            let _ = decode(&columns, std::iter::once(stream.as_slice()), 13);
            Ok(())
        })
        .unwrap();
}

/// Any row of these types survives; Postgres itself says what it should be.
#[tokio::test(flavor = "multi_thread")]
async fn any_value_survives() {
    let database = Database::new("property").await;
    database
        .run("CREATE TABLE p (id int, n numeric, d numeric(38,9), f4 float4, f8 float8, ts timestamp, tz timestamptz, dt date,
              ti time, iv interval, t text, by bytea, j jsonb, u uuid, i8 int8)")
        .await;
    let source = database.source();
    let read = full(&*source, "public.p").await;
    let numeric = prop_oneof![
        "-?[0-9]{1,60}(\\.[0-9]{1,60})?",
        Just("NaN".to_owned()),
        Just("-Infinity".to_owned()),
        "-?0\\.0{0,40}[0-9]{1,4}",
    ];
    let row = (
        (
            numeric,
            "-?[0-9]{1,29}(\\.[0-9]{1,9})?",
            any::<f32>(),
            any::<f64>(),
            -210_866_803_200_000_000i64..9_214_646_400_000_000_000,
        ),
        (
            0i64..=86_400_000_000,
            -170_000_000i32..170_000_000,
            any::<i32>(),
            -9_000_000_000_000_000i64..9_000_000_000_000_000,
        ),
        (
            "[^\\x00]{0,40}",
            proptest::collection::vec(any::<u8>(), 0..40),
            any::<u128>(),
            any::<i64>(),
            -2_451_545i32..2_145_031_949,
        ),
    );
    let mut runner = TestRunner::default();
    let tree = proptest::collection::vec(row, 400).new_tree(&mut runner).unwrap();
    use proptest::strategy::ValueTree;
    let rows = tree.current();
    let mut copy = String::new();
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    for (id, ((n, d, f4, f8, ts), (ti, months, days, micros), (t, by, u, i8, dt))) in rows.iter().enumerate()
    {
        let quoted = t.replace('\'', "''");
        let float = |f: f64| {
            if f.is_nan() {
                "NaN".into()
            } else if f.is_infinite() {
                format!("{}Infinity", if f < 0.0 { "-" } else { "" })
            } else {
                format!("{f:e}")
            }
        };
        let months = months / 12;
        copy.push_str(&format!(
            "INSERT INTO p VALUES ({id}, '{n}', '{d}', '{}', '{}',
               timestamp '2000-01-01' + interval '{} days {} microseconds', timestamptz '2000-01-01+00' + interval '{} days {} microseconds',
               date '2000-01-01' + ({dt}), CASE WHEN {ti} = 86400000000 THEN time '24:00' ELSE time '00:00' + interval '{ti} microseconds' END,
               interval '{months} months {days} days {micros} microseconds',
               '{quoted}', '\\x{}', to_jsonb('{quoted}'::text), '{u:032x}', {i8});\n",
            float(f64::from(*f4)), float(*f8), ts / 86_400_000_000, ts % 86_400_000_000, ts / 86_400_000_000, ts % 86_400_000_000, hex(by)
        ));
    }
    database.run(&copy).await;
    let (got, _) = sync(&*source, &read, None).await;
    assert!(got.rejected.is_empty(), "{:?}", got.rejected);
    assert_eq!(got.row_count(), rows.len());
    let ids = column(&got.rows, "id");
    for Column { name, native_type, .. } in &read.columns {
        let expression = oracle(native_type.as_deref().unwrap(), name);
        let expected = database.texts(&format!("SELECT {expression} FROM p ORDER BY p.id")).await;
        let mut found: Vec<_> = ids
            .iter()
            .map(|id| id.as_ref().unwrap().parse::<u32>().unwrap())
            .zip(column(&got.rows, name))
            .collect();
        found.sort();
        for ((id, found), expected) in found.into_iter().zip(expected) {
            assert_eq!(found, expected, "{name} of row {id}: {:?}", rows[id as usize]);
        }
    }
}
