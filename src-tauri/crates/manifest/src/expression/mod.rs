//! Templates: Jinja with Python's values, as the reference evaluates them (render to text, then read as a literal).
//!
//! The syntax is minijinja's parser; the values and operators are Python's, because what differs is what shows in the
//! data: `True`, `1.0`, `{'a': None}`, dates that are subtracted, errors that are swallowed.

mod compile;
pub mod datetime;
mod encode;
mod eval;
mod filters;
mod format;
mod functions;
mod literal;
mod loops;
mod macros;
mod methods;
mod moment;
mod operators;
mod predicates;
mod reach;
mod repr;
mod sequences;
mod text;
mod value;

use std::sync::Arc;

use syncline_protocol::{Error, ErrorKind, Result};

use crate::context::Clock;
use crate::document::Node;
use crate::{Json, Map};

use compile::{Expr, Stmt, Template};
use eval::Evaluator;
use value::{Fault, Value};

pub use repr::json_dumps;

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

    fn lookup(&self, name: &str) -> Option<&'a Json> {
        let name = if matches!(name, "stream_partition" | "stream_interval") { "stream_slice" } else { name };
        match self.variables.iter().rev().find(|(known, _)| *known == name) {
            Some((_, value)) => Some(value),
            None if name == "config" => Some(self.config),
            None => None,
        }
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

impl Accept {
    fn takes(self, value: &Value<'_>) -> bool {
        match self {
            Accept::Any => true,
            Accept::Text => matches!(value, Value::Str(_)),
            Accept::TextAndLists => matches!(value, Value::Str(_) | Value::List(_) | Value::JsonList(_)),
            // In Python a boolean is a whole number, too.
            Accept::Integer => matches!(value, Value::Int(_) | Value::Bool(_)),
            Accept::Float => matches!(value, Value::Float(_)),
            Accept::Boolean => matches!(value, Value::Bool(_)),
        }
    }
}

/// A text that may hold a template (the reference's `InterpolatedString`). Cheap to clone.
#[derive(Debug, Clone)]
pub struct Text {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    source: String,
    parameters: Arc<Json>,
    /// None: no template in it.
    template: Option<Template>,
    /// What a text without template is worth; none when it is just itself.
    literal: Option<Json>,
}

/// A text that begins or ends like this holds a template.
fn has_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

impl Text {
    /// Compiles a text with the parameters of its component.
    ///
    /// # Errors
    /// `Config`, when the template has a mistake in its syntax.
    pub fn new(text: &str, parameters: Arc<Json>) -> Result<Text> {
        if text.contains("stream_state") {
            return Err(Error::new(
                ErrorKind::Config,
                "A template of the connector's manifest uses `stream_state`, which no longer exists.",
            )
            .fix("Use `stream_interval` instead."));
        }
        // Line ends are one letter in Jinja.
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        let inner = if has_template(text) {
            let template = Some(compile::compile(&lines)?);
            Inner { source: text.to_owned(), parameters, template, literal: None }
        } else {
            // Jinja takes away one line end at the end of a text; the parser of templates does, too.
            let source = lines.strip_suffix('\n').unwrap_or(&lines).to_owned();
            let literal = literal::read(&source).and_then(|value| value.to_json());
            Inner { source, parameters, template: None, literal }
        };
        Ok(Text { inner: Arc::new(inner) })
    }

    /// The text at a field of a component: a number or boolean there counts as its text. None when it is missing.
    ///
    /// # Errors
    /// `Config`, at the place of the field.
    pub fn of(component: &Node<'_>, field: &str) -> Result<Option<Text>> {
        let Some(node) = component.field(field) else { return Ok(None) };
        let text = match node.json() {
            Json::String(text) => text.clone(),
            Json::Array(_) | Json::Object(_) => return Err(node.error(format!("`{field}` must be text"))),
            plain => python_str(plain),
        };
        Text::new(&text, component.parameters()).map(Some).map_err(|error| node.at(error))
    }

