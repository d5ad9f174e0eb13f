//! One operation of a description: whether it gives a list, and what is guessed of it.

use std::collections::HashSet;

use serde_json::json;
use syncline_protocol::builder::{Evidence, InputProblem, Operation};

use super::super::{Guessed, Newer, Paging, Parent, TableSketch, words};
use super::document::Description;
use crate::{Json, Map};

/// How deep schemas are followed.
const DEPTH_MAX: usize = 4;
/// The format that most APIs write times in.
const USUAL_FORMAT: &str = "%Y-%m-%dT%H:%M:%SZ";

/// A parameter.
struct Parameter<'d> {
    name: &'d str,
    place: &'d str,
    required: bool,
    schema: &'d Json,
}

pub(super) struct Listed<'d> {
    pub(super) id: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) name: String,
    pub(super) chosen: bool,
    /// Parameters of the path that no other table gives.
    pub(super) needs: Vec<String>,
    /// The id of the operation whose rows it is asked for.
    pub(super) parent: Option<String>,
    /// The parameter that the parent's rows fill.
    parent_parameter: Option<String>,
    summary: Option<String>,
    parameters: Vec<Parameter<'d>>,
    /// Where the rows are, with the schema of one, and why.
    rows: Option<(Vec<String>, Guessed<&'d Json>)>,
    answer: Option<&'d Json>,
    link_header: bool,
    description: &'d Description,
}

/// All operations that read. What of them cannot be understood is a problem; the others are there.
pub(super) fn all<'d>(description: &'d Description, problems: &mut Vec<InputProblem>) -> Vec<Listed<'d>> {
    let mut found = Vec::new();
    for (path, item) in description.root["paths"].as_object().into_iter().flatten() {
        let item = description.resolve(item);
        let Some(operation) = item.get("get") else { continue };
        if !operation.is_object() {
            problems.push(InputProblem {
                line: description.line_of(path),
                message: format!("`get` of `{path}` is no operation."),
            });
            continue;
        }
        found.push(Listed::new(description, path, item, operation, problems));
    }
    found
}

