//! Serves recorded answers again.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Asked, BASE, Exchange, Given};
use crate::http::{Answer, HttpServer, Request};

/// A server that answers as it is written in the exchanges of a run, and remembers what it was asked.
#[derive(Debug)]
pub struct Tape {
    server: HttpServer,
    asked: Arc<Mutex<Vec<Asked>>>,
}

struct Entry {
    asked: Asked,
    answers: Vec<Given>,
    served: usize,
}

impl Tape {
    /// Starts to serve.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn play(exchanges: &[Exchange]) -> Result<Tape> {
        let entries = exchanges
            .iter()
            .map(|exchange| Entry {
                asked: Asked::recorded(exchange),
                answers: exchange.answers.clone(),
                served: 0,
            })
            .collect();
        let entries: Arc<Mutex<Vec<Entry>>> = Arc::new(Mutex::new(entries));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let server = HttpServer::start(move |request| {
            // Clients send the address that they know.
            let url = format!("http://{}", request.header("host").unwrap_or_default());
            let received = Asked::received(&request, &url);
            let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = answer(&mut entries, &received, &request, &url);
            heard.lock().unwrap_or_else(PoisonError::into_inner).push(received);
            answer
        })
        .await?;
        Ok(Tape { server, asked })
    }

    /// A text of the case with this server's address.
    pub fn localised(&self, text: &str) -> String {
        text.replace(BASE, &self.server.url())
    }

    /// A text that was made with this server's address, as it would be in the case.
    pub fn neutral(&self, text: &str) -> String {
        text.replace(&self.server.url(), BASE)
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The next answer to a request. One with other headers than those written down is answered as well: what differs is
/// found when requests are compared.
fn answer(entries: &mut [Entry], received: &Asked, request: &Request, url: &str) -> Answer {
    let same = |entry: &Entry| {
        let headers = &entry.asked.headers;
        received.headers.iter().filter(|(name, value)| headers.get(*name) == Some(*value)).count()
    };
    let candidates = entries.iter().enumerate().filter(|(_, entry)| entry.asked.what == received.what);
    let found =
        candidates.max_by_key(|(_, entry)| (entry.asked == *received, same(entry))).map(|(index, _)| index);
    let Some(entry) = found.map(|index| &mut entries[index]) else {
        let text = format!(
            "{{\"error\": \"the reference did not ask for this\", \"method\": \"{}\"}}",
            request.method
        );
        return Answer { status: 404, body: text.into_bytes().into(), ..Answer::default() };
    };
    let given = &entry.answers[entry.served.min(entry.answers.len() - 1)];
    entry.served += 1;
    let text = given.body.as_deref().unwrap_or_default().replace(BASE, url).into_bytes();
    let body = match &given.base64 {
        Some(packed) => STANDARD.decode(packed).unwrap_or_default(),
        None => text,
    };
    let headers = given.headers.iter().map(|(name, value)| (name.clone(), value.replace(BASE, url)));
    Answer { status: given.status, headers: headers.collect(), body: body.into(), ..Answer::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    async fn ask(tape: &Tape, target: &str) -> String {
        let address = tape.server.url().replace("http://", "");
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn answers_come_in_turn_and_the_last_one_stays() {
        let exchange: Exchange = serde_json::from_value(json!({
            "method": "GET", "target": "/a?x=1&y=2", "headers": {}, "body": "", "answers": [
                {"status": 503, "headers": [], "body": "busy"},
                {"status": 200, "headers": [["X-Next", "http://stub.test:9/b"]], "body": "good"},
            ],
        }))
        .unwrap();
        let tape = Tape::play(&[exchange]).await.unwrap();
        assert!(ask(&tape, "/a?y=2&x=1").await.starts_with("HTTP/1.1 503"));
        for _ in 0..2 {
            let answer = ask(&tape, "/a?x=1&y=2").await;
            assert!(
                answer.ends_with("good") && answer.contains(&tape.localised("X-Next: http://stub.test:9/b"))
            );
        }
        assert!(ask(&tape, "/other").await.starts_with("HTTP/1.1 404"));
        assert_eq!(tape.asked().len(), 4);
    }
}
