//! Tests of the interpreter from outside, one binary.

mod connectors;
mod corpus;
mod expressions;

mod golden;
