//! Key names by RFC 7638. Knows only P-256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::crypto::PublicPoint;

/// The base64url coordinates of a point, x and y.
pub(super) fn coordinates(point: &PublicPoint) -> (String, String) {
    let (x, y) = point[1..].split_at(32);
    (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y))
}

/// The RFC 7638 thumbprint of a P-256 key with SHA-256, base64url: its `kid`.
pub fn thumbprint(point: &PublicPoint) -> String {
    let (x, y) = coordinates(point);
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}
