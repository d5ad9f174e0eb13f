//! What a retriever's parts ask of each other.

use syncline_protocol::Result;

use crate::cursor::Cursor;
use crate::document::Node;
use crate::expression::datetime::Duration;
use crate::paging::PageSizeReduction;
use crate::records::Extractor;

/// How pages become smaller, if they may.
pub(super) fn reduction(node: &Node<'_>) -> Result<Option<PageSizeReduction>> {
    let reduction = PageSizeReduction::of(node)?;
    let filters =
        node.require("requester")?.field("error_handler").map(|handler| handler.list("response_filters"));
    let reduces = |filter: &Node<'_>| filter.text("action").ok().flatten() == Some("REDUCE_PAGE_SIZE");
    match filters.unwrap_or_default().iter().find(|filter| reduces(filter)) {
        Some(filter) if reduction.is_none() => {
            Err(filter.error("REDUCE_PAGE_SIZE needs a `page_size_reduction` in the retriever"))
        }
        _ => Ok(reduction),
    }
}

/// After how many records paging begins again (`pagination_reset`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Reset {
    pub(super) records: Option<u64>,
    /// It begins again from the latest record on, not from the first one.
    pub(super) by_cursor: bool,
}

/// How paging begins again, if it does.
pub(super) fn reset(node: &Node<'_>) -> Result<Option<Reset>> {
    let Some(reset) = node.field("pagination_reset") else { return Ok(None) };
    let by_cursor = match reset.text("action")? {
        Some("RESET") => false,
        Some("SPLIT_USING_CURSOR") => true,
        _ => return Err(reset.error("`action` must be RESET or SPLIT_USING_CURSOR")),
    };
    let records =
        reset.field("limits").map(|limits| limits.integer("number_of_records")).transpose()?.flatten();
    Ok(Some(Reset { records: records.and_then(|most| u64::try_from(most).ok()), by_cursor }))
}

/// How windows are divided that the API refuses (`request_window_splitting`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Splitting {
    pub(super) least: Option<Duration>,
}

/// How windows are divided, if they are.
pub(super) fn splitting(node: &Node<'_>) -> Result<Option<Splitting>> {
    let Some(splitting) = node.field("request_window_splitting") else { return Ok(None) };
    let least = splitting.text("min_split_window")?.filter(|text| !text.is_empty());
    let least = least.map(Duration::parse).transpose().map_err(|error| splitting.at(error))?;
    if least.is_some_and(|least| least.months != 0 || least.microseconds <= 0) {
        return Err(splitting.error("`min_split_window` must be days, hours, minutes or seconds"));
    }
    Ok(Some(Splitting { least }))
}

/// Whether a retriever may wish for shorter windows than the cursor makes.
pub(in crate::stream) fn divides(node: &Node<'_>, cursor: Option<&Cursor>) -> Result<bool> {
    let by_cursor = reset(node)?.is_some_and(|reset| reset.by_cursor);
    if let (true, None, Some(reset)) = (by_cursor, cursor, node.field("pagination_reset")) {
        return Err(reset.error("SPLIT_USING_CURSOR needs an `incremental_sync`"));
    }
    let Some(splitting) = node.field("request_window_splitting") else { return Ok(by_cursor) };
    if !cursor.is_some_and(Cursor::is_granular) {
        return Err(splitting.error("it needs a cursor with a `cursor_granularity`"));
    }
    Ok(true)
}

/// Whether decoder and paginator can work with an extractor of several.
pub(super) fn fits(node: &Node<'_>, extractor: &Extractor) -> Result<()> {
    let whole = ["", "JsonDecoder", "XmlDecoder", "ZipfileDecoder"];
    if let Some(decoder) = node.field("decoder")
        && extractor.sees_all()
        && !whole.contains(&decoder.kind())
    {
        let kind = decoder.kind();
        return Err(
            decoder.error(format!("a CombinedExtractor needs whole bodies, which `{kind}` never sees"))
        );
    }
    let strategy = node.field("paginator").and_then(|paginator| paginator.field("pagination_strategy"));
    match strategy {
        Some(strategy) if strategy.kind() == "OffsetIncrement" && extractor.adds_up() => Err(strategy.error(
            "an OffsetIncrement would skip records, because the CombinedExtractor adds up the records of several lists",
        )),
        _ => Ok(()),
    }
}
