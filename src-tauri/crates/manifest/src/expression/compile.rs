//! From the parser's tree to ours: owned, without spans, cheap to evaluate.

use minijinja::machinery::ast;
use minijinja::machinery::parse;
use syncline_protocol::{Error, ErrorKind, Result};

use super::macros::Macro;
use super::{filters, functions, predicates};

/// What a constant can be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Constant {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Rem,
    Pow,
    Concat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Eq,
    Ne,
    Lt,
    Lte,
    Gt,
    Gte,
    In,
    NotIn,
}

/// Arguments of a call, by place and by name.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    pub(super) by_place: Vec<Expr>,
    pub(super) by_name: Vec<(String, Expr)>,
}

#[derive(Debug)]
pub(super) enum Expr {
    Const(Constant),
    Var(String),
    Attr(Box<Expr>, String),
    Item(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, [Option<Box<Expr>>; 3]),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(Relation, Expr)>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    If(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    /// None: the body of a filter block.
    Filter(String, Option<Box<Expr>>, Arguments),
    Test(String, Box<Expr>, Arguments),
    Call(Box<Expr>, Arguments),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
}

/// Where a value goes: a name, several names, a field of a namespace.
#[derive(Debug)]
pub(super) enum Target {
    Name(String),
    Several(Vec<Target>),
    Field(String, String),
}

#[derive(Debug)]
pub(super) enum Stmt {
    Raw(String),
    Emit(Expr),
    For {
        target: Target,
        over: Expr,
        filter: Option<Expr>,
        body: Vec<Stmt>,
        otherwise: Vec<Stmt>,
    },
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    Set(Target, Expr),
    SetBlock(Target, Option<Expr>, Vec<Stmt>),
    With(Vec<(Target, Expr)>, Vec<Stmt>),
    FilterBlock(Expr, Vec<Stmt>),
    Macro(Macro),
    /// A call whose macro may call the block, as `caller`.
    CallBlock(Expr, Arguments, Macro),
    Break,
    Continue,
}

/// A compiled template.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) body: Vec<Stmt>,
    /// Variables that it takes from its surroundings.
    pub(super) free: Vec<String>,
    /// How deep it is nested.
    pub(super) depth: usize,
}

/// What a macro has beside its parameters, when it asks for it.
const SPECIAL: [&str; 3] = ["varargs", "kwargs", "caller"];
/// A text with templates is at most this long.
const LENGTH_MAX: usize = 64 << 10;
/// Texts up to this length cannot make the parser's tree so deep that it needs a stack of its own.
const LENGTH_USUAL: usize = 1 << 10;
/// Takes the deepest tree that a text of the greatest length can be.
const STACK: usize = 128 << 20;
/// How deep our own tree may be: it is evaluated on any thread.
pub(super) const DEPTH_MAX: usize = 150;

/// Compiles a text with templates in it.
///
/// # Errors
/// `Config`, when it has a mistake in its syntax; `LimitExceeded`, when it is too long or nested too deep.
pub(super) fn compile(text: &str) -> Result<Template> {
    if text.len() > LENGTH_MAX {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            "A template of the connector's manifest is longer than 64 KB.",
        ));
    }
    if text.len() <= LENGTH_USUAL {
        return parsed(text);
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || parsed(text));
        let thread =
            thread.map_err(|error| Error::internal("No thread could be started.").caused_by(error))?;
        thread.join().unwrap_or_else(|_| Err(Error::internal("The parser of templates failed.")))
    })
}

fn parsed(text: &str) -> Result<Template> {
    let wrong = |why: &str| {
        Error::new(ErrorKind::Config, format!("A template of the connector's manifest is not valid: {why}."))
            .with("template", text)
    };
    let parsed = parse(text, "template", Default::default()).map_err(|error| wrong(&error.to_string()))?;
    let ast::Stmt::Template(template) = parsed else { return Err(wrong("it is empty")) };
    let mut compiler = Compiler {
        free: Vec::new(),
        scopes: vec![Vec::new()],
        depth: 0,
        deepest: 0,
        special: Vec::new(),
        wrong: &wrong,
    };
    let body = compiler.statements(&template.children)?;
    Ok(Template { body, free: compiler.free, depth: compiler.deepest })
}

struct Compiler<'c> {
    free: Vec<String>,
    /// Names that the template itself gives a value, by block.
    scopes: Vec<Vec<String>>,
    depth: usize,
    /// The greatest depth so far.
    deepest: usize,
    /// Which of the names that only macros have are used in the innermost one.
    special: Vec<String>,
    wrong: &'c dyn Fn(&str) -> Error,
}

