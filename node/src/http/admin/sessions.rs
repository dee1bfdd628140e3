//! Ending sessions: one by its id, or all of a user.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::delete;
use symbolon_core::replica::Request as Ask;
use symbolon_core::state::RevokedId;

use super::{Admin, change};
use crate::http::read::{Named, Params, Wait};
use crate::http::{ApiError, App};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/admin/sessions/{sid}", delete(end_one))
        .route("/api/admin/users/{user}/sessions", delete(end_all))
}

async fn end_one(
    State(app): State<Arc<App>>,
    admin: Admin,
    Named(sid): Named,
    Params(wait): Params<Wait>,
) -> Result<Response, ApiError> {
    // The parser of numbers would take a sign for a digit.
    let is_hex = sid.len() == 32 && sid.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = u128::from_str_radix(&sid, 16).ok().filter(|_| is_hex);
    let id = id.ok_or_else(|| ApiError::new(400, "invalid", "a session id is 32 hexadecimal digits"))?;
    // Its expiry is not known here; no session that exists now lives longer than one that began now.
    let latest = app.now().after(app.handle.view().config.tokens.session_ttl);
    change(&app, admin, Ask::Revoke(vec![(RevokedId::Session(id.to_be_bytes()), latest)]), &wait).await
}

async fn end_all(
    State(app): State<Arc<App>>,
    admin: Admin,
    Named(user): Named,
    Params(wait): Params<Wait>,
) -> Result<Response, ApiError> {
    change(&app, admin, Ask::RevokeUserSessions { user }, &wait).await
}
