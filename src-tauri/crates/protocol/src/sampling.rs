//! Which rows of a table a preview reads.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Which rows of a table a sample has.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplePick {
    /// The first ones, in the order of the source.
    #[default]
    First,
    /// Some from all over the table.
    Random,
    /// Those for which a condition is true, in the language of the source: what could stand after `WHERE`.
    Where(String),
}

/// Which samples a source can give besides its first rows.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplePicks {
    /// Rows from all over the table.
    pub random: bool,
    /// Rows for which a condition is true, in the language of the source.
    pub condition: bool,
}

impl SamplePicks {
    /// Refuses what the source cannot give, so that a source without such samples need not look at [`Sampling::pick`].
    ///
    /// # Errors
    /// `Unsupported`.
    pub fn require(self, pick: &SamplePick) -> Result<()> {
        let (possible, wanted) = match pick {
            SamplePick::First => return Ok(()),
            SamplePick::Random => (self.random, "rows from all over a table"),
            SamplePick::Where(_) => (self.condition, "the rows that meet a condition"),
        };
        if possible {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported, format!("This source cannot give {wanted} as a sample."))
            .meaning("Nothing was read.")
            .fix("Look at its first rows."))
    }
}

/// The sample that is wanted of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampling {
    /// How many rows at most.
    pub rows: usize,
    /// Which ones.
    pub pick: SamplePick,
}

impl Sampling {
    /// The first `rows` rows.
    pub fn first(rows: usize) -> Self {
        Sampling { rows, pick: SamplePick::First }
    }
}
