//! The production network: HTTP/1.1 to peers over TLS or plain TCP, one idle connection kept for each. It knows frames as bytes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, header};
use rustls::ClientConfig;
use symbolon_core::config::MAX_PEERS;
use symbolon_core::fault::Reject;

use crate::dial::{Connection, Dial, Dialler, Target};
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

/// Exchanges over HTTP.
pub struct HttpNet {
    inner: Arc<Inner>,
}

struct Inner {
    dialler: Dialler,
    idle: Mutex<BTreeMap<Arc<str>, (Connection, tokio::time::Instant)>>,
}

impl HttpNet {
    /// A network over these streams, that trusts what this TLS configuration trusts.
    pub fn new(dial: Arc<dyn Dial>, tls: Arc<ClientConfig>) -> HttpNet {
        HttpNet { inner: Arc::new(Inner { dialler: Dialler::new(dial, tls), idle: Mutex::default() }) }
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
        let target = Target::parse(&request.origin).map_err(fault)?;
        if let Some(mut kept) = self.take(&request.origin)
            && let Ok(response) = kept.send_request(compose(request, &target)?).await
        {
            return self.read(request, kept, response).await;
        }
        // Without a kept connection, or when it proved dead: frames are refused when they come twice, so a repeat is safe.
        let mut fresh = self.dialler.connect(&target).await.map_err(fault)?;
        let response = fresh.send_request(compose(request, &target)?).await.map_err(|e| fault(e.to_string()))?;
        self.read(request, fresh, response).await
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
