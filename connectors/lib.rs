//! One folder a system, and the registry that lists them.

mod parse;
mod rows;
mod stream;

pub mod sqlite;

use syncline_protocol::ConnectorRegistry;

/// All connectors of this program, in the order they should be listed.
pub fn registry() -> ConnectorRegistry {
    ConnectorRegistry::new(vec![
        Box::new(sqlite::Sqlite),
    ])
}