    /// The value, with the text itself as what an undefined or empty result becomes.
    ///
    /// # Errors
    /// `Config`, naming a variable that does not exist at this place.
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Json> {
        if let Some(value) = self.evaluated(scope, Accept::Any)? {
            return Ok(value);
        }
        // The default is the text itself, evaluated once more: what was undefined is an error now.
        match self.render(scope) {
            Ok(text) => Ok(Json::String(text)),
            Err(fault) => Err(self.failed(fault)),
        }
    }

    /// The value with a gate on its type. None: undefined or empty (what a mapping drops).
    ///
    /// # Errors
    /// As [`eval`](Self::eval).
    pub fn eval_as(&self, scope: &Scope<'_>, accept: Accept) -> Result<Option<Json>> {
        self.evaluated(scope, accept)
    }

    /// The value as Python's `str()` shows it.
    ///
    /// # Errors
    /// As [`eval`](Self::eval).
    pub fn eval_text(&self, scope: &Scope<'_>) -> Result<String> {
        Ok(match self.eval(scope)? {
            Json::String(text) => text,
            other => python_str(&other),
        })
    }

    /// Whether no template is in it.
    pub fn is_plain(&self) -> bool {
        self.inner.template.is_none()
    }

    /// Whether it takes this variable from its place.
    pub fn uses(&self, name: &str) -> bool {
        self.inner.template.as_ref().is_some_and(|template| template.free.iter().any(|known| known == name))
    }

    /// Whether it could see what lies at this path in a variable.
    pub(crate) fn reaches(&self, variable: &str, path: &[&str]) -> bool {
        self.inner.template.as_ref().is_some_and(|template| reach::reaches(template, variable, path))
    }

    /// The text as it stands in the manifest.
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    fn evaluated(&self, scope: &Scope<'_>, accept: Accept) -> Result<Option<Json>> {
        let Some(template) = &self.inner.template else {
            let source = &self.inner.source;
            return Ok(match &self.inner.literal {
                _ if source.is_empty() => None,
                Some(literal) if accept == Accept::Any => Some(literal.clone()),
                Some(_) => Some(accepted(source.clone(), accept)),
                None => Some(Json::String(source.clone())),
            });
        };
        self.check(template, scope)?;
        let mut evaluator = Evaluator::new(scope, &self.inner.parameters);
        let text = match template.body.as_slice() {
            [Stmt::Emit(expr)] => match single(&mut evaluator, expr, accept) {
                Ok(Single::Value(value)) => return Ok(value),
                Ok(Single::Text(text)) => Ok(text),
                Err(fault) => Err(fault),
            },
            _ => evaluator.render(template),
        };
        match text {
            Ok(text) if text.is_empty() => Ok(None),
            Ok(text) => Ok(Some(accepted(text, accept))),
            Err(Fault::Undefined(_)) => Ok(None),
            Err(Fault::Type(_)) => Ok(Some(accepted(self.inner.source.clone(), accept))),
            Err(fault) => Err(self.failed(fault)),
        }
    }

    fn render(&self, scope: &Scope<'_>) -> Result<String, Fault> {
        let Some(template) = &self.inner.template else { return Ok(self.inner.source.clone()) };
        match Evaluator::new(scope, &self.inner.parameters).render(template) {
            Err(Fault::Type(_)) => Ok(self.inner.source.clone()),
            rendered => rendered,
        }
    }

    /// An error for variables that are not in the scope.
    fn check(&self, template: &Template, scope: &Scope<'_>) -> Result<()> {
        let is_missing = |name: &&String| *name != eval::PARAMETERS && scope.lookup(name).is_none();
        match template.free.iter().find(is_missing) {
            None => Ok(()),
            Some(name) => {
                Err(self.failed(Fault::Other(format!("there is no variable `{name}` at this place"))))
            }
        }
    }

    fn failed(&self, fault: Fault) -> Error {
        let why = match fault {
            Fault::Type(why) | Fault::Undefined(why) | Fault::Other(why) => why,
        };
        Error::new(ErrorKind::Config, format!("A template of the connector could not be evaluated: {why}."))
            .with("template", &self.inner.source)
    }
}

