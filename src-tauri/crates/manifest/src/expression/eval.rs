//! Evaluates compiled templates.

use std::borrow::Cow;

use super::Scope;
use super::compile::{Arguments, Constant, Expr, Relation, Stmt, Target, Template};
use super::loops::Loop;
use super::value::{Evaluated, Fault, Value, type_error};
use super::{filters, functions, methods, operators, predicates, repr};
use crate::Json;

/// Steps that one evaluation may take: an endless or huge template ends with an error.
const STEPS_MAX: u32 = 1_000_000;
/// The variable that every template has.
pub(super) const PARAMETERS: &str = "parameters";
/// Bytes that one evaluation may print or build.
pub(super) const BYTES_MAX: usize = 64 << 20;

/// Arguments of a call, evaluated.
pub(super) struct Given<'a> {
    pub(super) by_place: Vec<Value<'a>>,
    pub(super) by_name: Vec<(&'a str, Value<'a>)>,
}

impl<'a> Given<'a> {
    /// The argument at this place, or of this name.
    pub(super) fn get(&self, at: usize, name: &str) -> Option<&Value<'a>> {
        self.by_place
            .get(at)
            .or_else(|| self.by_name.iter().find(|(known, _)| *known == name).map(|(_, value)| value))
    }

    /// The argument as text.
    pub(super) fn text(&self, at: usize, name: &str) -> Result<Option<String>, Fault> {
        match self.get(at, name) {
            None | Some(Value::None) => Ok(None),
            Some(Value::Str(text)) => Ok(Some(text.as_ref().to_owned())),
            Some(other) => type_error(format!("`{name}` must be str, not {}", other.type_name())),
        }
    }

    /// The argument as a whole number.
    pub(super) fn int(&self, at: usize, name: &str) -> Result<Option<i128>, Fault> {
        match self.get(at, name) {
            None | Some(Value::None) => Ok(None),
            Some(Value::Int(value)) => Ok(Some(*value)),
            Some(Value::Bool(value)) => Ok(Some((*value).into())),
            Some(other) => type_error(format!("`{name}` must be int, not {}", other.type_name())),
        }
    }
}

/// How a block ended.
#[derive(PartialEq)]
pub(super) enum Flow {
    On,
    Break,
    Continue,
}

