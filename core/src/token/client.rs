//! Client authentication (RFC 6749, section 2.3): exactly one method, the registered one. It never tells whether a client
//! exists from the time that a refusal takes.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::{Form, OAuthError, Obstacle, form};
use crate::config::MAX_ID_BYTES;
use crate::state::{Client, ClientAuthMethod, ClientSecret, View, Wanted};
use crate::time::Wall;

/// Bytes of an `Authorization` header that is read.
pub const MAX_AUTHORIZATION_BYTES: usize = 4096;

/// A request as a client presents it.
#[derive(Clone, Copy, Debug)]
pub struct ClientPresentation<'a> {
    /// The value of the `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The form.
    pub form: &'a Form,
}

/// A client that proved to be itself, or a public one that only said so.
pub(super) struct Caller<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) client: &'a Client,
}

impl Caller<'_> {
    pub(super) fn is_confidential(&self) -> bool {
        self.client.auth_method != ClientAuthMethod::None
    }
}

struct Credentials<'a> {
    method: ClientAuthMethod,
    id: Cow<'a, str>,
    /// Empty for [`ClientAuthMethod::None`].
    secret: Zeroizing<String>,
}

/// Finds out who calls. An id that is unknown here is `Missing`; one that was deleted is refused at once.
pub(super) fn authenticate<'a>(
    view: &'a View,
    presentation: ClientPresentation<'a>,
    now: Wall,
) -> Result<Caller<'a>, Obstacle> {
    let Credentials { method, id, secret } = credentials(presentation)?;
    // Everything is looked up and hashed before anything is decided, so that each refusal costs the same.
    let presented = <[u8; 32]>::from(Sha256::digest(secret.as_bytes()));
    let client = view.client(&id);
    let is_denied = view.client_is_denied(&id);
    let registered = view.client_secret(&id);
    let matches = secret_matches(registered.map(|secret| &**secret), &presented, now);

    if is_denied {
        return Err(wrong().into());
    }
    let Some(client) = client else { return Err(unknown(id)) };
    if client.auth_method != method {
        return Err(wrong().into());
    }
    if method != ClientAuthMethod::None {
        if registered.is_none() {
            return Err(unknown(id));
        }
        if !bool::from(matches) {
            return Err(wrong().into());
        }
    }
    Ok(Caller { id, client })
}

fn secret_matches(registered: Option<&ClientSecret>, presented: &[u8; 32], now: Wall) -> Choice {
    let nothing = ([0; 32], Wall(0));
    let current = registered.map_or(&nothing.0, |secret| &secret.current);
    let (former, until) = registered.and_then(|secret| secret.former.as_ref()).unwrap_or(&nothing);
    current.ct_eq(presented) | (former.ct_eq(presented) & Choice::from(u8::from(now < *until)))
}

/// One wording for every failure, so that the answer tells no more than the time.
fn wrong() -> OAuthError {
    OAuthError::invalid_client("client authentication failed")
}

fn unknown(id: Cow<'_, str>) -> Obstacle {
    Obstacle::Missing(Wanted::Client(id.into_owned()), wrong())
}

fn credentials<'a>(presentation: ClientPresentation<'a>) -> Result<Credentials<'a>, OAuthError> {
    let ClientPresentation { authorization, form } = presentation;
    let secret = form.get("client_secret");
    let has_assertion = form.get("client_assertion").or_else(|| form.get("client_assertion_type")).is_some();
    let methods = [authorization.is_some(), secret.is_some(), has_assertion];
    if methods.into_iter().filter(|is_used| *is_used).count() > 1 {
        return Err(OAuthError::invalid_request("more than one way of client authentication was used"));
    }
    if has_assertion {
        return Err(OAuthError::invalid_client("client assertions are not supported"));
    }
    let credentials = match authorization {
        Some(header) => basic(header, form)?,
        None => Credentials {
            method: if secret.is_some() { ClientAuthMethod::SecretPost } else { ClientAuthMethod::None },
            id: form.get("client_id").ok_or_else(unauthenticated)?.into(),
            secret: Zeroizing::new(secret.unwrap_or_default().to_owned()),
        },
    };
    if is_client_id(&credentials.id) { Ok(credentials) } else { Err(wrong()) }
}

fn unauthenticated() -> OAuthError {
    OAuthError::invalid_client("the client did not authenticate")
}

/// `client_secret_basic`: both halves are form-encoded before they are joined (RFC 6749, section 2.3.1).
fn basic<'a>(header: &str, form: &Form) -> Result<Credentials<'a>, OAuthError> {
    let malformed = || OAuthError::invalid_client("the Authorization header is not well-formed Basic");
    if header.len() > MAX_AUTHORIZATION_BYTES {
        return Err(malformed());
    }
    let (scheme, encoded) = header.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(OAuthError::invalid_client("the only scheme of the Authorization header here is Basic"));
    }
    let joined = Zeroizing::new(STANDARD.decode(encoded.trim_matches(' ')).map_err(|_| malformed())?);
    let colon = joined.iter().position(|byte| *byte == b':').ok_or_else(malformed)?;
    let id = half(&joined[..colon]).ok_or_else(malformed)?;
    let secret = half(&joined[colon + 1..]).ok_or_else(malformed)?;
    if form.get("client_id").is_some_and(|other| *other != **id) {
        return Err(OAuthError::invalid_request("client_id differs from the Authorization header"));
    }
    Ok(Credentials { method: ClientAuthMethod::SecretBasic, id: id.to_string().into(), secret })
}

fn half(encoded: &[u8]) -> Option<Zeroizing<String>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(encoded.len()));
    form::decode(encoded, &mut decoded)?;
    std::str::from_utf8(&decoded).ok().map(|text| Zeroizing::new(text.to_owned()))
}

/// Visible characters and spaces (RFC 6749, appendix A.1), within the bound of ids: else no peer is asked for it.
fn is_client_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID_BYTES && id.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}
