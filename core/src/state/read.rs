//! Reading the state: siblings are resolved by the policy of their collection. Pure functions of a view.

use std::fmt;
use std::sync::Arc;

use crate::crdt::{Cell, NodeId, latest};
use crate::crypto::VerifyingKey;
use crate::state::key::KeyName;
use crate::state::{
    Body, Client, ClientSecret, Collection, Key, PublishedKey, RingKeyId, RingKeyMeta, Scope, Standing, Value, View,
};
use crate::time::Wall;

/// A token signing key of some admitted node, ready to verify.
#[derive(Clone)]
pub struct TokenKey {
    /// As published.
    pub published: PublishedKey,
    /// Whose it is.
    pub owner: NodeId,
    /// The parsed key.
    pub verifier: Arc<dyn VerifyingKey>,
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey").field("published", &self.published).finish_non_exhaustive()
    }
}

impl View {
    fn cell(&self, collection: Collection, id: &str) -> Option<&Cell<Value>> {
        self.cells.get(&(collection, id) as &dyn KeyName)
    }

    fn latest(&self, collection: Collection, id: &str) -> Option<&Body> {
        Some(latest(self.cell(collection, id)?.siblings())?.value.body())
    }

    /// Whether a subject is denied. Deny wins: one denying sibling is enough.
    fn is_denied(&self, collection: Collection, id: &str) -> bool {
        self.cell(collection, id)
            .is_some_and(|cell| cell.siblings().any(|s| *s.value.body() == Body::Standing(Standing::Denied)))
    }

    /// The client of this id, if it exists and is not denied.
    pub fn client(&self, id: &str) -> Option<&Arc<Client>> {
        match self.latest(Collection::CLIENT, id)? {
            Body::Client(client) if !self.is_denied(Collection::CLIENT_STANDING, id) => Some(client),
            _ => None,
        }
    }

    /// Whether this client was deleted: then it is gone for good, and nobody needs to be asked.
    pub fn client_is_denied(&self, id: &str) -> bool {
        self.is_denied(Collection::CLIENT_STANDING, id)
    }

    /// The secret hashes of a client.
    pub fn client_secret(&self, id: &str) -> Option<&Arc<ClientSecret>> {
        match self.latest(Collection::CLIENT_SECRET, id)? {
            Body::ClientSecret(secret) => Some(secret),
            _ => None,
        }
    }

    /// All clients that stand, by id, from `after` (exclusive) on.
    pub fn clients<'a>(&'a self, after: &str) -> impl Iterator<Item = (Arc<str>, Arc<Client>)> + 'a {
        self.ids(Collection::CLIENT, after).filter_map(|id| Some((id.clone(), self.client(&id)?.clone())))
    }

    /// A scope definition.
    pub fn scope(&self, name: &str) -> Option<&Arc<Scope>> {
        match self.latest(Collection::SCOPE, name)? {
            Body::Scope(scope) => Some(scope),
            _ => None,
        }
    }

    /// All scope definitions by name.
    pub fn scopes(&self) -> impl Iterator<Item = (Arc<str>, Arc<Scope>)> + '_ {
        self.ids(Collection::SCOPE, "").filter_map(|name| Some((name.clone(), self.scope(&name)?.clone())))
    }

    /// The names and ages of all wrapping keys of the cluster, held here or not.
    pub fn ring_keys(&self) -> impl Iterator<Item = (RingKeyId, RingKeyMeta)> + '_ {
        self.entries(Collection::RING_KEY, "").filter_map(|(id, cell)| match latest(cell.siblings())?.value.body() {
            Body::RingKey(meta) => Some((RingKeyId::parse(id)?, *meta)),
            _ => None,
        })
    }

    /// Whether a token signing key was withdrawn by an administrator.
    pub fn key_is_withdrawn(&self, kid: &str) -> bool {
        self.is_denied(Collection::KEY_STANDING, kid)
    }

    /// The instant before which this user's sessions are void.
    pub fn session_cutoff(&self, user: &str) -> Option<Wall> {
        let cell = self.cell(Collection::SESSION_CUTOFF, user)?;
        let instants = cell.siblings().filter_map(|s| match s.value.body() {
            Body::Cutoff(instant) => Some(*instant),
            _ => None,
        });
        instants.max()
    }

    fn ids<'a>(&'a self, collection: Collection, after: &str) -> impl Iterator<Item = Arc<str>> + 'a {
        self.entries(collection, after).map(|(id, _)| id.clone())
    }

    fn entries<'a>(
        &'a self,
        collection: Collection,
        after: &str,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a Cell<Value>)> + 'a {
        let after: Arc<str> = after.into();
        self.cells
            .range(Key { collection, id: after.clone() }..)
            .take_while(move |(key, _)| key.collection == collection)
            .filter(move |(key, _)| key.id > after)
            .map(|(key, cell)| (&key.id, cell))
    }
}
