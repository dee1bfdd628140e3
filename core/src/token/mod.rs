//! Tokens and sessions: issue, verify, introspect, revoke, as functions of (view, request, now, crypto), and the life cycle
//! of signing keys. Nothing here changes state, waits, or reads anything but its arguments.
//!
//! A revocation is an answer that the caller hands on to the replica; a missing client or key is an answer that names what
//! to ask peers for.

mod client;
mod discovery;
mod error;
mod form;
mod introspect;
mod issue;
mod jwks;
mod jwt;
pub mod keys;
mod revoke;
pub mod session;
mod thumbprint;
mod verify;

pub use client::{ClientPresentation, MAX_AUTHORIZATION_BYTES};
pub use discovery::discovery;
pub use error::OAuthError;
pub use form::{Form, MAX_FORM_BYTES, MAX_PARAMETERS};
pub use introspect::{ActiveToken, Introspection, introspect};
pub use issue::{MAX_ACCESS_TTL, MAX_REQUESTED_SCOPES, TokenReply, token};
pub use jwks::{jwks, jwks_max_age};
pub use jwt::{Audience, Claims, MAX_TOKEN_BYTES};
pub use revoke::revoke;
pub use thumbprint::thumbprint;
pub use verify::{Flaw, Presented, Verified, verify};

use crate::state::Wanted;

/// What a request comes to on this view.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict<T> {
    /// Done.
    Done(T),
    /// Refused, and no other view would say otherwise.
    Refused(OAuthError),
    /// Something is not here that a peer may have: ask for it, then decide again on the newer view. If it is still
    /// missing, this is the answer.
    Missing(Wanted, Result<T, OAuthError>),
}

impl<T> Verdict<T> {
    /// The answer when no peer is to be asked any more.
    pub fn settle(self) -> Result<T, OAuthError> {
        match self {
            Verdict::Done(answer) => Ok(answer),
            Verdict::Refused(error) => Err(error),
            Verdict::Missing(_, answer) => answer,
        }
    }
}

/// What stands in the way of a request.
#[derive(Debug)]
enum Obstacle {
    Refused(OAuthError),
    Missing(Wanted, OAuthError),
}

impl From<OAuthError> for Obstacle {
    fn from(error: OAuthError) -> Obstacle {
        Obstacle::Refused(error)
    }
}

impl<T> From<Obstacle> for Verdict<T> {
    fn from(obstacle: Obstacle) -> Verdict<T> {
        match obstacle {
            Obstacle::Refused(error) => Verdict::Refused(error),
            Obstacle::Missing(wanted, error) => Verdict::Missing(wanted, Err(error)),
        }
    }
}

impl<T> From<Result<T, Obstacle>> for Verdict<T> {
    fn from(result: Result<T, Obstacle>) -> Verdict<T> {
        result.map_or_else(Verdict::from, Verdict::Done)
    }
}
