//! Conditions that somebody writes for a sample, in the SQL of the source.

use syncline_protocol::{Error, ErrorKind};

/// What is said of a condition with parameters: there is nobody to give their values.
pub(crate) const HAS_PARAMETERS: &str = "there is nothing to put in for a parameter";

/// The error for a condition that the source cannot make sense of. `source` begins a sentence.
pub(crate) fn not_understood(source: &str, said: &str) -> Error {
    Error::new(ErrorKind::CorruptInput, format!("{source} does not understand this condition: {said}."))
        .meaning("Nothing was read.")
        .fix("Write what could stand after WHERE, for example: status = 'open' AND total > 100")
}
