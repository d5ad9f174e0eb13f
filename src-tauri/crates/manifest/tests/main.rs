//! Tests of the interpreter from outside, one binary.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a failure of a helper is one of the test; counts and speeds are printed
#![allow(clippy::print_stderr)] // what is skipped is said

mod bodies;
mod builder;
mod classes;
mod connectors;
mod corpus;
mod datetimes;
mod expressions;
mod expressions_harm;
mod golden;
mod help;
mod links;
mod paginators;
mod pools;
mod reading;
mod records;
mod records_speed;
mod requests;
mod sessions;
mod streams;
mod transformations;
mod world;
