//! Where the browser comes back to: one page on the loopback interface, on a free port, for the length of one sign-in. By
//! its number and not by the name `localhost`, which may lead elsewhere (RFC 8252, section 8.3).

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use secrecy::SecretString;
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use crate::types::SignInWords;

/// A browser that connects and says nothing more does so in vain.
const SILENCE_MAX: Duration = Duration::from_secs(10);
const REQUEST_BYTES_MAX: usize = 16 << 10;
/// Browsers open a few connections ahead; more than that is not a browser.
const CONNECTIONS_MAX: usize = 32;
const SAID_MAX: usize = 300;

pub(super) struct Listener {
    listener: TcpListener,
    words: SignInWords,
    port: u16,
    asked: JoinSet<Option<(Query, TcpStream)>>,
}

/// What the service sent back with the browser.
pub(super) enum Came {
    /// Somebody agreed.
    Code(SecretString),
    /// Somebody did not.
    Denied,
    /// The service found something wrong.
    Refused(String),
}

/// The browser that waits for its page.
pub(super) struct Reply {
    stream: TcpStream,
    words: SignInWords,
}

type Query = HashMap<String, String>;

impl Listener {
    /// Listens on a free port.
    pub(super) async fn open(words: SignInWords) -> Result<Listener> {
        let no_port = |error: io::Error| {
            Error::new(
                ErrorKind::Permission,
                "This computer gives no port that the browser could come back to.",
            )
            .meaning("Nobody was asked anything.")
            .fix("Look whether a security program keeps Syncline from listening on 127.0.0.1.")
            .caused_by(error)
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(no_port)?;
        let port = listener.local_addr().map_err(no_port)?.port();
        Ok(Listener { listener, words, port, asked: JoinSet::new() })
    }

    /// Where the browser is sent back to.
    pub(super) fn redirect(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Waits for the browser. Whoever comes without the right `state` is sent away.
    pub(super) async fn came(&mut self, state: &str) -> (Came, Reply) {
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if self.asked.len() < CONNECTIONS_MAX => {
                    if let Ok((stream, _)) = accepted {
                        let host = format!("127.0.0.1:{}", self.port);
                        self.asked.spawn(async move {
                            tokio::time::timeout(SILENCE_MAX, read(stream, &host)).await.ok().flatten()
                        });
                    }
                }
                Some(asked) = self.asked.join_next() => {
                    let Ok(Some((query, stream))) = asked else { continue };
                    let reply = Reply { stream, words: self.words.clone() };
                    match meaning(&query, state) {
                        Some(came) => return (came, reply),
                        None => reply.say(false).await,
                    }
                }
            }
        }
    }
}

fn meaning(query: &Query, state: &str) -> Option<Came> {
    if query.get("state").is_none_or(|theirs| theirs != state) {
        return None;
    }
    match (query.get("error").map(String::as_str), query.get("code")) {
        (Some("access_denied"), _) => Some(Came::Denied),
        (Some(error), _) => {
            let why = query.get("error_description").map_or(error, String::as_str);
            Some(Came::Refused(why.chars().filter(|c| !c.is_control()).take(SAID_MAX).collect()))
        }
        (None, Some(code)) => Some(Came::Code(SecretString::from(code.as_str()))),
        (None, None) => None,
    }
}

/// Reads the head of one request. What is not for the one page there is gets its answer here.
async fn read(mut stream: TcpStream, host: &str) -> Option<(Query, TcpStream)> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 2048];
        let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
        head.extend_from_slice(&part[..read]);
        if head.len() > REQUEST_BYTES_MAX {
            return None;
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let is_ours = lines
        .filter_map(|line| line.split_once(':'))
        .any(|(name, value)| name.eq_ignore_ascii_case("host") && value.trim() == host);
    let url = Url::parse(&format!("http://{host}{target}")).ok().filter(|url| url.path() == "/");
    match url.filter(|_| method == "GET" && is_ours) {
        Some(url) => Some((url.query_pairs().into_owned().collect(), stream)),
        None => {
            let _ = stream
                .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .await;
            None
        }
    }
}

impl Reply {
    /// Tells the person in the browser how it went.
    pub(super) async fn say(mut self, well: bool) {
        let words = if well { &self.words.done } else { &self.words.failed };
        let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let body = format!(
            "<!doctype html><meta charset=utf-8><meta name=color-scheme content=\"light dark\"><title>Syncline</title>\
             <style>body{{font:16px/1.5 system-ui,sans-serif;display:grid;place-content:center;height:90vh}}</style><p>{words}</p>"
        );
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\
             Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
             Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n",
            body.len()
        );
        // A browser that has gone is told nothing.
        let _ = tokio::time::timeout(SILENCE_MAX, async {
            self.stream.write_all(format!("{head}{body}").as_bytes()).await?;
            self.stream.shutdown().await
        })
        .await;
    }
}
