//! Issuing access tokens (RFC 6749, section 5; RFC 9068). Stateless: nothing of a token is kept here.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::client::{Caller, authenticate};
use super::{ClientPresentation, Form, OAuthError, Obstacle, Verdict, jwt};
use crate::crypto::Crypto;
use crate::state::{Client, Grant, Signer, View};
use crate::time::{Now, Wall};

/// No access token lives longer, whatever its client or the configuration says: a key that signs no more can be retired
/// after this, and no token outlives its key.
pub const MAX_ACCESS_TTL: Duration = Duration::from_secs(24 * 3600);
/// Scopes in one request.
pub const MAX_REQUESTED_SCOPES: usize = 64;
/// Targets (`resource`, `audience`) in one request.
const MAX_TARGETS: usize = 16;

/// The answer. It serialises to the JSON of RFC 6749, section 5.1.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct TokenReply {
    /// The token.
    pub access_token: String,
    /// How it is used.
    pub token_type: &'static str,
    /// Its lifetime in seconds.
    pub expires_in: u64,
    /// What was granted, with spaces between; absent if nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

#[derive(Serialize)]
struct AccessClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: AudienceOf<'a>,
    client_id: &'a str,
    exp: u64,
    iat: u64,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum AudienceOf<'a> {
    One(&'a str),
    Many(Vec<&'a str>),
}

/// `POST /token`. Answers 503 while the node is not ready or has no active key, and from the instant that its clock jumps.
pub fn token(view: &View, presentation: ClientPresentation<'_>, now: Now, crypto: &Crypto) -> Verdict<TokenReply> {
    issue(view, presentation, now, crypto).into()
}

fn issue(
    view: &View,
    presentation: ClientPresentation<'_>,
    now: Now,
    crypto: &Crypto,
) -> Result<TokenReply, Obstacle> {
    let signer = signer(view, now)?;
    let now = now.wall;
    let caller = authenticate(view, presentation, now)?;
    let form = presentation.form;
    let grant = form.get("grant_type").ok_or_else(|| OAuthError::invalid_request("grant_type is missing"))?;
    match Grant::parse(grant) {
        Some(Grant::ClientCredentials) => Ok(client_credentials(view, &caller, form, signer, now, crypto)?),
        Some(Grant::AuthorizationCode | Grant::RefreshToken) | None => {
            Err(OAuthError::unsupported_grant_type("the grant types here: client_credentials").into())
        }
    }
}

fn signer(view: &View, now: Now) -> Result<&Signer, OAuthError> {
    if !view.readiness.is_ready() {
        return Err(OAuthError::temporarily_unavailable("this node is not ready"));
    }
    if !view.trusts(now) {
        return Err(OAuthError::temporarily_unavailable("this node's clock moved"));
    }
    view.signer.as_ref().ok_or_else(|| OAuthError::temporarily_unavailable("this node has no active signing key yet"))
}

/// RFC 6749, section 4.4: for confidential clients only.
fn client_credentials(
    view: &View,
    caller: &Caller<'_>,
    form: &Form,
    signer: &Signer,
    now: Wall,
    crypto: &Crypto,
) -> Result<TokenReply, OAuthError> {
    if !caller.is_confidential() || !caller.client.grants.contains(&Grant::ClientCredentials) {
        return Err(OAuthError::unauthorized_client("this client may not use client_credentials"));
    }
    let scope = granted(view, caller.client, form.get("scope"))?;
    let aud = audience(view, caller.client, form)?;
    let expires_in = ttl_s(view, caller.client);
    let mut jti = [0; 16];
    crypto.random.fill(&mut jti);
    let mut encoded = [0; 22];
    let claims = AccessClaims {
        iss: &view.config.issuer,
        sub: &caller.id,
        aud,
        client_id: &caller.id,
        exp: now.seconds().saturating_add(expires_in),
        iat: now.seconds(),
        jti: base64url(&jti, &mut encoded),
        scope: scope.as_deref(),
    };
    let access_token = jwt::encode(&signer.access_header, &claims, &*signer.key);
    Ok(TokenReply { access_token, token_type: "Bearer", expires_in, scope })
}

fn base64url<'a>(bytes: &[u8; 16], out: &'a mut [u8; 22]) -> &'a str {
    URL_SAFE_NO_PAD.encode_slice(bytes, out).expect("16 bytes make 22 characters");
    std::str::from_utf8(out).expect("base64url is ASCII")
}

fn ttl_s(view: &View, client: &Client) -> u64 {
    let ttl_s = client.access_token_ttl_s.map_or(view.config.tokens.access_ttl.as_secs(), u64::from);
    ttl_s.clamp(1, MAX_ACCESS_TTL.as_secs())
}

/// What is granted of what was asked: all of it or an error; without a question everything that the client may have. A scope
/// may be had if the client's profile lists it *and* the state defines it, so that removing a definition ends it for all.
fn granted(view: &View, client: &Client, asked: Option<&str>) -> Result<Option<String>, OAuthError> {
    let is_grantable = |scope: &str| client.scopes.contains(scope) && view.scope(scope).is_some();
    let mut scope = String::new();
    let mut grant = |name: &str| {
        if !scope.is_empty() {
            scope.push(' ');
        }
        scope.push_str(name);
    };
    match asked {
        None => client.scopes.iter().filter(|name| is_grantable(name)).for_each(|name| grant(name)),
        Some(asked) => {
            let names = asked.split(' ').filter(|name| !name.is_empty());
            let mut seen = Vec::new();
            for name in names {
                if seen.len() == MAX_REQUESTED_SCOPES {
                    return Err(OAuthError::invalid_scope("more than 64 scopes were asked for"));
                }
                if !is_grantable(name) {
                    return Err(OAuthError::invalid_scope("a scope is unknown, malformed, or not for this client"));
                }
                if !seen.contains(&name) {
                    seen.push(name);
                    grant(name);
                }
            }
        }
    }
    Ok((!scope.is_empty()).then_some(scope))
}

/// The audience: the client's, or the part of it that `resource` (RFC 8707) and `audience` (RFC 8693) name.
fn audience<'a>(view: &'a View, client: &'a Client, form: &'a Form) -> Result<AudienceOf<'a>, OAuthError> {
    let issuer = std::slice::from_ref(&view.config.issuer);
    let allowed = if client.audience.is_empty() { issuer } else { client.audience.as_slice() };
    let mut named = Vec::new();
    for target in form.all("resource").chain(form.all("audience")) {
        let target = allowed.iter().find(|allowed| *allowed == target);
        let target =
            target.ok_or_else(|| OAuthError::invalid_target("a resource is not in this client's audience"))?;
        if named.len() == MAX_TARGETS {
            return Err(OAuthError::invalid_target("more than 16 resources were named"));
        }
        if !named.contains(&target.as_str()) {
            named.push(target);
        }
    }
    if named.is_empty() && allowed.len() > 1 {
        named.extend(allowed.iter().map(String::as_str));
    }
    Ok(match named.as_slice() {
        [] => AudienceOf::One(&allowed[0]),
        [one] => AudienceOf::One(one),
        _ => AudienceOf::Many(named),
    })
}

impl std::fmt::Debug for TokenReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenReply").field("scope", &self.scope).finish_non_exhaustive()
    }
}
