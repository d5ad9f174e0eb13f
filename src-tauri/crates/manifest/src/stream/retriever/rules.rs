//! What a retriever's parts ask of each other.

use syncline_protocol::Result;

use crate::document::Node;
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

/// After how many records paging begins again.
pub(super) fn records_at_most(node: &Node<'_>) -> Result<Option<u64>> {
    let Some(reset) = node.field("pagination_reset") else { return Ok(None) };
    match reset.text("action")? {
        Some("RESET") => {}
        Some("SPLIT_USING_CURSOR") => {
            return Err(reset.unsupported("windows of time that are shortened while they are read"));
        }
        _ => return Err(reset.error("`action` must be RESET or SPLIT_USING_CURSOR")),
    }
    let Some(limits) = reset.field("limits") else { return Ok(None) };
    let most = limits.integer("number_of_records")?;
    Ok(most.and_then(|most| u64::try_from(most).ok()))
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
