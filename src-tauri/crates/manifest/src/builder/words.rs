//! Names that mean something in most APIs, the likeliest first.

/// Where rows stand in an answer.
pub(super) const ROWS: [&str; 11] = [
    "data", "items", "results", "records", "entries", "values", "value", "rows", "list", "objects", "content",
];
pub(super) const PAGE: [&str; 7] =
    ["page", "page_number", "pageNumber", "page[number]", "pageNo", "pagenum", "p"];
pub(super) const SIZE: [&str; 14] = [
    "per_page",
    "perPage",
    "page_size",
    "pageSize",
    "page[size]",
    "limit",
    "size",
    "count",
    "max_results",
    "maxResults",
    "page_limit",
    "rows",
    "top",
    "$top",
];
pub(super) const OFFSET: [&str; 8] =
    ["offset", "skip", "$skip", "start", "start_at", "startAt", "start_index", "page[offset]"];
/// Parameters that take the cursor of an answer.
pub(super) const CURSOR: [&str; 16] = [
    "cursor",
    "page_token",
    "pageToken",
    "next_token",
    "nextToken",
    "continuation_token",
    "continuationToken",
    "next_cursor",
    "page[cursor]",
    "page[after]",
    "starting_after",
    "after",
    "start_cursor",
    "marker",
    "token",
    "continuation",
];
/// Parameters that ask for newer rows.
pub(super) const SINCE: [&str; 24] = [
    "updated_since",
    "updated_after",
    "modified_since",
    "modified_after",
    "changed_since",
    "updated_at_min",
    "updated_at[gte]",
    "updated_at__gte",
    "updated_at_gte",
    "updated[gte]",
    "updatedSince",
    "updatedAfter",
    "modifiedSince",
    "modifiedAfter",
    "if_modified_since",
    "last_modified_after",
    "since",
    "start_time",
    "created_after",
    "created_since",
    "created[gte]",
    "from",
    "start_date",
    "min_time",
];
/// Fields that lead to the next page, by the end of their path.
pub(super) const NEXT_LINK: [&str; 9] = [
    "next",
    "next_url",
    "nextUrl",
    "next_page_url",
    "next_page",
    "nextLink",
    "@odata.nextLink",
    "next_link",
    "href",
];
pub(super) const NEXT_CURSOR: [&str; 12] = [
    "next_cursor",
    "nextCursor",
    "next_page_token",
    "nextPageToken",
    "next_token",
    "nextToken",
    "continuation_token",
    "continuationToken",
    "end_cursor",
    "endCursor",
    "cursor",
    "after",
];
/// Objects in which such fields stand.
pub(super) const ABOUT_PAGES: [&str; 12] = [
    "links",
    "_links",
    "link",
    "meta",
    "paging",
    "pagination",
    "page",
    "page_info",
    "pageInfo",
    "cursors",
    "response_metadata",
    "next",
];
pub(super) const KEY: [&str; 7] = ["id", "uuid", "guid", "key", "_id", "uid", "code"];
/// Times that move when a row changes, then those that are set once.
pub(super) const CHANGED: [&str; 18] = [
    "updated_at",
    "updatedAt",
    "modified_at",
    "modifiedAt",
    "last_modified",
    "lastModified",
    "last_updated",
    "lastUpdated",
    "updated",
    "modified",
    "changed_at",
    "date_modified",
    "dateModified",
    "updated_on",
    "modified_on",
    "update_time",
    "last_modified_at",
    "updated_time",
];
pub(super) const CREATED: [&str; 9] = [
    "created_at",
    "createdAt",
    "created",
    "created_on",
    "date_created",
    "dateCreated",
    "timestamp",
    "time",
    "date",
];

/// The first of these words that is among the names.
pub(super) fn first<'n>(words: &[&str], names: impl Iterator<Item = &'n str> + Clone) -> Option<&'n str> {
    words.iter().find_map(|word| names.clone().find(|name| name == word))
}

/// Where a name stands among words: a smaller number is likelier.
pub(super) fn rank(words: &[&str], name: &str) -> Option<usize> {
    words.iter().position(|word| *word == name)
}

/// `Ticket Comments` or `ticketComments` → `ticket_comments`.
pub(super) fn snake(text: &str) -> String {
    let mut name = String::new();
    let mut before = '_';
    for letter in any_ascii::any_ascii(text).chars() {
        if letter.is_ascii_alphanumeric() {
            if letter.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        } else if !name.ends_with('_') && !name.is_empty() {
            name.push('_');
        }
        before = letter;
    }
    name.trim_matches('_').to_owned()
}

/// A name for a connector: `Acme Tickets API` → `acme-tickets`.
pub(super) fn connector(title: &str) -> String {
    let snake = snake(title).replace('_', "-");
    let short = snake.trim_end_matches("-api").trim_end_matches("-rest").trim_start_matches("the-");
    let short: String = short.chars().take(40).collect();
    let short = short.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
    if short.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        short.to_owned()
    } else {
        format!("api-{short}").trim_end_matches('-').to_owned()
    }
}
