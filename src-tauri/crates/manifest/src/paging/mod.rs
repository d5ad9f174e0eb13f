//! From one answer to the next.

mod reduction;

pub(crate) use reduction::{PageSizeReduction, Reducer};

use syncline_protocol::{Error, ErrorKind, Result};

use crate::Json;
use crate::context::{Compatibility, Run};
use crate::document::Node;
use crate::expression::{Condition, Scope, Text, python_str, truthy};
use crate::http::{Options, RequestOption, named};

/// Asks for page after page (`DefaultPaginator`, `NoPagination`).
pub struct Paginator {
    strategy: Strategy,
    size: Option<Text>,
    size_option: Option<RequestOption>,
    token_option: Option<TokenOption>,
}

/// Where the token goes.
enum TokenOption {
    Option(RequestOption),
    /// It replaces the path (`RequestPath`).
    Path,
}

enum Strategy {
    None,
    Page { start: i64, first: bool },
    Offset { first: bool },
    Cursor { value: Text, stop: Option<Condition> },
}

/// What of the records of a page is needed to know the next token. Later ones need what earlier ones need, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Needs {
    /// The answer alone.
    Nothing,
    /// How many records there were.
    Count,
    /// How many of them were kept.
    Kept,
    /// The last one that was kept.
    Last,
}

/// A page that has been read.
pub struct Page<'a> {
    /// What templates see as `response`; none for bodies decoded piece by piece.
    pub response: &'a Json,
    /// What templates see as `headers`.
    pub headers: &'a Json,
    /// The slice.
    pub slice: &'a Json,
    /// Records as they came.
    pub extracted: usize,
    /// Records that were kept.
    pub kept: usize,
    /// The last record that was kept.
    pub last: Option<&'a Json>,
    /// The token this page was asked for with.
    pub token: Option<&'a Json>,
    /// How long the page was to be, when that was not the configured size.
    pub size: Option<i64>,
}

