//! A small HTTP/1.1 client: keep-alive, every wait bounded. It keeps no cookies, and leaves dialling to its world.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, HeaderMap};
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// How long one exchange may take, connecting included.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const MAX_REPLY_BYTES: usize = 8 << 20;
/// Idle connections that are kept.
const MAX_IDLE: usize = 64;

/// An open connection, on which requests go one after another.
pub type Sender = SendRequest<Full<Bytes>>;

/// A connection that is being opened.
pub type Opening = Pin<Box<dyn Future<Output = Result<Sender>> + Send>>;

/// Opens connections to one origin.
pub trait Open: Send + Sync {
    /// A fresh one.
    fn open(&self) -> Opening;
}

/// A client of one origin.
#[derive(Clone)]
pub struct Http {
    authority: Arc<str>,
    open: Arc<dyn Open>,
    idle: Arc<Mutex<Vec<Sender>>>,
}

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path, with its query.
    pub path: String,
    /// The `Cookie` header.
    pub cookie: Option<String>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The media type and the body.
    pub body: Option<(&'static str, Vec<u8>)>,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The header.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// An answer that did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer from {from} within {} s", TIMEOUT.as_secs())]
pub struct Silence {
    /// Who was asked.
    pub from: Arc<str>,
}

impl Http {
    /// A client of this host and port.
    pub fn new(authority: &str, open: Arc<dyn Open>) -> Http {
        Http { authority: authority.into(), open, idle: Arc::default() }
    }

    /// Sends one request, and reads the whole answer.
    ///
    /// # Errors
    /// No connection, a broken one, an answer beyond the bound, or too late.
    pub async fn send(&self, call: &Call) -> Result<Reply> {
        tokio::time::timeout(TIMEOUT, self.exchange(call))
            .await
            .map_err(|_| Silence { from: self.authority.clone() })?
            .with_context(|| format!("{} {} on {}", call.method, call.path, self.authority))
    }

    /// Forgets the idle connections, as after a restart of the server.
    pub fn forget(&self) {
        self.idle.lock().expect("nobody panics while holding it").clear();
    }

    async fn exchange(&self, call: &Call) -> Result<Reply> {
        while let Some(mut sender) = self.reuse() {
            if sender.ready().await.is_err() {
                continue;
            }
            match sender.try_send_request(self.request(call)?).await {
                Ok(response) => return self.read(sender, response).await,
                Err(mut error) => {
                    // What was never written may be sent anew: the server had closed this connection.
                    if error.take_message().is_none() {
                        return Err(error.into_error().into());
                    }
                }
            }
        }
        let mut sender = self.open.open().await?;
        let response = sender.send_request(self.request(call)?).await?;
        self.read(sender, response).await
    }

    fn reuse(&self) -> Option<Sender> {
        self.idle.lock().expect("nobody panics while holding it").pop()
    }

    fn request(&self, call: &Call) -> Result<hyper::Request<Full<Bytes>>> {
        let mut request = hyper::Request::builder().method(&call.method).uri(&call.path);
        request = request.header(HOST, &*self.authority);
        if let Some(cookie) = &call.cookie {
            request = request.header(COOKIE, cookie);
        }
        if let Some(authorization) = &call.authorization {
            request = request.header(hyper::header::AUTHORIZATION, authorization);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let mut body = Bytes::new();
        if let Some((media_type, bytes)) = &call.body {
            request = request.header(CONTENT_TYPE, *media_type);
            body = Bytes::from(bytes.clone());
        }
        Ok(request.body(Full::new(body))?)
    }

    async fn read(&self, sender: Sender, response: hyper::Response<hyper::body::Incoming>) -> Result<Reply> {
        let (head, body) = response.into_parts();
        let Ok(body) = Limited::new(body, MAX_REPLY_BYTES).collect().await else {
            bail!("the answer broke off, or is beyond {MAX_REPLY_BYTES} bytes");
        };
        let mut idle = self.idle.lock().expect("nobody panics while holding it");
        if idle.len() < MAX_IDLE {
            idle.push(sender);
        }
        Ok(Reply { status: head.status, headers: head.headers, body: body.to_bytes() })
    }
}

/// Speaks HTTP on the stream, with the connection in a task of its own that ends with its sender.
///
/// # Errors
/// What hyper says.
pub async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> Result<Sender> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
