//! A proxy in front of one node, at the address that its peers know. It ends their TLS, asks the network what becomes of each
//! request and each reply, and speaks TLS to the node. It decides nothing.
//!
//! A node has one address for all its peers, so what tells them apart is the id in the header of each request: nodes of a run
//! do not lie about it, and what somebody else sends goes to the node directly. So each direction of each link is cut, clogged
//! and delayed exactly, as messages are in the quick world; connections stay open meanwhile.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use symbolon_core::config::MAX_FRAME_BYTES;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::api::FRAME;
use super::http::{Call, Http, Reply};
use super::network::{Link, Network};

/// Names the sender.
const NODE_ID: &str = "x-symbolon-node-id";
/// Carries the frame of a request without a body.
const IN_HEADER: &str = "x-symbolon-frame";
/// A peer may take so long for its half of the handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// A running proxy; it and its connections end when it is dropped.
pub struct Proxy {
    port: u16,
    task: JoinHandle<()>,
}

struct Door {
    to: usize,
    node: Http,
    network: Arc<Network>,
}

/// One request on its way.
#[derive(Clone)]
struct Parcel {
    method: Method,
    path: String,
    sender: String,
    frame: Vec<u8>,
}

/// What the sender hears.
enum Heard {
    Reply(Response<Full<Bytes>>),
    /// That it did not arrive.
    Lost,
    Nothing,
}

impl Proxy {
    /// Listens on a free port, for requests to the node with this place in the plan.
    ///
    /// # Errors
    /// No port is free.
    pub(super) async fn start(
        to: usize,
        node: Http,
        tls: Option<TlsAcceptor>,
        network: Arc<Network>,
    ) -> Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let door = Arc::new(Door { to, node, network });
        Ok(Proxy { port, task: tokio::spawn(accept(listener, tls, door)) })
    }

    /// Where peers are to dial.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, door: Arc<Door>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(_) = open.join_next() => {}
            // An error of accept is about one connection that is gone, or about descriptors that come free again.
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                open.spawn(connection(stream, tls.clone(), door.clone()));
            },
        }
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, door: Arc<Door>) {
    // Both ends notice a broken connection themselves.
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve(stream, door).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                serve(stream, door).await;
            }
        }
    }
}

async fn serve(stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin, door: Arc<Door>) {
    let service = service_fn(move |request| {
        let door = door.clone();
        async move { Ok::<_, Infallible>(door.answer(request).await) }
    });
    let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

impl Door {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let Ok(parcel) = Parcel::read(request).await else { return lost() };
        let Some(from) = self.network.member(&parcel.sender) else { return lost() };
        if self.network.refuses(self.to) {
            return lost();
        }
        // In a task of its own: what was sent arrives, even if its sender waits no longer.
        match tokio::spawn(self.carry(from, parcel)).await {
            Ok(Heard::Reply(response)) => response,
            Ok(Heard::Lost) | Err(_) => lost(),
            Ok(Heard::Nothing) => std::future::pending().await,
        }
    }

    /// There and back.
    async fn carry(self: Arc<Self>, from: usize, mut parcel: Parcel) -> Heard {
        if parcel.method == Method::POST {
            self.network.keep(&parcel.frame);
        }
        let (there, back): (Link, Link) = ((from, self.to), (self.to, from));
        let fate = self.network.request(there, parcel.frame.len());
        tokio::time::sleep(fate.takes).await;
        self.network.unclogged(there).await;
        if fate.lost || self.network.is_cut(there) {
            return if fate.silent { Heard::Nothing } else { Heard::Lost };
        }
        if let Some(later) = fate.twice {
            let (door, parcel) = (self.clone(), parcel.clone());
            tokio::spawn(async move {
                tokio::time::sleep(later).await;
                // Nobody waits for the answer to a copy.
                let _ = door.node.send(&parcel.call()).await;
            });
        }
        fate.harm(&mut parcel.frame);
        let Ok(mut reply) = self.node.send(&parcel.call()).await else { return Heard::Lost };
        let fate = self.network.reply(back, reply.body.len());
        tokio::time::sleep(fate.takes).await;
        self.network.unclogged(back).await;
        if fate.lost || self.network.is_cut(back) {
            return if fate.silent { Heard::Nothing } else { Heard::Lost };
        }
        if reply.status.is_success() {
            let mut frame = reply.body.to_vec();
            fate.harm(&mut frame);
            reply.body = frame.into();
        }
        Heard::Reply(response(reply))
    }
}

impl Parcel {
    async fn read(request: Request<Incoming>) -> Result<Parcel> {
        let (head, body) = request.into_parts();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let sender = header(NODE_ID).context("nobody says who sends this")?.to_owned();
        let path = head.uri.path_and_query().context("a request has a path")?.to_string();
        let frame = match header(IN_HEADER) {
            Some(text) => URL_SAFE_NO_PAD.decode(text)?,
            None => {
                let body = Limited::new(body, MAX_FRAME_BYTES).collect().await;
                body.map_err(|problem| anyhow::anyhow!("{problem}"))?.to_bytes().into()
            }
        };
        Ok(Parcel { method: head.method, path, sender, frame })
    }

    fn call(&self) -> Call {
        let mut call = Call { method: self.method.clone(), path: self.path.clone(), ..Call::default() };
        call.headers.push((NODE_ID, self.sender.clone()));
        if self.method == Method::POST {
            call.body = Some((FRAME, self.frame.clone()));
        } else {
            call.headers.push((IN_HEADER, URL_SAFE_NO_PAD.encode(&self.frame)));
        }
        call
    }
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    if let Some(kind) = reply.headers.get(CONTENT_TYPE) {
        response.headers_mut().insert(CONTENT_TYPE, kind.clone());
    }
    response
}

/// As a gateway says it. A broken connection would make the sender try again at once, and be lost once more.
fn lost() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
