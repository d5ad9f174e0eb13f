//! What is wrong with a draft, in words for the model that made it.

use syncline_protocol::builder::{BuilderField, Found, InputProblem, TrialFinding, TrialResult};

use super::problems;

pub(super) const NO_MANIFEST: &str = "There is no manifest in the answer: no ```yaml block that holds one.";
pub(super) const NO_TABLES: &str = "The manifest has no table in `streams`.";
pub(super) const TOO_LONG: &str = "The requests of the draft took longer than two minutes.";

/// A manifest that cannot be loaded.
pub(super) fn not_loaded(problem: &InputProblem) -> String {
    match problem.line {
        Some(line) => format!("The manifest cannot be loaded, line {line}: {}", problem.message),
        None => format!("The manifest cannot be loaded: {}", problem.message),
    }
}

/// Why a table does not pass; nothing when it does. `values`: what the API said may be repeated.
pub(super) fn of(table: &str, result: &TrialResult, values: bool) -> Vec<String> {
    let mut failed: Vec<String> =
        problems(result).map(|finding| format!("`{table}`: {}", about(finding, values))).collect();
    if failed.is_empty() && result.row_count == 0 {
        failed.push(format!("`{table}`: no rows came."));
    }
    failed
}

fn about(finding: &TrialFinding, values: bool) -> String {
    match &finding.what {
        // Settings that the draft wants and nobody has entered: that is not of the API.
        Found::Failed { message, .. } if finding.field == BuilderField::SignIn => message.clone(),
        found => sentence(found, values),
    }
}

fn sentence(found: &Found, values: bool) -> String {
    let place = |path: &[String]| format!("{path:?}");
    match found {
        Found::NotLoaded { message, line } => {
            not_loaded(&InputProblem { line: *line, message: message.clone() })
        }
        Found::NotSignedIn { status, .. } => {
            format!("the API answers with {status}: it wants another sign-in than was sent.")
        }
        Found::Forbidden { url } => format!("403 at {}: not allowed to read it.", address(url, values)),
        Found::NoSuchPath { url } => format!("404: there is nothing at {}.", address(url, values)),
        Found::WebPage { url } => format!("{} answers with a web page, not data.", address(url, values)),
        Found::NotJson { url } => format!("the answer of {} is no JSON.", address(url, values)),
        Found::ServerFailed { status } => format!("the API fails with {status}."),
        Found::AskedTooOften { .. } => "the API answers with 429.".to_owned(),
        Found::Refused { status, message } if values => format!("the API refuses with {status}: {message}"),
        Found::Refused { status, .. } => format!("the API refuses the request with {status}."),
        Found::Unreachable { message } => message.clone(),
        Found::NotRecorded => {
            "a request is none of those that were recorded; only those can be proved.".to_owned()
        }
        Found::OutOfBounds { method, host } => format!("it sends {method} to {host}, which is not allowed."),
        Found::Failed { message, .. } if values => message.clone(),
        Found::Failed { .. } => "reading it fails.".to_owned(),
        Found::NoRows { at, other } => match other {
            Some(other) => format!("there are no rows at {at}; there is an array at {}.", place(&other.path)),
            None => format!("there are no rows at {at}."),
        },
        Found::OneObject { other } => {
            format!("the whole answer is taken as one row; there is an array at {}.", place(&other.path))
        }
        Found::PageRepeats => "the second page is the same as the first: the paging is wrong.".to_owned(),
        Found::KeyDoubled { key, doubled, rows } => {
            format!(
                "the key {} is not unique: {doubled} values come more than once in {rows} rows.",
                place(key)
            )
        }
        Found::KeyMissing { key, missing } => format!("the key {} is missing in {missing} rows.", place(key)),
        Found::TimeMissing { field } => format!("no row has the cursor field `{field}`."),
        Found::TimeFormat { field, format, example } => {
            let is = format.clone().or_else(|| values.then(|| format!("one like `{example}`")));
            let is = is.map_or_else(String::new, |format| format!("; it is {format}"));
            format!("`{field}` is not in any of the formats of the cursor{is}.")
        }
        Found::FilterIgnored { parameter, older, rows, .. } => {
            let parameter = parameter.as_deref().unwrap_or("the cursor");
            format!("{older} of {rows} rows are older than was asked for: the API ignores `{parameter}`.")
        }
        // These speak for a draft, or not against it.
        Found::RowsFound { .. }
        | Found::OnePage { .. }
        | Found::PagesProved { .. }
        | Found::NextSeen { .. }
        | Found::KeyUnique { .. }
        | Found::KeyUnset { .. }
        | Found::NewerProved { .. }
        | Found::NewerUnproved { .. }
        | Found::Mixed { .. } => "it is not proved.".to_owned(),
    }
}

/// An address; without leave without its parameters: they may be values of an answer.
fn address(url: &str, values: bool) -> &str {
    if values { url } else { url.split('?').next().unwrap_or(url) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_said_is_told_with_leave_only() {
        let refused = Found::Refused { status: 400, message: "Ann is no number".to_owned() };
        assert!(!sentence(&refused, false).contains("Ann") && sentence(&refused, true).contains("Ann"));
        let gone = Found::NoSuchPath { url: "https://a.test/x?cursor=Ann".to_owned() };
        assert!(!sentence(&gone, false).contains("Ann") && sentence(&gone, true).contains("Ann"));
        let time = Found::TimeFormat { field: "at".to_owned(), example: "Ann".to_owned(), format: None };
        assert!(!sentence(&time, false).contains("Ann") && sentence(&time, true).contains("Ann"));
    }
}
