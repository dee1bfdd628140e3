//! Counters and histograms, resolved once and then plain atomics; rendered as Prometheus text. It listens nowhere.

use std::sync::OnceLock;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use symbolon_core::gossip::Stats;
use symbolon_core::state::View;

use crate::handle::Load;

/// Upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 12] = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0];
/// Statuses with a counter of their own; all others share one.
const STATUSES: [u16; 19] =
    [200, 201, 202, 204, 400, 401, 403, 404, 405, 408, 409, 413, 415, 421, 426, 429, 500, 503, 0];
const METADATA: Metadata<'static> = Metadata::new("symbolon", Level::INFO, None);

/// What requests are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the family of its name")]
pub enum Route {
    Token,
    Introspect,
    Revoke,
    Jwks,
    Discovery,
    Session,
    Admin,
    Sync,
    Gossip,
    Ops,
    Other,
}

const ROUTES: [(Route, &str); 11] = [
    (Route::Token, "token"),
    (Route::Introspect, "introspect"),
    (Route::Revoke, "revoke"),
    (Route::Jwks, "jwks"),
    (Route::Discovery, "discovery"),
    (Route::Session, "session"),
    (Route::Admin, "admin"),
    (Route::Sync, "sync"),
    (Route::Gossip, "gossip"),
    (Route::Ops, "ops"),
    (Route::Other, "other"),
];

/// All meters of one node.
pub struct Meters {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    requests: [[OnceLock<Counter>; STATUSES.len()]; ROUTES.len()],
    latency: [Histogram; ROUTES.len()],
}

impl Route {
    /// The family of a path.
    pub fn of(path: &str) -> Route {
        match path {
            "/token" => Route::Token,
            "/introspect" => Route::Introspect,
            "/revoke" => Route::Revoke,
            "/jwks" | "/.well-known/jwks.json" => Route::Jwks,
            "/livez" | "/readyz" | "/metrics" => Route::Ops,
            "/api/gossip/sync" => Route::Sync,
            _ if path.starts_with("/.well-known/") => Route::Discovery,
            _ if path.starts_with("/api/auth/") => Route::Session,
            _ if path.starts_with("/api/admin/") => Route::Admin,
            _ if path.starts_with("/api/gossip/") => Route::Gossip,
            _ => Route::Other,
        }
    }
}

impl Default for Meters {
    fn default() -> Meters {
        let recorder = PrometheusBuilder::new().set_buckets(&BUCKETS).expect("there are buckets").build_recorder();
        let latency = ROUTES.map(|(_, name)| {
            let key = Key::from_parts("symbolon_request_duration_seconds", vec![Label::new("route", name)]);
            recorder.register_histogram(&key, &METADATA)
        });
        let handle = recorder.handle();
        Meters { recorder, handle, requests: Default::default(), latency }
    }
}

impl Meters {
    /// A counter without labels.
    pub fn counter(&self, name: &'static str) -> Counter {
        self.recorder.register_counter(&Key::from_static_name(name), &METADATA)
    }

    /// Counts one request.
    pub fn request(&self, route: Route, status: u16, micros: u64) {
        let status_index = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len() - 1);
        let route_index = route as usize;
        self.requests[route_index][status_index]
            .get_or_init(|| {
                let labels = vec![
                    Label::new("route", ROUTES[route_index].1),
                    Label::new("status", STATUSES[status_index].to_string()),
                ];
                self.recorder.register_counter(&Key::from_parts("symbolon_requests_total", labels), &METADATA)
            })
            .increment(1);
        self.latency[route_index].record(micros as f64 / 1e6);
    }

    /// Moves samples into their buckets; call it every few seconds, or they pile up.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// The Prometheus text, with what driver, view and gossip say now.
    pub fn render(&self, load: Load, view: &View, stats: Option<&Stats>) -> String {
        self.gauge("symbolon_queue_depth", load.queued as f64);
        self.gauge("symbolon_open_calls", load.calls as f64);
        self.gauge("symbolon_open_writes", load.writes as f64);
        self.gauge("symbolon_view_cells", view.cells.len() as f64);
        self.gauge("symbolon_view_nodes", view.nodes.len() as f64);
        self.gauge("symbolon_ready", f64::from(u8::from(view.readiness.is_ready())));
        if let Some(bytes) = resident_bytes() {
            self.gauge("process_resident_memory_bytes", bytes as f64);
        }
        if let Some(stats) = stats {
            self.gossip(stats);
        }
        self.handle.render()
    }

    fn gossip(&self, stats: &Stats) {
        self.absolute("symbolon_gossip_rounds_completed_total", &[], stats.rounds_completed);
        self.absolute("symbolon_gossip_rounds_failed_total", &[], stats.rounds_failed);
        self.absolute("symbolon_gossip_skips_total", &[], stats.skips);
        self.absolute("symbolon_gossip_pushes_total", &[], stats.pushes);
        self.absolute("symbolon_persist_errors_total", &[], stats.persist_errors);
        for (reason, count) in &stats.rejects {
            self.absolute("symbolon_gossip_rejects_total", &[("reason", reason.name())], *count);
        }
        for (node, peer) in &stats.peers {
            let node = node.to_string();
            let labels = [("peer", node.as_str())];
            self.absolute("symbolon_peer_bytes_in_total", &labels, peer.bytes_in);
            self.absolute("symbolon_peer_bytes_out_total", &labels, peer.bytes_out);
            self.absolute("symbolon_peer_frames_in_total", &labels, peer.frames_in);
            self.absolute("symbolon_peer_frames_out_total", &labels, peer.frames_out);
            self.absolute("symbolon_peer_skips_total", &labels, peer.skips);
            self.absolute("symbolon_peer_rejects_total", &labels, peer.rejects.values().sum());
            self.labelled("symbolon_peer_lag_ops", &labels).set(peer.lag_ops as f64);
            if let Some(last) = peer.last_exchange {
                self.labelled("symbolon_peer_last_exchange_seconds", &labels).set(last.0 as f64 / 1e3);
            }
        }
    }

    fn gauge(&self, name: &'static str, value: f64) {
        self.labelled(name, &[]).set(value);
    }

    fn labelled(&self, name: &'static str, labels: &[(&'static str, &str)]) -> Gauge {
        self.recorder.register_gauge(&key(name, labels), &METADATA)
    }

    fn absolute(&self, name: &'static str, labels: &[(&'static str, &str)], value: u64) {
        self.recorder.register_counter(&key(name, labels), &METADATA).absolute(value);
    }
}

fn key(name: &'static str, labels: &[(&'static str, &str)]) -> Key {
    Key::from_parts(name, labels.iter().map(|(k, v)| Label::new(*k, (*v).to_owned())).collect::<Vec<_>>())
}

/// As /proc tells it; `None` where there is none.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}