impl Compiler<'_> {
    fn statements(&mut self, statements: &[ast::Stmt<'_>]) -> Result<Vec<Stmt>> {
        statements.iter().map(|statement| self.deeper(|this| this.statement(statement))).collect()
    }

    fn deeper<T>(&mut self, compile: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        if self.depth > DEPTH_MAX {
            let deep = "A template of the connector's manifest is nested too deep.";
            return Err(Error::new(ErrorKind::LimitExceeded, deep));
        }
        let compiled = compile(self);
        self.depth -= 1;
        compiled
    }

    fn block(&mut self, names: Vec<String>, statements: &[ast::Stmt<'_>]) -> Result<Vec<Stmt>> {
        self.scopes.push(names);
        let body = self.statements(statements);
        self.scopes.pop();
        body
    }

    fn statement(&mut self, statement: &ast::Stmt<'_>) -> Result<Stmt> {
        Ok(match statement {
            ast::Stmt::EmitRaw(raw) => Stmt::Raw(raw.raw.to_owned()),
            ast::Stmt::EmitExpr(emit) => Stmt::Emit(self.expr(&emit.expr)?),
            ast::Stmt::IfCond(cond) => Stmt::If(
                self.expr(&cond.expr)?,
                self.statements(&cond.true_body)?,
                self.statements(&cond.false_body)?,
            ),
            ast::Stmt::ForLoop(each) => {
                let over = self.expr(&each.iter)?;
                let target = self.target(&each.target)?;
                let mut names = target.names();
                names.push("loop".to_owned());
                self.scopes.push(names.clone());
                let filter = each.filter_expr.as_ref().map(|filter| self.expr(filter)).transpose();
                self.scopes.pop();
                let body = self.block(names, &each.body)?;
                let otherwise = self.statements(&each.else_body)?;
                Stmt::For { target, over, filter: filter?, body, otherwise }
            }
            ast::Stmt::Set(set) => {
                let value = self.expr(&set.expr)?;
                let target = self.target(&set.target)?;
                self.declare(&target);
                Stmt::Set(target, value)
            }
            ast::Stmt::SetBlock(set) => {
                let body = self.block(Vec::new(), &set.body)?;
                let filter = set.filter.as_ref().map(|filter| self.expr(filter)).transpose()?;
                let target = self.target(&set.target)?;
                self.declare(&target);
                Stmt::SetBlock(target, filter, body)
            }
            ast::Stmt::WithBlock(with) => {
                let mut assigned = Vec::new();
                let mut names = Vec::new();
                for (target, value) in &with.assignments {
                    let value = self.expr(value)?;
                    let target = self.target(target)?;
                    names.extend(target.names());
                    assigned.push((target, value));
                }
                Stmt::With(assigned, self.block(names, &with.body)?)
            }
            ast::Stmt::FilterBlock(block) => {
                Stmt::FilterBlock(self.expr(&block.filter)?, self.block(Vec::new(), &block.body)?)
            }
            ast::Stmt::Macro(written) => {
                if let Some(scope) = self.scopes.last_mut() {
                    scope.push(written.name.to_owned());
                }
                Stmt::Macro(self.written(written)?)
            }
            ast::Stmt::CallBlock(block) => Stmt::CallBlock(
                self.expr(&block.call.expr)?,
                self.arguments(&block.call.args)?,
                self.written(&block.macro_decl)?,
            ),
            ast::Stmt::Break(_) => Stmt::Break,
            ast::Stmt::Continue(_) => Stmt::Continue,
            _ => return Err((self.wrong)("it uses a statement that is not known here")),
        })
    }

    fn written(&mut self, written: &ast::Macro<'_>) -> Result<Macro> {
        let parameters: Vec<String> = written
            .args
            .iter()
            .map(|parameter| match parameter {
                ast::Expr::Var(var) => Ok(var.id.to_owned()),
                _ => Err((self.wrong)("a parameter of a macro is no name")),
            })
            .collect::<Result<_>>()?;
        let outer = (std::mem::take(&mut self.special), std::mem::replace(&mut self.deepest, self.depth));
        let mut names = parameters.clone();
        names.extend(SPECIAL.map(str::to_owned));
        self.scopes.push(names);
        let defaults = written.defaults.iter().map(|default| self.expr(default)).collect::<Result<_>>();
        let body = self.statements(&written.body);
        self.scopes.pop();
        let depth = self.deepest - self.depth;
        self.deepest = self.deepest.max(outer.1);
        let takes = std::mem::replace(&mut self.special, outer.0);
        let name = written.name.to_owned();
        Ok(Macro { name, parameters, defaults: defaults?, body: body?, takes, depth })
    }

    fn declare(&mut self, target: &Target) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.extend(target.names());
        }
    }

    fn target(&mut self, target: &ast::Expr<'_>) -> Result<Target> {
        match target {
            ast::Expr::Var(var) => Ok(Target::Name(var.id.to_owned())),
            ast::Expr::List(list) => self.targets(&list.items),
            ast::Expr::Tuple(tuple) => self.targets(&tuple.items),
            ast::Expr::GetAttr(attr) => match &attr.expr {
                ast::Expr::Var(var) => Ok(Target::Field(var.id.to_owned(), attr.name.to_owned())),
                _ => Err((self.wrong)("a value is given to something that is no name")),
            },
            _ => Err((self.wrong)("a value is given to something that is no name")),
        }
    }

    fn targets(&mut self, targets: &[ast::Expr<'_>]) -> Result<Target> {
        Ok(Target::Several(targets.iter().map(|target| self.target(target)).collect::<Result<_>>()?))
    }

    fn boxed(&mut self, expr: &ast::Expr<'_>) -> Result<Box<Expr>> {
        self.expr(expr).map(Box::new)
    }

    fn optional(&mut self, expr: Option<&ast::Expr<'_>>) -> Result<Option<Box<Expr>>> {
        expr.map(|expr| self.boxed(expr)).transpose()
    }

    fn expr(&mut self, expr: &ast::Expr<'_>) -> Result<Expr> {
        self.deeper(|this| this.expression(expr))
    }

    fn expression(&mut self, expr: &ast::Expr<'_>) -> Result<Expr> {
        Ok(match expr {
            ast::Expr::Var(var) => {
                self.used(var.id);
                Expr::Var(var.id.to_owned())
            }
            ast::Expr::Const(constant) => Expr::Const(self.constant(&constant.value)?),
            ast::Expr::Slice(slice) => Expr::Slice(
                self.boxed(&slice.expr)?,
                [
                    self.optional(slice.start.as_ref())?,
                    self.optional(slice.stop.as_ref())?,
                    self.optional(slice.step.as_ref())?,
                ],
            ),
            ast::Expr::UnaryOp(unary) => match unary.op {
                ast::UnaryOpKind::Not => Expr::Not(self.boxed(&unary.expr)?),
                ast::UnaryOpKind::Neg => Expr::Neg(self.boxed(&unary.expr)?),
            },
            ast::Expr::BinOp(binary) => self.binary(binary)?,
            ast::Expr::Compare(compare) => {
                let first = self.boxed(&compare.expr)?;
                let mut rest = Vec::with_capacity(compare.ops.len());
                for op in &compare.ops {
                    rest.push((relation(op.op), self.expr(&op.expr)?));
                }
                Expr::Compare(first, rest)
            }
            ast::Expr::IfExpr(choice) => Expr::If(
                self.boxed(&choice.test_expr)?,
                self.boxed(&choice.true_expr)?,
                self.optional(choice.false_expr.as_ref())?,
            ),
            ast::Expr::Filter(filter) => {
                if !filters::known(filter.name) {
                    return Err((self.wrong)(&format!("there is no filter `{}`", filter.name)));
                }
                let input = self.optional(filter.expr.as_ref())?;
                Expr::Filter(filter.name.to_owned(), input, self.arguments(&filter.args)?)
            }
            ast::Expr::Test(test) => {
                if !predicates::known_test(test.name) {
                    return Err((self.wrong)(&format!("there is no test `{}`", test.name)));
                }
                Expr::Test(test.name.to_owned(), self.boxed(&test.expr)?, self.arguments(&test.args)?)
            }
            ast::Expr::GetAttr(attr) => Expr::Attr(self.boxed(&attr.expr)?, attr.name.to_owned()),
            ast::Expr::GetItem(item) => {
                Expr::Item(self.boxed(&item.expr)?, self.boxed(&item.subscript_expr)?)
            }
            ast::Expr::Call(call) => Expr::Call(self.boxed(&call.expr)?, self.arguments(&call.args)?),
            ast::Expr::List(list) => {
                Expr::List(list.items.iter().map(|item| self.expr(item)).collect::<Result<_>>()?)
            }
            ast::Expr::Tuple(tuple) => {
                Expr::Tuple(tuple.items.iter().map(|item| self.expr(item)).collect::<Result<_>>()?)
            }
            ast::Expr::Map(map) => {
                let mut fields = Vec::with_capacity(map.keys.len());
                for (key, value) in map.keys.iter().zip(&map.values) {
                    fields.push((self.expr(key)?, self.expr(value)?));
                }
                Expr::Dict(fields)
            }
        })
    }

    fn binary(&mut self, binary: &ast::BinOp<'_>) -> Result<Expr> {
        use ast::BinOpKind as Kind;
        let (left, right) = (self.boxed(&binary.left)?, self.boxed(&binary.right)?);
        let compare = |relation, left, right: Box<Expr>| Expr::Compare(left, vec![(relation, *right)]);
        Ok(match binary.op {
            Kind::ScAnd => Expr::And(left, right),
            Kind::ScOr => Expr::Or(left, right),
            Kind::Eq => compare(Relation::Eq, left, right),
            Kind::Ne => compare(Relation::Ne, left, right),
            Kind::Lt => compare(Relation::Lt, left, right),
            Kind::Lte => compare(Relation::Lte, left, right),
            Kind::Gt => compare(Relation::Gt, left, right),
            Kind::Gte => compare(Relation::Gte, left, right),
            Kind::In => compare(Relation::In, left, right),
            Kind::Add => Expr::Binary(Binary::Add, left, right),
            Kind::Sub => Expr::Binary(Binary::Sub, left, right),
            Kind::Mul => Expr::Binary(Binary::Mul, left, right),
            Kind::Div => Expr::Binary(Binary::Div, left, right),
            Kind::FloorDiv => Expr::Binary(Binary::FloorDiv, left, right),
            Kind::Rem => Expr::Binary(Binary::Rem, left, right),
            Kind::Pow => Expr::Binary(Binary::Pow, left, right),
            Kind::Concat => Expr::Binary(Binary::Concat, left, right),
        })
    }

    fn arguments(&mut self, arguments: &[ast::CallArg<'_>]) -> Result<Arguments> {
        let mut all = Arguments::default();
        for argument in arguments {
            match argument {
                ast::CallArg::Pos(expr) => all.by_place.push(self.expr(expr)?),
                ast::CallArg::Kwarg(name, expr) => all.by_name.push(((*name).to_owned(), self.expr(expr)?)),
                _ => return Err((self.wrong)("it passes arguments with a star")),
            }
        }
        Ok(all)
    }

    fn used(&mut self, name: &str) {
        if SPECIAL.contains(&name) && !self.special.iter().any(|known| known == name) {
            self.special.push(name.to_owned());
        }
        let declared = self.scopes.iter().flatten().any(|known| known == name);
        if !declared && !functions::known(name) && !self.free.iter().any(|known| known == name) {
            self.free.push(name.to_owned());
        }
    }

    fn constant(&self, value: &minijinja::Value) -> Result<Constant> {
        use minijinja::value::ValueKind;
        Ok(match value.kind() {
            ValueKind::None | ValueKind::Undefined => Constant::None,
            ValueKind::Bool => Constant::Bool(value.is_true()),
            ValueKind::Number if value.is_integer() => Constant::Int(
                i128::try_from(value.clone()).map_err(|_| (self.wrong)("a number is too large"))?,
            ),
            ValueKind::Number => Constant::Float(
                f64::try_from(value.clone()).map_err(|_| (self.wrong)("a number is not valid"))?,
            ),
            ValueKind::String => Constant::Str(value.as_str().unwrap_or_default().to_owned()),
            _ => return Err((self.wrong)("it has a constant of an unknown kind")),
        })
    }
}

fn relation(op: ast::CompareOpKind) -> Relation {
    match op {
        ast::CompareOpKind::Eq => Relation::Eq,
        ast::CompareOpKind::Ne => Relation::Ne,
        ast::CompareOpKind::Lt => Relation::Lt,
        ast::CompareOpKind::Lte => Relation::Lte,
        ast::CompareOpKind::Gt => Relation::Gt,
        ast::CompareOpKind::Gte => Relation::Gte,
        ast::CompareOpKind::In => Relation::In,
        ast::CompareOpKind::NotIn => Relation::NotIn,
    }
}

impl Target {
    fn names(&self) -> Vec<String> {
        match self {
            Target::Name(name) => vec![name.clone()],
            Target::Several(targets) => targets.iter().flat_map(Target::names).collect(),
            Target::Field(..) => Vec::new(),
        }
    }
}
