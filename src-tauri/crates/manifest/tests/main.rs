//! Tests of the interpreter from outside, one binary.

mod corpus;
mod expressions;

mod golden;
