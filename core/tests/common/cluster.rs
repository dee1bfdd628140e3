//! A few replicas in one room: disks that are maps, a network that is a queue, clocks that are set. For conversations, not
//! for torture: nothing is random but what the seed says.
#![allow(dead_code)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use symbolon_core::config::{Config, GossipConfig, StaticUser, TokenConfig};
use symbolon_core::crdt::{NodeId, ReplicaId};
use symbolon_core::crypto::Crypto;
use symbolon_core::crypto::soft::{self, SeededRandom};
use symbolon_core::fault::Reject;
use symbolon_core::replica::{
    Actor, BootError, CallId, Door, Effect, Effects, Event, ExchangeId, Fact, IdentityKeys, Recovered, Replica,
    Reply, Request, Row, Seed, Table, Work, Worked, WriteConcern,
};
use symbolon_core::state::{Client, ClientAuthMethod, Grant, Scope, View};
use symbolon_core::time::{Now, Tick, Wall};

/// The wall clock at the beginning.
pub const EPOCH_MS: u64 = 1_800_000_000_000;

/// What a disk holds.
pub type Disk = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// One node.
pub struct Node {
    pub replica: Option<Replica>,
    pub keys: IdentityKeys,
    pub crypto: Crypto,
    pub config: Arc<Config>,
    pub disk: Disk,
    /// The wall clock's error, in milliseconds.
    pub skew_ms: i64,
    /// Writes are taken and not reported.
    pub disk_blocked: bool,
    pub view: Arc<View>,
    pub facts: Vec<Fact>,
    /// How often it was woken.
    pub wakes: u64,
    blocked: Vec<Effect>,
    boots: u8,
}

/// What becomes of parcels, drawn from a seed.
pub struct Weather {
    rng: ChaCha8Rng,
    /// Of a thousand parcels, so many are lost without a word.
    pub lost_per_mille: u32,
    /// So many requests arrive twice.
    pub doubled_per_mille: u32,
    /// Each is under way for up to so long, so they overtake each other.
    pub delay_ms: u64,
    /// And at least so long.
    pub least_ms: u64,
}

impl Weather {
    pub fn new(seed: u8, lost_per_mille: u32, doubled_per_mille: u32, delay_ms: u64) -> Weather {
        let rng = ChaCha8Rng::from_seed([seed; 32]);
        Weather { rng, lost_per_mille, doubled_per_mille, delay_ms, least_ms: 0 }
    }

    fn strikes(&mut self, per_mille: u32) -> bool {
        self.rng.next_u32() % 1000 < per_mille
    }

    fn delay(&mut self) -> u64 {
        self.least_ms + self.rng.next_u64() % (self.delay_ms + 1)
    }
}

/// What travels.
#[derive(Clone)]
enum Parcel {
    Request { from: usize, to: usize, exchange: ExchangeId, frame: Vec<u8> },
    Response { to: usize, exchange: ExchangeId, outcome: Result<Vec<u8>, Option<Reject>> },
}

/// All of them.
pub struct Cluster {
    pub nodes: Vec<Node>,
    pub elapsed_ms: u64,
    pub answers: BTreeMap<CallId, Reply>,
    /// Links that are cut, by (from, to).
    pub cut: BTreeSet<(usize, usize)>,
    /// Links on which frames are lost without a word, by (from, to): requests and replies alike.
    pub silent: BTreeSet<(usize, usize)>,
    pub weather: Option<Weather>,
    /// Nodes whom no question for wrapping keys reaches.
    pub withholding: BTreeSet<usize>,
    /// Every frame that was sent: (from, to, bytes).
    pub frames: Vec<(usize, usize, Vec<u8>)>,
    pub outcomes: Vec<Result<usize, Reject>>,
    /// Effects that wait for their turn: a driver carries them out in order.
    effects: VecDeque<(usize, Effect)>,
    carrying_out: bool,
    /// By the time of arrival, then in the order of sending.
    parcels: BTreeMap<(u64, u64), Parcel>,
    sent: u64,
    open: BTreeMap<CallId, (usize, usize, ExchangeId)>,
    next_call: u64,
}

