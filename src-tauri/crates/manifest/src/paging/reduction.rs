//! Smaller pages where the API finds a page too large (`PageSizeReduction`).

use std::time::Duration;

use syncline_protocol::{Error, ErrorKind, Result};

use crate::document::Node;

/// How pages become smaller.
pub(crate) struct PageSizeReduction {
    factor: f64,
    least: i64,
    attempts: i64,
    wait: f64,
    retries_at_least: i64,
    restores: bool,
    advice: Option<String>,
}

impl PageSizeReduction {
    /// From the component in a retriever; none when it has none.
    pub(crate) fn of(retriever: &Node<'_>) -> Result<Option<PageSizeReduction>> {
        let Some(node) = retriever.field("page_size_reduction") else { return Ok(None) };
        fits(retriever, &node)?;
        let number = |field: &str, otherwise: f64| match node.field(field) {
            None => Ok(otherwise),
            Some(value) => {
                value.json().as_f64().ok_or_else(|| value.error(format!("`{field}` must be a number")))
            }
        };
        let whole = |field: &str, otherwise: i64, least: i64| {
            let value = node.integer(field)?.unwrap_or(otherwise);
            if value < least {
                return Err(node.error(format!("`{field}` must be at least {least}")));
            }
            Ok(value)
        };
        let (factor, wait) = (number("reduction_factor", 2.0)?, number("backoff_seconds", 0.5)?);
        if factor <= 1.0 || !(0.0..1e6).contains(&wait) {
            return Err(node.error("`reduction_factor` must be more than 1, `backoff_seconds` not below 0"));
        }
        Ok(Some(PageSizeReduction {
            factor,
            least: whole("minimum_page_size", 1, 1)?,
            attempts: whole("max_attempts", 5, 1)?,
            wait,
            retries_at_least: whole("retries_at_minimum_page_size", 0, 0)?,
            restores: node.text("reset_policy")? == Some("AFTER_SUCCESSFUL_PAGE"),
            advice: node
                .text("failure_message")?
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
        }))
    }
}

/// A page that is asked for again with another size must begin where it began, and only the paginator may set its size.
fn fits(retriever: &Node<'_>, node: &Node<'_>) -> Result<()> {
    let paginator = retriever.field("paginator").filter(|paginator| paginator.kind() == "DefaultPaginator");
    let Some(paginator) = paginator else {
        return Err(node.error("`page_size_reduction` needs a DefaultPaginator"));
    };
    let strategy = paginator.require("pagination_strategy")?;
    let by_path = paginator.field("page_token_option").is_some_and(|option| option.kind() == "RequestPath");
    if by_path {
        return Err(
            node.error("`page_size_reduction` cannot change the size in an address that the API gives")
        );
    }
    if strategy.kind() == "PageIncrement" {
        return Err(node.error("`page_size_reduction` would skip records with a PageIncrement"));
    }
    if paginator.field("page_size_option").is_none() || strategy.field("page_size").is_none() {
        return Err(node.error("`page_size_reduction` needs a `page_size_option` and a `page_size`"));
    }
    let least = node.integer("minimum_page_size")?.unwrap_or(1);
    let size = strategy.field("page_size").and_then(|size| match size.json() {
        serde_json::Value::String(text) => text.parse::<i64>().ok(),
        size => size.as_i64(),
    });
    if size.is_some_and(|size| size <= least) {
        return Err(node.error("`page_size` is not above `minimum_page_size`: no page could become smaller"));
    }
    Ok(())
}

/// The size of pages while one slice is read.
pub(crate) struct Reducer<'a> {
    rules: &'a PageSizeReduction,
    /// The size now, when it is not the configured one.
    pub(crate) size: Option<i64>,
    in_a_row: i64,
    retries: i64,
}

impl<'a> Reducer<'a> {
    pub(crate) fn new(rules: &'a PageSizeReduction) -> Reducer<'a> {
        Reducer { rules, size: None, in_a_row: 0, retries: 0 }
    }

    /// A page was too large: says how long to wait before it is asked for again.
    ///
    /// # Errors
    /// When it cannot become smaller.
    pub(crate) fn reduce(&mut self, configured: Option<i64>) -> Result<Duration> {
        let rules = self.rules;
        let size = self.size.or(configured).ok_or_else(|| {
            Error::new(ErrorKind::Config, "The connector should ask for smaller pages, but has no page size.")
        })?;
        let smaller = ((size as f64 / rules.factor).floor() as i64).max(rules.least);
        if smaller >= size {
            if self.retries >= rules.retries_at_least {
                return Err(self.refused(size));
            }
            self.retries += 1;
            return Ok(Duration::from_secs_f64(rules.wait * self.retries as f64));
        }
        self.in_a_row += 1;
        if self.in_a_row > rules.attempts {
            return Err(self.refused(size));
        }
        self.size = Some(smaller);
        Ok(Duration::from_secs_f64(rules.wait * self.in_a_row as f64))
    }

    /// A page came through.
    pub(crate) fn succeeded(&mut self) {
        (self.in_a_row, self.retries) = (0, 0);
        if self.rules.restores {
            self.size = None;
        }
    }

    fn refused(&self, size: i64) -> Error {
        let error = Error::new(
            ErrorKind::ConnectionLost,
            format!("The API refuses every page of this table, down to {size} records a page."),
        );
        match &self.rules.advice {
            Some(advice) => error.fix(advice.clone()),
            None => error,
        }
    }
}
