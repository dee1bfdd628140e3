//! The verbs of the language, one type each. A verb is a table whose first key is its name: `{ create-client = "shop" }`.

mod client;
mod cluster;
mod process;
mod scope;
mod session;
mod token;
mod traffic;
mod yes;

use serde::{Deserialize, Serialize};
use toml::de::{Error, ValueDeserializer};

pub use client::{Auth, CreateClient, DeleteClient, EditClient};
pub use cluster::{SeedAll, SetClusterKey};
pub use process::{Kill, Pause, Restart, Resume, Stop, Wait, WipeDatabase};
pub use scope::{DefineScope, RemoveScope};
pub use session::{Login, Logout};
pub use token::{Introspect, Revoke, Token};
pub use traffic::{MAX_LOOPS, Traffic};
pub use yes::Yes;

macro_rules! verbs {
    ($($key:literal $name:ident: $doc:literal,)*) => {
        /// What a step does.
        #[derive(Clone, Debug, PartialEq, Serialize)]
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
    "create-client" CreateClient: "Registers a client.",
    "edit-client" EditClient: "Changes a client's profile.",
    "delete-client" DeleteClient: "Deletes a client.",
    "define-scope" DefineScope: "Defines a scope.",
    "remove-scope" RemoveScope: "Removes a scope.",
    "token" Token: "Gets a token.",
    "introspect" Introspect: "Introspects a token.",
    "revoke" Revoke: "Revokes a token.",
    "kill" Kill: "Ends the process at once, as a power cut would.",
    "stop" Stop: "Asks the process to end.",
    "restart" Restart: "Starts the process again.",
    "pause" Pause: "Freezes the process.",
    "resume" Resume: "Lets a frozen process go on.",
    "wipe-database" WipeDatabase: "Deletes the database of a node that is down.",
    "wait" Wait: "Lets time pass.",
    "traffic" Traffic: "Sustained token traffic.",
}
