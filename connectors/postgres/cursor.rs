//! Which columns could tell what is new, and why.

use syncline_protocol::{CursorCandidate, LogicalType};

/// What is known of a column.
pub(super) struct Facts<'a> {
    pub(super) name: &'a str,
    pub(super) logical: &'a LogicalType,
    pub(super) nullable: bool,
    /// An index begins with it.
    pub(super) indexed: bool,
    /// It is the whole key.
    pub(super) only_key: bool,
}

/// Words in names of columns that change with each update, best first.
const UPDATED: [&str; 7] = ["updated", "modified", "changed", "last_update", "mtime", "lastmod", "last_edit"];
/// Words in names of columns that are set once.
const CREATED: [&str; 5] = ["created", "inserted", "added", "ctime", "event_time"];

/// The candidates, best first.
pub(super) fn candidates<'a>(columns: impl Iterator<Item = Facts<'a>>) -> Vec<CursorCandidate> {
    let mut ranked: Vec<_> = columns.filter_map(|facts| rank(&facts)).collect();
    ranked.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

fn rank(facts: &Facts<'_>) -> Option<(i32, CursorCandidate)> {
    let name = facts.name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let mut reasons = Vec::new();
    let mut score = match facts.logical {
        LogicalType::Timestamp | LogicalType::TimestampTz => {
            reasons.push("timestamp");
            40
        }
        LogicalType::Date => {
            reasons.push("date");
            10
        }
        LogicalType::Int32 | LogicalType::Int64 if facts.only_key => {
            reasons.push("rising key: notices new rows, not changed ones");
            15
        }
        LogicalType::Int64
            if ["version", "revision", "rowversion", "lsn", "seq"].iter().any(|w| name.contains(w)) =>
        {
            reasons.push("number, named like a version");
            20
        }
        _ => return None,
    };
    if has(&UPDATED) {
        reasons.push("named like an update time");
        score += 40;
    } else if has(&CREATED) {
        reasons.push("named like a creation time: notices new rows, not changed ones");
        score += 10;
    }
    if facts.nullable {
        reasons.push("can be null: such rows are read only once");
        score -= 10;
    } else {
        reasons.push("no nulls");
    }
    if facts.indexed {
        reasons.push("indexed");
        score += 5;
    }
    Some((score, CursorCandidate { column: facts.name.to_owned(), reason: reasons.join(", ") }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_update_time_comes_first() {
        let facts = |name, logical, nullable, only_key| Facts {
            name,
            logical,
            nullable,
            indexed: only_key,
            only_key,
        };
        let columns = [
            facts("id", &LogicalType::Int64, false, true),
            facts("name", &LogicalType::Text, false, false),
            facts("created_at", &LogicalType::TimestampTz, false, false),
            facts("updated_at", &LogicalType::TimestampTz, false, false),
        ];
        let found = candidates(columns.into_iter());
        let names: Vec<_> = found.iter().map(|c| c.column.as_str()).collect();
        assert_eq!(names, ["updated_at", "created_at", "id"]);
        assert_eq!(found[0].reason, "timestamp, named like an update time, no nulls");
    }
}
