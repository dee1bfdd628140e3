//! The JWK set (RFC 7517): the verifying keys of all admitted nodes, and never a private one.

use std::time::Duration;

use serde_json::{Value, json};

use super::thumbprint::coordinates;
use super::verify::is_retired;
use crate::state::{TokenKey, View};
use crate::time::Wall;

/// The keys that tokens may be signed by, now or soon, in the order of their kids. Retired and withdrawn ones are left out.
pub fn jwks(view: &View, now: Wall) -> Value {
    let is_good =
        |key: &&TokenKey| !is_retired(view, key.published.stage, now) && !view.key_is_withdrawn(&key.published.kid);
    let keys = view.token_keys.values().map(|key| &**key).filter(is_good).map(jwk).collect::<Vec<_>>();
    json!({ "keys": keys })
}

/// For how long a resource server may keep the set: a rotated key waits for it before it signs.
pub fn jwks_max_age(view: &View) -> Duration {
    view.config.tokens.jwks_max_age
}

fn jwk(key: &TokenKey) -> Value {
    let (x, y) = coordinates(&key.published.point);
    json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": &*key.published.kid })
}
