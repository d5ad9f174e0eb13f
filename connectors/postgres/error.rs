//! From what the server or the driver says to a kind and a sentence.

use syncline_protocol::{Error, ErrorKind};

/// The error of a statement, with what it was for (`"read public.orders"`) as a fact.
pub(super) fn failed(error: tokio_postgres::Error, doing: &str) -> Error {
    let mapped = match error.as_db_error() {
        Some(refusal) => refused(refusal.code().code(), refusal.message(), refusal.hint()),
        None if is_local(&error) => {
            Error::internal("The answer of the database was not what this connector expected.")
        }
        None => Error::new(ErrorKind::ConnectionLost, "The connection to the database broke."),
    };
    mapped.with("while", doing).caused_by(error)
}

/// For `map_err`: `failed` with its second argument given.
pub(super) fn while_doing(doing: &str) -> impl FnOnce(tokio_postgres::Error) -> Error + '_ {
    move |error| failed(error, doing)
}

/// Whether the driver could not make sense of values, as opposed to not reaching the server.
fn is_local(error: &tokio_postgres::Error) -> bool {
    use std::error::Error as _;
    let io = error.source().is_some_and(|cause| cause.is::<std::io::Error>());
    !io && !error.is_closed()
}

/// A refusal of the server. The primary message goes into the headline where it names what was refused (a table, a
/// column); `DETAIL` never does, because it can hold values of rows.
pub(super) fn refused(code: &str, said: &str, hint: Option<&str>) -> Error {
    let (kind, message) = match code {
        "28P01" | "28000" => {
            (ErrorKind::Authentication, format!("The database did not accept the sign-in: {said}."))
        }
        "3D000" => (ErrorKind::NotFound, format!("There is no such database on this server: {said}.")),
        "42501" => (ErrorKind::Permission, format!("The database does not allow this: {said}.")),
        "25006" => {
            (ErrorKind::Permission, "The database is read-only, for example a standby server.".to_owned())
        }
        "42P01" | "3F000" => (ErrorKind::NotFound, format!("A table is not there: {said}.")),
        "42703" | "42704" | "42804" | "42846" | "42883" | "42809" => {
            (ErrorKind::SchemaChanged, format!("The table no longer has the expected columns: {said}."))
        }
        // "cached plan must not change result type", or a feature that the server has not
        "0A000" if said.contains("cached plan") => {
            (ErrorKind::SchemaChanged, "The table changed its columns while it was in use.".to_owned())
        }
        "0A000" => (ErrorKind::Unsupported, format!("The database cannot do this: {said}.")),
        "26000" | "08P01" => (
            ErrorKind::Unsupported,
            format!("The server, perhaps a connection pooler, lost track of the session: {said}."),
        ),
        "53100" => (ErrorKind::DiskFull, "The disk of the database server is full.".to_owned()),
        "53300" => (ErrorKind::Unreachable, "The database server has no free connection.".to_owned()),
        "53200" | "53400" | "54000" | "54001" | "54011" | "54023" => {
            (ErrorKind::LimitExceeded, format!("A limit of the database server was reached: {said}."))
        }
        "57P03" => (ErrorKind::Unreachable, format!("The database does not take connections now: {said}.")),
        "57P01" | "57P02" | "57P04" | "57P05" | "25P03" => {
            (ErrorKind::ConnectionLost, format!("The database server closed the connection: {said}."))
        }
        "57014" => (ErrorKind::Timeout, format!("The database cancelled a statement: {said}.")),
        "55P03" => (ErrorKind::Timeout, format!("A lock in the database was not free in time: {said}.")),
        "55006" => (ErrorKind::Locked, format!("The table is in use: {said}.")),
        "40001" | "40P01" | "72000" => {
            (ErrorKind::Conflict, format!("Another transaction got in the way: {said}."))
        }
        _ => by_class(code, said),
    };
    let error = Error::new(kind, message).with("sqlstate", code);
    match (code, hint) {
        ("26000" | "08P01", _) => error.fix(
            "Use the address of the database itself, or session pooling instead of transaction pooling.",
        ),
        (_, Some(hint)) => error.with("hint", hint),
        (_, None) => error,
    }
}

fn by_class(code: &str, said: &str) -> (ErrorKind, String) {
    match code.get(..2) {
        Some("08") => (ErrorKind::ConnectionLost, format!("The connection to the database broke: {said}.")),
        Some("53" | "58") => {
            (ErrorKind::Unreachable, format!("The database server is in trouble itself: {said}."))
        }
        Some("40" | "55") => (ErrorKind::Conflict, format!("The database is not ready for this: {said}.")),
        // The texts of these classes can hold values of rows: they stay in the details.
        Some("22") => (ErrorKind::CorruptInput, "The database did not accept a value.".to_owned()),
        Some("23") => (ErrorKind::CorruptInput, "A constraint of the database refused a row.".to_owned()),
        Some("XX") if code != "XX000" => {
            (ErrorKind::CorruptInput, format!("The database reports damaged data: {said}."))
        }
        _ => (ErrorKind::Internal, format!("The database refused a statement: {said}.")),
    }
}