enum Single {
    Value(Option<Json>),
    Text(String),
}

/// A template that is one expression: what rendering and reading it as a literal would give is often plain to see.
fn single<'a>(evaluator: &mut Evaluator<'a>, expr: &'a Expr, accept: Accept) -> Result<Single, Fault> {
    let value = evaluator.expr(expr)?;
    let same = match &value {
        Value::Int(_) | Value::Bool(_) | Value::None => true,
        Value::Float(number) => number.is_finite(),
        Value::JsonList(_) | Value::JsonDict(_) => true,
        Value::Str(text) if text.is_empty() => return Ok(Single::Value(None)),
        Value::Undefined => return Ok(Single::Value(None)),
        _ => false,
    };
    if same && accept.takes(&value) {
        return Ok(match value.to_json() {
            Some(json) => Single::Value(Some(json)),
            None => Single::Text(repr::text(&value).into_owned()),
        });
    }
    Ok(Single::Text(match value {
        Value::Str(text) => text.into_owned(),
        other => repr::text(&other).into_owned(),
    }))
}

/// A rendered text as the value that it is written as, if that may be used.
fn accepted(text: String, accept: Accept) -> Json {
    let literal = literal::read(&text).filter(|value| accept.takes(value)).and_then(|value| value.to_json());
    literal.unwrap_or(Json::String(text))
}

/// A condition (`InterpolatedBoolean`).
#[derive(Debug, Clone)]
pub struct Condition {
    text: Result<Text, bool>,
}

impl Condition {
    /// The condition at a field of a component; none when it is missing. A boolean there is taken as it is.
    ///
    /// # Errors
    /// `Config`, at the place of the field.
    pub fn of(component: &Node<'_>, field: &str) -> Result<Option<Condition>> {
        if let Some(Json::Bool(fixed)) = component.field(field).map(|node| node.json()) {
            return Ok(Some(Condition { text: Err(*fixed) }));
        }
        Ok(Text::of(component, field)?.map(|text| Condition { text: Ok(text) }))
    }

    /// A condition of this text.
    ///
    /// # Errors
    /// `Config`, when the template has a mistake in its syntax.
    pub fn new(text: &str, parameters: Arc<Json>) -> Result<Condition> {
        Ok(Condition { text: Ok(Text::new(text, parameters)?) })
    }

    /// Whether it takes this variable from its place.
    pub fn uses(&self, name: &str) -> bool {
        self.text.as_ref().is_ok_and(|text| text.uses(name))
    }

    /// Whether it could see what lies at this path in a variable.
    pub(crate) fn reaches(&self, variable: &str, path: &[&str]) -> bool {
        self.text.as_ref().is_ok_and(|text| text.reaches(variable, path))
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// As [`Text::eval`].
    pub fn holds(&self, scope: &Scope<'_>) -> Result<bool> {
        let text = match &self.text {
            Ok(text) => text,
            Err(fixed) => return Ok(*fixed),
        };
        Ok(match text.eval_as(scope, Accept::Any)? {
            None | Some(Json::Null) => false,
            Some(Json::Bool(value)) => value,
            Some(Json::Number(number)) => number.as_f64() != Some(0.0),
            Some(Json::String(text)) => {
                !matches!(text.as_str(), "" | "False" | "false" | "0" | "0.0" | "{}" | "[]" | "()")
            }
            Some(Json::Array(items)) => !items.is_empty(),
            Some(Json::Object(fields)) => !fields.is_empty(),
        })
    }
}

/// An object with templates in keys and values (`InterpolatedMapping`, and with `nested` `InterpolatedNestedMapping`).
#[derive(Debug, Clone)]
pub struct Mapping {
    root: Part,
}

#[derive(Debug, Clone)]
enum Part {
    Text(Text),
    Fixed(Json),
    List(Vec<Part>),
    Object(Vec<(Text, Part)>),
}

impl Part {
    fn new(value: &Json, parameters: &Arc<Json>, deep: bool) -> Result<Part> {
        Ok(match value {
            Json::String(text) => Part::Text(Text::new(text, Arc::clone(parameters))?),
            Json::Array(items) if deep => {
                Part::List(items.iter().map(|item| Part::new(item, parameters, deep)).collect::<Result<_>>()?)
            }
            Json::Object(fields) if deep => Part::object(fields, parameters, deep)?,
            other => Part::Fixed(other.clone()),
        })
    }

