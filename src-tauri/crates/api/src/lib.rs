//! What windows may ask.
//!
//! | Module | What it holds |
//! | --- | --- |
//! | [`requests`] | the one table of requests and events, and the dispatch from name to handler |
//! | [`types`], [`error`] | what crosses to the window; `typescript` writes their TypeScript form |
//! | [`host`] | what a program gives: connectors, a clock, keys, queries |
//! | [`api`] | the state of an open project, its events, its runs |
//! | [`form`], [`select`] | settings of connectors as fields; which tables a connection gets |
//! | `handlers` | one module for each group of requests |
//!
//! Two hosts serve the same table: the desktop shell and `syncline serve`. Nothing here knows which, and nothing here
//! names a system, a window toolkit or an HTTP server.

pub mod api;
pub mod error;
mod estimate;
mod events;
pub mod form;
mod handlers;
pub mod host;
mod inbox;
mod left;
mod personal;
pub mod requests;
mod runs;
mod samples;
pub mod select;
pub mod types;
mod typescript;

pub use api::Api;
pub use error::ApiError;
pub use events::Listener;
pub use host::{Analytics, Host, Queried, Sample};
pub use requests::{CacheTag, REQUESTS, RequestInfo, ServerEvent};
pub use typescript::typescript;
