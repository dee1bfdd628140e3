//! The table of options: what each is called, takes, defaults to and means, and where it goes.

use std::path::PathBuf;
use std::time::Duration;

use super::Settings;

/// One option of the configuration.
pub struct Opt {
    /// `section.key`.
    pub key: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// As it would be written in the environment; `None`: it must be given.
    pub default: Option<&'static str>,
    /// For people, a sentence.
    pub meaning: &'static str,
    /// Puts a checked value into the settings, or says what is wrong with it.
    pub set: fn(&mut Settings, Given) -> Result<(), String>,
}

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A path, relative to the configuration file; empty for none.
    Path,
    /// `true` or `false`.
    Flag,
    /// A whole number within bounds.
    Number {
        /// What it counts.
        unit: &'static str,
        /// At least.
        min: u64,
        /// At most.
        max: u64,
    },
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// An array of strings; in the environment separated by commas.
    List,
}

/// A value of the right kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Of [`Kind::Text`], [`Kind::Path`] and [`Kind::Choice`].
    Text(String),
    /// Of [`Kind::Flag`].
    Flag(bool),
    /// Of [`Kind::Number`].
    Number(u64),
    /// Of [`Kind::List`].
    List(Vec<String>),
}

impl Kind {
    /// For people.
    pub fn describe(self) -> String {
        match self {
            Kind::Text => "text".to_owned(),
            Kind::Path => "path".to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::Number { unit, min, max } => format!("whole number of {unit}, {min} to {max}"),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::List => "array of text".to_owned(),
        }
    }

    /// The value that a string means, as in the environment.
    pub fn parse(self, text: &str) -> Result<Given, String> {
        match self {
            Kind::Text | Kind::Path | Kind::Choice(_) => self.check(Given::Text(text.to_owned())),
            Kind::Flag => text.parse().map(Given::Flag).map_err(|_| self.expected(text)),
            Kind::Number { .. } => {
                text.parse().map(Given::Number).map_err(|_| self.expected(text)).and_then(|given| self.check(given))
            }
            Kind::List => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Ok(Given::List(items.map(str::to_owned).collect()))
            }
        }
    }

    /// The value itself, if it is of this kind.
    pub fn check(self, given: Given) -> Result<Given, String> {
        match (self, given) {
            (Kind::Number { min, max, .. }, Given::Number(n)) if !(min..=max).contains(&n) => Err(self.expected(n)),
            (Kind::Choice(words), Given::Text(text)) if !words.contains(&text.as_str()) => {
                Err(self.expected(format!("{text:?}")))
            }
            (Kind::Text | Kind::Path | Kind::Choice(_), given @ Given::Text(_))
            | (Kind::Flag, given @ Given::Flag(_))
            | (Kind::Number { .. }, given @ Given::Number(_))
            | (Kind::List, given @ Given::List(_)) => Ok(given),
            (_, Given::Text(text)) => Err(self.expected(format!("the text {text:?}"))),
            (_, Given::Flag(flag)) => Err(self.expected(flag)),
            (_, Given::Number(n)) => Err(self.expected(n)),
            (_, Given::List(_)) => Err(self.expected("an array")),
        }
    }

    /// What is wrong with something that is not of this kind.
    pub fn expected(self, found: impl std::fmt::Display) -> String {
        format!("expected {}, found {found}", self.describe())
    }
}

impl Given {
    fn text(self) -> String {
        match self {
            Given::Text(text) => text,
            other => unreachable!("checked by the kind of the option: {other:?}"),
        }
    }

    fn path(self) -> PathBuf {
        self.text().into()
    }

    fn maybe_path(self) -> Option<PathBuf> {
        Some(self.path()).filter(|path| !path.as_os_str().is_empty())
    }

    fn flag(self) -> bool {
        match self {
            Given::Flag(flag) => flag,
            other => unreachable!("checked by the kind of the option: {other:?}"),
        }
    }

    fn number(self) -> u64 {
        match self {
            Given::Number(n) => n,
            other => unreachable!("checked by the kind of the option: {other:?}"),
        }
    }

    fn count(self) -> usize {
        usize::try_from(self.number()).unwrap_or(usize::MAX)
    }

    fn millis(self) -> Duration {
        Duration::from_millis(self.number())
    }

    fn seconds(self) -> Duration {
        Duration::from_secs(self.number())
    }

    fn list(self) -> Vec<String> {
        match self {
            Given::List(list) => list,
            other => unreachable!("checked by the kind of the option: {other:?}"),
        }
    }
}

const DAY_S: u64 = 24 * 3600;
const fn number(unit: &'static str, min: u64, max: u64) -> Kind {
    Kind::Number { unit, min, max }
}

