//! The values of a list (`ListPartitionRouter`).

use syncline_protocol::{Error, ErrorKind, Result};

use super::field::Field;
use crate::context::Run;
use crate::cursor::Partition;
use crate::document::Node;
use crate::expression::{Scope, Text, python_str};
use crate::{Json, Map};

/// A list, written in the manifest or given by the configuration.
pub(crate) struct List {
    values: Values,
    pub(super) field: Field,
}

enum Values {
    Fixed(Vec<Json>),
    Template(Text),
}

impl List {
    pub(super) fn new(node: &Node<'_>) -> Result<List> {
        let values = node.require("values")?;
        let values = match values.json() {
            Json::Array(items) => {
                Values::Fixed(items.iter().map(|item| Json::String(python_str(item))).collect())
            }
            _ => {
                Values::Template(Text::of(node, "values")?.ok_or_else(|| node.error("`values` is missing"))?)
            }
        };
        Ok(List { values, field: Field::new(node, "cursor_field")? })
    }

    pub(super) fn partitions(&self, run: &Run) -> Result<Vec<Partition>> {
        let field = self.field.name(run)?;
        let values = match &self.values {
            Values::Fixed(values) => values.clone(),
            Values::Template(text) => items(text.eval(&Scope::new(&run.config(), run.clock))?)?,
        };
        let partition =
            |value| Partition { values: Map::from_iter([(field.clone(), value)]), extra_fields: Map::new() };
        Ok(values.into_iter().map(partition).collect())
    }
}

/// What Python goes through in a `for`: the letters of a text, the keys of an object.
fn items(value: Json) -> Result<Vec<Json>> {
    match value {
        Json::Array(items) => Ok(items),
        Json::String(text) => Ok(text.chars().map(|letter| Json::String(letter.to_string())).collect()),
        Json::Object(fields) => Ok(fields.into_iter().map(|(key, _)| Json::String(key)).collect()),
        _ => Err(Error::new(ErrorKind::Config, "`values` of a ListPartitionRouter is not a list.")
            .meaning("The table cannot be read without knowing for which values.")
            .fix("Give a list in the connector's configuration.")),
    }
}
