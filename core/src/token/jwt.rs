//! Access tokens as compact JWS (RFC 7515) with the profile of RFC 9068. One algorithm, one type: nothing is negotiated.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::crypto::{Signature, SigningKey};
use crate::zoo::{self, Bug};

/// Bytes of a token that is read.
pub const MAX_TOKEN_BYTES: usize = 8 << 10;

const TYPE: &str = "at+jwt";
const ALGORITHM: &str = "ES256";
/// Characters of a base64url SHA-256.
const KID_CHARS: usize = 43;
/// Characters of a base64url ES256 signature.
const SIGNATURE_CHARS: usize = 86;
const TYPICAL_CLAIMS_BYTES: usize = 512;

/// The header of our access tokens. A member beyond these makes a token foreign: `crit` above all, but also any that names a key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    typ: &'a str,
    alg: &'a str,
    kid: &'a str,
}

/// The claims of an access token (RFC 9068, section 2.2). Claims that this build does not know are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// The issuer.
    pub iss: String,
    /// The subject: of client credentials, the client itself.
    pub sub: String,
    /// For whom it is.
    pub aud: Audience,
    /// The client.
    pub client_id: String,
    /// When it expires, a NumericDate.
    pub exp: u64,
    /// When it was issued, a NumericDate.
    pub iat: u64,
    /// Before when it is not good, a NumericDate.
    #[serde(default)]
    pub nbf: Option<u64>,
    /// Its name, 16 bytes in base64url.
    pub jti: String,
    /// Its scopes, with spaces between.
    #[serde(default)]
    pub scope: Option<String>,
}

/// `aud` (RFC 7519, section 4.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// A token taken apart, nothing of it verified.
pub(super) struct Unverified<'a> {
    pub(super) kid: String,
    pub(super) claims: Claims,
    pub(super) signed: &'a [u8],
    pub(super) signature: Signature,
}

/// The encoded header of the access tokens of one key.
pub(super) fn access_header(kid: &str) -> String {
    let header = serde_json::to_vec(&Header { typ: TYPE, alg: ALGORITHM, kid }).expect("three strings serialise");
    URL_SAFE_NO_PAD.encode(header)
}

/// Signs these claims under an encoded header.
pub(super) fn encode(header: &str, claims: &impl Serialize, key: &dyn SigningKey) -> String {
    let mut json = Vec::with_capacity(TYPICAL_CLAIMS_BYTES);
    serde_json::to_writer(&mut json, claims).expect("claims are strings and numbers");
    let mut token = String::with_capacity(header.len() + json.len() * 4 / 3 + SIGNATURE_CHARS + 4);
    token.push_str(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(&json, &mut token);
    let signature = key.sign(token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    token
}

/// Takes a token apart; `None` unless it has exactly the form of ours.
pub(super) fn decode(token: &str) -> Option<Unverified<'_>> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    Some(Unverified {
        kid: kid(header)?,
        claims: serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?,
        signed: signed.as_bytes(),
        signature: exact(signature)?,
    })
}

/// Exactly `N` bytes of base64url.
pub(super) fn exact<const N: usize>(encoded: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    let len = URL_SAFE_NO_PAD.decode_slice(encoded, &mut out).ok()?;
    (len == N).then_some(out)
}

fn kid(header: &str) -> Option<String> {
    let header = URL_SAFE_NO_PAD.decode(header).ok()?;
    let Header { typ, alg, kid } = serde_json::from_slice(&header).ok()?;
    let known = alg == ALGORITHM || alg == "none" && zoo::on(Bug::AlgNoneAccepted);
    let is_ours = typ == TYPE && known && kid.len() == KID_CHARS && exact::<32>(kid).is_some();
    is_ours.then(|| kid.to_owned())
}
