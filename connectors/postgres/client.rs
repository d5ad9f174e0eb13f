//! Connections to a Postgres server: the way there (TCP, Unix socket, SSH), TLS, signing in, cancelling.

use std::future::Future;
use std::net::SocketAddr;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use secrecy::ExposeSecret;
use syncline_protocol::{ConnectorContext, Error, ErrorKind, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslNegotiation;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{CancelToken, Client};

use super::config::{PostgresConfig, SslMode};
use super::error::{failed, while_doing};
use super::lane::Lane;
use super::ssh::Tunnel;
use super::tls::{Tls, handshake_failed};

/// A server that can be reached: certificates are read and the SSH session, if any, is signed in. Connections share
/// it; it lives as long as the longest of them.
pub(super) struct Server {
    config: PostgresConfig,
    tls: Option<Tls>,
    tunnel: Option<Tunnel>,
}

impl Server {
    /// Prepares the way to the database. Does not speak to it yet.
    ///
    /// # Errors
    /// `Config` for unreadable files; `Unreachable`, `HostKey` or `Authentication` for the SSH server.
    pub(super) async fn reach(config: &PostgresConfig, context: &ConnectorContext) -> Result<Arc<Server>> {
        let tls = if config.is_socket() { None } else { Tls::load(&config.ssl, context).await? };
        let tunnel = match &config.ssh {
            Some(ssh) => {
                let limit = config.connect_timeout();
                let addresses = resolve(&ssh.host, ssh.port, limit).await?;
                let socket = connect_tcp(&ssh.host, &addresses, limit).await?;
                Some(within(limit, &ssh.host, Box::pin(Tunnel::open(ssh, socket))).await?)
            }
            None => None,
        };
        Ok(Arc::new(Server { config: config.clone(), tls, tunnel }))
    }

    /// A new, signed-in connection with the settings that every connection of Syncline has.
    ///
    /// # Errors
    /// `Unreachable`, `Tls`, `Authentication`, `NotFound` (no such database), `Permission`, `Timeout`.
    pub(super) async fn connect(self: &Arc<Self>) -> Result<Connection> {
        let wire = self.dial().await?;
        let connection = self.sign_in(wire).await?;
        within(self.config.connect_timeout(), &self.config.host, connection.settle(&self.config)).await?;
        Ok(connection)
    }

    /// A new, signed-in connection without the driver, for reading at full speed.
    ///
    /// # Errors
    /// As for [`connect`](Server::connect).
    pub(super) async fn lane(self: &Arc<Self>) -> Result<Lane> {
        let shared = Arc::new(Mutex::new(self.dial().await?));
        let connection = self.sign_in(Wire(Box::new(Lent(Arc::clone(&shared))))).await?;
        within(self.config.connect_timeout(), &self.config.host, connection.settle(&self.config)).await?;
        let canceller = connection.canceller();
        // The server is idle, so nothing is on the way: the driver can be taken off the wire.
        let Connection { client, mut driver, .. } = connection;
        driver.0.abort();
        let _ = (&mut driver.0).await;
        drop(client);
        let wire =
            Arc::into_inner(shared).ok_or_else(|| Error::internal("The driver kept its connection."))?;
        Ok(Lane::new(wire.into_inner().unwrap_or_else(PoisonError::into_inner), canceller))
    }

    /// What the last TLS handshake agreed ("TLS 1.3"); none when connections are not encrypted.
    pub(super) fn tls_seen(&self) -> Option<&'static str> {
        self.tls.as_ref().and_then(Tls::seen)
    }

    /// Bytes to the server and back, secured as the settings ask.
    pub(super) async fn dial(&self) -> Result<Wire> {
        let (limit, host) = (self.config.connect_timeout(), &self.config.host);
        match within(limit, host, self.secure(self.transport().await?)).await {
            // As libpq does: `prefer` means that a connection without TLS is better than none.
            Err(error) if error.kind() == ErrorKind::Tls && self.config.ssl.mode == SslMode::Prefer => {
                tracing::warn!(host, cause = ?error.causes(), "TLS could not be agreed; connecting without it");
                Ok(Wire::plain(self.transport().await?))
            }
            wire => wire,
        }
    }

    /// Bytes to the server and back, not secured yet.
    pub(super) async fn transport(&self) -> Result<Box<dyn Transport>> {
        let (config, limit) = (&self.config, self.config.connect_timeout());
        if let Some(tunnel) = &self.tunnel {
            let channel = within(limit, &config.host, tunnel.channel(&config.host, config.port)).await?;
            return Ok(Box::new(channel));
        }
        if config.is_socket() {
            return connect_socket(config).await;
        }
        let addresses = resolve(&config.host, config.port, limit).await?;
        Ok(Box::new(connect_tcp(&config.host, &addresses, limit).await?))
    }

    /// Asks the server for TLS and shakes hands, as `ssl.mode` says.
    ///
    /// # Errors
    /// `Tls` when it cannot be had as asked for; `Unsupported` when what answers is no Postgres server.
    pub(super) async fn secure(&self, mut transport: Box<dyn Transport>) -> Result<Wire> {
        let Some(tls) = &self.tls else { return Ok(Wire::plain(transport)) };
        let host = &self.config.host;
        let broken = |error: std::io::Error| {
            Error::new(ErrorKind::ConnectionLost, "The server closed the connection at the first word.")
                .fix("Check that a PostgreSQL server listens on this port.")
                .caused_by(error)
        };
        // SSLRequest, https://www.postgresql.org/docs/current/protocol-message-formats.html
        transport.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await.map_err(broken)?;
        match transport.read_u8().await.map_err(broken)? {
            b'S' => {}
            b'N' | b'E' if tls.mode == SslMode::Prefer => return Ok(Wire::plain(transport)),
            b'N' | b'E' => {
                return Err(Error::new(ErrorKind::Tls, "The server does not offer encrypted connections.")
                    .fix("Turn on `ssl` in the server, or choose the mode `prefer`."));
            }
            _ => {
                let message = format!("What answers on port {} is no PostgreSQL server.", self.config.port);
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        }
        let mut connector = tls.connector.clone();
        let Ok(handshake) = MakeTlsConnect::<Box<dyn Transport>>::make_tls_connect(&mut connector, host);
        let stream = handshake.connect(transport).await.map_err(|error| handshake_failed(error, host))?;
        Ok(Wire(Box::new(stream)))
    }

    /// Signs in over `wire`.
    ///
    /// # Errors
    /// `Authentication`, `NotFound` (no such database), `Permission`, `Timeout`.
    pub(super) async fn sign_in(self: &Arc<Self>, wire: Wire) -> Result<Connection> {
        let config = &self.config;
        let mut settings = tokio_postgres::Config::new();
        settings
            .user(&config.user)
            .dbname(&config.database)
            .application_name("syncline")
            // TLS has been agreed already, also when the agreement was to have none: nothing is negotiated again.
            .ssl_mode(tokio_postgres::config::SslMode::Require)
            .ssl_negotiation(SslNegotiation::Direct);
        if let Some(password) = &config.password {
            settings.password(password.expose_secret());
        }
        let signing_in =
            async { settings.connect_raw(wire, Agreed).await.map_err(|error| refused(config, error)) };
        let (client, connection) = within(config.connect_timeout(), &config.host, signing_in).await?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to Postgres ended");
            }
        });
        Ok(Connection { client, server: Arc::clone(self), driver: Driver(driver) })
    }
}

