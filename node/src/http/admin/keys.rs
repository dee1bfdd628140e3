//! Signing keys and wrapping keys. Private keys are set here, and never shown.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use symbolon_core::replica::{Reply, Request as Ask};
use symbolon_core::state::{KeyStage, TokenKey, View};
use zeroize::Zeroizing;

use super::{Admin, change, not_found, receipt_json, unexpected};
use crate::http::read::{self, Json, Named, Params, Wait};
use crate::http::{ApiError, App};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/admin/keys", get(list))
        .route("/api/admin/keys/rotate", post(rotate))
        .route("/api/admin/keys/cluster", get(ring).put(set_ring))
        .route("/api/admin/keys/{kid}", delete(withdraw))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterKey {
    #[serde(deserialize_with = "read::secret")]
    key: Zeroizing<String>,
}

async fn list(State(app): State<Arc<App>>, _: Admin) -> Response {
    let view = app.handle.view();
    let keys: Vec<Value> = view.token_keys.values().map(|key| render(&view, key)).collect();
    axum::Json(json!({ "keys": keys })).into_response()
}

fn render(view: &View, key: &TokenKey) -> Value {
    let published = &key.published;
    let (stage, retires) = match published.stage {
        _ if view.key_is_withdrawn(&published.kid) => ("withdrawn", None),
        KeyStage::Upcoming => ("upcoming", None),
        KeyStage::Active => ("active", None),
        KeyStage::Retiring(until) => ("retiring", Some(until.seconds())),
    };
    json!({
        "kid": &*published.kid,
        "alg": "ES256",
        "owner": key.owner.to_string(),
        "stage": stage,
        "published": published.published.seconds(),
        "retires": retires,
    })
}

async fn rotate(State(app): State<Arc<App>>, admin: Admin, Params(wait): Params<Wait>) -> Result<Response, ApiError> {
    let Reply::Done(receipt) = app.ask(admin.0, Ask::RotateSigningKey, wait.concern()).await? else {
        return Err(unexpected());
    };
    Ok((StatusCode::ACCEPTED, axum::Json(receipt_json(&receipt))).into_response())
}

async fn withdraw(
    State(app): State<Arc<App>>,
    admin: Admin,
    Named(kid): Named,
    Params(wait): Params<Wait>,
) -> Result<Response, ApiError> {
    if !app.handle.view().token_keys.contains_key(kid.as_str()) {
        return Err(not_found("signing key", &kid));
    }
    change(&app, admin, Ask::WithdrawSigningKey { kid }, &wait).await
}

async fn ring(State(app): State<Arc<App>>, _: Admin) -> Response {
    let view = app.handle.view();
    let sealing = view.ring.sealing().map(|key| key.id);
    let keys: Vec<Value> = view
        .ring_keys()
        .map(|(id, meta)| {
            json!({
                "id": id.to_string(),
                "created": meta.created.seconds(),
                "held": view.ring.get(id).is_some(),
                "sealing": sealing == Some(id),
            })
        })
        .collect();
    axum::Json(json!({ "keys": keys })).into_response()
}

async fn set_ring(
    State(app): State<Arc<App>>,
    admin: Admin,
    Params(wait): Params<Wait>,
    Json(ClusterKey { key }): Json<ClusterKey>,
) -> Result<Response, ApiError> {
    let wrong = || ApiError::new(400, "invalid", "key: takes base64url, without padding, of 32 bytes");
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(key.as_bytes()).map_err(|_| wrong())?);
    let mut secret = Zeroizing::new([0; 32]);
    if bytes.len() != secret.len() {
        return Err(wrong());
    }
    secret.copy_from_slice(&bytes);
    change(&app, admin, Ask::SetClusterKey { key: secret }, &wait).await
}