/// One evaluation.
pub(super) struct Evaluator<'a> {
    pub(super) scope: &'a Scope<'a>,
    /// The parameters of the component.
    parameters: &'a Json,
    pub(super) locals: Vec<(&'a str, Value<'a>)>,
    steps: u32,
    /// The loops that run, the innermost last.
    pub(super) loops: Vec<Loop<'a>>,
    /// How deep the template and the macros that run are nested.
    pub(super) depth: usize,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(scope: &'a Scope<'a>, parameters: &'a Json) -> Self {
        Evaluator { scope, parameters, locals: Vec::new(), steps: 0, loops: Vec::new(), depth: 0 }
    }

    /// The text that a template prints.
    pub(super) fn render(&mut self, template: &'a Template) -> Result<String, Fault> {
        let mut out = String::new();
        self.depth = template.depth;
        self.block(&template.body, &mut out)?;
        Ok(out)
    }

    pub(super) fn step(&mut self) -> Result<(), Fault> {
        self.spend(1)
    }

    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Fault> {
        self.steps = self.steps.saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
        if self.steps > STEPS_MAX {
            return Err(Fault::Other("a template took more than a million steps".to_owned()));
        }
        Ok(())
    }

    /// A value that was made now: it costs as much as it is large.
    pub(super) fn made(&mut self, value: Value<'a>) -> Evaluated<'a> {
        match &value {
            Value::List(_) | Value::Tuple(_) | Value::Dict(_) | Value::Method(_) => {
                self.spend(value.weight()? / 4)?;
            }
            Value::Str(text) => self.spend(text.len() / 64)?,
            _ => {}
        }
        Ok(value)
    }

    pub(super) fn block(&mut self, statements: &'a [Stmt], out: &mut String) -> Result<Flow, Fault> {
        for statement in statements {
            self.step()?;
            if out.len() > BYTES_MAX {
                return Err(Fault::Other("a template printed more than 64 MB".to_owned()));
            }
            match statement {
                Stmt::Raw(text) => out.push_str(text),
                Stmt::Emit(expr) => repr::write_text(out, &self.expr(expr)?),
                Stmt::If(condition, yes, no) => {
                    let chosen = if self.expr(condition)?.truthy() { yes } else { no };
                    let flow = self.block(chosen, out)?;
                    if flow != Flow::On {
                        return Ok(flow);
                    }
                }
                Stmt::For { target, over, filter, body, otherwise } => {
                    self.each(target, over, filter.as_ref(), body, otherwise, out)?;
                }
                Stmt::Set(target, value) => {
                    let value = self.expr(value)?;
                    self.assign(target, value)?;
                }
                Stmt::SetBlock(target, filter, body) => {
                    let text = self.captured(body)?;
                    let value = match filter {
                        Some(filter) => self.filtered(filter, text)?,
                        None => text,
                    };
                    self.assign(target, value)?;
                }
                Stmt::With(assigned, body) => {
                    let outer = self.locals.len();
                    for (target, value) in assigned {
                        let value = self.expr(value)?;
                        self.declare(target, value)?;
                    }
                    let flow = self.block(body, out)?;
                    self.locals.truncate(outer);
                    if flow != Flow::On {
                        return Ok(flow);
                    }
                }
                Stmt::FilterBlock(filter, body) => {
                    let text = self.captured(body)?;
                    let value = self.filtered(filter, text)?;
                    repr::write_text(out, &value);
                }
                Stmt::Macro(written) => {
                    let value = self.closed(written)?;
                    self.locals.push((&written.name, value));
                }
                Stmt::CallBlock(callee, arguments, written) => {
                    let callee = self.expr(callee)?;
                    let (given, caller) = (self.given(arguments)?, self.closed(written)?);
                    repr::write_text(out, &self.called(callee, given, Some(caller))?);
                }
                Stmt::Break => return Ok(Flow::Break),
                Stmt::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::On)
    }

    fn captured(&mut self, body: &'a [Stmt]) -> Evaluated<'a> {
        let outer = self.locals.len();
        let mut text = String::new();
        self.block(body, &mut text)?;
        self.locals.truncate(outer);
        self.made(Value::text(text))
    }

    /// A new variable of the innermost block.
    pub(super) fn declare(&mut self, target: &'a Target, value: Value<'a>) -> Result<(), Fault> {
        match target {
            Target::Name(name) => self.locals.push((name, value)),
            Target::Several(targets) => {
                let items = value.items()?;
                if items.len() != targets.len() {
                    return Err(Fault::Other(format!(
                        "{} values cannot be unpacked into {} names",
                        items.len(),
                        targets.len()
                    )));
                }
                for (target, item) in targets.iter().zip(items) {
                    self.declare(target, item)?;
                }
            }
            Target::Field(..) => return type_error("a field cannot be declared"),
        }
        Ok(())
    }

    /// `{% set %}`: a new variable, which hides an outer one, or a field of a namespace.
    fn assign(&mut self, target: &'a Target, value: Value<'a>) -> Result<(), Fault> {
        let Target::Field(name, field) = target else { return self.declare(target, value) };
        match self.variable(name) {
            Value::Namespace(fields) => methods::put(&fields, Value::text(field.as_str()), value),
            _ => Err(Fault::Other("cannot assign attribute on non-namespace object".to_owned())),
        }
    }

    fn variable(&self, name: &str) -> Value<'a> {
        if let Some((_, value)) = self.locals.iter().rev().find(|(known, _)| *known == name) {
            return value.clone();
        }
        if name == PARAMETERS {
            return self.parameters.into();
        }
        self.scope.lookup(name).map_or(Value::Undefined, Value::from)
    }

    /// The value of an expression.
    pub(super) fn expr(&mut self, expr: &'a Expr) -> Evaluated<'a> {
        self.step()?;
        Ok(match expr {
            Expr::Const(constant) => constant_value(constant),
            Expr::Var(name) => self.variable(name),
            Expr::Attr(of, name) => {
                let of = self.expr(of)?;
                methods::attribute(of, name)?
            }
            Expr::Item(of, key) => {
                let (of, key) = (self.expr(of)?, self.expr(key)?);
                methods::item(of, key)?
            }
            Expr::Slice(of, bounds) => {
                let of = self.expr(of)?;
                let mut evaluated = [None, None, None];
                for (bound, value) in bounds.iter().zip(&mut evaluated) {
                    if let Some(bound) = bound {
                        *value = Some(self.expr(bound)?).filter(|bound| !matches!(bound, Value::None));
                    }
                }
                self.made(operators::slice(&of, evaluated)?)?
            }
            Expr::Not(inner) => Value::Bool(!self.expr(inner)?.truthy()),
            Expr::Neg(inner) => operators::negative(&self.expr(inner)?)?,
            Expr::Binary(operator, left, right) => {
                let (left, right) = (self.expr(left)?, self.expr(right)?);
                self.made(operators::binary(*operator, &left, &right)?)?
            }
            Expr::Compare(first, rest) => self.compare(first, rest)?,
            Expr::And(left, right) => {
                let left = self.expr(left)?;
                if left.truthy() { self.expr(right)? } else { left }
            }
            Expr::Or(left, right) => {
                let left = self.expr(left)?;
                if left.truthy() { left } else { self.expr(right)? }
            }
            Expr::If(condition, yes, no) => match (self.expr(condition)?.truthy(), no) {
                (true, _) => self.expr(yes)?,
                (false, Some(no)) => self.expr(no)?,
                (false, None) => Value::Undefined,
            },
            Expr::Filter(name, input, arguments) => {
                let input = match input {
                    Some(input) => self.expr(input)?,
                    None => return Err(Fault::Other("a filter has nothing to work on".to_owned())),
                };
                let given = self.given(arguments)?;
                let value = filters::apply(self, name, input, &given)?;
                self.made(value)?
            }
            Expr::Test(name, input, arguments) => {
                let input = self.expr(input)?;
                let given = self.given(arguments)?;
                Value::Bool(predicates::test(name, &input, &given)?)
            }
            Expr::Call(callee, arguments) => {
                let value = self.call(callee, arguments)?;
                self.made(value)?
            }
            Expr::List(items) => {
                let items = self.all(items)?;
                self.made(Value::list(items))?
            }
            Expr::Tuple(items) => {
                let items = self.all(items)?;
                self.made(Value::Tuple(items.into()))?
            }
            Expr::Dict(fields) => {
                let mut all: Vec<(Value<'a>, Value<'a>)> = Vec::with_capacity(fields.len());
                for (key, value) in fields {
                    let (key, value) = (self.expr(key)?, self.expr(value)?);
                    match all.iter_mut().find(|(known, _)| known.equals(&key)) {
                        Some(known) => known.1 = value,
                        None => all.push((key, value)),
                    }
                }
                self.made(Value::dict(all))?
            }
        })
    }

    fn all(&mut self, items: &'a [Expr]) -> Result<Vec<Value<'a>>, Fault> {
        items.iter().map(|item| self.expr(item)).collect()
    }

    fn given(&mut self, arguments: &'a Arguments) -> Result<Given<'a>, Fault> {
        let by_place = self.all(&arguments.by_place)?;
        let mut by_name = Vec::with_capacity(arguments.by_name.len());
        for (name, value) in &arguments.by_name {
            by_name.push((name.as_str(), self.expr(value)?));
        }
        Ok(Given { by_place, by_name })
    }

    fn compare(&mut self, first: &'a Expr, rest: &'a [(Relation, Expr)]) -> Evaluated<'a> {
        let mut left = self.expr(first)?;
        for (relation, right) in rest {
            let right = self.expr(right)?;
            if !operators::holds(*relation, &left, &right)? {
                return Ok(Value::Bool(false));
            }
            left = right;
        }
        Ok(Value::Bool(true))
    }

    fn call(&mut self, callee: &'a Expr, arguments: &'a Arguments) -> Evaluated<'a> {
        if let Expr::Var(name) = callee
            && functions::known(name)
            && !self.locals.iter().any(|(known, _)| known == name)
        {
            let given = self.given(arguments)?;
            return functions::call(self.scope, name, &given);
        }
        if let Expr::Attr(of, name) = callee
            && matches!(of.as_ref(), Expr::Var(name) if name == "loop")
            && matches!(name.as_str(), "cycle" | "changed")
        {
            let given = self.given(arguments)?.by_place;
            return self.asked_of_loop(name, given);
        }
        match self.expr(callee)? {
            Value::Method(method) => {
                let given = self.given(arguments)?;
                methods::call(&method.0, &method.1, &given)
            }
            callee => {
                let given = match &callee {
                    Value::Macro(_) => self.given(arguments)?,
                    _ => Given { by_place: Vec::new(), by_name: Vec::new() },
                };
                self.called(callee, given, None)
            }
        }
    }

    /// Applies the filters of a block to its text.
    fn filtered(&mut self, filter: &'a Expr, text: Value<'a>) -> Evaluated<'a> {
        let Expr::Filter(name, input, arguments) = filter else {
            return Err(Fault::Other("a filter block has no filter".to_owned()));
        };
        let input = match input {
            Some(inner) => self.filtered(inner, text)?,
            None => text,
        };
        let given = self.given(arguments)?;
        filters::apply(self, name, input, &given)
    }
}

fn constant_value(constant: &Constant) -> Value<'_> {
    match constant {
        Constant::None => Value::None,
        Constant::Bool(value) => Value::Bool(*value),
        Constant::Int(value) => Value::Int(*value),
        Constant::Float(value) => Value::Float(*value),
        Constant::Str(text) => Value::Str(Cow::Borrowed(text)),
    }
}
