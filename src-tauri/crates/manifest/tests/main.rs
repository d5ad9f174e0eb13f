//! Tests of the interpreter against real manifests and against servers.

mod document;
