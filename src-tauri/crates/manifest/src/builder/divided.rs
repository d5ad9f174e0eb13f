//! What a trial tells of a table that is asked once for each row of another one: how many rows the other one gave, and
//! how many requests each of them took. From it somebody can tell how long a sync will take before it is begun.

use syncline_protocol::builder::{Divided, Trial};

use super::record::Said;
use super::shape;
use super::verdict::Plan;

/// What the requests of the first run tell; `cut`: there was more to ask. None, when it cannot be told from requests
/// which row of the other table they are about.
pub(super) fn divided(trial: &Trial, plan: &Plan, said: &[Said], cut: bool) -> Option<Divided> {
    let parent_rows = plan.parent_rows.as_ref()?;
    let good = || said.iter().filter(move |one| !one.second && one.is_good() && !plan.is_token(one));
    let parents: Vec<usize> = good()
        .filter(|said| !plan.is_own(said))
        .map(|said| said.json().map_or(0, |json| shape::rows_at(&json, parent_rows).len()))
        .collect();
    // One after the other: all requests about one row stand together.
    let mut asked: Vec<(&str, u64)> = Vec::new();
    for own in good().filter(|said| plan.is_own(said)) {
        let path = own.request.url.path();
        match asked.last_mut() {
            Some((last, pages)) if *last == path => *pages += 1,
            _ => asked.push((path, 1)),
        }
    }
    if parents.is_empty() || asked.is_empty() {
        return None;
    }
    // The last one may not have come to its end.
    if cut && asked.len() > 1 {
        asked.pop();
    }
    let took: u64 = good().map(|said| u64::try_from(said.took.as_millis()).unwrap_or(u64::MAX)).sum();
    let requests = good().count() as u64;
    Some(Divided {
        parent_pages: parents.len() as u64,
        parents: parents.iter().sum::<usize>() as u64,
        more: cut,
        asked: asked.len() as u64,
        pages: asked.iter().map(|(_, pages)| pages).sum(),
        request_ms: (!trial.replay).then(|| took.div_ceil(requests.max(1))),
    })
}
