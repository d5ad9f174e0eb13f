//! Names and values in SQL text.

use syncline_protocol::TableName;

/// A name in double quotes.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A value in single quotes. The `E` form, so that backslashes mean the same whatever the server is set to.
pub(super) fn literal(value: &str) -> String {
    if value.contains('\\') {
        format!("E'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
    } else {
        format!("'{}'", value.replace('\'', "''"))
    }
}

/// A table with its schema, both quoted. A bare name means the schema `public`, as `search_path` is empty.
pub(super) fn quote_table(table: &TableName) -> String {
    format!("{}.{}", quote(table.namespace.as_deref().unwrap_or("public")), quote(&table.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(quote("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
        assert_eq!(quote_table(&TableName::new("s", "T x")), "\"s\".\"T x\"");
    }
}