pub fn config(name: &str) -> Config {
    Config {
        cluster: "test".into(),
        name: name.into(),
        address: format!("https://{name}"),
        issuer: "https://issuer.example".into(),
        allowed_nodes: BTreeSet::new(),
        gossip: GossipConfig::default(),
        tokens: TokenConfig::default(),
        users: vec![StaticUser {
            name: "alice".into(),
            password_hash: "alice123".into(),
            groups: ["admins".to_owned()].into(),
        }],
        admin_group: "admins".into(),
    }
}

/// A confidential client.
pub fn shop() -> Client {
    Client {
        name: "shop".into(),
        auth_method: ClientAuthMethod::SecretPost,
        grants: [Grant::ClientCredentials].into(),
        scopes: BTreeSet::new(),
        redirect_uris: Vec::new(),
        audience: Vec::new(),
        access_token_ttl_s: None,
        created: Wall(0),
    }
}

impl Cluster {
    /// Nodes `n1` to `n<count>`, booted, strangers to each other.
    pub fn strangers(count: usize) -> Cluster {
        let mut cluster = Cluster {
            nodes: Vec::new(),
            elapsed_ms: 0,
            answers: BTreeMap::new(),
            cut: BTreeSet::new(),
            silent: BTreeSet::new(),
            weather: None,
            withholding: BTreeSet::new(),
            frames: Vec::new(),
            outcomes: Vec::new(),
            effects: VecDeque::new(),
            carrying_out: false,
            parcels: BTreeMap::new(),
            sent: 0,
            open: BTreeMap::new(),
            next_call: 0,
        };
        for place in 0..count {
            cluster.add(&format!("n{}", place + 1));
        }
        cluster
    }

    /// The same, each pinned by each, and settled.
    pub fn of(count: usize) -> Cluster {
        let mut cluster = Cluster::strangers(count);
        cluster.seed_all();
        cluster.run_ms(5_000);
        cluster
    }

    pub fn add(&mut self, name: &str) -> usize {
        let place = self.nodes.len();
        let crypto = soft::crypto(Arc::new(SeededRandom::new([place as u8 + 1; 32])));
        let keys = IdentityKeys::generate(&crypto);
        let config = Arc::new(config(name));
        let view = {
            let (replica, _) = Replica::boot(
                config.clone(),
                crypto.clone(),
                keys.clone(),
                Recovered::default(),
                [0; 32],
                self.at(0),
            )
            .expect("an empty disk boots");
            replica.view()
        };
        self.nodes.push(Node {
            replica: None,
            keys,
            crypto,
            config,
            disk: Disk::new(),
            skew_ms: 0,
            disk_blocked: false,
            view,
            facts: Vec::new(),
            wakes: 0,
            blocked: Vec::new(),
            boots: 0,
        });
        self.boot(place).expect("an empty disk boots");
        place
    }

    fn at(&self, skew_ms: i64) -> Now {
        let wall = (EPOCH_MS + self.elapsed_ms).saturating_add_signed(skew_ms);
        Now { tick: Tick(self.elapsed_ms), wall: Wall(wall) }
    }

    pub fn now(&self, place: usize) -> Now {
        self.at(self.nodes[place].skew_ms)
    }

    /// Begins a new life on the disk as it is.
    pub fn boot(&mut self, place: usize) -> Result<(), BootError> {
        let now = self.now(place);
        let node = &mut self.nodes[place];
        node.boots += 1;
        node.blocked.clear();
        let rows = node.disk.iter().map(|((table, key), value)| Row {
            table: *table,
            key: key.clone(),
            value: Some(value.clone()),
        });
        let recovered = Recovered { rows: rows.collect() };
        let seed = [place as u8 ^ node.boots; 32];
        let (replica, effects) =
            Replica::boot(node.config.clone(), node.crypto.clone(), node.keys.clone(), recovered, seed, now)?;
        node.replica = Some(replica);
        self.carry_out(place, effects);
        self.deliver();
        Ok(())
    }

