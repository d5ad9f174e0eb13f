//! A component in a resolved manifest.

use std::sync::Arc;

use syncline_protocol::{Error, ErrorKind, Result};

use super::Document;
use crate::{Json, Map};

/// A value in the resolved tree that knows its path. Cheap to clone.
#[derive(Clone)]
pub struct Node<'a> {
    value: &'a Json,
    path: String,
    document: &'a Document,
}

impl<'a> Node<'a> {
    /// The whole manifest.
    pub fn root(document: &'a Document) -> Node<'a> {
        Node { value: document.root(), path: String::new(), document }
    }

    /// A component that did not stand in the file as it is (a filled-in template of a dynamic stream). `path` names
    /// the place it was made from.
    pub fn made(document: &'a Document, value: &'a Json, path: impl Into<String>) -> Node<'a> {
        Node { value, path: path.into(), document }
    }

    /// The value itself.
    pub fn json(&self) -> &'a Json {
        self.value
    }

    /// Where it stands: `streams/3/retriever`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The manifest it belongs to.
    pub fn document(&self) -> &'a Document {
        self.document
    }

    /// Its `type`, or "" when it has none.
    pub fn kind(&self) -> &'a str {
        self.value.get("type").and_then(Json::as_str).unwrap_or_default()
    }

    /// A field that is there and not null.
    pub fn field(&self, name: &str) -> Option<Node<'a>> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(self.child(value, name))
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// `Config`, when it is missing.
    pub fn require(&self, name: &str) -> Result<Node<'a>> {
        self.field(name).ok_or_else(|| self.error(format!("`{name}` is missing")))
    }

    /// The items of a list; the node itself when it is no list.
    pub fn items(&self) -> Vec<Node<'a>> {
        match self.value {
            Json::Array(items) => {
                items.iter().enumerate().map(|(index, item)| self.child(item, &index.to_string())).collect()
            }
            _ => vec![self.clone()],
        }
    }

    /// The items of a field; none when it is missing.
    pub fn list(&self, name: &str) -> Vec<Node<'a>> {
        self.field(name).map(|field| field.items()).unwrap_or_default()
    }

    /// A field that is text.
    ///
    /// # Errors
    /// `Config`, when it is something else.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>> {
        self.typed(name, "text", Json::as_str)
    }

    /// A field that is true or false.
    ///
    /// # Errors
    /// `Config`, when it is something else.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>> {
        self.typed(name, "true or false", Json::as_bool)
    }

    /// A field that is a whole number; digits as text count.
    ///
    /// # Errors
    /// `Config`, when it is something else.
    pub fn integer(&self, name: &str) -> Result<Option<i64>> {
        self.typed(name, "a whole number", |value| match value {
            Json::String(digits) => digits.parse().ok(),
            value => value.as_i64(),
        })
    }

    /// A field that is an object.
    ///
    /// # Errors
    /// `Config`, when it is something else.
    pub fn object(&self, name: &str) -> Result<Option<&'a Map>> {
        self.typed(name, "an object", Json::as_object)
    }

    /// The `$parameters` that reach this component: an object, for templates.
    pub fn parameters(&self) -> Arc<Json> {
        let parameters = self.value.get("$parameters").cloned();
        Arc::new(parameters.unwrap_or_else(|| Json::Object(Map::new())))
    }

    /// The class of a component in Python, when it names one.
    pub fn class_name(&self) -> Option<&'a str> {
        self.value.get("class_name").and_then(Json::as_str)
    }

    /// The manifest is wrong here.
    pub fn error(&self, what: impl std::fmt::Display) -> Error {
        self.place(Error::new(ErrorKind::Config, format!("The connector's manifest is not valid: {what}.")))
    }

    /// The manifest asks here for what this program cannot do.
    pub fn unsupported(&self, what: impl std::fmt::Display) -> Error {
        self.place(Error::new(
            ErrorKind::Unsupported,
            format!("This table needs {what}, which Syncline cannot run."),
        ))
    }

    /// The same error with this place of the manifest.
    pub fn at(&self, error: Error) -> Error {
        self.place(error)
    }

    fn place(&self, error: Error) -> Error {
        let error = error.with("in the manifest", &self.path);
        match self.document.line(&self.path) {
            Some(line) => error.with("line", line),
            None => error,
        }
    }

    fn child(&self, value: &'a Json, name: &str) -> Node<'a> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) };
        Node { value, path, document: self.document }
    }

    fn typed<T>(&self, name: &str, what: &str, read: impl Fn(&'a Json) -> Option<T>) -> Result<Option<T>> {
        let Some(field) = self.field(name) else { return Ok(None) };
        read(field.value).map(Some).ok_or_else(|| field.error(format!("`{name}` must be {what}")))
    }
}
