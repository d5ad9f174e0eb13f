//! Macros: parts of a template that are called like functions and give text.

use std::rc::Rc;

use super::compile::{DEPTH_MAX, Expr, Stmt};
use super::eval::{Evaluator, Given};
use super::value::{Evaluated, Fault, Value, type_error, undefined};

/// A macro as it is written.
#[derive(Debug)]
pub(super) struct Macro {
    pub(super) name: String,
    pub(super) parameters: Vec<String>,
    /// What the last parameters are when nothing is given for them.
    pub(super) defaults: Vec<Expr>,
    pub(super) body: Vec<Stmt>,
    /// Which of `varargs`, `kwargs` and `caller` its body asks for: it takes those, too.
    pub(super) takes: Vec<String>,
    /// How deep its body is nested.
    pub(super) depth: usize,
}

impl Macro {
    fn takes(&self, name: &str) -> bool {
        self.takes.iter().any(|taken| taken == name)
    }

    fn default_of(&self, at: usize) -> Option<&Expr> {
        self.defaults.get((at + self.defaults.len()).checked_sub(self.parameters.len())?)
    }
}

/// A macro, and the variables that stood around it.
#[derive(Debug)]
pub(super) struct Closure<'a> {
    pub(super) written: &'a Macro,
    around: Vec<(&'a str, Value<'a>)>,
}

impl<'a> Evaluator<'a> {
    /// A macro as a value.
    pub(super) fn closed(&mut self, written: &'a Macro) -> Evaluated<'a> {
        self.spend(self.locals.len())?;
        Ok(Value::Macro(Rc::new(Closure { written, around: self.locals.clone() })))
    }

    /// What a call of something that may be a macro gives.
    pub(super) fn called(
        &mut self,
        callee: Value<'a>,
        given: Given<'a>,
        caller: Option<Value<'a>>,
    ) -> Evaluated<'a> {
        match callee {
            Value::Macro(closure) => self.expanded(&closure, given, caller),
            Value::Undefined => undefined(),
            other => type_error(format!("'{}' object is not callable", other.type_name())),
        }
    }

    fn expanded(
        &mut self,
        closure: &Rc<Closure<'a>>,
        given: Given<'a>,
        caller: Option<Value<'a>>,
    ) -> Evaluated<'a> {
        let written = closure.written;
        // Macros may call themselves; together they are no deeper than one template may be.
        if self.depth + written.depth > DEPTH_MAX {
            return Err(Fault::Other("the macros of a template call each other too deep".to_owned()));
        }
        self.spend(closure.around.len() + written.parameters.len())?;
        let outer = std::mem::replace(&mut self.locals, closure.around.clone());
        let loops = std::mem::take(&mut self.loops);
        self.depth += written.depth;
        // A block that is called has no name of its own: there, `caller` is the one of the macro around it.
        if written.name != "caller" {
            self.locals.push((&written.name, Value::Macro(Rc::clone(closure))));
        }
        let mut text = String::new();
        let filled = self.fill(written, given, caller);
        let ended = filled.and_then(|()| self.block(&written.body, &mut text));
        self.depth -= written.depth;
        self.loops = loops;
        self.locals = outer;
        ended?;
        self.made(Value::text(text))
    }

    /// Gives the parameters of a macro their values.
    fn fill(&mut self, written: &'a Macro, given: Given<'a>, caller: Option<Value<'a>>) -> Result<(), Fault> {
        let Given { mut by_place, mut by_name } = given;
        let more = by_place.split_off(by_place.len().min(written.parameters.len()));
        let mut by_place = by_place.into_iter();
        for (at, parameter) in written.parameters.iter().enumerate() {
            let named = by_name.iter().position(|(name, _)| name == parameter);
            let value = match (by_place.next(), named) {
                (Some(_), Some(_)) => {
                    return type_error(format!("macro '{}' got '{parameter}' twice", written.name));
                }
                (Some(value), None) => value,
                (None, Some(named)) => by_name.remove(named).1,
                (None, None) => match written.default_of(at) {
                    Some(default) => self.expr(default)?,
                    None => Value::Undefined,
                },
            };
            self.locals.push((parameter, value));
        }
        if written.takes("caller") {
            self.locals.push(("caller", caller.unwrap_or(Value::Undefined)));
        } else if caller.is_some() {
            return type_error(format!("macro '{}' takes no caller", written.name));
        }
        if written.takes("kwargs") {
            let fields = by_name.into_iter().map(|(name, value)| (Value::Str(name.into()), value));
            self.locals.push(("kwargs", Value::dict(fields.collect())));
        } else if let Some((name, _)) = by_name.first() {
            return type_error(format!("macro '{}' takes no keyword argument '{name}'", written.name));
        }
        if written.takes("varargs") {
            self.locals.push(("varargs", Value::Tuple(more.into())));
        } else if !more.is_empty() {
            let most = written.parameters.len();
            return type_error(format!("macro '{}' takes not more than {most} argument(s)", written.name));
        }
        Ok(())
    }
}
