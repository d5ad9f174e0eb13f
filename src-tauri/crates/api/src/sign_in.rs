//! Signing in with the browser of the person. The connector knows the service; here are the listener that the browser comes
//! back to, the time it has, and the tokens until the system is saved. Tokens never go to a window.

mod listener;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use syncline_protocol::sign_in::{Consent, Granted, SignIn};
use syncline_protocol::{Error, ErrorKind, Result};
use syncline_store::project::random_hex;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::error::ApiError;
use crate::types::{SignInOutcome, SignInStarted, SignInWords};
use listener::{Came, Listener, Reply};

/// How long a person has in the browser.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// Sign-ins that are kept: of more than that the oldest is forgotten.
const KEPT_MAX: usize = 16;
const CODE_BYTES_MAX: usize = 8 << 10;

/// The sign-ins of all windows, by id.
#[derive(Default)]
pub(crate) struct SignIns {
    kept: Mutex<Vec<(String, Arc<Running>)>>,
}

/// Somebody is in the browser, or was.
struct Running {
    state: String,
    outcome: watch::Sender<Option<SignInOutcome>>,
    tokens: Mutex<Vec<(String, SecretString)>>,
    /// Codes that were typed.
    codes: mpsc::Sender<SecretString>,
    over: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

impl SignIns {
    fn kept(&self) -> MutexGuard<'_, Vec<(String, Arc<Running>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: &str) -> Result<Arc<Running>> {
        let kept = self.kept();
        let running = kept.iter().find(|(known, _)| known == id).map(|(_, running)| Arc::clone(running));
        running.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "This sign-in is over.")
                .meaning("Nothing was stored.")
                .fix("Sign in again.")
        })
    }

    /// Listens for the browser, for that long, and says where to send it.
    ///
    /// # Errors
    /// Those of the connector; `Permission` when this computer gives no port.
    pub(crate) async fn begin(
        &self,
        sign_in: Box<dyn SignIn>,
        words: SignInWords,
        patience: Duration,
    ) -> Result<SignInStarted> {
        let (state, verifier) = (random_hex::<16>()?, SecretString::from(random_hex::<32>()?));
        let listener = Listener::open(words).await?;
        let redirect = listener.redirect();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret()));
        let consent = Consent { redirect: &redirect, state: &state, challenge: &challenge };
        let started = SignInStarted {
            id: random_hex::<16>()?,
            url: sign_in.address(&consent)?,
            client: sign_in.client().to_owned(),
            scopes: sign_in.scopes().to_vec(),
        };
        let (codes, typed) = mpsc::channel(4);
        let running = Arc::new(Running {
            state,
            outcome: watch::Sender::new(None),
            tokens: Mutex::default(),
            codes,
            over: CancellationToken::new(),
        });
        let task = Waiting { sign_in, listener, redirect, verifier, typed, patience };
        tokio::spawn(task.run(Arc::downgrade(&running), running.over.clone(), running.state.clone()));
        let mut kept = self.kept();
        kept.push((started.id.clone(), running));
        if kept.len() > KEPT_MAX {
            kept.remove(0);
        }
        Ok(started)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// `NotFound` when there is no such sign-in, or it was cancelled.
    pub(crate) async fn wait(&self, id: &str) -> Result<SignInOutcome> {
        let mut told = self.get(id)?.outcome.subscribe();
        let outcome = told.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
        outcome.ok_or_else(|| Error::new(ErrorKind::NotFound, "This sign-in is over.").fix("Sign in again."))
    }

    /// Takes a code that somebody copied out of the browser, or the whole address that it stands in.
    ///
    /// # Errors
    /// `NotFound` as for [`wait`](Self::wait); `Config` when it is the address of another sign-in.
    pub(crate) async fn code(&self, id: &str, typed: &SecretString) -> Result<()> {
        let running = self.get(id)?;
        let code = code_in(typed.expose_secret().trim(), &running.state)?;
        running
            .codes
            .send(code)
            .await
            .map_err(|_| Error::new(ErrorKind::NotFound, "This sign-in is over.").fix("Sign in again."))
    }

    /// Forgets it, with what it brought.
    pub(crate) fn cancel(&self, id: &str) {
        self.kept().retain(|(known, _)| known != id);
    }

    /// The settings that it filled, by path.
    ///
    /// # Errors
    /// `NotFound` when there is no such sign-in; `Authentication` when it has not succeeded.
    pub(crate) fn tokens(&self, id: &str) -> Result<Vec<(String, SecretString)>> {
        let tokens = self.get(id)?.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if tokens.is_empty() {
            return Err(
                Error::new(ErrorKind::Authentication, "Nobody has signed in yet.").fix("Sign in first.")
            );
        }
        Ok(tokens)
    }
}

