//! Lies of hostile members: whoever holds the keys of a node seals with them what no replica would say. What is said to whom is
//! the same in all simulated worlds; how it gets there is the world's.

use std::collections::BTreeSet;
use std::sync::Arc;

use symbolon_core::config::Config;
use symbolon_core::crdt::{Cell, DottedStore, Hlc, Incarnation, Op, ReplicaId, Unit, VersionVector};
use symbolon_core::crypto::{Crypto, SigningKey};
use symbolon_core::envelope::{Envelope, Letter, Purpose};
use symbolon_core::replica::IdentityKeys;
use symbolon_core::state::{Body, Collection, Key, Scope, Value, View};
use symbolon_core::time::Wall;
use symbolon_core::wire::mark::Mark;
use symbolon_core::wire::message::{self, Message, Part};
use symbolon_core::wire::value;

use crate::checks::{Lie, Shows};
use crate::plan::verb::{Equivocate, Verb};
use crate::plan::{Chance, Plan};

const LIE: u64 = 600;
/// Incarnations grow by 2^20 each millisecond. A life that lies so far back at most collides with no other that is drawn.
const BACK: u64 = 1 << 42;
/// No node makes so many changes in a run.
const BEYOND: u64 = 100_000;

/// A member, as it is to those who hold its keys.
pub(in crate::worlds) struct Member {
    /// They.
    pub keys: IdentityKeys,
    /// What it was told at boot.
    pub config: Arc<Config>,
    /// What it seals with.
    pub crypto: Crypto,
    /// The form of its frames.
    pub envelope: Arc<dyn Envelope>,
    /// What it published last, if it ever lived.
    pub view: Option<Arc<View>>,
    /// Its clock.
    pub wall: Wall,
}

/// A lie, sealed for one node.
pub(in crate::worlds) struct Sealed {
    /// Whose keys sealed it.
    pub from: usize,
    /// Who can open it.
    pub to: usize,
    /// Its bytes.
    pub frame: Vec<u8>,
    /// When it says that it was sent.
    pub sent: Wall,
    /// What it is.
    pub lie: Lie,
}

/// What was said in a run.
#[derive(Default)]
pub(in crate::worlds) struct Said {
    /// How many lies.
    lies: u64,
    /// The scopes that they named.
    scopes: BTreeSet<String>,
    /// Keys of which different nodes were told different things.
    pub in_doubt: BTreeSet<Key>,
}

impl Said {
    /// The scope of a lie, by a name that no other one has: a member may lie twice in one millisecond.
    fn unused(&mut self, mut scope: String) -> String {
        while !self.scopes.insert(scope.clone()) {
            scope.push_str(", again");
        }
        scope
    }
}

/// A world in which members lie.
pub(in crate::worlds) trait Liars {
    /// What runs there.
    fn plan(&self) -> &Plan;
    /// True time.
    fn at_ms(&self) -> u64;
    /// What its draws come from.
    fn chance(&self) -> Chance;
    /// A node.
    fn member(&self, node: usize) -> Member;
    /// What was said so far.
    fn said(&mut self) -> &mut Said;
    /// A step makes no sense now.
    fn refused(&mut self, why: &str);
    /// A lie leaves for whom it is meant. It travels as other frames do, awaits no reply, and is never lost by weather.
    fn bring(&mut self, sealed: Sealed);
    /// A process begins with the identity of another node and a copy of its disk. False if there is no place for it, or nothing
    /// to copy.
    fn begin_as(&mut self, node: usize, of: usize) -> bool;
}

/// A change that is said to have been made.
struct Claim {
    /// What is wrong with a frame that says so, in words.
    what: String,
    /// Who can tell.
    shows: Shows,
    replica: ReplicaId,
    seq: u64,
    scope: String,
    description: String,
    stamp: Wall,
    mark: Option<Mark>,
    /// When its frame says that it was sent.
    sent: Wall,
}

