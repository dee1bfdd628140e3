//! The production network: HTTP/1.1 to peers over TLS or plain TCP, one idle connection kept for each. It knows frames as bytes.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response, Uri, header};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use symbolon_core::config::MAX_PEERS;
use symbolon_core::fault::Reject;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::ports::{Net, NetFault, Outgoing, Payload, Pending};

/// The content type of frames (RFC 8551, section 3.2.2).
pub const FRAME_TYPE: &str = "application/pkcs7-mime";
/// The header that carries the sender's node id, for logs and limits; the frame itself proves it.
pub const NODE_ID_HEADER: &str = "x-symbolon-node-id";
/// The header that carries the sealed request for a wrapping key.
pub const FRAME_HEADER: &str = "x-symbolon-frame";
/// Of a reply that is no success, this much is read.
const MAX_REFUSAL_BYTES: usize = 1024;
/// A kept connection is not used after this time, so that a peer that closes idle ones is not met in the act.
const MAX_IDLE: Duration = Duration::from_secs(60);

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

/// Exchanges over HTTP.
pub struct HttpNet {
    inner: Arc<Inner>,
}

struct Inner {
    dial: Arc<dyn Dial>,
    tls: TlsConnector,
    idle: Mutex<BTreeMap<Arc<str>, (Connection, tokio::time::Instant)>>,
}

type Connection = SendRequest<Full<Bytes>>;

impl HttpNet {
    /// A network over these streams, that trusts what this TLS configuration trusts.
    pub fn new(dial: Arc<dyn Dial>, tls: Arc<ClientConfig>) -> HttpNet {
        HttpNet { inner: Arc::new(Inner { dial, tls: TlsConnector::from(tls), idle: Mutex::default() }) }
    }
}

impl Net for HttpNet {
    fn exchange(&self, request: Outgoing) -> Pending<Result<Vec<u8>, NetFault>> {
        let inner = self.inner.clone();
        Box::pin(async move {
            match tokio::time::timeout(request.timeout, inner.exchange(&request)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(fault(format!("no answer within {:?}", request.timeout))),
            }
        })
    }
}

impl Inner {
    async fn exchange(&self, request: &Outgoing) -> Result<Vec<u8>, NetFault> {
        let target = Target::parse(&request.origin)?;
        if let Some(mut kept) = self.take(&request.origin)
            && let Ok(response) = kept.send_request(compose(request, &target)?).await
        {
            return self.read(request, kept, response).await;
        }
        // Without a kept connection, or when it proved dead: frames are refused when they come twice, so a repeat is safe.
        let mut fresh = self.connect(&target).await?;
        let response = fresh.send_request(compose(request, &target)?).await.map_err(|e| fault(e.to_string()))?;
        self.read(request, fresh, response).await
    }

    async fn connect(&self, target: &Target) -> Result<Connection, NetFault> {
        let io = |e: io::Error| fault(format!("{}: {e}", target.authority));
        let stream = self.dial.dial(target.host.clone(), target.port).await.map_err(io)?;
        let stream: Box<dyn Stream> = match &target.tls {
            Some(name) => Box::new(self.tls.connect(name.clone(), stream).await.map_err(io)?),
            None => stream,
        };
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| fault(e.to_string()))?;
        tokio::spawn(async move {
            if let Err(problem) = connection.await {
                tracing::debug!(%problem, "a connection to a peer ended");
            }
        });
        Ok(sender)
    }

    async fn read(
        &self,
        request: &Outgoing,
        connection: Connection,
        response: Response<Incoming>,
    ) -> Result<Vec<u8>, NetFault> {
        let (head, body) = response.into_parts();
        let success = head.status.is_success();
        let limit = if success { request.max_reply_bytes } else { MAX_REFUSAL_BYTES };
        let body = Limited::new(body, limit).collect().await.map(|body| body.to_bytes());
        if body.is_ok() {
            self.keep(&request.origin, connection);
        }
        match body {
            Ok(bytes) if success => Ok(bytes.into()),
            Err(problem) if success => Err(fault(format!("the reply could not be read: {problem}"))),
            body => Err(NetFault {
                status: Some(head.status.as_u16()),
                reason: body.ok().as_deref().and_then(reason),
                problem: head.status.to_string(),
            }),
        }
    }

    fn take(&self, origin: &str) -> Option<Connection> {
        let (connection, since) = self.idle().remove(origin)?;
        (connection.is_ready() && since.elapsed() < MAX_IDLE).then_some(connection)
    }

    fn keep(&self, origin: &Arc<str>, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < MAX_PEERS || idle.contains_key(origin) {
            idle.insert(origin.clone(), (connection, tokio::time::Instant::now()));
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, BTreeMap<Arc<str>, (Connection, tokio::time::Instant)>> {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

struct Target {
    authority: String,
    host: String,
    port: u16,
    tls: Option<ServerName<'static>>,
}

impl Target {
    fn parse(origin: &str) -> Result<Target, NetFault> {
        let wrong = || fault(format!("{origin:?} is no origin such as https://10.0.0.1:8443"));
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
}

fn compose(request: &Outgoing, target: &Target) -> Result<Request<Full<Bytes>>, NetFault> {
    let builder = Request::builder()
        .uri(request.path)
        .header(header::HOST, &target.authority)
        .header(header::ACCEPT, FRAME_TYPE)
        .header(NODE_ID_HEADER, &request.node);
    match &request.payload {
        Payload::Body(frame) => builder
            .method("POST")
            .header(header::CONTENT_TYPE, FRAME_TYPE)
            .body(Full::new(Bytes::copy_from_slice(frame))),
        Payload::Header(frame) => {
            builder.method("GET").header(FRAME_HEADER, URL_SAFE_NO_PAD.encode(frame)).body(Full::default())
        }
    }
    .map_err(|e| fault(e.to_string()))
}

fn reason(refusal: &[u8]) -> Option<Reject> {
    let refusal: serde_json::Value = serde_json::from_slice(refusal).ok()?;
    let name = refusal.get("error")?.as_str()?;
    Reject::ALL.into_iter().find(|reject| reject.name() == name)
}

fn fault(problem: String) -> NetFault {
    NetFault { status: None, reason: None, problem }
}
