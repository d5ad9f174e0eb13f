//! The text of a description, and what its references lead to.

use syncline_protocol::builder::InputProblem;
use syncline_protocol::{Error, ErrorKind, Result};

use crate::Json;

/// References that lead to references.
const HOPS_MAX: usize = 16;
/// So often the text is cut before what cannot be read.
const CUTS_MAX: usize = 200;

pub(super) struct Description {
    pub(super) root: Json,
    text: String,
}

impl Description {
    /// What a reference leads to; the value itself when it is none, or leads nowhere.
    pub(super) fn resolve<'a>(&'a self, value: &'a Json) -> &'a Json {
        self.follow(value).unwrap_or(value)
    }

    /// As [`resolve`](Self::resolve); none when a reference leads nowhere.
    pub(super) fn follow<'a>(&'a self, value: &'a Json) -> Option<&'a Json> {
        let mut value = value;
        for _ in 0..HOPS_MAX {
            let Some(reference) = value.get("$ref").and_then(Json::as_str) else { return Some(value) };
            value = self.root.pointer(reference.strip_prefix('#')?)?;
        }
        None
    }

    /// The line in which a text stands, from 1.
    pub(super) fn line_of(&self, wanted: &str) -> Option<u32> {
        let at = self.text.lines().position(|line| line.contains(wanted))?;
        u32::try_from(at + 1).ok()
    }
}

/// Reads a description. What stands after a mistake is left out when what stands before it can be used.
///
/// # Errors
/// `CorruptInput`, with the line.
pub(super) fn read(text: &str, problems: &mut Vec<InputProblem>) -> Result<Description> {
    let text = text.trim_start_matches('\u{feff}');
    let root = if text.trim_start().starts_with('{') { json(text) } else { yaml(text, problems) }?;
    let version = ["openapi", "swagger"].iter().find_map(|name| root.get(*name));
    let version = version.map(|version| version.as_str().map_or_else(|| version.to_string(), str::to_owned));
    match version.as_deref() {
        Some(version)
            if version.starts_with("3.") || version.starts_with("2.") || version == "2" || version == "3" => {
        }
        Some(version) => {
            return Err(unreadable(format!("This is version {version} of OpenAPI."), None)
                .fix("Versions 2.0 and 3.x can be read."));
        }
        None if super::super::is_web_page(text) => {
            return Err(unreadable("This is a web page, not a description.".to_owned(), None).fix(
                "Pages of documentation mostly link to the file: look for openapi.json or swagger.yaml.",
            ));
        }
        None => {
            return Err(unreadable(
                "This is no OpenAPI description: neither `openapi` nor `swagger` stands in it.".to_owned(),
                None,
            )
            .fix("If it is an answer of the API, begin from a sample response."));
        }
    }
    Ok(Description { root, text: text.to_owned() })
}

fn json(text: &str) -> Result<Json> {
    serde_json::from_str(text).map_err(|error| {
        unreadable(
            format!("The description is no JSON: line {}, column {}.", error.line(), error.column()),
            u32::try_from(error.line()).ok(),
        )
        .caused_by(error)
        .fix("Correct this line, or download the file again: it may be cut off.")
    })
}

fn yaml(text: &str, problems: &mut Vec<InputProblem>) -> Result<Json> {
    let first = match crate::document::plain(text) {
        Ok(root) => return Ok(root),
        Err(error) => super::super::problem_of(&error),
    };
    let message =
        first.message.replace("The connector's manifest cannot be read", "The description cannot be read");
    let first = InputProblem { message, ..first };
    // The part before the mistake may be whole in itself.
    let lines: Vec<&str> = text.lines().collect();
    let wrong = usize::try_from(first.line.unwrap_or(1)).unwrap_or(1);
    for end in (1..wrong.min(lines.len())).rev().take(CUTS_MAX) {
        let before = lines.get(..end).unwrap_or_default().join("\n");
        let usable = crate::document::plain(&before).ok();
        let usable = usable.filter(|root| {
            root.get("paths").and_then(Json::as_object).is_some_and(|paths| !paths.is_empty())
        });
        if let Some(root) = usable {
            let message = format!("{} What stands before it can be used.", first.message);
            problems.push(InputProblem { message, line: first.line });
            return Ok(root);
        }
    }
    Err(unreadable(first.message, first.line).fix("Correct this line of the description."))
}

fn unreadable(message: String, line: Option<u32>) -> Error {
    let error = Error::new(ErrorKind::CorruptInput, message).meaning("Nothing was made yet.");
    match line {
        Some(line) => error.with("line", line),
        None => error,
    }
}