/// The code in what was typed. A whole address tells also whether it is the right one.
fn code_in(typed: &str, state: &str) -> Result<SecretString> {
    let wrong = |what: &str| {
        Error::new(ErrorKind::Config, what.to_owned())
            .meaning("Nothing was stored.")
            .fix("Copy the code, or the whole address of the page that the browser ended on.")
    };
    if typed.is_empty() || typed.len() > CODE_BYTES_MAX {
        return Err(wrong("This is not a code."));
    }
    let Some(url) = Url::parse(typed).ok().filter(|url| url.has_host()) else {
        return Ok(SecretString::from(typed));
    };
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    match (query.get("code"), query.get("state")) {
        (Some(code), Some(theirs)) if theirs == state => Ok(SecretString::from(code.as_str())),
        (Some(_), _) => Err(wrong("This address belongs to another sign-in.")),
        (None, _) => Err(wrong("There is no code in this address.")),
    }
}

/// What waits for the browser.
struct Waiting {
    sign_in: Box<dyn SignIn>,
    listener: Listener,
    redirect: String,
    verifier: SecretString,
    typed: mpsc::Receiver<SecretString>,
    patience: Duration,
}

impl Waiting {
    /// Until the browser came back, a code was typed, the time is up or nobody waits any more.
    async fn run(mut self, running: std::sync::Weak<Running>, over: CancellationToken, state: String) {
        let patience = self.patience;
        let ended = tokio::select! {
            ended = self.ended(&state) => ended,
            () = tokio::time::sleep(patience) => Ended { outcome: SignInOutcome::TimedOut, tokens: Vec::new(), reply: None },
            () = over.cancelled() => return,
        };
        if let Some(running) = running.upgrade() {
            *running.tokens.lock().unwrap_or_else(PoisonError::into_inner) = ended.tokens;
            tracing::info!(outcome = ended.outcome.word(), "a sign-in ended");
            running.outcome.send_replace(Some(ended.outcome));
        }
        if let Some((reply, well)) = ended.reply {
            reply.say(well).await;
        }
    }

    async fn ended(&mut self, state: &str) -> Ended {
        tokio::select! {
            (came, reply) = self.listener.came(state) => match came {
                Came::Code(code) => {
                    let ended = self.redeem(&code).await;
                    let well = !ended.tokens.is_empty();
                    Ended { reply: Some((reply, well)), ..ended }
                }
                Came::Denied => Ended {
                    outcome: SignInOutcome::Denied,
                    tokens: Vec::new(),
                    reply: Some((reply, false)),
                },
                Came::Refused(why) => {
                    let error = Error::new(ErrorKind::Authentication, format!("The service refused to sign you in: {why}"))
                        .meaning("Nothing was stored.")
                        .fix("Check the client's id and what it may ask for, and sign in again.");
                    Ended { outcome: SignInOutcome::failed(error), tokens: Vec::new(), reply: Some((reply, false)) }
                }
            },
            Some(code) = self.typed.recv() => self.redeem(&code).await,
        }
    }

