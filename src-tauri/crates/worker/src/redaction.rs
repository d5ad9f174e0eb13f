//! The secrets this process has seen, so that none of them gets onto the screen or into a log.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::SecretString;
use syncline_store::Redactor;

/// A redactor that learns. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Redaction(Arc<RwLock<Redactor>>);

impl Redaction {
    /// From now on these are taken out as well.
    pub fn learn(&self, secrets: &[SecretString]) {
        if !secrets.is_empty() {
            self.0.write().unwrap_or_else(PoisonError::into_inner).add(secrets);
        }
    }

    /// `text` without known secrets.
    pub fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).redact(text)
    }

    /// As a function, for those who write on their own.
    pub fn cleaner(&self) -> Box<dyn Fn(&str) -> String + Send + Sync> {
        let known = self.clone();
        Box::new(move |text| known.clean(text).into_owned())
    }
}
