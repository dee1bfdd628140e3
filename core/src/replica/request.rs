//! What callers may ask of a replica, and what they hear. Reads and stateless issuance do not pass here: they are functions
//! of the published view.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::crdt::NodeId;
use crate::crypto::{KemPublicKey, PublicPoint, Secret32};
use crate::gossip::Stats;
use crate::state::{Client, RevokedId, Scope, Wanted};
use crate::time::Wall;

/// A question that changes state, takes slow work, or needs peers.
pub enum Request {
    /// Create a client under a fresh UUID; a confidential one gets a generated secret, shown once.
    CreateClient(Client),
    /// Replace a client's profile.
    UpdateClient {
        /// Its id.
        id: String,
        /// The new profile; `created` is kept.
        client: Client,
    },
    /// Delete a client: a deny that beats concurrent edits.
    DeleteClient {
        /// Its id.
        id: String,
    },
    /// Generate a new secret; the former stays good for one hour.
    RotateClientSecret {
        /// The client's id.
        id: String,
    },
    /// Create or replace a scope definition.
    DefineScope {
        /// The scope token (RFC 6749, section 3.3).
        name: String,
        /// What it means.
        scope: Scope,
    },
    /// Remove a scope definition.
    RemoveScope {
        /// The scope token.
        name: String,
    },
    /// Revoke tokens or sessions until they expire.
    Revoke(Vec<(RevokedId, Wall)>),
    /// Void all sessions of a user that began before now.
    RevokeUserSessions {
        /// The user.
        user: String,
    },
    /// Check a password and open a session.
    Login {
        /// The login name.
        username: String,
        /// What was typed.
        password: Zeroizing<String>,
    },
    /// Put this wrapping key into the cluster's ring.
    SetClusterKey {
        /// 32 secret bytes.
        key: Secret32,
    },
    /// Pin a peer.
    SeedNode(Seed),
    /// Publish a new signing key; it signs once peers and caches know it, then the current one retires.
    RotateSigningKey,
    /// Withdraw a signing key of any node at once: its tokens are void.
    WithdrawSigningKey {
        /// Its kid.
        kid: String,
    },
    /// Ask peers at once for something that a caller misses here; answered by [`Reply::Pulled`].
    Pull(Wanted),
    /// What gossip counted.
    Stats,
    /// The operator vouches for this node's clock as it stands.
    AcceptClock,
}

/// A peer as an operator names it: what `kem-info` of that peer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Its id, as claimed; must follow from the key.
    pub node: NodeId,
    /// Its gossip key.
    pub gossip_key: PublicPoint,
    /// Its KEM key.
    pub kem_key: Box<KemPublicKey>,
    /// Its origin.
    pub address: String,
}

/// What a caller hears.
#[derive(Debug)]
pub enum Reply {
    /// The change is durable here, and held by these peers so far.
    Done(Receipt),
    /// A client was created, or its secret rotated.
    ClientCreated {
        /// Its id.
        id: String,
        /// The secret, for a confidential client: shown this once.
        secret: Option<Zeroizing<String>>,
        /// Who holds the change.
        receipt: Receipt,
    },
    /// A session was opened.
    LoggedIn {
        /// The sealed cookie value.
        cookie: Zeroizing<String>,
        /// The user's groups.
        groups: Vec<String>,
        /// When it ends.
        expires: Wall,
    },
    /// Peers were asked; look again.
    Pulled,
    /// What gossip counted.
    Stats(Box<Stats>),
    /// The caller's mistake, or a state in which it cannot be done.
    Refused(Refusal),
}

/// Who holds a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Whether anything changed at all.
    pub changed: bool,
    /// The peers that acknowledged it, of those that were waited for.
    pub held_by: Vec<NodeId>,
    /// How many peers are known.
    pub peers: usize,
    /// Whether the write concern, if any, was met.
    pub concern_met: bool,
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing.
    #[error("there is no {what} {name:?}")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A value is not acceptable.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which one.
        field: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// User name or password is wrong; which of them is not said.
    #[error("wrong user name or password")]
    BadCredentials,
    /// Too much is waiting; try again shortly.
    #[error("too many requests are waiting")]
    Busy,
    /// The store failed, or the node is not ready: nothing is promised until it is.
    #[error("unavailable: {0}")]
    Unavailable(Arc<str>),
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Request {
    /// A stable name, for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Request::CreateClient(_) => "create_client",
            Request::UpdateClient { .. } => "update_client",
            Request::DeleteClient { .. } => "delete_client",
            Request::RotateClientSecret { .. } => "rotate_client_secret",
            Request::DefineScope { .. } => "define_scope",
            Request::RemoveScope { .. } => "remove_scope",
            Request::Revoke(_) => "revoke",
            Request::RevokeUserSessions { .. } => "revoke_user_sessions",
            Request::Login { .. } => "login",
            Request::SetClusterKey { .. } => "set_cluster_key",
            Request::SeedNode(_) => "seed_node",
            Request::RotateSigningKey => "rotate_signing_key",
            Request::WithdrawSigningKey { .. } => "withdraw_signing_key",
            Request::Pull(_) => "pull",
            Request::Stats => "stats",
            Request::AcceptClock => "accept_clock",
        }
    }
}
