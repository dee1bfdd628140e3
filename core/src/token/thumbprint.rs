//! Key names by RFC 7638. Knows only P-256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::crypto::PublicPoint;

/// What is hashed is no longer than this.
const MEMBERS_CHARS: usize = 128;

/// The base64url coordinates of a point, x and y.
pub(super) fn coordinates(point: &PublicPoint) -> (String, String) {
    let (x, y) = point[1..].split_at(32);
    (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y))
}

/// The RFC 7638 thumbprint of a P-256 key with SHA-256, base64url: its `kid`.
pub fn thumbprint(point: &PublicPoint) -> String {
    let (x, y) = point[1..].split_at(32);
    let mut members = String::with_capacity(MEMBERS_CHARS);
    members.push_str(r#"{"crv":"P-256","kty":"EC","x":""#);
    URL_SAFE_NO_PAD.encode_string(x, &mut members);
    members.push_str(r#"","y":""#);
    URL_SAFE_NO_PAD.encode_string(y, &mut members);
    members.push_str(r#""}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}
