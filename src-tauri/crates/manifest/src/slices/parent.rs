//! One parent of a stream (`ParentStreamConfig`).

use serde_json::json;
use syncline_protocol::Result;

use super::field::Field;
use super::path;
use crate::context::{Run, Slice};
use crate::cursor::Partition;
use crate::document::Node;
use crate::expression::{Scope, Text};
use crate::stream::reading::{Making, Reading};
use crate::{Json, Map};

/// Under this name the part of a parent's record is handed on that a child is read from.
pub(crate) const CHILD_RESPONSE: &str = "child_response";

/// What makes partitions of a parent's records.
pub(crate) struct Parent {
    pub(super) stream: Reading,
    key: Text,
    pub(super) field: Field,
    extra_fields: Vec<Vec<Text>>,
    lazy_pointer: Vec<Text>,
    pub(super) is_incremental: bool,
}

/// The same with a configuration.
pub(super) struct Keys {
    pub(super) field: String,
    key: Vec<String>,
    /// The name and the path of each.
    extra_fields: Vec<(String, Vec<String>)>,
    lazy_pointer: Option<Vec<String>>,
}

impl Parent {
    pub(super) fn new(node: &Node<'_>, making: Making<'_>) -> Result<Parent> {
        let texts = |field: &Node<'_>| {
            let texts = field.items();
            texts.iter().map(|step| step_text(step, node)).collect::<Result<Vec<_>>>()
        };
        let lazy_pointer =
            node.field("lazy_read_pointer").map(|field| texts(&field)).transpose()?.unwrap_or_default();
        if lazy_pointer.iter().any(|step| step.source().contains('*')) {
            return Err(node.error("`lazy_read_pointer` must not contain `*`"));
        }
        Ok(Parent {
            stream: Reading::parent(&node.require("stream")?, making.parent())?,
            key: Text::of(node, "parent_key")?.ok_or_else(|| node.error("`parent_key` is missing"))?,
            field: Field::new(node, "partition_field")?,
            extra_fields: node.list("extra_fields").iter().map(texts).collect::<Result<_>>()?,
            lazy_pointer,
            is_incremental: node.boolean("incremental_dependency")?.unwrap_or_default(),
        })
    }

    /// The parents of a router.
    pub(super) fn all(node: &Node<'_>, making: Making<'_>) -> Result<Vec<Parent>> {
        let parents = node.list("parent_stream_configs");
        if parents.is_empty() {
            return Err(node.error("`parent_stream_configs` names no parent stream"));
        }
        parents.iter().map(|parent| Parent::new(parent, making)).collect()
    }

    pub(super) fn is_lazy(&self) -> bool {
        !self.lazy_pointer.is_empty()
    }

    /// `is_lazy`: children are read from what the parent's records hold of them.
    pub(super) fn keys(&self, run: &Run, is_lazy: bool) -> Result<Keys> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let all =
            |steps: &[Text]| steps.iter().map(|step| step.eval_text(&scope)).collect::<Result<Vec<_>>>();
        let mut extra_fields = Vec::new();
        for steps in &self.extra_fields {
            let steps = all(steps)?;
            extra_fields.push((steps.join("."), steps));
        }
        Ok(Keys {
            field: self.field.name(run)?,
            key: path::steps(&self.key.eval_text(&scope)?),
            extra_fields,
            lazy_pointer: if is_lazy && self.is_lazy() { Some(all(&self.lazy_pointer)?) } else { None },
        })
    }
}

impl Keys {
    /// The partition that a record of the parent stands for. None: it has no key.
    pub(super) fn partition(&self, record: &Json, parent: &Slice) -> Result<Option<Partition>> {
        let Some(value) = path::lookup(record, &self.key)?.filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let mut values = Map::new();
        values.insert(self.field.clone(), value.clone());
        values.insert("parent_slice".to_owned(), Json::Object(parent.partition.clone()));
        let mut extra_fields = Map::new();
        if let Some(pointer) = &self.lazy_pointer {
            let response = path::lookup(record, pointer)?.cloned().unwrap_or_else(|| json!([]));
            extra_fields.insert(CHILD_RESPONSE.to_owned(), response);
        }
        for (name, path) in &self.extra_fields {
            extra_fields.insert(name.clone(), path::lookup(record, path)?.cloned().unwrap_or_default());
        }
        Ok(Some(Partition { values, extra_fields }))
    }
}

fn step_text(step: &Node<'_>, owner: &Node<'_>) -> Result<Text> {
    let text = step.json().as_str().map_or_else(|| crate::expression::python_str(step.json()), str::to_owned);
    Text::new(&text, owner.parameters()).map_err(|error| step.at(error))
}
