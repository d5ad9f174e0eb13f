//! From the text of a manifest to components.

mod node;
mod propagate;
mod reference;
mod scalar;
mod validate;
mod yaml;

pub use node::Node;

use std::collections::HashMap;
use std::sync::Arc;

use syncline_protocol::Result;

use crate::{Json, Map};
use propagate::{Nearest, Place};
use yaml::Raw;

/// A manifest after references, types and parameters are resolved; knows the lines of its text.
pub struct Document {
    root: Json,
    raw: Arc<Raw>,
    schemas: HashMap<String, Json>,
}

impl Document {
    /// Reads, resolves references, and propagates types and parameters; any component may be the root.
    ///
    /// # Errors
    /// `Config`, with line, path and what to do.
    pub fn parse(text: &str) -> Result<Arc<Document>> {
        Document::read(text).map(Arc::new)
    }

    /// A whole manifest, validated, with the schema files that its streams name (`./schemas/users.json` is asked for as `users`).
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn with_schemas(text: &str, schema_file: &dyn Fn(&str) -> Option<Json>) -> Result<Arc<Document>> {
        let mut document = Document::read(text)?;
        validate::check(&Node::root(&document))?;
        let mut names = Vec::new();
        crate::stream::schema::file_names(&document.root, &mut names);
        document.schemas =
            names.into_iter().filter_map(|name| schema_file(&name).map(|file| (name, file))).collect();
        Ok(Arc::new(document))
    }

    /// A schema file by its name.
    pub fn schema(&self, name: &str) -> Option<&Json> {
        self.schemas.get(name)
    }

    fn read(text: &str) -> Result<Document> {
        let raw = yaml::read(text)?;
        let Json::Object(mut root) = reference::resolve(&raw)? else {
            return Err(yaml::problem("it must be an object with `streams`", raw.line));
        };
        root.entry("type").or_insert_with(|| Json::from("DeclarativeSource"));
        let root = propagate::propagate(Place { parent: "", field: "" }, root, &Map::new(), Nearest::Own)?;
        Ok(Document { root: Json::Object(root), raw, schemas: HashMap::new() })
    }

    /// The resolved tree.
    pub fn root(&self) -> &Json {
        &self.root
    }

    /// The line of the text (from 1) where the component at this path is written, also when a reference leads there.
    pub fn line(&self, path: &str) -> Option<usize> {
        reference::line(&self.raw, path)
    }
}

/// Types and parameters for a stream that was made from the template of a dynamic stream.
///
/// # Errors
/// `Config`, when its `$parameters` are no object.
pub fn propagate_made(component: Map, use_parent_parameters: bool) -> Result<Map> {
    let nearest = if use_parent_parameters { Nearest::Parent } else { Nearest::Own };
    propagate::propagate(Place { parent: "", field: "" }, component, &Map::new(), nearest)
}

/// A text as the reference reads it into a template of a dynamic stream: YAML, or the text itself when it is none.
pub fn value_of(text: &str) -> Json {
    yaml::read_value(text).unwrap_or_else(|| Json::from(text))
}

/// Any YAML or JSON as plain values.
///
/// # Errors
/// `Config`, with the line as context.
pub fn plain(text: &str) -> Result<Json> {
    yaml::read_plain(text)
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
        assert_eq!(
            stream["schema_loader"]["schema"],
            json!({"type": "object", "properties": {"type": {"type": "string"}}})
        );
        assert_eq!(root["streams"][1]["name"], "odd");
        assert_eq!(root["streams"][1]["retriever"]["type"], "SimpleRetriever");
        assert_eq!(document.line("streams/0/retriever/requester/url_base"), Some(6));
        assert_eq!(document.line("streams/1/retriever"), Some(10));
        assert_eq!(document.line("streams/0/nothing"), Some(14));
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
            text.push_str(&format!(
                "  a{at}: {{l: \"#/definitions/a{0}\", r: \"#/definitions/a{0}\"}}\n",
                at - 1
            ));
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
