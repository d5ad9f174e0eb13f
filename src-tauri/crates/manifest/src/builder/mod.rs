//! The other way: from what an API shows of itself to a manifest.
//!
//! 1. [`openapi`], [`sample`], [`curl`]: each reads one kind of input into a [`Sketch`], with the evidence of every guess.
//! 2. [`compose`]: a sketch becomes the text of a manifest; guesses become paths in it.
//! 3. [`trial`]: requests of one table, recorded; what they prove, and what of the draft they contradict.
//! 4. [`help`]: a draft by a language model, when somebody has set one up; it counts when such requests prove it.
//!
//! Names of parameters and fields that mean something stand in [`words`], once.

mod compose;
mod curl;
mod divided;
mod help;
mod openapi;
mod record;
mod recordings;
mod sample;
mod shape;
mod trial;
mod verdict;
mod words;

use syncline_protocol::builder::{Draft, DraftFrom, Evidence, Examined, InputProblem, Look};
use syncline_protocol::{Error, ErrorKind, Result};

use crate::connector::Connector;
use crate::http::client::{Client, Limits, Prepared};
use crate::{Json, Map};

pub use help::{bounds, help, may_help, messages as help_messages};
pub use recordings::Recordings;
pub use trial::trial;

/// A description larger than this is none that somebody wrote.
const INPUT_BYTES_MAX: u64 = 32 << 20;

/// A value with the reason for it.
#[derive(Debug, Clone, PartialEq)]
struct Guessed<T> {
    value: T,
    because: Evidence,
}

impl<T> Guessed<T> {
    fn new(value: T, because: Evidence) -> Guessed<T> {
        Guessed { value, because }
    }
}

/// What is known of an API, before it is a manifest.
#[derive(Debug, Clone, Default)]
struct Sketch {
    title: String,
    base: Option<Guessed<String>>,
    sign_in: Option<Guessed<SignIn>>,
    tables: Vec<TableSketch>,
}

#[derive(Debug, Clone, PartialEq)]
enum SignIn {
    /// `header` or `request_parameter`, and its name.
    Key {
        inject: &'static str,
        name: String,
    },
    Bearer,
    Basic,
    /// Client credentials, with the address that gives tokens.
    Client {
        token_url: String,
    },
}

#[derive(Debug, Clone, Default)]
struct TableSketch {
    name: String,
    method: String,
    path: String,
    /// Parameters that are always sent.
    parameters: Map,
    /// Headers that are always sent.
    headers: Map,
    rows: Option<Guessed<Vec<String>>>,
    key: Option<Guessed<Vec<String>>>,
    paging: Option<Guessed<Paging>>,
    newer: Option<Guessed<Newer>>,
    parent: Option<Guessed<Parent>>,
    schema: Option<Json>,
}

#[derive(Debug, Clone, PartialEq)]
enum Paging {
    Page {
        parameter: String,
        size: Option<(String, u64)>,
        first: u64,
    },
    Offset {
        parameter: String,
        size: (String, u64),
    },
    /// The address of the next page, in the answer.
    Link {
        place: Vec<String>,
    },
    /// The address of the next page, in the `Link` header.
    LinkHeader {
        size: Option<(String, u64)>,
    },
    Cursor {
        parameter: String,
        place: Vec<String>,
        size: Option<(String, u64)>,
    },
}

/// How new rows are told.
#[derive(Debug, Clone, PartialEq)]
struct Newer {
    field: String,
    format: String,
    parameter: Option<String>,
}

/// The table that gives a part of the path.
#[derive(Debug, Clone, PartialEq)]
struct Parent {
    table: String,
    key: String,
    parameter: String,
}