/// A hostile member does its step.
pub(in crate::worlds) fn lie(world: &mut impl Liars, node: usize, verb: &Verb) {
    match verb {
        Verb::ForgeDots(forge) => {
            if let Some(of) = world.plan().place(&forge.of) {
                forge_dots(world, node, of);
            }
        }
        Verb::Equivocate(said) => equivocate(world, node, said),
        Verb::LieAboutTime(lie) => lie_about_time(world, node, lie.by.0),
        Verb::Clone(clone) => {
            if let Some(of) = world.plan().place(&clone.of)
                && !world.begin_as(node, of)
            {
                world.refused("there is nothing to copy, or no place for it");
            }
        }
        other => world.refused(&format!("{} is no lie", other.key())),
    }
}

fn forge_dots(world: &mut impl Liars, node: usize, of: usize) {
    let (liar, author) = (world.member(node), world.member(of));
    let Some((hand, view)) = liar.hand().zip(author.view.as_ref()) else {
        return world.refused("nothing is known that could be forged");
    };
    let identity = &view.identity;
    let replica = ReplicaId { node: identity.node, incarnation: identity.incarnation };
    let held = view.cells.vector().get(replica);
    let (now, cluster) = (liar.wall, liar.cluster());
    let own_hand = Mark::sign(&*hand, &cluster, replica, held + BEYOND);
    let true_one = author.hand().map(|author| Mark::sign(&*author, &cluster, replica, held));
    let marks = [("without its mark", None), ("with another's mark", Some(own_hand)), ("beyond its mark", true_one)];
    for (how, mark) in marks {
        let nodes = &world.plan().nodes;
        let what = format!("claims a change of {} {how}", nodes[of]);
        let scope = format!("forged at {} by {} {how}", world.at_ms(), nodes[node]);
        let scope = world.said().unused(scope);
        let (shows, seq, description) = (Shows::Always, held + BEYOND, scope.clone());
        let claim = Claim { what, shows, replica, seq, scope, description, stamp: now, mark, sent: now };
        tell_all(world, node, &claim);
    }
}

fn lie_about_time(world: &mut impl Liars, node: usize, by_ms: i64) {
    let now = world.member(node).wall;
    let lied = Wall(now.0.saturating_add_signed(by_ms));
    untimely(world, node, ("untimely", "was sent at another time", Shows::Never), (now, lied));
    if by_ms > 0 {
        untimely(world, node, ("ahead", "brings a change from the future", Shows::To(lied)), (lied, now));
    }
}

/// A change is claimed to be of one time, in frames that say that they were sent at another.
fn untimely(
    world: &mut impl Liars,
    node: usize,
    (name, what, shows): (&str, &str, Shows),
    (stamp, sent): (Wall, Wall),
) {
    let liar = world.member(node);
    let Some((hand, replica)) = liar.hand().zip(spare_life(world, &liar)) else {
        return world.refused("the node never lived");
    };
    let mark = Some(Mark::sign(&*hand, &liar.cluster(), replica, 1));
    let scope = format!("{name} at {} by {}", world.at_ms(), world.plan().nodes[node]);
    let scope = world.said().unused(scope);
    let (what, description) = (what.to_owned(), scope.clone());
    tell_all(world, node, &Claim { what, shows, replica, seq: 1, scope, description, stamp, mark, sent });
}

fn equivocate(world: &mut impl Liars, node: usize, said: &Equivocate) {
    let liar = world.member(node);
    let Some((hand, replica)) = liar.hand().zip(spare_life(world, &liar)) else {
        return world.refused("the node never lived");
    };
    let now = liar.wall;
    let mark = Some(Mark::sign(&*hand, &liar.cluster(), replica, 1));
    world.said().in_doubt.insert(Key::new(Collection::SCOPE, said.scope.as_str()));
    for (version, to) in said.to.iter().enumerate() {
        let (what, shows) = ("says one thing here and another there".to_owned(), Shows::Never);
        let (scope, description, mark) = (said.scope.clone(), format!("version {}", version + 1), mark.clone());
        let claim = Claim { what, shows, replica, seq: 1, scope, description, stamp: now, mark, sent: now };
        if let Some(to) = world.plan().place(to).filter(|to| *to != node) {
            tell(world, node, to, &claim);
        }
    }
}

