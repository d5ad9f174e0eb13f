//! The files source on real files.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use connectors::registry;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};
use syncline_protocol::{
    BatchKind, Change, CheckOutcome, CheckStep, Config, ConnectorContext, DiscoverFilter, ErrorKind,
    ReadMode, RejectedRow, Result, Source, StepSink, TableInfo, TableName, TablePosition, TableRead,
    TableSchema,
};
use syncline_testkit::{Collector, collect, rows_as_text};

/// A folder with files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        std::fs::create_dir(folder.path("in")).unwrap();
        folder
    }

    fn with(name: &str, bytes: impl AsRef<[u8]>) -> Folder {
        let folder = Folder::new();
        folder.write(name, bytes);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path("in").join(name), bytes).unwrap();
    }

    /// Files are read by their time, so that a test says which is the older one.
    fn write_at(&self, name: &str, seconds: u64, bytes: impl AsRef<[u8]>) {
        self.write(name, bytes);
        let file = std::fs::File::options().write(true).open(self.path("in").join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }

    fn source(&self, config: &Value) -> Box<dyn Source> {
        self.configured(config).unwrap()
    }

    fn configured(&self, config: &Value) -> Result<Box<dyn Source>> {
        let mut whole = json!({"path": "in"});
        whole.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
        let context = ConnectorContext::of(self.0.path());
        registry().get("files").unwrap().source(&Config::new(whole), &context)
    }
}

async fn only_table(source: &dyn Source) -> TableInfo {
    let catalog = source.discover(&DiscoverFilter::default()).await.unwrap();
    assert_eq!(catalog.tables.len(), 1, "{:?}", catalog.tables);
    catalog.tables.into_iter().next().unwrap()
}

fn read_of(info: &TableInfo, cursor: Option<&str>) -> TableRead {
    assert_eq!(info.unreadable, None);
    TableRead {
        table: info.schema.table.clone(),
        columns: info.schema.columns.clone(),
        key: info.schema.key.clone(),
        mode: match cursor {
            Some(cursor) => ReadMode::Incremental { cursor: cursor.to_owned(), look_back: Duration::ZERO },
            None => ReadMode::Full,
        },
        key_list: false,
    }
}

fn shape(columns: &[syncline_protocol::Column]) -> Vec<String> {
    columns.iter().map(|column| format!("{} {}", column.name, column.logical)).collect()
}

/// Reads all parts of the plan that follows on from `position`; gives the changes and the complete position.
async fn run(
    source: &dyn Source,
    read: &TableRead,
    position: Option<&TablePosition>,
) -> Result<(Vec<Change>, TablePosition)> {
    let session = source.open(std::slice::from_ref(read)).await?;
    let plan = session.plan(read, position).await?;
    let collector = Collector::new();
    let mut next = TablePosition::start(1, plan.plan.clone());
    for part in &plan.parts {
        if !(plan.continues && position.is_some_and(|position| position.done.contains(part.index))) {
            session.read(read, &plan, part, None, &collector).await?;
        }
        next.finish_part(part.index);
    }
    next.complete = true;
    session.close().await;
    Ok((collector.changes(), next))
}

fn rows(changes: &[Change]) -> Vec<String> {
    rows_as_text(&collect::batches(changes, BatchKind::Rows))
}

fn rejected(changes: &[Change]) -> Vec<RejectedRow> {
    let of_change = |change: &Change| match change {
        Change::Rejected(row) => Some(row.clone()),
        _ => None,
    };
    changes.iter().filter_map(of_change).collect()
}

