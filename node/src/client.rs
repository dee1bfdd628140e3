//! A client of nodes' own HTTP interface, for commands. One request on one connection; it keeps nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, header};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::dial::{Dialler, Target, TcpDial};
use crate::tls;

/// An answer is read this far.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// Connecting, asking and reading together.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks nodes.
pub struct Client {
    dialler: Dialler,
    has_ca: bool,
}

/// What a node answered.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The cookie that it set, as it has to be sent back.
    pub cookie: Option<Zeroizing<String>>,
    /// The body, `null` if it is no JSON.
    pub body: Value,
}

impl Client {
    /// A client that trusts the certificates that this CA signed.
    ///
    /// # Errors
    /// If the file holds no certificate.
    pub fn new(ca: Option<&Path>) -> Result<Client, String> {
        let trust = tls::client(ca).map_err(|e| e.to_string())?;
        Ok(Client { dialler: Dialler::new(Arc::new(TcpDial), trust), has_ca: ca.is_some() })
    }

    /// Asks the node at this origin.
    ///
    /// # Errors
    /// A sentence: no origin, a remote node without a CA to know it by, no connection, or no answer in time.
    pub async fn ask(
        &self,
        origin: &str,
        (method, path): (&str, &str),
        cookie: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        let target = Target::parse(origin)?;
        if !self.has_ca && !target.is_loopback() {
            return Err(format!("{origin} is not on this machine: name the CA of its certificate with --ca"));
        }
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, &target.authority);
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let bytes = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let request = request.body(Full::new(bytes)).map_err(|e| e.to_string())?;
        let answer = self.exchange(&target, request);
        let timeout = format!("{origin}: no answer within {TIMEOUT:?}");
        tokio::time::timeout(TIMEOUT, answer).await.map_err(|_| timeout)?
    }

    async fn exchange(&self, target: &Target, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let mut connection = self.dialler.connect(target).await?;
        let response = connection.send_request(request).await.map_err(|e| format!("{}: {e}", target.authority))?;
        let (head, body) = response.into_parts();
        let cookie = head.headers.get(header::SET_COOKIE).and_then(|value| value.to_str().ok());
        let cookie = cookie.and_then(|value| value.split(';').next()).map(|pair| Zeroizing::new(pair.to_owned()));
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|e| e.to_string())?.to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Answer { status: head.status.as_u16(), cookie, body })
    }
}

impl Answer {
    /// The body, if the status says success.
    ///
    /// # Errors
    /// The node's own sentence.
    pub fn success(self, origin: &str) -> Result<Answer, String> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let said = self.body.get("message").and_then(Value::as_str).unwrap_or("no reason given");
        Err(format!("{origin}: {said} (status {})", self.status))
    }
}
