//! How a table of a source is named.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of a table in a source: `namespace.name`, or `name` where the source has no namespaces.
///
/// As text, a part that holds a dot or a double quote is written in double quotes, with quotes doubled:
/// `public."a.b"`.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(type = "string"))]
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// Schema, folder or database; none for sources without such a level.
    pub namespace: Option<String>,
    /// The table itself.
    pub name: String,
}

impl TableName {
    /// A table in a namespace.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        TableName { namespace: Some(namespace.into()), name: name.into() }
    }

    /// A table of a source that has no namespaces.
    pub fn bare(name: impl Into<String>) -> Self {
        TableName { namespace: None, name: name.into() }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |text: &str| {
            if text.is_empty() || text.contains(['.', '"']) {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text.to_owned()
            }
        };
        match &self.namespace {
            Some(namespace) => write!(f, "{}.{}", part(namespace), part(&self.name)),
            None => f.write_str(&part(&self.name)),
        }
    }
}

impl FromStr for TableName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is not a table name; write it as `namespace.name` or `name`");
        let mut parts = vec![String::new()];
        let mut characters = text.chars().peekable();
        let mut quoted = false;
        while let Some(character) = characters.next() {
            let last = parts.len() - 1;
            match character {
                '"' if quoted && characters.peek() == Some(&'"') => {
                    characters.next();
                    parts[last].push('"');
                }
                '"' if quoted => quoted = false,
                '"' if parts[last].is_empty() => quoted = true,
                '.' if !quoted => parts.push(String::new()),
                other => parts[last].push(other),
            }
        }
        match (quoted, parts.as_mut_slice()) {
            (false, [name]) if !name.is_empty() => Ok(TableName::bare(std::mem::take(name))),
            (false, [namespace, name]) if !name.is_empty() => {
                Ok(TableName::new(std::mem::take(namespace), std::mem::take(name)))
            }
            _ => Err(wrong()),
        }
    }
}

impl Serialize for TableName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TableName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for TableName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TableName".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "namespace.name, or name where the source has no namespaces"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_name_survives_its_text(namespace in proptest::option::of("[a-z.\"A-Z ]{1,8}"), name in "[a-z.\" é]{1,8}") {
            let table = TableName { namespace, name };
            prop_assert_eq!(table.to_string().parse::<TableName>(), Ok(table));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "a.b.c", "a.", "\"open"] {
            assert!(text.parse::<TableName>().is_err(), "{text}");
        }
    }
}
