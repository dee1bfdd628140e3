//! Scopes: defined and removed.

use serde::{Deserialize, Serialize};

/// Defines a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefineScope {
    /// Its name, here and in tokens.
    #[serde(rename = "define-scope")]
    pub scope: String,
    /// For the consent page.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// Removes a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveScope {
    /// Its name.
    #[serde(rename = "remove-scope")]
    pub scope: String,
}

impl DefineScope {
    pub(super) fn title(&self) -> String {
        format!("define scope {}", self.scope)
    }
}

impl RemoveScope {
    pub(super) fn title(&self) -> String {
        format!("remove scope {}", self.scope)
    }
}
