//! The configuration of a node: one TOML file, then the environment. Reading is pure: text in, settings or problems out.
//!
//! [`options::OPTIONS`] is the one source: names, defaults, checks and docs/CONFIGURATION.md all come from it.

pub mod docs;
pub mod options;
mod read;
mod users;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use symbolon_core::config as core;

pub use read::{PREFIX, parse, read};
pub use users::{UsersError, parse_users};

/// Everything that the file and the environment say; paths are relative to the file's directory until [`parse`] joined them.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each field is documented as an option")]
pub struct Settings {
    pub cluster_name: String,
    pub issuer: String,
    pub node_name: String,
    pub data_dir: PathBuf,
    pub identity_file: PathBuf,
    pub listen: SocketAddr,
    pub address: String,
    pub plain: bool,
    pub allow_plain: bool,
    pub tls_cert: PathBuf,
    pub tls_key: PathBuf,
    pub gossip_ca: Option<PathBuf>,
    pub gossip: core::GossipConfig,
    pub allowed_nodes: BTreeSet<String>,
    pub tokens: core::TokenConfig,
    pub users_file: Option<PathBuf>,
    pub admin_group: String,
    pub password_hashes: usize,
    pub connections: usize,
    pub scrub_interval: Duration,
    pub log_level: String,
    pub log_json: bool,
}

/// One thing that is wrong, where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file and line, or the environment variable.
    pub place: Place,
    /// The key, if it is about one.
    pub key: Option<String>,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Where a problem is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the file.
    File {
        /// Its path, as it was given.
        path: PathBuf,
        /// From 1; absent for what is missing.
        line: Option<usize>,
    },
    /// In the environment.
    Environment {
        /// The variable.
        variable: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File { path, line: Some(line) } => write!(f, "{}:{line}: ", path.display())?,
            Place::File { path, line: None } => write!(f, "{}: ", path.display())?,
            Place::Environment { variable } => write!(f, "environment variable {variable}: ")?,
        }
        match &self.key {
            Some(key) => write!(f, "{key}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Settings {
    /// Settings before anything is said: options fill them, defaults first.
    pub(crate) fn blank() -> Settings {
        Settings {
            cluster_name: String::new(),
            issuer: String::new(),
            node_name: String::new(),
            data_dir: PathBuf::new(),
            identity_file: PathBuf::new(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            address: String::new(),
            plain: false,
            allow_plain: false,
            tls_cert: PathBuf::new(),
            tls_key: PathBuf::new(),
            gossip_ca: None,
            gossip: core::GossipConfig::default(),
            allowed_nodes: BTreeSet::new(),
            tokens: core::TokenConfig::default(),
            users_file: None,
            admin_group: String::new(),
            password_hashes: 1,
            connections: 1,
            scrub_interval: Duration::from_secs(3600),
            log_level: String::new(),
            log_json: false,
        }
    }

    /// What only shows when options are seen together. The first of each pair names the key.
    pub(crate) fn contradictions(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if self.plain && !self.allow_plain && !self.listen.ip().is_loopback() {
            let message = format!(
                "plain HTTP on {} would show every token and password to the network: set tls.cert and \
                tls.key, or http.allow_plain = true behind a proxy that speaks TLS",
                self.listen
            );
            found.push(("http.plain", message));
        }
        if self.listen.ip().is_unspecified() && self.address.is_empty() {
            let message = format!("must be given when http.listen is {}: nobody can dial that", self.listen);
            found.push(("http.address", message));
        }
        if self.gossip.heartbeat < self.gossip.interval {
            found.push(("gossip.heartbeat_ms", "must not be less than gossip.interval_ms".to_owned()));
        }
        found
    }

    pub(crate) fn rebase(&mut self, base: &Path) {
        let plain = [&mut self.data_dir, &mut self.identity_file, &mut self.tls_cert, &mut self.tls_key];
        for path in plain.into_iter().chain(&mut self.gossip_ca).chain(&mut self.users_file) {
            *path = base.join(&*path);
        }
        if self.address.is_empty() {
            self.address = format!("{}://{}", if self.plain { "http" } else { "https" }, self.listen);
        }
        if self.issuer.is_empty() {
            self.issuer = self.address.clone();
        }
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.data_dir.join("symbolon.db")
    }

    /// The file that keeps the pinned peers beside the identity.
    pub fn peers_file(&self) -> PathBuf {
        self.identity_file.with_extension("peers")
    }

    /// What the replica is told.
    pub fn replica(&self, users: Vec<core::StaticUser>) -> core::Config {
        core::Config {
            cluster: self.cluster_name.clone(),
            name: self.node_name.clone(),
            address: self.address.clone(),
            issuer: self.issuer.clone(),
            allowed_nodes: self.allowed_nodes.clone(),
            gossip: self.gossip.clone(),
            tokens: self.tokens.clone(),
            users,
            admin_group: self.admin_group.clone(),
        }
    }
}
