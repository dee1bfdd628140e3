//! An expectation: what must come to hold on which nodes, and within what time. It looks, and changes nothing.

use serde::{Deserialize, Serialize};

use super::{On, Span, Vantage};

/// What must hold, all of it, within a time that starts where the expectation stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// A heading that begins here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<String>,
    /// How long it may take; if absent it must hold at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
    /// The nodes that must show it.
    #[serde(default)]
    pub on: On,
    /// `true`: the nodes hold the same state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converged: Option<bool>,
    /// Whether the nodes say that they are ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    /// A client is visible or gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientIs>,
    /// A scope is visible or gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopeIs>,
    /// A token is active or inactive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenIs>,
    /// A session is alive or dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionIs>,
}

/// Whether administrators see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// It is there.
    Visible,
    /// It is not, or no longer.
    Gone,
}

/// A client as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientIs {
    /// Its name in the plan.
    pub id: String,
    /// Visible or gone.
    pub is: Presence,
    /// Its `client_name` there, if that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A scope as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeIs {
    /// Its name.
    pub id: String,
    /// Visible or gone.
    pub is: Presence,
}

/// What introspection says of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenIs {
    /// Its name in the plan.
    pub id: String,
    /// Active or inactive.
    pub is: Activity,
    /// The client that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Vantage,
}

/// What introspection answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// `{"active": true, …}`.
    Active,
    /// `{"active": false}`.
    Inactive,
}

/// What a session's cookie is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionIs {
    /// Its name in the plan.
    pub id: String,
    /// Alive or dead.
    pub is: Pulse,
}

/// Whether a cookie opens a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pulse {
    /// It does.
    Alive,
    /// It does not.
    Dead,
}

impl Expect {
    /// What is expected, for people.
    pub fn title(&self) -> String {
        let mut parts = Vec::new();
        if let Some(client) = &self.client {
            let name = client.name.as_ref().map(|name| format!(" as {name:?}")).unwrap_or_default();
            parts.push(format!("client {} is {}{name}", client.id, client.is.word()));
        }
        if let Some(scope) = &self.scope {
            parts.push(format!("scope {} is {}", scope.id, scope.is.word()));
        }
        if let Some(token) = &self.token {
            let is = if token.is == Activity::Active { "active" } else { "inactive" };
            parts.push(format!("token {} is {is}", token.id));
        }
        if let Some(session) = &self.session {
            let is = if session.is == Pulse::Alive { "alive" } else { "dead" };
            parts.push(format!("session {} is {is}", session.id));
        }
        if let Some(ready) = self.ready {
            parts.push(if ready { "ready" } else { "not ready" }.into());
        }
        if self.converged.is_some() {
            parts.push("state is the same".into());
        }
        parts.join(", ")
    }
}

impl Presence {
    /// The word of the language.
    pub fn word(self) -> &'static str {
        match self {
            Presence::Visible => "visible",
            Presence::Gone => "gone",
        }
    }
}
