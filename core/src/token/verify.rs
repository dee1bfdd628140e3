//! Whether an access token is good, by this view and clock. Nothing that fails a cheap check costs a signature or a peer.

use super::jwt::{self, Claims, Unverified};
use super::{OAuthError, Verdict};
use crate::state::{KeyStage, RevokedId, View, Wanted};
use crate::time::Wall;
use crate::zoo::{self, Bug};

/// A token that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it says.
    pub claims: Claims,
    /// By which it can be revoked.
    pub id: RevokedId,
    /// When it expires.
    pub expires: Wall,
}

/// Why a token is not good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is no access token of ours by its form.
    Malformed,
    /// Another issuer's.
    ForeignIssuer,
    /// It expired, by the clock or for ever.
    Expired,
    /// It comes from further in the future than clocks may differ, or ends before it begins.
    NotYetValid,
    /// No admitted node that is known here publishes this key; a peer may know better.
    UnknownKey(String),
    /// An administrator withdrew the key.
    WithdrawnKey,
    /// The key's last token has expired.
    RetiredKey,
    /// The signature is wrong.
    BadSignature,
    /// It was revoked.
    Revoked,
}

/// Verifies an access token of any node of the cluster.
///
/// # Errors
/// What speaks against it.
pub fn verify(view: &View, token: &str, now: Wall) -> Result<Verified, Flaw> {
    let presented = Presented::read(token)?;
    presented.judge(view, now)?;
    Ok(Verified { claims: presented.token.claims, id: presented.id, expires: presented.expires })
}

/// An access token that was read, and is not judged yet: once for many views.
pub struct Presented<'a> {
    token: Unverified<'a>,
    id: RevokedId,
    expires: Wall,
}

impl<'a> Presented<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// [`Flaw::Malformed`].
    pub fn read(token: &'a str) -> Result<Presented<'a>, Flaw> {
        let token = jwt::decode(token).ok_or(Flaw::Malformed)?;
        let id = RevokedId::Token(jwt::exact(&token.claims.jti).ok_or(Flaw::Malformed)?);
        Ok(Presented { expires: Wall::from_seconds(token.claims.exp), id, token })
    }

    /// Judges it, by a view and a clock.
    ///
    /// # Errors
    /// What speaks against it.
    pub fn judge(&self, view: &View, now: Wall) -> Result<(), Flaw> {
        let Unverified { kid, claims, signed, signature } = &self.token;
        check_claims(view, claims, self.expires, now)?;

        if view.key_is_withdrawn(kid) {
            return Err(Flaw::WithdrawnKey);
        }
        let key = view.token_keys.get(kid.as_str()).ok_or_else(|| Flaw::UnknownKey(kid.clone()))?;
        if is_retired(view, key.published.stage, now) {
            return Err(Flaw::RetiredKey);
        }
        let unsigned = zoo::on(Bug::AlgNoneAccepted) && *signature == [0; 64];
        if !unsigned && !key.verifier.verify(signed, signature) {
            return Err(Flaw::BadSignature);
        }
        if view.revoked.contains(&self.id) && !zoo::on(Bug::RevocationUnread) {
            return Err(Flaw::Revoked);
        }
        Ok(())
    }
}

/// What to say of a token whose key is not here. A node that knows no key at all, not even its own, has only begun: it judges
/// nothing, lest good tokens be called bad and revocations be taken for done.
pub(super) fn unknown_key<T>(view: &View, kid: String, answer: T) -> Verdict<T> {
    let answer = match view.token_keys.is_empty() {
        true => Err(OAuthError::temporarily_unavailable("this node knows no signing keys yet")),
        false => Ok(answer),
    };
    Verdict::Missing(Wanted::TokenKey(kid), answer)
}

/// Whether a key verifies no more. An upcoming one does: its owner may have activated it since.
pub(super) fn is_retired(view: &View, stage: KeyStage, now: Wall) -> bool {
    match stage {
        KeyStage::Upcoming | KeyStage::Active => false,
        KeyStage::Retiring(until) => view.has_expired(until, now),
    }
}

fn check_claims(view: &View, claims: &Claims, expires: Wall, now: Wall) -> Result<(), Flaw> {
    if claims.iss != view.config.issuer && !zoo::on(Bug::IssuerUnchecked) {
        return Err(Flaw::ForeignIssuer);
    }
    let skew = view.config.gossip.max_clock_drift;
    if view.has_expired(expires, if zoo::on(Bug::ExpiryWithLeeway) { now.before(skew) } else { now }) {
        return Err(Flaw::Expired);
    }
    let horizon = if zoo::on(Bug::SkewForgotten) { now } else { now.after(skew) };
    let begins = claims.iat.max(claims.nbf.unwrap_or(0));
    if Wall::from_seconds(begins) > horizon || begins > claims.exp {
        return Err(Flaw::NotYetValid);
    }
    Ok(())
}
