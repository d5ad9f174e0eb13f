use syncline_protocol::Result;
use syncline_store::SystemKind;

use crate::api::{Api, Open};
use crate::types::{SearchHit, SearchRequest, SearchTarget, Side};

const HITS_MAX: usize = 200;
const RUNS_LOOKED_AT: usize = 500;

impl Api {
    pub(crate) async fn search(&self, request: SearchRequest) -> Result<Vec<SearchHit>> {
        self.blocking(move |open| {
            let words: Vec<String> =
                request.text.to_lowercase().split_whitespace().map(str::to_owned).collect();
            if words.is_empty() {
                return Ok(Vec::new());
            }
            let mut found = Found { words, hits: Vec::new() };
            collect(open, &mut found)?;
            // The better first; among equals in the order in which they were found: what is larger comes first.
            found.hits.sort_by_key(|(rank, _)| *rank);
            found.hits.truncate(request.limit.min(HITS_MAX));
            Ok(found.hits.into_iter().map(|(_, hit)| hit).collect())
        })
        .await
    }
}

struct Found {
    words: Vec<String>,
    hits: Vec<(u8, SearchHit)>,
}

impl Found {
    /// Keeps something when all words occur in its name or in where it belongs, and at least one in its name.
    fn offer(&mut self, title: &str, detail: &str, what: impl FnOnce() -> SearchTarget) {
        let (name, place) = (title.to_lowercase(), detail.to_lowercase());
        let in_name = self.words.iter().any(|word| name.contains(word));
        if !in_name || !self.words.iter().all(|word| name.contains(word) || place.contains(word)) {
            return;
        }
        let rank = match self.words.first() {
            Some(first) if name == *first => 0,
            Some(first) if name.starts_with(first.as_str()) => 1,
            _ => 2,
        };
        self.hits
            .push((rank, SearchHit { what: what(), title: title.to_owned(), detail: detail.to_owned() }));
    }
}

fn collect(open: &Open, found: &mut Found) -> Result<()> {
    let names = open.project.connections()?;
    let connections: Vec<_> = names
        .into_iter()
        .filter_map(|name| open.project.connection(&name).ok().map(|config| (name, config)))
        .collect();
    for (name, config) in &connections {
        let detail = format!("{} → {}", config.source, config.destination);
        found.offer(name, &detail, || SearchTarget::Connection { connection: name.clone() });
    }
    for (side, kind) in [(Side::Source, SystemKind::Source), (Side::Destination, SystemKind::Destination)] {
        for name in open.project.systems(kind)? {
            found.offer(&name, kind.word(), || SearchTarget::System { side, name: name.clone() });
        }
    }
    for (name, config) in &connections {
        let known = open.state.catalog(&config.source)?;
        for table in &config.tables {
            let title = table.name.to_string();
            found.offer(&title, name, || SearchTarget::Table {
                connection: name.clone(),
                table: table.name.clone(),
            });
            let info = known.as_ref().and_then(|known| known.catalog.table(&table.name));
            let place = format!("{name} {title}");
            for column in info.iter().flat_map(|info| &info.schema.columns) {
                found.offer(&column.name, &place, || SearchTarget::Column {
                    connection: name.clone(),
                    table: table.name.clone(),
                    column: column.name.clone(),
                });
            }
        }
    }
    for run in open.state.runs(None, RUNS_LOOKED_AT)? {
        let started = run.started_at.strftime("%Y-%m-%d %H:%M").to_string();
        let detail = format!("{} {started}", run.connection);
        found.offer(&run.id, &detail, || SearchTarget::Run {
            connection: run.connection.clone(),
            run: run.id.clone(),
        });
    }
    Ok(())
}
