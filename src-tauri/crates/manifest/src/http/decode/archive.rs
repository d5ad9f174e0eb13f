//! Bodies that are zip archives: all their files, one after the other.

use std::io::{self, Cursor, Read};

use bytes::Bytes;
use syncline_protocol::{Error, ErrorKind};

use super::{Format, Give};
use crate::http::client::too_large;

/// What an archive may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) files: usize,
    /// Bytes of all files together, unpacked.
    pub(super) bytes: u64,
}

pub(super) const BOUNDS: Bounds = Bounds { files: 10_000, bytes: 16 << 30 };

/// Gives what is in the files of an archive. What is not whole is an error: where an archive is cut off its list of files
/// is missing, and each file is checked against its sum.
pub(super) fn read(body: Bytes, inner: &Format, bounds: Bounds, give: &mut Give<'_>) -> io::Result<()> {
    let wrong = |what: &str, error: zip::result::ZipError| match error {
        // Something that is packed may itself say what is wrong.
        zip::result::ZipError::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<Error>()) => error,
        error => io::Error::other(
            Error::new(ErrorKind::CorruptInput, format!("The API sent {what}."))
                .meaning("The table stays where it was.")
                .caused_by(error),
        ),
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(body))
        .map_err(|error| wrong("no zip archive, or one that is cut off", error))?;
    if archive.len() > bounds.files {
        let most = bounds.files;
        return Err(io::Error::other(Error::new(
            ErrorKind::LimitExceeded,
            format!("The API sent an archive of more than {most} files."),
        )));
    }
    let mut left = bounds.bytes;
    for at in 0..archive.len() {
        let file =
            archive.by_index(at).map_err(|error| wrong("an archive that cannot be unpacked", error))?;
        if file.is_dir() {
            continue;
        }
        // What it says of its sizes is not to be trusted: what comes out is counted.
        inner.read(Box::new(Counted { input: file, left: &mut left, most: bounds.bytes }), give)?;
    }
    Ok(())
}

/// Ends what would be too much.
struct Counted<'l, R> {
    input: R,
    left: &'l mut u64,
    most: u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(into)?;
        let Some(left) = self.left.checked_sub(count as u64) else {
            return Err(io::Error::other(too_large(self.most)));
        };
        *self.left = left;
        Ok(count)
    }
}
