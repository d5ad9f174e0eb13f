//! A draft from an OpenAPI description: 3.x, or 2.0 as "Swagger".

mod document;
mod operation;

use std::collections::HashSet;

use syncline_protocol::builder::{Draft, Evidence, InputProblem, Operation};
use syncline_protocol::{Error, ErrorKind, Result};
use url::Url;

use super::{Guessed, SignIn, Sketch, TableSketch, compose};
use crate::Json;
use document::Description;
use operation::Listed;

/// So many tables a draft begins with, when nobody chose.
const TABLES_AT_FIRST: usize = 12;

/// A draft with the chosen operations as tables; without a choice, those that look like lists.
///
/// # Errors
/// `CorruptInput`, with the line, when nothing of the text can be used.
pub(super) fn draft(text: &str, url: Option<&str>, chosen: Option<&[String]>) -> Result<Draft> {
    let mut problems = Vec::new();
    let description = document::read(text, &mut problems)?;
    let mut listed = operation::all(&description, &mut problems);
    if listed.is_empty() {
        return Err(nothing_to_read(&problems));
    }
    name_tables(&mut listed);
    operation::find_parents(&mut listed);
    listed.sort_by_key(|operation| {
        (!operation.lists(), !operation.needs.is_empty(), operation.parent.is_some())
    });
    choose(&mut listed, chosen);

    let title = description.root["info"]["title"].as_str().unwrap_or_default().to_owned();
    let mut sketch =
        Sketch { title, base: base(&description, url), sign_in: sign_in(&description), tables: Vec::new() };
    // Parents come first, whether or not they were chosen: without them their children cannot be read.
    let wanted: HashSet<String> = listed
        .iter()
        .filter(|operation| operation.chosen)
        .flat_map(|operation| std::iter::once(operation.id.clone()).chain(operation.parent.clone()))
        .collect();
    let tables = listed.iter().filter(|operation| wanted.contains(&operation.id));
    sketch.tables = tables.map(|operation| operation.table(&listed)).collect::<Vec<TableSketch>>();
    sketch.tables.sort_by_key(|table| table.parent.is_some());
    let mut draft = compose::draft(&sketch)?;
    draft.operations = listed.into_iter().map(|listed| listed.offered(&wanted)).collect::<Vec<Operation>>();
    draft.problems = problems;
    Ok(draft)
}

fn choose(listed: &mut [Listed<'_>], chosen: Option<&[String]>) {
    let mut left = TABLES_AT_FIRST;
    for operation in listed {
        operation.chosen = match chosen {
            Some(chosen) => chosen.contains(&operation.id),
            None => operation.lists() && operation.needs.is_empty() && left > 0,
        };
        left -= usize::from(operation.chosen && chosen.is_none());
    }
}

fn nothing_to_read(problems: &[InputProblem]) -> Error {
    let first = problems.first();
    let mut error = Error::new(
        ErrorKind::CorruptInput,
        first.map_or("The description has no operation that reads something.".to_owned(), |problem| {
            format!("Nothing of this description can be used. {}", problem.message)
        }),
    )
    .meaning("Nothing was made yet.");
    if let Some(line) = first.and_then(|problem| problem.line) {
        error = error.with("line", line);
    }
    error.fix("Correct the description, or begin from a sample response.")
}

/// Two operations whose paths end alike get the step before, too.
fn name_tables(listed: &mut [Listed<'_>]) {
    let mut taken = HashSet::new();
    for operation in listed.iter_mut() {
        let mut steps = operation.words().into_iter().rev();
        let mut name = steps.next().unwrap_or_else(|| "items".to_owned());
        while taken.contains(&name) {
            name = match steps.next() {
                Some(before) => format!("{before}_{name}"),
                None => format!("{name}_{}", operation.method.to_lowercase()),
            };
            if name.len() > 200 {
                break;
            }
        }
        taken.insert(name.clone());
        operation.name = name;
    }
}

/// The address of the API. One without a host begins where the description lies.
fn base(description: &Description, url: Option<&str>) -> Option<Guessed<String>> {
    let root = &description.root;
    let (written, place) = if let Some(host) = root["host"].as_str() {
        let scheme = root["schemes"].as_array().and_then(|schemes| {
            let known = schemes.iter().filter_map(Json::as_str);
            known.clone().find(|scheme| *scheme == "https").or_else(|| known.clone().next())
        });
        let path = root["basePath"].as_str().unwrap_or_default();
        (format!("{}://{host}{path}", scheme.unwrap_or("https")), "host, basePath")
    } else {
        let server = root["servers"].as_array().and_then(|servers| servers.first());
        let mut address = server.and_then(|server| server["url"].as_str()).unwrap_or("/").to_owned();
        for (name, variable) in
            server.and_then(|server| server["variables"].as_object()).into_iter().flatten()
        {
            let value = variable["default"].as_str().unwrap_or_default();
            address = address.replace(&format!("{{{name}}}"), value);
        }
        (address, "servers")
    };
    let place = Evidence::Described { place: place.to_owned() };
    if written.contains("://") {
        return Some(Guessed::new(written.trim_end_matches('/').to_owned(), place));
    }
    let joined = Url::parse(url?).ok()?.join(&written).ok()?;
    Some(Guessed::new(joined.as_str().trim_end_matches('/').to_owned(), place))
}

/// The first way to sign in that this interpreter has.
fn sign_in(description: &Description) -> Option<Guessed<SignIn>> {
    let root = &description.root;
    let schemes =
        root["components"]["securitySchemes"].as_object().or(root["securityDefinitions"].as_object())?;
    let required = root["security"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_object)
        .flat_map(|one| one.keys());
    let names = required.chain(schemes.keys());
    for name in names {
        let Some(scheme) = schemes.get(name).map(|scheme| description.resolve(scheme)) else { continue };
        let place = Evidence::Described { place: format!("securitySchemes.{name}") };
        if let Some(sign_in) = sign_in_of(scheme) {
            return Some(Guessed::new(sign_in, place));
        }
    }
    None
}

fn sign_in_of(scheme: &Json) -> Option<SignIn> {
    let word = |field: &str| scheme[field].as_str().unwrap_or_default();
    match word("type") {
        "apiKey" => {
            let inject = match word("in") {
                "header" => "header",
                "query" => "request_parameter",
                _ => return None,
            };
            let name = word("name").to_owned();
            if name.eq_ignore_ascii_case("authorization") {
                Some(SignIn::Bearer)
            } else {
                Some(SignIn::Key { inject, name })
            }
        }
        "http" if word("scheme").eq_ignore_ascii_case("basic") => Some(SignIn::Basic),
        "http" => Some(SignIn::Bearer),
        "basic" => Some(SignIn::Basic),
        "oauth2" => {
            let flows = &scheme["flows"];
            let client =
                flows.get("clientCredentials").or_else(|| (word("flow") == "application").then_some(scheme));
            match client.and_then(|client| client["tokenUrl"].as_str()) {
                Some(token_url) => Some(SignIn::Client { token_url: token_url.to_owned() }),
                // Who signs in in a browser gets a token in the end.
                None => Some(SignIn::Bearer),
            }
        }
        "openIdConnect" => Some(SignIn::Bearer),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
