//! Nodes as processes: laid out in a temporary directory, started, watched until ready, broken, started again, ended.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use tempfile::TempDir;

use super::api::{Api, Session};
use super::certificates::{self, Certificates};
use super::config::{self, Facts};
pub use super::config::{PASSWORD, USER};
use super::dial::{Trust, loopback};
use super::ports::Ports;
use super::process::{self, Process};
use super::proxy::Proxy;
use crate::plan::Gossip;

/// How long a node may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(15);
/// Between two looks at a node.
const LOOK_EVERY: Duration = Duration::from_millis(10);

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
    /// Threads that serve; the node's default if absent.
    pub workers: Option<usize>,
    /// Settings of gossip.
    pub gossip: Gossip,
}

/// Running nodes. What still runs when it is dropped is killed.
pub struct Cluster {
    nodes: Vec<Node>,
    certificates: Option<Certificates>,
    binary: PathBuf,
    workers: Option<usize>,
    // Dropped after the nodes that write into it.
    dir: TempDir,
}

/// One node, up or down.
pub struct Node {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub port: u16,
    /// Its endpoints.
    pub api: Api,
    /// The proxy in front of it, if the layout has them.
    pub proxy: Option<Proxy>,
    process: Option<Process>,
    config: PathBuf,
    data: PathBuf,
    log: PathBuf,
}

impl Layout {
    /// Nodes `n1`, `n2`, … on free ports with TLS.
    pub fn of(count: usize) -> Layout {
        Layout {
            names: (1..=count).map(|n| format!("n{n}")).collect(),
            ports: Ports::Auto,
            tls: true,
            proxies: false,
            workers: None,
            gossip: Gossip::default(),
        }
    }
}

impl Cluster {
    /// Writes certificates, configurations and users into a fresh directory; nothing runs yet.
    ///
    /// # Errors
    /// The node's program is missing, a port is in use, or the disk refuses.
    pub async fn lay_out(layout: &Layout) -> Result<Cluster> {
        let binary = process::node_binary()?;
        let ports = layout.ports.take(layout.names.len())?;
        let dir = tempfile::Builder::new().prefix("symbolon-").tempdir()?;
        let certificates = layout.tls.then(|| certificates::issue(dir.path())).transpose()?;
        let trust = match &certificates {
            Some(files) => Trust::pinned(files.ca.clone())?,
            None => Trust::plain(),
        };
        let users_file = dir.path().join("users.toml");
        config::write_private(&users_file, &config::users()?)?;
        let scheme = if layout.tls { "https" } else { "http" };
        let issuer = format!("{scheme}://127.0.0.1:{}", ports.first().context("a cluster has a node")?);
        let mut nodes = Vec::with_capacity(ports.len());
        for (name, port) in layout.names.iter().zip(ports) {
            let home = dir.path().join(name);
            process::run(&binary, &["init", text(&home)?, "--name", name])?;
            let data = home.join("data");
            let proxy = if layout.proxies { Some(Proxy::start(port).await?) } else { None };
            let facts = Facts {
                name,
                port,
                reached_at: proxy.as_ref().map_or(port, Proxy::port),
                issuer: &issuer,
                data_dir: &data,
                identity_file: &home.join("identity.key"),
                users_file: &users_file,
                certificates: certificates.as_ref(),
                gossip: layout.gossip,
            };
            let config = dir.path().join(format!("{name}.toml"));
            config::write_private(&config, &config::node(&facts)?)?;
            let api = Api::new(loopback(port, trust.clone()));
            let log = dir.path().join(format!("{name}.log"));
            nodes.push(Node { name: name.clone(), port, api, proxy, process: None, config, data, log });
        }
        Ok(Cluster { nodes, certificates, binary, workers: layout.workers, dir })
    }

