//! Reads logs of any size: windows of lines, and what was searched for. Only the blocks that are needed are read.

use std::fs::File;
use std::io::{ErrorKind as Io, Read as _, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use regex::RegexBuilder;
use regex::bytes::{Regex as BytesRegex, RegexBuilder as BytesRegexBuilder};
use syncline_protocol::{Error, ErrorKind, Result, TableName};

use super::index::{self, Block, Sort};
use super::line::{LogLevel, LogLine, LogStage, Read};

/// The memory a search pattern may take.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Which lines are wanted. The default: all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogFilter {
    /// Lines at least as grave as this.
    pub level: Option<LogLevel>,
    /// Lines about this stage.
    pub stage: Option<LogStage>,
    /// Lines about this table.
    pub table: Option<TableName>,
}

impl LogFilter {
    fn holds(&self, level: LogLevel, stage: LogStage, table: Option<&str>) -> bool {
        self.level.is_none_or(|gravest| level <= gravest)
            && self.stage.is_none_or(|wanted| stage == wanted)
            && self.table.as_ref().is_none_or(|wanted| Some(wanted.to_string().as_str()) == table)
    }

    fn counts(&self, block: &Block) -> u64 {
        let wanted = |sort: &&Sort| self.holds(sort.level, sort.stage, sort.table.as_deref());
        block.sorts.iter().filter(wanted).map(|sort| sort.lines).sum()
    }
}

/// What is searched for, in texts and in names of tables, whatever the case of letters.
pub struct LogSearch {
    key: (String, bool),
    pattern: regex::Regex,
    /// Finds lines in the bytes of a file that may match; none when only the parsed text can tell.
    hint: Option<BytesRegex>,
}

impl LogSearch {
    /// A search for a text, or for a regular expression.
    ///
    /// # Errors
    /// `Config` when the expression is wrong or too large.
    pub fn new(text: &str, expression: bool) -> Result<LogSearch> {
        let failed = |error: regex::Error| {
            Error::new(ErrorKind::Config, "This is not a regular expression that can be searched for.")
                .meaning("Nothing was searched.")
                .fix("Correct it, or search for it as plain text.")
                .caused_by(error)
        };
        let pattern = if expression { text.to_owned() } else { regex::escape(text) };
        let pattern = RegexBuilder::new(&pattern)
            .case_insensitive(true)
            .size_limit(PATTERN_BYTES_MAX)
            .build()
            .map_err(failed)?;
        // As the text stands in JSON.
        let escaped = serde_json::to_string(text).unwrap_or_default();
        let hint = escaped.get(1..escaped.len() - 1).filter(|_| !expression).and_then(|inner| {
            BytesRegexBuilder::new(&regex::escape(inner)).case_insensitive(true).build().ok()
        });
        Ok(LogSearch { key: (text.to_owned(), expression), pattern, hint })
    }

    fn finds(&self, line: &Read<'_>) -> bool {
        self.pattern.is_match(&line.text) || line.table().is_some_and(|table| self.pattern.is_match(table))
    }
}

/// Which lines are wanted, and what is searched for in them.
#[derive(Default)]
pub struct LogQuery {
    /// The sorts of lines.
    pub filter: LogFilter,
    /// What they must hold.
    pub search: Option<LogSearch>,
}

/// A line that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct LogHit {
    /// The how manieth of all that match, from 1.
    pub ordinal: u64,
    /// The number of its line.
    pub n: u64,
    /// How many of the lines among which it was looked for come before it.
    pub position: u64,
}

/// An open log.
pub struct LogReader {
    path: PathBuf,
    file: File,
    blocks: Vec<Block>,
    /// How many lines of each block match what was searched for last. The last block may grow.
    searched: Option<(LogFilter, (String, bool), Vec<u64>)>,
}

