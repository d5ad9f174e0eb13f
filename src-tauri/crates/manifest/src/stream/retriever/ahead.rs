//! A page is handed over while the next one is asked for.

use std::future::Future;
use std::pin::pin;

use futures::future::{Either, select};
use syncline_protocol::Result;

use super::PageSink;
use crate::Json;
use crate::http::Response;

/// Empty pages are not handed over. False: enough.
pub(super) async fn hand_over(records: Vec<Json>, pages: &dyn PageSink) -> Result<bool> {
    if records.is_empty() { Ok(true) } else { pages.page(records).await }
}

/// Hands a page over while the next one is asked for. A page that fails, or is enough, ends both; a request that fails
/// lets the page be handed over first.
pub(super) async fn side_by_side(
    page: impl Future<Output = Result<bool>>,
    next: impl Future<Output = Result<Option<Response>>>,
) -> Result<(bool, Option<Response>)> {
    let (next, page) = (pin!(next), pin!(page));
    match select(next, page).await {
        Either::Left((response, page)) => {
            let wanted = page.await?;
            Ok((wanted, response?))
        }
        Either::Right((wanted, next)) => {
            let wanted = wanted?;
            let response = if wanted { next.await? } else { None };
            Ok((wanted, response))
        }
    }
}
