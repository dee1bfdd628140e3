//! The verbs of the language, one type each. A verb is a table whose first key is its name: `{ create-client = "shop" }`.

mod client;
mod clock;
mod cluster;
mod disk;
mod hostile;
mod key;
mod network;
mod process;
mod scope;
mod session;
mod token;
mod traffic;
mod yes;

use serde::{Deserialize, Serialize};
use toml::de::{Error, ValueDeserializer};

pub use client::{Auth, CreateClient, CreateClients, DeleteClient, EditClient, MAX_CLIENTS, RotateSecret};
pub use clock::{AcceptClock, FreezeClock, StepClock};
pub use cluster::{SeedAll, SetClusterKey};
pub use disk::{Backup, FailDisk, LoseDisk, RestoreBackup, SlowDisk, TearDisk};
pub use hostile::{Clone, Equivocate, ForgeDots, LieAboutTime, MAX_LIED_TO};
pub use key::{RotateKey, WithdrawKey};
pub use network::{Clog, Cut, Forge, Forgery, Heal, Partition, Replay};
pub use process::{Kill, Pause, Restart, Resume, Stop, Wait};
pub use scope::{DefineScope, RemoveScope};
pub use session::{EndSessions, Login, Logout};
pub use token::{Introspect, Revoke, Token};
pub use traffic::{MAX_LOOPS, Traffic};
pub use yes::Yes;

use crate::plan::Span;

macro_rules! verbs {
    ($($key:literal $name:ident: $doc:literal,)*) => {
        /// What a step does.
        #[derive(std::clone::Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Verb {
            $(#[doc = $doc] $name($name),)*
        }

        impl Verb {
            /// The names of all verbs.
            pub const KEYS: &[&str] = &[$($key),*];

            /// The verb of this name, from its table.
            pub(super) fn read(key: &str, table: ValueDeserializer<'_>) -> Result<Verb, Error> {
                match key {
                    $($key => $name::deserialize(table).map(Verb::$name),)*
                    unknown => unreachable!("{unknown} is not among Verb::KEYS"),
                }
            }

            /// Its name.
            pub fn key(&self) -> &'static str {
                match self {
                    $(Verb::$name(_) => $key,)*
                }
            }

            /// What is done, for people.
            pub fn title(&self) -> String {
                match self {
                    $(Verb::$name(verb) => verb.title(),)*
                }
            }
        }
    };
}

verbs! {
    "login" Login: "Opens a session.",
    "logout" Logout: "Ends a session.",
    "set-cluster-key" SetClusterKey: "Puts a wrapping key.",
    "seed-all" SeedAll: "Pins every other node.",
    "end-sessions" EndSessions: "Ends all sessions of a user.",
    "create-client" CreateClient: "Registers a client.",
    "create-clients" CreateClients: "Registers many clients.",
    "edit-client" EditClient: "Changes a client's profile.",
    "rotate-secret" RotateSecret: "Gives a client another secret.",
    "delete-client" DeleteClient: "Deletes a client.",
    "define-scope" DefineScope: "Defines a scope.",
    "remove-scope" RemoveScope: "Removes a scope.",
    "token" Token: "Gets a token.",
    "introspect" Introspect: "Introspects a token.",
    "revoke" Revoke: "Revokes a token.",
    "rotate-key" RotateKey: "Takes another signing key.",
    "withdraw-key" WithdrawKey: "Withdraws the signing key of a node.",
    "traffic" Traffic: "Sustained token traffic.",
    "wait" Wait: "Lets time pass.",
    "partition" Partition: "Splits the cluster.",
    "cut" Cut: "Cuts one way of a link.",
    "clog" Clog: "Holds what is sent one way of a link.",
    "heal" Heal: "Mends all links.",
    "kill" Kill: "Ends the process at once, as a power cut would.",
    "stop" Stop: "Asks the process to end.",
    "restart" Restart: "Starts the process.",
    "pause" Pause: "Freezes the process.",
    "resume" Resume: "Lets a frozen process go on.",
    "lose-disk" LoseDisk: "Ends the process, and its database is gone.",
    "backup" Backup: "Copies the database.",
    "restore-backup" RestoreBackup: "Ends the process, and its database is an older copy.",
    "slow-disk" SlowDisk: "Slows commits down.",
    "fail-disk" FailDisk: "Lets a commit fail.",
    "tear-disk" TearDisk: "Ends the process in the middle of a write.",
    "step-clock" StepClock: "Moves a clock.",
    "freeze-clock" FreezeClock: "Stops a clock.",
    "accept-clock" AcceptClock: "Vouches for a clock.",
    "replay" Replay: "Sends an old frame again.",
    "forge" Forge: "Sends bytes of an attacker.",
    "forge-dots" ForgeDots: "Claims changes of another author.",
    "equivocate" Equivocate: "Tells peers different things under one name.",
    "lie-about-time" LieAboutTime: "Tells a time that is off.",
    "clone" Clone: "Runs a second process with the identity of a node.",
}

