//! From one answer to the next.

use syncline_protocol::{Error, ErrorKind, Result};

use crate::Json;
use crate::context::Run;
use crate::document::Node;
use crate::expression::{Condition, Scope, Text, python_str, truthy};
use crate::http::{Options, RequestOption, named};

/// Asks for page after page (`DefaultPaginator`, `NoPagination`).
pub struct Paginator {
    strategy: Strategy,
    size: Option<Text>,
    size_option: Option<RequestOption>,
    token_option: Option<RequestOption>,
    /// The token replaces the path.
    token_is_path: bool,
}

enum Strategy {
    None,
    Page { start: i64, first: bool },
    Offset { first: bool },
    Cursor { value: Text, stop: Option<Condition> },
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
}

impl Paginator {
    /// From the component of a paginator; none when a retriever has none.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub fn new(node: Option<Node<'_>>) -> Result<Paginator> {
        let none = Paginator {
            strategy: Strategy::None,
            size: None,
            size_option: None,
            token_option: None,
            token_is_path: false,
        };
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
        let token_option = node.field("page_token_option");
        Ok(Paginator {
            strategy: kind,
            size,
            size_option,
            token_is_path: token_option.as_ref().is_some_and(|option| option.kind() == "RequestPath"),
            token_option: token_option.map(|option| RequestOption::new(&option)).transpose()?,
        })
    }

    /// Whether the next token can be told from the answer alone, before its records are taken.
    pub fn looks_at_records(&self) -> bool {
        match &self.strategy {
            Strategy::Cursor { value, stop } => {
                let uses = |name| value.uses(name) || stop.as_ref().is_some_and(|stop| stop.uses(name));
                uses("last_record") || uses("last_page_size")
            }
            _ => true,
        }
    }

    /// Whether templates look at the answer.
    pub fn looks_at_response(&self) -> bool {
        match &self.strategy {
            Strategy::Cursor { value, stop } => {
                value.uses("response") || stop.as_ref().is_some_and(|stop| stop.uses("response"))
            }
            _ => false,
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

    /// What a request for the page of this token needs.
    ///
    /// # Errors
    /// `Config`, when an option is set twice.
    pub fn put(&self, run: &Run, token: Option<&Json>, options: &mut Options) -> Result<()> {
        if let (Some(option), Some(token)) = (&self.token_option, token) {
            if !self.token_is_path {
                option.put(run, token.clone(), options)?;
            } else if truthy(token) {
                option.put(run, Json::String(python_str(token)), options)?;
            }
        }
        if let (Some(option), Some(size)) = (&self.size_option, self.size(run)?)
            && size != 0
        {
            option.put(run, size.into(), options)?;
        }
        Ok(())
    }

    /// The token of the page after this one; none when it was the last.
    ///
    /// # Errors
    /// Of templates.
    pub fn next(&self, run: &Run, page: &Page<'_>) -> Result<Option<Json>> {
        let size = self.size(run)?;
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
        Ok(next.filter(truthy))
    }
}
