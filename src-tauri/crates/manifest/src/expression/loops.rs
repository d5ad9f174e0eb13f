//! `{% for %}`.

use std::borrow::Cow;

use super::compile::{Expr, Stmt, Target};
use super::eval::{Evaluator, Flow};
use super::value::{Evaluated, Fault, Value, undefined};

/// A loop that runs.
pub(super) struct Loop<'a> {
    pub(super) index: usize,
    /// What `loop.changed` was last asked about.
    asked: Option<Vec<Value<'a>>>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn each(
        &mut self,
        target: &'a Target,
        over: &'a Expr,
        filter: Option<&'a Expr>,
        body: &'a [Stmt],
        otherwise: &'a [Stmt],
        out: &mut String,
    ) -> Result<(), Fault> {
        let mut items = self.expr(over)?.items()?;
        self.spend(items.len())?;
        let outer = self.locals.len();
        if let Some(filter) = filter {
            let mut kept = Vec::with_capacity(items.len());
            for item in items {
                self.declare(target, item.clone())?;
                if self.expr(filter)?.truthy() {
                    kept.push(item);
                }
                self.locals.truncate(outer);
            }
            items = kept;
        }
        let count = items.len();
        if count == 0 {
            self.block(otherwise, out)?;
        }
        self.loops.push(Loop { index: 0, asked: None });
        let mut before = Value::Undefined;
        for (index, item) in items.iter().enumerate() {
            self.spend(8)?;
            if let Some(innermost) = self.loops.last_mut() {
                innermost.index = index;
            }
            let field = |name: &'static str, value| (Value::Str(Cow::Borrowed(name)), value);
            let position = Value::dict(vec![
                field("index", Value::Int(index as i128 + 1)),
                field("index0", Value::Int(index as i128)),
                field("revindex", Value::Int((count - index) as i128)),
                field("revindex0", Value::Int((count - index - 1) as i128)),
                field("first", Value::Bool(index == 0)),
                field("last", Value::Bool(index + 1 == count)),
                field("length", Value::Int(count as i128)),
                field("depth", Value::Int(1)),
                field("depth0", Value::Int(0)),
                field("previtem", std::mem::replace(&mut before, item.clone())),
                field("nextitem", items.get(index + 1).cloned().unwrap_or(Value::Undefined)),
            ]);
            self.locals.push(("loop", position));
            self.declare(target, item.clone())?;
            let flow = self.block(body, out)?;
            self.locals.truncate(outer);
            if flow == Flow::Break {
                break;
            }
        }
        self.loops.pop();
        Ok(())
    }

    /// `loop.cycle(…)`, `loop.changed(…)`: of the innermost loop.
    pub(super) fn asked_of_loop(&mut self, name: &str, given: Vec<Value<'a>>) -> Evaluated<'a> {
        let Some(innermost) = self.loops.last_mut() else { return undefined() };
        if name == "cycle" {
            let at = innermost.index.checked_rem(given.len());
            let at = at.ok_or_else(|| Fault::Type("no items for cycling given".to_owned()))?;
            return Ok(given[at].clone());
        }
        let same = |asked: &Vec<Value<'a>>| {
            asked.len() == given.len() && asked.iter().zip(&given).all(|(left, right)| left.equals(right))
        };
        let changed = !innermost.asked.as_ref().is_some_and(same);
        innermost.asked = Some(given);
        Ok(Value::Bool(changed))
    }
}
