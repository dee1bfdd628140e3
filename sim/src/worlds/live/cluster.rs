//! Nodes as processes: laid out in a temporary directory, started, made one cluster, ended.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use tempfile::TempDir;

use super::api::{Api, Session};
use super::certificates::{self, Certificates};
use super::config::{self, Facts};
pub use super::config::{PASSWORD, USER};
use super::dial::{Trust, loopback};
use super::network::Network;
pub use super::node::{Clock, Node};
use super::node::{Files, Program, READY_WITHIN};
use super::ports::Ports;
use super::process::{self, Process};
use super::proxy::Proxy;
use crate::plan::{Gossip, Tokens};

/// What to start.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The nodes by name.
    pub names: Vec<String>,
    /// Where they listen.
    pub ports: Ports,
    /// TLS under an authority of this run, or plain HTTP.
    pub tls: bool,
    /// A proxy in front of each node, for its peers.
    pub proxies: bool,
    /// Names what the network draws.
    pub seed: u64,
    /// Threads that serve; the node's default if absent.
    pub workers: Option<usize>,
    /// Settings of gossip.
    pub gossip: Gossip,
    /// Settings of tokens and keys.
    pub tokens: Tokens,
}

/// Nodes, up or down. What still runs when it is dropped is killed.
pub struct Cluster {
    nodes: Vec<Node>,
    network: Option<Arc<Network>>,
    certificates: Option<Certificates>,
    // Dropped after the nodes that write into it.
    dir: TempDir,
}

/// The node's own program says that it cannot be configured so.
#[derive(Debug)]
pub struct Misconfigured(pub String);

impl std::fmt::Display for Misconfigured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misconfigured {}

impl Layout {
    /// Nodes `n1`, `n2`, … on free ports with TLS.
    pub fn of(count: usize) -> Layout {
        Layout {
            names: (1..=count).map(|n| format!("n{n}")).collect(),
            ports: Ports::Auto,
            tls: true,
            proxies: false,
            seed: 0,
            workers: None,
            gossip: Gossip::default(),
            tokens: Tokens::default(),
        }
    }
}

impl Cluster {
    /// Writes certificates, configurations and users into a fresh directory; nothing runs yet.
    ///
    /// # Errors
    /// The node's program is missing or takes no such settings ([`Misconfigured`]), a port is in use, or the disk refuses.
    pub async fn lay_out(layout: &Layout) -> Result<Cluster> {
        let program = Arc::new(Program { binary: process::node_binary()?, workers: layout.workers });
        let ports = layout.ports.take(layout.names.len())?;
        let dir = tempfile::Builder::new().prefix("symbolon-").tempdir()?;
        let certificates = layout.tls.then(|| certificates::issue(dir.path())).transpose()?;
        let trust = match &certificates {
            Some(files) => Trust::pinned(files.ca.clone())?,
            None => Trust::plain(),
        };
        let network = layout.proxies.then(|| Arc::new(Network::new(layout.seed)));
        config::write_private(&dir.path().join("users.toml"), &config::users()?)?;
        let scheme = if layout.tls { "https" } else { "http" };
        let issuer = format!("{scheme}://127.0.0.1:{}", ports.first().context("a cluster has a node")?);
        let mut nodes = Vec::with_capacity(ports.len());
        for (place, (name, port)) in layout.names.iter().zip(ports).enumerate() {
            let proxy = match &network {
                Some(network) => {
                    let tls = certificates.as_ref().map(Certificates::acceptor).transpose()?;
                    Some(Proxy::start(place, loopback(port, trust.clone()), tls, network.clone()).await?)
                }
                None => None,
            };
            let reached_at = proxy.as_ref().map_or(port, Proxy::port);
            let of = (name.as_str(), port, reached_at, issuer.as_str());
            let files = prepare(layout, dir.path(), certificates.as_ref(), &program.binary, of)?;
            let api = Api::new(loopback(port, trust.clone()));
            nodes.push(Node::new((name, port), api, proxy, files, program.clone()));
        }
        Ok(Cluster { nodes, network, certificates, dir })
    }

    /// Starts every node, and waits until all are ready.
    ///
    /// # Errors
    /// A node ends, or is not ready in time; the error shows the end of its log.
    pub async fn start(&mut self) -> Result<()> {
        self.start_some(&(0..self.nodes.len()).collect::<Vec<_>>()).await
    }

