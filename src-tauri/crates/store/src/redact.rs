//! Takes known secrets out of any text before it is shown or written.

use std::borrow::Cow;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// What stands in the place of a secret.
pub const REDACTED: &str = "[secret]";

/// Secrets shorter than this are replaced only where they stand alone: cutting every `a` out of a log would make it
/// unreadable and would show the secret by its absence.
const ANYWHERE_BYTES_MIN: usize = 4;

/// Replaces known secret values in texts: as they are, and in the forms they take inside addresses
/// (percent-encoded) and JSON (escaped).
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first, so that a secret that contains another one goes as a whole.
    needles: Vec<SecretString>,
}

impl Redactor {
    /// A redactor that knows these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let mut redactor = Redactor::default();
        redactor.add(secrets);
        redactor
    }

    /// Also takes out these.
    pub fn add<'a>(&mut self, secrets: impl IntoIterator<Item = &'a SecretString>) {
        for secret in secrets {
            for form in forms(secret.expose_secret()) {
                let known = self.needles.iter().any(|needle| needle.expose_secret() == form);
                if !form.is_empty() && !known {
                    self.needles.push(SecretString::from(form));
                }
            }
        }
        self.needles.sort_by_key(|needle| std::cmp::Reverse(needle.expose_secret().len()));
    }

    /// Whether there is nothing to take out.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// `text` with every known secret replaced by `[secret]`. Borrows when there is none in it.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut clean = Cow::Borrowed(text);
        for needle in &self.needles {
            let needle = needle.expose_secret();
            if clean.contains(needle) {
                clean = Cow::Owned(replace(&clean, needle));
            }
        }
        clean
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} forms)", self.needles.len())
    }
}

fn replace(text: &str, needle: &str) -> String {
    if needle.len() >= ANYWHERE_BYTES_MIN {
        return text.replace(needle, REDACTED);
    }
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in text.match_indices(needle) {
        let before = text[..at].chars().next_back();
        let after = text[at + needle.len()..].chars().next();
        let alone = [before, after].into_iter().flatten().all(|character| !character.is_alphanumeric());
        if alone {
            clean.push_str(&text[from..at]);
            clean.push_str(REDACTED);
            from = at + needle.len();
        }
    }
    clean.push_str(&text[from..]);
    clean
}

/// The ways a secret can appear in a text. Twice-escaped JSON occurs where an error text is logged as JSON.
fn forms(secret: &str) -> Vec<String> {
    let json = json_escaped(secret);
    let mut forms = vec![
        secret.to_owned(),
        json_escaped(&json),
        json,
        format!("{secret:?}").trim_matches('"').to_owned(),
    ];
    for keep in ["-_.~", "-_.!~*'()", ""] {
        forms.push(percent_encoded(secret, keep, b"0123456789ABCDEF"));
        forms.push(percent_encoded(secret, keep, b"0123456789abcdef"));
    }
    // A key or certificate of many lines is often shown line by line.
    if secret.contains('\n') {
        forms.extend(secret.lines().map(str::trim).filter(|line| line.len() >= 16).map(str::to_owned));
    }
    forms
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn percent_encoded(text: &str, keep: &str, digits: &[u8; 16]) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || keep.as_bytes().contains(&byte) {
            encoded.push(byte as char);
        } else {
            encoded.push('%');
            encoded.push(digits[usize::from(byte >> 4)] as char);
            encoded.push(digits[usize::from(byte & 15)] as char);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        Redactor::new(&secrets)
    }

    #[test]
    fn every_form_goes() {
        let secret = "p@ss/\"wörd\"\n2";
        let redactor = redactor(&[secret]);
        let json = serde_json::json!({ "error": secret }).to_string();
        let json_in_json = serde_json::json!({ "line": json }).to_string();
        for text in [
            format!("login with {secret} failed"),
            json,
            json_in_json,
            format!("{:?}", format!("login with {secret}")),
            "postgres://me:p%40ss%2F%22w%C3%B6rd%22%0A2@host/db".to_owned(),
            "postgres://me:p%40ss%2f%22w%c3%b6rd%22%0a2@host/db".to_owned(),
        ] {
            let clean = redactor.redact(&text);
            assert!(clean.contains(REDACTED) && !clean.contains("rd"), "{text} -> {clean}");
        }
        assert!(!format!("{redactor:?}").contains("ss"));
    }

    #[test]
    fn the_longer_secret_goes_as_a_whole() {
        let redactor = redactor(&["abcd", "abcdefgh"]);
        assert_eq!(redactor.redact("x abcdefgh y abcd"), "x [secret] y [secret]");
    }

    #[test]
    fn a_short_secret_does_not_eat_the_text() {
        let redactor = redactor(&["a"]);
        assert_eq!(redactor.redact("banana a, pw=a."), "banana [secret], pw=[secret].");
        assert!(matches!(redactor.redact("nothing"), Cow::Borrowed(_)));
        assert!(matches!(Redactor::default().redact("x"), Cow::Borrowed(_)));
    }
}