/// A parameter of a path that the step before it names is given by the table of that step.
pub(super) fn find_parents(listed: &mut [Listed<'_>]) {
    let lists: Vec<(String, String)> = listed
        .iter()
        .filter(|one| one.lists() && !one.path.contains('{'))
        .map(|one| (one.path.clone(), one.id.clone()))
        .collect();
    for operation in listed.iter_mut() {
        let [parameter] = operation.needs.as_slice() else { continue };
        let Some((before, after)) = operation.path.split_once(&format!("/{{{parameter}}}")) else { continue };
        if after.is_empty() {
            continue;
        }
        if let Some((_, id)) = lists.iter().find(|(path, _)| path == before) {
            operation.parent = Some(id.clone());
            operation.parent_parameter = operation.needs.pop();
        }
    }
}

impl<'d> Listed<'d> {
    fn new(
        description: &'d Description,
        path: &str,
        item: &'d Json,
        operation: &'d Json,
        problems: &mut Vec<InputProblem>,
    ) -> Listed<'d> {
        let both = [&item["parameters"], &operation["parameters"]];
        let mut parameters = Vec::new();
        for parameter in both.into_iter().filter_map(Json::as_array).flatten() {
            match description.follow(parameter) {
                Some(parameter) => parameters.extend(parameter_of(description, parameter)),
                None => problems.push(lost(description, path, parameter)),
            }
        }
        let answer = answer(description, operation, path, problems);
        let needs =
            path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned());
        let summary = operation["summary"].as_str().or(operation["description"].as_str());
        let response = response(description, operation);
        Listed {
            id: format!("GET {path}"),
            method: "GET".to_owned(),
            path: path.to_owned(),
            name: String::new(),
            chosen: false,
            needs: needs.collect(),
            parent: None,
            parent_parameter: None,
            summary: summary
                .and_then(|text| text.lines().next())
                .map(|line| line.chars().take(140).collect()),
            parameters,
            rows: answer.and_then(|answer| rows(description, answer)),
            answer,
            link_header: response
                .and_then(|response| response["headers"].as_object())
                .is_some_and(|headers| headers.keys().any(|name| name.eq_ignore_ascii_case("link"))),
            description,
        }
    }

    /// Whether its answer is a list.
    pub(super) fn lists(&self) -> bool {
        self.rows.is_some()
    }

    /// The steps of its path that are no parameters, as names.
    pub(super) fn words(&self) -> Vec<String> {
        let steps = self.path.split('/').filter(|step| !step.is_empty() && !step.contains('{'));
        let steps = steps.map(|step| words::snake(step.trim_end_matches(".json"))).filter(|step| {
            let is_version =
                step.strip_prefix('v').is_some_and(|rest| rest.chars().all(|letter| letter.is_ascii_digit()));
            !step.is_empty() && !is_version && step != "api"
        });
        steps.collect()
    }

    pub(super) fn offered(self, wanted: &HashSet<String>) -> Operation {
        Operation {
            chosen: wanted.contains(&self.id),
            lists: self.lists(),
            summary: self.summary,
            table: self.name,
            needs: self.needs,
            parent: self.parent,
            id: self.id,
        }
    }

    /// Everything that is guessed of it.
    pub(super) fn table(&self, listed: &[Listed<'_>]) -> TableSketch {
        let paging = self.paging();
        let mut table = TableSketch {
            name: self.name.clone(),
            method: self.method.clone(),
            path: self.path.clone(),
            parameters: self.always(),
            rows: self.rows.as_ref().map(|(path, schema)| Guessed::new(path.clone(), schema.because.clone())),
            paging,
            ..TableSketch::default()
        };
        if let Some((_, schema)) = &self.rows {
            let schema = schema.value;
            table.key = self.key(schema);
            table.newer = self.newer(schema);
            table.schema = Some(columns(self.description, schema));
        }
        let parent = self.parent.as_ref().and_then(|id| listed.iter().find(|other| other.id == *id));
        table.parent = parent.zip(self.parent_parameter.as_ref()).map(|(parent, parameter)| {
            let key = parent.rows.as_ref().and_then(|(_, schema)| parent.key(schema.value));
            let key = key.and_then(|key| key.value.into_iter().next()).unwrap_or_else(|| "id".to_owned());
            let because = Evidence::InPath { parameter: parameter.clone(), parent: parent.path.clone() };
            Guessed::new(Parent { table: parent.name.clone(), key, parameter: parameter.clone() }, because)
        });
        table
    }

    /// Parameters that must be sent and whose value the description knows.
    fn always(&self) -> Map {
        let required =
            self.parameters.iter().filter(|parameter| parameter.required && parameter.place == "query");
        let value = |parameter: &Parameter<'_>| {
            let value =
                parameter.schema.get("default").or_else(|| parameter.schema["enum"].as_array()?.first())?;
            Some((parameter.name.to_owned(), value.clone()))
        };
        required.filter_map(value).collect()
    }

    fn query(&self) -> impl Iterator<Item = &'d str> + Clone + '_ {
        self.parameters.iter().filter(|parameter| parameter.place == "query").map(|parameter| parameter.name)
    }

    /// A parameter of pages with its size: as large as the API allows, within reason.
    fn size(&self) -> Option<(String, u64)> {
        const REASONABLE: u64 = 1000;
        let name = words::first(&words::SIZE, self.query())?;
        let schema = self.parameters.iter().find(|parameter| parameter.name == name)?.schema;
        let most = schema["maximum"].as_u64().filter(|most| (1..=REASONABLE).contains(most));
        let usual = schema["default"].as_u64().filter(|usual| *usual > 0);
        Some((name.to_owned(), most.or(usual).unwrap_or(100)))
    }

    fn paging(&self) -> Option<Guessed<Paging>> {
        let size = self.size();
        let names = |first: &str| {
            let names = std::iter::once(first.to_owned()).chain(size.as_ref().map(|(name, _)| name.clone()));
            Evidence::Parameters { names: names.collect() }
        };
        let next = self.answer.and_then(|answer| next(self.description, answer));
        if let Some(name) = words::first(&words::PAGE, self.query()) {
            let first = self.parameters.iter().find(|parameter| parameter.name == name);
            let schema = first.map(|parameter| parameter.schema);
            let is_zero = |field: &str| schema.and_then(|schema| schema[field].as_u64()) == Some(0);
            let first = u64::from(!(is_zero("default") || is_zero("minimum")));
            let because = names(name);
            return Some(Guessed::new(Paging::Page { parameter: name.to_owned(), size, first }, because));
        }
        if let (Some(name), Some(size)) = (words::first(&words::OFFSET, self.query()), size.clone()) {
            let because = names(name);
            return Some(Guessed::new(Paging::Offset { parameter: name.to_owned(), size }, because));
        }
        let cursor = words::first(&words::CURSOR, self.query());
        match (cursor, next) {
            (Some(name), Some((place, false))) => {
                let because = names(name);
                Some(Guessed::new(Paging::Cursor { parameter: name.to_owned(), place, size }, because))
            }
            (_, Some((place, true))) => {
                let because = Evidence::Answer { place: place.join(".") };
                Some(Guessed::new(Paging::Link { place }, because))
            }
            _ if self.link_header => Some(Guessed::new(
                Paging::LinkHeader { size },
                Evidence::Described { place: "headers.Link".to_owned() },
            )),
            _ => None,
        }
    }

    fn key(&self, schema: &Json) -> Option<Guessed<Vec<String>>> {
        let properties = properties(self.description, schema);
        let name = words::first(&words::KEY, properties.iter().map(|(name, _)| *name))?;
        Some(Guessed::new(vec![name.to_owned()], Evidence::Described { place: format!("schema: {name}") }))
    }

    fn newer(&self, schema: &Json) -> Option<Guessed<Newer>> {
        let properties = properties(self.description, schema);
        let is_time = |schema: &Json| {
            matches!(schema["format"].as_str(), Some("date-time" | "date")) || schema["type"] == "integer"
        };
        let times = properties.iter().filter(|(_, schema)| is_time(self.description.resolve(schema)));
        let field = words::first(&words::CHANGED, times.map(|(name, _)| *name))?;
        let schema = properties
            .iter()
            .find(|(name, _)| *name == field)
            .map(|(_, schema)| self.description.resolve(schema))?;
        let format = match (schema["format"].as_str(), schema["type"] == "integer") {
            (Some("date"), _) => "%Y-%m-%d",
            (_, true) => "%s",
            _ => USUAL_FORMAT,
        };
        let parameter = words::first(&words::SINCE, self.query());
        let because = match parameter {
            Some(parameter) => Evidence::Parameters { names: vec![field.to_owned(), parameter.to_owned()] },
            None => Evidence::Described { place: format!("schema: {field}") },
        };
        let newer = Newer {
            field: field.to_owned(),
            format: format.to_owned(),
            parameter: parameter.map(str::to_owned),
        };
        Some(Guessed::new(newer, because))
    }
}

