//! From the text of a manifest to components.

mod lines;
mod node;
mod propagate;
mod references;

pub use node::Node;

use std::sync::Arc;

use syncline_protocol::{Error, ErrorKind, Result};

use crate::{Json, Map};

/// A manifest after references, types and parameters are resolved; knows the lines of its text.
pub struct Document {
    text: String,
    raw: Json,
    root: Json,
}

impl Document {
    /// Reads the text, resolves references, and propagates types and parameters.
    ///
    /// # Errors
    /// `Config`, with line, path and what to do.
    pub fn parse(text: &str) -> Result<Arc<Document>> {
        let raw = read(text)?;
        let Json::Object(mut fields) = raw else {
            return Err(Error::new(ErrorKind::Config, "The connector's manifest is not valid: it is no object."));
        };
        fields.entry("type").or_insert_with(|| Json::from("DeclarativeSource"));
        let raw = Json::Object(fields);
        let resolved = references::resolve(&raw).map_err(|(what, path)| {
            let error = Error::new(ErrorKind::Config, format!("The connector's manifest is not valid: {what}."));
            let line = lines::find(text, &raw, &path);
            let error = error.with("in the manifest", path);
            match line {
                Some(line) => error.with("line", line),
                None => error,
            }
        })?;
        let root = propagate::propagate("", resolved, &Map::new(), false);
        Ok(Arc::new(Document { text: text.to_owned(), raw, root }))
    }

    /// The resolved tree.
    pub fn root(&self) -> &Json {
        &self.root
    }

    /// The line of the text (from 1) where the component at this path is written, also when a reference leads there.
    pub fn line(&self, path: &str) -> Option<usize> {
        lines::find(&self.text, &self.raw, path)
    }
}

/// Types and parameters for a component that was made while running (a filled-in template).
pub fn propagate_made(component: Json, use_parent_parameters: bool) -> Json {
    propagate::propagate("", component, &Map::new(), use_parent_parameters)
}

/// YAML as the reference reads it: the last of two equal keys counts, merge keys are merged.
fn read(text: &str) -> Result<Json> {
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let told = Error::new(ErrorKind::Config, "The connector's manifest is not valid YAML.")
            .fix("Check the indentation and the quotes around that line.");
        match error.location() {
            Some(location) => told.with("line", location.line()).caused_by(error.to_string()),
            None => told.caused_by(error.to_string()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const MANIFEST: &str = r##"
version: 6.0.0
definitions:
  requester:
    type: HttpRequester
    url_base: https://api.example.com
    request_headers: {a: "1", b: "2"}
  base:
    retriever:
      requester: {$ref: "#/definitions/requester", request_headers: {c: "3"}}
    $parameters: {name: users, path: /users}
  nested/path: odd
streams:
  - $ref: "#/definitions/base"
    schema_loader:
      type: InlineSchemaLoader
      schema: {type: object, properties: {type: {type: string}}}
  - {type: DeclarativeStream, retriever: "#/definitions/base/retriever", name: "#/definitions/nested/path"}
"##;

    #[test]
    fn references_types_and_parameters() {
        let document = Document::parse(MANIFEST).unwrap();
        let root = document.root();
        assert_eq!(root["type"], "DeclarativeSource");
        let stream = &root["streams"][0];
        assert_eq!(stream["type"], "DeclarativeStream");
        assert_eq!(stream["name"], "users");
        let requester = &stream["retriever"]["requester"];
        assert_eq!(requester["request_headers"], json!({"c": "3"}));
        assert_eq!(requester["path"], "/users");
        assert_eq!(requester["$parameters"]["name"], "users");
        assert_eq!(stream["schema_loader"]["schema"], json!({"type": "object", "properties": {"type": {"type": "string"}}}));
        assert_eq!(root["streams"][1]["name"], "odd");
        assert_eq!(root["streams"][1]["retriever"]["type"], "SimpleRetriever");
        assert_eq!(document.line("streams/0/retriever/requester/url_base"), Some(6));
        assert_eq!(document.line("streams/1/retriever"), Some(18));
        assert_eq!(document.line("streams/0/nothing"), Some(8));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let line = |text: &str| {
            let Err(error) = Document::parse(text) else { panic!("{text} should be refused") };
            error.context().iter().find(|(name, _)| *name == "line").map(|(_, line)| line.clone())
        };
        assert_eq!(line("a:\n  b: \"#/c\"\nc: \"#/a/b\"\n").as_deref(), Some("2"));
        assert_eq!(line("a: 1\nb: {$ref: \"#/nowhere\"}\n").as_deref(), Some("2"));
        assert_eq!(line("a: [1, 2\nb: 3\n").as_deref(), Some("2"));
        assert!(Document::parse("- 1").is_err());
        assert!(Document::parse("").is_err());
        assert!(Document::parse(&format!("a: {}1{}", "[".repeat(10_000), "]".repeat(10_000))).is_err());
    }

    #[test]
    fn references_that_multiply_are_refused() {
        let mut text = String::from("definitions:\n  a0: {x: 1}\n");
        for at in 1..40 {
            text.push_str(&format!("  a{at}: {{l: \"#/definitions/a{0}\", r: \"#/definitions/a{0}\"}}\n", at - 1));
        }
        assert!(Document::parse(&text).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[a-c:{}\\[\\]#/$ref\"' \n0-9&*<-]{0,60}") {
            if let Ok(document) = Document::parse(&text) {
                let _ = document.line("a/b/0");
            }
        }
    }
}