/// The columns, rows and rejected rows of the only table.
async fn all(folder: &Folder, config: &Value) -> (Vec<String>, Vec<String>, Vec<RejectedRow>) {
    let source = folder.source(config);
    let info = only_table(source.as_ref()).await;
    let (changes, _) = run(source.as_ref(), &read_of(&info, None), None).await.unwrap();
    (shape(&info.schema.columns), rows(&changes), rejected(&changes))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Columns `id` and `v` in row groups of two rows.
fn parquet_file(id: ArrayRef, v: ArrayRef) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable([("id", id, true), ("v", v, true)]).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// An archive of files that are not compressed, as workbooks are.
fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let (mut bytes, mut list) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let mut sum = flate2::Crc::new();
        sum.update(text.as_bytes());
        let offset = bytes.len() as u32;
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        for number in [sum.sum(), text.len() as u32, text.len() as u32] {
            common.extend(number.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(text.as_bytes());
        list.extend(b"PK\x01\x02\x14\0");
        list.extend(&common);
        list.extend([0; 10]);
        list.extend(offset.to_le_bytes());
        list.extend(name.as_bytes());
    }
    let (start, count) = (bytes.len() as u32, (files.len() as u16).to_le_bytes());
    bytes.extend(&list);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].concat());
    bytes.extend((list.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

/// A workbook whose only sheet, `Prices`, has these rows of cells.
fn workbook(sheet_rows: &str) -> Vec<u8> {
    const SHEETS: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const LINKS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    let link = |kind: &str, target: &str, id: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"{LINKS}/{kind}\" Target=\"{target}\"/>")
    };
    let links =
        |inside: &str| format!("<Relationships xmlns=\"{PACKAGE}/relationships\">{inside}</Relationships>");
    archive(&[
        ("[Content_Types].xml", &format!("<Types xmlns=\"{PACKAGE}/content-types\"/>")),
        ("_rels/.rels", &links(&link("officeDocument", "xl/workbook.xml", "r1"))),
        (
            "xl/workbook.xml",
            &format!(
                "<workbook xmlns=\"{SHEETS}\" xmlns:r=\"{LINKS}\"><sheets><sheet name=\"Prices\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &links(&(link("worksheet", "worksheets/sheet1.xml", "r1") + &link("styles", "styles.xml", "r2"))),
        ),
        (
            "xl/styles.xml",
            &format!(
                "<styleSheet xmlns=\"{SHEETS}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            &format!("<worksheet xmlns=\"{SHEETS}\"><sheetData>{sheet_rows}</sheetData></worksheet>"),
        ),
    ])
}

const WORKBOOK_ROWS: &str = r#"
<row r="1"><c r="A1" t="inlineStr"><is><t>code</t></is></c><c r="B1" t="inlineStr"><is><t>price</t></is></c><c r="C1" t="inlineStr"><is><t>day</t></is></c></row>
<row r="2"><c r="A2" t="inlineStr"><is><t>007</t></is></c><c r="B2"><v>12</v></c><c r="C2" s="1"><v>45351</v></c></row>
<row r="3"><c r="A3" t="inlineStr"><is><t>x</t></is></c><c r="B3"><v>2.5</v></c></row>
<row r="4"><c r="A4" t="inlineStr"><is><t>y</t></is></c><c r="B4" t="e"><v>#DIV/0!</v></c></row>"#;

#[tokio::test]
async fn csv_in_every_dialect() {
    for (text, types, expected) in [
        // Quoted newlines, quotes and delimiters; a last row without an end.
        (
            "id,v\n1,\"a\nb\"\n2,\"c, \"\"d\"\"\"",
            ["id int64", "v text"],
            [r#"[1,"a\nb"]"#, r#"[2,"c, \"d\""]"#],
        ),
        ("id;v\r\n1;1,5\r\n2;x\r\n", ["id int64", "v text"], [r#"[1,"1,5"]"#, r#"[2,"x"]"#]),
        ("id\tv\n1\ttrue\n2\tFalse\n", ["id int64", "v boolean"], ["[1,true]", "[2,false]"]),
        ("id|v\r1|x\r2|\r", ["id int64", "v text"], [r#"[1,"x"]"#, "[2,null]"]),
        // A mark of the byte order, empty lines.
        ("\u{feff}id,v\n\n1,2024-02-29\n\n2,1970-01-02\n", ["id int64", "v date"], ["[1,19782]", "[2,1]"]),
        // Zeros in front and numbers beyond 64 bits lose nothing.
        (
            "id,v\n007,9223372036854775808\n8,1\n",
            ["id text", "v decimal(38,0)"],
            [r#"["007","9223372036854775808"]"#, r#"["8","1"]"#],
        ),
        // Amounts keep their digits; numbers that mix widen.
        (
            "id,v\n1,1.10\n2.5,2\n",
            ["id decimal(18,1)", "v decimal(18,2)"],
            [r#"["1.0","1.10"]"#, r#"["2.5","2.00"]"#],
        ),
        (
            "id,v\n2024-01-01,1\n1970-01-01 00:00:01,x\n",
            ["id timestamp", "v text"],
            [r#"[1704067200000000,"1"]"#, r#"[1000000,"x"]"#],
        ),
        // Names that are missing or occur twice; a delimiter too many at the end of rows.
        ("id,id\n1,2,\n3,4,\n", ["id int64", "id_2 int64"], ["[1,2]", "[3,4]"]),
        ("id,\n1,2\n3,4\n", ["id int64", "column_2 int64"], ["[1,2]", "[3,4]"]),
        ("1,2\n3,4\n", ["column_1 int64", "column_2 int64"], ["[1,2]", "[3,4]"]),
        // A quote inside a field is a character like any other.
        ("id,v\n1,5\" pipe\n2,it's\n", ["id int64", "v text"], [r#"[1,"5\" pipe"]"#, r#"[2,"it's"]"#]),
    ] {
        let written = [
            ("a.csv", text.as_bytes().to_vec()),
            ("a.csv.gz", gzip(text.as_bytes())),
            ("a.CSV.zst", zstd::encode_all(text.as_bytes(), 1).unwrap()),
            ("a.csv", utf16(text.trim_start_matches('\u{feff}'))),
        ];
        for (name, bytes) in written {
            let folder = Folder::with(name, bytes);
            let (columns, rows, rejected) = all(&folder, &json!({})).await;
            assert_eq!(
                (columns, rows, rejected),
                (types.map(String::from).to_vec(), expected.map(String::from).to_vec(), vec![]),
                "{name} {text:?}"
            );
        }
    }
    let folder = Folder::with("a.csv", b"name,v\nM\xfcller,\x80 5\n");
    assert_eq!(all(&folder, &json!({})).await.1, [r#"["Müller","€ 5"]"#]);
    let folder = Folder::with("a.tsv", "id,x\tv\n1\tNA\n");
    assert_eq!(all(&folder, &json!({"csv": {"nulls": ["NA"]}})).await.1, ["[1,null]"]);
}

#[tokio::test]
async fn rows_that_are_no_rows_go_to_quarantine_and_say_nothing_about_types() {
    let folder = Folder::with("a.csv", b"id,v\n1,2\nx,1,y\n2\n3,\xff\n4,\xc3,\xa9\n5,6\n7,\"open\n8,9\n");
    let (columns, rows, rejected) = all(&folder, &json!({"csv": {"encoding": "utf-8"}})).await;
    assert_eq!(columns, ["id int64", "v int64"]);
    assert_eq!(rows, ["[1,2]", "[5,6]"]);
    let reasons: Vec<_> = rejected.iter().map(|row| row.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "Line 3 of a.csv: it has 3 fields, not 2.",
            "Line 4 of a.csv: it has 1 fields, not 2.",
            "Line 5 of a.csv: some bytes are not valid text.",
            "Line 6 of a.csv: some bytes are not valid text.",
            "Line 8 of a.csv: its last quote is never closed.",
        ]
    );
    assert_eq!(rejected[0].row, json!({"_line": "x,1,y"}));
    assert_eq!(rejected[4].row, json!({"_line": "7,open\n8,9\n"}));
    // A character cut in two by the delimiter is not an empty field.
    let folder = Folder::with("a.csv", b"id,v\n\xc3,\xa9\n1,2\n");
    let (_, rows, rejected) = all(&folder, &json!({"csv": {"encoding": "utf-8"}})).await;
    assert_eq!((rows.len(), rejected.len()), (1, 1));
}

#[tokio::test]
async fn lines_are_counted_with_every_ending() {
    for (end, quoted) in [("\n", "\n"), ("\r\n", "\r\n"), ("\r\n", "\n"), ("\r", "x")] {
        let text = ["id,v", "1,a", &format!("2,\"b{quoted}c\""), "3,d", "4,e", ""].join(end);
        let folder = Folder::with("a.csv", &text);
        let source = folder.source(&json!({"file_columns": true}));
        let mut read = read_of(&only_table(source.as_ref()).await, None);
        assert_eq!(read.key, ["_file", "_line"]);
        read.columns.retain(|column| column.name == "id" || column.name == "_line");
        let (changes, _) = run(source.as_ref(), &read, None).await.unwrap();
        let after = if quoted == "x" { 4 } else { 5 };
        let expected = [[1, 2], [2, 3], [3, after], [4, after + 1]].map(|row| json!(row).to_string());
        assert_eq!(rows(&changes), expected, "{text:?}");
    }
}

#[tokio::test]
async fn json_in_every_layout() {
    let expected = (
        ["id int64", "v json", "t timestamptz", "s text"].map(String::from).to_vec(),
        vec![
            r#"[1,"{\"a\":[1]}",1000000,"é\"x"]"#.to_owned(),
            r#"[2,"null-like",null,"7"]"#.replace("\"null-like\"", r#""\"x\"""#),
        ],
    );
    let (one, two) = (
        r#"{"id":1,"v":{"a":[1]},"t":"1970-01-01T00:00:01Z","s":"\u00e9\"x"}"#,
        r#"{"s":"7","id":2,"v":"x","t":null}"#,
    );
    for (name, text) in [
        ("a.jsonl", format!("{one}\n\n{two}\n")),
        ("a.json", format!(" [\n{one} ,\n{two}\n]\n")),
        ("a.json", format!("\u{feff}[{one},{two}]")),
        ("a.ndjson", one.replace(",\"v\"", ",\n\"v\"") + two),
    ] {
        for (name, bytes) in [
            (name.to_owned(), text.as_bytes().to_vec()),
            (format!("{name}.gz"), gzip(text.as_bytes())),
            (format!("{name}.zst"), zstd::encode_all(text.as_bytes(), 1).unwrap()),
        ] {
            let (columns, rows, rejected) = all(&Folder::with(&name, bytes), &json!({})).await;
            assert_eq!((columns, rows), expected, "{text}");
            assert_eq!(rejected, []);
        }
    }
    let folder = Folder::with("a.jsonl", "{\"id\":1}\n{\"id\":\n[1]\n{\"id\":2}\n");
    let (_, rows, rejected) = all(&folder, &json!({})).await;
    assert_eq!(rows, ["[1]", "[2]"]);
    assert_eq!(rejected.len(), 2);
    assert!(rejected[0].reason.starts_with("Line 2 of a.jsonl: it is not a JSON object"));
    // An array that is cut must not pass for a short one.
    let folder = Folder::with("a.json", "[{\"id\":1},{\"id\":2}");
    let source = folder.source(&json!({}));
    let reason = only_table(source.as_ref()).await.unreadable.unwrap();
    assert!(reason.contains("ends in the middle"), "{reason}");
}

#[tokio::test]
async fn parquet_by_row_groups() {
    let ids: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3), Some(4), Some(5)]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c", "d", "e"]));
    let folder = Folder::with("a.parquet", parquet_file(ids, texts));
    let source = folder.source(&json!({"file_columns": true}));
    let info = only_table(source.as_ref()).await;
    let mut read = read_of(&info, None);
    read.columns.retain(|column| !column.name.starts_with("_m") && !column.name.starts_with("_f"));
    let session = source.open(std::slice::from_ref(&read)).await.unwrap();
    let plan = session.plan(&read, None).await.unwrap();
    assert_eq!((plan.parts.len(), plan.rows_estimate), (3, Some(5)));
    let (changes, _) = run(source.as_ref(), &read, None).await.unwrap();
    assert_eq!(
        rows(&changes),
        [r#"[1,"a",1]"#, r#"[null,"b",2]"#, r#"[3,"c",3]"#, r#"[4,"d",4]"#, r#"[5,"e",5]"#]
    );
}

#[tokio::test]
async fn workbooks_by_sheet() {
    let folder = Folder::with("book.xlsx", workbook(WORKBOOK_ROWS));
    let source = folder.source(&json!({}));
    let info = only_table(source.as_ref()).await;
    assert_eq!(info.schema.table, TableName::new("book", "Prices"));
    assert_eq!(shape(&info.schema.columns), ["code text", "price float64", "day date"]);
    let read = read_of(&info, None);
    // A cell with an error widens nothing: told once, then its row is rejected.
    let error = run(source.as_ref(), &read, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SchemaChanged);
    let (changes, _) = run(source.as_ref(), &read, None).await.unwrap();
    assert_eq!(rows(&changes), [r#"["007",12.0,19782]"#, r#"["x",2.5,null]"#]);
    assert_eq!(rejected(&changes)[0].column.as_deref(), Some("price"));
}

/// The shape that a run tells before it ends with `SchemaChanged`.
async fn drift(source: &dyn Source, read: &TableRead) -> TableSchema {
    let session = source.open(std::slice::from_ref(read)).await.unwrap();
    let plan = session.plan(read, None).await.unwrap();
    let collector = Collector::new();
    for part in &plan.parts {
        if let Err(error) = session.read(read, &plan, part, None, &collector).await {
            assert_eq!(error.kind(), ErrorKind::SchemaChanged, "{error:?}");
            break;
        }
    }
    let told = collector.changes().into_iter().find_map(|change| match change {
        Change::Schema(schema) => Some(schema),
        _ => None,
    });
    told.expect("a new shape is told")
}

#[tokio::test]
async fn later_files_widen_the_table() {
    let folder = Folder::new();
    folder.write_at("a.csv", 1, "id,v,w\n1,2,3\n");
    folder.write_at("b.csv", 2, "w,id,new\n4.25,5,2024-01-01\n");
    folder.write_at("c.jsonl", 3, r#"{"id":"x","other":true}"#);
    let config = json!({"tables": "one"});
    let source = folder.source(&config);
    let info = only_table(source.as_ref()).await;
    let mut read = read_of(&info, None);
    assert_eq!(shape(&read.columns), ["id int64", "v int64", "w int64"]);
    // One look tells what all files need.
    let schema = drift(source.as_ref(), &read).await;
    let wide = ["id text", "v int64", "w decimal(21,2)", "new date", "other boolean"];
    assert_eq!(shape(&schema.columns), wide);
    // Not accepted: what fits is read, what does not is rejected, and nothing is told again.
    let (changes, _) = run(source.as_ref(), &read, None).await.unwrap();
    assert_eq!(rows(&changes), ["[1,2,3]"]);
    assert_eq!(rejected(&changes).len(), 2);
    // Accepted.
    read.columns = schema.columns;
    let (changes, _) = run(source.as_ref(), &read, None).await.unwrap();
    assert_eq!(
        rows(&changes),
        [r#"["1",2,"3.00",null,null]"#, r#"["5",null,"4.25",19723,null]"#, r#"["x",null,null,null,true]"#]
    );
    assert_eq!(rejected(&changes), []);
}

/// Parts are read side by side. None may put rows into quarantine that fit the shape another one just told.
#[tokio::test]
async fn all_parts_of_a_session_tell_the_drift() {
    let folder = Folder::new();
    folder.write_at("a.csv", 1, "id\n1\n");
    folder.write_at("b.csv", 2, "id\nx\n");
    folder.write_at("c.csv", 3, "id\ny\n");
    let source = folder.source(&json!({"tables": "one"}));
    let read = read_of(&only_table(source.as_ref()).await, None);
    let session = source.open(std::slice::from_ref(&read)).await.unwrap();
    let plan = session.plan(&read, None).await.unwrap();
    for part in &plan.parts[1..] {
        let collector = Collector::new();
        let error = session.read(&read, &plan, part, None, &collector).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SchemaChanged);
        assert_eq!(collector.rejected(), []);
    }
}

#[tokio::test]
async fn parquet_is_never_rounded() {
    let texts = || -> ArrayRef { Arc::new(StringArray::from(vec!["a", "b"])) };
    let folder = Folder::new();
    folder.write_at("a.parquet", 1, parquet_file(Arc::new(Int64Array::from(vec![1, 2])), texts()));
    folder.write_at("b.parquet", 2, parquet_file(Arc::new(Float64Array::from(vec![3.0, 4.5])), texts()));
    let source = folder.source(&json!({"tables": "one"}));
    let read = read_of(&only_table(source.as_ref()).await, None);
    assert_eq!(shape(&drift(source.as_ref(), &read).await.columns)[0], "id numeric");
    let (changes, _) = run(source.as_ref(), &read, None).await.unwrap();
    assert_eq!(rows(&changes), [r#"[1,"a"]"#, r#"[2,"b"]"#, r#"[3,"a"]"#]);
    assert_eq!(rejected(&changes)[0].row, json!({"id": "4.5", "v": "b"}));
}

#[tokio::test]
async fn only_new_and_changed_files_are_read_again() {
    let folder = Folder::new();
    folder.write_at("a.csv", 10, "id\n1\n");
    folder.write_at("b.csv", 11, "id\n2\n");
    let source = folder.source(&json!({"path": "in/*.csv", "file_columns": true}));
    let info = only_table(source.as_ref()).await;
    assert_eq!(info.cursors[0].column, "_modified");
    let mut read = read_of(&info, Some("_modified"));
    read.columns.retain(|column| column.name == "id");
    read.key.clear();
    let (changes, first) = run(source.as_ref(), &read, None).await.unwrap();
    assert_eq!(rows(&changes), ["[1]", "[2]"]);
    let (changes, second) = run(source.as_ref(), &read, Some(&first)).await.unwrap();
    assert_eq!(rows(&changes).len(), 0, "nothing is new");
    // Older than what was read, but new; and one that changed.
    folder.write_at("c.csv", 5, "id\n3\n");
    folder.write_at("b.csv", 20, "id\n22\n");
    let (changes, third) = run(source.as_ref(), &read, Some(&second)).await.unwrap();
    assert_eq!(rows(&changes), ["[3]", "[22]"]);
    let (changes, _) = run(source.as_ref(), &read, Some(&third)).await.unwrap();
    assert_eq!(rows(&changes).len(), 0, "nothing is new");
}

/// An unfinished plan whose files changed: what is left is read once, the changed file by the plan that follows.
#[tokio::test]
async fn a_file_that_changes_between_sessions_is_read_once() {
    let folder = Folder::new();
    folder.write_at("a.csv", 10, "id\n1\n");
    folder.write_at("b.csv", 11, "id\n2\n");
    folder.write_at("c.csv", 12, "id\n3\n");
    let source = folder.source(&json!({"tables": "one"}));
    let mut read = read_of(&only_table(source.as_ref()).await, Some("id"));
    read.key.clear();
    let session = source.open(std::slice::from_ref(&read)).await.unwrap();
    let plan = session.plan(&read, None).await.unwrap();
    let collector = Collector::new();
    session.read(&read, &plan, &plan.parts[0], None, &collector).await.unwrap();
    let mut position = TablePosition::start(1, plan.plan.clone());
    position.finish_part(0);
    folder.write_at("b.csv", 20, "id\n22\n");
    std::fs::remove_file(folder.path("in").join("c.csv")).unwrap();
    let session = source.open(std::slice::from_ref(&read)).await.unwrap();
    let goes_on = session.plan(&read, Some(&position)).await.unwrap();
    assert!(goes_on.continues && goes_on.follow_up);
    let (changes, rest) = run(source.as_ref(), &read, Some(&position)).await.unwrap();
    assert_eq!(rows(&changes).len(), 0);
    let (changes, _) = run(source.as_ref(), &read, Some(&rest)).await.unwrap();
    assert_eq!(rows(&changes), ["[22]"]);
}

#[tokio::test]
async fn a_full_copy_is_of_one_state_of_the_files() {
    for change in ["b.csv changes", "b.csv goes"] {
        let folder = Folder::new();
        folder.write_at("a.csv", 10, "id\n1\n");
        folder.write_at("b.csv", 11, "id\n2\n");
        let source = folder.source(&json!({"tables": "one"}));
        let read = read_of(&only_table(source.as_ref()).await, None);
        let session = source.open(std::slice::from_ref(&read)).await.unwrap();
        let plan = session.plan(&read, None).await.unwrap();
        match change {
            "b.csv changes" => folder.write_at("b.csv", 12, "id\n3\n"),
            _ => std::fs::remove_file(folder.path("in").join("b.csv")).unwrap(),
        }
        session.read(&read, &plan, &plan.parts[0], None, &Collector::new()).await.unwrap();
        let error = session.read(&read, &plan, &plan.parts[1], None, &Collector::new()).await.unwrap_err();
        // Tried again, with a new plan.
        assert_eq!(error.kind(), ErrorKind::Conflict, "{change}");
        let mut position = TablePosition::start(1, plan.plan.clone());
        position.finish_part(0);
        let session = source.open(std::slice::from_ref(&read)).await.unwrap();
        assert!(!session.plan(&read, Some(&position)).await.unwrap().continues, "{change}");
    }
}

#[derive(Default)]
struct Steps(Mutex<Vec<CheckStep>>);

impl StepSink for Steps {
    fn step(&self, step: CheckStep) {
        self.0.lock().unwrap().push(step);
    }
}

async fn outcome(source: &dyn Source) -> (CheckOutcome, String) {
    let steps = Steps::default();
    source.check(&steps).await;
    let steps = steps.0.into_inner().unwrap();
    (CheckOutcome::of(&steps), format!("{steps:?}"))
}

#[tokio::test]
async fn what_cannot_be_read_is_explained() {
    let folder = Folder::with("a.csv", "id\n1\n");
    assert_eq!(outcome(folder.source(&json!({})).as_ref()).await.0, CheckOutcome::Ready);
    std::fs::create_dir(folder.path("empty")).unwrap();
    std::fs::write(folder.path("letter.parquet"), "Dear Sir").unwrap();
    std::fs::write(folder.path("letter.xlsx"), "Dear Sir").unwrap();
    std::fs::write(folder.path("cut.csv.gz"), &gzip(&b"id\n12345\n".repeat(1000))[..30]).unwrap();
    std::fs::write(folder.path("nothing.csv"), "").unwrap();
    for (path, said) in [
        ("missing", "There is no file or folder"),
        ("in/*.tsv", "There is no file to read at"),
        ("missing/*.tsv", "There is no folder"),
        ("empty", "There is no file to read at"),
        ("letter.parquet", "is not a Parquet file"),
        ("letter.xlsx", "is not a workbook"),
        ("cut.csv.gz", "could not be read to its end"),
        ("nothing.csv", "There is nothing in it"),
    ] {
        let (outcome, steps) = outcome(folder.source(&json!({"path": path})).as_ref()).await;
        assert_eq!(outcome, CheckOutcome::NotReady, "{path}");
        assert!(steps.contains(said), "{path}: {steps}");
    }
    for wrong in [
        json!({"path": " "}),
        json!({"csv": {"delimiter": "ä"}}),
        json!({"csv": {"encoding": "klingon"}}),
        json!({"colour": "red"}),
    ] {
        assert_eq!(folder.configured(&wrong).err().unwrap().kind(), ErrorKind::Config, "{wrong}");
    }
}

#[tokio::test]
async fn a_small_file_that_unpacks_to_a_huge_one_is_refused() {
    let line = [vec![b'x'; 1 << 20], vec![b'\n']].concat();
    let folder = Folder::with("a.jsonl.zst", zstd::encode_all(line.repeat(65).as_slice(), 1).unwrap());
    let source = folder.source(&json!({"decompression_ratio_max": 10}));
    let reason = only_table(source.as_ref()).await.unreadable.unwrap();
    assert!(reason.contains("unpacks to far more"), "{reason}");
}

#[tokio::test]
async fn only_headers_make_a_table_of_texts() {
    let folder = Folder::with("a.csv", "id,v\n");
    let (columns, rows, _) = all(&folder, &json!({})).await;
    assert_eq!((columns, rows.len()), (vec!["id text".to_owned(), "v text".to_owned()], 0));
    // A file with rows says more.
    folder.write("b.csv", "id,v\n1,x\n");
    let (columns, rows, _) = all(&folder, &json!({"tables": "one"})).await;
    assert_eq!((columns, rows.len()), (vec!["id int64".to_owned(), "v text".to_owned()], 1));
}

/// Damage anywhere in a file: everything ends, with rows or with an error, never with a panic.
#[tokio::test]
async fn damaged_files_never_panic() {
    let ids: ArrayRef = Arc::new(Int32Array::from((0..50).collect::<Vec<_>>()));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..50).map(|at| format!("text {at}"))));
    let csv = b"id,v\n1,\"a\nb\"\n2,c\n".repeat(20);
    let mut seed = 1u64;
    let mut random = |bound: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % bound
    };
    for (name, whole) in [
        ("a.csv", csv.clone()),
        ("a.csv.gz", gzip(&csv)),
        ("a.jsonl", b"{\"id\":1,\"v\":\"x\"}\n".repeat(20)),
        ("a.json", b"[{\"id\":1,\"v\":[1,{}]},{\"id\":2}]".to_vec()),
        ("a.parquet", parquet_file(ids, texts)),
        ("a.xlsx", workbook(WORKBOOK_ROWS)),
    ] {
        for round in 0..60 {
            let mut bytes = whole.clone();
            match round % 2 {
                0 => bytes.truncate(random(whole.len())),
                _ => (0..4).for_each(|_| bytes[random(whole.len())] ^= random(255) as u8 + 1),
            }
            let folder = Folder::with(name, &bytes);
            let source = folder.source(&json!({}));
            let Ok(catalog) = source.discover(&DiscoverFilter::default()).await else { continue };
            for info in catalog.tables.iter().filter(|info| info.unreadable.is_none()) {
                if let Err(error) = run(source.as_ref(), &read_of(info, None), None).await {
                    assert_ne!(error.kind(), ErrorKind::Internal, "{name} {round}: {error:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn conformance() {
    let folder = Folder::new();
    // Long enough for several checkpoints, with rows over several lines and some that are rejected.
    let long = "x".repeat(2000);
    let many: String = (0..5000)
        .map(|at| match at {
            2000 | 4500 => "no row\r\n".to_owned(),
            _ if at % 7 == 0 => format!("{at},\"two\r\nlines {at} {long}\",{at}.5\r\n"),
            _ => format!("{at},{long},\r\n"),
        })
        .collect();
    let objects: String = (0..5000).map(|at| format!("{{\"id\":{at},\"v\":[\"{at} {long}\"]}}\n")).collect();
    folder.write("windows.csv", format!("id,v,amount\r\n{many}"));
    folder.write("packed.csv.gz", gzip(format!("id,v,amount\n{}", many.replace('\r', "")).as_bytes()));
    folder.write("wide.csv", utf16(&format!("id,v,amount\n{many}")));
    folder.write("lines.jsonl.zst", zstd::encode_all(objects.as_bytes(), 1).unwrap());
    folder.write("array.json", format!("[{}]", objects.trim_end().replace('\n', ",\n")));
    let ids: ArrayRef = Arc::new(Int64Array::from((0..5).collect::<Vec<_>>()));
    folder.write("columns.parquet", parquet_file(Arc::clone(&ids), ids));
    folder.write("book.xlsx", workbook(&WORKBOOK_ROWS.replace(" t=\"e\"", "").replace("#DIV/0!", "7")));
    folder.write("header.csv", "id,v\n");
    let folder = Arc::new(folder);
    syncline_testkit::conformance::source::suite(move || {
        let folder = Arc::clone(&folder);
        Box::pin(async move { folder.source(&json!({"file_columns": true})) })
    })
    .await;
}
