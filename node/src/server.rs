//! Sockets for callers: accepts, shakes hands, serves HTTP/1.1, and stops gracefully. It reads no request itself.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::Service;

use crate::dial::Stream;
use crate::http::Door;
use crate::stall::Unstalled;

/// A TLS handshake may take this long.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The head of a request may take this long; an idle connection is closed after it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// A caller may leave answers unread this long.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Header fields of a request.
const MAX_HEADERS: usize = 64;
/// Buffer of a connection, in bytes: a head that is not whole when it is full is refused.
const MAX_BUFFER_BYTES: usize = 64 << 10;
/// Descriptors that callers do not get: the database and its log, calls to peers, the runtime.
const SPARE_FILES: usize = 64;
/// After an error of `accept` (no descriptors left), the next attempt waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Open requests get this long to end when the server stops.
pub const DRAIN: Duration = Duration::from_secs(10);

/// Where callers come from; a simulated world brings its own.
pub trait Listen: Send + Sync + 'static {
    /// The bytes to and from a caller.
    type Stream: Stream + 'static;

    /// Waits for the next caller.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;
}

impl Listen for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = TcpListener::accept(self).await?;
        if let Err(problem) = stream.set_nodelay(true) {
            tracing::debug!(%problem, "TCP_NODELAY");
        }
        Ok((stream, peer))
    }
}

/// What a server needs.
pub struct Server<L> {
    /// Accepts connections.
    pub listener: L,
    /// With TLS, or in the clear.
    pub tls: Option<Arc<ServerConfig>>,
    /// Answers requests.
    pub door: Door,
    /// Connections at one time; beyond it the kernel's queue holds them.
    pub max_connections: usize,
}

impl<L: Listen> Server<L> {
    /// Serves until `stop` says so, then lets open requests end, within bounds.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let permits = Arc::new(Semaphore::new(self.max_connections));
        let tls = self.tls.map(TlsAcceptor::from);
        loop {
            let (permit, accepted) = tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                accepted = next(&self.listener, &permits) => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    tokio::spawn(connection(stream, peer, tls.clone(), self.door.clone(), stop.clone(), permit));
                }
                Err(problem) => {
                    tracing::warn!(%problem, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        let all = u32::try_from(self.max_connections).unwrap_or(u32::MAX);
        if tokio::time::timeout(DRAIN, permits.acquire_many(all)).await.is_err() {
            tracing::warn!("some requests did not end in time and were cut off");
        }
    }
}

/// As many connections as were asked for and the limit on open files leaves room for: without a descriptor to spare a node
/// could neither call its peers nor open its database again.
pub fn affordable(connections: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let open_files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = open_files.and_then(|numbers| numbers.split_whitespace().next()?.parse::<usize>().ok());
    let room = soft.map_or(usize::MAX, |soft| soft.saturating_sub(SPARE_FILES).max(1));
    if room < connections {
        tracing::warn!(
            connections,
            room,
            "limits.connections is beyond the limit on open files (ulimit -n); it is cut"
        );
    }
    connections.min(room)
}

/// Resolves once the switch says stop, or is gone.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Both outcomes mean the same.
    stop.wait_for(|stop| *stop).await.map(drop).unwrap_or_default();
}

async fn next<L: Listen>(
    listener: &L,
    permits: &Arc<Semaphore>,
) -> (OwnedSemaphorePermit, io::Result<(L::Stream, SocketAddr)>) {
    let permit = permits.clone().acquire_owned().await.expect("the semaphore is never closed");
    (permit, listener.accept().await)
}

async fn connection(
    stream: impl Stream + 'static,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    door: Door,
    stop: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
) {
    let Some(tls) = tls else { return serve(stream, peer, door, stop).await };
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
        Ok(Ok(stream)) => serve(stream, peer, door, stop).await,
        Ok(Err(problem)) => tracing::debug!(%peer, %problem, "TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "TLS handshake timed out"),
    }
}

/// Serves one connection until it ends, or `stop` says that its open request is the last.
pub async fn serve(stream: impl Stream + 'static, peer: SocketAddr, door: Door, mut stop: watch::Receiver<bool>) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let door = door.clone();
        async move { Ok::<_, Infallible>(door.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER_BYTES)
        .serve_connection(TokioIo::new(Unstalled::new(stream, WRITE_TIMEOUT)), service);
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        biased;
        outcome = connection.as_mut() => outcome,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(problem) = outcome {
        tracing::debug!(%peer, %problem, "a connection ended early");
    }
}

/// Calls the router; it is always ready.
pub(crate) async fn route(mut router: Router, request: Request<Incoming>) -> Response<Body> {
    match router.call(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else has it.
    #[error("{address} is already in use{holder}; choose another with http.listen")]
    InUse {
        /// The address.
        address: SocketAddr,
        /// ` by name (pid n)`, or nothing when that cannot be seen.
        holder: String,
    },
    /// Anything else.
    #[error("cannot listen on {address} (http.listen): {source}")]
    Other {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// Binds the address.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse {
            address,
            holder: holder(address.port()).map(|holder| format!(" by {holder}")).unwrap_or_default(),
        },
        _ => ListenError::Other { address, source },
    })
}

/// Who listens on a local TCP port, as far as /proc tells.
fn holder(port: u16) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| listening_inode(table, port))?;
    let wanted = format!("socket:[{inode}]");
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        let Ok(descriptors) = std::fs::read_dir(process.path().join("fd")) else { continue };
        let holds =
            |link: std::fs::DirEntry| std::fs::read_link(link.path()).is_ok_and(|to| to.as_os_str() == &*wanted);
        if descriptors.flatten().any(holds) {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (pid {})", name.trim(), process.file_name().to_string_lossy()));
        }
    }
    None
}

fn listening_inode(table: &str, port: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    let table = std::fs::read_to_string(table).ok()?;
    let mut lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let end = format!(":{port:04X}");
    let found = lines.find(|fields| fields.len() > 9 && fields[1].ends_with(&end) && fields[3] == LISTEN)?;
    Some(found[9].to_owned())
}
