//! A small HTTP/1.1 server whose answers a test makes up: it keeps the capitalisation of headers and never chunks.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What a client asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    /// Headers as they were sent.
    pub headers: Vec<(String, String)>,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header, whatever its capitalisation.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What the server says.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, sent as they are; the length is added.
    pub headers: Vec<(String, String)>,
    /// The body; shared, so that a large one is made once.
    pub body: Arc<[u8]>,
    /// So many times the body is sent, one after the other, as one long body.
    pub times: u64,
    /// After so many bytes of the body the connection breaks.
    pub breaks_after: Option<usize>,
    /// Nothing is said at all; told when the client has given up.
    pub given_up: Option<Arc<Notify>>,
}

impl Default for Answer {
    fn default() -> Answer {
        Answer {
            status: 200,
            headers: Vec::new(),
            body: Arc::default(),
            times: 1,
            breaks_after: None,
            given_up: None,
        }
    }
}

impl Answer {
    /// A JSON body with status 200.
    pub fn json(body: &serde_json::Value) -> Answer {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Answer { headers, body: body.to_string().into_bytes().into(), ..Answer::default() }
    }

    /// The same with another header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Answer {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A server on a free port of this computer. Ends when it is dropped.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl HttpServer {
    /// Starts to answer.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start(handler: impl Fn(Request) -> Answer + Send + Sync + 'static) -> Result<HttpServer> {
        HttpServer::start_at("127.0.0.1:0", handler).await
    }

    /// Starts to answer at this address.
    ///
    /// # Errors
    /// When it is not free.
    pub async fn start_at(
        address: &str,
        handler: impl Fn(Request) -> Answer + Send + Sync + 'static,
    ) -> Result<HttpServer> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("{address} is not free"))?;
        let address = listener.local_addr()?;
        let handler = Arc::new(handler);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let handler = Arc::clone(&handler);
                connections.spawn(async move {
                    // A client that goes away or talks nonsense only loses its connection.
                    let _ = serve(stream, &*handler).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(HttpServer { address, task })
    }

    /// Its address, for example `http://127.0.0.1:41234`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl HttpServer {
    /// Ends: whoever is connected is cut off, and the address is free when this returns.
    pub async fn stop(mut self) {
        self.task.abort();
        // It ends by being aborted.
        let _ = (&mut self.task).await;
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, handler: &(dyn Fn(Request) -> Answer + Send + Sync)) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufStream::new(stream);
    while let Some(request) = receive(&mut stream).await? {
        let answer = handler(request);
        if let Some(given_up) = answer.given_up {
            // Nothing more is asked on a connection whose answer is awaited: this ends with the connection.
            let _ = stream.read(&mut [0; 1]).await;
            given_up.notify_one();
            return Ok(());
        }
        let length = answer.body.len() as u64 * answer.times;
        let mut head = format!("HTTP/1.1 {} -\r\nContent-Length: {length}\r\n", answer.status);
        for (name, value) in &answer.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await?;
        if let Some(bytes) = answer.breaks_after {
            stream.write_all(&answer.body[..bytes.min(answer.body.len())]).await?;
            stream.flush().await?;
            return Ok(());
        }
        for _ in 0..answer.times {
            stream.write_all(&answer.body).await?;
        }
        stream.flush().await?;
    }
    Ok(())
}

/// The next request of a connection; none at its end.
async fn receive(stream: &mut BufStream<TcpStream>) -> Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { bail!("no request line") };
    let mut request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let line = line.trim_end_matches(['\r', '\n']);
        let Some((name, value)) = line.split_once(':') else { break };
        request.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    if let Some(length) = request.header("content-length") {
        request.body = vec![0; length.parse()?];
        stream.read_exact(&mut request.body).await?;
    } else if request.header("transfer-encoding").is_some() {
        request.body = chunks(stream).await?;
    }
    Ok(Some(request))
}

async fn chunks(stream: &mut BufStream<TcpStream>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let size = usize::from_str_radix(line.trim(), 16)?;
        let begun = body.len();
        body.resize(begun + size, 0);
        stream.read_exact(&mut body[begun..]).await?;
        stream.read_line(&mut String::new()).await?;
        if size == 0 {
            return Ok(body);
        }
    }
}
