//! The bare handlers: what the same framework and the same crypto library do when they do nothing else. No state, no rules.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::serve::ListenerExt;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::cli::Ended;

/// Where the bare handlers listen.
#[derive(Args)]
pub struct Bare {
    /// On loopback.
    #[arg(long)]
    port: u16,
}

struct Keys {
    pair: EcdsaKeyPair,
    public: ParsedPublicKey,
    random: SystemRandom,
    header: String,
}

#[derive(Deserialize)]
struct TokenForm {
    grant_type: String,
}

#[derive(Deserialize)]
struct IntrospectForm {
    token: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    scope: &'a str,
    jti: String,
    iat: u64,
    exp: u64,
}

#[derive(Serialize)]
struct TokenReply {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
}

/// Serves them until the process ends. The number of threads is in the environment, as for the node.
pub fn bare(arguments: &Bare) -> Result<Ended> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| anyhow!("no key"))?;
        let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref())?;
        let header = URL_SAFE_NO_PAD
            .encode(r#"{"alg":"ES256","kid":"-x0bare0x-x0bare0x-x0bare0x-x0bare0x-x0bare0x-","typ":"at+jwt"}"#);
        let keys = Arc::new(Keys { pair, public, random: SystemRandom::new(), header });
        let router =
            Router::new().route("/token", post(token)).route("/introspect", post(introspect)).with_state(keys);
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await?;
        // A connection that is gone already needs no option.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, router).await?;
        Ok(Ended::Well)
    })
}

async fn token(
    State(keys): State<Arc<Keys>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, StatusCode> {
    let client = basic(&headers).ok_or(StatusCode::UNAUTHORIZED)?;
    let form: TokenForm = serde_urlencoded::from_bytes(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    if form.grant_type != "client_credentials" {
        return Err(StatusCode::BAD_REQUEST);
    }
    let access_token = issue(&keys, &client).ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    let reply = TokenReply { access_token, token_type: "Bearer", expires_in: 600 };
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(reply)))
}

async fn introspect(
    State(keys): State<Arc<Keys>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, StatusCode> {
    basic(&headers).ok_or(StatusCode::UNAUTHORIZED)?;
    let form: IntrospectForm = serde_urlencoded::from_bytes(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let claims = verify(&keys, &form.token).ok_or(StatusCode::BAD_REQUEST)?;
    let reply = serde_json::json!({"active": true, "sub": claims["sub"], "client_id": claims["client_id"],
        "scope": claims["scope"], "exp": claims["exp"], "iat": claims["iat"], "jti": claims["jti"]});
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(reply)))
}

/// The client that the `Authorization` header names.
fn basic(headers: &HeaderMap) -> Option<String> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    (!secret.is_empty()).then(|| id.to_owned())
}

fn issue(keys: &Keys, client: &str) -> Option<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let mut jti = [0; 16];
    aws_lc_rs::rand::fill(&mut jti).ok()?;
    let claims = Claims {
        iss: "http://127.0.0.1",
        sub: client,
        aud: "http://127.0.0.1",
        client_id: client,
        scope: "orders.read",
        jti: URL_SAFE_NO_PAD.encode(jti),
        iat: now.as_secs(),
        exp: (now + Duration::from_secs(600)).as_secs(),
    };
    let mut token = keys.header.clone();
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(&claims).ok()?, &mut token);
    let signature = keys.pair.sign(&keys.random, token.as_bytes()).ok()?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Some(token)
}

fn verify(keys: &Keys, token: &str) -> Option<serde_json::Value> {
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    keys.public.verify_sig(signed.as_bytes(), &signature).ok()?;
    let (_, claims) = signed.split_once('.')?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}
