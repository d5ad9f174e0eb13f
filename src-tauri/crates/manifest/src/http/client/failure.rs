//! What went wrong between us and a server, in words.

use std::error::Error as StdError;
use std::time::Duration;

use syncline_protocol::{Error, ErrorKind};

/// A request got no answer.
pub(crate) fn of_request(host: &str, error: reqwest::Error) -> Error {
    // The address may hold a secret in its query.
    let error = error.without_url();
    let chain = chain(&error);
    let found = if let Some(refused) = refusal(&error) {
        return refused;
    } else if is_tls(&chain) {
        Error::new(ErrorKind::Tls, format!("A safe connection to {host} could not be made."))
            .fix("Check the address, the date of this computer, and whether a proxy changes certificates.")
    } else if error.is_timeout() {
        Error::new(ErrorKind::Timeout, format!("{host} did not answer in time."))
    } else if error.is_connect() {
        Error::new(ErrorKind::Unreachable, format!("{host} cannot be reached."))
    } else if error.is_builder() || error.is_redirect() {
        Error::new(ErrorKind::Config, format!("The request to {host} is not valid."))
    } else {
        Error::new(ErrorKind::ConnectionLost, format!("The connection to {host} broke."))
    };
    found.caused_by(error)
}

/// A body broke off.
pub(crate) fn of_body(host: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let found = if error.is_decode() && chain(&error).iter().any(|text| is_compression(text)) {
        Error::new(ErrorKind::CorruptInput, format!("An answer of {host} cannot be decompressed."))
    } else if error.is_timeout() {
        Error::new(ErrorKind::Timeout, format!("{host} stopped in the middle of an answer."))
    } else {
        Error::new(ErrorKind::ConnectionLost, format!("{host} broke off in the middle of an answer."))
    };
    found.caused_by(error)
}

/// A server is silent for too long.
pub(crate) fn stalled(host: &str, idle: Duration) -> Error {
    let seconds = idle.as_secs_f64();
    Error::new(ErrorKind::Timeout, format!("{host} stopped sending and was silent for {seconds} seconds."))
}

/// The error that a reader of a body carries, or one for malformed content.
pub(crate) fn from_io(error: std::io::Error, what: &str) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => own,
        Err(error) => {
            Error::new(ErrorKind::CorruptInput, format!("An answer of the API is {what}.")).caused_by(error)
        }
    }
}

/// An address that a public API must not lead to.
#[derive(Debug)]
pub(crate) struct PrivateAddress(pub(crate) String);

impl std::fmt::Display for PrivateAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is a private address", self.0)
    }
}

impl StdError for PrivateAddress {}

impl PrivateAddress {
    pub(crate) fn told(&self) -> Error {
        let host = &self.0;
        Error::new(
            ErrorKind::Permission,
            format!(
                "The API led to {host}, an address of this computer or the local network. That was refused."
            ),
        )
        .meaning("No request was sent there.")
        .fix("If the API really lives there, enter that address in the connection itself.")
    }
}

fn refusal(error: &reqwest::Error) -> Option<Error> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(refused) = cause.downcast_ref::<PrivateAddress>() {
            return Some(refused.told());
        }
        next = cause.source();
    }
    None
}

fn chain(error: &reqwest::Error) -> Vec<String> {
    let mut texts = Vec::new();
    let mut next = StdError::source(error);
    while let Some(cause) = next {
        texts.push(cause.to_string());
        next = cause.source();
    }
    texts
}

fn is_tls(chain: &[String]) -> bool {
    let signs =
        ["certificate", "InvalidContentType", "handshake", "corrupt message", "HandshakeFailure", "TLS"];
    chain.iter().any(|text| signs.iter().any(|sign| text.contains(sign)))
}

fn is_compression(text: &str) -> bool {
    ["gzip", "deflate", "brotli", "zstd", "Zstd", "compress", "corrupt"]
        .iter()
        .any(|sign| text.contains(sign))
}
