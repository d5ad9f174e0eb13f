//! Tests of the interpreter from outside, one binary.

mod connectors;
mod corpus;
mod datetimes;
mod expressions;
mod expressions_harm;