fn parameter_of<'d>(description: &'d Description, parameter: &'d Json) -> Option<Parameter<'d>> {
    // In 2.0 the schema is the parameter itself.
    let schema = parameter.get("schema").map_or(parameter, |schema| description.resolve(schema));
    Some(Parameter {
        name: parameter["name"].as_str()?,
        place: parameter["in"].as_str()?,
        required: parameter["required"] == true,
        schema,
    })
}

fn lost(description: &Description, path: &str, value: &Json) -> InputProblem {
    let reference = value["$ref"].as_str().unwrap_or_default();
    InputProblem {
        line: description.line_of(reference),
        message: format!("`{reference}` of `{path}` leads nowhere."),
    }
}

fn response<'d>(description: &'d Description, operation: &'d Json) -> Option<&'d Json> {
    let responses = operation["responses"].as_object()?;
    let good = ["200", "2XX", "201", "206", "default"].iter().find_map(|status| responses.get(*status))?;
    description.follow(good)
}

/// The schema of a good answer.
fn answer<'d>(
    description: &'d Description,
    operation: &'d Json,
    path: &str,
    problems: &mut Vec<InputProblem>,
) -> Option<&'d Json> {
    let response = response(description, operation)?;
    let content = response["content"].as_object();
    let json = content.and_then(|content| {
        content
            .iter()
            .find(|(kind, _)| kind.contains("json"))
            .or_else(|| content.iter().next())
            .map(|(_, media)| media)
    });
    let schema = json.and_then(|media| media.get("schema")).or_else(|| response.get("schema"))?;
    let followed = description.follow(schema);
    if followed.is_none() {
        problems.push(lost(description, path, schema));
    }
    followed
}

/// The properties of a schema, those of its parts included.
fn properties<'d>(description: &'d Description, schema: &'d Json) -> Vec<(&'d str, &'d Json)> {
    fn collect<'d>(
        description: &'d Description,
        schema: &'d Json,
        depth: usize,
        into: &mut Vec<(&'d str, &'d Json)>,
    ) {
        if depth > DEPTH_MAX {
            return;
        }
        let schema = description.resolve(schema);
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if into.iter().all(|(known, _)| *known != name) {
                into.push((name.as_str(), property));
            }
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            collect(description, part, depth + 1, into);
        }
    }
    let mut found = Vec::new();
    collect(description, schema, 0, &mut found);
    found
}

