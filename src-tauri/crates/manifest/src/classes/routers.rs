//! Partition routers that take their values from the configuration, when it has some.

use serde_json::json;
use syncline_protocol::Result;

use super::class_of;
use crate::context::Run;
use crate::cursor::Partition;
use crate::document::Node;
use crate::expression::{Scope, Text, truthy};
use crate::{Json, Map};

/// A known class of routers: what it does beyond naming the records of parents.
pub(crate) struct Ported {
    /// Where the configuration may hold the values.
    paths: Vec<Vec<String>>,
    field: Text,
    /// Partitions do not name the partitions of their parents.
    pub(crate) is_bare: bool,
    /// A key that is a list stands for as many partitions.
    pub(crate) is_split: bool,
    /// Of equal values only the first counts.
    pub(crate) is_once: bool,
    /// The `id` of the parent's record is in the partition, under this name.
    pub(crate) id_as: Option<&'static str>,
}

impl Ported {
    /// The class of a router, if it is known.
    ///
    /// # Errors
    /// `Config`, when a field of the component is not valid.
    pub(crate) fn of(node: &Node<'_>) -> Result<Option<Ported>> {
        let Some(class) = class_of(node) else { return Ok(None) };
        let parents = node.list("parent_stream_configs");
        let Some(parent) = parents.first() else { return Ok(None) };
        let field = Text::of(parent, "partition_field")?
            .ok_or_else(|| parent.error("`partition_field` is missing"))?;
        let ported = |path: &[&str]| Ported {
            paths: if path.is_empty() { Vec::new() } else { vec![owned(path)] },
            field,
            is_bare: false,
            is_split: false,
            is_once: false,
            id_as: None,
        };
        Ok(Some(match class {
            "FormIdPartitionRouter" => Ported { is_bare: true, ..ported(&["form_ids"]) },
            "SurveyIdPartitionRouter" => Ported { is_bare: true, ..ported(&["survey_ids"]) },
            "OrderIdsPartitionRouter" => {
                Ported { is_bare: true, is_split: true, is_once: true, ..ported(&["board_ids"]) }
            }
            "UpdatesSubstreamPartitionRouter" => {
                Ported { is_split: true, id_as: Some("updates_object_id"), ..ported(&[]) }
            }
            "ZenloopPartitionRouter" => {
                let parameters = node.parameters();
                let Some(name) = parameters.get("config_parent_field").and_then(Json::as_str) else {
                    return Ok(None);
                };
                ported(&[name])
            }
            "SingleAdvertiserIdPerPartition" => {
                let parameters = node.parameters();
                let paths = parameters.get("path_in_config").and_then(Json::as_array);
                let steps = |path: &Json| {
                    let steps = path.as_array().into_iter().flatten();
                    steps.filter_map(|step| step.as_str().map(str::to_owned)).collect()
                };
                Ported { paths: paths.into_iter().flatten().map(steps).collect(), ..ported(&[]) }
            }
            _ => return Ok(None),
        }))
    }

    /// The partitions that the configuration names. None: it names none, and the parents are read.
    ///
    /// # Errors
    /// `Config`, when a template has a mistake.
    pub(crate) fn configured(&self, run: &Run) -> Result<Option<Vec<Partition>>> {
        let config = run.config();
        let at = |path: &Vec<String>| path.iter().try_fold(&*config, |value, step| value.get(step));
        let Some(value) = self.paths.iter().filter_map(at).find(|value| truthy(value)) else {
            return Ok(None);
        };
        let field = self.field.eval_text(&Scope::new(&config, run.clock))?;
        let mut values: Vec<Json> = match value {
            Json::Array(items) => items.clone(),
            one => vec![one.clone()],
        };
        if self.is_once {
            let mut met = Vec::new();
            values.retain(|value| {
                !met.contains(value) && {
                    met.push(value.clone());
                    true
                }
            });
        }
        let partition = |value| {
            let mut values = Map::from_iter([(field.clone(), value)]);
            if !self.is_bare {
                values.insert("parent_slice".to_owned(), json!({}));
            }
            Partition { values, extra_fields: Map::new() }
        };
        Ok(Some(values.into_iter().map(partition).collect()))
    }

    /// The partitions that one of a parent's records stands for. `key`: its key.
    pub(crate) fn shaped(&self, partition: Partition, record: &Json, field: &str) -> Vec<Partition> {
        let mut partition = partition;
        if self.is_bare {
            partition.values.shift_remove("parent_slice");
        }
        if let Some(name) = self.id_as {
            partition.values.insert(name.to_owned(), record.get("id").cloned().unwrap_or_default());
        }
        match partition.values.get(field) {
            Some(Json::Array(items)) if self.is_split => {
                let with = |item: &Json| {
                    let mut partition = partition.clone();
                    partition.values.insert(field.to_owned(), item.clone());
                    partition
                };
                items.iter().map(with).collect()
            }
            _ => vec![partition],
        }
    }
}

fn owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|step| (*step).to_owned()).collect()
}