    /// The process is gone; what was under way is lost.
    pub fn kill(&mut self, place: usize) {
        self.nodes[place].replica = None;
        self.nodes[place].blocked.clear();
    }

    /// Of a node that is down nothing is left but whom it knows: pins lie beside its identity.
    pub fn lose_disk(&mut self, place: usize) {
        self.nodes[place].disk.retain(|(table, _), _| *table == Table::Pinned);
    }

    pub fn seed_of(&self, place: usize) -> Seed {
        let node = &self.nodes[place];
        Seed {
            node: node.keys.node(),
            gossip_key: node.keys.gossip_key(),
            kem_key: Box::new(*node.keys.kem_key()),
            address: node.config.address.clone(),
        }
    }

    pub fn seed_all(&mut self) {
        for place in 0..self.nodes.len() {
            for other in (0..self.nodes.len()).filter(|other| *other != place) {
                let seed = self.seed_of(other);
                self.ask(place, Request::SeedNode(seed));
            }
        }
    }

    /// Asks, and runs until the answer is there, at most ten seconds.
    pub fn ask(&mut self, place: usize, request: Request) -> Reply {
        let call = self.begin(place, request, None);
        for _ in 0..10_000 {
            if let Some(reply) = self.answers.remove(&call) {
                return reply;
            }
            self.run_ms(1);
        }
        panic!("no answer within ten seconds");
    }

    /// Asks; the answer comes into `answers` some time.
    pub fn begin(&mut self, place: usize, request: Request, concern: Option<WriteConcern>) -> CallId {
        let call = self.name_call();
        self.handle(place, Event::Ask { call, actor: Actor::Operator, request, concern });
        self.deliver();
        call
    }

    fn name_call(&mut self) -> CallId {
        self.next_call += 1;
        CallId(self.next_call)
    }

    pub fn handle(&mut self, place: usize, event: Event) {
        let now = self.now(place);
        if let Some(replica) = self.nodes[place].replica.as_mut() {
            let effects = replica.handle(now, event);
            self.carry_out(place, effects);
        }
    }

    /// Lets time pass, waking whoever asked for it.
    pub fn run_ms(&mut self, span_ms: u64) {
        let end = self.elapsed_ms + span_ms;
        self.deliver();
        loop {
            let deadlines = self.nodes.iter().filter_map(|node| Some(node.replica.as_ref()?.deadline().0.0));
            let arrival = self.parcels.keys().map(|(at, _)| *at).next();
            let next = deadlines.chain(arrival).min().unwrap_or(u64::MAX).max(self.elapsed_ms);
            if next > end {
                break;
            }
            self.elapsed_ms = next;
            for place in 0..self.nodes.len() {
                let due = self.nodes[place].replica.as_ref().is_some_and(|r| r.deadline().0.0 <= next);
                if due {
                    self.nodes[place].wakes += 1;
                    self.handle(place, Event::Tick);
                }
            }
            self.deliver();
            let stuck = self.nodes.iter().any(|n| n.replica.as_ref().is_some_and(|r| r.deadline().0.0 <= next));
            if stuck {
                self.elapsed_ms += 1;
            }
        }
        self.elapsed_ms = end;
    }

    /// The disk of a node answers again.
    pub fn unblock(&mut self, place: usize) {
        self.nodes[place].disk_blocked = false;
        let blocked = std::mem::take(&mut self.nodes[place].blocked);
        for effect in blocked {
            self.carry_out_one(place, effect);
        }
        self.deliver();
    }

