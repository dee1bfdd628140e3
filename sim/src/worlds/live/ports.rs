//! Ports on loopback: found free, or taken as told. A port in use is an error that names its holder; nothing is ended for it.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

use super::proc;

/// Where nodes listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Free ones, as the system gives them.
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
                let held: Vec<_> =
                    (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
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

/// Who holds the port, if anyone does.
fn busy(port: u16) -> Option<String> {
    let error = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).err()?;
    Some(match proc::listener_of(port) {
        Some(holder) => format!("port {port} is in use by process {} ({})", holder.pid, holder.command),
        None => format!("port {port} cannot be had: {error}; its holder belongs to another user, or is ending"),
    })
}