/// All options, in the order of the documentation.
pub const OPTIONS: &[Opt] = &[
    Opt {
        key: "cluster.name",
        kind: Kind::Text,
        default: Some("symbolon"),
        meaning: "The cluster's name, the same on every node. Frames of another cluster are refused.",
        set: |s, v| filled(v.text()).map(|text| s.cluster_name = text),
    },
    Opt {
        key: "cluster.issuer",
        kind: Kind::Text,
        default: Some(""),
        meaning: "The issuer identifier (RFC 8414), the same on every node. Empty: http.address, which suits a lone node.",
        set: |s, v| origin(v.text(), true).map(|text| s.issuer = text),
    },
    Opt {
        key: "node.name",
        kind: Kind::Text,
        default: Some("n1"),
        meaning: "A name for people, in logs, statistics and the node's record.",
        set: |s, v| filled(v.text()).map(|text| s.node_name = text),
    },
    Opt {
        key: "node.data_dir",
        kind: Kind::Path,
        default: Some("data"),
        meaning: "Where the database lies. Each node has one of its own.",
        set: |s, v| {
            s.data_dir = v.path();
            Ok(())
        },
    },
    Opt {
        key: "node.identity_file",
        kind: Kind::Path,
        default: Some("identity.key"),
        meaning: "The node's private identity, of mode 0600, made by `symbolon init`. Whoever has it is this node.",
        set: |s, v| filled(v.text()).map(|text| s.identity_file = text.into()),
    },
    Opt {
        key: "http.listen",
        kind: Kind::Text,
        default: Some("127.0.0.1:8080"),
        meaning: "The IP address and port to listen on.",
        set: |s, v| {
            let text = v.text();
            s.listen = text.parse().map_err(|_| format!("{text:?} is no address such as 127.0.0.1:8080"))?;
            Ok(())
        },
    },
    Opt {
        key: "http.address",
        kind: Kind::Text,
        default: Some(""),
        meaning: "The origin at which peers and browsers reach this node. Empty: made of http.listen, unless that is 0.0.0.0.",
        set: |s, v| origin(v.text(), false).map(|text| s.address = text),
    },
    Opt {
        key: "http.plain",
        kind: Kind::Flag,
        default: Some("false"),
        meaning: "Plain HTTP instead of TLS: on loopback only, unless http.allow_plain is set.",
        set: |s, v| {
            s.plain = v.flag();
            Ok(())
        },
    },
    Opt {
        key: "http.allow_plain",
        kind: Kind::Flag,
        default: Some("false"),
        meaning: "Allows plain HTTP on other addresses, for a proxy in front that speaks TLS.",
        set: |s, v| {
            s.allow_plain = v.flag();
            Ok(())
        },
    },
    Opt {
        key: "tls.cert",
        kind: Kind::Path,
        default: Some("tls/server.pem"),
        meaning: "The certificate chain, PEM, the server's own first.",
        set: |s, v| {
            s.tls_cert = v.path();
            Ok(())
        },
    },
    Opt {
        key: "tls.key",
        kind: Kind::Path,
        default: Some("tls/server.key"),
        meaning: "The private key of the certificate, PEM (PKCS#8).",
        set: |s, v| {
            s.tls_key = v.path();
            Ok(())
        },
    },
    Opt {
        key: "gossip.ca",
        kind: Kind::Path,
        default: Some(""),
        meaning: "The certificates, PEM, that sign the TLS certificates of peers. Empty: no peer is reached over TLS.",
        set: |s, v| {
            s.gossip_ca = v.maybe_path();
            Ok(())
        },
    },
    Opt {
        key: "gossip.interval_ms",
        kind: number("milliseconds", 50, 3_600_000),
        default: Some("2000"),
        meaning: "Between two rounds of the idle schedule. Local changes do not wait for it.",
        set: |s, v| {
            s.gossip.interval = v.millis();
            Ok(())
        },
    },
    Opt {
        key: "gossip.heartbeat_ms",
        kind: number("milliseconds", 50, 3_600_000),
        default: Some("30000"),
        meaning: "A peer that is known to be equal is still asked this often.",
        set: |s, v| {
            s.gossip.heartbeat = v.millis();
            Ok(())
        },
    },
    Opt {
        key: "gossip.fanout",
        kind: number("peers", 1, 64),
        default: Some("3"),
        meaning: "Peers spoken to in one round of the schedule.",
        set: |s, v| {
            s.gossip.fanout = v.count();
            Ok(())
        },
    },
    Opt {
        key: "gossip.debounce_ms",
        kind: number("milliseconds", 0, 10_000),
        default: Some("5"),
        meaning: "A local change waits this long for company before it is pushed.",
        set: |s, v| {
            s.gossip.debounce = v.millis();
            Ok(())
        },
    },
    Opt {
        key: "gossip.round_timeout_ms",
        kind: number("milliseconds", 100, 600_000),
        default: Some("5000"),
        meaning: "How long a round may take before it counts as failed.",
        set: |s, v| {
            s.gossip.round_timeout = v.millis();
            Ok(())
        },
    },
    Opt {
        key: "gossip.max_clock_drift_ms",
        kind: number("milliseconds", 100, 600_000),
        default: Some("10000"),
        meaning: "Peers whose clocks differ by more are refused.",
        set: |s, v| {
            s.gossip.max_clock_drift = v.millis();
            Ok(())
        },
    },
    Opt {
        key: "gossip.remove_horizon_s",
        kind: number("seconds", 60, 3650 * DAY_S),
        default: Some("2592000"),
        meaning: "A removed entry that not every peer acknowledged is forgotten after this; nothing comes back by it.",
        set: |s, v| {
            s.gossip.remove_horizon = v.seconds();
            Ok(())
        },
    },
    Opt {
        key: "gossip.allowed_nodes",
        kind: Kind::List,
        default: Some(""),
        meaning: "Node ids or names that may speak. Empty: every pinned peer.",
        set: |s, v| {
            s.allowed_nodes = v.list().into_iter().collect();
            Ok(())
        },
    },
    Opt {
        key: "tokens.access_ttl_s",
        kind: number("seconds", 1, DAY_S),
        default: Some("600"),
        meaning: "Lifetime of access tokens, unless the client has one of its own.",
        set: |s, v| {
            s.tokens.access_ttl = v.seconds();
            Ok(())
        },
    },
    Opt {
        key: "tokens.session_ttl_s",
        kind: number("seconds", 60, 30 * DAY_S),
        default: Some("28800"),
        meaning: "Lifetime of sessions.",
        set: |s, v| {
            s.tokens.session_ttl = v.seconds();
            Ok(())
        },
    },
    Opt {
        key: "tokens.key_lifetime_s",
        kind: number("seconds", 60, 3650 * DAY_S),
        default: Some("2592000"),
        meaning: "Age at which a signing key is succeeded by the next.",
        set: |s, v| {
            s.tokens.key_lifetime = v.seconds();
            Ok(())
        },
    },
    Opt {
        key: "tokens.jwks_max_age_s",
        kind: number("seconds", 0, DAY_S),
        default: Some("60"),
        meaning: "How long others may cache the JWKS. A rotated key waits this long before it signs.",
        set: |s, v| {
            s.tokens.jwks_max_age = v.seconds();
            Ok(())
        },
    },
    Opt {
        key: "users.file",
        kind: Kind::Path,
        default: Some(""),
        meaning: "A TOML file of users: `[[user]]` with `name`, `password_hash` (from `symbolon user hash`) and `groups`.",
        set: |s, v| {
            s.users_file = v.maybe_path();
            Ok(())
        },
    },
    Opt {
        key: "users.admin_group",
        kind: Kind::Text,
        default: Some("admins"),
        meaning: "Members of this group are administrators.",
        set: |s, v| filled(v.text()).map(|text| s.admin_group = text),
    },
    Opt {
        key: "limits.password_hashes",
        kind: number("hashes", 1, 64),
        default: Some("1"),
        meaning: "Password hashes computed at one time; each takes a core and 19 MiB. Others wait in a short line.",
        set: |s, v| {
            s.password_hashes = v.count();
            Ok(())
        },
    },
    Opt {
        key: "limits.connections",
        kind: number("connections", 1, 100_000),
        default: Some("4096"),
        meaning: "Open connections of callers and peers; further ones wait in the queue of the system.",
        set: |s, v| {
            s.connections = v.count();
            Ok(())
        },
    },
    Opt {
        key: "limits.scrub_interval_s",
        kind: number("seconds", 1, 365 * DAY_S),
        default: Some("21600"),
        meaning: "Between two background checks of the database file.",
        set: |s, v| {
            s.scrub_interval = v.seconds();
            Ok(())
        },
    },
    Opt {
        key: "log.level",
        kind: Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
        default: Some("info"),
        meaning: "error: broken, needs a person. warn: wrong but handled. info: what an operator wants to have seen. debug, \
                  trace: for finding out why.",
        set: |s, v| {
            s.log_level = v.text();
            Ok(())
        },
    },
    Opt {
        key: "log.format",
        kind: Kind::Choice(&["text", "json"]),
        default: Some("text"),
        meaning: "Lines for people, or one JSON object a line.",
        set: |s, v| {
            s.log_json = v.text() == "json";
            Ok(())
        },
    },
];

/// The option of this name.
pub fn find(key: &str) -> Option<&'static Opt> {
    OPTIONS.iter().find(|option| option.key == key)
}

fn filled(text: String) -> Result<String, String> {
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(text) }
}

/// An origin, or with `path` an issuer, which may have one.
fn origin(text: String, path: bool) -> Result<String, String> {
    if text.is_empty() {
        return Ok(text);
    }
    let wrong = || format!("{text:?} is no origin such as https://10.0.0.1:8443");
    let uri: hyper::Uri = text.parse().map_err(|_| wrong())?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    if !is_http || uri.authority().is_none() || uri.query().is_some() || (!path && uri.path() != "/") {
        return Err(wrong());
    }
    Ok(text.trim_end_matches('/').to_owned())
}
