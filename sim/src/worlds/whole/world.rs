//! The simulation, its hosts, and what may befall them: one method per fault. It follows no plan.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use symbolon_core::config::{Config, GossipConfig, StaticUser, TokenConfig};
use symbolon_core::replica::Seed;
use symbolon_core::state::View;
use symbolon_core::time::Now;
use turmoil::Sim;

use super::desk::{self, DESK, Desk};
use super::place::{EPOCH_MS, Place, Skew};
use super::record::{Record, Seen};
use super::weather::Weather;
use super::{crypto, disk, host};
use crate::plan::drawn::{self, Chance};
use crate::worlds::client::api::Api;
use crate::worlds::quick::crypto::Source;

/// The name of every login.
pub const USER: &str = "alice";
/// And its password.
pub const PASSWORD: &str = "alice123";

/// Segments on their way on one stream, and callers that wait to be accepted.
const TCP_CAPACITY: usize = 1024;
/// A run may take so long in simulated time.
const MAX_RUN: Duration = Duration::from_secs(24 * 3600);

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct Climate {
    /// Names every draw.
    pub seed: u64,
    /// The nodes by name.
    pub nodes: Vec<String>,
    /// Settings of gossip.
    pub gossip: GossipConfig,
    /// Settings of tokens and keys.
    pub tokens: TokenConfig,
    /// What the network does.
    pub network: drawn::Network,
    /// How long a commit takes.
    pub disk: drawn::Disk,
    /// How clocks err, by place.
    pub clocks: Vec<drawn::Clock>,
}

/// Hosts that run nodes, and a desk for their callers.
pub struct World {
    sim: Sim<'static>,
    places: Vec<Arc<Place>>,
    weather: Arc<Weather>,
    record: Arc<Record>,
    desk: Desk,
    apis: Vec<Api>,
    at_ms: u64,
}

impl World {
    /// A world at its first instant: all nodes are about to start.
    pub fn new(climate: &Climate) -> World {
        let record = Arc::new(Record::default());
        let weather = Arc::new(Weather::new(climate.network));
        let mut sim = turmoil::Builder::new()
            .epoch(UNIX_EPOCH + Duration::from_millis(EPOCH_MS))
            .rng_seed(climate.seed)
            .simulation_duration(MAX_RUN)
            .tick_duration(Duration::from_millis(1))
            .min_message_latency(Duration::from_millis(climate.network.latency_min_ms))
            .max_message_latency(Duration::from_millis(climate.network.latency_max_ms))
            .tcp_capacity(TCP_CAPACITY)
            .build();
        let places: Vec<Arc<Place>> =
            (0..climate.nodes.len()).map(|index| Arc::new(place(climate, index, record.clone()))).collect();
        for place in &places {
            let peers: Arc<[Seed]> =
                places.iter().filter(|other| other.index != place.index).map(|other| other.seed()).collect();
            let (place, weather) = (place.clone(), weather.clone());
            place.life().number = 1;
            sim.host(climate.nodes[place.index].as_str(), move || {
                host::live(place.clone(), weather.clone(), peers.clone())
            });
        }
        let (desk, jobs) = Desk::new();
        sim.host(DESK, move || desk::sit(jobs.clone()));
        let apis = climate.nodes.iter().map(|name| desk::api(name)).collect();
        World { sim, places, weather, record, desk, apis, at_ms: 0 }
    }

    /// One millisecond passes.
    ///
    /// # Errors
    /// What broke in a host: a panic of the node is one.
    pub fn step(&mut self) -> Result<(), String> {
        let outcome = self.sim.step();
        self.at_ms += 1;
        outcome.map(drop).map_err(|error| error.to_string())
    }

    /// True time.
    pub fn at_ms(&self) -> u64 {
        self.at_ms
    }

    /// The endpoints of a node, for jobs of the desk.
    pub fn api(&self, node: usize) -> Api {
        self.apis[node].clone()
    }

    /// Has the desk do this, and lets time pass until it is done.
    ///
    /// # Errors
    /// What broke in a host, or that it took too long.
    pub fn wait<T: Send + 'static>(
        &mut self,
        most: Duration,
        job: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        let outcome = Arc::new(Mutex::new(None));
        let slot = outcome.clone();
        self.desk.begin(Box::pin(async move {
            let value = job.await;
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        }));
        for _ in 0..most.as_millis() {
            self.step()?;
            if let Some(value) = outcome.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Ok(value);
            }
        }
        Err(format!("it was not done within {most:?}"))
    }

    /// Has the desk do this, whenever it is done.
    pub fn begin(&self, job: impl Future<Output = ()> + Send + 'static) {
        self.desk.begin(Box::pin(job));
    }

    /// What a node shows, while it runs.
    pub fn view(&self, node: usize) -> Option<Arc<View>> {
        self.places[node].view()
    }

    /// Both clocks of a node.
    pub fn now(&self, node: usize) -> Now {
        self.places[node].now(self.at_ms)
    }

    /// Over everything that happened so far.
    pub fn trace(&self) -> [u8; 32] {
        self.record.hash()
    }

    /// Frames that nodes sent so far.
    pub fn frames(&self) -> u64 {
        self.record.frames()
    }
}

