//! What clients and resource servers call: tokens, introspection, revocation, keys, metadata. Pure functions of the view.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use symbolon_core::crypto::Crypto;
use symbolon_core::replica::{Actor, Request as Ask};
use symbolon_core::state::View;
use symbolon_core::time::Now;
use symbolon_core::token::{self, ClientPresentation, Form, MAX_FORM_BYTES, OAuthError, Verdict};

use super::App;
use super::error::{OAuthFailure, no_store};
use super::read;

const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/token", post(issue))
        .route("/introspect", post(introspect))
        .route("/revoke", post(revoke))
        .route("/jwks", get(jwks))
        .route("/.well-known/jwks.json", get(jwks))
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/.well-known/oauth-authorization-server", get(discovery))
}

async fn issue(State(app): State<Arc<App>>, peer: ConnectInfo<SocketAddr>, request: Request) -> Response {
    match decide(&app, peer, request, token::token).await {
        Ok(reply) => render(&reply),
        Err(error) => fail(&app, error),
    }
}

async fn introspect(State(app): State<Arc<App>>, peer: ConnectInfo<SocketAddr>, request: Request) -> Response {
    let introspect: Decide<_> =
        |view, presentation, now, crypto| token::introspect(view, presentation, now.wall, crypto);
    match decide(&app, peer, request, introspect).await {
        Ok(reply) => render(&reply),
        Err(error) => fail(&app, error),
    }
}

async fn revoke(State(app): State<Arc<App>>, peer: ConnectInfo<SocketAddr>, request: Request) -> Response {
    let caller = Actor::Anonymous(peer.0.ip().to_string());
    let revoke: Decide<_> = |view, presentation, now, crypto| token::revoke(view, presentation, now.wall, crypto);
    let revoked = match decide(&app, peer, request, revoke).await {
        Ok(revoked) => revoked,
        Err(error) => return fail(&app, error),
    };
    if let Some(revoked) = revoked
        && app.ask(caller, Ask::Revoke(vec![revoked]), None).await.is_err()
    {
        return fail(&app, OAuthError::temporarily_unavailable("the revocation could not be stored"));
    }
    let mut response = StatusCode::OK.into_response();
    no_store(response.headers_mut());
    response
}

async fn jwks(State(app): State<Arc<App>>) -> Response {
    let view = app.handle.view();
    // Caches would keep the empty set of a node that has only begun.
    if view.token_keys.is_empty() {
        return fail(&app, OAuthError::temporarily_unavailable("this node knows no signing keys yet"));
    }
    let keys = token::jwks(&view, app.now()).to_string();
    cacheable(keys, &view, "application/jwk-set+json")
}

async fn discovery(State(app): State<Arc<App>>) -> Response {
    cacheable(app.discovery.clone(), &app.handle.view(), "application/json")
}

type Decide<T> = fn(&View, ClientPresentation<'_>, Now, &Crypto) -> Verdict<T>;

/// Reads the form and decides on the view; when something is missing that a peer may have, once more on a newer one.
async fn decide<T>(
    app: &App,
    peer: ConnectInfo<SocketAddr>,
    request: Request,
    decide: Decide<T>,
) -> Result<T, OAuthError> {
    let (head, body) = request.into_parts();
    let form = form(&head.headers, body).await?;
    let authorization = authorization(&head.headers)?;
    let on_view = || {
        let presentation = ClientPresentation { authorization, form: &form };
        decide(&app.handle.view(), presentation, app.clock.now(), &app.crypto)
    };
    match on_view() {
        Verdict::Missing(wanted, answer) => {
            let actor = Actor::Anonymous(peer.0.ip().to_string());
            match app.ask(actor, Ask::Pull(wanted), None).await {
                Ok(_) => on_view().settle(),
                Err(_) => answer,
            }
        }
        verdict => verdict.settle(),
    }
}

async fn form(headers: &HeaderMap, body: Body) -> Result<Form, OAuthError> {
    if !read::is_type(headers, FORM) {
        return Err(OAuthError {
            status: 415,
            ..OAuthError::invalid_request("send application/x-www-form-urlencoded (RFC 6749, section 3.2)")
        });
    }
    let bytes = read::body(body, MAX_FORM_BYTES).await.map_err(|unread| {
        let (status, sentence) = unread.status_and_sentence();
        OAuthError { status, ..OAuthError::invalid_request(sentence) }
    })?;
    Form::parse(&bytes)
}

fn authorization(headers: &HeaderMap) -> Result<Option<&str>, OAuthError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(OAuthError::invalid_request("there is more than one Authorization header"));
    }
    first
        .map(|value| value.to_str())
        .transpose()
        .map_err(|_| OAuthError::invalid_client("the Authorization header is no text"))
}

fn render(reply: &impl Serialize) -> Response {
    let body = serde_json::to_vec(reply).expect("replies are made of text and numbers");
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    no_store(response.headers_mut());
    response
}

fn fail(app: &App, error: OAuthError) -> Response {
    let realm = app.handle.view().config.issuer.clone();
    OAuthFailure { error, realm }.into_response()
}

fn cacheable(body: impl Into<Body>, view: &View, content_type: &'static str) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let age = token::jwks_max_age(view).as_secs();
    if let Ok(value) = HeaderValue::try_from(format!("public, max-age={age}")) {
        headers.insert(CACHE_CONTROL, value);
    }
    response
}
