//! The software of a host: the production node on ports of this world, from its begin to its end. It decides nothing.

use std::sync::Arc;
use std::time::Duration;

use symbolon_core::replica::{Actor, Fact, Request, Seed, Work, Worked};
use symbolon_core::state::View;
use symbolon_node::node::{Node, NodeError, Setup};
use symbolon_node::ports::{Entropy, Pending, Ports, Witness, Workshop};

use super::clock::{SkewedClock, true_ms};
use super::disk::MemoryStorage;
use super::network::{SimListener, WeatheredNet};
use super::place::Place;
use super::record::Seen;
use super::weather::Weather;
use crate::checks::Continuity;

const BOOT: u64 = 202;
/// Callers of a node at one time.
const MAX_CONNECTIONS: usize = 256;
/// The disk here is never found unsound.
const SCRUB_INTERVAL: Duration = Duration::from_secs(3600);

/// One life of a node. Its peers are pinned by an operator each time, as a provisioning tool would.
pub(super) async fn live(place: Arc<Place>, weather: Arc<Weather>, peers: Arc<[Seed]>) -> turmoil::Result {
    if !place.runs() {
        return Ok(());
    }
    let outcome = run(&place, weather, &peers).await;
    place.record.add(true_ms(), place.index, Seen::Ended);
    let mut life = place.life();
    (life.runs, life.handle) = (false, None);
    life.gave_up = outcome.err();
    Ok(())
}

async fn run(place: &Arc<Place>, weather: Arc<Weather>, peers: &[Seed]) -> Result<(), NodeError> {
    let listener = SimListener::bind().await.expect("a host that begins has its port to itself");
    let setup = Setup {
        address: listener.address().expect("it is bound"),
        keys: place.keys(),
        config: place.config.clone(),
        tls: None,
        max_connections: MAX_CONNECTIONS,
        scrub_interval: SCRUB_INTERVAL,
    };
    let node = Node::start_on(listener, setup, ports(place.clone(), weather)).await?;
    {
        let mut life = place.life();
        (life.handle, life.stopper) = (Some(node.handle.clone()), Some(node.stopper()));
    }
    let is_clone = |peer: &&Seed| peer.node == place.keys().node();
    for peer in peers.iter().filter(|peer| !is_clone(peer)) {
        node.handle.ask(Actor::Operator, Request::SeedNode(peer.clone()), None).await;
    }
    node.ended().await
}

fn ports(place: Arc<Place>, weather: Arc<Weather>) -> Ports {
    Ports {
        net: Arc::new(WeatheredNet::new(place.clone(), weather)),
        storage: Arc::new(MemoryStorage(place.clone())),
        clock: Arc::new(SkewedClock(place.clone())),
        entropy: Arc::new(SeededEntropy(place.clone())),
        workshop: Arc::new(PlainPasswords),
        crypto: place.crypto.clone(),
        witness: Arc::new(Watch(place)),
    }
}

/// The seed of each boot, by its number.
struct SeededEntropy(Arc<Place>);

impl Entropy for SeededEntropy {
    fn seed(&self) -> [u8; 32] {
        let draw = self.0.chance.at_ms(true_ms()).at(BOOT).at(self.0.life().number).at(true_ms());
        let mut seed = [0; 32];
        seed.chunks_mut(8).enumerate().for_each(|(at, piece)| {
            piece.copy_from_slice(&draw.at(at as u64).word().to_le_bytes());
        });
        seed
    }
}

/// Passwords stand in the configuration as they are.
struct PlainPasswords;

impl Workshop for PlainPasswords {
    fn work(&self, work: Work) -> Pending<Worked> {
        let Work::VerifyPassword { password, hash } = work;
        let fits = **password == *hash;
        Box::pin(std::future::ready(Worked::Password(fits)))
    }
}

/// Writes down what the node makes known.
struct Watch(Arc<Place>);

impl Witness for Watch {
    fn booted(&self, view: &Arc<View>) {
        let mut life = self.0.life();
        let disk = if std::mem::take(&mut life.disk_is_another) { Continuity::Broken } else { Continuity::Kept };
        life.view = Some(view.clone());
        life.began = self.0.now(true_ms()).wall;
        self.0.record.add(true_ms(), self.0.index, Seen::Booted { view: view.clone(), disk });
    }

    fn published(&self, view: &Arc<View>) {
        let at_ms = true_ms();
        let before = self.0.life().view.replace(view.clone()).unwrap_or_else(|| view.clone());
        let wall = self.0.now(at_ms).wall;
        self.0.record.add(at_ms, self.0.index, Seen::Published { before, after: view.clone(), wall });
    }

    fn noted(&self, fact: &Fact) {
        self.0.record.add(true_ms(), self.0.index, Seen::Noted(fact.clone()));
    }
}