    /// Hands a frame to a node as its peer would, and tells what came back.
    pub fn inject(&mut self, place: usize, bytes: Vec<u8>) -> Result<Vec<u8>, Reject> {
        let call = self.name_call();
        let now = self.now(place);
        let replica = self.nodes[place].replica.as_mut().expect("the node is up");
        let effects = replica.handle(now, Event::Frame { call, bytes });
        let mut outcome = None;
        let mut queue: VecDeque<Effect> = effects.into_iter().collect();
        while let Some(effect) = queue.pop_front() {
            match effect {
                Effect::Reply { call: replied, outcome: came } if replied == call => outcome = Some(came),
                Effect::Write { id, batch } => {
                    self.nodes[place].write(batch);
                    let replica = self.nodes[place].replica.as_mut().expect("the node is up");
                    queue.extend(replica.handle(now, Event::Written(id)));
                }
                other => self.carry_out_one(place, other),
            }
        }
        outcome.expect("every frame is answered")
    }

    fn carry_out(&mut self, place: usize, effects: Effects) {
        self.effects.extend(effects.into_iter().map(|effect| (place, effect)));
        if std::mem::replace(&mut self.carrying_out, true) {
            return; // What is being carried out comes first; this waits behind it.
        }
        while let Some((place, effect)) = self.effects.pop_front() {
            self.carry_out_one(place, effect);
        }
        self.carrying_out = false;
    }

    fn carry_out_one(&mut self, place: usize, effect: Effect) {
        match effect {
            Effect::Write { .. } if self.nodes[place].disk_blocked => self.nodes[place].blocked.push(effect),
            Effect::Write { id, batch } => {
                self.nodes[place].write(batch);
                self.handle(place, Event::Written(id));
            }
            Effect::Publish(view) => self.nodes[place].view = view,
            Effect::Send { exchange, to, door, frame } => {
                let Some(to) = self.place(to.node) else {
                    return self.handle(place, Event::Failed { exchange, status: None, reason: None }); // Nobody is there.
                };
                if door == Door::WrappingKey && self.withholding.contains(&to) {
                    return;
                }
                self.frames.push((place, to, frame.clone()));
                self.send((place, to), Parcel::Request { from: place, to, exchange, frame });
            }
            Effect::Reply { call, outcome } => {
                if let Some((from, to, exchange)) = self.open.remove(&call) {
                    self.outcomes.push(outcome.as_ref().map(Vec::len).map_err(|reject| *reject));
                    if let Ok(frame) = &outcome {
                        self.frames.push((to, from, frame.clone()));
                    }
                    let outcome = outcome.map_err(Some);
                    let outcome = if self.cut.contains(&(to, from)) { Err(None) } else { outcome };
                    self.send((to, from), Parcel::Response { to: from, exchange, outcome });
                }
            }
            Effect::Answer { call, reply } => {
                self.answers.insert(call, reply);
            }
            Effect::Work { call, work: Work::VerifyPassword { password, hash } } => {
                self.handle(place, Event::Worked { call, outcome: Worked::Password(*password == hash) });
            }
            Effect::Note(fact) => self.nodes[place].facts.push(fact),
        }
    }

    fn send(&mut self, link: (usize, usize), parcel: Parcel) {
        let mut arrivals = vec![self.elapsed_ms];
        if let Some(weather) = self.weather.as_mut() {
            if weather.strikes(weather.lost_per_mille) {
                return;
            }
            if matches!(parcel, Parcel::Request { .. }) && weather.strikes(weather.doubled_per_mille) {
                arrivals.push(self.elapsed_ms);
            }
            arrivals.iter_mut().for_each(|at| *at += weather.delay());
        }
        if self.silent.contains(&link) {
            return;
        }
        for at in arrivals {
            self.sent += 1;
            self.parcels.insert((at, self.sent), parcel.clone());
        }
    }

