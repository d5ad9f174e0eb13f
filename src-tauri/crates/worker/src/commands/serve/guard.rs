//! Who may talk to the server.
//!
//! Listening on the loopback interface keeps other computers out, not other users of this one, and not the pages that are
//! open in the same browser. So:
//! - a random token in the address lets a browser in, once; it gets a session cookie that scripts cannot read;
//! - the `Host` must be ours: a foreign name that resolves to this computer (DNS rebinding) is refused;
//! - what asks for something (requests, events) must come from our own page: `Origin` is ours.

use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderValue, header};
use subtle::ConstantTimeEq;
use syncline_protocol::Result;
use syncline_store::project::random_hex;

/// Nothing from elsewhere, no inline script, no frame around us. Style attributes are needed by the components.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws://{host}; object-src 'none'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The request names another server.
    Host,
    /// It comes from another page.
    Origin,
    /// Nobody has let it in.
    Session,
}

/// The secrets of one server.
pub(super) struct Guard {
    port: u16,
    /// Lets one browser in; gone once it has.
    token: Mutex<Option<String>>,
    session: String,
}

impl Guard {
    /// For the server on this port.
    pub(super) fn new(port: u16) -> Result<Guard> {
        let token = Mutex::new(Some(random_hex::<32>()?));
        Ok(Guard { port, token, session: random_hex::<32>()? })
    }

    /// The address that lets one browser in.
    pub(super) fn entrance(&self) -> String {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        format!("http://127.0.0.1:{}/?token={}", self.port, token.as_deref().unwrap_or_default())
    }

    /// Takes the token. True for the right one, and only for the first who brings it.
    pub(super) fn redeem(&self, given: &str) -> bool {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let right = token.as_deref().is_some_and(|token| same(token, given));
        if right {
            *token = None;
        }
        right
    }

    /// The cookie that marks a browser that was let in. `Lax`, because the way in leads over a redirect that a mail or
    /// terminal program began; foreign pages are kept out by their `Origin`.
    pub(super) fn cookie(&self) -> HeaderValue {
        let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Lax", self.cookie_name(), self.session);
        // Digits and letters only.
        HeaderValue::from_str(&cookie).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// Cookies do not know ports: several servers on one computer need several names.
    fn cookie_name(&self) -> String {
        format!("syncline_{}", self.port)
    }

    /// Whether this is for us, and from a browser that was let in.
    pub(super) fn check_page(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        self.check_host(headers)?;
        if self.has_session(headers) { Ok(()) } else { Err(Refusal::Session) }
    }

    /// As [`check_page`](Self::check_page), and it comes from our own page.
    pub(super) fn check_request(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        self.check_host(headers)?;
        let origin = text(headers, header::ORIGIN);
        let ours = origin.and_then(|origin| origin.strip_prefix("http://")).is_some_and(|host| {
            // The page and the request have the same name for us.
            Some(host) == text(headers, header::HOST)
        });
        let same_site = text(headers, header::HeaderName::from_static("sec-fetch-site"))
            .is_none_or(|site| site == "same-origin");
        if !(ours && same_site) {
            return Err(Refusal::Origin);
        }
        if self.has_session(headers) { Ok(()) } else { Err(Refusal::Session) }
    }

    /// Whether the request is for this server under one of its own names.
    pub(super) fn check_host(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = text(headers, header::HOST).unwrap_or_default();
        let ours = host.rsplit_once(':').is_some_and(|(name, port)| {
            matches!(name, "127.0.0.1" | "localhost") && port == self.port.to_string()
        });
        if ours { Ok(()) } else { Err(Refusal::Host) }
    }

    fn has_session(&self, headers: &HeaderMap) -> bool {
        let name = self.cookie_name();
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .any(|(known, value)| known == name && same(value, &self.session))
    }

    /// Puts on every answer what browsers must know. `host` was checked or is not repeated.
    pub(super) fn protect(&self, headers: &mut HeaderMap) {
        let policy = CONTENT_SECURITY_POLICY
            .replace("ws://{host}", &format!("ws://127.0.0.1:{0} ws://localhost:{0}", self.port));
        let fixed = [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
            (
                header::HeaderName::from_static("permissions-policy"),
                "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
            ),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Compares in a time that does not tell how much was right.
fn same(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        pairs.collect()
    }

    #[test]
    fn the_token_lets_one_in() {
        let guard = Guard::new(4100).unwrap();
        let url = guard.entrance();
        let token = url.split_once("token=").unwrap().1.to_owned();
        assert_eq!(token.len(), 64);
        assert!(!guard.redeem("") && !guard.redeem(&token[1..]));
        assert!(guard.redeem(&token));
        assert!(!guard.redeem(&token), "only once");
        assert!(!guard.redeem(""), "no token is not the empty one");
    }

    #[test]
    fn only_our_own_page_with_its_session_is_heard() {
        let guard = Guard::new(4100).unwrap();
        let session = format!("other=1; syncline_4100={}", guard.session);
        let check = |host: &str, origin: &str, cookie: &str| {
            guard.check_request(&headers(&[("host", host), ("origin", origin), ("cookie", cookie)]))
        };
        let ours = ("127.0.0.1:4100", "http://127.0.0.1:4100");
        assert_eq!(check(ours.0, ours.1, &session), Ok(()));
        assert_eq!(check("localhost:4100", "http://localhost:4100", &session), Ok(()));
        assert_eq!(check("evil.example:4100", "http://evil.example:4100", &session), Err(Refusal::Host));
        assert_eq!(check("127.0.0.1:4101", "http://127.0.0.1:4101", &session), Err(Refusal::Host));
        for origin in ["http://evil.example", "https://127.0.0.1:4100", "null", "http://localhost:4100", ""] {
            assert_eq!(check(ours.0, origin, &session), Err(Refusal::Origin), "{origin}");
        }
        for cookie in ["", "syncline_4100=", "syncline_4100=0000", "syncline_4101=x"] {
            assert_eq!(check(ours.0, ours.1, cookie), Err(Refusal::Session), "{cookie}");
        }
        let without_origin = headers(&[("host", ours.0), ("cookie", &session)]);
        assert_eq!(guard.check_request(&without_origin), Err(Refusal::Origin));
        assert_eq!(guard.check_page(&without_origin), Ok(()));
        let foreign = headers(&[
            ("host", ours.0),
            ("origin", ours.1),
            ("cookie", &session),
            ("sec-fetch-site", "cross-site"),
        ]);
        assert_eq!(guard.check_request(&foreign), Err(Refusal::Origin));
    }
}
