//! Tokens that somebody made up of a good one. Whoever accepts one of them is wrong.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use symbolon_core::state::TokenKey;

use super::crypto::sign_as;

/// Each with what it does wrong.
pub(super) fn forgeries(token: &str, key: &TokenKey) -> Vec<(&'static str, String)> {
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
        return Vec::new();
    };
    let unsigned = json!({ "typ": "at+jwt", "alg": "none", "kid": &*key.published.kid });
    let (Some(longer), Some(foreign)) = (
        changed(claims, |claims| claims["exp"] = json!(claims["exp"].as_u64().unwrap_or(0) + 3600)),
        changed(claims, |claims| claims["iss"] = json!("https://other.example")),
    ) else {
        return Vec::new();
    };
    let foreign = format!("{header}.{foreign}");
    let signed = URL_SAFE_NO_PAD.encode(sign_as(&key.published.point, foreign.as_bytes()));
    let nothing = URL_SAFE_NO_PAD.encode([0; 64]);
    vec![
        ("nobody signed", format!("{}.{claims}.{nothing}", encoded(&unsigned))),
        ("was altered", format!("{header}.{longer}.{signature}")),
        ("another issuer signed", format!("{foreign}.{signed}")),
    ]
}

fn changed(claims: &str, change: impl FnOnce(&mut Value)) -> Option<String> {
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    change(&mut claims);
    Some(encoded(&claims))
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
