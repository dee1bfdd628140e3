//! Nodes: who is known, who is pinned, and pinning one by hand.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use symbolon_core::crypto::{ml_kem_from_spki_der, p256_from_spki_der};
use symbolon_core::replica::{Request as Ask, Seed};

use super::{Admin, change};
use crate::http::read::{Json, Params, Wait};
use crate::http::{ApiError, App};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/admin/nodes", get(list)).route("/api/admin/nodes/seed", post(seed))
}

/// What `kem-info` of the peer shows, and where it was found. Its other members may come along.
#[derive(Deserialize)]
struct Peer {
    node_id: String,
    kem_public_key_der: String,
    gossip_signing_pub_key_der: String,
    address: String,
}

async fn list(State(app): State<Arc<App>>, _: Admin) -> Response {
    let view = app.handle.view();
    // The incarnation is told as text: it is beyond what readers of JSON numbers hold.
    let known = view.nodes.values().map(|record| {
        json!({
            "node_id": record.node.to_string(),
            "name": &*record.name,
            "address": &*record.address,
            "incarnation": record.incarnation.0.to_string(),
            "pinned": view.pinned.contains_key(&record.node),
            "self": record.node == view.identity.node,
        })
    });
    let only_pinned = view.pinned.values().filter(|peer| !view.nodes.contains_key(&peer.node)).map(
        |peer| json!({ "node_id": peer.node.to_string(), "address": &*peer.address, "pinned": true, "self": false }),
    );
    let nodes: Vec<Value> = known.chain(only_pinned).collect();
    axum::Json(json!({ "nodes": nodes })).into_response()
}

async fn seed(
    State(app): State<Arc<App>>,
    admin: Admin,
    Params(wait): Params<Wait>,
    Json(peer): Json<Peer>,
) -> Result<Response, ApiError> {
    let wrong = |field: &str, takes: &str| ApiError::new(400, "invalid", format!("{field}: takes {takes}"));
    let der = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let node = peer.node_id.parse().map_err(|e| ApiError::new(400, "invalid", format!("node_id: {e}")))?;
    let gossip_key = der(&peer.gossip_signing_pub_key_der)
        .and_then(|der| p256_from_spki_der(&der))
        .ok_or_else(|| wrong("gossip_signing_pub_key_der", "base64url of the SubjectPublicKeyInfo of a P-256 key"))?;
    let kem_key = der(&peer.kem_public_key_der)
        .and_then(|der| ml_kem_from_spki_der(&der))
        .ok_or_else(|| wrong("kem_public_key_der", "base64url of the SubjectPublicKeyInfo of an ML-KEM-768 key"))?;
    let seed = Seed { node, gossip_key, kem_key: Box::new(kem_key), address: peer.address };
    change(&app, admin, Ask::SeedNode(seed), &wait).await
}
