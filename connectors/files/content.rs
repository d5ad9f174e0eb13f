//! What is in a file: its format by name and first bytes, and its bytes without compression.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_protocol::{Error, ErrorKind, Result};

use super::listing::{strip_ending, unreadable};

/// How rows are written in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// By the ending of the name, else by the first bytes.
    #[default]
    Auto,
    /// Comma-separated values, with any delimiter.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// JSON: one object per line, objects one after the other, or one array of objects.
    Json,
    /// Apache Parquet.
    Parquet,
    /// A workbook: xlsx, xlsm, xlsb, xls or ods. Each sheet is a table.
    Excel,
}

impl Format {
    /// The format that the ending of a name promises.
    pub(super) fn of_name(name: &str) -> Option<Format> {
        let name =
            [".gz", ".zst", ".zstd"].iter().find_map(|ending| strip_ending(name, ending)).unwrap_or(name);
        let (_, ending) = name.rsplit_once('.')?;
        Some(match ending.to_ascii_lowercase().as_str() {
            "csv" | "txt" => Format::Csv,
            "tsv" | "tab" => Format::Tsv,
            "json" | "jsonl" | "ndjson" => Format::Json,
            "parquet" | "pq" => Format::Parquet,
            "xlsx" | "xlsm" | "xlsb" | "xls" | "ods" => Format::Excel,
            _ => return None,
        })
    }

    /// The format of a file: as configured, by its name, else by its first bytes.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn of_file(self, path: &Path, name: &str, limits: Limits) -> Result<Format> {
        if self != Format::Auto {
            return Ok(self);
        }
        if let Some(format) = Format::of_name(name) {
            return Ok(format);
        }
        let mut head = Vec::new();
        open(path, limits)?.take(1024).read_to_end(&mut head).map_err(|error| unreadable(path, error))?;
        let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
        Ok(match (head.get(..4), first) {
            (Some(b"PAR1"), _) => Format::Parquet,
            (Some(b"PK\x03\x04" | b"\xd0\xcf\x11\xe0"), _) => Format::Excel,
            (_, Some(b'[' | b'{')) => Format::Json,
            _ => Format::Csv,
        })
    }
}

/// How much a compressed file may grow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Times its size on disk.
    pub(super) ratio_max: u64,
}

/// Small files may grow by any ratio up to this size; a ratio says nothing about them.
const UNLIMITED_BYTES: u64 = 64 << 20;

/// The bytes of a file, without compression.
///
/// # Errors
/// When the file cannot be opened.
pub(super) fn open(path: &Path, limits: Limits) -> Result<Box<dyn Read + Send>> {
    open_at(path, limits, 0)
}

/// As [`open`], from a place in the uncompressed bytes on.
///
/// # Errors
/// When the file cannot be opened or is shorter.
pub(super) fn open_at(path: &Path, limits: Limits, offset: u64) -> Result<Box<dyn Read + Send>> {
    let wrong = |error| unreadable(path, error);
    let mut file = File::open(path).map_err(wrong)?;
    let size = file.metadata().map_err(wrong)?.len();
    let mut magic = [0; 4];
    let read = read_up_to(&mut file, &mut magic).map_err(wrong)?;
    file.seek(SeekFrom::Start(0)).map_err(wrong)?;
    let allowed = size.saturating_mul(limits.ratio_max).max(UNLIMITED_BYTES);
    let mut reader: Box<dyn Read + Send> = match magic.get(..read) {
        Some([0x1f, 0x8b, ..]) => {
            let decoder = flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(1 << 17, file));
            Box::new(Bounded { reader: decoder, left: allowed })
        }
        Some([0x28, 0xb5, 0x2f, 0xfd]) => {
            let decoder = zstd::stream::read::Decoder::new(file).map_err(wrong)?;
            Box::new(Bounded { reader: decoder, left: allowed })
        }
        _ => {
            file.seek(SeekFrom::Start(offset)).map_err(wrong)?;
            return Ok(Box::new(file));
        }
    };
    let skipped = io::copy(&mut reader.by_ref().take(offset), &mut io::sink()).map_err(wrong)?;
    if skipped < offset {
        return Err(Error::new(ErrorKind::CorruptInput, format!("{} became shorter.", path.display())));
    }
    Ok(reader)
}

/// Fills `buffer` as far as there are bytes.
pub(super) fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Ends with an error where a small file becomes a huge one.
struct Bounded<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::other(
                Error::new(ErrorKind::LimitExceeded, "A compressed file unpacks to far more than its size.")
                    .fix("If the file is meant to be like that, raise `decompression_ratio_max`."),
            )
        })?;
        Ok(count)
    }
}
