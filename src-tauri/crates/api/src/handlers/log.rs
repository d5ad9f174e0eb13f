use std::path::Path;
use std::sync::PoisonError;

use syncline_engine::{LogFilter, LogLevel, LogQuery, LogReader, LogSearch};
use syncline_protocol::Result;

use crate::api::{Api, Open};
use crate::types::{LogFindRequest, LogFound, LogLines, LogMatch, LogPage, LogRequest, LogText};

/// Lines of one answer.
const LINES_MAX: usize = 10_000;

impl Api {
    pub(crate) async fn run_log(&self, request: LogRequest) -> Result<LogPage> {
        self.blocking(move |open| {
            let path = open.project.run_log_path(&request.lines.run);
            let page = open.read_log(&path, |log| page(log, request))?;
            Ok(page.unwrap_or(LogPage {
                lines: Vec::new(),
                total: 0,
                first_error: None,
                bytes: 0,
                file: None,
            }))
        })
        .await
    }

    pub(crate) async fn find_in_log(&self, request: LogFindRequest) -> Result<LogFound> {
        self.blocking(move |open| {
            let path = open.project.run_log_path(&request.lines.run);
            let found = open.read_log(&path, |log| find(log, request))?;
            Ok(found.unwrap_or(LogFound { total: 0, hit: None }))
        })
        .await
    }
}

impl Open {
    /// None when there is no such log. Requests that come meanwhile open it for themselves: nobody waits for a search.
    fn read_log<T>(&self, path: &Path, work: impl FnOnce(&mut LogReader) -> Result<T>) -> Result<Option<T>> {
        let kept = || self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().take().filter(|log| log.path() == path);
        let mut log = match known {
            Some(mut log) => {
                log.refresh()?;
                log
            }
            None => match LogReader::open(path)? {
                Some(log) => log,
                None => return Ok(None),
            },
        };
        let answer = work(&mut log)?;
        *kept() = Some(log);
        Ok(Some(answer))
    }
}

fn query(lines: LogLines, search: Option<LogText>) -> Result<LogQuery> {
    let search = search.filter(|search| !search.text.is_empty());
    let search = search.map(|search| LogSearch::new(&search.text, search.expression)).transpose()?;
    Ok(LogQuery { filter: LogFilter { level: lines.level, stage: lines.stage, table: lines.table }, search })
}

fn page(log: &mut LogReader, request: LogRequest) -> Result<LogPage> {
    let query = query(request.lines, request.only)?;
    Ok(LogPage {
        lines: log.window(&query, request.from, request.limit.min(LINES_MAX))?,
        total: log.total(&query)?,
        first_error: log.first(LogLevel::Error)?,
        bytes: log.bytes(),
        file: Some(log.path().display().to_string()),
    })
}

fn find(log: &mut LogReader, request: LogFindRequest) -> Result<LogFound> {
    let mut query = query(request.lines, request.search)?;
    let among = query.filter.clone();
    if request.errors {
        query.filter.level = Some(LogLevel::Error);
    }
    let hit = log.find(&query, &among, request.near, request.backwards)?;
    Ok(LogFound {
        total: log.total(&query)?,
        hit: hit.map(|hit| LogMatch { ordinal: hit.ordinal, n: hit.n, position: hit.position }),
    })
}
