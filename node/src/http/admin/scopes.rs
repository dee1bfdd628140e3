//! Scope definitions: what the tokens of scope mean to people.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use serde::Deserialize;
use serde_json::{Value, json};
use symbolon_core::replica::{Reply, Request as Ask};
use symbolon_core::state::Scope;

use super::{Admin, change, merged, not_found, receipt_json, unexpected};
use crate::http::read::{Json, Named, Params, Wait};
use crate::http::{ApiError, App};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/admin/scopes", get(list)).route("/api/admin/scopes/{name}", put(define).delete(remove))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    description: String,
}

async fn list(State(app): State<Arc<App>>, _: Admin) -> Response {
    let view = app.handle.view();
    let scopes: Vec<Value> =
        view.scopes().map(|(name, scope)| json!({ "name": &*name, "description": scope.description })).collect();
    axum::Json(json!({ "scopes": scopes })).into_response()
}

async fn define(
    State(app): State<Arc<App>>,
    admin: Admin,
    Named(name): Named,
    Params(wait): Params<Wait>,
    Json(Definition { description }): Json<Definition>,
) -> Result<Response, ApiError> {
    let body = json!({ "name": name, "description": description });
    let request = Ask::DefineScope { name, scope: Scope { description } };
    let Reply::Done(receipt) = app.ask(admin.0, request, wait.concern()).await? else { return Err(unexpected()) };
    Ok(axum::Json(merged(body, receipt_json(&receipt))).into_response())
}

async fn remove(
    State(app): State<Arc<App>>,
    admin: Admin,
    Named(name): Named,
    Params(wait): Params<Wait>,
) -> Result<Response, ApiError> {
    if app.handle.view().scope(&name).is_none() {
        return Err(not_found("scope", &name));
    }
    change(&app, admin, Ask::RemoveScope { name }, &wait).await
}