fn is_array(schema: &Json) -> bool {
    schema["type"] == "array"
        || schema["type"].as_array().is_some_and(|types| types.contains(&json!("array")))
}

/// Where the rows of an answer are, with the schema of one.
fn rows<'d>(description: &'d Description, answer: &'d Json) -> Option<(Vec<String>, Guessed<&'d Json>)> {
    if is_array(answer) {
        let because = Evidence::Described { place: "200: array".to_owned() };
        return Some((Vec::new(), Guessed::new(description.resolve(answer.get("items")?), because)));
    }
    let mut arrays: Vec<(Vec<String>, &Json)> = Vec::new();
    for (name, property) in properties(description, answer) {
        let property = description.resolve(property);
        if is_array(property) {
            arrays.push((vec![name.to_owned()], property));
        } else {
            for (inner, deeper) in properties(description, property) {
                let deeper = description.resolve(deeper);
                if is_array(deeper) {
                    arrays.push((vec![name.to_owned(), inner.to_owned()], deeper));
                }
            }
        }
    }
    let is_of_rows = |array: &Json| {
        array.get("items").is_some_and(|items| {
            let items = description.resolve(items);
            items["type"] == "object" || items.get("properties").is_some() || items.get("allOf").is_some()
        })
    };
    arrays.retain(|(_, array)| is_of_rows(array));
    arrays.sort_by_key(|(path, _)| {
        let word = path.last().and_then(|name| words::rank(&words::ROWS, name));
        (path.len(), word.unwrap_or(usize::MAX))
    });
    let (path, array) = arrays.first()?;
    // One resource that has lists in it is no list, unless the list is named as lists are.
    let is_resource = properties(description, answer).iter().any(|(name, _)| *name == "id");
    if is_resource && path.last().is_none_or(|name| words::rank(&words::ROWS, name).is_none()) {
        return None;
    }
    let because = Evidence::Described { place: format!("200: {}[]", path.join(".")) };
    Some((path.clone(), Guessed::new(description.resolve(&array["items"]), because)))
}

/// The field that leads to the next page, and whether it is an address.
fn next(description: &Description, answer: &Json) -> Option<(Vec<String>, bool)> {
    fn search(
        description: &Description,
        schema: &Json,
        path: &mut Vec<String>,
        found: &mut Vec<(Vec<String>, bool)>,
    ) {
        if path.len() >= DEPTH_MAX {
            return;
        }
        for (name, property) in properties(description, schema) {
            path.push(name.to_owned());
            let property = description.resolve(property);
            let about_next = path.iter().any(|step| step.to_lowercase().contains("next"));
            if property.get("properties").is_some() || property.get("allOf").is_some() {
                if words::ABOUT_PAGES.contains(&name) {
                    search(description, property, path, found);
                }
            } else if words::NEXT_CURSOR.contains(&name) {
                found.push((path.clone(), false));
            } else if about_next && words::NEXT_LINK.contains(&name) {
                let is_number = property["type"] == "integer" || property["type"] == "number";
                found.push((path.clone(), !is_number));
            }
            path.pop();
        }
    }
    let mut found = Vec::new();
    search(description, answer, &mut Vec::new(), &mut found);
    found.into_iter().next()
}

/// A schema as the columns of a table: types and formats, nothing else.
fn columns(description: &Description, schema: &Json) -> Json {
    let column = |(name, property): (&str, &Json)| {
        let property = description.resolve(property);
        let mut types: Vec<Json> = match &property["type"] {
            Json::String(one) => vec![json!(one)],
            Json::Array(several) => several.clone(),
            _ if property.get("properties").is_some() => vec![json!("object")],
            _ => Vec::new(),
        };
        if types.is_empty() {
            return (name.to_owned(), json!({}));
        }
        if !types.contains(&json!("null")) {
            types.insert(0, json!("null"));
        }
        let mut column = json!({"type": types});
        if let Some(format @ ("date" | "date-time")) = property["format"].as_str() {
            column["format"] = json!(format);
        }
        (name.to_owned(), column)
    };
    let properties: Map = properties(description, schema).into_iter().map(column).collect();
    json!({"type": "object", "additionalProperties": true, "properties": properties})
}
