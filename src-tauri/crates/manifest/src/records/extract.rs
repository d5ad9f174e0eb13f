//! Where in a body the records are (`DpathExtractor`, `CombinedExtractor`, `ResponseToFileExtractor`).

use futures::future::BoxFuture;
use serde_json::json;
use syncline_protocol::Result;

use super::expand::Expander;
use super::paths::{Path, Step};
use crate::Json;
use crate::classes::extractors::Ported;
use crate::context::{Compatibility, Run};
use crate::document::Node;
use crate::expression::{Scope, Text, python_str, truthy};
use crate::http::{Decoder, named};
use crate::stream::retriever::SliceRead;

/// Combined extractors may be combined; deeper than this is a mistake.
const DEPTH_MAX: usize = 16;

/// Cells that the reference's CSV reader takes for nothing, beside empty ones.
const NOTHING: [&str; 18] = [
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
];

/// Finds records in decoded elements.
pub struct Extractor {
    kind: Kind,
    /// The decoder that the extractor itself names (older manifests).
    pub(crate) decoder: Option<Decoder>,
}

enum Kind {
    Path {
        path: Vec<Text>,
        expander: Option<Box<Expander>>,
    },
    Combined {
        extractors: Vec<Extractor>,
        first_match: bool,
        skip_empty: bool,
    },
    /// A class that is known here.
    Ported {
        path: Vec<Text>,
        ported: Ported,
    },
    /// A CSV file, packed or not (`ResponseToFileExtractor`).
    File {
        decoder: Decoder,
        keeps_text: bool,
    },
}

/// What an extractor finds.
#[derive(Debug, Default)]
pub struct Extracted {
    /// The records.
    pub records: Vec<Json>,
    /// How many the API sent, for paginators that count: empty ones that were left out are among them.
    pub count: usize,
}

/// Compiles the steps of a path, each of which may be a template.
pub(super) fn steps(node: &Node<'_>, field: &str) -> Result<Vec<Text>> {
    let step = |step: &Node<'_>| {
        Text::new(&python_str(step.json()), node.parameters()).map_err(|error| step.at(error))
    };
    node.list(field).iter().map(step).collect()
}

/// The path that templates come to, with this configuration. A step that comes to a number is the place in a list; the
/// reference then finds no field of that name, which would lose its records.
pub(super) fn evaluated(path: &[Text], run: &Run) -> Result<Path> {
    let config = run.config();
    let scope = Scope::new(&config, run.clock);
    let is_name = run.compatibility == Compatibility::Safe;
    let step = |step: &Text| {
        Ok(match step.eval(&scope)? {
            Json::String(text) => Step::new(text, true),
            other => Step::new(python_str(&other), is_name),
        })
    };
    Path::new(path.iter().map(step).collect::<Result<_>>()?)
}

