//! The administrators' routes. Each needs the session of an administrator, and each write says who holds it.

mod clients;
mod cluster;
mod keys;
mod scopes;
mod sessions;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::http::request::Parts;
use serde_json::{Value, json};
use symbolon_core::replica::{Actor, Receipt, Reply, Request as Ask};

use super::read::Wait;
use super::session::{Signed, unexpected};
use super::{ApiError, App};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(clients::routes())
        .merge(scopes::routes())
        .merge(keys::routes())
        .merge(cluster::routes())
        .merge(sessions::routes())
}

/// The administrator who asks.
struct Admin(Actor);

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Admin, ApiError> {
        let Signed(session) = Signed::from_request_parts(parts, app).await?;
        if !session.is_admin(&app.handle.view().config) {
            return Err(ApiError::new(403, "not_an_admin", "this takes a member of the administrators' group"));
        }
        Ok(Admin(Actor::User(session.user)))
    }
}

/// Carries out a write that answers with nothing but its receipt.
async fn change(app: &App, admin: Admin, request: Ask, wait: &Wait) -> Result<Response, ApiError> {
    match app.ask(admin.0, request, wait.concern()).await? {
        Reply::Done(receipt) => Ok(done(&receipt, wait)),
        _ => Err(unexpected()),
    }
}

/// 204, or the receipt when a write concern was given.
fn done(receipt: &Receipt, wait: &Wait) -> Response {
    match wait.concern() {
        Some(_) => axum::Json(receipt_json(receipt)).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

fn receipt_json(receipt: &Receipt) -> Value {
    let Receipt { changed, held_by, peers, concern_met } = receipt;
    let held_by: Vec<String> = held_by.iter().map(ToString::to_string).collect();
    json!({ "changed": changed, "held_by": held_by, "peers": peers, "concern_met": concern_met })
}

/// `into` with the members of `more`.
fn merged(mut into: Value, more: Value) -> Value {
    if let (Value::Object(into), Value::Object(more)) = (&mut into, more) {
        into.extend(more);
    }
    into
}

fn not_found(what: &str, name: &str) -> ApiError {
    ApiError::new(404, "not_found", format!("there is no {what} {name:?}"))
}