impl Verb {
    /// Whether it is a fault; else it is the work of clients and operators.
    pub fn is_fault(&self) -> bool {
        match self {
            Verb::Login(_) | Verb::Logout(_) | Verb::EndSessions(_) | Verb::SetClusterKey(_) | Verb::SeedAll(_) => {
                false
            }
            Verb::CreateClient(_) | Verb::CreateClients(_) | Verb::EditClient(_) | Verb::DeleteClient(_) => false,
            Verb::RotateSecret(_) => false,
            Verb::DefineScope(_) | Verb::RemoveScope(_) | Verb::Token(_) | Verb::Introspect(_) => false,
            Verb::Revoke(_) | Verb::RotateKey(_) | Verb::WithdrawKey(_) | Verb::Traffic(_) | Verb::Wait(_) => false,
            Verb::AcceptClock(_) | Verb::Backup(_) | Verb::Restart(_) | Verb::Resume(_) | Verb::Heal(_) => false,
            Verb::Partition(_) | Verb::Cut(_) | Verb::Clog(_) | Verb::Kill(_) | Verb::Stop(_) | Verb::Pause(_) => {
                true
            }
            Verb::LoseDisk(_) | Verb::RestoreBackup(_) | Verb::SlowDisk(_) | Verb::FailDisk(_) => true,
            Verb::TearDisk(_) | Verb::StepClock(_) | Verb::FreezeClock(_) | Verb::Replay(_) | Verb::Forge(_) => true,
            Verb::ForgeDots(_) | Verb::Equivocate(_) | Verb::LieAboutTime(_) | Verb::Clone(_) => true,
        }
    }

    /// Whether a member does it that is hostile, or somebody who has its keys.
    pub fn is_hostile(&self) -> bool {
        matches!(self, Verb::ForgeDots(_) | Verb::Equivocate(_) | Verb::LieAboutTime(_) | Verb::Clone(_))
    }

    /// Whether a client or an operator asks it of a node, which may refuse.
    pub fn is_asked(&self) -> bool {
        match self {
            Verb::Wait(_) | Verb::Traffic(_) | Verb::Backup(_) | Verb::Restart(_) | Verb::Resume(_) => false,
            Verb::Heal(_) | Verb::SeedAll(_) => false,
            other => !other.is_fault(),
        }
    }

    /// The nodes that it names besides those that it happens on.
    pub fn nodes(&self) -> Vec<&str> {
        match self {
            Verb::Partition(partition) => partition.groups.iter().flatten().map(String::as_str).collect(),
            Verb::Cut(cut) => vec![&cut.to],
            Verb::Clog(clog) => vec![&clog.to],
            Verb::WithdrawKey(withdraw) => vec![&withdraw.of],
            Verb::ForgeDots(forge) => vec![&forge.of],
            Verb::Equivocate(equivocate) => equivocate.to.iter().map(String::as_str).collect(),
            Verb::Clone(clone) => vec![&clone.of],
            _ => Vec::new(),
        }
    }
}

/// ` for 2s`, if that long.
fn lasting(span: Option<Span>) -> String {
    span.map(|span| format!(" for {span}")).unwrap_or_default()
}