impl LogReader {
    /// Opens the log at `path`; none when it is not there.
    ///
    /// # Errors
    /// `Permission` when it cannot be read.
    pub fn open(path: &Path) -> Result<Option<LogReader>> {
        let file = match File::open(path) {
            Ok(file) => file,
            // Old logs are removed, and runs of other computers have theirs there.
            Err(error) if error.kind() == Io::NotFound => return Ok(None),
            Err(error) => return Err(failed(path, error)),
        };
        let length = file.metadata().map_err(|error| failed(path, error))?.len();
        let blocks = index::load(path, length);
        let mut reader = LogReader { path: path.to_owned(), file, blocks, searched: None };
        reader.refresh()?;
        Ok(Some(reader))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size, as far as it is known.
    pub fn bytes(&self) -> u64 {
        self.blocks.last().map_or(0, Block::end)
    }

    /// Takes in what was written since.
    ///
    /// # Errors
    /// `Permission` when it cannot be read.
    pub fn refresh(&mut self) -> Result<()> {
        // The last block may be another one afterwards.
        if let Some((.., hits)) = &mut self.searched {
            hits.truncate(self.blocks.len().saturating_sub(1));
        }
        index::extend(&mut self.blocks, &self.file).map_err(|error| failed(&self.path, error))
    }

    /// How many lines match.
    ///
    /// # Errors
    /// `Permission` when the file cannot be read.
    pub fn total(&mut self, query: &LogQuery) -> Result<u64> {
        Ok(self.counts(query)?.iter().sum())
    }

    /// Up to `limit` lines that match, without the first `from` of them.
    ///
    /// # Errors
    /// `Permission` when the file cannot be read.
    pub fn window(&mut self, query: &LogQuery, from: u64, limit: usize) -> Result<Vec<LogLine>> {
        let counts = self.counts(query)?;
        let mut lines = Vec::new();
        let mut passed = 0;
        for (at, count) in counts.into_iter().enumerate() {
            if lines.len() >= limit {
                break;
            }
            if count > 0 && passed + count > from {
                let skip = usize::try_from(from.saturating_sub(passed)).unwrap_or(usize::MAX);
                let rest = limit - lines.len();
                let found = self.block(at, |n, line| query.holds(&line).then(|| line.into_line(n)))?;
                lines.extend(found.into_iter().skip(skip).take(rest));
            }
            passed += count;
        }
        Ok(lines)
    }

    /// The first match at or behind the line `near`, or the last one before it; at the end of the log the search goes on
    /// at its other end. None when nothing matches. The place of the match is told among the lines of `among`.
    ///
    /// # Errors
    /// `Permission` when the file cannot be read.
    pub fn find(
        &mut self,
        query: &LogQuery,
        among: &LogFilter,
        near: u64,
        backwards: bool,
    ) -> Result<Option<LogHit>> {
        let counts = self.counts(query)?;
        let here = self.blocks.iter().position(|block| near <= block.before + block.lines);
        let here = here.unwrap_or(self.blocks.len().saturating_sub(1));
        let wanted = |n: u64| if backwards { n < near } else { n >= near };
        let all: Vec<usize> = (0..counts.len()).filter(|at| counts[*at] > 0).collect();
        let (first, rest): (Vec<usize>, Vec<usize>) =
            all.into_iter().partition(|at| if backwards { *at <= here } else { *at >= here });
        let mut order: Vec<usize> = first.into_iter().chain(rest).collect();
        if backwards {
            let turn = order.iter().filter(|at| **at <= here).count();
            order[..turn].reverse();
            order[turn..].reverse();
        }
        // The block of `near` may hold matches only on the wrong side of it: then it comes last once more.
        let again = order.first().copied().filter(|at| *at == here);
        for (turn, at) in order.into_iter().chain(again).enumerate() {
            let numbers = self.block(at, |n, line| query.holds(&line).then_some(n))?;
            let right_side = |n: &&u64| turn > 0 || at != here || wanted(**n);
            let hit = match backwards {
                true => numbers.iter().rev().find(right_side),
                false => numbers.iter().find(right_side),
            };
            let Some(n) = hit.copied() else { continue };
            let before = counts[..at].iter().sum::<u64>();
            let ordinal = before + numbers.iter().filter(|other| **other <= n).count() as u64;
            return Ok(Some(LogHit { ordinal, n, position: self.position(among, at, n)? }));
        }
        Ok(None)
    }

    /// The first line of this level; none when there is none.
    ///
    /// # Errors
    /// `Permission` when the file cannot be read.
    pub fn first(&mut self, level: LogLevel) -> Result<Option<LogLine>> {
        let filter = LogFilter { level: Some(level), ..LogFilter::default() };
        Ok(self.window(&LogQuery { filter, search: None }, 0, 1)?.pop())
    }

    fn position(&mut self, filter: &LogFilter, at: usize, n: u64) -> Result<u64> {
        let before: u64 = self.blocks[..at].iter().map(|block| filter.counts(block)).sum();
        let query = LogQuery { filter: filter.clone(), search: None };
        let within = self.block(at, |other, line| (other < n && query.holds(&line)).then_some(()))?;
        Ok(before + within.len() as u64)
    }

    /// How many lines of each block match.
    fn counts(&mut self, query: &LogQuery) -> Result<Vec<u64>> {
        let Some(search) = &query.search else {
            return Ok(self.blocks.iter().map(|block| query.filter.counts(block)).collect());
        };
        let mut hits = match self.searched.take() {
            Some((filter, key, hits)) if filter == query.filter && key == search.key => hits,
            _ => Vec::new(),
        };
        for at in hits.len()..self.blocks.len() {
            let found = match query.filter.counts(&self.blocks[at]) {
                0 => 0,
                _ => self.hits(at, query, search)?,
            };
            hits.push(found);
        }
        self.searched = Some((query.filter.clone(), search.key.clone(), hits.clone()));
        Ok(hits)
    }

    /// How many lines of a block hold what is searched for.
    fn hits(&self, at: usize, query: &LogQuery, search: &LogSearch) -> Result<u64> {
        let bytes = self.bytes_of(&self.blocks[at])?;
        let Some(hint) = &search.hint else {
            let lines = bytes.split(|byte| *byte == b'\n').filter_map(Read::parse);
            return Ok(lines.filter(|line| query.holds(line)).count() as u64);
        };
        let (mut from, mut found) = (0, 0);
        while let Some(candidate) = hint.find_at(&bytes, from) {
            let begin =
                bytes[..candidate.start()].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let end = bytes[candidate.end()..].iter().position(|byte| *byte == b'\n');
            let end = end.map_or(bytes.len(), |length| candidate.end() + length);
            found += u64::from(Read::parse(&bytes[begin..end]).is_some_and(|line| query.holds(&line)));
            from = end;
        }
        Ok(found)
    }

    /// What `pick` takes of the lines of a block, with their numbers.
    fn block<T>(&self, at: usize, mut pick: impl FnMut(u64, Read<'_>) -> Option<T>) -> Result<Vec<T>> {
        let block = &self.blocks[at];
        let bytes = self.bytes_of(block)?;
        let lines =
            bytes.split(|byte| *byte == b'\n').take(usize::try_from(block.lines).unwrap_or(usize::MAX));
        let numbered = (block.before + 1..).zip(lines);
        Ok(numbered.filter_map(|(n, line)| pick(n, Read::parse(line)?)).collect())
    }

    fn bytes_of(&self, block: &Block) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(block.bytes).unwrap_or(0)];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(block.offset))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| failed(&self.path, error))?;
        Ok(bytes)
    }
}

impl LogQuery {
    fn holds(&self, line: &Read<'_>) -> bool {
        self.filter.holds(line.level, line.stage, line.table())
            && self.search.as_ref().is_none_or(|search| search.finds(line))
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Permission, "The log could not be read.")
        .with("file", path.display())
        .caused_by(error)
}
