//! Log-in, log-out, and who somebody is: the session cookie in and out. Passwords are checked by the replica's orders alone.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::header::{CACHE_CONTROL, COOKIE, HOST, HeaderValue, ORIGIN, SET_COOKIE};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use symbolon_core::replica::{Actor, Reply, Request as Ask};
use symbolon_core::state::RevokedId;
use symbolon_core::token::Verdict;
use symbolon_core::token::session::{self, Session, cookie_name};
use zeroize::Zeroizing;

use super::read::{self, Json};
use super::{ApiError, App};
use crate::password::MAX_PASSWORD_BYTES;

/// Bytes of a login name.
const MAX_USERNAME_BYTES: usize = 256;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/auth/login", post(login))
        .route("/api/auth/logout", post(logout))
        .route("/api/auth/session", get(show))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    username: String,
    #[serde(deserialize_with = "read::secret")]
    password: Zeroizing<String>,
}

/// The request comes from a page of this host, or from no page at all.
pub(super) struct SameOrigin;

impl<S: Sync> FromRequestParts<S> for SameOrigin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<SameOrigin, ApiError> {
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let is_ours = |origin: &HeaderValue| {
            let of = origin.to_str().ok().and_then(|origin| Some(origin.split_once("://")?.1));
            of.is_some() && of == host
        };
        match parts.headers.get_all(ORIGIN).iter().all(is_ours) {
            true => Ok(SameOrigin),
            false => Err(ApiError::new(403, "foreign_origin", "the Origin header names another host than this one")),
        }
    }
}

/// A caller with a session, on a request that no foreign page made.
pub(super) struct Signed(pub(super) Session);

impl FromRequestParts<Arc<App>> for Signed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Signed, ApiError> {
        if parts.method != Method::GET {
            SameOrigin::from_request_parts(parts, app).await?;
        }
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_string());
        open(app, &parts.headers, peer.unwrap_or_default()).await.map(Signed)
    }
}

/// The session in the cookie.
pub(super) async fn open(app: &App, headers: &HeaderMap, peer: String) -> Result<Session, ApiError> {
    let none = || ApiError::new(401, "no_session", "log in at /api/auth/login first");
    let cookie = cookie(headers, cookie_name(app.over_tls)).ok_or_else(none)?;
    let on_view = || session::open(&app.handle.view(), &app.crypto, cookie, app.now());
    let verdict = match on_view() {
        Verdict::Missing(wanted, answer) => match app.ask(Actor::Anonymous(peer), Ask::Pull(wanted), None).await {
            Ok(_) => on_view().settle(),
            Err(_) => answer,
        },
        verdict => verdict.settle(),
    };
    verdict.map_err(|error| ApiError::new(error.status, error.error, error.description))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(of, _)| *of == name).map(|(_, value)| value)
}

async fn login(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    _: SameOrigin,
    Json(Credentials { username, password }): Json<Credentials>,
) -> Result<Response, ApiError> {
    if username.len() > MAX_USERNAME_BYTES || password.len() > MAX_PASSWORD_BYTES {
        return Err(ApiError::new(400, "invalid", "user name or password is too long"));
    }
    let request = Ask::Login { username: username.clone(), password };
    let Reply::LoggedIn { cookie, groups, expires } =
        app.ask(Actor::Anonymous(peer.ip().to_string()), request, None).await?
    else {
        return Err(unexpected());
    };
    let admin = groups.contains(&app.handle.view().config.admin_group);
    let seconds = expires.seconds().saturating_sub(app.now().seconds());
    let body = json!({ "user": username, "groups": groups, "admin": admin, "expires": expires.seconds() });
    Ok(with_cookie(&app, axum::Json(body).into_response(), &cookie, seconds))
}

async fn logout(State(app): State<Arc<App>>, Signed(session): Signed) -> Result<Response, ApiError> {
    let revoked = vec![(RevokedId::Session(session.sid), session.expires)];
    app.ask(Actor::User(session.user), Ask::Revoke(revoked), None).await?;
    Ok(with_cookie(&app, StatusCode::NO_CONTENT.into_response(), "", 0))
}

async fn show(State(app): State<Arc<App>>, Signed(session): Signed) -> Response {
    let admin = session.is_admin(&app.handle.view().config);
    let Session { user, groups, expires, .. } = session;
    let body = json!({ "user": user, "groups": groups, "admin": admin, "expires": expires.seconds() });
    let mut response = axum::Json(body).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn with_cookie(app: &App, mut response: Response, value: &str, max_age_s: u64) -> Response {
    let (name, secure) = (cookie_name(app.over_tls), if app.over_tls { "; Secure" } else { "" });
    let text =
        Zeroizing::new(format!("{name}={value}; HttpOnly; SameSite=Strict{secure}; Path=/; Max-Age={max_age_s}"));
    let mut cookie = HeaderValue::try_from(text.as_str()).expect("a sealed cookie is base64url");
    cookie.set_sensitive(true);
    response.headers_mut().insert(SET_COOKIE, cookie);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The replica answered another question than was asked: a defect of ours.
pub(super) fn unexpected() -> ApiError {
    ApiError::new(500, "internal", "this node failed; its log says more")
}
