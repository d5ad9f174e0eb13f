//! Names as they land: readable in every destination, never colliding, stable from run to run.

use std::collections::HashSet;

use syncline_protocol::DestinationCapabilities;
use syncline_store::config::NameStyle;

/// How a destination wants its names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NameRule {
    style: NameStyle,
    bytes_max: usize,
    case_sensitive: bool,
}

impl NameRule {
    pub(crate) fn new(style: NameStyle, capabilities: &DestinationCapabilities) -> Self {
        NameRule {
            style,
            bytes_max: capabilities.identifier_bytes_max,
            case_sensitive: capabilities.case_sensitive,
        }
    }

    /// One name as it lands.
    pub(crate) fn name(self, source: &str) -> String {
        let styled = match self.style {
            NameStyle::Preserve => source.to_owned(),
            NameStyle::SnakeCase => snake_case(source),
        };
        shorten(styled, self.bytes_max)
    }

    /// Names as they land, in the order given; the second of two that would be equal gets `_2`.
    /// `taken` are names that cannot be used.
    pub(crate) fn names<'a>(self, sources: impl Iterator<Item = &'a str>, taken: &[&str]) -> Vec<String> {
        let fold = |name: &str| if self.case_sensitive { name.to_owned() } else { name.to_lowercase() };
        let mut used: HashSet<String> = taken.iter().map(|name| fold(name)).collect();
        sources
            .map(|source| {
                let name = self.name(source);
                let mut unique = name.clone();
                let mut number = 2;
                while !used.insert(fold(&unique)) {
                    let suffix = format!("_{number}");
                    let mut base = name.clone();
                    truncate(&mut base, self.bytes_max.saturating_sub(suffix.len()));
                    unique = base + &suffix;
                    number += 1;
                }
                unique
            })
            .collect()
    }
}

/// `OrderID` → `order_id`, `Größe (cm)` → `größe_cm`, `2nd` → `_2nd`. Letters of all scripts are kept.
fn snake_case(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (at, character) in characters.iter().enumerate() {
        if !character.is_alphanumeric() {
            // A leading underscore means something to people; other leading marks do not.
            let separates = if snake.is_empty() { *character == '_' } else { !snake.ends_with('_') };
            if separates {
                snake.push('_');
            }
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| characters.get(before));
        let after = characters.get(at + 1);
        let starts_word = character.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_numeric()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if starts_word && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    let trimmed = snake.trim_end_matches('_');
    match trimmed.chars().next() {
        None => "_".to_owned(),
        Some(first) if first.is_numeric() => format!("_{trimmed}"),
        Some(_) => trimmed.to_owned(),
    }
}

/// A name that is too long keeps its beginning and gets a hash of the whole, so that two long names stay apart.
fn shorten(mut name: String, bytes_max: usize) -> String {
    if name.len() > bytes_max {
        let hash = blake3::hash(name.as_bytes()).to_hex();
        truncate(&mut name, bytes_max.saturating_sub(9));
        name = format!("{name}_{}", &hash[..8]);
    }
    name
}

fn truncate(name: &mut String, bytes_max: usize) {
    let mut end = bytes_max.min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(bytes_max: usize) -> NameRule {
        NameRule { style: NameStyle::SnakeCase, bytes_max, case_sensitive: false }
    }

    #[test]
    fn names_are_readable() {
        for (source, landed) in [
            ("OrderID", "order_id"),
            ("HTTPServer", "http_server"),
            ("order items", "order_items"),
            ("Größe (cm)", "größe_cm"),
            ("select", "select"),
            ("2nd", "_2nd"),
            ("_id", "_id"),
            ("__v", "_v"),
            ("!!!", "_"),
            ("already_snake", "already_snake"),
        ] {
            assert_eq!(snake_case(source), landed);
        }
    }

    #[test]
    fn collisions_are_numbered_in_order() {
        let names = rule(63).names(
            ["OrderId", "order_id", "ORDER ID", "_syncline_synced_at"].into_iter(),
            &["_syncline_synced_at"],
        );
        assert_eq!(names, ["order_id", "order_id_2", "order_id_3", "_syncline_synced_at_2"]);
    }

    proptest! {
        #[test]
        fn names_fit_and_differ(sources in proptest::collection::hash_set("\\PC{0,90}", 0..20)) {
            let names = rule(30).names(sources.iter().map(String::as_str), &[]);
            prop_assert!(names.iter().all(|name| name.len() <= 30 && !name.is_empty()));
            let folded: HashSet<_> = names.iter().map(|name| name.to_lowercase()).collect();
            prop_assert_eq!(folded.len(), names.len());
        }
    }
}
