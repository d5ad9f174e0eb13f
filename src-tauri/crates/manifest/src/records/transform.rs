//! Changes of a record: `AddFields`, `RemoveFields` and the others.

use syncline_protocol::Result;

use super::extract::{evaluated, steps};
use super::paths::{self, Path};
use super::{Place, flatten};
use crate::classes::transformations::Ported;
use crate::context::Compatibility;
use crate::document::Node;
use crate::expression::{Accept, Condition, Scope, Text, python_str};
use crate::http::named;
use crate::{Json, Map};

pub(super) enum Transformation {
    AddFields {
        fields: Vec<Added>,
        condition: Option<Condition>,
    },
    RemoveFields {
        paths: Vec<Path>,
        condition: Option<Condition>,
    },
    KeysToLower,
    KeysToSnakeCase,
    KeysReplace {
        old: Text,
        new: Text,
    },
    FlattenFields {
        lists: bool,
    },
    DpathFlattenFields(Box<DpathFlatten>),
    /// A class that is known here.
    Ported(Ported),
}

pub(super) struct Added {
    path: Vec<String>,
    path_json: Json,
    value: Text,
    accept: Accept,
}

pub(super) struct DpathFlatten {
    path: Vec<Text>,
    delete: bool,
    replace: bool,
    prefix: Option<Text>,
    suffix: Option<Text>,
}

fn path_of(node: &Node<'_>) -> Vec<String> {
    node.items().iter().map(|step| python_str(step.json())).collect()
}

impl Transformation {
    /// From its component. `stream`: the component of the stream it belongs to.
    pub(super) fn new(node: &Node<'_>, stream: Option<&Node<'_>>) -> Result<Transformation> {
        let need =
            |field: &str| Text::of(node, field)?.ok_or_else(|| node.error(format!("`{field}` is missing")));
        Ok(match node.kind() {
            "AddFields" => Transformation::AddFields {
                fields: node.list("fields").iter().map(Added::new).collect::<Result<_>>()?,
                condition: condition(node)?,
            },
            "RemoveFields" => Transformation::RemoveFields {
                paths: node
                    .list("field_pointers")
                    .iter()
                    .map(|path| Path::of(path_of(path)))
                    .collect::<Result<_>>()?,
                condition: condition(node)?,
            },
            "KeysToLower" => Transformation::KeysToLower,
            "KeysToSnakeCase" => Transformation::KeysToSnakeCase,
            "KeysReplace" => Transformation::KeysReplace { old: need("old")?, new: need("new")? },
            "FlattenFields" => {
                Transformation::FlattenFields { lists: node.boolean("flatten_lists")?.unwrap_or(true) }
            }
            "DpathFlattenFields" => Transformation::DpathFlattenFields(Box::new(DpathFlatten::new(node)?)),
            _ => match Ported::of(node, stream)? {
                Some(ported) => Transformation::Ported(ported),
                None => return Err(node.unsupported(named(node, "transformation"))),
            },
        })
    }

    pub(super) fn apply(&self, place: &Place<'_>, config: &Json, record: &mut Json) -> Result<()> {
        match self {
            Transformation::AddFields { fields, condition } => {
                for field in fields {
                    field.apply(place, config, condition.as_ref(), record)?;
                }
            }
            Transformation::RemoveFields { paths, condition } => {
                remove(place, config, paths, condition.as_ref(), record)?;
            }
            Transformation::KeysToLower => {
                if let Json::Object(fields) = record {
                    *fields = std::mem::take(fields)
                        .into_iter()
                        .map(|(key, value)| (key.to_lowercase(), value))
                        .collect();
                }
            }
            Transformation::KeysToSnakeCase => {
                if let Json::Object(fields) = record {
                    *fields = flatten::snake(std::mem::take(fields), 0);
                }
            }
            Transformation::KeysReplace { old, new } => {
                let (old, new) = {
                    let scope = place.scope(config, record);
                    (old.eval_text(&scope)?, new.eval_text(&scope)?)
                };
                if let Json::Object(fields) = record {
                    *fields = replaced(std::mem::take(fields), &old, &new, 0);
                }
            }
            Transformation::FlattenFields { lists } => {
                *record = Json::Object(flatten::flatten(record.take(), *lists));
            }
            Transformation::DpathFlattenFields(flatten) => flatten.apply(place, config, record)?,
            Transformation::Ported(ported) => ported.apply(place, config, record)?,
        }
        Ok(())
    }
}

