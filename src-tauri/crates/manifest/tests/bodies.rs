//! Bodies that are files: CSV, lines and archives, whole and broken, through the whole of reading.

use std::io::{Cursor, Write as _};

use serde_json::{Value, json};
use syncline_protocol::{Error, ErrorKind};

use crate::world::{World, manifest, stream};

fn decoded(decoder: &Value) -> Value {
    let mut stream = stream();
    stream["retriever"]["decoder"] = decoder.clone();
    manifest(stream)
}

async fn read(decoder: Value, body: impl Into<Vec<u8>>) -> Result<Vec<Value>, Error> {
    let read = World::of(body).read(&decoded(&decoder), json!({})).await;
    read.map(|(got, _)| got.records)
}

/// The error of a body, and that it has this kind.
async fn refused(decoder: Value, body: impl Into<Vec<u8>>, kind: ErrorKind) -> String {
    let error = read(decoder, body).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    error.message().to_owned()
}

fn csv() -> Value {
    json!({"type": "CsvDecoder"})
}

fn zipped(decoder: Value) -> Value {
    json!({"type": "ZipfileDecoder", "decoder": decoder})
}

fn gzipped(decoder: Value) -> Value {
    json!({"type": "GzipDecoder", "decoder": decoder})
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

#[tokio::test]
async fn rows_of_csv_become_records() {
    for (decoder, body, expected) in [
        (
            csv(),
            "id,name\n1,Ada\n2,\"B, \"\"x\"\"\ny\"\n\n",
            json!([{"id": "1", "name": "Ada"}, {"id": "2", "name": "B, \"x\"\ny"}]),
        ),
        (csv(), "\u{feff}id,name\r\n1,é\r\n", json!([{"id": "1", "name": "é"}])),
        // A row that is too short has no value there, one that is too long keeps what it has.
        (csv(), "id,name\n1\n2,b,c,d\n", json!([{"id": "1"}, {"id": "2", "name": "b", "null": ["c", "d"]}])),
        (csv(), "id,name\n", json!([])),
        (csv(), "", json!([])),
        (
            json!({"type": "CsvDecoder", "delimiter": "\\t"}),
            "id\tname\n1\ta,b\n",
            json!([{"id": "1", "name": "a,b"}]),
        ),
        (
            json!({"type": "CsvDecoder", "delimiter": ";", "set_values_to_none": ["", "NULL", "-"]}),
            "id;name;of\n1;;x\n2;NULL;-\n3;null;--\n",
            json!([{"id": "1", "of": "x"}, {"id": "2"}, {"id": "3", "name": "null", "of": "--"}]),
        ),
    ] {
        assert_eq!(Value::Array(read(decoder, body).await.unwrap()), expected, "{body:?}");
    }
}

#[tokio::test]
async fn csv_in_another_encoding_is_read_or_refused() {
    let latin = b"id,name\n1,caf\xe9\n".to_vec();
    let named = |name: &str| json!({"type": "CsvDecoder", "encoding": name});
    for name in ["latin-1", "iso-8859-1", "cp1252", "Windows-1252"] {
        assert_eq!(
            read(named(name), latin.clone()).await.unwrap(),
            [json!({"id": "1", "name": "café"})],
            "{name}"
        );
    }
    let wide: Vec<u8> = "\u{feff}id,name\n1,é\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(named("utf-16"), wide).await.unwrap(), [json!({"id": "1", "name": "é"})]);
    let said = refused(csv(), latin, ErrorKind::CorruptInput).await;
    assert!(said.contains("no text in UTF-8"), "{said}");
    let said = refused(named("klingon"), "id\n1\n", ErrorKind::Unsupported).await;
    assert!(said.contains("klingon"), "{said}");
}

#[tokio::test]
async fn items_of_one_list_are_taken_out_of_a_long_document() {
    let items = |path: &str| json!({"type": "JsonItemsDecoder", "items_path": path});
    let body = r#"{"meta": {"data": {"users": [9]}}, "data": {"n": [1, {"users": 2}], "users": [{"id": 1}, {"id": 2}]},
        "more": [{"list": [{"id": 3}]}, {"list": [{"id": 4}]}], "text": "x"}"#;
    for (path, expected) in [
        ("data.users", json!([{"id": 1}, {"id": 2}])),
        ("more.item.list", json!([{"id": 3}, {"id": 4}])),
        ("missing", json!([])),
        ("text", json!([])),
    ] {
        assert_eq!(Value::Array(read(items(path), body).await.unwrap()), expected, "{path}");
        assert_eq!(
            Value::Array(read(gzipped(items(path)), gzip(body.as_bytes())).await.unwrap()),
            expected,
            "{path}"
        );
    }
    let cut = &body[..body.len() - 30];
    let said = refused(items("data.users"), cut, ErrorKind::CorruptInput).await;
    assert!(said.contains("no JSON"), "{said}");
}

