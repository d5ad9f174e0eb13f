//! What is known of a log without reading it: for each block of some thousand lines, where it begins and how many lines
//! of each sort it has. Written beside the log while that is written, so that a log of any size opens at once; what is
//! missing of it is made up from the log.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::line::{LogLevel, LogStage, Read};

/// Lines of a block. An index takes about a thousandth of its log.
const BLOCK_LINES: u64 = 4096;

/// Lines that follow each other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Block {
    /// Its first byte.
    pub(super) offset: u64,
    pub(super) bytes: u64,
    /// How many lines come before it.
    pub(super) before: u64,
    pub(super) lines: u64,
    pub(super) sorts: Vec<Sort>,
}

/// How many lines of a block are of one sort.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sort {
    pub(super) level: LogLevel,
    pub(super) stage: LogStage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) table: Option<String>,
    pub(super) lines: u64,
}

impl Block {
    /// An empty one behind this one.
    pub(super) fn following(&self) -> Block {
        Block { offset: self.end(), before: self.before + self.lines, ..Block::default() }
    }

    pub(super) fn end(&self) -> u64 {
        self.offset + self.bytes
    }

    pub(super) fn is_full(&self) -> bool {
        self.lines >= BLOCK_LINES
    }

    pub(super) fn add(&mut self, level: LogLevel, stage: LogStage, table: Option<&str>, bytes: u64) {
        self.skip(bytes);
        let same =
            |sort: &&mut Sort| sort.level == level && sort.stage == stage && sort.table.as_deref() == table;
        match self.sorts.iter_mut().find(same) {
            Some(sort) => sort.lines += 1,
            None => self.sorts.push(Sort { level, stage, table: table.map(str::to_owned), lines: 1 }),
        }
    }

    /// A line that cannot be read: it has a number, and nothing else.
    fn skip(&mut self, bytes: u64) {
        self.lines += 1;
        self.bytes += bytes;
    }
}

/// Where the index of a log lies.
pub(super) fn path_of(log: &Path) -> PathBuf {
    log.with_extension("index.jsonl")
}

/// The blocks of the index that belong to a log of `length` bytes, as far as they follow each other without a gap.
pub(super) fn load(log: &Path, length: u64) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let Ok(file) = File::open(path_of(log)) else { return blocks };
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
            return blocks;
        }
        // The last line of a program that was killed may be half a line.
        let Ok(block) = serde_json::from_slice::<Block>(&line) else { return blocks };
        let expected = blocks.last().map(Block::following).unwrap_or_default();
        let fits = block.offset == expected.offset
            && block.before == expected.before
            && block.is_full()
            && block.end() <= length;
        if !fits {
            return blocks;
        }
        blocks.push(block);
    }
}

/// Goes on with the blocks of a log to its present end. A last line without an end is left for the next time.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn extend(blocks: &mut Vec<Block>, file: &File) -> std::io::Result<()> {
    let mut open = match blocks.pop() {
        Some(block) if block.is_full() => {
            let next = block.following();
            blocks.push(block);
            next
        }
        Some(block) => block,
        None => Block::default(),
    };
    let mut reader = BufReader::with_capacity(1 << 18, file);
    reader.seek(SeekFrom::Start(open.end()))?;
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            break;
        }
        match Read::parse(&line) {
            Some(read) => open.add(read.level, read.stage, read.table(), line.len() as u64),
            None => open.skip(line.len() as u64),
        }
        if open.is_full() {
            let next = open.following();
            blocks.push(std::mem::replace(&mut open, next));
        }
    }
    if open.lines > 0 {
        blocks.push(open);
    }
    Ok(())
}
