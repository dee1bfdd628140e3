//! What cells hold. A value keeps its author's bytes beside their meaning, so that fields of a newer version survive here
//! unread. Only [`crate::wire`] makes values.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::crdt::Fingerprint;
use crate::time::Wall;

/// One value of a cell: the author's bytes, and what they mean to this build.
#[derive(Clone)]
pub struct Value {
    raw: Arc<[u8]>,
    body: Body,
}

/// The meaning of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// In [`super::Collection::CLIENT`].
    Client(Arc<Client>),
    /// In [`super::Collection::CLIENT_SECRET`].
    ClientSecret(Arc<ClientSecret>),
    /// In the standing collections.
    Standing(Standing),
    /// In [`super::Collection::SCOPE`].
    Scope(Arc<Scope>),
    /// In [`super::Collection::RING_KEY`].
    RingKey(RingKeyMeta),
    /// In [`super::Collection::SESSION_CUTOFF`].
    Cutoff(Wall),
    /// Of a collection or version that this build does not know: kept, passed on, never read.
    Unknown,
}

/// A client's profile (RFC 7591 names).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// `client_name`, for people.
    pub name: String,
    /// `token_endpoint_auth_method`.
    pub auth_method: ClientAuthMethod,
    /// `grant_types`.
    pub grants: BTreeSet<Grant>,
    /// The scopes that it may ask for; without a `scope` parameter it gets all of them.
    pub scopes: BTreeSet<String>,
    /// `redirect_uris`.
    pub redirect_uris: Vec<String>,
    /// `aud` of its access tokens; empty means the issuer.
    pub audience: Vec<String>,
    /// Lifetime of its access tokens in seconds; the configured one if absent.
    pub access_token_ttl_s: Option<u32>,
    /// When it was created.
    pub created: Wall,
}

/// How a client authenticates at the token endpoint (RFC 7591, section 2; RFC 6749, section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthMethod {
    /// A public client: `none`.
    None,
    /// `client_secret_basic`.
    SecretBasic,
    /// `client_secret_post`.
    SecretPost,
}

/// What a client may use at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// `client_credentials` (RFC 6749, section 4.4).
    ClientCredentials,
    /// `authorization_code` (RFC 6749, section 4.1).
    AuthorizationCode,
    /// `refresh_token` (RFC 6749, section 6).
    RefreshToken,
}

/// SHA-256 of the generated secrets that are good now: the current one first, and while a rotation is under way the former.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret {
    /// SHA-256 of the secret as it is presented.
    pub current: [u8; 32],
    /// The former one, until its instant.
    pub former: Option<([u8; 32], Wall)>,
}

/// Whether a subject stands. Concurrent standings resolve to [`Standing::Denied`]; only a causally later reinstatement lifts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Deleted or revoked.
    Denied,
    /// Explicitly put back.
    Reinstated,
}

/// A scope that clients may be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// For the consent page.
    pub description: String,
}

/// A wrapping key's public side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingKeyMeta {
    /// When it was minted or set; of two, the later one is newer, then the greater id.
    pub created: Wall,
}

impl Value {
    /// A value of these bytes with this meaning; for [`crate::wire`], which vouches that they agree.
    pub(crate) fn new(raw: impl Into<Arc<[u8]>>, body: Body) -> Value {
        Value { raw: raw.into(), body }
    }

    /// The author's bytes.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The meaning.
    pub fn body(&self) -> &Body {
        &self.body
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.body.fmt(f)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        self.raw == other.raw
    }
}

impl Eq for Value {}

impl Fingerprint for Value {
    fn fingerprint(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&(self.raw.len() as u64).to_le_bytes());
        sink(&self.raw);
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

impl ClientAuthMethod {
    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            ClientAuthMethod::None => "none",
            ClientAuthMethod::SecretBasic => "client_secret_basic",
            ClientAuthMethod::SecretPost => "client_secret_post",
        }
    }

    /// The method of this registered name, if this build has it.
    pub fn parse(name: &str) -> Option<ClientAuthMethod> {
        [ClientAuthMethod::None, ClientAuthMethod::SecretBasic, ClientAuthMethod::SecretPost]
            .into_iter()
            .find(|method| method.name() == name)
    }
}

impl Grant {
    /// All of them.
    pub const ALL: [Grant; 3] = [Grant::ClientCredentials, Grant::AuthorizationCode, Grant::RefreshToken];

    /// The value of `grant_type`.
    pub fn name(self) -> &'static str {
        match self {
            Grant::ClientCredentials => "client_credentials",
            Grant::AuthorizationCode => "authorization_code",
            Grant::RefreshToken => "refresh_token",
        }
    }

    /// The grant of this `grant_type`.
    pub fn parse(name: &str) -> Option<Grant> {
        Grant::ALL.into_iter().find(|grant| grant.name() == name)
    }
}
