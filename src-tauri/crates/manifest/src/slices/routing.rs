//! A router at work: the partitions of one read, one by one.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use syncline_protocol::Result;

use super::Router;
use super::combined::{Grouper, Grouping, Met, Union, combined, united};
use super::parent::{Keys, Parent};
use crate::classes::routers::Ported;
use crate::context::{Output, Run, Slice};
use crate::cursor::{Opened, Partition, Seen};
use crate::stream::reading::{Session, SliceSink};
use crate::stream::retriever::PageSink;
use crate::{Json, Map};

/// Takes partitions, one by one.
#[async_trait]
pub(crate) trait PartitionSink: Send {
    /// Takes one; waits while it cannot. False: enough.
    async fn take(&mut self, partition: Partition) -> Result<bool>;
}

/// A router in one read.
pub(crate) struct Routing<'a> {
    kind: Kind<'a>,
    /// The last state of the parents and the version it is of: it may be large, and is asked for each partition.
    known: Mutex<Option<(u64, Arc<Json>)>>,
}

enum Kind<'a> {
    /// Partitions that are known from the start.
    Known(Vec<Partition>),
    Parents(Vec<ParentRouting<'a>>),
    /// Of partitions with the same value in a field only the first.
    Once(String, Box<Routing<'a>>),
    Product(Vec<Routing<'a>>),
    Grouping(&'a Grouping, Box<Routing<'a>>),
    Union(String, Vec<Routing<'a>>),
}

struct ParentRouting<'a> {
    parent: &'a Parent,
    /// What a class makes of partitions.
    ported: Option<&'a Ported>,
    keys: Keys,
    session: Session<'a>,
}

/// What routers need of the stream they divide.
#[derive(Clone, Copy)]
pub(crate) struct Divided<'a, 's> {
    pub(crate) run: &'a Arc<Run>,
    pub(crate) output: &'a dyn Output,
    /// The state of the stream itself, in which the parents' states are.
    pub(crate) state: Option<&'s Map>,
    /// Whether children are read from what the parents' records hold of them.
    pub(crate) is_lazy: bool,
}

impl<'a> Routing<'a> {
    /// For one read. Without a router there is one partition.
    ///
    /// # Errors
    /// `Config`, when templates fail; `PositionLost`, when a parent's state is not valid.
    pub(crate) fn new(router: Option<&'a Router>, divided: Divided<'a, '_>) -> Result<Routing<'a>> {
        let kind = match router {
            None => Kind::Known(vec![Partition::default()]),
            Some(Router::List(list)) => Kind::Known(list.partitions(divided.run)?),
            Some(Router::Substream(parents)) => Kind::Parents(
                parents
                    .iter()
                    .map(|parent| ParentRouting::new(parent, None, divided))
                    .collect::<Result<_>>()?,
            ),
            Some(Router::Ported(ported, parents)) => Routing::ported(ported, parents, divided)?,
            Some(Router::Product(routers)) => Kind::Product(Routing::all(routers, divided)?),
            Some(Router::Grouping(grouping)) => {
                Kind::Grouping(grouping, Box::new(Routing::new(Some(&grouping.router), divided)?))
            }
            Some(Router::Union(union)) => Routing::union(union, divided)?,
        };
        Ok(Routing { kind, known: Mutex::new(None) })
    }

    fn ported(ported: &'a Ported, parents: &'a [Parent], divided: Divided<'a, '_>) -> Result<Kind<'a>> {
        if let Some(partitions) = ported.configured(divided.run)? {
            return Ok(Kind::Known(partitions));
        }
        let parents = parents.iter().map(|parent| ParentRouting::new(parent, Some(ported), divided));
        let parents = parents.collect::<Result<Vec<_>>>()?;
        let field = parents.first().map(|parent| parent.keys.field.clone()).filter(|_| ported.is_once);
        let kind = Kind::Parents(parents);
        Ok(match field {
            Some(field) => Kind::Once(field, Box::new(Routing { kind, known: Mutex::new(None) })),
            None => kind,
        })
    }

    fn all(routers: &'a [Router], divided: Divided<'a, '_>) -> Result<Vec<Routing<'a>>> {
        routers.iter().map(|router| Routing::new(Some(router), divided)).collect()
    }

    fn union(union: &'a Union, divided: Divided<'a, '_>) -> Result<Kind<'a>> {
        Ok(Kind::Union(union.field(divided.run)?, Routing::all(&union.routers, divided)?))
    }

    /// Names all partitions. False: the sink has enough.
    ///
    /// # Errors
    /// Of reading parents, and of the sink.
    pub(crate) fn each<'s>(
        &'s self,
        sink: &'s mut dyn PartitionSink,
    ) -> futures::future::BoxFuture<'s, Result<bool>> {
        Box::pin(async move {
            match &self.kind {
                Kind::Known(partitions) => {
                    for partition in partitions {
                        if !sink.take(partition.clone()).await? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
                Kind::Parents(parents) => {
                    for parent in parents {
                        if !parent.each(sink).await? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
                Kind::Once(field, routing) => {
                    routing.each(&mut United { field, met: Met::default(), sink }).await
                }
                Kind::Product(routings) => product(routings, sink).await,
                Kind::Grouping(grouping, routing) => {
                    let mut grouper = Grouped { grouper: Grouper::new(grouping), sink };
                    let goes_on = routing.each(&mut grouper).await?;
                    match grouper.grouper.finish() {
                        Some(group) if goes_on => grouper.sink.take(group).await,
                        _ => Ok(goes_on),
                    }
                }
                Kind::Union(field, routings) => {
                    let mut united = United { field, met: Met::default(), sink };
                    for routing in routings {
                        if !routing.each(&mut united).await? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
            }
        })
    }

    /// The state of the parents whose changes this stream follows. None: the router has no parents.
    pub(crate) fn state(&self) -> Option<Arc<Json>> {
        let version = self.version();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, state)) = known.as_ref().filter(|(of, _)| *of == version) {
            return Some(Arc::clone(state));
        }
        let state = Arc::new(Json::Object(self.parents_state()?));
        *known = Some((version, Arc::clone(&state)));
        Some(state)
    }

    fn parents_state(&self) -> Option<Map> {
        match &self.kind {
            Kind::Known(_) | Kind::Product(_) => None,
            Kind::Parents(parents) => {
                let followed = parents.iter().filter(|parent| parent.parent.is_incremental);
                Some(
                    followed
                        .map(|parent| (parent.session.name().to_owned(), parent.session.state()))
                        .collect(),
                )
            }
            Kind::Grouping(_, routing) | Kind::Once(_, routing) => routing.parents_state(),
            Kind::Union(_, routings) => {
                Some(routings.iter().filter_map(Routing::parents_state).flatten().collect())
            }
        }
    }

    fn version(&self) -> u64 {
        match &self.kind {
            Kind::Known(_) => 0,
            Kind::Parents(parents) => {
                let followed = parents.iter().filter(|parent| parent.parent.is_incremental);
                followed.map(|parent| parent.session.version()).sum()
            }
            Kind::Grouping(_, routing) | Kind::Once(_, routing) => routing.version(),
            Kind::Product(routings) | Kind::Union(_, routings) => routings.iter().map(Routing::version).sum(),
        }
    }
}

/// Each with each: all but the first are held in memory, for they are gone through again and again.
async fn product(routings: &[Routing<'_>], sink: &mut dyn PartitionSink) -> Result<bool> {
    let Some((first, rest)) = routings.split_first() else { return Ok(true) };
    let mut others = Vec::new();
    for routing in rest {
        let mut all = Collected::default();
        routing.each(&mut all).await?;
        others.push(all.partitions);
    }
    first.each(&mut Multiplied { others, sink }).await
}

#[derive(Default)]
struct Collected {
    partitions: Vec<Partition>,
}

#[async_trait]
impl PartitionSink for Collected {
    async fn take(&mut self, partition: Partition) -> Result<bool> {
        self.partitions.push(partition);
        Ok(true)
    }
}

struct Multiplied<'s> {
    others: Vec<Vec<Partition>>,
    sink: &'s mut dyn PartitionSink,
}

#[async_trait]
impl PartitionSink for Multiplied<'_> {
    async fn take(&mut self, partition: Partition) -> Result<bool> {
        if self.others.iter().any(Vec::is_empty) {
            return Ok(true);
        }
        let mut places = vec![0; self.others.len()];
        loop {
            let chosen = self.others.iter().zip(&places).map(|(others, place)| &others[*place]);
            let parts: Vec<&Partition> = std::iter::once(&partition).chain(chosen).collect();
            if !self.sink.take(combined(&parts)).await? {
                return Ok(false);
            }
            // The last router is the fastest.
            let Some(turned) = (0..places.len()).rev().find(|at| places[*at] + 1 < self.others[*at].len())
            else {
                return Ok(true);
            };
            places[turned] += 1;
            places[turned + 1..].fill(0);
        }
    }
}

struct Grouped<'s> {
    grouper: Grouper<'s>,
    sink: &'s mut dyn PartitionSink,
}

#[async_trait]
impl PartitionSink for Grouped<'_> {
    async fn take(&mut self, partition: Partition) -> Result<bool> {
        match self.grouper.take(partition)? {
            Some(group) => self.sink.take(group).await,
            None => Ok(true),
        }
    }
}

struct United<'s> {
    field: &'s str,
    met: Met,
    sink: &'s mut dyn PartitionSink,
}

#[async_trait]
impl PartitionSink for United<'_> {
    async fn take(&mut self, partition: Partition) -> Result<bool> {
        match united(self.field, partition, &mut self.met)? {
            Some(partition) => self.sink.take(partition).await,
            None => Ok(true),
        }
    }
}

impl<'a> ParentRouting<'a> {
    fn new(
        parent: &'a Parent,
        ported: Option<&'a Ported>,
        divided: Divided<'a, '_>,
    ) -> Result<ParentRouting<'a>> {
        let state = divided.state.filter(|_| parent.is_incremental);
        let state = state.map(|state| parent.stream.state_in(state, divided.run)).transpose()?.flatten();
        Ok(ParentRouting {
            parent,
            ported,
            keys: parent.keys(divided.run, divided.is_lazy)?,
            session: parent.stream.session(divided.run, state.as_ref(), divided.output)?,
        })
    }

    /// The partitions that a record stands for: one, mostly.
    fn partitions(&self, record: &Json, slice: &Slice) -> Result<Vec<Partition>> {
        let Some(partition) = self.keys.partition(record, slice)? else { return Ok(Vec::new()) };
        Ok(match self.ported {
            Some(ported) => ported.shaped(partition, record, &self.keys.field),
            None => vec![partition],
        })
    }

    /// Reads the parent, slice after slice, and names the partitions of its records.
    async fn each(&self, sink: &mut dyn PartitionSink) -> Result<bool> {
        let mut slices = ParentSlices { parent: self, held: None, sink };
        if !self.session.slices(&mut slices).await? {
            return Ok(false);
        }
        match slices.held.take() {
            Some(last) => slices.read(last, true).await,
            None => Ok(true),
        }
    }
}

