//! Clients: create, read, replace, delete, new secret. Profiles have the names of RFC 7591.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::StatusCode;
use hyper::header::{HeaderValue, LOCATION};
use serde::Deserialize;
use serde_json::{Value, json};
use symbolon_core::replica::{Reply, Request as Ask};
use symbolon_core::state::{Client, ClientAuthMethod, Grant};
use symbolon_core::time::Wall;

use super::{Admin, change, merged, not_found, receipt_json, unexpected};
use crate::http::read::{Json, Named, Params, Wait};
use crate::http::{ApiError, App};

/// Clients in one page, unless the caller says less.
const MAX_PAGE: usize = 1000;
const DEFAULT_PAGE: usize = 100;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/admin/clients", get(list).post(create))
        .route("/api/admin/clients/{id}", get(show).put(replace).delete(delete))
        .route("/api/admin/clients/{id}/secret", post(rotate))
}

/// A profile as it arrives. What is left out has the default that fits the method of authentication.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    client_name: String,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    audience: Vec<String>,
    access_token_ttl_s: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    after: String,
    limit: Option<usize>,
}

impl Profile {
    fn read(self, now: Wall) -> Result<Client, ApiError> {
        let auth_method = match &self.token_endpoint_auth_method {
            None => ClientAuthMethod::SecretBasic,
            Some(name) => ClientAuthMethod::parse(name).ok_or_else(|| {
                invalid("token_endpoint_auth_method", "takes none, client_secret_basic or client_secret_post")
            })?,
        };
        let grants = match self.grant_types {
            None if auth_method == ClientAuthMethod::None => BTreeSet::from([Grant::AuthorizationCode]),
            None => BTreeSet::from([Grant::ClientCredentials]),
            Some(names) => names.iter().map(|name| Grant::parse(name)).collect::<Option<_>>().ok_or_else(|| {
                invalid("grant_types", "takes client_credentials, authorization_code and refresh_token")
            })?,
        };
        Ok(Client {
            name: self.client_name,
            auth_method,
            grants,
            scopes: self.scope.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
            redirect_uris: self.redirect_uris,
            audience: self.audience,
            access_token_ttl_s: self.access_token_ttl_s,
            created: now,
        })
    }
}

fn render(id: &str, client: &Client) -> Value {
    let Client { name, auth_method, grants, scopes, redirect_uris, audience, access_token_ttl_s, created } = client;
    let mut profile = json!({
        "id": id,
        "client_id": id,
        "client_id_issued_at": created.seconds(),
        "client_name": name,
        "token_endpoint_auth_method": auth_method.name(),
        "grant_types": grants.iter().map(|grant| grant.name()).collect::<Vec<_>>(),
        "scope": scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
        "redirect_uris": redirect_uris,
        "audience": audience,
    });
    if let Some(seconds) = access_token_ttl_s {
        profile["access_token_ttl_s"] = json!(seconds);
    }
    profile
}

async fn list(State(app): State<Arc<App>>, _: Admin, Params(page): Params<Page>) -> Response {
    let limit = page.limit.unwrap_or(DEFAULT_PAGE).min(MAX_PAGE);
    let view = app.handle.view();
    let clients: Vec<Value> =
        view.clients(&page.after).take(limit).map(|(id, client)| render(&id, &client)).collect();
    axum::Json(json!({ "clients": clients })).into_response()
}

async fn show(State(app): State<Arc<App>>, _: Admin, Named(id): Named) -> Result<Response, ApiError> {
    let view = app.handle.view();
    let client = view.client(&id).ok_or_else(|| not_found("client", &id))?;
    Ok(axum::Json(render(&id, client)).into_response())
}

async fn create(
    State(app): State<Arc<App>>,
    admin: Admin,
    Params(wait): Params<Wait>,
    Json(profile): Json<Profile>,
) -> Result<Response, ApiError> {
    let client = profile.read(app.now())?;
    let Reply::ClientCreated { id, secret, receipt } =
        app.ask(admin.0, Ask::CreateClient(client.clone()), wait.concern()).await?
    else {
        return Err(unexpected());
    };
    let mut body = merged(render(&id, &client), receipt_json(&receipt));
    if let Some(secret) = secret {
        body["client_secret"] = json!(&*secret);
    }
    let mut response = (StatusCode::CREATED, axum::Json(body)).into_response();
    if let Ok(location) = HeaderValue::try_from(format!("/api/admin/clients/{id}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    crate::http::error::no_store(response.headers_mut());
    Ok(response)
}

async fn replace(
    State(app): State<Arc<App>>,
    admin: Admin,
    Named(id): Named,
    Params(wait): Params<Wait>,
    Json(profile): Json<Profile>,
) -> Result<Response, ApiError> {
    let mut client = profile.read(app.now())?;
    if let Some(former) = app.handle.view().client(&id) {
        client.created = former.created;
    }
    let request = Ask::UpdateClient { id: id.clone(), client: client.clone() };
    let Reply::Done(receipt) = app.ask(admin.0, request, wait.concern()).await? else { return Err(unexpected()) };
    Ok(axum::Json(merged(render(&id, &client), receipt_json(&receipt))).into_response())
}

async fn delete(
    State(app): State<Arc<App>>,
    admin: Admin,
    Named(id): Named,
    Params(wait): Params<Wait>,
) -> Result<Response, ApiError> {
    change(&app, admin, Ask::DeleteClient { id }, &wait).await
}

async fn rotate(
    State(app): State<Arc<App>>,
    admin: Admin,
    Named(id): Named,
    Params(wait): Params<Wait>,
) -> Result<Response, ApiError> {
    let Reply::ClientCreated { id, secret, receipt } =
        app.ask(admin.0, Ask::RotateClientSecret { id }, wait.concern()).await?
    else {
        return Err(unexpected());
    };
    let secret = secret.ok_or_else(unexpected)?;
    let mut response =
        axum::Json(merged(json!({ "client_id": id, "client_secret": &*secret }), receipt_json(&receipt)))
            .into_response();
    crate::http::error::no_store(response.headers_mut());
    Ok(response)
}

fn invalid(field: &str, problem: &str) -> ApiError {
    ApiError::new(400, "invalid", format!("{field}: {problem}"))
}
