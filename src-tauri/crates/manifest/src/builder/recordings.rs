//! Answers that were recorded: bounded in memory, and on a tape that outlives the program.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use syncline_protocol::Tape;
use url::Url;

use crate::http::client::Kept;

/// Bytes of recorded answers, in all. With what is put around them they have room on a tape.
const KEPT_BYTES_MAX: usize = 48 << 20;
/// What an answer takes besides its texts and its body, at most.
const AROUND_BYTES: usize = 512;

/// Answers that were recorded, of all drafts of a program. What is oldest goes first when there are too many.
#[derive(Default)]
pub struct Recordings {
    shelf: Mutex<Shelf>,
    /// There is something that no tape has yet.
    new: AtomicBool,
}

#[derive(Default)]
struct Shelf {
    answers: HashMap<String, Kept>,
    order: VecDeque<String>,
    bytes: usize,
}

/// A recorded answer on a tape; its body follows after a line end.
#[derive(Serialize, Deserialize)]
struct Label {
    asked: String,
    status: u16,
    headers: Vec<(String, String)>,
    answered: String,
}

impl Kept {
    fn size(&self, asked: &str) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
        asked.len() + headers + self.url.as_str().len() + self.body.len() + AROUND_BYTES
    }

    fn packed(&self, asked: &str) -> Option<Vec<u8>> {
        let label = Label {
            asked: asked.to_owned(),
            status: self.status,
            headers: self.headers.clone(),
            answered: self.url.to_string(),
        };
        let mut packed = serde_json::to_vec(&label).ok()?;
        packed.push(b'\n');
        packed.extend_from_slice(&self.body);
        Some(packed)
    }

    fn unpacked(packed: &[u8]) -> Option<(String, Kept)> {
        let end = packed.iter().position(|byte| *byte == b'\n')?;
        let (label, body) = packed.split_at_checked(end)?;
        let Label { asked, status, headers, answered } = serde_json::from_slice(label).ok()?;
        let url = Url::parse(&answered).ok()?;
        let body = Bytes::copy_from_slice(body.get(1..)?);
        Some((asked, Kept { status, headers, url, body }))
    }
}

impl Recordings {
    /// Whether answers were recorded since they were last put on a tape.
    pub fn has_new(&self) -> bool {
        self.new.load(Ordering::Relaxed)
    }

    /// Puts all answers on a tape, the oldest first.
    pub fn keep(&self, tape: &dyn Tape) {
        self.new.store(false, Ordering::Relaxed);
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let packed = |asked: &String| shelf.answers.get(asked)?.packed(asked);
        shelf.order.iter().filter_map(packed).for_each(|packed| tape.keep(packed));
    }

    /// Takes the answers of a tape, but for those that were recorded anew. What is none is left out.
    pub fn take(&self, answers: &[Vec<u8>]) {
        for (asked, recorded) in answers.iter().filter_map(|packed| Kept::unpacked(packed)) {
            if self.get(&asked).is_none() {
                self.put(asked, recorded);
            }
        }
    }

    /// Keeps an answer that has just come.
    pub(super) fn record(&self, asked: String, recorded: Kept) {
        self.put(asked, recorded);
        self.new.store(true, Ordering::Relaxed);
    }

    pub(super) fn get(&self, key: &str) -> Option<Kept> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).answers.get(key).cloned()
    }

    fn put(&self, key: String, recorded: Kept) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.bytes += recorded.size(&key);
        if let Some(before) = shelf.answers.insert(key.clone(), recorded) {
            shelf.bytes -= before.size(&key);
        } else {
            shelf.order.push_back(key);
        }
        while shelf.bytes > KEPT_BYTES_MAX {
            let Some(oldest) = shelf.order.pop_front() else { break };
            if let Some(gone) = shelf.answers.remove(&oldest) {
                shelf.bytes -= gone.size(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Taped(Mutex<Vec<Vec<u8>>>);

    impl Tape for Taped {
        fn keep(&self, answer: Vec<u8>) {
            self.0.lock().unwrap().push(answer);
        }
        fn room(&self) -> usize {
            usize::MAX
        }
        fn overflow(&self) {}
    }

    #[test]
    fn recordings_come_back_from_a_tape_and_newer_ones_stay() {
        let recorded = |body: &'static [u8]| Kept {
            status: 200,
            headers: vec![("link".to_owned(), "<https://x.test>".to_owned())],
            url: Url::parse("https://x.test/a?b=1").unwrap(),
            body: Bytes::from_static(body),
        };
        let recordings = Recordings::default();
        recordings.put("GET a\n".to_owned(), recorded(b"one\ntwo"));
        recordings.put("GET b\n".to_owned(), recorded(b""));
        let tape = Taped(Mutex::default());
        recordings.keep(&tape);
        let mut answers = tape.0.into_inner().unwrap();
        answers.push(b"no label".to_vec());
        let later = Recordings::default();
        later.put("GET b\n".to_owned(), recorded(b"newer"));
        later.take(&answers);
        let (first, second) = (later.get("GET a\n").unwrap(), later.get("GET b\n").unwrap());
        assert_eq!((first.body.as_ref(), second.body.as_ref()), (b"one\ntwo".as_ref(), b"newer".as_ref()));
        assert_eq!((first.status, first.url.as_str()), (200, "https://x.test/a?b=1"));
        assert_eq!(first.headers, recorded(b"").headers);
        assert!(!later.has_new(), "what a tape has already is nothing new");
    }

    #[test]
    fn the_oldest_recordings_go_when_there_is_too_much() {
        let recordings = Recordings::default();
        let big = || Kept {
            status: 200,
            headers: vec![],
            url: Url::parse("https://x.test").unwrap(),
            body: Bytes::from(vec![0; 40 << 20]),
        };
        recordings.put("a".to_owned(), big());
        recordings.put("b".to_owned(), big());
        assert!(recordings.get("a").is_none() && recordings.get("b").is_some());
    }
}
