//! One small authorization server for the tests and benches of the token room: a view with clients, scopes, keys and a ring. It has
//! no replica and no peers; what a test changes, it writes into the view.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use imbl::OrdMap;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use symbolon_core::config::{Config, GossipConfig, TokenConfig};
use symbolon_core::crdt::{DottedStore, ExpiringSet, Hlc, Incarnation, NodeId, ReplicaId};
use symbolon_core::crypto::{Crypto, soft};
use symbolon_core::state::*;
use symbolon_core::time::{Now, Tick, Wall};
use symbolon_core::token::keys::OwnKey;
use symbolon_core::token::{self, *};
use symbolon_core::wire;
use zeroize::Zeroizing;

pub const ISSUER: &str = "https://id.example";
pub const NOW: Wall = Wall(1_800_000_000_000);
pub const SECRET: &str = "s3cret-s3cret-s3cret-s3cret-s3cret-s3cret-1";

pub struct World {
    pub view: View,
    pub crypto: Crypto,
    pub now: Wall,
    pub keys: Vec<OwnKey>,
    writes: u64,
}

pub fn config() -> Config {
    Config {
        cluster: "test".into(),
        name: "a".into(),
        address: "https://a.example".into(),
        issuer: ISSUER.into(),
        allowed_nodes: BTreeSet::new(),
        gossip: GossipConfig::default(),
        tokens: TokenConfig::default(),
        users: Vec::new(),
        admin_group: "admins".into(),
    }
}

pub fn soft_crypto(seed: u8) -> Crypto {
    soft::crypto(Arc::new(soft::SeededRandom::new([seed; 32])))
}

pub fn client(method: ClientAuthMethod, scopes: &[&str]) -> Client {
    Client {
        name: "An application".into(),
        auth_method: method,
        grants: [Grant::ClientCredentials].into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        redirect_uris: Vec::new(),
        audience: Vec::new(),
        access_token_ttl_s: None,
        created: NOW,
    }
}

pub fn ring_key(fill: u8) -> RingKey {
    let secret = |byte| Zeroizing::new([byte; 32]);
    RingKey::new(RingKeyId([fill; 16]), NOW, secret(fill))
}

pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// The claims of a token, unverified.
pub fn claims(token: &str) -> Json {
    part(token, 1)
}