/// A signed-in connection. Dropping it closes the socket; [`close`](Connection::close) says goodbye first.
pub(super) struct Connection {
    client: Client,
    server: Arc<Server>,
    driver: Driver,
}

/// The task that moves the bytes of one connection; ends with its owner.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// The handle that cancels what this connection is doing.
    pub(super) fn canceller(&self) -> Canceller {
        Canceller { server: Arc::clone(&self.server), token: self.client.cancel_token() }
    }

    /// Ends the connection politely, so that the server logs no error.
    pub(super) async fn close(self) {
        let Connection { client, mut driver, .. } = self;
        drop(client);
        let _ = tokio::time::timeout(Duration::from_secs(2), &mut driver.0).await;
    }

    /// Settings that make results the same whatever the server, the database or the user have set.
    async fn settle(&self, config: &PostgresConfig) -> Result<()> {
        let timeout = u64::from(config.statement_timeout_seconds.unwrap_or(0)) * 1000;
        // Through pg_settings, because not every version knows every setting.
        let statement = format!(
            "SELECT pg_catalog.set_config(s.name, v.setting, false)
             FROM (VALUES ('statement_timeout', '{timeout}'), ('lock_timeout', '0'),
                          ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'),
                          ('transaction_timeout', '0'), ('search_path', ''), ('TimeZone', 'UTC'),
                          ('DateStyle', 'ISO, YMD'), ('IntervalStyle', 'postgres'), ('bytea_output', 'hex'),
                          ('extra_float_digits', '1'), ('client_min_messages', 'warning')) v (name, setting)
             JOIN pg_catalog.pg_settings s ON pg_catalog.lower(s.name) = pg_catalog.lower(v.name)"
        );
        self.client.simple_query(&statement).await.map_err(while_doing("set up the connection"))?;
        Ok(())
    }
}

