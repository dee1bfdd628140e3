//! The doors for peers. Frames go to the replica unopened; what is wrong with one, the replica says.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use symbolon_core::config::MAX_FRAME_BYTES;
use symbolon_core::crypto::{spki_der_ml_kem, spki_der_p256};
use symbolon_core::fault::Reject;
use symbolon_core::gossip::{PeerStats, Stats};
use symbolon_core::replica::{Actor, Reply, Request as Ask};

use super::{ApiError, App, read, session};
use crate::handle::Unanswered;
use crate::net::{FRAME_HEADER, FRAME_TYPE};

/// Frames of strangers and peers that are being read or answered, in KiB together; beyond it they hear "busy".
pub(super) const MAX_FRAMES_KIB: usize = 64 << 10;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/gossip/sync", post(sync))
        .route("/api/gossip/wrapping-key", get(wrapping_key))
        .route("/api/gossip/kem-info", get(kem_info))
        .route("/api/gossip/stats", get(stats))
}

async fn sync(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    if !read::is_type(request.headers(), FRAME_TYPE) {
        return Err(ApiError::new(415, "unsupported_media_type", format!("send {FRAME_TYPE}")));
    }
    let _room = app.frames.try_acquire_many(kib(request.headers())).map_err(|_| busy())?;
    let frame = read::body(request.into_body(), MAX_FRAME_BYTES).await.map_err(|unread| match unread {
        read::Unread::TooLarge => Reject::Oversized.into(),
        read::Unread::TooSlow | read::Unread::Broken => ApiError::from(unread),
    })?;
    exchange(&app, frame.into()).await
}

async fn wrapping_key(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ApiError> {
    let frame = headers.get(FRAME_HEADER).and_then(|value| URL_SAFE_NO_PAD.decode(value).ok());
    let frame = frame.ok_or(Reject::Malformed)?;
    exchange(&app, frame).await
}

fn busy() -> ApiError {
    ApiError::new(429, "busy", "too many frames are waiting").retry()
}

/// The memory that a frame may take: its announced length, or the longest.
fn kib(headers: &HeaderMap) -> u32 {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let bytes = announced.unwrap_or(MAX_FRAME_BYTES).min(MAX_FRAME_BYTES);
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

async fn exchange(app: &App, frame: Vec<u8>) -> Result<Response, ApiError> {
    let patience = app.handle.view().config.gossip.round_timeout;
    let answer = tokio::time::timeout(patience, app.handle.frame(frame)).await.map_err(|_| busy())?;
    match answer {
        Ok(frame) => {
            let mut response = frame.into_response();
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(FRAME_TYPE));
            Ok(response)
        }
        Err(Unanswered::Rejected(reject)) => Err(reject.into()),
        Err(Unanswered::Busy) => Err(busy()),
        Err(Unanswered::Stopped) => Err(ApiError::new(503, "unavailable", "the node is stopping").retry()),
    }
}

async fn kem_info(State(app): State<Arc<App>>, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> Response {
    if !app.kem_info.allows(peer.ip(), app.clock.now().tick) {
        return ApiError::new(429, "too_many_requests", "ask less often").retry().into_response();
    }
    let view = app.handle.view();
    let Some(record) = view.nodes.get(&view.identity.node) else {
        return (StatusCode::NOT_FOUND, axum::Json(json!({ "registered": false }))).into_response();
    };
    axum::Json(json!({
        "registered": true,
        "node_id": record.node.to_string(),
        "name": &*record.name,
        "address": &*record.address,
        "kem_public_key_der": URL_SAFE_NO_PAD.encode(spki_der_ml_kem(&record.kem_key)),
        "gossip_signing_pub_key_der": URL_SAFE_NO_PAD.encode(spki_der_p256(&record.gossip_key)),
    }))
    .into_response()
}

/// Counts for everybody, the rest for administrators.
async fn stats(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let peer = peer.ip().to_string();
    let is_admin = match session::open(&app, &headers, peer.clone()).await {
        Ok(session) => session.is_admin(&app.handle.view().config),
        Err(_) => false,
    };
    let Reply::Stats(stats) = app.ask(Actor::Anonymous(peer), Ask::Stats, None).await? else {
        return Err(session::unexpected());
    };
    let view = app.handle.view();
    let mut body = json!({
        "node_id": view.identity.node.to_string(),
        "crdt_generation": stats.generation,
        "counts": app.counts.of(&view, app.clock.now().tick),
        "peers": { "configured": view.pinned.len(), "discovered": view.nodes.len().saturating_sub(1) },
        "kem_enrolled": view.nodes.contains_key(&view.identity.node),
        "gossip_signing_enrolled": view.nodes.contains_key(&view.identity.node),
        "digest": stats.digest,
    });
    if is_admin {
        // As text: it may be beyond what readers of JSON numbers hold.
        body["incarnation"] = json!(view.identity.incarnation.0.to_string());
        body["active_signing_kid"] = json!(view.signer.as_ref().map(|signer| &*signer.kid));
        body["gossip"] = gossip(&stats);
    }
    Ok(axum::Json(body).into_response())
}

fn gossip(stats: &Stats) -> Value {
    let seconds = |wall: symbolon_core::time::Wall| wall.0 as f64 / 1e3;
    let last: Value = stats
        .peers
        .iter()
        .map(|(node, peer)| (node.to_string(), json!(peer.last_exchange.map(seconds))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let peers: Value =
        stats.peers.iter().map(|(id, stats)| (id.to_string(), peer(stats))).collect::<serde_json::Map<_, _>>().into();
    json!({
        "started_at": seconds(stats.started_at),
        "rounds_completed": stats.rounds_completed,
        "rounds_failed": stats.rounds_failed,
        "last_round_at": stats.last_round_at.map(seconds),
        "peer_last_sync": last,
        "persist_errors": stats.persist_errors,
        "wrapping_key_pull_errors": stats.wrapping_key_pull_errors,
        "skips": stats.skips,
        "pushes": stats.pushes,
        "divergences": stats.divergences,
        "rejects": rejects(&stats.rejects),
        "peers": peers,
    })
}

fn peer(peer: &PeerStats) -> Value {
    json!({
        "name": peer.name.as_deref(),
        "address": &*peer.address,
        "last_exchange": peer.last_exchange.map(|wall| wall.0 as f64 / 1e3),
        "ops_in": peer.cells_in,
        "ops_out": peer.cells_out,
        "bytes_in": peer.bytes_in,
        "bytes_out": peer.bytes_out,
        "frames_in": peer.frames_in,
        "frames_out": peer.frames_out,
        "skips": peer.skips,
        "failures": peer.failures,
        "rejects": rejects(&peer.rejects),
        "clock_offset_ms": peer.clock_offset_ms,
        "round_trip_ms": peer.round_trip.map(|trip| trip.as_secs_f64() * 1e3),
        "lag_ops": peer.lag_ops,
        "diverging_buckets": peer.diverging_buckets,
    })
}

fn rejects(counts: &std::collections::BTreeMap<Reject, u64>) -> Value {
    counts
        .iter()
        .map(|(reject, count)| (reject.name().to_owned(), json!(count)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
