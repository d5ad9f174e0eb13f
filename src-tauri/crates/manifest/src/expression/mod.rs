//! Templates: Jinja with Python's values, as the reference evaluates them (render to text, then read as a literal).

pub mod datetime;

use std::sync::Arc;

use syncline_protocol::Result;

use crate::context::Clock;
use crate::document::Node;
use crate::{Json, Map};

/// What a template sees: `config`, the `parameters` of its component, and what its place adds.
#[derive(Clone)]
pub struct Scope<'a> {
    /// The configuration.
    pub config: &'a Json,
    /// The time, for `now_utc` and `today_utc`.
    pub clock: Clock,
    /// The variables of the place: `record`, `response`, `stream_slice` …
    pub variables: Vec<(&'a str, &'a Json)>,
}

impl<'a> Scope<'a> {
    /// A scope without variables.
    pub fn new(config: &'a Json, clock: Clock) -> Scope<'a> {
        Scope { config, clock, variables: Vec::new() }
    }

    /// The same with one more variable; a later one hides an earlier one of the same name.
    /// `stream_slice` is also seen as `stream_partition` and `stream_interval`.
    #[must_use]
    pub fn with(mut self, name: &'a str, value: &'a Json) -> Scope<'a> {
        self.variables.push((name, value));
        self
    }
}

/// Which results of a template are used as values; others stay the text they were rendered to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// Every value.
    Any,
    /// Text only.
    Text,
    /// Text and lists: query parameters and form bodies.
    TextAndLists,
    /// Only whole numbers.
    Integer,
    /// Only numbers with a point.
    Float,
    /// Only true and false.
    Boolean,
}

/// A text that may hold a template (the reference's `InterpolatedString`).
#[derive(Debug, Clone)]
pub struct Text {}

impl Text {
    /// Compiles a text with the parameters of its component.
    ///
    /// # Errors
    /// `Config`, when the template has a mistake in its syntax.
    pub fn new(_text: &str, _parameters: Arc<Json>) -> Result<Text> {
        todo!("owner: expression")
    }

    /// The text at a field of a component: a number or boolean there counts as its text. None when it is missing.
    ///
    /// # Errors
    /// `Config`, at the place of the field.
    pub fn of(_component: &Node<'_>, _field: &str) -> Result<Option<Text>> {
        todo!("owner: expression")
    }

    /// The value, with the text itself as what an undefined or empty result becomes.
    ///
    /// # Errors
    /// `Config`, naming a variable that does not exist at this place.
    pub fn eval(&self, _scope: &Scope<'_>) -> Result<Json> {
        todo!("owner: expression")
    }

    /// The value with a gate on its type. None: undefined or empty (what a mapping drops).
    ///
    /// # Errors
    /// As [`eval`](Self::eval).
    pub fn eval_as(&self, _scope: &Scope<'_>, _accept: Accept) -> Result<Option<Json>> {
        todo!("owner: expression")
    }

    /// The value as Python's `str()` shows it.
    ///
    /// # Errors
    /// As [`eval`](Self::eval).
    pub fn eval_text(&self, _scope: &Scope<'_>) -> Result<String> {
        todo!("owner: expression")
    }

    /// Whether no template is in it.
    pub fn is_plain(&self) -> bool {
        todo!("owner: expression")
    }
}

/// A condition (`InterpolatedBoolean`).
#[derive(Debug, Clone)]
pub struct Condition {}

impl Condition {
    /// The condition at a field of a component; none when it is missing. A boolean there is taken as it is.
    ///
    /// # Errors
    /// `Config`, at the place of the field.
    pub fn of(_component: &Node<'_>, _field: &str) -> Result<Option<Condition>> {
        todo!("owner: expression")
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// As [`Text::eval`].
    pub fn holds(&self, _scope: &Scope<'_>) -> Result<bool> {
        todo!("owner: expression")
    }
}

/// An object with templates in keys and values (`InterpolatedMapping`, and with `nested` `InterpolatedNestedMapping`).
#[derive(Debug, Clone)]
pub struct Mapping {}

impl Mapping {
    /// The flat mapping at a field: values that are no text stay as they are.
    ///
    /// # Errors
    /// `Config`, at the place of the field.
    pub fn of(_component: &Node<'_>, _field: &str) -> Result<Option<Mapping>> {
        todo!("owner: expression")
    }

    /// The nested mapping at a field: templates at any depth.
    ///
    /// # Errors
    /// `Config`, at the place of the field.
    pub fn nested(_component: &Node<'_>, _field: &str) -> Result<Option<Mapping>> {
        todo!("owner: expression")
    }

    /// Evaluates keys (text only) and values. Entries whose value is null are left out.
    ///
    /// # Errors
    /// As [`Text::eval`].
    pub fn eval(&self, _scope: &Scope<'_>, _values: Accept) -> Result<Map> {
        todo!("owner: expression")
    }
}

/// Python's `str()` of a value (`True`, `None`, `1.0`, `{'a': 'b'}`).
pub fn python_str(_value: &Json) -> String {
    todo!("owner: expression")
}

/// Python's truth of a value: false for null, false, 0, "", [] and {}.
pub fn truthy(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(fields) => !fields.is_empty(),
    }
}
