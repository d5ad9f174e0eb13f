//! A TCP proxy whose connections break where a test says.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const BUFFER_BYTES: usize = 16 * 1024;

/// One direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// What happens to the connections made from now on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Bytes go through.
    #[default]
    Forward,
    /// A connection is accepted and closed at once.
    Refuse,
    /// Both directions end after this many bytes went in this one.
    CutAfter(Direction, u64),
    /// No byte goes in this direction after this many; the connection stays open.
    HangAfter(Direction, u64),
    /// Bytes go through in pieces of this size with this pause between them.
    Slow {
        /// Bytes of a piece.
        bytes: usize,
        /// The pause after each.
        pause: Duration,
    },
}

#[derive(Debug)]
struct Shared {
    target: Mutex<SocketAddr>,
    /// For the next connections, first come first served; then `usual`.
    next: Mutex<Vec<Behaviour>>,
    usual: Mutex<Behaviour>,
    accepted: watch::Sender<usize>,
    bytes: [AtomicU64; 2],
    moved: watch::Sender<()>,
    /// Cut and made anew by [`TcpProxy::cut_all`].
    alive: Mutex<CancellationToken>,
}

/// A proxy on a port of 127.0.0.1. Ends with all its connections when it is dropped.
#[derive(Debug)]
pub struct TcpProxy {
    shared: Arc<Shared>,
    port: u16,
    accept: JoinHandle<()>,
}

impl TcpProxy {
    /// A proxy in front of a port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(target_port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            target: Mutex::new(SocketAddr::from(([127, 0, 0, 1], target_port))),
            next: Mutex::default(),
            usual: Mutex::default(),
            accepted: watch::Sender::new(0),
            bytes: [AtomicU64::new(0), AtomicU64::new(0)],
            moved: watch::Sender::new(()),
            alive: Mutex::default(),
        });
        let accept = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(TcpProxy { shared, port, accept })
    }

    /// Where clients connect, at 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sends connections from now on to another port of 127.0.0.1.
    pub fn retarget(&self, port: u16) {
        *lock(&self.shared.target) = SocketAddr::from(([127, 0, 0, 1], port));
    }

    /// What happens to connections from now on.
    pub fn set(&self, behaviour: Behaviour) {
        *lock(&self.shared.usual) = behaviour;
    }

    /// What happens to the next connection that has none of its own yet. May be called several times.
    pub fn next(&self, behaviour: Behaviour) {
        lock(&self.shared.next).push(behaviour);
    }

    /// Breaks all connections that are open.
    pub fn cut_all(&self) {
        std::mem::take(&mut *lock(&self.shared.alive)).cancel();
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        *self.shared.accepted.borrow()
    }

    /// Resolves when there have been this many connections.
    pub async fn connected(&self, count: usize) {
        // The sender lives as long as `self`.
        let _ = self.shared.accepted.subscribe().wait_for(|accepted| *accepted >= count).await;
    }

    /// How many bytes went through, over all connections.
    pub fn bytes(&self, direction: Direction) -> u64 {
        self.shared.bytes[direction as usize].load(Ordering::SeqCst)
    }

    /// Resolves when this many bytes went through.
    pub async fn passed(&self, direction: Direction, bytes: u64) {
        let mut moved = self.shared.moved.subscribe();
        while self.bytes(direction) < bytes && moved.changed().await.is_ok() {}
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.accept.abort();
        self.cut_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder panicked")
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let behaviour = {
            let mut next = lock(&shared.next);
            if next.is_empty() { *lock(&shared.usual) } else { next.remove(0) }
        };
        shared.accepted.send_modify(|accepted| *accepted += 1);
        let alive = lock(&shared.alive).child_token();
        tokio::spawn(connect(client, behaviour, Arc::clone(&shared), alive));
    }
}

async fn connect(client: TcpStream, behaviour: Behaviour, shared: Arc<Shared>, alive: CancellationToken) {
    if behaviour == Behaviour::Refuse {
        return;
    }
    let target = *lock(&shared.target);
    let Ok(server) = TcpStream::connect(target).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let both = async {
        tokio::join!(
            pump(from_client, to_server, Direction::ToServer, behaviour, &shared, &alive),
            pump(from_server, to_client, Direction::ToClient, behaviour, &shared, &alive),
        )
    };
    // Dropping the halves closes the connections.
    alive.run_until_cancelled(both).await;
}

/// Moves bytes in one direction until its end, or as long as the behaviour lets it.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    direction: Direction,
    behaviour: Behaviour,
    shared: &Shared,
    alive: &CancellationToken,
) {
    let (mut left, cut) = match behaviour {
        Behaviour::CutAfter(which, bytes) if which == direction => (bytes, true),
        Behaviour::HangAfter(which, bytes) if which == direction => (bytes, false),
        _ => (u64::MAX, false),
    };
    let (piece, pause) = match behaviour {
        Behaviour::Slow { bytes, pause } => (bytes.clamp(1, BUFFER_BYTES), Some(pause)),
        _ => (BUFFER_BYTES, None),
    };
    let mut buffer = vec![0; piece];
    while left > 0 {
        let room = piece.min(usize::try_from(left).unwrap_or(piece));
        let count = match from.read(&mut buffer[..room]).await {
            Ok(count) if count > 0 => count,
            _ => {
                let _ = to.shutdown().await;
                return;
            }
        };
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
        left -= count as u64;
        shared.bytes[direction as usize].fetch_add(count as u64, Ordering::SeqCst);
        shared.moved.send_replace(());
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
    }
    if cut {
        alive.cancel();
    }
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets.
    async fn echo() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.into_split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        port
    }

    async fn client(proxy: &TcpProxy) -> TcpStream {
        TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap()
    }

    #[tokio::test]
    async fn bytes_go_through_until_the_cut() {
        let proxy = TcpProxy::start(echo().await).await.unwrap();
        proxy.next(Behaviour::CutAfter(Direction::ToClient, 4));
        let mut cut = client(&proxy).await;
        cut.write_all(b"12345678").await.unwrap();
        let mut answer = Vec::new();
        let _ = cut.read_to_end(&mut answer).await;
        assert_eq!(answer, b"1234");
        let mut whole = client(&proxy).await;
        whole.write_all(b"12345678").await.unwrap();
        whole.shutdown().await.unwrap();
        let mut answer = Vec::new();
        whole.read_to_end(&mut answer).await.unwrap();
        assert_eq!((answer.as_slice(), proxy.connections()), (&b"12345678"[..], 2));
    }

    #[tokio::test]
    async fn connections_hang_and_are_refused() {
        let proxy = TcpProxy::start(echo().await).await.unwrap();
        proxy.next(Behaviour::HangAfter(Direction::ToServer, 2));
        let mut hanging = client(&proxy).await;
        hanging.write_all(b"1234").await.unwrap();
        let mut answer = [0; 2];
        hanging.read_exact(&mut answer).await.unwrap();
        proxy.passed(Direction::ToServer, 2).await;
        assert_eq!((&answer, proxy.bytes(Direction::ToServer)), (b"12", 2));
        proxy.cut_all();
        let mut rest = Vec::new();
        let _ = hanging.read_to_end(&mut rest).await;
        assert!(rest.is_empty());
        proxy.set(Behaviour::Refuse);
        let mut refused = client(&proxy).await;
        assert!(!matches!(refused.read(&mut answer).await, Ok(1..)));
    }
}
