//! A browser in a few lines: HTTP with the headers that we choose, and a WebSocket that only listens.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::Shell;

/// No answer takes this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `syncline serve`; killed when dropped.
pub(super) struct Server {
    pub(super) child: Child,
    pub(super) port: u16,
    token: String,
    cookie: String,
    /// Kept open: a program that nobody reads any more ends.
    _out: Lines<BufReader<ChildStdout>>,
}

/// An answer of the server.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Server {
    /// Starts it, and waits for the address. No browser is let in yet.
    pub(super) fn start(shell: &Shell) -> Server {
        let mut command = shell.command(&["serve", "--no-open"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = loop {
            let line = lines.next().unwrap().unwrap();
            if let Some(url) = line.trim().strip_prefix("http://127.0.0.1:") {
                break url.to_owned();
            }
        };
        let (port, token) = url.split_once("/?token=").unwrap();
        Server {
            child,
            port: port.parse().unwrap(),
            token: token.to_owned(),
            cookie: String::new(),
            _out: lines,
        }
    }

    /// Starts it and goes in.
    pub(super) fn open(shell: &Shell) -> Server {
        let mut server = Server::start(shell);
        let answer = server.go_in(&server.token.clone());
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        server.cookie = cookie.split(';').next().unwrap().to_owned();
        server
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn cookie(&self) -> &str {
        &self.cookie
    }

    pub(super) fn go_in(&self, token: &str) -> Answer {
        self.send("GET", &format!("/?token={token}"), &[("host", &self.host())], "")
    }

    pub(super) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends exactly these headers.
    pub(super) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = self.connect();
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{request}\r\n{body}").as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let (status, headers) = head(&mut reader);
        let mut bytes = Vec::new();
        match headers.iter().find(|(name, _)| name == "content-length") {
            Some((_, length)) => {
                bytes = vec![0; length.parse().unwrap()];
                reader.read_exact(&mut bytes).unwrap();
            }
            None => {
                reader.read_to_end(&mut bytes).unwrap();
            }
        }
        Answer { status, headers, body: String::from_utf8(bytes).unwrap() }
    }

    fn headers(&self) -> Vec<(String, String)> {
        let host = self.host();
        vec![
            ("origin".to_owned(), format!("http://{host}")),
            ("host".to_owned(), host),
            ("cookie".to_owned(), self.cookie.clone()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ]
    }

    /// A request as the page sends it.
    pub(super) fn call(&self, name: &str, request: Value) -> Result<Value, Value> {
        let headers = self.headers();
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = self.send("POST", &format!("/rpc/{name}"), &headers, &request.to_string());
        let value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{}", answer.body));
        match answer.status {
            200 => Ok(value),
            422 => Err(value),
            status => panic!("{name}: {status} {value}"),
        }
    }

    pub(super) fn ok(&self, name: &str, request: Value) -> Value {
        self.call(name, request).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(super) fn events(&self) -> Events {
        let (status, events) = self.events_with(&format!("http://{}", self.host()), &self.cookie);
        assert_eq!(status, 101);
        events
    }

    pub(super) fn events_with(&self, origin: &str, cookie: &str) -> (u16, Events) {
        let mut stream = self.connect();
        let request = format!(
            "GET /events HTTP/1.1\r\nhost: {}\r\norigin: {origin}\r\ncookie: {cookie}\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.host()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        (head(&mut reader).0, Events(reader))
    }

    /// Asks the program to end, as Ctrl-C does, and waits for it.
    #[cfg(unix)]
    pub(super) fn interrupt(&mut self) -> std::process::ExitStatus {
        let kill = std::process::Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn head(reader: &mut impl BufRead) -> (u16, Vec<(String, String)>) {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_lowercase(), value.to_owned())),
            None => return (status, headers),
        }
    }
}

/// Events as they come.
pub(super) struct Events(BufReader<TcpStream>);

impl Events {
    /// The next event; none when the server closed.
    pub(super) fn next(&mut self) -> Option<Value> {
        let mut start = [0; 2];
        self.0.read_exact(&mut start).ok()?;
        // A server does not mask its frames.
        let length = match start[1] {
            126 => {
                let mut length = [0; 2];
                self.0.read_exact(&mut length).ok()?;
                u64::from(u16::from_be_bytes(length))
            }
            127 => {
                let mut length = [0; 8];
                self.0.read_exact(&mut length).ok()?;
                u64::from_be_bytes(length)
            }
            length => u64::from(length),
        };
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut bytes).ok()?;
        match start[0] & 0x0f {
            1 => Some(serde_json::from_slice(&bytes).unwrap()),
            8 => None,
            other => panic!("frame {other}"),
        }
    }

    /// All that happens in a run, until it ends.
    pub(super) fn of_run(&mut self, run: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.next().expect("the server went away");
            if event["event"] == "run" && event["run"] == run {
                let ended = event["what"]["event"] == "run_ended";
                events.push(event["what"].clone());
                if ended {
                    return events;
                }
            }
        }
    }
}