pub fn part(token: &str, index: usize) -> Json {
    let part = token.split('.').nth(index).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

impl World {
    /// A ready node with an active key, the scopes `read` and `write`, and the clients `app` (basic), `post` (post) and
    /// `spa` (public), each with both scopes.
    pub fn new() -> World {
        World::with(soft_crypto(1))
    }

    pub fn with(crypto: Crypto) -> World {
        let identity = Identity { node: NodeId([1; 16]), name: "a".into(), incarnation: Incarnation(1) };
        let view = View {
            read: at(0),
            config: Arc::new(config()),
            identity,
            cells: DottedStore::new(),
            nodes: OrdMap::new(),
            former: OrdMap::new(),
            pinned: OrdMap::new(),
            revoked: ExpiringSet::new(Wall(0)),
            token_keys: OrdMap::new(),
            signer: None,
            ring: Ring { keys: vec![ring_key(1)].into(), sealing: Some(0) },
            readiness: Readiness::default(),
        };
        let mut world = World { view, crypto, now: NOW, keys: Vec::new(), writes: 0 };
        for scope in ["read", "write"] {
            let scope_body = Body::Scope(Arc::new(Scope { description: String::new() }));
            world.put(Collection::SCOPE, scope, scope_body);
        }
        world.register("app", client(ClientAuthMethod::SecretBasic, &["read", "write"]));
        world.register("post", client(ClientAuthMethod::SecretPost, &["read", "write"]));
        world.register("spa", client(ClientAuthMethod::None, &["read", "write"]));
        world.sign_with_new_key();
        world
    }

    fn writer(&self) -> ReplicaId {
        ReplicaId { node: self.view.identity.node, incarnation: self.view.identity.incarnation }
    }

    pub fn put(&mut self, collection: Collection, id: &str, body: Body) {
        self.writes += 1;
        let hlc = Hlc::at(Wall(NOW.0 + self.writes));
        self.view.cells.write(self.writer(), Key::new(collection, id), wire::value::encode(body), hlc);
    }

    pub fn remove(&mut self, collection: Collection, id: &str) {
        self.writes += 1;
        let hlc = Hlc::at(Wall(NOW.0 + self.writes));
        self.view.cells.remove(self.writer(), &Key::new(collection, id), hlc).expect("it was there");
    }

    /// A client whose secret is [`SECRET`].
    pub fn register(&mut self, id: &str, client: Client) {
        if client.auth_method != ClientAuthMethod::None {
            let current = Sha256::digest(SECRET).into();
            self.put(
                Collection::CLIENT_SECRET,
                id,
                Body::ClientSecret(Arc::new(ClientSecret { current, former: None })),
            );
        }
        self.put(Collection::CLIENT, id, Body::Client(Arc::new(client)));
    }

    pub fn delete_client(&mut self, id: &str) {
        self.put(Collection::CLIENT_STANDING, id, Body::Standing(Standing::Denied));
    }

    /// Publishes a fresh key and signs with it.
    pub fn sign_with_new_key(&mut self) -> Arc<str> {
        let key = OwnKey::mint(&self.crypto, self.now);
        let signer = key.signer();
        let kid = signer.kid.clone();
        self.publish(&key, KeyStage::Active);
        self.view.signer = Some(signer);
        self.keys.push(key);
        kid
    }

    pub fn publish(&mut self, key: &OwnKey, stage: KeyStage) {
        let published = PublishedKey { stage, ..key.published.clone() };
        let verifier = self.crypto.ecdsa.verifying_key(&published.point).expect("a point");
        let (kid, owner) = (published.kid.clone(), self.view.identity.node);
        self.view.token_keys.insert(kid, Arc::new(TokenKey { published, owner, verifier }));
    }

    pub fn restage(&mut self, kid: &str, stage: KeyStage) {
        let key = self.keys.iter().find(|key| *key.published.kid == *kid).expect("a key of ours").clone();
        self.publish(&key, stage);
    }

    pub fn token(&self, authorization: Option<&str>, body: &str) -> Verdict<TokenReply> {
        self.with_form(authorization, body, |presentation| {
            token::token(&self.view, presentation, self.reading(), &self.crypto)
        })
    }

    /// Both clocks, which went along with each other since the view was published.
    pub fn reading(&self) -> Now {
        Now { tick: Tick(self.now.0 - NOW.0), wall: self.now }
    }

    pub fn introspect(&self, authorization: Option<&str>, body: &str) -> Verdict<Introspection> {
        self.with_form(authorization, body, |presentation| {
            token::introspect(&self.view, presentation, self.now, &self.crypto)
        })
    }

    pub fn revoke(&self, authorization: Option<&str>, body: &str) -> Verdict<Option<(RevokedId, Wall)>> {
        self.with_form(authorization, body, |presentation| {
            token::revoke(&self.view, presentation, self.now, &self.crypto)
        })
    }

    /// A token for `app` with these further parameters, which must succeed.
    pub fn issued(&self, parameters: &str) -> TokenReply {
        let body = format!("grant_type=client_credentials&{parameters}");
        self.token(Some(&basic("app", SECRET)), &body).settle().expect("a token")
    }

    /// What `post` is told about a token, as JSON.
    pub fn introspected(&self, token: &str) -> Json {
        let body = format!("client_id=post&client_secret={SECRET}&token={token}");
        let Verdict::Done(answer) = self.introspect(None, &body) else { panic!("no answer") };
        serde_json::to_value(answer).expect("JSON")
    }

    fn with_form<T>(
        &self,
        authorization: Option<&str>,
        body: &str,
        then: impl FnOnce(ClientPresentation<'_>) -> Verdict<T>,
    ) -> Verdict<T> {
        match Form::parse(body.as_bytes()) {
            Ok(form) => then(ClientPresentation { authorization, form: &form }),
            Err(error) => Verdict::Refused(error),
        }
    }
}

pub fn at(tick_s: u64) -> Now {
    Now { tick: Tick(tick_s * 1000), wall: Wall(NOW.0 + tick_s * 1000) }
}
