//! Archives.

use std::io::Cursor;

use bytes::Bytes;
use syncline_protocol::Result;
use zip::ZipArchive;

use super::pipe::Sink;
use super::{Parser, corrupt};

/// Parses every file of an archive.
pub(super) fn parse(body: Bytes, parser: &Parser, sink: &mut Sink) -> Result<()> {
    let mut archive = ZipArchive::new(Cursor::new(body))
        .map_err(|error| corrupt("is no valid ZIP archive").caused_by(error))?;
    for index in 0..archive.len() {
        let file = archive
            .by_index(index)
            .map_err(|error| corrupt("has a file that cannot be unpacked").caused_by(error))?;
        if file.is_dir() {
            continue;
        }
        let bounded = sink.bounded(file);
        parser.parse(Box::new(bounded), sink)?;
    }
    Ok(())
}
