//! What requests carry and what they answer. Everything here exists as TypeScript, too (`ui/src/api/generated.ts`).
//!
//! Rules: values of rows are text that is ready to be shown (or null), never JSON numbers; counts are numbers, as they
//! stay below 2^53; instants are RFC 3339 in UTC; secrets occur in requests only.

mod builder;
mod connections;
mod data;
mod helper;
mod project;
mod runs;
mod systems;
mod tables;
mod versions;

pub use builder::*;
pub use connections::*;
pub use data::*;
pub use helper::*;
pub use project::*;
pub use runs::*;
pub use syncline_protocol::Side;
pub use systems::*;
pub use tables::*;
pub use versions::*;
