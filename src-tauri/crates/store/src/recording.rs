//! What the source of the last run of a connection was answered, and what the builder was, sealed with the vault's key.
//!
//! `.syncline/recordings/NAME.tape`: frames of length (4 bytes), nonce (24 bytes) and ciphertext. The name of the
//! connection and the number of the frame are the associated data, so that frames cannot be exchanged unnoticed. The
//! first frame says where the run began. Answers can hold anything that the system knows: they are never written plain,
//! and nothing is recorded for a project whose vault has no key yet.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use syncline_protocol::{Error, ErrorKind, Result, Tape};

use crate::atomic_file::io_error;
use crate::project::{Project, create_private_folder};
use crate::state::SealedSecret;
use crate::vault::{MasterKey, NONCE_BYTES, Vault, open, seal};

/// A recording is this large at most; a run that is answered more is not kept.
const BYTES_MAX: usize = 64 << 20;
/// Names the recording of the builder; no connection can have this name.
const BUILDER: &str = "+builder";
/// The tag of the cipher.
const TAG_BYTES: usize = 16;

/// Records a run of one connection.
pub struct Recorder {
    key: MasterKey,
    connection: String,
    path: PathBuf,
    state: Mutex<Taping>,
}

#[derive(Default)]
struct Taping {
    file: Option<File>,
    frames: usize,
    bytes: usize,
    /// Nothing is missing so far.
    whole: bool,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recorder({})", self.connection)
    }
}

fn path(project: &Project, connection: &str) -> PathBuf {
    project.local().join("recordings").join(format!("{connection}.tape"))
}

/// What a frame is sealed to.
fn frame_name(connection: &str, number: usize) -> String {
    format!("/recording/{connection}/{number}")
}

impl Recorder {
    /// For the runs of a connection; none when the vault has no key, or it cannot be had: a project without secrets
    /// never asks for one, and a run is worth more than its recording.
    pub fn new(project: &Project, vault: &Vault<'_>, connection: &str) -> Option<Recorder> {
        let key = vault.key_if_any().ok().flatten()?;
        Some(Recorder {
            key,
            connection: connection.to_owned(),
            path: path(project, connection),
            state: Mutex::default(),
        })
    }