fn tell_all(world: &mut impl Liars, node: usize, claim: &Claim) {
    let liar = world.member(node).keys.node();
    for to in 0..world.plan().nodes.len() {
        if world.plan().invites(to) && world.member(to).keys.node() != liar {
            tell(world, node, to, claim);
        }
    }
}

/// One claim goes to one node.
fn tell(world: &mut impl Liars, from: usize, to: usize, claim: &Claim) {
    let (liar, receiver) = (world.member(from), world.member(to));
    let (Some(hand), Some(liars), Some(theirs)) = (liar.hand(), &liar.view, &receiver.view) else {
        return;
    };
    let key = Key::new(Collection::SCOPE, claim.scope.as_str());
    let mut nonce = [0; 16];
    let drawn = draw(world);
    world.said().lies += 1;
    nonce.chunks_mut(8).enumerate().for_each(|(at, piece)| {
        piece.copy_from_slice(&drawn.at(at as u64).word().to_le_bytes());
    });
    let letter = Letter {
        purpose: Purpose::Sync,
        cluster: liar.cluster(),
        sender: liars.identity.node.0,
        receiver: theirs.identity.node.0,
        incarnation: liars.identity.incarnation.0,
        sent: claim.sent,
        nonce,
        body: message::encode(&message::Body::Message(Box::new(message_of(claim, &key, theirs)))),
    };
    let sealed = liar.envelope.seal(&liar.crypto, &*hand, receiver.keys.kem_key(), &letter);
    let Ok(frame) = sealed else { return };
    let (dot, to_life) = (claim.replica.dot(claim.seq), theirs.identity.incarnation);
    let lie = Lie { what: claim.what.clone(), key, dot, shows: claim.shows, to: to_life };
    world.bring(Sealed { from, to, frame, sent: claim.sent, lie });
}

/// What the next lie is drawn from.
fn draw(world: &mut impl Liars) -> Chance {
    let told = world.said().lies;
    world.chance().at(LIE).at(told)
}

/// A life that a node might have had before its present one. What is signed in its name is believed as a late message
/// would be, and does not collide with what the process of the node does.
fn spare_life(world: &mut impl Liars, liar: &Member) -> Option<ReplicaId> {
    let identity = liar.view.as_ref()?.identity.clone();
    let back = 1 + draw(world).at(2).below(BACK);
    Some(ReplicaId { node: identity.node, incarnation: Incarnation(identity.incarnation.0.checked_sub(back)?) })
}

impl Member {
    /// What it signs with.
    fn hand(&self) -> Option<Arc<dyn SigningKey>> {
        self.crypto.ecdsa.signing_key(self.keys.to_bytes()[..32].try_into().ok()?)
    }

    /// The name of its cluster, as letters bear it.
    fn cluster(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::hash(self.config.cluster.as_bytes()).as_bytes()[..16]);
        id
    }
}

/// The least that carries a claim: all that its sender holds, if the receiver is to believe it.
fn message_of(claim: &Claim, key: &Key, theirs: &View) -> Message {
    let scope = Scope { description: claim.description.clone() };
    let value: Value = value::encode(Body::Scope(scope.into()));
    let op = Op { dot: claim.replica.dot(claim.seq), hlc: Hlc::at(claim.stamp), value: Some(value) };
    let cells: Vec<_> = Cell::from_ops(vec![op]).map(|cell| (key.clone(), cell)).into_iter().collect();
    let changes = vec![(claim.replica, claim.seq)];
    let mut held = DottedStore::default();
    let (vector, floor) = (changes.iter().copied().collect(), VersionVector::new());
    // What does not merge here is refused there, before anybody looks at the digest.
    let _ = held.merge(Unit { cells: cells.clone(), vector, floor, deep: false });
    let marks = claim.mark.iter().cloned().collect();
    Message {
        your_life: theirs.identity.incarnation,
        changes,
        digest: held.root(),
        part: Some(Part { index: 0, last: true, deep: false, floor: Vec::new(), marks, cells }),
        ..Message::default()
    }
}
