//! What paginators, routers and cursors add to a request, and where.

use syncline_protocol::{Error, ErrorKind, Result};

use crate::context::Run;
use crate::document::Node;
use crate::expression::{Scope, Text, python_str};
use crate::{Json, Map};

/// What paginators, routers and cursors add to a request. A key that occurs twice is an error of the manifest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// Headers.
    pub headers: Map,
    /// Query parameters.
    pub parameters: Map,
    /// Fields of a form body.
    pub body_data: Map,
    /// Fields of a JSON body, nested.
    pub body_json: Map,
    /// Replaces path or address (`RequestPath`).
    pub path: Option<String>,
}

/// Where an option goes (`RequestOption`).
#[derive(Debug, Clone)]
pub struct RequestOption {
    place: Place,
    name: Vec<Text>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Header,
    Parameter,
    BodyData,
    BodyJson,
    /// `RequestPath`: the value replaces the path.
    Path,
}

impl RequestOption {
    /// From its component.
    ///
    /// # Errors
    /// `Config`, when it is not valid.
    pub fn new(node: &Node<'_>) -> Result<RequestOption> {
        if node.kind() == "RequestPath" {
            return Ok(RequestOption { place: Place::Path, name: Vec::new() });
        }
        let place = match node.require("inject_into")?.json().as_str().unwrap_or_default() {
            "header" => Place::Header,
            "request_parameter" => Place::Parameter,
            "body_data" => Place::BodyData,
            "body_json" => Place::BodyJson,
            other => return Err(node.error(format!("`inject_into` cannot be `{other}`"))),
        };
        let path = node.list("field_path");
        let name = if path.is_empty() {
            vec![Text::of(node, "field_name")?.ok_or_else(|| node.error("`field_name` is missing"))?]
        } else {
            if place != Place::BodyJson {
                return Err(node.error("`field_path` is for JSON bodies only"));
            }
            let step = |step: &Node<'_>| {
                Text::new(&python_str(step.json()), node.parameters()).map_err(|error| step.at(error))
            };
            path.iter().map(step).collect::<Result<_>>()?
        };
        Ok(RequestOption { place, name })
    }

    /// Whether it is a header.
    pub fn is_header(&self) -> bool {
        self.place == Place::Header
    }

    /// Puts `value` into its place. Its name may be a template over the configuration.
    ///
    /// # Errors
    /// `Config`, when the place is taken.
    pub fn put(&self, run: &Run, value: Json, options: &mut Options) -> Result<()> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let path: Vec<String> = self.name.iter().map(|step| step.eval_text(&scope)).collect::<Result<_>>()?;
        let name = path.first().cloned().unwrap_or_default();
        match self.place {
            Place::Header => add(&mut options.headers, name, Json::String(python_str(&value)), false),
            Place::Parameter => add(&mut options.parameters, name, value, false),
            Place::BodyData => add(&mut options.body_data, name, value, false),
            Place::BodyJson => {
                let nested = path
                    .iter()
                    .rev()
                    .fold(value, |inner, step| Json::Object(Map::from_iter([(step.clone(), inner)])));
                merge(&mut options.body_json, &nested)
            }
            Place::Path => {
                options.path = Some(python_str(&value));
                Ok(())
            }
        }
    }
}

fn taken(name: &str) -> Error {
    Error::new(ErrorKind::Config, format!("The connector's manifest sets `{name}` of a request twice."))
}

/// Adds a field that must not be there yet; an equal value is no harm where `same` allows it.
fn add(fields: &mut Map, name: String, value: Json, same: bool) -> Result<()> {
    match fields.get(&name) {
        Some(known) if !(same && *known == value) => Err(taken(&name)),
        _ => {
            fields.insert(name, value);
            Ok(())
        }
    }
}

/// Adds all fields of `more` that are not there yet.
///
/// # Errors
/// `Config`, for one that is.
pub(super) fn combine(fields: &mut Map, more: &Map) -> Result<()> {
    more.iter().try_for_each(|(name, value)| add(fields, name.clone(), value.clone(), false))
}

/// As [`combine`], for JSON bodies: objects are merged, equal values may meet.
pub(super) fn merge(fields: &mut Map, more: &Json) -> Result<()> {
    for (name, value) in more.as_object().into_iter().flatten() {
        match (fields.get_mut(name), value) {
            (Some(Json::Object(known)), Json::Object(_)) => merge(known, value)?,
            _ => add(fields, name.clone(), value.clone(), true)?,
        }
    }
    Ok(())
}
