//! Callers' questions: each is checked, changes state through `write`, and is answered when the change is durable.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::check::{check_client, check_scope_name, check_text};
use super::ledger::Held;
use super::merge::MAX_REVOCATION_AHEAD;
use super::{
    Actor, CallId, Effect, Fact, Receipt, Refusal, Replica, Reply, Request, Seed, Work, Worked, WriteConcern,
};
use crate::config::{MAX_ADDRESS_BYTES, MAX_ID_BYTES, MAX_PEERS, MAX_WAITING};
use crate::crdt::NodeId;
use crate::crypto::keys::node_id;
use crate::state::{
    Body, Client, ClientAuthMethod, ClientSecret, Collection, Key, PinnedPeer, RevokedId, Scope, Standing,
};
use crate::time::Wall;
use crate::token::keys::KeyStep;
use crate::token::{keys, session};
use crate::zoo::{self, Bug};

/// How long a client's former secret stays good after a rotation.
const FORMER_SECRET_TTL: Duration = Duration::from_secs(3600);
/// Checked when the user is unknown, so that it costs the same: Argon2id with the parameters of real hashes.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c3ltYm9sb24tbm9ib2R5$2a6nN3BqAv0JM6xWc1o3n0kkRkVqkfR9rgvPTu4JtCQ";
/// Logins whose passwords are being checked at one time.
const MAX_LOGINS: usize = 1024;

/// Somebody whose password is being checked.
pub(super) struct PendingLogin {
    user: String,
    groups: Option<Vec<String>>,
}

/// What a request comes to: an answer that waits for the disk, or none yet.
type Outcome = Result<Option<Reply>, Refusal>;

impl Replica {
    pub(super) fn ask(&mut self, call: CallId, actor: Actor, request: Request, concern: Option<WriteConcern>) {
        let (name, subject) = (request.name(), subject(&request));
        let outcome = self.admit(&request).and_then(|()| self.carry_out(call, &actor, request));
        match outcome {
            Ok(Some(reply)) => {
                if changed(&reply) {
                    self.hold(Held::Note(Fact::Changed { actor, request: name, subject }));
                }
                self.hold(Held::Answer { call, reply, concern });
            }
            Ok(None) => {}
            Err(refusal) => self.answer(call, Reply::Refused(refusal)),
        }
    }

    /// Whether this node may change anything now.
    fn admit(&self, request: &Request) -> Result<(), Refusal> {
        if matches!(request, Request::Stats | Request::Pull(_) | Request::AcceptClock) {
            return Ok(());
        }
        if let Some(reason) = &self.failed {
            return Err(Refusal::Unavailable(reason.clone()));
        }
        if self.watch.is_doubtful() {
            return Err(Refusal::Unavailable("this node's clock is in doubt".into()));
        }
        let full = match request {
            Request::Login { .. } => self.logins.len() >= MAX_LOGINS,
            _ => self.ledger.is_full() || self.waiting.len() >= MAX_WAITING,
        };
        if full {
            return Err(Refusal::Busy);
        }
        Ok(())
    }

    fn carry_out(&mut self, call: CallId, actor: &Actor, request: Request) -> Outcome {
        match request {
            Request::CreateClient(client) => self.create_client(client).map(Some),
            Request::UpdateClient { id, client } => self.update_client(&id, client).map(Some),
            Request::DeleteClient { id } => self.delete_client(&id).map(Some),
            Request::RotateClientSecret { id } => self.rotate_client_secret(&id).map(Some),
            Request::DefineScope { name, scope } => self.define_scope(name, scope).map(Some),
            Request::RemoveScope { name } => self.remove_scope(name).map(Some),
            Request::Revoke(entries) => Ok(Some(self.revoke(entries))),
            Request::RevokeUserSessions { user } => self.revoke_user_sessions(user).map(Some),
            Request::Login { username, password } => {
                self.login(call, username, password);
                Ok(None)
            }
            Request::SetClusterKey { key } => {
                let changed = self.add_ring_key(key, "set");
                Ok(Some(done(changed)))
            }
            Request::SeedNode(seed) => self.seed_node(seed).map(Some),
            Request::RotateSigningKey => Ok(Some(self.rotate_signing_key())),
            Request::WithdrawSigningKey { kid } => self.withdraw_signing_key(kid).map(Some),
            Request::Pull(wanted) => {
                self.pull(call, actor, wanted);
                Ok(None)
            }
            Request::Stats => {
                let stats = Box::new(self.stats());
                self.answer(call, Reply::Stats(stats));
                Ok(None)
            }
            Request::AcceptClock => {
                self.accept_clock();
                Ok(Some(done(true)))
            }
        }
    }

