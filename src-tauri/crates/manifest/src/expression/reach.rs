//! What of a variable a template can see, told from its text alone.

use super::compile::{Arguments, Constant, Expr, Stmt, Template};
use super::macros::Macro;

/// Whether a template could see what lies at `path` in a variable, or in it. In doubt it could.
pub(super) fn reaches(template: &Template, variable: &str, path: &[&str]) -> bool {
    Reach { variable, path }.block(&template.body)
}

struct Reach<'r> {
    variable: &'r str,
    path: &'r [&'r str],
}

impl Reach<'_> {
    fn block(&self, statements: &[Stmt]) -> bool {
        statements.iter().any(|statement| self.statement(statement))
    }

    fn statement(&self, statement: &Stmt) -> bool {
        match statement {
            Stmt::Raw(_) | Stmt::Break | Stmt::Continue => false,
            Stmt::Emit(expr) | Stmt::Set(_, expr) => self.expr(expr),
            Stmt::For { over, filter, body, otherwise, .. } => {
                self.expr(over)
                    || filter.as_ref().is_some_and(|filter| self.expr(filter))
                    || self.block(body)
                    || self.block(otherwise)
            }
            Stmt::If(condition, yes, no) => self.expr(condition) || self.block(yes) || self.block(no),
            Stmt::SetBlock(_, filter, body) => {
                filter.as_ref().is_some_and(|filter| self.expr(filter)) || self.block(body)
            }
            Stmt::With(assigned, body) => {
                assigned.iter().any(|(_, value)| self.expr(value)) || self.block(body)
            }
            Stmt::FilterBlock(filter, body) => self.expr(filter) || self.block(body),
            Stmt::Macro(written) => self.written(written),
            Stmt::CallBlock(callee, arguments, written) => {
                self.expr(callee) || self.arguments(arguments) || self.written(written)
            }
        }
    }

    fn written(&self, written: &Macro) -> bool {
        written.defaults.iter().any(|default| self.expr(default)) || self.block(&written.body)
    }

    fn expr(&self, expr: &Expr) -> bool {
        if let Some(names) = self.names(expr) {
            return names.iter().zip(self.path).all(|(name, step)| name == step) || self.inside(expr);
        }
        self.inside(expr)
    }

    /// The parts of an expression; the steps of a chain of names are no parts of their own.
    fn inside(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Const(_) | Expr::Var(_) => false,
            Expr::Attr(of, _) => self.below(expr, of),
            Expr::Item(of, key) => self.below(expr, of) || self.expr(key),
            Expr::Call(callee, arguments) => {
                let callee = match callee.as_ref() {
                    Expr::Attr(of, name) if name == "get" && self.names(expr).is_some() => self.inside(of),
                    // A method looks at all that it is called on.
                    Expr::Attr(of, _) => self.expr(of),
                    other => self.expr(other),
                };
                callee || self.arguments(arguments)
            }
            Expr::Slice(of, bounds) => self.expr(of) || bounds.iter().flatten().any(|bound| self.expr(bound)),
            Expr::Not(inner) | Expr::Neg(inner) => self.expr(inner),
            Expr::Binary(_, left, right) | Expr::And(left, right) | Expr::Or(left, right) => {
                self.expr(left) || self.expr(right)
            }
            Expr::Compare(first, rest) => self.expr(first) || rest.iter().any(|(_, right)| self.expr(right)),
            Expr::If(condition, yes, no) => {
                self.expr(condition) || self.expr(yes) || no.as_ref().is_some_and(|no| self.expr(no))
            }
            Expr::Filter(_, input, arguments) => {
                input.as_ref().is_some_and(|input| self.expr(input)) || self.arguments(arguments)
            }
            Expr::Test(_, input, arguments) => self.expr(input) || self.arguments(arguments),
            Expr::List(items) | Expr::Tuple(items) => items.iter().any(|item| self.expr(item)),
            Expr::Dict(fields) => fields.iter().any(|(key, value)| self.expr(key) || self.expr(value)),
        }
    }

    /// What a step is taken from. In a chain of names it was looked at with the whole chain.
    fn below(&self, whole: &Expr, of: &Expr) -> bool {
        if self.names(whole).is_some() { self.inside(of) } else { self.expr(of) }
    }

    fn arguments(&self, arguments: &Arguments) -> bool {
        arguments.by_place.iter().any(|argument| self.expr(argument))
            || arguments.by_name.iter().any(|(_, argument)| self.expr(argument))
    }

    /// The names that lead from the variable to the value of an expression: `response.meta['next']`,
    /// `response.get('meta')`. None: it is no such chain.
    fn names<'e>(&self, expr: &'e Expr) -> Option<Vec<&'e str>> {
        let (of, name) = match expr {
            Expr::Var(name) => return (name == self.variable).then(Vec::new),
            Expr::Attr(of, name) => (of, name),
            Expr::Item(of, key) => match key.as_ref() {
                Expr::Const(Constant::Str(name)) => (of, name),
                _ => return None,
            },
            Expr::Call(callee, arguments) => match (callee.as_ref(), arguments.by_place.first()) {
                (Expr::Attr(of, method), Some(Expr::Const(Constant::Str(name)))) if method == "get" => {
                    (of, name)
                }
                _ => return None,
            },
            _ => return None,
        };
        let mut names = self.names(of)?;
        names.push(name);
        Some(names)
    }
}

#[cfg(test)]
mod tests {
    use super::super::compile::compile;
    use super::*;

    #[test]
    fn what_a_template_sees_is_known_before_it_is_evaluated() {
        let path = ["data", "items"];
        let sees = |text: &str| reaches(&compile(text).unwrap(), "response", &path);
        for text in [
            "{{ response }}",
            "{{ response.data }}",
            "{{ response['data']['items'][-1].id }}",
            "{{ response.get('data') }}",
            "{{ response.get('data', {}).get('items', [])|length }}",
            "{{ response[config['field']] }}",
            "{{ response.values()|list }}",
            "{{ response|tojson }}",
            "{% for name in response %}{{ name }}{% endfor %}",
            "{{ [response['next'], response] }}",
            "{{ response.get(response.data.items[0].name) }}",
            "{% set all = response %}{{ all.data.items }}",
            "{{ response.get('next', response) }}",
            "{{ response.next.get(response) }}",
            "{% macro all() %}{{ response }}{% endmacro %}{{ all() }}",
            "{% macro of(x) %}{{ x.data.items }}{% endmacro %}{{ of(response) }}",
            "{% macro of() %}{{ caller() }}{% endmacro %}{% call of() %}{{ response.data }}{% endcall %}",
        ] {
            assert!(sees(text), "{text}");
        }
        for text in [
            "{{ response.next }}",
            "{{ response['data']['next'] }}",
            "{{ response.get('meta', {}).get('next') }}",
            "{% if response.meta.more and not response.get('end') %}{{ response.data.cursor[0] }}{% endif %}",
            "{{ last_record['id'] }}",
            "{{ headers['data'] }}",
            "{% macro next() %}{{ response.next }}{% endmacro %}{{ next() }}",
        ] {
            assert!(!sees(text), "{text}");
        }
    }
}