/// Where there is a condition, the reference forgets the paths and removes every plain value of the record that the
/// condition holds for, and never an object or a list. That loses fields nobody named: only [`Compatibility::Exact`]
/// does it.
fn remove(
    place: &Place<'_>,
    config: &Json,
    paths: &[Path],
    condition: Option<&Condition>,
    record: &mut Json,
) -> Result<()> {
    let exact = place.run.compatibility == Compatibility::Exact;
    let clock = place.run.clock;
    let mut holds = |property: &Json| match condition {
        Some(_) if exact && (property.is_object() || property.is_array()) => Ok(false),
        Some(condition) => condition.holds(&Scope::new(config, clock).with("property", property)),
        None => Ok(true),
    };
    if exact && condition.is_some() {
        let everywhere = Path::of(["**".to_owned()])?;
        return paths.iter().try_for_each(|_| everywhere.remove(record, &mut holds));
    }
    paths.iter().try_for_each(|path| path.remove(record, &mut holds))
}

/// An empty condition is none.
fn condition(node: &Node<'_>) -> Result<Option<Condition>> {
    let empty = node.field("condition").is_some_and(|condition| condition.json() == "");
    if empty { Ok(None) } else { Condition::of(node, "condition") }
}

fn replaced(fields: Map, old: &str, new: &str, depth: usize) -> Map {
    fields
        .into_iter()
        .map(|(key, value)| {
            let value = match value {
                Json::Object(inner) if depth < 128 => Json::Object(replaced(inner, old, new, depth + 1)),
                other => other,
            };
            (key.replace(old, new), value)
        })
        .collect()
}

impl Added {
    fn new(node: &Node<'_>) -> Result<Added> {
        let path = path_of(&node.require("path")?);
        if path.is_empty() {
            return Err(node.error("`path` is empty"));
        }
        let accept = match node.text("value_type")? {
            None => Accept::Any,
            Some("string") => Accept::Text,
            Some("number") => Accept::Float,
            Some("integer") => Accept::Integer,
            Some("boolean") => Accept::Boolean,
            Some(other) => return Err(node.error(format!("`value_type` cannot be `{other}`"))),
        };
        let value = Text::of(node, "value")?.ok_or_else(|| node.error("`value` is missing"))?;
        Ok(Added {
            path_json: path.iter().map(|step| Json::from(step.as_str())).collect(),
            path,
            value,
            accept,
        })
    }

    fn apply(
        &self,
        place: &Place<'_>,
        config: &Json,
        condition: Option<&Condition>,
        record: &mut Json,
    ) -> Result<()> {
        let value = {
            let scope =
                Scope::new(config, place.run.clock).with("record", record).with("stream_slice", place.slice);
            // Where the condition does not ask for the value, a record that it does not hold for may lack what the value
            // is made of.
            let first = condition.filter(|condition| !condition.uses("value"));
            if let Some(condition) = first
                && !condition.holds(&scope.clone().with("path", &self.path_json))?
            {
                return Ok(());
            }
            let value = match self.value.eval_as(&scope, self.accept)? {
                Some(value) => value,
                None => self.value.eval(&scope)?,
            };
            if let (Some(condition), None) = (condition, first)
                && !condition.holds(&scope.with("value", &value).with("path", &self.path_json))?
            {
                return Ok(());
            }
            value
        };
        match (self.path.as_slice(), &mut *record) {
            ([name], Json::Object(fields)) => drop(fields.insert(name.clone(), value)),
            (path, record) => paths::put(record, path, value)?,
        }
        Ok(())
    }
}

impl DpathFlatten {
    fn new(node: &Node<'_>) -> Result<DpathFlatten> {
        let keys = node.field("key_transformation");
        let part =
            |field: &str| keys.as_ref().map(|keys| Text::of(keys, field)).transpose().map(Option::flatten);
        Ok(DpathFlatten {
            path: steps(node, "field_path")?,
            delete: node.boolean("delete_origin_value")?.unwrap_or(false),
            replace: node.boolean("replace_record")?.unwrap_or(false),
            prefix: part("prefix")?,
            suffix: part("suffix")?,
        })
    }

    fn apply(&self, place: &Place<'_>, config: &Json, record: &mut Json) -> Result<()> {
        let scope = Scope::new(config, place.run.clock);
        let path = evaluated(&self.path, place.run)?;
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.eval_text(&scope)).transpose();
        let (prefix, suffix) =
            (text(&self.prefix)?.unwrap_or_default(), text(&self.suffix)?.unwrap_or_default());
        let Some(Json::Object(inner)) = path.find(record)? else { return Ok(()) };
        let inner: Map =
            inner.iter().map(|(key, value)| (format!("{prefix}{key}{suffix}"), value.clone())).collect();
        if self.replace && !inner.is_empty() {
            *record = Json::Object(inner);
            return Ok(());
        }
        let Json::Object(fields) = &*record else { return Ok(()) };
        // Where names collide nothing is done: no value is overwritten.
        if inner.keys().any(|key| fields.contains_key(key)) {
            return Ok(());
        }
        if self.delete {
            path.remove(record, &mut |_| Ok(true))?;
        }
        if let Json::Object(fields) = record {
            fields.extend(inner);
        }
        Ok(())
    }
}
