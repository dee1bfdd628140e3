//! The simulation and its hosts, and what may befall a node: one method per fault. It follows no plan of its own.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use symbolon_core::crdt::NodeId;
use symbolon_core::crypto::Crypto;
use symbolon_core::replica::Seed;
use symbolon_core::state::View;
use symbolon_core::time::Now;
use symbolon_node::handle::Handle;
use symbolon_node::node::NodeError;
use turmoil::Sim;

use super::desk::{self, DESK, Desk};
use super::drawn::Drawn;
use super::links::Links;
use super::place::{Place, Skew};
use super::record::{Entry, Record, Seen};
use super::weather::Weather;
use super::{crypto, disk, host};
use crate::history::Recorder;
use crate::plan::{Chance, Plan, Start};
use crate::worlds::Step;
use crate::worlds::client::api::Api;
use crate::worlds::quick::crypto::Source;
use crate::worlds::quick::{Planted, Reseed};
use crate::worlds::simulated::{self, EPOCH_MS, pins};

/// Segments on their way on one stream, and callers that wait to be accepted.
const TCP_CAPACITY: usize = 1024;
/// What a node writes so soon after a call comes of it, as far as people are told.
const CALL_MS: u64 = 200;
/// Time passes in steps of this length, in which one host runs after the other; what is sent arrives in a later one.
const STEP_MS: u64 = 2;
/// A run may take so long in simulated time.
const MAX_RUN: Duration = Duration::from_secs(24 * 3600);

/// Hosts that run nodes, and a desk for their callers.
pub struct World {
    pub(super) sim: Sim<'static>,
    pub(super) places: Vec<Arc<Place>>,
    pub(super) weather: Arc<Weather>,
    pub(super) links: Links,
    record: Arc<Record>,
    desk: Desk,
    apis: Vec<Api>,
    planted: Option<Planted>,
    at_ms: u64,
}

impl World {
    /// The world of a plan at its first instant: its nodes are about to start, and nothing of its acts is done.
    ///
    /// A mistake may be put into it on purpose, it may draw anew from some time on, and the steps of its trace may be kept.
    pub fn new(plan: &Plan, (planted, reseed): (Option<Planted>, Option<Reseed>), recording: bool) -> World {
        let record = Arc::new(Record::new(recording));
        let weather = Arc::new(Weather::new(plan, reseed));
        let mut sim = simulation(plan);
        let places: Vec<Arc<Place>> =
            (0..plan.nodes.len()).map(|index| Arc::new(place(plan, index, (record.clone(), reseed)))).collect();
        for place in &places {
            place.disk().planted = planted;
            let is_known = |other: usize| plan.invites(other) || planted == Some(Planted::PinStrangers);
            let is_peer = |other: &&Arc<Place>| other.index != place.index && is_known(other.index);
            let peers: Arc<[Seed]> = match plan.start {
                Start::Cluster | Start::Acquainted => {
                    places.iter().filter(is_peer).map(|other| other.seed()).collect()
                }
                Start::Strangers => Arc::default(),
            };
            if plan.start == Start::Acquainted {
                place.disk().replace(pins(peers.iter().cloned()));
            }
            if !plan.absent.contains(&plan.nodes[place.index]) {
                let mut life = place.life();
                (life.number, life.runs) = (1, true);
            }
            let (place, weather) = (place.clone(), weather.clone());
            sim.host(plan.nodes[place.index].as_str(), move || {
                host::live(place.clone(), weather.clone(), peers.clone())
            });
        }
        let (desk, jobs) = Desk::new();
        sim.host(DESK, move || desk::sit(jobs.clone()));
        let apis = plan.nodes.iter().map(|name| desk::api(name)).collect();
        World { sim, places, weather, links: Links::default(), record, desk, apis, planted, at_ms: 0 }
    }

