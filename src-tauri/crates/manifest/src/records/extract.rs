//! Where in a body the records are (`DpathExtractor`, `RecordExpander`).

use syncline_protocol::Result;

use super::paths;
use crate::Json;
use crate::context::Run;
use crate::document::Node;
use crate::expression::{Scope, Text, python_str, truthy};
use crate::http::{Decoder, named};

/// Finds records in decoded elements.
pub struct Extractor {
    path: Vec<Text>,
    expander: Option<Expander>,
    /// The decoder that the extractor itself names (older manifests).
    pub(crate) decoder: Option<Decoder>,
}

/// Makes a record of each item of a list inside a record.
struct Expander {
    path: Vec<Text>,
    keep_original: bool,
    empty_is_a_record: bool,
}

fn steps(node: &Node<'_>, field: &str) -> Result<Vec<Text>> {
    let step = |step: &Node<'_>| {
        Text::new(&python_str(step.json()), node.parameters()).map_err(|error| step.at(error))
    };
    node.list(field).iter().map(step).collect()
}

fn evaluated(path: &[Text], run: &Run) -> Result<Vec<String>> {
    let config = run.config();
    let scope = Scope::new(&config, run.clock);
    path.iter().map(|step| step.eval_text(&scope)).collect()
}

impl Extractor {
    /// From its component.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub fn new(node: &Node<'_>) -> Result<Extractor> {
        if !matches!(node.kind(), "DpathExtractor" | "ResponseToFileExtractor") {
            return Err(node.unsupported(named(node, "record extractor")));
        }
        let expander = match node.field("record_expander") {
            Some(expander) => {
                if expander.field("parent_fields").is_some() {
                    return Err(expander.unsupported("fields of the parent in expanded records"));
                }
                Some(Expander {
                    path: steps(&expander, "expand_records_from_field")?,
                    keep_original: expander.boolean("remain_original_record")?.unwrap_or(false),
                    empty_is_a_record: expander.text("on_no_records")? == Some("emit_parent"),
                })
            }
            None => None,
        };
        let decoder = node.field("decoder").map(|decoder| Decoder::new(&decoder)).transpose()?;
        Ok(Extractor { path: steps(node, "field_path")?, expander, decoder })
    }

    /// Each element is a record, each item of a list one.
    pub fn everything() -> Extractor {
        Extractor { path: Vec::new(), expander: None, decoder: None }
    }

    /// The records in an element. A list at the root is gone through before the path applies.
    ///
    /// # Errors
    /// Of templates in the path.
    pub fn extract(&self, run: &Run, element: Json) -> Result<Vec<Json>> {
        let path = evaluated(&self.path, run)?;
        let mut records = Vec::new();
        match element {
            Json::Array(items) if path.is_empty() => records = items,
            Json::Array(items) => items.into_iter().for_each(|item| found(item, &path, &mut records)),
            element => found(element, &path, &mut records),
        }
        match &self.expander {
            Some(expander) => expander.expand(run, records),
            None => Ok(records),
        }
    }
}

fn found(element: Json, path: &[String], records: &mut Vec<Json>) {
    if path.iter().any(|step| step == "*") {
        paths::take_all(element, path, records);
        return;
    }
    match paths::take(element, path) {
        Some(Json::Array(items)) if records.is_empty() => *records = items,
        Some(Json::Array(items)) => records.extend(items),
        Some(value) if truthy(&value) => records.push(value),
        _ => {}
    }
}

impl Expander {
    fn expand(&self, run: &Run, records: Vec<Json>) -> Result<Vec<Json>> {
        let path = evaluated(&self.path, run)?;
        let mut expanded = Vec::new();
        for record in records {
            let original =
                if self.keep_original || self.empty_is_a_record { Some(record.clone()) } else { None };
            let mut items = Vec::new();
            if path.iter().any(|step| paths::is_pattern(step)) {
                let mut lists = Vec::new();
                paths::take_all(record, &path, &mut lists);
                items.extend(lists.into_iter().flat_map(|list| match list {
                    Json::Array(items) => items,
                    other => vec![other],
                }));
            } else if let Some(Json::Array(found)) = paths::take(record, &path) {
                items = found;
            }
            if items.is_empty() {
                expanded.extend(original.filter(|_| self.empty_is_a_record));
                continue;
            }
            for mut item in items {
                if let (true, Some(original), Json::Object(fields)) =
                    (self.keep_original, &original, &mut item)
                {
                    fields.insert("original_record".to_owned(), original.clone());
                }
                expanded.push(item);
            }
        }
        Ok(expanded)
    }
}
