//! Ports on loopback: found free, or taken as told. A port in use is an error that names its holder; nothing is ended for it.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, bail};

use super::proc;

/// Where nodes listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Free ones, which the system gives to no outgoing connection: a node that is down finds its port again.
    Auto,
    /// This one and those above it.
    From(u16),
}

impl std::str::FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Ports, String> {
        match text {
            "auto" => Ok(Ports::Auto),
            number => match number.parse() {
                Ok(port @ 1024..=u16::MAX) => Ok(Ports::From(port)),
                Ok(_) | Err(_) => Err("write `auto`, or the first port of the nodes, from 1024 up".into()),
            },
        }
    }
}

impl Ports {
    /// One free port.
    ///
    /// # Errors
    /// None is free.
    pub fn one_free() -> Result<u16> {
        Ok(Ports::Auto.take(1)?[0])
    }

    /// As many ports as asked for, each free a moment ago.
    pub(super) fn take(self, count: usize) -> Result<Vec<u16>> {
        match self {
            Ports::Auto => {
                let held: Vec<_> = candidates().filter_map(listen).take(count).collect();
                if held.len() < count {
                    bail!("of {count} ports only {} are free below those of outgoing connections", held.len());
                }
                held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
            }
            Ports::From(first) => {
                let ports: Vec<u16> = (0..count).map_while(|n| first.checked_add(u16::try_from(n).ok()?)).collect();
                if ports.len() < count {
                    bail!("there are no {count} ports from {first} on; choose a lower one with --ports");
                }
                let busy: Vec<String> = ports.iter().filter_map(|port| busy(*port)).collect();
                if !busy.is_empty() {
                    bail!("{}\nend what holds it, or choose others with --ports auto", busy.join("\n"));
                }
                Ok(ports)
            }
        }
    }
}

/// The lowest port that is tried.
const LOWEST: u32 = 10_240;
/// Processes that begin one after the other begin so far apart.
const STRIDE: u32 = 67;
/// The ports of outgoing connections begin here, where the system does not say.
const OUTGOING: u32 = 32_768;

/// Ports to be tried, in an order of this process.
fn candidates() -> impl Iterator<Item = u16> {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok();
    let first = range.and_then(|range| range.split_whitespace().next()?.parse().ok()).unwrap_or(OUTGOING);
    let count = first.saturating_sub(LOWEST).min(u32::from(u16::MAX) - LOWEST);
    let begin = std::process::id().wrapping_mul(STRIDE);
    (0..count).map_while(move |_| {
        let place = begin.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % count;
        u16::try_from(LOWEST + place).ok()
    })
}

fn listen(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
}

/// Who holds the port, if anyone does.
fn busy(port: u16) -> Option<String> {
    let error = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).err()?;
    Some(match proc::listener_of(port) {
        Some(holder) => format!("port {port} is in use by process {} ({})", holder.pid, holder.command),
        None => format!("port {port} cannot be had: {error}; its holder belongs to another user, or is ending"),
    })
}
