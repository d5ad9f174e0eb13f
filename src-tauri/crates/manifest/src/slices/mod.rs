//! Over what a stream is divided: lists, the records of parents, and combinations of them.
//!
//! A [`Router`] is what the manifest says. A [`Routing`] of one read holds what the configuration
//! gives and how far parents have been read; it hands out partitions one by one, and waits while nobody takes them.

mod combined;
mod field;
mod list;
mod parent;
mod path;
mod routing;

use syncline_protocol::Result;

pub(crate) use parent::CHILD_RESPONSE;
pub(crate) use routing::{Divided, PartitionSink, Routing};

use combined::{Grouping, Union};
use list::List;
use parent::Parent;

use crate::classes::routers::Ported;
use crate::context::{Run, Slice};
use crate::document::Node;
use crate::http::Options;
use crate::stream::reading::Making;

/// A partition router.
pub(crate) enum Router {
    /// The values of a list.
    List(List),
    /// The records of parents, one parent after the other.
    Substream(Vec<Parent>),
    /// Each with each; the first is the slowest.
    Product(Vec<Router>),
    /// Some partitions of a router together.
    Grouping(Box<Grouping>),
    /// What any of some routers names, once.
    Union(Union),
    /// A class that is known here: what the configuration names, or the records of parents.
    Ported(Box<Ported>, Vec<Parent>),
}

impl Router {
    /// The router of a retriever, when it has one.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub(crate) fn of(retriever: &Node<'_>, making: Making<'_>) -> Result<Option<Router>> {
        let Some(node) = retriever.field("partition_router") else { return Ok(None) };
        if !node.json().is_array() {
            return Router::new(&node, making).map(Some);
        }
        let routers =
            node.items().iter().map(|item| Router::new(item, making)).collect::<Result<Vec<_>>>()?;
        Ok(if routers.is_empty() { None } else { Some(Router::Product(routers)) })
    }

    fn new(node: &Node<'_>, making: Making<'_>) -> Result<Router> {
        if let Some(class) = node.class_name() {
            let Some(ported) = Ported::of(node)? else {
                return Err(node.unsupported(format!("the partition router `{class}`, written in Python")));
            };
            return Ok(Router::Ported(Box::new(ported), Parent::all(node, making)?));
        }
        Ok(match node.kind() {
            "ListPartitionRouter" => Router::List(List::new(node)?),
            "SubstreamPartitionRouter" => Router::Substream(Parent::all(node, making)?),
            "GroupingPartitionRouter" => Router::Grouping(Box::new(Grouping::new(node, making)?)),
            "UnionPartitionRouter" => Router::Union(Union::new(node, making)?),
            kind => return Err(node.unsupported(format!("a partition router of the type `{kind}`"))),
        })
    }

    /// Whether it puts partition values into requests itself.
    fn has_request_option(&self) -> bool {
        match self {
            Router::List(list) => list.field.is_sent(),
            Router::Substream(parents) | Router::Ported(_, parents) => {
                parents.iter().any(|parent| parent.field.is_sent())
            }
            _ => false,
        }
    }

    /// Whether partitions are groups, which need not be the same the next time.
    pub(crate) fn groups(&self) -> bool {
        matches!(self, Router::Grouping(_))
    }

    /// Whether it hands on parts of the parents' answers, from which children are read without another request.
    pub(crate) fn is_lazy(&self) -> bool {
        matches!(self, Router::Substream(parents) if parents.iter().any(Parent::is_lazy))
    }

    /// What it adds to the requests of a slice.
    ///
    /// # Errors
    /// `Config`, when a template has a mistake.
    pub(crate) fn options(&self, run: &Run, slice: &Slice) -> Result<Options> {
        match self {
            Router::List(list) => list.field.options(run, slice),
            Router::Substream(parents) | Router::Ported(_, parents) => {
                let mut all = Options::default();
                for parent in parents {
                    overlay(&mut all, parent.field.options(run, slice)?);
                }
                Ok(all)
            }
            Router::Product(routers) => {
                let mut all = Options::default();
                for router in routers.iter().rev() {
                    overlay(&mut all, router.options(run, slice)?);
                }
                Ok(all)
            }
            Router::Grouping(_) | Router::Union(_) => Ok(Options::default()),
        }
    }
}

/// Puts options over others: the same key is replaced.
pub(crate) fn overlay(under: &mut Options, over: Options) {
    under.headers.extend(over.headers);
    under.parameters.extend(over.parameters);
    under.body_data.extend(over.body_data);
    under.body_json.extend(over.body_json);
    if over.path.is_some() {
        under.path = over.path;
    }
}