impl Paginator {
    /// From the component of a paginator; none when a retriever has none.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub fn new(node: Option<Node<'_>>) -> Result<Paginator> {
        let none = Paginator { strategy: Strategy::None, size: None, size_option: None, token_option: None };
        let Some(node) = node else { return Ok(none) };
        match node.kind() {
            "NoPagination" => return Ok(none),
            "DefaultPaginator" => {}
            _ => return Err(node.unsupported(named(&node, "paginator"))),
        }
        let strategy = node.require("pagination_strategy")?;
        let first = strategy.boolean("inject_on_first_request")?.unwrap_or(false);
        let kind = match strategy.kind() {
            "PageIncrement" => {
                Strategy::Page { start: strategy.integer("start_from_page")?.unwrap_or(0), first }
            }
            "OffsetIncrement" => Strategy::Offset { first },
            "CursorPagination" => Strategy::Cursor {
                value: Text::of(&strategy, "cursor_value")?
                    .ok_or_else(|| strategy.error("`cursor_value` is missing"))?,
                stop: Condition::of(&strategy, "stop_condition")?,
            },
            _ => return Err(strategy.unsupported(named(&strategy, "pagination strategy"))),
        };
        let size = Text::of(&strategy, "page_size")?;
        let size_option =
            node.field("page_size_option").map(|option| RequestOption::new(&option)).transpose()?;
        if size_option.is_some() && size.is_none() {
            return Err(node.error("`page_size_option` needs a `page_size` in the strategy"));
        }
        let token_option = match node.field("page_token_option") {
            Some(option) if option.kind() == "RequestPath" => Some(TokenOption::Path),
            Some(option) => Some(TokenOption::Option(RequestOption::new(&option)?)),
            None => None,
        };
        if matches!(&kind, Strategy::Cursor { value, stop } if size.is_none() && uses(value, stop, "page_size"))
        {
            return Err(strategy.error("a template uses `page_size`, which the strategy does not have"));
        }
        Ok(Paginator { strategy: kind, size, size_option, token_option })
    }

    /// Whether templates look at the answer.
    pub fn looks_at_response(&self) -> bool {
        match &self.strategy {
            Strategy::Cursor { value, stop } => uses(value, stop, "response"),
            _ => false,
        }
    }

    /// Whether templates look at what lies at this path of the answer.
    pub(crate) fn looks_at(&self, path: &[&str]) -> bool {
        match &self.strategy {
            Strategy::Cursor { value, stop } => {
                value.reaches("response", path)
                    || stop.as_ref().is_some_and(|stop| stop.reaches("response", path))
            }
            _ => false,
        }
    }

    /// What of the records of a page the next token depends on.
    pub(crate) fn needs(&self) -> Needs {
        match &self.strategy {
            Strategy::None => Needs::Nothing,
            Strategy::Page { .. } | Strategy::Offset { .. } => Needs::Count,
            Strategy::Cursor { value, stop } if uses(value, stop, "last_record") => Needs::Last,
            Strategy::Cursor { value, stop } if uses(value, stop, "last_page_size") => Needs::Kept,
            Strategy::Cursor { .. } => Needs::Nothing,
        }
    }

    /// Whether the token comes from the API, so that it can lead in a circle.
    pub fn follows_the_api(&self) -> bool {
        matches!(self.strategy, Strategy::Cursor { .. })
    }

    /// The token of the first page, when it is told there, too.
    pub fn first_token(&self) -> Option<Json> {
        match self.strategy {
            Strategy::Page { start, first: true } => Some(start.into()),
            Strategy::Offset { first: true } => Some(0.into()),
            _ => None,
        }
    }

    /// The size of a page, by this configuration.
    ///
    /// # Errors
    /// `Config`, when it is no whole number.
    pub fn size(&self, run: &Run) -> Result<Option<i64>> {
        let Some(size) = &self.size else { return Ok(None) };
        let config = run.config();
        let value = size.eval(&Scope::new(&config, run.clock))?;
        let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
        number.map(Some).ok_or_else(|| {
            Error::new(ErrorKind::Config, "The page size of the connector is no whole number.")
        })
    }

    /// What a request for the page of this token needs. `size`: as long as the page is to be, when it is not the
    /// configured size.
    ///
    /// # Errors
    /// `Config`, when an option is set twice.
    pub fn put(
        &self,
        run: &Run,
        token: Option<&Json>,
        size: Option<i64>,
        options: &mut Options,
    ) -> Result<()> {
        match (&self.token_option, token) {
            (Some(TokenOption::Option(option)), Some(token)) => option.put(run, token.clone(), options)?,
            (Some(TokenOption::Path), Some(token)) if truthy(token) => options.path = Some(python_str(token)),
            _ => {}
        }
        let Some(option) = &self.size_option else { return Ok(()) };
        match size.map_or_else(|| self.size(run), |size| Ok(Some(size)))? {
            Some(size) if size != 0 => option.put(run, size.into(), options),
            _ => Ok(()),
        }
    }

    /// The token of the page after this one; none when it was the last.
    ///
    /// # Errors
    /// Of templates.
    pub fn next(&self, run: &Run, page: &Page<'_>) -> Result<Option<Json>> {
        let size = page.size.map_or_else(|| self.size(run), |size| Ok(Some(size)))?;
        let short = page.extracted == 0 || size.is_some_and(|size| (page.extracted as i64) < size);
        let number = |otherwise: i64| page.token.and_then(Json::as_i64).unwrap_or(otherwise);
        let next = match &self.strategy {
            Strategy::None => None,
            Strategy::Page { start, .. } => (!short).then(|| Json::from(number(*start) + 1)),
            Strategy::Offset { .. } => (!short).then(|| Json::from(number(0) + page.extracted as i64)),
            Strategy::Cursor { value, stop } => {
                let config = run.config();
                let null = Json::Null;
                let (kept, size) = (Json::from(page.kept), size.map_or(Json::Null, Json::from));
                let scope = Scope::new(&config, run.clock)
                    .with("response", page.response)
                    .with("headers", page.headers)
                    .with("stream_slice", page.slice)
                    .with("last_record", page.last.unwrap_or(&null))
                    .with("last_page_size", &kept)
                    .with("page_size", &size);
                match stop {
                    Some(stop) if stop.holds(&scope)? => None,
                    _ => Some(value.eval(&scope)?),
                }
            }
        };
        // To the reference, a page or offset of zero is none: pages from -1 on would end before their second.
        let counts = !self.follows_the_api() && run.compatibility == Compatibility::Safe;
        Ok(next.filter(|token| counts || truthy(token)))
    }
}

/// Whether one of the templates of a cursor takes this variable.
fn uses(value: &Text, stop: &Option<Condition>, name: &str) -> bool {
    value.uses(name) || stop.as_ref().is_some_and(|stop| stop.uses(name))
}
