//! Routers made of routers (`GroupingPartitionRouter`, `UnionPartitionRouter`).

use std::collections::HashSet;

use sha2::{Digest, Sha256};
use syncline_protocol::{Error, ErrorKind, Result};

use super::Router;
use crate::context::Run;
use crate::cursor::Partition;
use crate::document::Node;
use crate::expression::{Scope, Text};
use crate::stream::reading::Making;
use crate::{Json, Map};

/// Some partitions of a router together, as lists.
pub(crate) struct Grouping {
    pub(super) router: Router,
    size: usize,
    is_deduplicated: bool,
}

/// What any of some routers names, once.
pub(crate) struct Union {
    pub(super) routers: Vec<Router>,
    field: Text,
}

impl Grouping {
    pub(super) fn new(node: &Node<'_>, making: Making<'_>) -> Result<Grouping> {
        let router = Router::new(&node.require("underlying_partition_router")?, making)?;
        if router.has_request_option() {
            return Err(node.error("a router whose partitions are grouped must not have a `request_option`"));
        }
        let size = node.integer("group_size")?.ok_or_else(|| node.error("`group_size` is missing"))?;
        let size = usize::try_from(size).ok().filter(|size| *size > 0);
        Ok(Grouping {
            router,
            size: size.ok_or_else(|| node.error("`group_size` must be greater than 0"))?,
            is_deduplicated: node.boolean("deduplicate")?.unwrap_or(true),
        })
    }
}

impl Union {
    pub(super) fn new(node: &Node<'_>, making: Making<'_>) -> Result<Union> {
        let routers = node.list("partition_routers");
        let routers = routers.iter().map(|router| Router::new(router, making)).collect::<Result<Vec<_>>>()?;
        if routers.len() < 2 {
            return Err(node.error("`partition_routers` needs at least two routers"));
        }
        if routers.iter().any(Router::has_request_option) {
            return Err(node.error("the routers of a union must not have a `request_option`"));
        }
        let field = Text::of(node, "partition_field")?;
        Ok(Union { routers, field: field.ok_or_else(|| node.error("`partition_field` is missing"))? })
    }

    /// The name of the partition's field, the same for all its routers.
    ///
    /// # Errors
    /// `Config`, when a router names its field otherwise.
    pub(super) fn field(&self, run: &Run) -> Result<String> {
        let field = self.field.eval_text(&Scope::new(&run.config(), run.clock))?;
        for router in &self.routers {
            let fields = match router {
                Router::List(list) => vec![list.field.name(run)?],
                Router::Substream(parents) | Router::Ported(_, parents) => {
                    parents.iter().map(|parent| parent.field.name(run)).collect::<Result<_>>()?
                }
                Router::Union(union) => vec![union.field(run)?],
                Router::Product(_) | Router::Grouping(_) => Vec::new(),
            };
            if fields.iter().any(|other| *other != field) {
                return Err(wrong(format!("all routers of a union must name the partition field `{field}`")));
            }
        }
        Ok(field)
    }
}

/// Partitions on their way into groups.
pub(super) struct Grouper<'a> {
    grouping: &'a Grouping,
    batch: Vec<Partition>,
    met: Met,
}

impl<'a> Grouper<'a> {
    pub(super) fn new(grouping: &'a Grouping) -> Grouper<'a> {
        Grouper { grouping, batch: Vec::new(), met: Met::default() }
    }

    /// Takes a partition; gives a group when it is full.
    pub(super) fn take(&mut self, partition: Partition) -> Result<Option<Partition>> {
        let mut keys = partition.values.keys().filter(|key| *key != "parent_slice");
        let (Some(key), None) = (keys.next(), keys.next()) else {
            return Err(wrong("only partitions with one field can be grouped".to_owned()));
        };
        if self.grouping.is_deduplicated && !self.met.is_new(&partition.values[key]) {
            return Ok(None);
        }
        self.batch.push(partition);
        Ok(if self.batch.len() == self.grouping.size { self.finish() } else { None })
    }

    /// The group so far.
    pub(super) fn finish(&mut self) -> Option<Partition> {
        let batch = std::mem::take(&mut self.batch);
        let first = batch.first()?;
        let column = |field: &dyn Fn(&Partition) -> Option<Json>| {
            Json::Array(batch.iter().map(|partition| field(partition).unwrap_or_default()).collect())
        };
        let mut group = Partition::default();
        for key in first.values.keys() {
            group.values.insert(key.clone(), column(&|partition| partition.values.get(key).cloned()));
        }
        for key in batch.iter().flat_map(|partition| partition.extra_fields.keys()) {
            if !group.extra_fields.contains_key(key) {
                group
                    .extra_fields
                    .insert(key.clone(), column(&|partition| partition.extra_fields.get(key).cloned()));
            }
        }
        Some(group)
    }
}

/// Gives a partition of a union its common form. None: its value came before.
pub(super) fn united(field: &str, mut partition: Partition, met: &mut Met) -> Result<Option<Partition>> {
    let Some(value) = partition.values.shift_remove(field) else {
        return Err(wrong(format!("a router of a union does not name the partition field `{field}`")));
    };
    if !met.is_new(&value) {
        return Ok(None);
    }
    let mut extra_fields = partition.extra_fields;
    extra_fields.extend(partition.values);
    Ok(Some(Partition { values: Map::from_iter([(field.to_owned(), value)]), extra_fields }))
}

/// The partitions of several routers as one: the first router's fields win.
pub(super) fn combined(parts: &[&Partition]) -> Partition {
    let mut whole = Partition::default();
    for part in parts.iter().rev() {
        whole.values.extend(part.values.clone());
        whole.extra_fields.extend(part.extra_fields.clone());
    }
    whole
}

/// The values that came before, by fingerprint: there may be millions.
#[derive(Default)]
pub(super) struct Met {
    fingerprints: HashSet<[u8; 16]>,
}

impl Met {
    fn is_new(&mut self, value: &Json) -> bool {
        let digest = Sha256::digest(value.to_string());
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&digest[..16]);
        self.fingerprints.insert(fingerprint)
    }
}

fn wrong(what: String) -> Error {
    Error::new(ErrorKind::Config, format!("The connector's manifest is not valid: {what}."))
}
