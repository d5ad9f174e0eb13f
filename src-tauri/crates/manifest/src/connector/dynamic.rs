//! Streams made from a template (`DynamicDeclarativeStream`).

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::json;
use syncline_protocol::{Error, ErrorKind, Result};

use super::Component;
use crate::context::Run;
use crate::document::{Node, propagate_made, value_of};
use crate::expression::{Accept, Condition, Scope, Text, truthy};
use crate::stream::listed;
use crate::{Json, Map};

/// More streams than this come from no API; the answer is not the list that the manifest takes it for.
const MOST_STREAMS: usize = 10_000;

pub(super) async fn resolve(root: &Node<'_>, run: &Arc<Run>, into: &mut Vec<Component>) -> Result<()> {
    let mut names = HashSet::new();
    for definition in root.list("dynamic_streams") {
        let resolver = definition.require("components_resolver")?;
        let template = definition.require("stream_template")?;
        let mapping =
            resolver.list("components_mapping").iter().map(Mapping::new).collect::<Result<Vec<_>>>()?;
        let outer_wins = definition.boolean("use_parent_parameters")?.unwrap_or(true);
        for values in values(&resolver, run).await? {
            let made =
                fill(template.json(), &mapping, &values, run, resolver.kind() != "HttpComponentsResolver")?;
            let Json::Object(made) = made else {
                return Err(template.error("`stream_template` must be an object"));
            };
            let mut made = propagate_made(made, outer_wins)?;
            made.entry("type").or_insert_with(|| Json::from("DeclarativeStream"));
            let Some(name) = made.get("name").and_then(Json::as_str) else {
                return Err(template.error("a stream that is made from it has no `name`"));
            };
            if !names.insert(name.to_owned()) {
                let what =
                    format!("Two tables that are made from one template have the same name, `{name}`.");
                return Err(definition
                    .at(Error::new(ErrorKind::Config, what))
                    .fix("Give each entry in the configuration a name of its own."));
            }
            into.push(Component { path: template.path().to_owned(), value: Json::Object(made) });
        }
    }
    Ok(())
}

/// What a template is filled with: a slice and a value for each stream.
async fn values(resolver: &Node<'_>, run: &Arc<Run>) -> Result<Vec<(Json, Json)>> {
    let undivided = |values: Vec<Json>| values.into_iter().map(|value| (json!({}), value)).collect();
    match resolver.kind() {
        "ConfigComponentsResolver" => from_configuration(resolver, run).map(undivided),
        "ParametrizedComponentsResolver" => {
            let parameters = resolver.require("stream_parameters")?;
            let listed = parameters.list("list_of_parameters_for_stream");
            Ok(undivided(listed.iter().map(|one| one.json().clone()).collect()))
        }
        "HttpComponentsResolver" => from_api(resolver, run).await,
        kind => Err(resolver.error(format!("`{kind}` is no resolver of components"))),
    }
}