    fn create_client(&mut self, client: Client) -> Result<Reply, Refusal> {
        check_client(&client)?;
        let id = uuid_v4(*self.crypto.bytes::<16>());
        let client = Client { created: self.now.wall, ..client };
        let secret = self.fresh_secret(&client);
        if let Some((_, hash)) = &secret {
            let body = Body::ClientSecret(Arc::new(ClientSecret { current: *hash, former: None }));
            self.write(Key::new(Collection::CLIENT_SECRET, id.as_str()), body);
        }
        self.write(Key::new(Collection::CLIENT, id.as_str()), Body::Client(Arc::new(client)));
        let secret = secret.map(|(secret, _)| secret);
        Ok(Reply::ClientCreated { id, secret, receipt: receipt(true) })
    }

    fn update_client(&mut self, id: &str, client: Client) -> Result<Reply, Refusal> {
        check_client(&client)?;
        let known = self.head.client(id).ok_or_else(|| not_found("client", id))?.clone();
        let confidential = |method| method != ClientAuthMethod::None;
        if confidential(client.auth_method) && self.head.client_secret(id).is_none() {
            let problem = "a public client has no secret: create a confidential one instead".into();
            return Err(Refusal::Invalid { field: "token_endpoint_auth_method", problem });
        }
        let client = Client { created: known.created, ..client };
        if client == *known {
            return Ok(done(false));
        }
        self.write(Key::new(Collection::CLIENT, id), Body::Client(Arc::new(client)));
        Ok(done(true))
    }

    /// A deny beats whatever is edited concurrently elsewhere; the rest of the client goes.
    fn delete_client(&mut self, id: &str) -> Result<Reply, Refusal> {
        self.head.client(id).ok_or_else(|| not_found("client", id))?;
        if !zoo::on(Bug::DenyLoses) {
            self.write(Key::new(Collection::CLIENT_STANDING, id), Body::Standing(Standing::Denied));
        }
        self.remove(Key::new(Collection::CLIENT, id));
        self.remove(Key::new(Collection::CLIENT_SECRET, id));
        Ok(done(true))
    }

    fn rotate_client_secret(&mut self, id: &str) -> Result<Reply, Refusal> {
        let client = self.head.client(id).ok_or_else(|| not_found("client", id))?.clone();
        let Some((secret, hash)) = self.fresh_secret(&client) else {
            let problem = "a public client has no secret to rotate".into();
            return Err(Refusal::Invalid { field: "token_endpoint_auth_method", problem });
        };
        let until = self.now.wall.after(FORMER_SECRET_TTL);
        let former = self.head.client_secret(id).map(|known| (known.current, until));
        let body = Body::ClientSecret(Arc::new(ClientSecret { current: hash, former }));
        self.write(Key::new(Collection::CLIENT_SECRET, id), body);
        Ok(Reply::ClientCreated { id: id.into(), secret: Some(secret), receipt: receipt(true) })
    }

