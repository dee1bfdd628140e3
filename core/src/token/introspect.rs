//! Introspection (RFC 7662). It tells nothing to who did not authenticate, and nothing of a token that is not active.

use serde::{Serialize, Serializer};

use super::client::authenticate;
use super::verify::{Flaw, Verified, unknown_key, verify};
use super::{Audience, ClientPresentation, OAuthError, Verdict};
use crate::crypto::Crypto;
use crate::state::{View, Wanted};
use crate::time::Wall;

/// The answer. It serialises to the JSON of RFC 7662, section 2.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Introspection {
    /// The token is good.
    Active(Box<ActiveToken>),
    /// It is not; why is not said.
    Inactive,
}

/// What is told of a token that is good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActiveToken {
    /// Always true.
    pub active: bool,
    /// Its scopes, with spaces between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The client.
    pub client_id: String,
    /// How it is used.
    pub token_type: &'static str,
    /// When it expires, a NumericDate.
    pub exp: u64,
    /// When it was issued, a NumericDate.
    pub iat: u64,
    /// The subject.
    pub sub: String,
    /// For whom it is.
    pub aud: Audience,
    /// The issuer.
    pub iss: String,
    /// Its name.
    pub jti: String,
}

#[derive(Serialize)]
struct InactiveToken {
    active: bool,
}

/// `POST /introspect`, for any confidential client. A token of a client that was deleted is not active; one whose client is
/// not known here yet is, since its signature proves that it was known where the token was issued, but peers are asked first.
///
/// It answers also while the node is not ready: that bars writing and issuing.
pub fn introspect(
    view: &View,
    presentation: ClientPresentation<'_>,
    now: Wall,
    _crypto: &Crypto,
) -> Verdict<Introspection> {
    let caller = match authenticate(view, presentation, now) {
        Ok(caller) => caller,
        Err(obstacle) => return obstacle.into(),
    };
    if !caller.is_confidential() {
        return Verdict::Refused(OAuthError::invalid_client("introspection is for confidential clients"));
    }
    let Some(token) = presentation.form.get("token") else {
        return Verdict::Refused(OAuthError::invalid_request("token is missing"));
    };
    match verify(view, token, now) {
        Ok(verified) => of_verified(view, verified),
        Err(Flaw::UnknownKey(kid)) => unknown_key(view, kid, Introspection::Inactive),
        Err(_) => Verdict::Done(Introspection::Inactive),
    }
}

fn of_verified(view: &View, Verified { claims, .. }: Verified) -> Verdict<Introspection> {
    if view.client_is_denied(&claims.client_id) {
        return Verdict::Done(Introspection::Inactive);
    }
    let unknown = view.client(&claims.client_id).is_none().then(|| claims.client_id.clone());
    let active = Introspection::Active(Box::new(ActiveToken {
        active: true,
        scope: claims.scope,
        client_id: claims.client_id,
        token_type: "Bearer",
        exp: claims.exp,
        iat: claims.iat,
        sub: claims.sub,
        aud: claims.aud,
        iss: claims.iss,
        jti: claims.jti,
    }));
    match unknown {
        Some(id) => Verdict::Missing(Wanted::Client(id), Ok(active)),
        None => Verdict::Done(active),
    }
}

impl Serialize for Introspection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Introspection::Active(token) => token.serialize(serializer),
            Introspection::Inactive => InactiveToken { active: false }.serialize(serializer),
        }
    }
}