    /// One step of time passes.
    ///
    /// # Errors
    /// What broke in a host: a panic of the node is one.
    pub fn step(&mut self) -> Result<(), String> {
        let outcome = self.sim.step();
        self.at_ms += STEP_MS;
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

    /// Has the desk do this, whenever it is done.
    pub fn begin(&self, job: impl Future<Output = ()> + Send + 'static) {
        self.desk.begin(Box::pin(job));
    }

    /// What a node published last, while it runs.
    pub fn view(&self, node: usize) -> Option<Arc<View>> {
        self.places[node].view()
    }

    /// What a node answers callers from, while it runs: after a failure of its disk that is what its former life showed, until
    /// something of the next one is durable.
    pub fn shown(&self, node: usize) -> Option<Arc<View>> {
        self.places[node].life().handle.as_ref().map(|handle| Arc::clone(&handle.view()))
    }

    /// Both clocks of a node.
    pub fn now(&self, node: usize) -> Now {
        self.places[node].now(self.at_ms)
    }

    /// The way to the replica of a node, while it runs.
    pub fn handle(&self, node: usize) -> Option<Handle> {
        self.places[node].life().handle.clone()
    }

    /// The cryptography of a node.
    pub fn crypto(&self, node: usize) -> &Crypto {
        &self.places[node].crypto
    }

    /// The frame that was sent so many frames ago, in the storm.
    pub fn heard(&self, back: u64) -> Option<Vec<u8>> {
        self.weather.heard(back)
    }

    /// A frame leaves that the process of a node did not send, though it bears its hand.
    pub(super) fn overhear(&self, node: usize, frame: &[u8]) {
        self.record.tell_frame(self.at_ms, node, frame);
        self.weather.hear(frame);
    }

    /// For what is told of its nodes.
    pub(super) fn recorder(&self) -> Recorder {
        let names = self.places.iter().map(|place| place.config.name.clone()).collect();
        let ids = self.places.iter().map(|place| place.keys().node()).collect();
        let mut recorder = Recorder::new(names, ids, None);
        recorder.be_patient(CALL_MS);
        recorder
    }

    /// Over everything that happened so far.
    pub fn trace(&self) -> [u8; 32] {
        self.record.hash()
    }

    /// Every step of it, if they are kept.
    pub fn steps(&self) -> Vec<Step> {
        self.record.steps()
    }

    /// What happened that nobody has looked at yet.
    pub(super) fn news(&self) -> Vec<Entry> {
        self.record.take()
    }

    /// Something that callers saw belongs to the trace.
    pub(super) fn tell(&self, node: usize, what: &str) {
        self.record.tell(self.at_ms, node, what.as_bytes());
    }

    pub(super) fn name(&self, node: usize) -> String {
        self.places[node].config.name.clone()
    }
}

/// Processes.
impl World {
    /// The process ends at once; what was not durable is lost, but for a prefix that got there.
    pub fn kill(&mut self, node: usize) {
        self.resume(node);
        let place = self.places[node].clone();
        if !place.runs() {
            return;
        }
        self.sim.crash(self.name(node));
        disk::crash(&place, self.at_ms);
        let mut life = place.life();
        (life.runs, life.handle) = (false, None);
        self.record.add(self.at_ms, node, Seen::Ended);
    }

    /// The process is asked to end: open requests are answered first, and the last writes become durable.
    pub fn stop(&mut self, node: usize) {
        let mut life = self.places[node].life();
        if let Some(stopper) = life.stopper.take() {
            life.is_stopping = true;
            stopper.send_replace(true);
        }
    }

    /// The process starts, if it does not run; one that was asked to end and did not is killed before. It finds its clock set.
    pub fn start(&mut self, node: usize) {
        let (runs, is_stopping) = (self.places[node].runs(), self.places[node].life().is_stopping);
        if runs && !is_stopping {
            return;
        }
        self.kill(node);
        let mut life = self.places[node].life();
        life.number += 1;
        (life.runs, life.is_stopping) = (true, false);
        (life.gave_up, life.stopper) = (None, None);
        drop(life);
        self.right_clock(node);
        self.sim.bounce(self.name(node));
    }

    /// Which life a node is in, counted from 1.
    pub fn life(&self, node: usize) -> u64 {
        self.places[node].life().number
    }

    /// Whether a process runs, and nobody asked it to end.
    pub fn stays(&self, node: usize) -> bool {
        let life = self.places[node].life();
        life.runs && !life.is_stopping
    }

