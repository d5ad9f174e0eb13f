//! Tests of the whole program.

mod crashes;