    /// Starts these nodes, and waits until they are ready.
    pub async fn start_some(&self, places: &[usize]) -> Result<()> {
        for place in places {
            self.nodes[*place].launch(Clock::Judged).await?;
        }
        for place in places {
            self.ready(*place).await?;
        }
        Ok(())
    }

    /// Waits until a node is ready, and tells the network who it is.
    pub(super) async fn ready(&self, place: usize) -> Result<()> {
        let node = &self.nodes[place];
        node.wait_ready(READY_WITHIN).await?;
        self.introduce(place).await
    }

    /// Tells the network who a node is. Before, its peers hear nothing of it.
    pub(super) async fn introduce(&self, place: usize) -> Result<()> {
        if let Some(network) = &self.network {
            let info = self.nodes[place].info().await?;
            network.admit(info["node_id"].as_str().context("kem-info shows no node_id")?.into(), place);
        }
        Ok(())
    }

    /// Logs alice in everywhere, sets one wrapping key, and pins every pair: a cluster ready for use.
    ///
    /// # Errors
    /// As the endpoints say.
    pub async fn join(&self) -> Result<Vec<Session>> {
        let mut sessions = Vec::with_capacity(self.nodes.len());
        let key = random_key()?;
        for node in &self.nodes {
            let session = node.api.login(USER, PASSWORD).await?;
            node.api.set_cluster_key(&session, &key).await?;
            sessions.push(session);
        }
        for (place, session) in sessions.iter().enumerate() {
            for other in (0..self.nodes.len()).filter(|other| *other != place) {
                self.pin(place, session, other).await?;
            }
        }
        Ok(sessions)
    }

    /// Pins another node on this one.
    pub async fn pin(&self, place: usize, admin: &Session, other: usize) -> Result<()> {
        self.nodes[place].api.seed(admin, self.nodes[other].info().await?).await
    }

    /// The nodes, in the order of the layout.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The network between them, if the layout has proxies.
    pub fn network(&self) -> Option<&Arc<Network>> {
        self.network.as_ref()
    }

    /// The authority's certificate, if there is TLS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.certificates.as_ref().map(|files| files.ca_file.as_path())
    }

    /// Where configurations, data and logs lie.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Kills a node at once, as a power cut would.
    pub async fn kill(&self, place: usize) -> Result<()> {
        self.nodes[place].kill().await
    }

    /// Starts a node that is down, and waits until it is ready.
    pub async fn restart(&self, place: usize) -> Result<()> {
        if !self.nodes[place].launch(Clock::Judged).await? {
            bail!("{} is up; kill or stop it first", self.nodes[place].name);
        }
        self.ready(place).await
    }

    /// Deletes the database of a node that is down; its identity stays.
    pub async fn wipe_database(&self, place: usize) -> Result<()> {
        self.nodes[place].while_down(super::disk::wipe).await
    }

    /// Ends every node.
    pub async fn end(&self) -> Result<()> {
        let mut stops = Vec::new();
        for node in &self.nodes {
            stops.extend(node.take().await.map(|process| tokio::spawn(Process::stop(process))));
        }
        for stop in stops {
            stop.await??;
        }
        Ok(())
    }

    /// The end of each node's log.
    pub fn tails(&self) -> String {
        self.nodes.iter().map(|node| format!("    {}\n{}", node.name, node.tail())).collect()
    }
}

/// Makes the identity and the configuration of a node, and lets its program judge them.
fn prepare(
    layout: &Layout,
    dir: &Path,
    certificates: Option<&Certificates>,
    binary: &Path,
    (name, port, reached_at, issuer): (&str, u16, u16, &str),
) -> Result<Files> {
    let home = dir.join(name);
    process::run(binary, &["init", text(&home)?, "--name", name])?;
    let files = Files {
        config: dir.join(format!("{name}.toml")),
        data: home.join("data"),
        log: dir.join(format!("{name}.log")),
    };
    let facts = Facts {
        name,
        port,
        reached_at,
        issuer,
        data_dir: &files.data,
        identity_file: &home.join("identity.key"),
        users_file: &dir.join("users.toml"),
        certificates,
        gossip: layout.gossip,
        tokens: layout.tokens,
    };
    config::write_private(&files.config, &config::node(&facts)?)?;
    process::run(binary, &["config", "check", "--config", text(&files.config)?])
        .map_err(|problem| Misconfigured(format!("{problem:#}")))?;
    Ok(files)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("temporary directories have plain names")
}

/// 32 random bytes.
pub(super) fn random_key() -> Result<[u8; 32]> {
    let mut key = [0; 32];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| anyhow!("the system gives no randomness"))?;
    Ok(key)
}
