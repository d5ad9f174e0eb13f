//! Where an option goes (`RequestOption`), and how what several parts add to a request comes together.

use syncline_protocol::{Error, ErrorKind, Result};

use crate::context::Run;
use crate::document::Node;
use crate::expression::{Scope, Text};
use crate::http::Options;
use crate::{Json, Map};

/// Where an option goes (`RequestOption`).
#[derive(Debug, Clone)]
pub struct RequestOption {
    into: Into,
    /// One name, or for a JSON body the way to a nested field.
    path: Vec<Text>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Into {
    Parameter,
    Header,
    Form,
    JsonBody,
}

impl RequestOption {
    /// From its component.
    ///
    /// # Errors
    /// `Config`, when it is not valid.
    pub fn new(node: &Node<'_>) -> Result<RequestOption> {
        let into = match node.require("inject_into")?.json().as_str() {
            Some("request_parameter") => Into::Parameter,
            Some("header") => Into::Header,
            Some("body_data") => Into::Form,
            Some("body_json") => Into::JsonBody,
            _ => {
                return Err(
                    node.error("`inject_into` must be header, request_parameter, body_data or body_json")
                );
            }
        };
        let name = Text::of(node, "field_name")?;
        let segments = node.list("field_path");
        let path = match (name, segments.is_empty()) {
            (Some(name), true) => vec![name],
            (None, false) if into == Into::JsonBody => {
                let segment = |item: &Node<'_>| match item.json() {
                    Json::String(text) => Text::new(text, node.parameters()),
                    other => Text::new(&other.to_string(), node.parameters()),
                };
                segments.iter().map(segment).collect::<Result<_>>()?
            }
            (None, false) => return Err(node.error("`field_path` is only possible in a JSON body")),
            (None, true) => return Err(node.error("`field_name` or `field_path` is missing")),
            (Some(_), false) => {
                return Err(node.error("there may be only one of `field_name` and `field_path`"));
            }
        };
        Ok(RequestOption { into, path })
    }

    /// A header of this name, which may be a template.
    pub(crate) fn header(name: Text) -> RequestOption {
        RequestOption { into: Into::Header, path: vec![name] }
    }

    /// Puts `value` into its place. Its name may be a template over the configuration.
    ///
    /// # Errors
    /// `Config`, when the place is taken.
    pub fn put(&self, run: &Run, value: Json, options: &mut Options) -> Result<()> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let mut names =
            self.path.iter().map(|name| name.eval_text(&scope)).collect::<Result<Vec<String>>>()?;
        let Some(last) = names.pop() else { return Ok(()) };
        let nested = names.into_iter().rev().fold(Map::from_iter([(last, value)]), |inner, name| {
            Map::from_iter([(name, Json::Object(inner))])
        });
        match self.into {
            Into::Parameter => merge(&mut options.parameters, nested, "query parameter"),
            Into::Header => merge(&mut options.headers, nested, "header"),
            Into::Form => merge(&mut options.body_data, nested, "field of the form"),
            Into::JsonBody => merge_nested(&mut options.body_json, nested),
        }
    }
}

/// Adds fields; a name that is taken is a mistake of the manifest, also when the values are equal.
pub(crate) fn merge(into: &mut Map, from: Map, what: &str) -> Result<()> {
    for (name, value) in from {
        if into.contains_key(&name) {
            return Err(taken(what, &name));
        }
        into.insert(name, value);
    }
    Ok(())
}

/// Adds fields to a JSON body: objects come together, and equal values may stand twice.
pub(crate) fn merge_nested(into: &mut Map, from: Map) -> Result<()> {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Json::Object(known)), Json::Object(more)) => merge_nested(known, more)?,
            (Some(known), value) if *known == value => {}
            (Some(_), _) => return Err(taken("field of the body", &name)),
            (None, value) => drop(into.insert(name, value)),
        }
    }
    Ok(())
}

fn taken(what: &str, name: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("Two parts of the connector's manifest set the {what} `{name}` of the same request."),
    )
    .fix("Remove one of them from the manifest: requester, authenticator, paginator, partition router or cursor.")
}