    fn deliver(&mut self) {
        while let Some(parcel) = self.parcels.first_entry().filter(|first| first.key().0 <= self.elapsed_ms) {
            match parcel.remove() {
                Parcel::Request { from, to, exchange, frame } => {
                    if self.cut.contains(&(from, to)) || self.nodes[to].replica.is_none() {
                        self.handle(from, Event::Failed { exchange, status: None, reason: None });
                        continue;
                    }
                    let call = self.name_call();
                    self.open.insert(call, (from, to, exchange));
                    self.handle(to, Event::Frame { call, bytes: frame });
                }
                Parcel::Response { to, exchange, outcome: Ok(bytes) } => {
                    self.handle(to, Event::Returned { exchange, bytes });
                }
                Parcel::Response { to, exchange, outcome: Err(reason) } => {
                    let status = reason.map(Reject::status);
                    self.handle(to, Event::Failed { exchange, status, reason });
                }
            }
        }
    }

    /// Under which name a node writes now.
    pub fn replica_id(&self, place: usize) -> ReplicaId {
        let identity = &self.nodes[place].view.identity;
        ReplicaId { node: identity.node, incarnation: identity.incarnation }
    }

    /// A node takes up another configuration, also for later lives.
    pub fn reconfigure(&mut self, place: usize, config: Config) {
        let config = Config {
            name: self.nodes[place].config.name.clone(),
            address: self.nodes[place].config.address.clone(),
            ..config
        };
        self.nodes[place].config = Arc::new(config);
        let config = self.nodes[place].config.clone();
        self.handle(place, Event::Reconfigure(config));
        self.deliver();
    }

    /// A client made on this node; its id.
    pub fn create_client(&mut self, place: usize) -> String {
        match self.ask(place, Request::CreateClient(shop())) {
            Reply::ClientCreated { id, .. } => id,
            other => panic!("no client was created: {other:?}"),
        }
    }

    pub fn define(&mut self, place: usize, name: &str) {
        let scope = Scope { description: name.into() };
        let reply = self.ask(place, Request::DefineScope { name: name.into(), scope });
        assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
    }

    /// Asserts that all nodes hold the same, and are sound.
    pub fn assert_converged(&self) {
        let up = self.nodes.iter().filter(|node| node.replica.is_some());
        let of = |node: &Node| {
            (
                node.view.cells.vector().clone(),
                node.view.cells.root(),
                node.view.revoked.iter().map(|(e, i)| (e, *i)).collect::<Vec<_>>(),
            )
        };
        let all: Vec<_> = up
            .map(|node| {
                node.view.cells.assert_sound();
                of(node)
            })
            .collect();
        for pair in all.windows(2) {
            assert_eq!(pair[0], pair[1]);
        }
    }

    fn place(&self, node: NodeId) -> Option<usize> {
        let bears = |known: &Node| known.keys.node() == node && known.replica.is_some();
        let first = |known: &Node| known.keys.node() == node;
        self.nodes.iter().position(bears).or_else(|| self.nodes.iter().position(first))
    }

    /// Cuts, or mends, both directions between two nodes.
    pub fn split(&mut self, one: usize, other: usize, apart: bool) {
        for link in [(one, other), (other, one)] {
            if apart {
                self.cut.insert(link);
            } else {
                self.cut.remove(&link);
            }
        }
    }

    /// Whether all nodes that are up hold the same cells.
    pub fn converged(&self) -> bool {
        let up: Vec<&Node> = self.nodes.iter().filter(|node| node.replica.is_some()).collect();
        up.windows(2).all(|pair| {
            let (a, b) = (&pair[0].view, &pair[1].view);
            a.cells.root() == b.cells.root()
                && a.cells.vector() == b.cells.vector()
                && a.revoked.iter().eq(b.revoked.iter())
        })
    }
}

impl Node {
    fn write(&mut self, batch: Vec<Row>) {
        for Row { table, key, value } in batch {
            match value {
                Some(value) => self.disk.insert((table, key), value),
                None => self.disk.remove(&(table, key)),
            };
        }
    }
}