    /// Why a process gave up by itself, if it did and nobody asked yet.
    pub fn take_gave_up(&mut self, node: usize) -> Option<NodeError> {
        self.places[node].life().gave_up.take()
    }
}

/// Clocks.
impl World {
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
    pub fn right_clock(&mut self, node: usize) {
        let mut skew = self.places[node].skew();
        (skew.step_ms, skew.frozen) = (0, None);
        skew.steps += 1;
    }

    /// Counts what befell a clock, so that the end of one fault does not end another.
    pub fn clock_steps(&self, node: usize) -> u64 {
        self.places[node].skew().steps
    }
}

/// Disks.
impl World {
    /// Commits take up to so much longer.
    pub fn slow_disk(&mut self, node: usize, by_ms: u64) {
        self.places[node].disk().slow_ms = by_ms;
    }

    /// Whether the next commit fails.
    pub fn fail_disk(&mut self, node: usize, fails: bool) {
        self.places[node].disk().fails = fails;
    }

    /// Keeps a copy of the disk under a name.
    pub fn back_up(&mut self, node: usize, name: &str) {
        self.places[node].disk().copy(name);
    }

    /// Whether there is a copy of this name.
    pub fn has_backup(&self, node: usize, name: &str) -> bool {
        self.places[node].disk().has_copy(name)
    }

    /// The process ends, and its disk is another: this copy, or empty. False if there is no such copy.
    pub fn exchange_disk(&mut self, node: usize, copy: Option<&str>) -> bool {
        self.kill(node);
        let found = self.places[node].disk().exchange(copy);
        if found {
            self.robbed(node);
        }
        found
    }

    /// A process begins with the identity of another one, and with a copy of its disk as it is now, while that runs on. False if
    /// one runs there by now, or if there is nothing to copy.
    pub fn begin_as(&mut self, node: usize, of: usize) -> bool {
        let rows = self.places[of].disk().rows();
        let Some(rows) = rows.filter(|_| !self.places[node].runs()) else {
            return false;
        };
        self.places[node].take_identity(self.places[of].keys());
        self.places[node].disk().replace(rows);
        self.robbed(node);
        self.start(node);
        true
    }

    fn robbed(&self, node: usize) {
        let mut life = self.places[node].life();
        (life.disk_is_another, life.was_robbed) = (true, true);
        if self.planted == Some(Planted::RewindEntropy) {
            self.places[node].source.rewind();
        }
    }

    /// The process ends, and of one row only the first half is left.
    pub fn tear_disk(&mut self, node: usize) {
        self.kill(node);
        let life = self.places[node].life().number;
        let chance = self.places[node].chance.at_ms(self.at_ms).at(life);
        self.places[node].disk().tear(chance);
    }

    /// Whether this is a node whose disk was never another than before.
    pub fn keeps_its_disk(&self, id: NodeId) -> bool {
        self.places.iter().any(|place| place.keys().node() == id && !place.life().was_robbed)
    }

    /// Whether nothing is on its way to the disk.
    pub fn disk_is_idle(&self, node: usize) -> bool {
        self.places[node].disk().is_idle()
    }
}

fn simulation(plan: &Plan) -> Sim<'static> {
    turmoil::Builder::new()
        .epoch(UNIX_EPOCH + Duration::from_millis(EPOCH_MS))
        .rng_seed(plan.seed)
        .simulation_duration(MAX_RUN)
        .tick_duration(Duration::from_millis(STEP_MS))
        .min_message_latency(plan.weather.latency.min.0)
        .max_message_latency(plan.weather.latency.max.0)
        .tcp_capacity(TCP_CAPACITY)
        .build()
}

fn place(plan: &Plan, index: usize, (record, reseed): (Arc<Record>, Option<Reseed>)) -> Place {
    let chance = Chance::of(plan.seed, 500).at(index as u64);
    let source = Arc::new(Source::new(chance.at(100).word()));
    let crypto = crypto::crypto(source.clone());
    let clock = plan.clocks.get(&plan.nodes[index]).copied().unwrap_or_default();
    let skew = Skew { offset_ms: clock.offset.0, ppm: clock.ppm, ..Skew::default() };
    let place = Place::new(
        index,
        simulated::config(plan, index, "whole", "http"),
        (source, crypto),
        (Drawn::new(chance, reseed), skew),
        record,
    );
    place.disk().commit_ms = (plan.weather.commit.min.ms(), plan.weather.commit.max.ms());
    place
}
