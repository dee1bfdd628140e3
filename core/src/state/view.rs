//! The immutable snapshot from which everything is read: durable state only, O(1) to take.

use std::fmt;
use std::sync::Arc;

use imbl::OrdMap;

use crate::config::Config;
use crate::crdt::{DottedStore, ExpiringSet, Incarnation, NodeId};
use crate::crypto::SigningKey;
use crate::state::{Key, NodeRecord, PinnedPeer, RevokedId, Ring, TokenKey, Value};
use crate::time::{Now, Wall};

/// A snapshot of everything that a read or a stateless issuance needs.
#[derive(Clone)]
pub struct View {
    /// The clocks, as they were read when this was published.
    pub read: Now,
    /// What this replica was told at boot.
    pub config: Arc<Config>,
    /// Who this is.
    pub identity: Identity,
    /// The dotted cells.
    pub cells: DottedStore<Key, Value>,
    /// The signed records, one for each node ever heard of.
    pub nodes: OrdMap<NodeId, Arc<NodeRecord>>,
    /// The last records of other lives of these nodes, for keys that the present ones do not answer for.
    pub former: OrdMap<(NodeId, Incarnation), Arc<NodeRecord>>,
    /// The peers that an operator pinned here.
    pub pinned: OrdMap<NodeId, Arc<PinnedPeer>>,
    /// Revoked tokens and sessions.
    pub revoked: ExpiringSet<RevokedId>,
    /// The verifying keys of all admitted nodes by kid, parsed: the union that `/jwks` serves.
    pub token_keys: OrdMap<Arc<str>, Arc<TokenKey>>,
    /// The key that signs tokens here, once it is active.
    pub signer: Option<Signer>,
    /// The wrapping keys held here.
    pub ring: Ring,
    /// Whether this node may serve, and if not, why.
    pub readiness: Readiness,
}

/// Who a replica is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The stable id.
    pub node: NodeId,
    /// The name for people.
    pub name: Arc<str>,
    /// The incarnation of this boot.
    pub incarnation: Incarnation,
}

/// A token signing key that is active here.
#[derive(Clone)]
pub struct Signer {
    /// Its RFC 7638 thumbprint.
    pub kid: Arc<str>,
    /// The key.
    pub key: Arc<dyn SigningKey>,
    /// The encoded JWS header of access tokens under this key, base64url: it never changes.
    pub access_header: Arc<str>,
}

/// Whether a node may serve. Ready when there are no reasons against it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Stable names of what is missing, each with a sentence for people.
    pub reasons: Vec<(&'static str, String)>,
}

impl Readiness {
    /// Whether nothing stands against serving.
    pub fn is_ready(&self) -> bool {
        self.reasons.is_empty()
    }
}

impl View {
    /// Whether the wall clock has gone along with the monotonic one since this was published. If not it jumped, and the
    /// replica may not have heard of it yet.
    pub fn trusts(&self, now: Now) -> bool {
        let expected = self.read.wall.after(now.tick.since(self.read.tick));
        now.wall.distance(expected) <= self.config.gossip.max_clock_drift
    }

    /// Whether something with this expiry counts as expired: by the clock, or because the purge mark has passed it for ever.
    pub fn has_expired(&self, expiry: Wall, now: Wall) -> bool {
        expiry <= now || self.revoked.is_expired_for_ever(expiry)
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("identity", &self.identity)
            .field("cells", &self.cells.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("kid", &self.kid).finish_non_exhaustive()
    }
}
