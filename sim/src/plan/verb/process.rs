//! What befalls a process, and time that passes.

use serde::{Deserialize, Serialize};

use super::Yes;
use crate::plan::Span;

macro_rules! bare_verbs {
    ($($name:ident $key:literal $title:literal: $doc:literal,)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Always `true`.
            #[serde(rename = $key)]
            pub yes: Yes,
        }

        impl $name {
            pub(super) fn title(&self) -> String {
                $title.into()
            }
        }
    )*};
}

bare_verbs! {
    Kill "kill" "kill": "Ends the process at once, as a power cut would (`SIGKILL`).",
    Stop "stop" "stop": "Asks the process to end (`SIGTERM`).",
    Restart "restart" "start again": "Starts the process again, and waits until it is ready.",
    Pause "pause" "freeze": "Freezes the process (`SIGSTOP`).",
    Resume "resume" "thaw": "Lets a frozen process go on (`SIGCONT`).",
    WipeDatabase "wipe-database" "delete the database": "Deletes the database of a node that is down; its identity stays.",
}

/// Lets time pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// How much.
    #[serde(rename = "wait")]
    pub span: Span,
}

impl Wait {
    pub(super) fn title(&self) -> String {
        format!("wait {}", self.span)
    }
}
