//! One folder a system, and the registry that lists them.

pub mod postgres;

use syncline_protocol::ConnectorRegistry;

/// The connectors of this program, one line a system.
pub fn registry() -> ConnectorRegistry {
    ConnectorRegistry::new(vec![Box::new(postgres::Postgres)])
}
