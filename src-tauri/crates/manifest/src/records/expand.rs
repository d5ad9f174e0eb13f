//! A record of each item of a list inside a record (`RecordExpander`).

use async_trait::async_trait;
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::sync::Mutex;

use super::extract::{evaluated, steps};
use super::paths::{self, Path};
use crate::context::Slice;
use crate::document::Node;
use crate::expression::{Text, truthy};
use crate::http::Options;
use crate::stream::reading::SliceReader;
use crate::stream::retriever::{PageSink, Retriever, SliceRead};
use crate::{Json, Map};

pub(super) struct Expander {
    list: Vec<Text>,
    /// Says that the list in the record is not the whole list.
    truncated: Vec<Text>,
    /// Asks for the whole list then.
    whole: Option<WholeList>,
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
        let fields = node.list("parent_fields").iter().map(parent_field).collect::<Result<_>>()?;
        let flag = |field: &str| node.boolean(field).map(|flag| flag.unwrap_or(false));
        let emit_parent = match node.text("on_no_records")? {
            None | Some("skip") => false,
            Some("emit_parent") => true,
            Some(other) => return Err(node.error(format!("`on_no_records` cannot be `{other}`"))),
        };
        let truncated = plain(node, "truncation_indicator_path")?;
        let whole = match node.field("truncated_list_retriever") {
            Some(retriever) => {
                if truncated.is_empty() {
                    return Err(node.error("`truncated_list_retriever` needs a `truncation_indicator_path`"));
                }
                plain(node, "expand_records_from_field")?;
                Some(WholeList::new(&retriever)?)
            }
            None => None,
        };
        Ok(Expander {
            list: steps(node, "expand_records_from_field")?,
            truncated,
            whole,
            context: Context {
                whole: flag("remain_original_record")?,
                merged: flag("merge_parent")?,
                fields,
            },
            emit_parent,
        })
    }

    pub(super) async fn expand(&self, read: &SliceRead<'_>, records: Vec<Json>) -> Result<Vec<Json>> {
        let list = evaluated(&self.list, read.run)?;
        if list.is_empty() {
            return Ok(records);
        }
        let truncated = evaluated(&self.truncated, read.run)?;
        let fields = self.context.fields.iter();
        let fields: Vec<(Path, Vec<String>)> = fields
            .map(|(from, to)| Ok((evaluated(from, read.run)?, texts(&evaluated(to, read.run)?))))
            .collect::<Result<_>>()?;
        let (mut expanded, mut cut_off) = (Vec::with_capacity(records.len()), 0_usize);
        for record in records {
            if !record.is_object() {
                expanded.push(record);
                continue;
            }
            let carried = self.context.of(&record, &list, &fields)?;
            if !truncated.is_empty() && truncated.find(&record)?.is_some_and(truthy) {
                let whole = match &self.whole {
                    Some(whole) => whole.items(read, &record).await?,
                    None => Vec::new(),
                };
                if !whole.is_empty() {
                    with_context(whole, carried.as_ref(), &mut expanded)?;
                    continue;
                }
                cut_off += 1;
            }
            self.embedded(record, &list, carried.as_ref(), &mut expanded)?;
        }
        if cut_off > 0 {
            tracing::warn!(
                table = read.stream,
                records = cut_off,
                "lists inside records are cut off by the API; their ends are missing"
            );
        }
        Ok(expanded)
    }

    /// The items of the lists in the record itself.
    fn embedded(
        &self,
        record: Json,
        list: &Path,
        carried: Option<&Carried>,
        into: &mut Vec<Json>,
    ) -> Result<()> {
        let parent = self.emit_parent.then(|| record.clone());
        let mut found = Vec::new();
        list.take_all(record, &mut found);
        let before = into.len();
        for items in found {
            if let Json::Array(items) = items {
                with_context(items, carried, into)?;
            }
        }
        if into.len() == before {
            into.extend(parent);
        }
        Ok(())
    }
}

fn with_context(items: Vec<Json>, carried: Option<&Carried>, into: &mut Vec<Json>) -> Result<()> {
    let Some(carried) = carried else {
        into.extend(items);
        return Ok(());
    };
    for item in items {
        into.push(carried.with(item)?);
    }
    Ok(())
}

/// Asks for the list of a record that the API cut off.
struct WholeList {
    retriever: Box<dyn SliceReader>,
}

impl WholeList {
    fn new(node: &Node<'_>) -> Result<WholeList> {
        for field in ["partition_router", "pagination_reset"] {
            if node.field(field).is_some() {
                return Err(node.error(format!("`{field}` is not possible in a `truncated_list_retriever`")));
            }
        }
        Ok(WholeList { retriever: Box::new(Retriever::new(node, None)?) })
    }

    /// All items; templates see the record as `stream_slice['parent_record']`.
    async fn items(&self, read: &SliceRead<'_>, record: &Json) -> Result<Vec<Json>> {
        let partition = Map::from_iter([("parent_record".to_owned(), record.clone())]);
        let (slice, options) = (Slice { partition, ..Slice::default() }, Options::default());
        let items = Items::default();
        let whole = SliceRead { slice: &slice, options: &options, filter: None, feed: None, ..*read };
        self.retriever.read(whole, &items).await?;
        Ok(items.found.into_inner())
    }
}

#[derive(Default)]
struct Items {
    found: Mutex<Vec<Json>>,
}

#[async_trait]
impl PageSink for Items {
    async fn page(&self, mut records: Vec<Json>) -> Result<bool> {
        self.found.lock().await.append(&mut records);
        Ok(true)
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
