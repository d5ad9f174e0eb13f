//! Which round the shop is in, kept in the project over restarts.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use syncline_protocol::{Error, ErrorKind, Result};

/// After this round nothing changes any more.
pub(super) const ROUNDS_MAX: u32 = 100;

/// The file that holds the round. A missing file is the first round.
#[derive(Debug, Clone)]
pub(super) struct RoundFile {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Content {
    round: u32,
}

impl RoundFile {
    /// The file inside a project folder.
    pub(super) fn of(project: &Path) -> Self {
        RoundFile { path: project.join(".syncline").join("sample.json") }
    }

    /// The round, from 1 to [`ROUNDS_MAX`].
    ///
    /// # Errors
    /// `CorruptInput` when the file is not what [`RoundFile::advance`] wrote; `Permission` when it cannot be read.
    pub(super) fn load(&self) -> Result<u32> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(1),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Err(self.damaged(error)),
            Err(error) => {
                return Err(Error::new(
                    ErrorKind::Permission,
                    format!("{} cannot be read.", self.path.display()),
                )
                .caused_by(error));
            }
        };
        let content: Content = serde_json::from_str(&text).map_err(|error| self.damaged(error))?;
        if (1..=ROUNDS_MAX).contains(&content.round) {
            Ok(content.round)
        } else {
            Err(self.damaged(format!("there is no round {}", content.round)))
        }
    }

    /// Goes on to the round after `round`, unless another sync has already done so.
    ///
    /// # Errors
    /// As for [`RoundFile::load`]; `Permission` when the file cannot be written.
    pub(super) fn advance(&self, round: u32) -> Result<()> {
        if round >= ROUNDS_MAX || self.load()? != round {
            return Ok(());
        }
        self.store(round + 1).map_err(|error| {
            Error::new(ErrorKind::Permission, format!("{} cannot be written.", self.path.display()))
                .caused_by(error)
        })
    }

    /// Writes beside the file, then renames: a crash leaves the old round or the new one.
    fn store(&self, round: u32) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let beside = self.path.with_extension(format!("json.{}", std::process::id()));
        let written = std::fs::File::create(&beside).and_then(|mut file| {
            file.write_all(&serde_json::to_vec(&Content { round })?)?;
            file.sync_all()
        });
        let renamed = written.and_then(|()| std::fs::rename(&beside, &self.path));
        if renamed.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        renamed
    }

    fn damaged(&self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::new(
            ErrorKind::CorruptInput,
            format!("{} does not hold the round of the sample shop.", self.path.display()),
        )
        .caused_by(cause)
        .fix("Delete the file: the shop then begins again with its first round.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_survives_and_never_skips() {
        let folder = tempfile::tempdir().unwrap();
        let file = RoundFile::of(folder.path());
        assert_eq!(file.load().unwrap(), 1);
        file.advance(1).unwrap();
        file.advance(1).unwrap();
        assert_eq!(RoundFile::of(folder.path()).load().unwrap(), 2);
        let left: Vec<_> = std::fs::read_dir(folder.path().join(".syncline")).unwrap().collect();
        assert_eq!(left.len(), 1, "no file is left beside");
    }

    #[test]
    fn a_damaged_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = RoundFile::of(folder.path());
        file.advance(1).unwrap();
        for text in [&b""[..], b"{", b"\xff\xfe", br#"{"round":0}"#, br#"{"round":4294967295}"#, b"[]"] {
            std::fs::write(&file.path, text).unwrap();
            assert_eq!(file.load().unwrap_err().kind(), ErrorKind::CorruptInput);
            assert!(file.advance(1).is_err());
        }
    }
}
