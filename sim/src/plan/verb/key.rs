//! Signing keys: rotated, and withdrawn.

use serde::{Deserialize, Serialize};

use super::Yes;

/// Each node of the step takes another signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    /// Always `true`.
    #[serde(rename = "rotate-key")]
    pub yes: Yes,
}

/// Withdraws the key with which a node signs now: no token of it counts any longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawKey {
    /// The node that signs with it.
    #[serde(rename = "withdraw-key")]
    pub of: String,
}

impl RotateKey {
    pub(super) fn title(&self) -> String {
        "rotate the signing key".into()
    }
}

impl WithdrawKey {
    pub(super) fn title(&self) -> String {
        format!("withdraw the signing key of {}", self.of)
    }
}