impl Deref for Connection {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Cancels the running statement of one connection, over a connection of its own.
#[derive(Clone)]
pub(super) struct Canceller {
    server: Arc<Server>,
    token: CancelToken,
}

impl Canceller {
    /// Asks the server to cancel. The server does not say whether there was something to cancel.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub(super) async fn cancel(&self) -> Result<()> {
        let (limit, host) = (self.server.config.connect_timeout(), &self.server.config.host);
        let wire = self.server.dial().await?;
        let sending =
            async { self.token.cancel_query_raw(wire, Agreed).await.map_err(while_doing("cancel")) };
        within(limit, host, sending).await
    }

    /// Cancels in the background, for a `Drop`. The task ends by itself after the connect timeout at the latest.
    pub(super) fn cancel_detached(self) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = self.cancel().await {
                    tracing::debug!(%error, "a statement in Postgres could not be cancelled");
                }
            });
        }
    }
}

/// What bytes travel over before TLS.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

trait SecureTransport: TlsStream + Unpin + Send {}
impl<T: TlsStream + Unpin + Send> SecureTransport for T {}

/// What bytes travel over after TLS was agreed, or was agreed not to be.
pub(super) struct Wire(Box<dyn SecureTransport>);

impl Wire {
    fn plain(transport: Box<dyn Transport>) -> Wire {
        Wire(Box::new(Plain(transport)))
    }
}

struct Plain(Box<dyn Transport>);

/// A wire that the driver signs in over and then gives back. Only one task uses it at a time; the lock is never
/// waited for.
struct Lent(Arc<Mutex<Wire>>);

impl Lent {
    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TlsStream for Lent {
    fn channel_binding(&self) -> ChannelBinding {
        self.wire().channel_binding()
    }
}

impl TlsStream for Plain {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl TlsStream for Wire {
    fn channel_binding(&self) -> ChannelBinding {
        self.0.channel_binding()
    }
}

/// Hands reading and writing of a wrapper on to what it wraps.
macro_rules! forward_io {
    ($wrapper:ty, $io:ident => $inner:expr) => {
        impl AsyncRead for $wrapper {
            fn poll_read(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<std::io::Result<()>> {
                let $io = &mut *self;
                Pin::new(&mut *$inner).poll_read(cx, buffer)
            }
        }

        impl AsyncWrite for $wrapper {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<std::io::Result<usize>> {
                let $io = &mut *self;
                Pin::new(&mut *$inner).poll_write(cx, bytes)
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
                let $io = &mut *self;
                Pin::new(&mut *$inner).poll_flush(cx)
            }

            fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
                let $io = &mut *self;
                Pin::new(&mut *$inner).poll_shutdown(cx)
            }
        }
    };
}
forward_io!(Plain, io => io.0);
forward_io!(Wire, io => io.0);
forward_io!(Lent, io => io.wire());

/// Tells the driver that TLS is done: it takes the wire as it is, with its channel binding.
struct Agreed;

impl TlsConnect<Wire> for Agreed {
    type Stream = Wire;
    type Error = std::io::Error;
    type Future = std::future::Ready<std::io::Result<Wire>>;

