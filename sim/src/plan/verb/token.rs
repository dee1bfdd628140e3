//! Tokens: got, looked at, revoked.

use serde::{Deserialize, Serialize};

use crate::plan::Vantage;

/// Gets an access token by client credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Its name in the plan.
    #[serde(rename = "token")]
    pub token: String,
    /// The client that gets it.
    pub client: String,
    /// The scopes that are asked for; all of the client's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// Introspects a token, whatever comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Introspect {
    /// Its name in the plan.
    #[serde(rename = "introspect")]
    pub token: String,
    /// The client that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Vantage,
}

/// Revokes a token, as its own client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// Its name in the plan.
    #[serde(rename = "revoke")]
    pub token: String,
}

impl Token {
    pub(super) fn title(&self) -> String {
        format!("issue token {} to {}", self.token, self.client)
    }
}

impl Introspect {
    pub(super) fn title(&self) -> String {
        format!("introspect token {}", self.token)
    }
}

impl Revoke {
    pub(super) fn title(&self) -> String {
        format!("revoke token {}", self.token)
    }
}