/// Faults.
impl World {
    /// The process ends at once; what was not durable is lost, but for a prefix that got there.
    pub fn kill(&mut self, node: usize) {
        let place = self.places[node].clone();
        self.sim.crash(self.name(node));
        let was_up = place.life().handle.take().is_some();
        if was_up {
            disk::crash(&place, self.at_ms);
            self.record.add(self.at_ms, node, Seen::Ended);
        }
    }

    /// The process starts, if it does not run. It finds its clock set.
    pub fn start(&mut self, node: usize) {
        let place = self.places[node].clone();
        if place.is_up() {
            return;
        }
        let mut life = place.life();
        life.number += 1;
        life.gave_up = None;
        drop(life);
        self.set_clock_right(node);
        self.sim.bounce(self.name(node));
    }

    /// Nothing gets through between these two, in either direction.
    pub fn part(&mut self, one: usize, other: usize) {
        self.sim.partition(self.name(one), self.name(other));
    }

    /// Nothing gets through from the one to the other.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.sim.partition_oneway(self.name(from), self.name(to));
    }

    /// What is sent from the one to the other gets through again.
    pub fn mend(&mut self, from: usize, to: usize) {
        self.sim.repair_oneway(self.name(from), self.name(to));
    }

    /// What these two send each other is held, until it is released.
    pub fn clog(&mut self, one: usize, other: usize) {
        self.sim.hold(self.name(one), self.name(other));
    }

    /// What was held arrives.
    pub fn unclog(&mut self, one: usize, other: usize) {
        self.sim.release(self.name(one), self.name(other));
    }

    /// Lost, doubled and altered messages come to an end.
    pub fn clear_up(&mut self) {
        self.weather.clear_up();
    }

    /// The wall clock errs by so much more.
    pub fn step_clock(&mut self, node: usize, by_ms: i64) {
        let mut skew = self.places[node].skew();
        skew.step_ms = by_ms;
        skew.steps += 1;
    }

    /// The wall clock stands still.
    pub fn freeze_clock(&mut self, node: usize) {
        let now = self.now(node).wall;
        let mut skew = self.places[node].skew();
        skew.frozen = Some(now);
        skew.steps += 1;
    }

    /// The wall clock errs only as it did at the beginning.
    pub fn set_clock_right(&mut self, node: usize) {
        let mut skew = self.places[node].skew();
        (skew.step_ms, skew.frozen) = (0, None);
        skew.steps += 1;
    }

    /// Commits take up to so much longer.
    pub fn slow_disk(&mut self, node: usize, by_ms: u64) {
        self.places[node].disk().slow_ms = by_ms;
    }

    /// The next commit fails.
    pub fn fail_disk(&mut self, node: usize) {
        self.places[node].disk().fails = true;
    }

    /// Keeps a copy of the disk under a name.
    pub fn back_up(&mut self, node: usize, name: &str) {
        self.places[node].disk().copy(name);
    }

    /// The process ends, and its disk is another: this copy, or empty. False if there is no such copy.
    pub fn exchange_disk(&mut self, node: usize, copy: Option<&str>) -> bool {
        self.kill(node);
        let found = self.places[node].disk().exchange(copy);
        if found {
            let mut life = self.places[node].life();
            (life.disk_is_another, life.was_robbed) = (true, true);
        }
        found
    }

    fn name(&self, node: usize) -> String {
        self.places[node].config.name.clone()
    }
}

fn place(climate: &Climate, index: usize, record: Arc<Record>) -> Place {
    let chance = Chance::of(climate.seed, 500).at(index as u64);
    let source = Arc::new(Source::new(chance.at(100).word()));
    let crypto = crypto::crypto(source.clone());
    let clock = climate.clocks.get(index).copied().unwrap_or_default();
    let skew = Skew { offset_ms: clock.offset_ms, ppm: clock.ppm, ..Skew::default() };
    let place = Place::new(index, config(climate, index), (source, crypto), (chance, skew), record);
    place.disk().commit_ms = (climate.disk.min_ms, climate.disk.max_ms);
    place
}

fn config(climate: &Climate, index: usize) -> Config {
    let name = climate.nodes[index].clone();
    Config {
        cluster: "whole".into(),
        address: format!("http://{name}"),
        name,
        issuer: "https://issuer.example".into(),
        allowed_nodes: Default::default(),
        gossip: climate.gossip.clone(),
        tokens: climate.tokens.clone(),
        users: vec![StaticUser {
            name: USER.into(),
            password_hash: PASSWORD.into(),
            groups: ["admins".to_owned()].into(),
        }],
        admin_group: "admins".into(),
    }
}