/// A draft from what an API shows.
///
/// # Errors
/// `CorruptInput`, with the line, when the input cannot be read; as for any request when it is fetched.
pub async fn draft(from: DraftFrom) -> Result<Draft> {
    match from {
        DraftFrom::OpenApi { text, url, chosen } => {
            let text = match (text, &url) {
                (Some(text), _) => text,
                (None, Some(url)) => fetch(url).await?,
                (None, None) => return Err(nothing()),
            };
            openapi::draft(&text, url.as_deref(), chosen.as_deref())
        }
        DraftFrom::Sample { text, url } => {
            let text = match (text, &url) {
                (Some(text), _) => text,
                (None, Some(url)) => fetch(url).await?,
                (None, None) => return Err(nothing()),
            };
            sample::draft(&text, url.as_deref())
        }
        DraftFrom::Curl { text } => curl::draft(&text),
        DraftFrom::Empty => compose::draft(&Sketch {
            tables: vec![TableSketch { name: "items".to_owned(), ..TableSketch::default() }],
            ..Sketch::default()
        }),
    }
}

/// What an answer shows, with the rows at this path; without one, at the likeliest.
///
/// # Errors
/// `CorruptInput`, with the line, when it is no JSON.
pub fn examine(answer: &str, rows: Option<&[String]>) -> Result<Examined> {
    Ok(shape::examine(&sample::json(answer)?, rows))
}

/// What the text of a manifest says.
pub fn look(yaml: &str) -> Look {
    let connector = match Connector::parse(yaml, &|_| None) {
        Ok(connector) => connector,
        Err(error) => return Look { problem: Some(problem_of(&error)), ..Look::default() },
    };
    let table =
        |table: crate::connector::Table| (table.name, table.stream.err().map(|error| one_line(&error)));
    Look {
        tables: connector.declared_tables().into_iter().map(table).collect(),
        settings: connector.specification().get("connectionSpecification").cloned().unwrap_or_default(),
        problem: None,
    }
}

/// An error as something wrong with a text.
fn problem_of(error: &Error) -> InputProblem {
    let line =
        error.context().iter().find(|(name, _)| *name == "line").and_then(|(_, line)| line.parse().ok());
    InputProblem { line, message: error.message().to_owned() }
}

fn one_line(error: &Error) -> String {
    error.message().to_owned()
}

fn nothing() -> Error {
    Error::new(ErrorKind::Config, "There is nothing to begin with.").fix("Paste a text, or give its address.")
}

/// What stands at an address.
async fn fetch(url: &str) -> Result<String> {
    let parsed = url::Url::parse(url.trim()).map_err(|_| {
        Error::new(ErrorKind::Config, "This is no address.").fix("It begins with https:// or http://.")
    })?;
    let limits = Limits { body_bytes: INPUT_BYTES_MAX, ..Limits::default() };
    let answer = Client::new(limits)?.send(&Prepared::get(parsed)).await?;
    let status = answer.status;
    let body = answer.body.whole().await?;
    let error = |kind, message: String| {
        Error::new(kind, message).meaning("Nothing was made yet.").with("address", url)
    };
    match status {
        200..=299 => {}
        401 | 403 => {
            return Err(error(
                ErrorKind::Authentication,
                format!("The address wants a sign-in: it answers with {status}."),
            )
            .fix("Copy the request with its key as a curl command, and begin from that.")
            .fix("Save the file in your browser, and open it here."));
        }
        _ => {
            return Err(error(ErrorKind::NotFound, format!("The address answers with {status}."))
                .fix("Open it in a browser, and copy the address that shows the file."));
        }
    }
    let text = String::from_utf8(body.to_vec()).map_err(|_| {
        error(ErrorKind::CorruptInput, "The address gives something that is no text.".to_owned())
    })?;
    if is_web_page(&text) {
        return Err(error(ErrorKind::CorruptInput, "The address gives a web page, not data.".to_owned())
            .fix("Look for the address of the API itself; it often begins with api. or has /api/ in it."));
    }
    Ok(text)
}

fn is_web_page(text: &str) -> bool {
    let begin = text.trim_start().get(..15).unwrap_or(text.trim_start()).to_ascii_lowercase();
    begin.starts_with("<!doctype html") || begin.starts_with("<html")
}