    fn connect(self, wire: Wire) -> Self::Future {
        std::future::ready(Ok(wire))
    }
}

/// The addresses of a host, within `limit`.
///
/// # Errors
/// `Unreachable` when the name does not resolve.
pub(super) async fn resolve(host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>> {
    let unknown = || {
        let error = Error::new(ErrorKind::Unreachable, format!("There is no server called {host}."));
        if [".internal", ".corp", ".local", ".lan"].iter().any(|end| host.ends_with(end)) {
            error.fix("Connect to the VPN: this looks like a name inside a company network.")
        } else {
            error.fix("Check the spelling of the host name.")
        }
    };
    let found = within(limit, host, async {
        tokio::net::lookup_host((host, port)).await.map_err(|error| unknown().caused_by(error))
    })
    .await?;
    let addresses: Vec<_> = found.collect();
    if addresses.is_empty() { Err(unknown()) } else { Ok(addresses) }
}

/// A TCP connection to the first address that answers.
///
/// # Errors
/// `Unreachable`, with words for a refused connection and for silence.
pub(super) async fn connect_tcp(host: &str, addresses: &[SocketAddr], limit: Duration) -> Result<TcpStream> {
    let mut last = None;
    for address in addresses {
        match tokio::time::timeout(limit, connect_one(*address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = Some(not_connected(host, *address, error)),
            Err(_) => last = last.or_else(|| Some(no_answer(host, limit))),
        }
    }
    Err(last.unwrap_or_else(|| no_answer(host, limit)))
}

async fn connect_one(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_keepalive(true)?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn not_connected(host: &str, address: SocketAddr, error: std::io::Error) -> Error {
    let port = address.port();
    let message = match error.kind() {
        std::io::ErrorKind::ConnectionRefused => {
            format!("The server {host} answered, but nothing listens on port {port}.")
        }
        _ => format!("The server {host} cannot be reached on port {port}."),
    };
    Error::new(ErrorKind::Unreachable, message).with("address", address).caused_by(error)
}

fn no_answer(host: &str, limit: Duration) -> Error {
    let seconds = limit.as_secs();
    let message = format!("No answer from {host} within {seconds} s; usually a firewall or VPN.");
    Error::new(ErrorKind::Unreachable, message).fix(
        "Allow this computer's address in the firewall, connect to the VPN, or go through an SSH server.",
    )
}

#[cfg(unix)]
async fn connect_socket(config: &PostgresConfig) -> Result<Box<dyn Transport>> {
    let path = format!("{}/.s.PGSQL.{}", config.host.trim_end_matches('/'), config.port);
    let stream = tokio::net::UnixStream::connect(&path).await.map_err(|error| {
        Error::new(ErrorKind::Unreachable, format!("No server listens on the socket {path}."))
            .caused_by(error)
    })?;
    Ok(Box::new(stream))
}

#[cfg(not(unix))]
#[allow(clippy::unused_async)] // the same shape as on Unix
async fn connect_socket(_: &PostgresConfig) -> Result<Box<dyn Transport>> {
    Err(Error::new(ErrorKind::Config, "Unix sockets exist on Unix only; give a host name."))
}

/// `step`, or an error when it takes longer than `limit`.
async fn within<T>(limit: Duration, host: &str, step: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(limit, step).await {
        Ok(done) => done,
        Err(_) => Err(no_answer(host, limit)),
    }
}

/// The error of signing in, in the words of the settings.
fn refused(config: &PostgresConfig, error: tokio_postgres::Error) -> Error {
    let PostgresConfig { user, database, host, .. } = config;
    let headline = match error.code().map(tokio_postgres::error::SqlState::code) {
        Some("28P01") => Some((
            ErrorKind::Authentication,
            format!("The database did not accept the password for user `{user}`."),
        )),
        Some("28000") => Some((
            ErrorKind::Authentication,
            format!("The server does not let user `{user}` in from this computer, or there is no such user."),
        )),
        Some("3D000") => {
            Some((ErrorKind::NotFound, format!("There is no database called `{database}` on {host}.")))
        }
        Some("42501") => Some((
            ErrorKind::Permission,
            format!("User `{user}` may not connect to the database `{database}`."),
        )),
        Some(_) => None,
        // The driver found that the settings and what the server wants do not fit ("password missing").
        None if config.password.is_none() && !error.is_closed() => Some((
            ErrorKind::Authentication,
            format!("The server wants a password for user `{user}`, but none is set."),
        )),
        None => None,
    };
    match headline {
        Some((kind, message)) => Error::new(kind, message).with("host", host).caused_by(error),
        None => failed(error, "sign in").with("host", host),
    }
}
