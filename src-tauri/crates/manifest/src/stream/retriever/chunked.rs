//! Pages that are asked for in several requests, each for some properties of the records.

use futures::StreamExt as _;
use syncline_protocol::{Error, ErrorKind, Result};

use super::circle::Circle;
use super::pages::Simple;
use super::properties::Properties;
use super::taken::Taken;
use super::{PageSink, SliceRead};
use crate::Json;
use crate::context::Compatibility;
use crate::http::Action;
use crate::paging::Page;
use crate::records::Place;

/// What the last request of a page came to.
struct Part {
    response: Json,
    headers: Json,
    slice: Json,
    taken: Taken,
}

impl Simple {
    /// Reads a slice page by page; the records of a page are handed over when all their parts are there.
    pub(super) async fn read_chunked(
        &self,
        properties: &Properties,
        read: &SliceRead<'_>,
        pages: &dyn PageSink,
    ) -> Result<()> {
        let chunks = properties.chunks(read).await?;
        let mut token = self.paginator.first_token();
        let mut circle = Circle::default();
        loop {
            let mut merging = properties.merging();
            let mut last = None;
            for chunk in &chunks {
                let (slice, options) = properties.request(read.slice, read.options, chunk);
                let read = SliceRead { slice: &slice, options: &options, ..*read };
                let Some(mut part) = self.part(&read, token.as_ref()).await? else { return Ok(()) };
                merging.take(std::mem::take(&mut part.taken.held));
                last = Some(part);
            }
            let Some(part) = last else { return Ok(()) };
            let records = merging.finish();
            let is_old = match (read.feed, &part.taken.last) {
                (Some(feed), Some(last)) => !feed.is_fresh(last),
                _ => false,
            };
            let page = Page {
                response: &part.response,
                headers: &part.headers,
                slice: &part.slice,
                extracted: part.taken.extracted,
                kept: records.len(),
                last: records.last(),
                token: token.as_ref(),
                size: None,
            };
            let next = if is_old { None } else { self.paginator.next(read.run, &page)? };
            if !super::ahead::hand_over(records, pages).await? {
                return Ok(());
            }
            let Some(next) = next else { return Ok(()) };
            if read.run.compatibility == Compatibility::Safe {
                circle.check(&next, part.taken.print, self.paginator.follows_the_api(), read.stream)?;
            }
            token = Some(next);
        }
    }

    /// One request of a page. None: the API has no more.
    async fn part(&self, read: &SliceRead<'_>, token: Option<&Json>) -> Result<Option<Part>> {
        let response = Box::pin(self.fetch(read, &[], token, None)).await?;
        match response.action {
            Action::ReducePageSize | Action::ResetPagination | Action::SplitRequestWindow => {
                return Err(Error::new(
                    ErrorKind::Config,
                    "The connector's manifest wants a page to be read otherwise that is asked for in parts.",
                )
                .with("table", read.stream));
            }
            _ if response.ignored && response.status >= 400 => return Ok(None),
            _ => {}
        }
        let headers = response.headers_json();
        let slice = read.slice.for_templates();
        let wrapped = token.map_or(Json::Null, |token| serde_json::json!({"next_page_token": token}));
        let place = Place { run: read.run, slice: &slice, token: &wrapped, fresh: read.filter };
        let mut body = self.decoder.decode(read.run, response, self.paginator.looks_at_response()).await?;
        let mut taken = Taken::default();
        while let Some(batch) = body.elements.next().await {
            for element in batch? {
                taken.take(self, &place, read, element).await?;
            }
        }
        Ok(Some(Part { response: body.response, headers, slice, taken }))
    }
}
