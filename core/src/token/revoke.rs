//! Revocation (RFC 7009). It decides whether a token is to be revoked; the replica revokes it.

use super::client::authenticate;
use super::verify::{Flaw, unknown_key, verify};
use super::{ClientPresentation, OAuthError, Verdict};
use crate::crypto::Crypto;
use crate::state::{RevokedId, View};
use crate::time::Wall;

/// `POST /revoke`, for the client that the token was issued to. `Some` is what the replica is asked to revoke; after it, and
/// for `None` (a token that is unknown, expired, revoked or no token at all), the answer is 200 (RFC 7009, section 2.2).
///
/// Another client's request "is refused and the client is informed of the error" (section 2.1): `invalid_grant`, whose
/// definition names a token that "was issued to another client" (RFC 6749, section 5.2). `token_type_hint` is a hint about one kind
/// of token: there is nothing to choose from.
pub fn revoke(
    view: &View,
    presentation: ClientPresentation<'_>,
    now: Wall,
    _crypto: &Crypto,
) -> Verdict<Option<(RevokedId, Wall)>> {
    let caller = match authenticate(view, presentation, now) {
        Ok(caller) => caller,
        Err(obstacle) => return obstacle.into(),
    };
    let Some(token) = presentation.form.get("token") else {
        return Verdict::Refused(OAuthError::invalid_request("token is missing"));
    };
    match verify(view, token, now) {
        Ok(verified) if verified.claims.client_id != *caller.id => {
            Verdict::Refused(OAuthError::invalid_grant("the token was issued to another client"))
        }
        Ok(verified) => Verdict::Done(Some((verified.id, verified.expires))),
        Err(Flaw::UnknownKey(kid)) => unknown_key(view, kid, None),
        Err(_) => Verdict::Done(None),
    }
}