    fn object(fields: &Map, parameters: &Arc<Json>, deep: bool) -> Result<Part> {
        let field = |(key, value): (&String, &Json)| {
            Ok((Text::new(key, Arc::clone(parameters))?, Part::new(value, parameters, deep)?))
        };
        Ok(Part::Object(
            fields.iter().filter(|(key, _)| *key != "$parameters").map(field).collect::<Result<_>>()?,
        ))
    }

    fn eval(&self, scope: &Scope<'_>, accept: Accept) -> Result<Json> {
        Ok(match self {
            Part::Text(text) => text.eval_as(scope, accept)?.unwrap_or(Json::Null),
            Part::Fixed(value) => value.clone(),
            Part::List(items) => {
                Json::Array(items.iter().map(|item| item.eval(scope, accept)).collect::<Result<_>>()?)
            }
            Part::Object(fields) => {
                let mut object = Map::new();
                for (key, part) in fields {
                    let key = match key.eval_as(scope, Accept::Text)? {
                        Some(Json::String(key)) => key,
                        Some(other) => python_str(&other),
                        None => String::new(),
                    };
                    let value = part.eval(scope, accept)?;
                    if !value.is_null() {
                        object.insert(key, value);
                    }
                }
                Json::Object(object)
            }
        })
    }
}

impl Mapping {
    /// The flat mapping at a field: values that are no text stay as they are.
    ///
    /// # Errors
    /// `Config`, at the place of the field.
    pub fn of(component: &Node<'_>, field: &str) -> Result<Option<Mapping>> {
        Mapping::at(component, field, false)
    }

    /// The nested mapping at a field: templates at any depth. The field may also be one text, or a list.
    ///
    /// # Errors
    /// `Config`, at the place of the field.
    pub fn nested(component: &Node<'_>, field: &str) -> Result<Option<Mapping>> {
        Mapping::at(component, field, true)
    }

    fn at(component: &Node<'_>, field: &str, deep: bool) -> Result<Option<Mapping>> {
        let Some(node) = component.field(field) else { return Ok(None) };
        let parameters = component.parameters();
        let root = match node.json() {
            Json::Object(fields) => Part::object(fields, &parameters, deep),
            other => Part::new(other, &parameters, deep),
        };
        Ok(Some(Mapping { root: root.map_err(|error| node.at(error))? }))
    }

    /// Evaluates keys (text only) and values. Entries whose value is null are left out. What is no object is empty.
    ///
    /// # Errors
    /// As [`Text::eval`].
    pub fn eval(&self, scope: &Scope<'_>, values: Accept) -> Result<Map> {
        Ok(match self.root.eval(scope, values)? {
            Json::Object(fields) => fields,
            _ => Map::new(),
        })
    }

    /// The value whatever it is: an object, or what a single text gives. An object that a single text gives is taken as
    /// it is, whatever `values` says.
    ///
    /// # Errors
    /// As [`Text::eval`].
    pub fn eval_any(&self, scope: &Scope<'_>, values: Accept) -> Result<Json> {
        if let Part::Text(text) = &self.root
            && let Some(Json::Object(fields)) = text.eval_as(scope, Accept::Any)?
        {
            return Ok(Json::Object(fields));
        }
        self.root.eval(scope, values)
    }
}

/// Python's `str()` of a value (`True`, `None`, `1.0`, `{'a': 'b'}`).
pub fn python_str(value: &Json) -> String {
    repr::text(&Value::from(value)).into_owned()
}

/// The value that a text is written as in Python, or the text.
pub fn python_literal(text: &str) -> Json {
    accepted(text.to_owned(), Accept::Any)
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