/// Slices of a parent. One is held back, to know which is the last.
struct ParentSlices<'s, 'a> {
    parent: &'s ParentRouting<'a>,
    held: Option<Opened>,
    sink: &'s mut dyn PartitionSink,
}

impl ParentSlices<'_, '_> {
    /// The parent's position has passed a slice before the partition of its last record is named: the state that
    /// comes with a partition covers all records up to it.
    async fn read(&mut self, opened: Opened, is_last: bool) -> Result<bool> {
        let session = &self.parent.session;
        let records = ParentRecords {
            parent: self.parent,
            opened: &opened,
            inner: tokio::sync::Mutex::new(Inner {
                sink: &mut *self.sink,
                held: None,
                seen: Seen::default(),
                goes_on: true,
            }),
        };
        session.read(&opened, &records).await?;
        let Inner { sink, held, seen, goes_on } = records.inner.into_inner();
        if !goes_on {
            return Ok(false);
        }
        session.close(&opened, &seen);
        if is_last {
            session.finish(true);
        }
        match held {
            Some(partition) => sink.take(partition).await,
            None => Ok(true),
        }
    }
}

#[async_trait]
impl SliceSink for ParentSlices<'_, '_> {
    async fn take(&mut self, opened: Opened) -> Result<bool> {
        match self.held.replace(opened) {
            Some(before) => self.read(before, false).await,
            None => Ok(true),
        }
    }
}

/// Records of one slice of a parent. The partition of one is held back, until it is known whether it is the last.
struct ParentRecords<'s, 'a> {
    parent: &'s ParentRouting<'a>,
    opened: &'s Opened,
    inner: tokio::sync::Mutex<Inner<'s>>,
}

struct Inner<'s> {
    sink: &'s mut dyn PartitionSink,
    held: Option<Partition>,
    seen: Seen,
    goes_on: bool,
}

#[async_trait]
impl PageSink for ParentRecords<'_, '_> {
    async fn page(&self, records: Vec<Json>) -> Result<bool> {
        let mut inner = self.inner.lock().await;
        self.parent.session.note(&mut inner.seen, &records);
        for record in &records {
            // A record that stands for none lets go of what is held all the same.
            let partitions = self.parent.partitions(record, &self.opened.slice)?;
            let none = partitions.is_empty().then_some(None);
            for partition in partitions.into_iter().map(Some).chain(none) {
                let before = std::mem::replace(&mut inner.held, partition);
                if let Some(before) = before
                    && !inner.sink.take(before).await?
                {
                    inner.goes_on = false;
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
