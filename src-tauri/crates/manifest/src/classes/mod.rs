//! Classes that manifests name (`class_name`) and that are known here: ports of what connectors of the reference's
//! catalogue wrote in Python, after what those classes do for their APIs.
//!
//! A class is known by the last part of its name. Where several connectors gave different classes the same name, the
//! fields of the component tell which one is meant; when they do not, it is not known. What is not known makes its table
//! unavailable, with the name of the class as the reason.
//!
//! | Kind | Classes |
//! | --- | --- |
//! | record extractors | [`extractors`] |
//! | transformations | [`transformations`] |
//! | authenticators | [`authenticators`]: written as components that the manifest could have used itself |
//! | partition routers | [`routers`] |
//! | schema normalization | `TwilioDateTimeTypeTransformer`: reads times as mails write them |
//! | waiting strategies | `WaitUntilMidnightBackoffStrategy` |
//! | error handlers | `USCensusErrorHandler`: what it finds in a page that is no JSON is an error here anyway |
//! | cursors | `DatetimeIncrementalSyncComponent`: tells also how many days a window has |
//!
//! Schema loaders and migrations of states need no port: columns are learnt from the rows, and a state is never of a
//! version of the connector that is not this one.

pub(crate) mod authenticators;
pub(crate) mod extractors;
pub(crate) mod routers;
pub(crate) mod transformations;

use crate::document::Node;

/// The name of a component's class, without its modules.
pub(crate) fn class_of<'a>(node: &Node<'a>) -> Option<&'a str> {
    let name = node.class_name()?;
    Some(name.trim().rsplit('.').next().unwrap_or(name))
}

#[cfg(test)]
mod tests;
