//! What a node of the live world is told: its configuration and the users file, as the node's own documentation has them.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use argon2::password_hash::PasswordHasher;
use serde::Serialize;

use super::certificates::Certificates;
use super::cluster::Misconfigured;
use crate::plan::{Gossip, Span, Tokens};

/// The user of every live run, an administrator.
pub const USER: &str = "alice";
/// Her password.
pub const PASSWORD: &str = "alice123";
/// The administrator as whom the world itself acts, so that plans may end all sessions of alice.
pub(super) const OPERATOR: &str = "operator";
/// The group of administrators.
const ADMINS: &str = "admins";

/// One node's configuration, section by section.
#[derive(Serialize)]
struct NodeConfig<'a> {
    cluster: Cluster<'a>,
    node: Identity<'a>,
    http: Http,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<Tls<'a>>,
    gossip: GossipSection<'a>,
    tokens: TokensSection,
    users: UsersSection<'a>,
}

#[derive(Serialize)]
struct Cluster<'a> {
    name: &'a str,
    issuer: &'a str,
}

#[derive(Serialize)]
struct Identity<'a> {
    name: &'a str,
    data_dir: &'a Path,
    identity_file: &'a Path,
}

#[derive(Serialize)]
struct Http {
    listen: String,
    address: String,
    plain: bool,
}

#[derive(Serialize)]
struct Tls<'a> {
    cert: &'a Path,
    key: &'a Path,
}

#[derive(Serialize)]
struct GossipSection<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heartbeat_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fanout: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    round_timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_clock_drift_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remove_horizon_s: Option<u64>,
}

#[derive(Serialize)]
struct TokensSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    access_ttl_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_lifetime_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_max_age_s: Option<u64>,
}

#[derive(Serialize)]
struct UsersSection<'a> {
    file: &'a Path,
    admin_group: &'a str,
}

#[derive(Serialize)]
struct Users {
    user: Vec<User>,
}

#[derive(Serialize)]
struct User {
    name: &'static str,
    password_hash: String,
    groups: Vec<&'static str>,
}

/// What differs between nodes.
pub(super) struct Facts<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it listens.
    pub port: u16,
    /// Where peers reach it: its own port, or that of the proxy in front of it.
    pub reached_at: u16,
    /// The origin that all tokens of the cluster name.
    pub issuer: &'a str,
    /// Where its database lies.
    pub data_dir: &'a Path,
    /// Who it is.
    pub identity_file: &'a Path,
    /// The users file.
    pub users_file: &'a Path,
    /// None: plain HTTP.
    pub certificates: Option<&'a Certificates>,
    /// Settings of gossip.
    pub gossip: Gossip,
    /// Settings of tokens and keys.
    pub tokens: Tokens,
}

/// The configuration as TOML.
pub(super) fn node(facts: &Facts<'_>) -> Result<String> {
    let scheme = if facts.certificates.is_some() { "https" } else { "http" };
    let certificates = facts.certificates;
    let (gossip, tokens) = (facts.gossip, facts.tokens);
    let config = NodeConfig {
        cluster: Cluster { name: "demo", issuer: facts.issuer },
        node: Identity { name: facts.name, data_dir: facts.data_dir, identity_file: facts.identity_file },
        http: Http {
            listen: format!("127.0.0.1:{}", facts.port),
            address: format!("{scheme}://127.0.0.1:{}", facts.reached_at),
            plain: certificates.is_none(),
        },
        tls: certificates.map(|files| Tls { cert: &files.cert_file, key: &files.key_file }),
        gossip: GossipSection {
            ca: certificates.map(|files| files.ca_file.as_path()),
            interval_ms: gossip.interval.map(Span::ms),
            heartbeat_ms: gossip.heartbeat.map(Span::ms),
            fanout: gossip.fanout,
            round_timeout_ms: gossip.round_timeout.map(Span::ms),
            max_clock_drift_ms: gossip.max_clock_drift.map(Span::ms),
            remove_horizon_s: seconds("gossip.remove-horizon", gossip.remove_horizon)?,
        },
        tokens: TokensSection {
            access_ttl_s: seconds("tokens.access-ttl", tokens.access_ttl)?,
            key_lifetime_s: seconds("tokens.key-lifetime", tokens.key_lifetime)?,
            jwks_max_age_s: seconds("tokens.jwks-max-age", tokens.jwks_max_age)?,
        },
        users: UsersSection { file: facts.users_file, admin_group: ADMINS },
    };
    Ok(toml::to_string(&config)?)
}

/// Whole seconds, which is how finely a node can be told.
fn seconds(key: &str, span: Option<Span>) -> Result<Option<u64>> {
    match span {
        Some(span) if span.ms() % 1000 != 0 => {
            bail!(Misconfigured(format!("{key} = \"{span}\": a real node takes whole seconds here")))
        }
        span => Ok(span.map(|span| span.0.as_secs())),
    }
}

/// The users file: alice and the operator, both administrators with one password.
pub(super) fn users() -> Result<String> {
    let mut salt = [0; 16];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| anyhow!("the system gives no randomness"))?;
    let hash = argon2::Argon2::default()
        .hash_password_with_salt(PASSWORD.as_bytes(), &salt)
        .map_err(|error| anyhow!("no password hash: {error}"))?;
    let user = [USER, OPERATOR].map(|name| User { name, password_hash: hash.to_string(), groups: vec![ADMINS] });
    Ok(toml::to_string(&Users { user: user.into() })?)
}

/// Writes a file that only we may read.
pub(super) fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}
