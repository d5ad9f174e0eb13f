//! A record of each item of a list inside a record (`RecordExpander`).

use syncline_protocol::{Error, ErrorKind, Result};

use super::extract::{evaluated, steps};
use super::paths::{self, Path};
use crate::context::Run;
use crate::document::Node;
use crate::expression::{Text, truthy};
use crate::{Json, Map};

pub(super) struct Expander {
    list: Vec<Text>,
    /// Says that the list in the record is not the whole list.
    truncated: Vec<Text>,
    context: Context,
    emit_parent: bool,
}

/// What an item takes along from the record it lies in.
struct Context {
    whole: bool,
    merged: bool,
    fields: Vec<(Vec<Text>, Vec<Text>)>,
}

/// The context of one record.
struct Carried {
    original: Option<Json>,
    merged: Option<Map>,
    fields: Vec<(Vec<String>, Json)>,
}

impl Expander {
    pub(super) fn new(node: &Node<'_>) -> Result<Expander> {
        if let Some(retriever) = node.field("truncated_list_retriever") {
            return Err(retriever.unsupported("lists that are asked for again when an answer cuts them off"));
        }
        let fields = node.list("parent_fields").iter().map(parent_field).collect::<Result<_>>()?;
        let flag = |field: &str| node.boolean(field).map(|flag| flag.unwrap_or(false));
        let emit_parent = match node.text("on_no_records")? {
            None | Some("skip") => false,
            Some("emit_parent") => true,
            Some(other) => return Err(node.error(format!("`on_no_records` cannot be `{other}`"))),
        };
        Ok(Expander {
            list: steps(node, "expand_records_from_field")?,
            truncated: plain(node, "truncation_indicator_path")?,
            context: Context {
                whole: flag("remain_original_record")?,
                merged: flag("merge_parent")?,
                fields,
            },
            emit_parent,
        })
    }

    pub(super) fn expand(&self, run: &Run, records: Vec<Json>) -> Result<Vec<Json>> {
        let list = evaluated(&self.list, run)?;
        if list.is_empty() {
            return Ok(records);
        }
        let truncated = evaluated(&self.truncated, run)?;
        let fields = self.context.fields.iter();
        let fields: Vec<(Path, Vec<String>)> = fields
            .map(|(from, to)| Ok((evaluated(from, run)?, texts(&evaluated(to, run)?))))
            .collect::<Result<_>>()?;
        let (mut expanded, mut cut_off) = (Vec::with_capacity(records.len()), 0_usize);
        for record in records {
            if !record.is_object() {
                expanded.push(record);
                continue;
            }
            if !truncated.is_empty() && truncated.find(&record)?.is_some_and(truthy) {
                cut_off += 1;
            }
            self.items(record, &list, &fields, &mut expanded)?;
        }
        if cut_off > 0 {
            tracing::warn!(
                records = cut_off,
                "lists inside records are cut off by the API; their ends are missing"
            );
        }
        Ok(expanded)
    }

    fn items(
        &self,
        record: Json,
        list: &Path,
        fields: &[(Path, Vec<String>)],
        into: &mut Vec<Json>,
    ) -> Result<()> {
        let carried = self.context.of(&record, list, fields)?;
        let parent = self.emit_parent.then(|| record.clone());
        let mut found = Vec::new();
        list.take_all(record, &mut found);
        let before = into.len();
        for items in found {
            let Json::Array(items) = items else { continue };
            match &carried {
                None => into.extend(items),
                Some(carried) => {
                    for item in items {
                        into.push(carried.with(item)?);
                    }
                }
            }
        }
        if into.len() == before {
            into.extend(parent);
        }
        Ok(())
    }
}

fn parent_field(node: &Node<'_>) -> Result<(Vec<Text>, Vec<Text>)> {
    let path = |field: &str| {
        let path = plain(node, field)?;
        if path.is_empty() { Err(node.error(format!("`{field}` is empty"))) } else { Ok(path) }
    };
    Ok((path("parent_path")?, path("record_path")?))
}

/// A path that names one place: patterns are refused.
fn plain(node: &Node<'_>, field: &str) -> Result<Vec<Text>> {
    let path = steps(node, field)?;
    if path.iter().any(|step| step.is_plain() && step.source().contains(['*', '?', '['])) {
        return Err(node.error(format!("`{field}` must name one field, without `*`, `?` and `[`")));
    }
    Ok(path)
}

fn texts(path: &Path) -> Vec<String> {
    path.steps.iter().map(|step| step.text.clone()).collect()
}

impl Context {
    fn of(&self, record: &Json, list: &Path, fields: &[(Path, Vec<String>)]) -> Result<Option<Carried>> {
        if !self.whole && !self.merged && fields.is_empty() {
            return Ok(None);
        }
        let mut merged = self.merged.then(|| record.clone());
        if let Some(merged) = &mut merged {
            without_lists(merged, list)?;
        }
        let field = |(from, to): &(Path, Vec<String>)| {
            Ok((to.clone(), from.find(record)?.cloned().unwrap_or(Json::Null)))
        };
        Ok(Some(Carried {
            original: self.whole.then(|| record.clone()),
            merged: merged.and_then(|merged| match merged {
                Json::Object(fields) => Some(fields),
                _ => None,
            }),
            fields: fields.iter().map(field).collect::<Result<_>>()?,
        }))
    }
}

/// The record without the lists that are expanded; what else the path matches stays.
fn without_lists(record: &mut Json, list: &Path) -> Result<()> {
    list.remove(record, &mut |value| Ok(value.is_array()))
}

impl Carried {
    fn with(&self, item: Json) -> Result<Json> {
        let item = match item {
            Json::Object(fields) => fields,
            value => Map::from_iter([("value".to_owned(), value)]),
        };
        let mut fields = self.merged.clone().unwrap_or_default();
        fields.extend(item);
        let mut made = Json::Object(fields);
        for (path, value) in &self.fields {
            paths::put(&mut made, path, value.clone()).map_err(|error| {
                Error::new(
                    ErrorKind::Config,
                    format!("A field of the parent cannot be put at `{}` of its items.", path.join("/")),
                )
                .caused_by(error)
            })?;
        }
        if let (Some(original), Json::Object(fields)) = (&self.original, &mut made) {
            fields.insert("original_record".to_owned(), original.clone());
        }
        Ok(made)
    }
}