    async fn redeem(&self, code: &SecretString) -> Ended {
        let granted = Granted { code, redirect: &self.redirect, verifier: &self.verifier };
        match self.sign_in.redeem(&granted).await {
            Ok(tokens) => Ended {
                outcome: SignInOutcome::Done {
                    filled: tokens.iter().map(|(path, _)| path.clone()).collect(),
                },
                tokens,
                reply: None,
            },
            Err(error) => Ended { outcome: SignInOutcome::failed(error), tokens: Vec::new(), reply: None },
        }
    }
}

/// How it ended, and the browser that waits for an answer, with whether all went well.
struct Ended {
    outcome: SignInOutcome,
    tokens: Vec<(String, SecretString)>,
    reply: Option<(Reply, bool)>,
}

impl SignInOutcome {
    fn failed(error: Error) -> SignInOutcome {
        SignInOutcome::Failed { error: Box::new(ApiError::from(error)) }
    }

    fn word(&self) -> &'static str {
        match self {
            SignInOutcome::Done { .. } => "done",
            SignInOutcome::Denied => "denied",
            SignInOutcome::TimedOut => "timed out",
            SignInOutcome::Failed { .. } => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    /// A service that knows one code.
    struct Service;

    #[async_trait]
    impl SignIn for Service {
        fn address(&self, consent: &Consent<'_>) -> Result<String> {
            let Consent { redirect, state, challenge } = consent;
            Ok(format!("https://example.com/in?redirect={redirect}&state={state}&challenge={challenge}"))
        }

        fn client(&self) -> &str {
            "me"
        }

        fn scopes(&self) -> &[String] {
            &[]
        }

        async fn redeem(&self, granted: &Granted<'_>) -> Result<Vec<(String, SecretString)>> {
            if granted.code.expose_secret() != "good" {
                return Err(Error::new(ErrorKind::Authentication, "The service gave no access."));
            }
            // What a service checks: the verifier belongs to the challenge.
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(granted.verifier.expose_secret()));
            Ok(vec![("token".to_owned(), SecretString::from(challenge))])
        }
    }

    struct Begun {
        sign_ins: SignIns,
        id: String,
        port: u16,
        state: String,
        challenge: String,
    }

    async fn begin() -> Begun {
        begin_for(PATIENCE).await
    }

    async fn begin_for(patience: Duration) -> Begun {
        let sign_ins = SignIns::default();
        let words = SignInWords { done: "Well <done>".to_owned(), failed: "Not done".to_owned() };
        let started = sign_ins.begin(Box::new(Service), words, patience).await.unwrap();
        let url = Url::parse(&started.url).unwrap();
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let redirect = Url::parse(&query["redirect"]).unwrap();
        assert_eq!(redirect.host_str(), Some("127.0.0.1"), "the number, not a name");
        let (state, challenge) = (query["state"].clone(), query["challenge"].clone());
        Begun { sign_ins, id: started.id, port: redirect.port().unwrap(), state, challenge }
    }

    impl Begun {
        /// As a browser comes back.
        async fn comes(&self, host: &str, target: &str) -> String {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
            stream
                .write_all(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())
                .await
                .unwrap();
            let mut page = String::new();
            stream.read_to_string(&mut page).await.unwrap();
            page
        }

        async fn returns(&self, query: &str) -> String {
            self.comes(&format!("127.0.0.1:{}", self.port), &format!("/?{query}")).await
        }
    }

