//! The field of a partition, and how its value gets into requests.

use syncline_protocol::Result;

use crate::context::{Run, Slice};
use crate::document::Node;
use crate::expression::{Scope, Text, truthy};
use crate::http::{Options, RequestOption};

/// A field of partitions, for example `project_id`.
pub(super) struct Field {
    name: Text,
    option: Option<RequestOption>,
}

impl Field {
    /// `named`: under which key the component names the field.
    pub(super) fn new(node: &Node<'_>, named: &str) -> Result<Field> {
        Ok(Field {
            name: Text::of(node, named)?.ok_or_else(|| node.error(format!("`{named}` is missing")))?,
            option: node.field("request_option").map(|option| RequestOption::new(&option)).transpose()?,
        })
    }

    pub(super) fn name(&self, run: &Run) -> Result<String> {
        self.name.eval_text(&Scope::new(&run.config(), run.clock))
    }

    /// Whether values are put into requests.
    pub(super) fn is_sent(&self) -> bool {
        self.option.is_some()
    }

    /// What it adds to the requests of a slice. Values that are false, like 0 and "", are not sent.
    pub(super) fn options(&self, run: &Run, slice: &Slice) -> Result<Options> {
        let mut options = Options::default();
        if let Some(option) = &self.option
            && let Some(value) = slice.partition.get(&self.name(run)?).filter(|value| truthy(value))
        {
            option.put(run, value.clone(), &mut options)?;
        }
        Ok(options)
    }
}
