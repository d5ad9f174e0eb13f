//! Versions of a source's connector as a safety net: which one a connection runs on, what an upgrade would change, and
//! what happens when a new one does worse than the one before.
//!
//! A version is *watched* until a few runs that brought rows have succeeded on it. While it is watched, the run can go
//! back: when it fails, or what it gives breaks what tables always had ([`Trial`]), the next attempt runs on the last
//! version that worked. When that one does better, the new one is marked as bad for the connection, and stays unused
//! there until somebody asks for it again.

mod change;
mod diff;
mod fallback;
mod open;
mod place;
mod rehearse;
mod trial;

pub use change::{ConnectionUse, Moved, Reach, SourceUse, apply_upgrade, pin, roll_back, uses};
pub use diff::{ColumnDiff, SchemaDiff, SourceUpgrade, TableChange, TableDiff, UpgradePlan};
pub(crate) use fallback::Fallback;
pub use fallback::FellBack;
pub use open::{MakeSource, Origin, SourceVersion, open_source};
pub use place::{BadPlace, Place, put_back};
pub(crate) use rehearse::recorded;
pub use rehearse::{Rehearsed, Take, rehearse};
pub use trial::Trial;