impl Extractor {
    /// From its component.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub fn new(node: &Node<'_>) -> Result<Extractor> {
        Extractor::at_depth(node, 0)
    }

    fn at_depth(node: &Node<'_>, depth: usize) -> Result<Extractor> {
        if depth > DEPTH_MAX {
            return Err(node.error(format!("extractors are combined more than {DEPTH_MAX} deep")));
        }
        let decoder = node.field("decoder").map(|decoder| Decoder::new(&decoder)).transpose()?;
        let kind = match node.kind() {
            _ if node.class_name().is_some() => match Ported::of(node)? {
                Some((ported, path)) => {
                    let step =
                        |step: &String| Text::new(step, node.parameters()).map_err(|error| node.at(error));
                    Kind::Ported { path: path.iter().map(step).collect::<Result<_>>()?, ported }
                }
                None => return Err(node.unsupported(named(node, "record extractor"))),
            },
            "DpathExtractor" => Kind::Path {
                path: steps(node, "field_path")?,
                expander: match node.field("record_expander") {
                    Some(expander) => Some(Box::new(Expander::new(&expander)?)),
                    None => None,
                },
            },
            "CombinedExtractor" => {
                let extractors = node.list("extractors");
                if extractors.is_empty() {
                    return Err(node.error("`extractors` is empty"));
                }
                let first_match = match node.text("mode")? {
                    None | Some("union") => false,
                    Some("first_match") => true,
                    Some(other) => {
                        return Err(node.error(format!("`mode` cannot be `{other}`: union or first_match")));
                    }
                };
                let inner = |node: &Node<'_>| Extractor::at_depth(node, depth + 1);
                Kind::Combined {
                    extractors: extractors.iter().map(inner).collect::<Result<_>>()?,
                    first_match,
                    skip_empty: node.boolean("skip_empty_records")?.unwrap_or(false),
                }
            }
            "ResponseToFileExtractor" => {
                let packed = json!({"type": "GzipDecoder", "decoder": {"type": "CsvDecoder"}});
                Kind::File {
                    decoder: Decoder::new(&Node::made(node.document(), &packed, node.path()))?,
                    keeps_text: node.boolean("preserve_na_values")?.unwrap_or(false),
                }
            }
            _ => return Err(node.unsupported(named(node, "record extractor"))),
        };
        Ok(Extractor { kind, decoder })
    }

    /// Each element is a record, each item of a list one.
    pub fn everything() -> Extractor {
        Extractor { kind: Kind::Path { path: Vec::new(), expander: None }, decoder: None }
    }

    /// The decoder that bodies need because of this extractor, if it is not free to choose.
    pub(crate) fn needed_decoder(&self) -> Option<&Decoder> {
        match &self.kind {
            Kind::File { decoder, .. } => Some(decoder),
            _ => None,
        }
    }

    /// Whether the counts of several extractors are added up: a paginator cannot make offsets of such a count.
    pub(crate) fn adds_up(&self) -> bool {
        match &self.kind {
            Kind::Combined { extractors, first_match, .. } => {
                !first_match || extractors.iter().any(Extractor::adds_up)
            }
            _ => false,
        }
    }

    /// The names that lead to the list of records in a body. None: more than that must be done to find them.
    pub(super) fn list(&self, run: &Run) -> Result<Option<Vec<String>>> {
        match &self.kind {
            Kind::Path { path, expander: None } => Ok(evaluated(path, run)?.names()),
            _ => Ok(None),
        }
    }

    /// Whether it must see the whole body at once.
    pub(crate) fn sees_all(&self) -> bool {
        matches!(self.kind, Kind::Combined { .. })
    }

    /// The records in an element. A list at the root is gone through before the path applies.
    ///
    /// # Errors
    /// Of templates in the path, when a pattern matches several values, and of lists that are asked for.
    pub async fn extract(&self, read: &SliceRead<'_>, element: Json) -> Result<Extracted> {
        let records = match &self.kind {
            Kind::Path { path, expander } => {
                let path = evaluated(path, read.run)?;
                let records = at_path(element, &path)?;
                match expander {
                    Some(expander) => expander.expand(read, records).await?,
                    None => records,
                }
            }
            Kind::Ported { ported, .. } if ported.takes_bodies() => ported.rows_of(element),
            Kind::Ported { path, ported } => {
                let found = at_path(element, &evaluated(path, read.run)?)?;
                let config = read.run.config();
                ported.shaped(found, &Scope::new(&config, read.run.clock))?
            }
            Kind::Combined { extractors, first_match, skip_empty } => {
                let combined = combine(read, element, extractors, *first_match, *skip_empty);
                return combined.await;
            }
            Kind::File { keeps_text, .. } => {
                rows(element, *keeps_text || read.run.compatibility == Compatibility::Safe)
            }
        };
        Ok(Extracted { count: records.len(), records })
    }
}

fn at_path(element: Json, path: &Path) -> Result<Vec<Json>> {
    let mut records = Vec::new();
    match element {
        Json::Array(items) if path.is_empty() => {
            if items.iter().all(Json::is_object) {
                records = items;
                records.retain(truthy);
            } else {
                items.into_iter().for_each(|item| add(item, &mut records));
            }
        }
        Json::Array(items) => {
            for item in items {
                take(item, path, &mut records)?;
            }
        }
        element => take(element, path, &mut records)?,
    }
    Ok(records)
}

fn take(element: Json, path: &Path, records: &mut Vec<Json>) -> Result<()> {
    if path.takes_all() {
        path.take_all(element, records);
    } else if let Some(value) = path.take(element)? {
        add(value, records);
    }
    Ok(())
}

/// A list yields its items, anything else itself unless it is empty.
fn add(value: Json, records: &mut Vec<Json>) {
    match value {
        Json::Array(items) if records.is_empty() => *records = items,
        Json::Array(items) => records.extend(items),
        value if truthy(&value) => records.push(value),
        _ => {}
    }
}

/// All records of all extractors, or those of the first that finds some.
fn combine<'a>(
    read: &'a SliceRead<'_>,
    element: Json,
    extractors: &'a [Extractor],
    first_match: bool,
    skip_empty: bool,
) -> BoxFuture<'a, Result<Extracted>> {
    Box::pin(async move {
        let mut all = Extracted::default();
        let mut left = element;
        for (at, extractor) in extractors.iter().enumerate() {
            // The last one takes the body itself; the others need it as it was.
            let element = if at + 1 == extractors.len() { left.take() } else { left.clone() };
            let mut found = extractor.extract(read, element).await?;
            if skip_empty {
                found.records.retain(truthy);
            }
            if first_match {
                if !found.records.is_empty() {
                    return Ok(found);
                }
                continue;
            }
            all.count += found.count;
            all.records.append(&mut found.records);
        }
        Ok(all)
    })
}

/// The rows of a file. Empty cells are null; so is, for the reference, text like `NA` (which is also Namibia), unless the
/// manifest says that it stays. Zero bytes are left out, as no table takes them.
fn rows(element: Json, keeps_text: bool) -> Vec<Json> {
    let mut rows = match element {
        Json::Array(rows) => rows,
        row => vec![row],
    };
    for value in rows.iter_mut().filter_map(Json::as_object_mut).flat_map(|row| row.values_mut()) {
        let Json::String(text) = value else { continue };
        if text.is_empty() || (!keeps_text && NOTHING.contains(&text.as_str())) {
            *value = Json::Null;
        } else if text.contains('\0') {
            text.retain(|letter| letter != '\0');
        }
    }
    rows.retain(truthy);
    rows
}
