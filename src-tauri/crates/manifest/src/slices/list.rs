//! The values of a list (`ListPartitionRouter`).

use syncline_protocol::{Error, ErrorKind, Result};

use crate::context::{Run, Slice};
use crate::cursor::Partition;
use crate::document::Node;
use crate::expression::{Scope, Text, python_str, truthy};
use crate::http::{Options, RequestOption};
use crate::{Json, Map};

/// A list, written in the manifest or given by the configuration.
pub(crate) struct List {
    values: Values,
    field: Text,
    pub(super) option: Option<RequestOption>,
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
        Ok(List {
            values,
            field: Text::of(node, "cursor_field")?.ok_or_else(|| node.error("`cursor_field` is missing"))?,
            option: node.field("request_option").map(|option| RequestOption::new(&option)).transpose()?,
        })
    }

    /// The name of the partition's field.
    pub(super) fn field(&self, run: &Run) -> Result<String> {
        self.field.eval_text(&Scope::new(&run.config(), run.clock))
    }

    pub(super) fn partitions(&self, run: &Run) -> Result<Vec<Partition>> {
        let field = self.field(run)?;
        let values = match &self.values {
            Values::Fixed(values) => values.clone(),
            Values::Template(text) => items(text.eval(&Scope::new(&run.config(), run.clock))?)?,
        };
        let partition =
            |value| Partition { values: Map::from_iter([(field.clone(), value)]), extra_fields: Map::new() };
        Ok(values.into_iter().map(partition).collect())
    }

    pub(super) fn options(&self, run: &Run, slice: &Slice) -> Result<Options> {
        let mut options = Options::default();
        if let Some(option) = &self.option
            && let Some(value) = slice.partition.get(&self.field(run)?).filter(|value| truthy(value))
        {
            option.put(run, value.clone(), &mut options)?;
        }
        Ok(options)
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
