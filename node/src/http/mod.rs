//! HTTP: parse, request, reply, render; no rules. Each family of routes is a file; what is decided is decided in core.

mod admin;
mod error;
mod gossip;
mod limit;
mod ops;
mod public;
mod read;
mod session;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::header::{DATE, HOST, HeaderValue};
use hyper::{Request, Version};
use symbolon_core::crypto::Crypto;
use symbolon_core::replica::{Actor, Refusal, Reply, WriteConcern};
use symbolon_core::time::Wall;

use crate::handle::Handle;
use crate::ports::{Clock, Ports};
use crate::server;
use crate::telemetry::{Meters, Route};

pub use error::ApiError;

/// A caller waits for the replica this long, beyond what his write concern asks for.
const ASK_TIMEOUT: Duration = Duration::from_secs(15);

/// What every handler sees.
struct App {
    handle: Handle,
    crypto: Crypto,
    clock: Arc<dyn Clock>,
    meters: Arc<Meters>,
    kem_info: limit::Limiter,
    /// Memory for frames, in KiB.
    frames: tokio::sync::Semaphore,
    counts: ops::Counts,
    /// Whether browsers reach this node over TLS, so that cookies are held to it.
    over_tls: bool,
    discovery: axum::body::Bytes,
}

/// The way in: counts, catches panics, and calls the router. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    app: Arc<App>,
    router: Router,
}

impl Door {
    /// The door of a node.
    pub fn new(handle: Handle, ports: Ports, meters: Arc<Meters>) -> Door {
        let config = handle.view().config.clone();
        let app = Arc::new(App {
            crypto: ports.crypto,
            clock: ports.clock,
            meters,
            kem_info: limit::Limiter::default(),
            frames: tokio::sync::Semaphore::new(gossip::MAX_FRAMES_KIB),
            counts: ops::Counts::default(),
            over_tls: config.address.starts_with("https://"),
            discovery: symbolon_core::token::discovery(&config).to_string().into(),
            handle,
        });
        let router = Router::new()
            .merge(public::routes())
            .merge(session::routes())
            .merge(admin::routes())
            .merge(gossip::routes())
            .merge(ops::routes())
            .fallback(|| async { ApiError::new(404, "not_found", "there is nothing at this path") })
            .method_not_allowed_fallback(|| async {
                ApiError::new(405, "method_not_allowed", "this path takes other methods, see the Allow header")
            })
            .with_state(app.clone());
        Door { app, router }
    }

    /// Answers one request.
    pub async fn answer(self, request: Request<Incoming>) -> Response<Body> {
        let route = Route::of(request.uri().path());
        let began = self.app.clock.micros();
        let mut response = match names_one_host(&request) {
            true => unless_it_panics(server::route(self.router, request)).await,
            false => ApiError::new(400, "invalid", "name the host, once").into_response(),
        };
        response.headers_mut().insert(DATE, date(self.app.now()));
        let micros = self.app.clock.micros().saturating_sub(began);
        self.app.meters.request(route, response.status().as_u16(), micros);
        response
    }
}

/// RFC 9110, section 6.6.1: when an answer was made, by the node's own clock.
fn date(now: Wall) -> HeaderValue {
    let date = httpdate::HttpDate::from(UNIX_EPOCH + Duration::from_millis(now.0));
    HeaderValue::try_from(date.to_string()).expect("a date is text")
}

/// RFC 9112, section 3.2: a request of HTTP/1.1 has one Host header, and no request has two.
fn names_one_host(request: &Request<Incoming>) -> bool {
    match request.headers().get_all(HOST).iter().count() {
        0 => request.version() < Version::HTTP_11,
        hosts => hosts == 1,
    }
}

/// A panic while one request is answered is an error for its caller, and for nobody else.
async fn unless_it_panics(answer: impl Future<Output = Response<Body>>) -> Response<Body> {
    let mut answer = std::pin::pin!(answer);
    std::future::poll_fn(move |context| {
        match std::panic::catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
            Ok(poll) => poll,
            Err(_) => {
                tracing::error!("a request panicked");
                let answer = ApiError::new(500, "internal", "this node failed; its log says more");
                Poll::Ready(answer.into_response())
            }
        }
    })
    .await
}

impl App {
    fn now(&self) -> Wall {
        self.clock.now().wall
    }

    async fn ask(
        &self,
        actor: Actor,
        request: symbolon_core::replica::Request,
        concern: Option<WriteConcern>,
    ) -> Result<Reply, ApiError> {
        let patience = ASK_TIMEOUT + concern.map_or(Duration::ZERO, |concern| concern.within);
        match tokio::time::timeout(patience, self.handle.ask(actor, request, concern)).await {
            Ok(Reply::Refused(refusal)) => Err(refusal.into()),
            Ok(reply) => Ok(reply),
            Err(_) => Err(Refusal::Unavailable("the disk did not answer in time".into()).into()),
        }
    }
}