    /// Starts every node, and waits until all are ready.
    ///
    /// # Errors
    /// A node ends, or is not ready in time; the error shows the end of its log.
    pub async fn start(&mut self) -> Result<()> {
        for node in &mut self.nodes {
            node.launch(&self.binary, self.workers)?;
        }
        for node in &mut self.nodes {
            node.wait_ready().await?;
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
        for (node, session) in self.nodes.iter().zip(&sessions) {
            self.seed(node, session).await?;
        }
        Ok(sessions)
    }

    /// Pins every other node on this one.
    pub async fn seed(&self, node: &Node, admin: &Session) -> Result<()> {
        for other in self.nodes.iter().filter(|other| other.name != node.name) {
            node.api.seed(admin, &other.api.kem_info().await?).await?;
        }
        Ok(())
    }

    /// The nodes, in the order of the layout.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
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
    pub async fn kill(&mut self, index: usize) -> Result<()> {
        let node = &mut self.nodes[index];
        node.api.http().forget();
        node.process.take().ok_or_else(|| anyhow!("{} is down already", node.name))?.kill().await
    }

    /// Asks a node to end, and waits for it.
    pub async fn stop(&mut self, index: usize) -> Result<()> {
        let node = &mut self.nodes[index];
        node.api.http().forget();
        node.process.take().ok_or_else(|| anyhow!("{} is down already", node.name))?.stop().await
    }

    /// Starts a node that is down, and waits until it is ready.
    pub async fn restart(&mut self, index: usize) -> Result<()> {
        let node = &mut self.nodes[index];
        if node.process.is_some() {
            bail!("{} is up; kill or stop it first", node.name);
        }
        node.launch(&self.binary, self.workers)?;
        node.wait_ready().await
    }

    /// The database of a node.
    ///
    /// # Errors
    /// If it has none.
    pub fn database(&self, index: usize) -> Result<PathBuf> {
        let node = &self.nodes[index];
        let mut files = std::fs::read_dir(&node.data)?.filter_map(|entry| Some(entry.ok()?.path()));
        let found = files.find(|path| path.extension().is_some_and(|end| end == "db"));
        found.with_context(|| format!("{} has no database in {}", node.name, node.data.display()))
    }

    /// Deletes the database of a node that is down; its identity stays.
    pub fn wipe_database(&self, index: usize) -> Result<()> {
        let node = &self.nodes[index];
        if node.process.is_some() {
            bail!("{} is up; kill or stop it first", node.name);
        }
        let mut wiped = 0;
        for entry in std::fs::read_dir(&node.data)? {
            let path = entry?.path();
            // The database and what SQLite lays beside it; the key file is another file.
            if path.file_name().is_some_and(|name| name.to_string_lossy().contains(".db")) {
                std::fs::remove_file(path)?;
                wiped += 1;
            }
        }
        if wiped == 0 { bail!("{} has no database in {}", node.name, node.data.display()) } else { Ok(()) }
    }

    /// Ends every node in order.
    pub async fn end(mut self) -> Result<()> {
        let stops: Vec<_> = self.nodes.iter_mut().filter_map(|node| node.process.take()).map(Process::stop).collect();
        let running: Vec<_> = stops.into_iter().map(tokio::spawn).collect();
        for stop in running {
            stop.await??;
        }
        Ok(())
    }

    /// The end of each node's log.
    pub fn tails(&self) -> String {
        self.nodes.iter().map(|node| format!("    {}\n{}", node.name, process::tail(&node.log))).collect()
    }
}

impl Node {
    /// Its process, while it is up.
    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    fn launch(&mut self, binary: &Path, workers: Option<usize>) -> Result<()> {
        let arguments = ["serve", "--config", text(&self.config)?];
        self.process = Some(Process::start(binary, &arguments, workers, &self.log)?);
        Ok(())
    }

    async fn wait_ready(&mut self) -> Result<()> {
        let begin = Instant::now();
        let mut reason = String::new();
        while begin.elapsed() < READY_WITHIN {
            if let Some(status) = self.process.as_mut().and_then(Process::ended) {
                self.process = None;
                bail!("{} ended ({status}); the end of its log:\n{}", self.name, process::tail(&self.log));
            }
            match self.api.unready().await {
                Ok(None) => return Ok(()),
                Ok(Some(why)) => reason = why,
                Err(error) => reason = format!("{error:#}"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let tail = process::tail(&self.log);
        bail!("{} is not ready after {} s ({reason}); the end of its log:\n{tail}", self.name, READY_WITHIN.as_secs())
    }
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
