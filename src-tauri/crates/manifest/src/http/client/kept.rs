//! Answers that are kept during a run: in memory, and in a temporary file when they grow.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::sync::OnceCell;

use super::{Answer, Body, Request};

/// Identifies a request: method, address, headers, body.
pub(crate) type Key = [u8; 32];

/// All kept answers. One request is under way per key: who asks for the same waits for its answer.
pub(crate) struct Kept {
    answers: Mutex<HashMap<Key, Arc<OnceCell<Entry>>>>,
    store: Arc<Mutex<Store>>,
}

/// An answer without its body.
#[derive(Clone)]
pub(crate) struct Entry {
    status: u16,
    headers: Vec<(String, String)>,
    url: String,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Memory(Bytes),
    File { start: u64, length: usize },
}

struct Store {
    free: usize,
    file: Option<File>,
    end: u64,
}

impl Kept {
    pub(crate) fn new(memory: usize) -> Kept {
        let store = Store { free: memory, file: None, end: 0 };
        Kept { answers: Mutex::default(), store: Arc::new(Mutex::new(store)) }
    }

    pub(crate) fn key(request: &Request) -> Key {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(request.method.as_str().as_bytes());
        part(request.url.as_str().as_bytes());
        for (name, value) in &request.headers {
            part(name.as_str().as_bytes());
            part(value.as_bytes());
        }
        part(&[]);
        part(request.body.as_deref().unwrap_or_default());
        hash.finalize().into()
    }

    /// The place of an answer: empty until somebody got it.
    pub(crate) fn cell(&self, key: Key) -> Arc<OnceCell<Entry>> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(answers.entry(key).or_default())
    }

    /// Keeps an answer whose body is read.
    pub(crate) fn put(
        &self,
        answer: &Answer,
        body: Bytes,
    ) -> impl Future<Output = Result<Entry>> + Send + use<> {
        let store = Arc::clone(&self.store);
        let (status, headers, url) = (answer.status, answer.headers.clone(), answer.url.clone());
        async move {
            let place =
                blocking(move || store.lock().unwrap_or_else(PoisonError::into_inner).put(body)).await?;
            Ok(Entry { status, headers, url, place })
        }
    }

    /// A kept answer.
    pub(crate) async fn answer(&self, entry: &Entry) -> Result<Answer> {
        let bytes = match entry.place.clone() {
            Place::Memory(bytes) => bytes,
            Place::File { start, length } => {
                let store = Arc::clone(&self.store);
                blocking(move || store.lock().unwrap_or_else(PoisonError::into_inner).get(start, length))
                    .await?
            }
        };
        Ok(Answer {
            status: entry.status,
            headers: entry.headers.clone(),
            url: entry.url.clone(),
            body: Body::ready(bytes),
        })
    }
}

impl Store {
    fn put(&mut self, body: Bytes) -> std::io::Result<Place> {
        if body.len() <= self.free {
            self.free -= body.len();
            return Ok(Place::Memory(body));
        }
        // A file without a name: it is gone with the run, however that ends.
        if self.file.is_none() {
            self.file = Some(tempfile::tempfile()?);
        }
        let Some(file) = &mut self.file else { return Ok(Place::Memory(body)) };
        let start = self.end;
        file.seek(SeekFrom::Start(start))?;
        file.write_all(&body)?;
        self.end += body.len() as u64;
        Ok(Place::File { start, length: body.len() })
    }

    fn get(&mut self, start: u64, length: usize) -> std::io::Result<Bytes> {
        let Some(file) = &mut self.file else { return Ok(Bytes::new()) };
        let mut body = vec![0; length];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut body)?;
        Ok(body.into())
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other).and_then(|done| done);
    done.map_err(|error| {
        let full = error.kind() == std::io::ErrorKind::StorageFull;
        let kind = if full { ErrorKind::DiskFull } else { ErrorKind::Internal };
        Error::new(kind, "An answer of the API could not be kept in the folder for temporary files.")
            .caused_by(error)
    })
}
