use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind as Io};
use std::path::Path;

use serde::Deserialize;
use syncline_protocol::{Error, ErrorKind, Result, TableName};

use crate::api::Api;
use crate::types::{LogLevel, LogLine, LogPage, LogRequest};

/// Lines of one answer.
const LINES_MAX: usize = 10_000;

/// A line as it is written.
#[derive(Deserialize)]
struct Written {
    time: String,
    level: LogLevel,
    #[serde(default)]
    table: Option<TableName>,
    text: String,
}

impl Api {
    pub(crate) async fn run_log(&self, request: LogRequest) -> Result<LogPage> {
        self.blocking(move |open| page(&open.project.run_log_path(&request.run), &request)).await
    }
}

/// Goes through the whole file; keeps only the lines of the window.
fn page(path: &Path, request: &LogRequest) -> Result<LogPage> {
    let failed = |error| {
        Error::new(ErrorKind::Permission, "The log could not be read.")
            .with("file", path.display())
            .caused_by(error)
    };
    let mut page = LogPage { lines: Vec::new(), total: 0, first_error: None };
    let file = match File::open(path) {
        Ok(file) => file,
        // Old logs are removed, and runs of other computers have theirs there.
        Err(error) if error.kind() == Io::NotFound => return Ok(page),
        Err(error) => return Err(failed(error)),
    };
    let search = request.search.as_ref().map(|text| text.to_lowercase()).filter(|text| !text.is_empty());
    let limit = request.limit.min(LINES_MAX);
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let (mut bytes, mut number) = (Vec::new(), 0);
    loop {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
            return Ok(page);
        }
        number += 1;
        // The last line of a run that was killed may be half a line.
        let Ok(line) = serde_json::from_slice::<Written>(&bytes) else { continue };
        if line.level == LogLevel::Error && page.first_error.is_none() {
            page.first_error = Some(number);
        }
        let grave = matches!(line.level, LogLevel::Error | LogLevel::Warn);
        let wanted = (!request.errors || grave)
            && request.table.as_ref().is_none_or(|table| line.table.as_ref() == Some(table))
            && search.as_ref().is_none_or(|text| holds(&line, text));
        if !wanted {
            continue;
        }
        if page.total >= request.from && page.lines.len() < limit {
            page.lines.push(LogLine {
                n: number,
                time: line.time,
                level: line.level,
                table: line.table.map(|table| table.to_string()),
                text: line.text,
            });
        }
        page.total += 1;
    }
}

fn holds(line: &Written, search: &str) -> bool {
    let of_table =
        || line.table.as_ref().is_some_and(|table| table.to_string().to_lowercase().contains(search));
    line.text.to_lowercase().contains(search) || of_table()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn log(lines: usize) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for at in 1..=lines {
            let level = if at % 1000 == 500 { "error" } else { "info" };
            let table = if at % 2 == 0 { "public.orders" } else { "customers" };
            writeln!(
                file,
                r#"{{"time":"t","level":"{level}","table":"{table}","text":"Segment {at} is durable."}}"#
            )
            .unwrap();
        }
        write!(file, r#"{{"time":"t","lev"#).unwrap();
        file
    }

    fn request(from: usize, search: Option<&str>, errors: bool) -> LogRequest {
        LogRequest {
            run: String::new(),
            from,
            limit: 2,
            search: search.map(str::to_owned),
            errors,
            table: None,
        }
    }

    #[test]
    fn the_search_goes_through_the_whole_file() {
        let file = log(3000);
        let all = page(file.path(), &request(2990, None, false)).unwrap();
        assert_eq!((all.total, all.lines[0].n, all.first_error), (3000, 2991, Some(500)));
        let found = page(file.path(), &request(0, Some("SEGMENT 2777 "), false)).unwrap();
        assert_eq!((found.total, found.lines[0].n), (1, 2777));
        let errors = page(file.path(), &request(1, None, true)).unwrap();
        assert_eq!((errors.total, errors.lines[0].n), (3, 1500));
        let mut orders = request(0, Some("segment 30"), false);
        orders.table = Some(TableName::new("public", "orders"));
        // 30, 300, 302, …, 308, 3000
        assert_eq!(page(file.path(), &orders).unwrap().total, 7);
    }

    #[test]
    fn no_log_is_an_empty_one() {
        let page = page(Path::new("nowhere"), &request(0, None, false)).unwrap();
        assert_eq!(page, LogPage { lines: Vec::new(), total: 0, first_error: None });
    }
}
