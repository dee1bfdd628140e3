//! Connections to the origin of a node, over TLS or plain TCP: who dials, and what an origin is. It speaks no request.

use std::io;
use std::sync::Arc;

use http_body_util::Full;
use hyper::Uri;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::ports::Pending;

/// An open connection, on which requests go one after another.
pub type Connection = SendRequest<Full<Bytes>>;

/// A byte stream to or from a peer.
pub trait Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Stream for T {}

/// Opens byte streams to an authority; a simulated world brings its own.
pub trait Dial: Send + Sync {
    /// Connects to a host and port.
    fn dial(&self, host: String, port: u16) -> Pending<io::Result<Box<dyn Stream>>>;
}

/// Dials over the sockets of the machine.
pub struct TcpDial;

impl Dial for TcpDial {
    fn dial(&self, host: String, port: u16) -> Pending<io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let stream = TcpStream::connect((host.as_str(), port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

/// Opens HTTP connections over byte streams.
pub struct Dialler {
    dial: Arc<dyn Dial>,
    tls: TlsConnector,
}

impl Dialler {
    /// A dialler over these streams, that trusts what this TLS configuration trusts.
    pub fn new(dial: Arc<dyn Dial>, tls: Arc<ClientConfig>) -> Dialler {
        Dialler { dial, tls: TlsConnector::from(tls) }
    }

    /// Connects to an origin.
    ///
    /// # Errors
    /// A sentence that names the authority and what went wrong.
    pub async fn connect(&self, target: &Target) -> Result<Connection, String> {
        let io = |e: io::Error| format!("{}: {e}", target.authority);
        let stream = self.dial.dial(target.host.clone(), target.port).await.map_err(io)?;
        let stream: Box<dyn Stream> = match &target.tls {
            Some(name) => Box::new(self.tls.connect(name.clone(), stream).await.map_err(io)?),
            None => stream,
        };
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
        tokio::spawn(async move {
            if let Err(problem) = connection.await {
                tracing::debug!(%problem, "a connection to a peer ended");
            }
        });
        Ok(sender)
    }
}

/// Where an origin leads.
pub struct Target {
    /// As the `Host` header wants it.
    pub authority: String,
    host: String,
    port: u16,
    tls: Option<ServerName<'static>>,
}

impl Target {
    /// Reads an origin.
    ///
    /// # Errors
    /// A sentence that says what an origin is.
    pub fn parse(origin: &str) -> Result<Target, String> {
        let wrong = || format!("{origin:?} is no origin such as https://10.0.0.1:8443");
        let uri: Uri = origin.parse().map_err(|_| wrong())?;
        let (scheme, authority) = (uri.scheme_str().ok_or_else(wrong)?, uri.authority().ok_or_else(wrong)?);
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let (tls, port) = match scheme {
            "https" => (Some(ServerName::try_from(host.clone()).map_err(|_| wrong())?), 443),
            "http" => (None, 80),
            _ => return Err(wrong()),
        };
        Ok(Target { authority: authority.to_string(), host, port: authority.port_u16().unwrap_or(port), tls })
    }

    /// Whether it lies on this machine, and was named so that no resolver is asked.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}
