//! Answers to requests: one module for each group of them. Each handler is a method of [`Api`](crate::api::Api) that the
//! table in `requests` names.

mod builder;
mod connections;
mod data;
mod helper;
mod log;
mod project;
mod quarantine;
mod reliability;
mod runs;
mod search;
mod systems;
mod tables;
mod timeline;
mod versions;

pub(crate) use quarantine::QUARANTINE_COUNTED_MAX;