/// All combinations of what the configuration lists at the given places.
fn from_configuration(resolver: &Node<'_>, run: &Run) -> Result<Vec<Json>> {
    let config = run.config();
    let scope = Scope::new(&config, run.clock);
    let mut combinations: Vec<(usize, Map)> = vec![(0, Map::new())];
    for (place, source) in resolver.list("stream_config").iter().enumerate() {
        let mut at = Some(&*config);
        for step in source.list("configs_pointer") {
            let step = Text::new(step.json().as_str().unwrap_or_default(), source.parameters())?
                .eval_text(&scope)?;
            at = at.and_then(|at| match at {
                Json::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
                at => at.get(&step),
            });
        }
        let mut listed = match at {
            Some(Json::Array(items)) => items.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        listed.extend(source.list("default_values").iter().map(|one| one.json().clone()));
        if combinations.len().saturating_mul(listed.len()) > MOST_STREAMS {
            return Err(source.error(format!("more than {MOST_STREAMS} streams would be made")));
        }
        let mut next = Vec::new();
        for (_, combination) in &combinations {
            for (index, item) in listed.iter().enumerate() {
                let mut combination = combination.clone();
                match item {
                    Json::Object(fields) => combination.extend(fields.clone()),
                    plain => {
                        let name = format!("source_config_{place}");
                        combination.entry(name).or_insert_with(|| json!([index, plain]));
                    }
                }
                next.push((index, combination));
            }
        }
        combinations = next;
    }
    Ok(combinations.into_iter().map(|(_, fields)| Json::Object(fields)).collect())
}

/// What the API lists, each with the slice that it was listed for.
async fn from_api(resolver: &Node<'_>, run: &Arc<Run>) -> Result<Vec<(Json, Json)>> {
    let found = listed(&resolver.require("retriever")?, run, MOST_STREAMS + 1).await?;
    if found.len() > MOST_STREAMS {
        let what = format!("The API lists more than {MOST_STREAMS} tables.");
        return Err(Error::new(ErrorKind::LimitExceeded, what).fix("Check the manifest's dynamic streams."));
    }
    Ok(found)
}

/// Which field of the template gets which value.
struct Mapping {
    path: Vec<Text>,
    value: Text,
    accept: Accept,
    condition: Option<Condition>,
    create: bool,
}

impl Mapping {
    fn new(node: &Node<'_>) -> Result<Mapping> {
        let path = node.require("field_path")?.items();
        let path = path.iter().map(|step| match step.json() {
            Json::String(text) => Text::new(text, node.parameters()),
            other => Text::new(&other.to_string(), node.parameters()),
        });
        Ok(Mapping {
            path: path.collect::<Result<_>>()?,
            value: Text::of(node, "value")?.ok_or_else(|| node.error("`value` is missing"))?,
            accept: match node.text("value_type")? {
                Some("string") => Accept::Text,
                Some("number") => Accept::Float,
                Some("integer") => Accept::Integer,
                Some("boolean") => Accept::Boolean,
                _ => Accept::Any,
            },
            condition: Condition::of(node, "condition")?,
            create: node.boolean("create_or_update")?.unwrap_or_default(),
        })
    }
}

fn fill(
    template: &Json,
    mapping: &[Mapping],
    (slice, values): &(Json, Json),
    run: &Run,
    read_yaml: bool,
) -> Result<Json> {
    let config = run.config();
    let scope = Scope::new(&config, run.clock)
        .with("components_values", values)
        .with("stream_slice", slice)
        .with("stream_template_config", template);
    let mut filled = template.clone();
    for one in mapping {
        if let Some(condition) = &one.condition
            && !condition.holds(&scope)?
        {
            continue;
        }
        let value = one.value.eval_as(&scope, one.accept)?.unwrap_or_else(|| Json::from(""));
        let value = match value {
            Json::String(text) if read_yaml && one.accept != Accept::Text => value_of(&text),
            value => value,
        };
        let path = one.path.iter().map(|step| step.eval_text(&scope)).collect::<Result<Vec<_>>>()?;
        let set = set(&mut filled, &path, &value);
        if !set && one.create && truthy(&value) {
            create(&mut filled, &path, value);
        }
    }
    Ok(filled)
}

/// Sets what is there already; `*` stands for every step. Whether anything was.
fn set(at: &mut Json, path: &[String], value: &Json) -> bool {
    let Some((step, rest)) = path.split_first() else {
        *at = value.clone();
        return true;
    };
    let found: Vec<&mut Json> = match at {
        Json::Object(fields) if step == "*" => fields.values_mut().collect(),
        Json::Array(items) if step == "*" => items.iter_mut().collect(),
        Json::Object(fields) => fields.get_mut(step).into_iter().collect(),
        Json::Array(items) => {
            step.parse::<usize>().ok().and_then(|index| items.get_mut(index)).into_iter().collect()
        }
        _ => Vec::new(),
    };
    found.into_iter().fold(false, |any, inner| set(inner, rest, value) | any)
}

/// Makes the objects on the way.
fn create(at: &mut Json, path: &[String], value: Json) {
    let Some((step, rest)) = path.split_first() else {
        *at = value;
        return;
    };
    match at {
        Json::Array(items) => {
            if let Some(item) = step.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                create(item, rest, value);
            }
        }
        Json::Object(fields) => create(fields.entry(step.clone()).or_insert_with(|| json!({})), rest, value),
        other => {
            *other = json!({});
            create(other, path, value);
        }
    }
}
