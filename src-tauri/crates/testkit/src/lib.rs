//! What tests stand on: real servers, faults, a TCP proxy, an in-memory source and destination that keep the whole
//! contract, and one conformance suite for all sources and one for all destinations. A dev-dependency only.
//!
//! Code here may panic: a test that cannot be set up has failed.

pub mod authorization;
pub mod collect;
pub mod conformance;
pub mod faults;
pub mod http;
pub mod memory;
pub mod model;
pub mod oracle;
pub mod postgres;
pub mod proxy;
pub mod recorded;
pub mod reference;
pub mod rows;
pub mod wait;

pub use collect::{Collector, rows_as_text, sorted_rows};
pub use postgres::{Database, PostgresServer};
pub use proxy::TcpProxy;
pub use wait::wait_for;