    /// 256 random bits, and their hash, for a confidential client.
    fn fresh_secret(&self, client: &Client) -> Option<(Zeroizing<String>, [u8; 32])> {
        if client.auth_method == ClientAuthMethod::None {
            return None;
        }
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(*self.crypto.bytes::<32>()));
        let hash = Sha256::digest(secret.as_bytes()).into();
        Some((secret, hash))
    }

    fn define_scope(&mut self, name: String, scope: Scope) -> Result<Reply, Refusal> {
        check_scope_name(&name)?;
        check_text("description", &scope.description, 1024)?;
        if self.head.scope(&name).is_some_and(|known| **known == scope) {
            return Ok(done(false));
        }
        self.write(Key::new(Collection::SCOPE, name), Body::Scope(Arc::new(scope)));
        Ok(done(true))
    }

    fn remove_scope(&mut self, name: String) -> Result<Reply, Refusal> {
        if self.head.scope(&name).is_none() || !self.remove(Key::new(Collection::SCOPE, name.as_str())) {
            return Err(not_found("scope", &name));
        }
        Ok(done(true))
    }

    fn revoke(&mut self, entries: Vec<(RevokedId, Wall)>) -> Reply {
        let mut changed = false;
        // What peers would not keep is not kept here: no token and no session lasts as long.
        let latest = self.now.wall.after(MAX_REVOCATION_AHEAD / 2);
        for (id, expiry) in entries.into_iter().filter(|(_, expiry)| *expiry <= latest) {
            changed |= self.add_revoked(expiry, id, true);
        }
        done(changed)
    }

    fn revoke_user_sessions(&mut self, user: String) -> Result<Reply, Refusal> {
        if user.is_empty() || user.len() > MAX_ID_BYTES {
            let problem = format!("a user name has 1 to {MAX_ID_BYTES} bytes");
            return Err(Refusal::Invalid { field: "user", problem });
        }
        // A session that a node opened whose clock runs ahead, within the budget, began before now too.
        let instant = self.now.wall.after(self.head.config.gossip.max_clock_drift);
        let instant = self.head.session_cutoff(&user).unwrap_or_default().max(instant);
        self.write(Key::new(Collection::SESSION_CUTOFF, user), Body::Cutoff(instant));
        Ok(done(true))
    }

    /// The password is checked as slow work, whether or not the user exists.
    fn login(&mut self, call: CallId, user: String, password: Zeroizing<String>) {
        let known = self.head.config.users.iter().find(|known| known.name == user);
        let groups = known.map(|known| known.groups.iter().cloned().collect());
        let hash = known.map_or_else(|| NOBODY.into(), |known| known.password_hash.clone());
        self.logins.insert(call, PendingLogin { user, groups });
        self.out.push(Effect::Work { call, work: Work::VerifyPassword { password, hash } });
    }

    /// The password was checked.
    pub(super) fn worked(&mut self, call: CallId, outcome: &Worked) {
        let Some(PendingLogin { user, groups }) = self.logins.remove(&call) else {
            return;
        };
        let reply = match (outcome, groups) {
            (Worked::Overloaded, _) => Reply::Refused(Refusal::Busy),
            (Worked::Password(true), Some(groups)) => self.open_session(&user, groups),
            (Worked::Password(_), _) => Reply::Refused(Refusal::BadCredentials),
        };
        self.answer(call, reply);
    }

    fn open_session(&self, user: &str, groups: Vec<String>) -> Reply {
        if !self.durable.readiness.is_ready() {
            return Reply::Refused(Refusal::Unavailable("this node is not ready".into()));
        }
        match session::seal(&self.durable, &self.crypto, user, &groups, self.now.wall) {
            Some((cookie, session)) => Reply::LoggedIn { cookie, groups, expires: session.expires },
            None => Reply::Refused(Refusal::Unavailable("no wrapping key is held yet".into())),
        }
    }

    fn seed_node(&mut self, seed: Seed) -> Result<Reply, Refusal> {
        let Seed { node, gossip_key, kem_key, address } = seed;
        let invalid = |field, problem: &str| Err(Refusal::Invalid { field, problem: problem.into() });
        if self.crypto.ecdsa.verifying_key(&gossip_key).is_none() {
            return invalid("gossip_signing_pub_key_der", "no point of the curve P-256");
        }
        if node != NodeId(node_id(&gossip_key)) {
            return invalid(
                "node_id",
                "not the id that follows from the gossip key: copy both from the node's kem-info",
            );
        }
        if node == self.head.identity.node {
            return invalid("node_id", "this is the node itself");
        }
        if !(address.starts_with("https://") || address.starts_with("http://")) || address.len() > MAX_ADDRESS_BYTES {
            return invalid("address", "an origin such as https://10.0.0.1:8443 is needed");
        }
        if self.head.pinned.len() >= MAX_PEERS {
            return invalid("node_id", "no more peers can be pinned");
        }
        let address: Arc<str> = address.trim_end_matches('/').into();
        let peer = PinnedPeer::new(node, gossip_key, kem_key, address.clone());
        let changed = self.head.pinned.get(&node).is_none_or(|known| **known != peer);
        if changed {
            self.put_pinned(Arc::new(peer));
            self.gossip.meet(node, &address, self.now.tick);
        }
        Ok(done(changed))
    }

    fn rotate_signing_key(&mut self) -> Reply {
        let step = keys::rotate(&self.own_keys);
        let changed = step.is_some();
        self.take_key_steps(step.into_iter().collect::<Vec<KeyStep>>());
        done(changed)
    }

    fn withdraw_signing_key(&mut self, kid: String) -> Result<Reply, Refusal> {
        if !self.head.token_keys.contains_key(kid.as_str()) {
            return Err(not_found("signing key", &kid));
        }
        self.write(Key::new(Collection::KEY_STANDING, kid), Body::Standing(Standing::Denied));
        self.refresh_keys();
        self.advance_keys();
        Ok(done(true))
    }
}

fn subject(request: &Request) -> String {
    match request {
        Request::CreateClient(client) => client.name.clone(),
        Request::UpdateClient { id, .. } | Request::DeleteClient { id } | Request::RotateClientSecret { id } => {
            id.clone()
        }
        Request::DefineScope { name, .. } | Request::RemoveScope { name } => name.clone(),
        Request::RevokeUserSessions { user } => user.clone(),
        Request::SeedNode(seed) => seed.node.to_string(),
        Request::WithdrawSigningKey { kid } => kid.clone(),
        Request::Revoke(entries) => format!("{} entries", entries.len()),
        Request::Login { .. }
        | Request::SetClusterKey { .. }
        | Request::RotateSigningKey
        | Request::Pull(_)
        | Request::Stats
        | Request::AcceptClock => String::new(),
    }
}

fn changed(reply: &Reply) -> bool {
    match reply {
        Reply::Done(receipt) | Reply::ClientCreated { receipt, .. } => receipt.changed,
        Reply::LoggedIn { .. } | Reply::Pulled | Reply::Stats(_) | Reply::Refused(_) => false,
    }
}

fn receipt(changed: bool) -> Receipt {
    Receipt { changed, ..Receipt::default() }
}

fn done(changed: bool) -> Reply {
    Reply::Done(receipt(changed))
}

fn not_found(what: &'static str, name: &str) -> Refusal {
    Refusal::NotFound { what, name: name.into() }
}

/// A version 4 UUID (RFC 9562, section 5.4) of these random bytes.
fn uuid_v4(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