    #[tokio::test]
    async fn a_browser_that_comes_back_brings_the_tokens_and_is_told() {
        let begun = begin().await;
        // A connection that a browser opens ahead and never uses keeps nobody waiting.
        let _ahead = TcpStream::connect(("127.0.0.1", begun.port)).await.unwrap();
        let page = begun.returns(&format!("code=good&state={}", begun.state)).await;
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("Well &lt;done&gt;"), "{page}");
        let outcome = begun.sign_ins.wait(&begun.id).await.unwrap();
        assert_eq!(outcome, SignInOutcome::Done { filled: vec!["token".to_owned()] });
        let tokens = begun.sign_ins.tokens(&begun.id).unwrap();
        assert_eq!(tokens[0].1.expose_secret(), begun.challenge);
        begun.sign_ins.cancel(&begun.id);
        assert!(begun.sign_ins.tokens(&begun.id).is_err(), "forgotten");
    }

    #[tokio::test]
    async fn only_who_was_asked_is_heard() {
        let begun = begin().await;
        let page = begun.returns("code=good&state=guessed").await;
        assert!(page.contains("Not done"), "{page}");
        let right = format!("/?code=good&state={}", begun.state);
        assert!(begun.comes("evil.example", &right).await.starts_with("HTTP/1.1 404"), "a rebound name");
        let own = format!("127.0.0.1:{}", begun.port);
        assert!(begun.comes(&own, "/favicon.ico").await.starts_with("HTTP/1.1 404"));
        assert!(begun.sign_ins.tokens(&begun.id).is_err(), "nobody has signed in so far");
        begun.comes(&own, &right).await;
        assert!(matches!(begun.sign_ins.wait(&begun.id).await.unwrap(), SignInOutcome::Done { .. }));
    }

    #[tokio::test]
    async fn each_end_has_its_own_name() {
        let denied = begin().await;
        denied.returns(&format!("error=access_denied&state={}", denied.state)).await;
        assert_eq!(denied.sign_ins.wait(&denied.id).await.unwrap(), SignInOutcome::Denied);
        let refused = begin().await;
        refused
            .returns(&format!("error=invalid_scope&error_description=no+such+scope&state={}", refused.state))
            .await;
        let SignInOutcome::Failed { error } = refused.sign_ins.wait(&refused.id).await.unwrap() else {
            panic!("it was refused");
        };
        assert!(error.message.contains("no such scope"));
        let typed = begin().await;
        typed.sign_ins.code(&typed.id, &SecretString::from("bad")).await.unwrap();
        assert!(matches!(typed.sign_ins.wait(&typed.id).await.unwrap(), SignInOutcome::Failed { .. }));
        let typed = begin().await;
        typed.sign_ins.code(&typed.id, &SecretString::from(" good ")).await.unwrap();
        assert!(matches!(typed.sign_ins.wait(&typed.id).await.unwrap(), SignInOutcome::Done { .. }));
    }

    #[tokio::test]
    async fn nobody_is_waited_for_without_end() {
        let begun = begin_for(Duration::ZERO).await;
        assert_eq!(begun.sign_ins.wait(&begun.id).await.unwrap(), SignInOutcome::TimedOut);
        let cancelled = begin().await;
        cancelled.sign_ins.cancel(&cancelled.id);
        assert_eq!(cancelled.sign_ins.wait(&cancelled.id).await.unwrap_err().kind(), ErrorKind::NotFound);
        // The port is free again.
        while TcpStream::connect(("127.0.0.1", cancelled.port)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn a_code_is_taken_alone_or_in_its_own_address() {
        let code = |typed: &str| code_in(typed, "s1").map(|code| code.expose_secret().to_owned());
        assert_eq!(code("4/abc").unwrap(), "4/abc");
        assert_eq!(code("http://127.0.0.1:4000/?code=4%2Fabc&state=s1").unwrap(), "4/abc");
        for wrong in [
            "",
            "http://127.0.0.1:4000/?code=x&state=s2",
            "http://127.0.0.1:4000/?code=x",
            "http://127.0.0.1:4000/?state=s1",
        ] {
            let error = code(wrong).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{wrong}");
            assert!(!format!("{error:?}").contains("code=x"), "{error:?}");
        }
        assert!(code(&"x".repeat(CODE_BYTES_MAX + 1)).is_err());
    }
}
