//! What operators and orchestrators ask: alive, ready, metrics. Alive means that this process answers, and no more.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};
use symbolon_core::replica::{Actor, Reply, Request as Ask};
use symbolon_core::state::View;
use symbolon_core::time::Tick;

use super::App;

/// Counting walks the whole view, so a count is shown this long before it is made anew.
const COUNTS_TTL_MS: u64 = 1000;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/livez", get(|| async { axum::Json(json!({ "alive": true })) }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    let view = app.handle.view();
    let mut reasons: Vec<Value> =
        view.readiness.reasons.iter().map(|(name, detail)| json!({ "name": name, "detail": detail })).collect();
    if app.handle.is_down() {
        reasons.push(json!({ "name": "store_failed", "detail": "the store failed; the replica boots anew from it" }));
    }
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(json!({ "ready": reasons.is_empty(), "reasons": reasons }))).into_response()
}

async fn metrics(State(app): State<Arc<App>>, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> Response {
    let stats = match app.ask(Actor::Anonymous(peer.ip().to_string()), Ask::Stats, None).await {
        Ok(Reply::Stats(stats)) => Some(stats),
        _ => None,
    };
    let text = app.meters.render(app.handle.load(), &app.handle.view(), stats.as_deref());
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// Counts per collection, made at most once a second however often they are asked for.
#[derive(Default)]
pub(super) struct Counts {
    last: Mutex<Option<(Tick, Value)>>,
}

impl Counts {
    pub(super) fn of(&self, view: &View, now: Tick) -> Value {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((at, counts)) if now.0 < at.0 + COUNTS_TTL_MS => counts.clone(),
            _ => last.insert((now, count(view))).1.clone(),
        }
    }
}

fn count(view: &View) -> Value {
    json!({
        "signing_keys": view.token_keys.len(),
        "wrapping_keys": view.ring_keys().count(),
        "cluster_nodes": view.nodes.len(),
        "clients": view.clients("").count(),
        "scope_definitions": view.scopes().count(),
        "revoked": view.revoked.len(),
        "cells": view.cells.len(),
    })
}
