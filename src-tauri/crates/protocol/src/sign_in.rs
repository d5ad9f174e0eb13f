//! Signing in with the browser of the person: OAuth 2 with a code (RFC 6749), a redirect to this computer (RFC 8252) and
//! proof of the one who asked (PKCE, RFC 7636). A connector knows the addresses and what the answer holds; whoever shows
//! the window listens for the browser.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::error::Result;

/// What a connector says about signing in, before anybody does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInSpec {
    /// The settings that signing in fills, as paths (`credentials.refresh_token`).
    pub fills: Vec<String>,
    /// The settings that it needs: the client's id and its secret.
    pub needs: Vec<String>,
    /// It belongs to one way to sign in of several: the path of the setting that chooses, and its value.
    pub when: Option<(String, String)>,
}

/// What the browser is sent to the sign-in page with.
#[derive(Debug, Clone, Copy)]
pub struct Consent<'a> {
    /// Where it is sent back to.
    pub redirect: &'a str,
    /// Comes back unchanged: what comes without it was not asked for.
    pub state: &'a str,
    /// The SHA-256 of the verifier, as base64url.
    pub challenge: &'a str,
}

/// What the browser came back with.
#[derive(Debug, Clone, Copy)]
pub struct Granted<'a> {
    /// Is exchanged for tokens, once.
    pub code: &'a SecretString,
    /// As in [`Consent`].
    pub redirect: &'a str,
    /// Proves that the one who exchanges is the one who asked.
    pub verifier: &'a SecretString,
}

/// One way to sign in, with the settings of one system.
#[async_trait]
pub trait SignIn: Send + Sync {
    /// The page where the person agrees, as an address for the browser. Holds no secret.
    ///
    /// # Errors
    /// `Config` when the connector describes no valid address.
    fn address(&self, consent: &Consent<'_>) -> Result<String>;

    /// The id of the client that asks.
    fn client(&self) -> &str;

    /// What it asks to be allowed, in the words of the service.
    fn scopes(&self) -> &[String];

    /// Exchanges the code for tokens: the settings that they fill, by path.
    ///
    /// # Errors
    /// `Authentication` when the service refuses; those of any request.
    async fn redeem(&self, granted: &Granted<'_>) -> Result<Vec<(String, SecretString)>>;
}