#[tokio::test]
async fn files_in_archives_are_read_one_after_the_other() {
    let archive = zip(&[("a.csv", b"id\n1\n2\n"), ("folder/b.csv", b"id\n3\n")]);
    let ids = [json!({"id": "1"}), json!({"id": "2"}), json!({"id": "3"})];
    assert_eq!(read(zipped(csv()), archive).await.unwrap(), ids);
    let archive = zip(&[("a.json", b"[{\"id\": 1}]"), ("b.json", b"{\"id\": 2}"), ("c.json", b"[]")]);
    assert_eq!(
        read(zipped(json!({"type": "JsonDecoder"})), archive).await.unwrap(),
        [json!({"id": 1}), json!({"id": 2})]
    );
    let archive = zip(&[("a.jsonl.gz", &gzip(b"{\"id\": 1}\n{\"id\": 2}\n"))]);
    let lines = zipped(gzipped(json!({"type": "JsonlDecoder"})));
    assert_eq!(read(lines, archive).await.unwrap(), [json!({"id": 1}), json!({"id": 2})]);
    assert_eq!(read(zipped(csv()), zip(&[])).await.unwrap(), Vec::<Value>::new());
    // Folders are no files.
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_directory("folder", zip::write::SimpleFileOptions::default()).unwrap();
    let archive = writer.finish().unwrap().into_inner();
    assert_eq!(read(zipped(json!({"type": "JsonDecoder"})), archive).await.unwrap(), Vec::<Value>::new());
}

#[tokio::test]
async fn an_archive_that_is_cut_off_or_damaged_is_no_answer() {
    let rows: String = (0..500).map(|id| format!("{id},{}\n", id * 7919 % 1000)).collect();
    let content = format!("id,name\n{rows}");
    let archive = zip(&[("a.csv", content.as_bytes()), ("b.csv", content.as_bytes())]);
    // Wherever it is cut: inside a file, between two of them, inside the list of files.
    for cut in (1..archive.len()).step_by(97).chain([archive.len() / 2, archive.len() - 1]) {
        let said = refused(zipped(csv()), &archive[..cut], ErrorKind::CorruptInput).await;
        assert!(said.contains("archive"), "{said}");
    }
    // One bit in the middle of a file.
    let mut damaged = archive.clone();
    damaged[archive.len() / 4] ^= 1;
    refused(zipped(csv()), damaged, ErrorKind::CorruptInput).await;
    for body in ["", "<html>Sign in</html>", "id,name\n1,a\n"] {
        let said = refused(zipped(csv()), body, ErrorKind::CorruptInput).await;
        assert!(said.contains("no zip archive"), "{said}");
    }
}

#[tokio::test]
async fn what_is_packed_small_and_is_large_is_refused() {
    // 140 MB of one value, in 140 KB.
    let zeros = vec![b'0'; 1 << 20];
    let line = gzip(&zeros).repeat(140);
    for (decoder, body) in [
        (gzipped(json!({"type": "JsonDecoder"})), line.clone()),
        (gzipped(json!({"type": "JsonlDecoder"})), line.clone()),
        (gzipped(csv()), line.clone()),
        (gzipped(json!({"type": "IterableDecoder"})), line),
    ] {
        let said = refused(decoder, body, ErrorKind::LimitExceeded).await;
        assert!(said.contains("MB at once"), "{said}");
    }
    let archive = zip(&[("a", &zeros.repeat(140))]);
    for decoder in [csv(), json!({"type": "JsonDecoder"}), json!({"type": "JsonlDecoder"})] {
        refused(zipped(decoder), archive.clone(), ErrorKind::LimitExceeded).await;
    }
}

#[tokio::test]
async fn a_row_without_an_end_is_refused() {
    // A quote that is never closed makes one row of everything that follows.
    let mut body = b"id,name\n1,\"".to_vec();
    body.extend(b"never, ending\n".repeat(80 << 16));
    refused(csv(), body, ErrorKind::LimitExceeded).await;
}

#[tokio::test]
async fn an_archive_of_too_many_files_is_refused() {
    let names: Vec<String> = (0..10_001).map(|at| at.to_string()).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"id\n1\n"[..])).collect();
    let said = refused(zipped(csv()), zip(&files), ErrorKind::LimitExceeded).await;
    assert!(said.contains("more than 10000 files"), "{said}");
    let read = read(zipped(csv()), zip(&files[..10_000])).await.unwrap();
    assert_eq!(read.len(), 10_000);
}

#[tokio::test]
async fn packed_lines_that_are_cut_off_are_no_answer() {
    let lines: String =
        (0..2000).map(|id| json!({"id": id, "n": id * 7919 % 1000}).to_string() + "\n").collect();
    let packed = gzip(lines.as_bytes());
    for cut in [20, packed.len() / 2, packed.len() - 8, packed.len() - 1] {
        refused(gzipped(json!({"type": "JsonlDecoder"})), &packed[..cut], ErrorKind::CorruptInput).await;
    }
    let said = refused(
        json!({"type": "JsonlDecoder"}),
        &lines.as_bytes()[..lines.len() - 3],
        ErrorKind::CorruptInput,
    )
    .await;
    assert!(said.contains("a line that is no JSON"), "{said}");
}