    /// For what the builder was answered. The vault gets a key when it has none yet: whoever tries an API has secrets
    /// for it, which go there with the source that is made.
    ///
    /// # Errors
    /// `Config`, when no key can be had.
    pub fn of_builder(project: &Project, vault: &Vault<'_>) -> Result<Recorder> {
        Ok(Recorder {
            key: vault.any_key()?,
            connection: BUILDER.to_owned(),
            path: path(project, BUILDER),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, Taping> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run begins here: `head` is what is needed to do it again. What is not kept by [`finish`](Self::finish) is
    /// thrown away.
    pub fn begin(&self, head: &Value) {
        let folder = self.path.parent().unwrap_or(&self.path);
        let made = create_private_folder(folder).ok().and_then(|()| File::create(self.beside()).ok());
        // A run is worth more than its recording: without a file there is none.
        *self.state() = Taping { whole: made.is_some(), file: made, frames: 0, bytes: 0 };
        self.keep(head.to_string().into_bytes());
    }

    fn beside(&self) -> PathBuf {
        self.path.with_extension("tape.new")
    }

    /// The run has ended; `keep`: as it should, so that it is worth being done again.
    pub fn finish(&self, keep: bool) {
        let taped = std::mem::take(&mut *self.state());
        let Some(file) = taped.file else { return };
        let kept =
            keep && taped.whole && file.sync_all().is_ok() && fs::rename(self.beside(), &self.path).is_ok();
        if !kept {
            let _ = fs::remove_file(self.beside());
        }
    }
}

impl Tape for Recorder {
    fn keep(&self, answer: Vec<u8>) {
        let mut state = self.state();
        if !state.whole {
            return;
        }
        let bytes = state.bytes + answer.len() + 4 + NONCE_BYTES + TAG_BYTES;
        let number = state.frames;
        let sealed = seal(&self.key, &frame_name(&self.connection, number), &answer).ok();
        let written = sealed.filter(|_| bytes <= BYTES_MAX).and_then(|sealed| {
            let mut frame = Vec::with_capacity(4 + sealed.nonce.len() + sealed.sealed.len());
            frame.extend(u32::try_from(sealed.sealed.len()).ok()?.to_le_bytes());
            frame.extend(&sealed.nonce);
            frame.extend(&sealed.sealed);
            state.file.as_mut()?.write_all(&frame).ok()
        });
        state.whole = written.is_some();
        (state.frames, state.bytes) = (number + 1, bytes);
    }

    fn room(&self) -> usize {
        BYTES_MAX
    }

    fn overflow(&self) {
        self.state().whole = false;
    }
}

/// A recorded run.
pub struct Recording {
    /// What the recorder was given at its beginning.
    pub head: Value,
    /// The answers, in order.
    pub answers: Vec<Vec<u8>>,
}

impl Recording {
    /// The last run of a connection that was recorded; none when there is none.
    ///
    /// # Errors
    /// `CorruptInput` when it was changed or sealed with another key; `Config` when the key cannot be had.
    pub fn load(project: &Project, vault: &Vault<'_>, connection: &str) -> Result<Option<Recording>> {
        let path = path(project, connection);
        if !path.is_file() {
            return Ok(None);
        }
        let Some(key) = vault.key_if_any()? else { return Ok(None) };
        let mut frames = read(&path, &key, connection)?;
        if frames.is_empty() {
            return Err(damaged());
        }
        let head = serde_json::from_slice(&frames.remove(0)).map_err(|error| damaged().caused_by(error))?;
        Ok(Some(Recording { head, answers: frames }))
    }

    /// What the builder was answered; none when nothing was kept.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn of_builder(project: &Project, vault: &Vault<'_>) -> Result<Option<Recording>> {
        Recording::load(project, vault, BUILDER)
    }

    /// Forgets the recorded run of a connection.
    pub fn forget(project: &Project, connection: &str) {
        let _ = fs::remove_file(path(project, connection));
    }
}

fn damaged() -> Error {
    Error::new(
        ErrorKind::CorruptInput,
        "The recording of the last run was changed, or sealed with another key.",
    )
    .meaning("Nothing depends on it but rehearsals.")
    .fix("Run the connection once more; it is recorded again.")
}

fn read(path: &Path, key: &MasterKey, connection: &str) -> Result<Vec<Vec<u8>>> {
    let file = File::open(path).map_err(|error| io_error("read", path, error))?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(|error| io_error("read", path, error))?;
    let (mut frames, mut rest) = (Vec::new(), bytes.as_slice());
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (nonce, after) = after.split_at_checked(NONCE_BYTES).ok_or_else(damaged)?;
        let (sealed, after) = after.split_at_checked(length).ok_or_else(damaged)?;
        let secret = SealedSecret { nonce: nonce.to_vec(), sealed: sealed.to_vec() };
        let plain = open(key, &frame_name(connection, frames.len()), &secret).ok_or_else(damaged)?;
        frames.push(plain.to_vec());
        rest = after;
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::State;
    use crate::vault::MASTER_KEY_VARIABLE as VARIABLE;
    use secrecy::SecretString;
    use serde_json::json;

    const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

    fn environment(name: &str) -> Option<String> {
        (name == VARIABLE).then(|| KEY.to_owned())
    }

    #[test]
    fn the_builder_has_a_recording_of_its_own_and_a_key_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::init(folder.path(), "Test").unwrap();
        let state = State::open(&project.state_path()).unwrap();
        let vault = Vault::from_env(&state, &environment).unwrap();
        assert!(Recording::of_builder(&project, &vault).unwrap().is_none());
        let recorder = Recorder::of_builder(&project, &vault).unwrap();
        recorder.begin(&json!({}));
        recorder.keep(b"a secret answer".to_vec());
        recorder.finish(true);
        let again = Vault::from_env(&state, &environment).unwrap();
        let recording = Recording::of_builder(&project, &again).unwrap().unwrap();
        assert_eq!(recording.answers, [b"a secret answer".to_vec()]);
        assert!(crate::project::validate_name(BUILDER).is_err(), "no connection takes its place");
        let sealed = fs::read(path(&project, BUILDER)).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
    }

    #[test]
    fn answers_are_sealed_bounded_and_kept_of_the_last_good_run() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::init(folder.path(), "Test").unwrap();
        let state = State::open(&project.state_path()).unwrap();
        let vault = Vault::from_env(&state, &environment).unwrap();
        assert!(Recorder::new(&project, &vault, "c").is_none(), "nobody asked for a key yet");
        vault.set("one", &SecretString::from("x"), jiff::Timestamp::UNIX_EPOCH).unwrap();
        let recorder = Recorder::new(&project, &vault, "c").unwrap();
        recorder.keep(b"before it began".to_vec());
        recorder.begin(&json!({"run": "r1"}));
        recorder.keep(b"a secret answer".to_vec());
        recorder.keep(Vec::new());
        recorder.finish(true);
        let load = || Recording::load(&project, &vault, "c");
        let recording = load().unwrap().unwrap();
        assert_eq!(recording.head, json!({"run": "r1"}));
        assert_eq!(recording.answers, [b"a secret answer".to_vec(), Vec::new()]);
        let sealed = fs::read(path(&project, "c")).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));

        // One that failed, one that is too large, one with a hole: the last good one stays.
        recorder.begin(&json!({"run": "r2"}));
        recorder.finish(false);
        recorder.begin(&json!({"run": "r3"}));
        recorder.keep(vec![0; BYTES_MAX]);
        recorder.finish(true);
        recorder.begin(&json!({"run": "r4"}));
        recorder.overflow();
        recorder.finish(true);
        assert_eq!(load().unwrap().unwrap().head, json!({"run": "r1"}));
        assert!(!path(&project, "c").with_extension("tape.new").exists());

        // Another connection's recording is none of this one, and a changed one is no recording.
        fs::copy(path(&project, "c"), path(&project, "d")).unwrap();
        assert_eq!(Recording::load(&project, &vault, "d").err().unwrap().kind(), ErrorKind::CorruptInput);
        let mut changed = sealed;
        let last = changed.len() - 1;
        changed[last] ^= 1;
        fs::write(path(&project, "c"), &changed).unwrap();
        assert_eq!(load().err().unwrap().kind(), ErrorKind::CorruptInput);
        fs::write(path(&project, "c"), &changed[..10]).unwrap();
        assert_eq!(load().err().unwrap().kind(), ErrorKind::CorruptInput);
        Recording::forget(&project, "c");
        assert!(load().unwrap().is_none());
    }
}
