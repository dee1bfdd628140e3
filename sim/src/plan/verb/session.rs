//! Sessions: people who log in and out.

use serde::{Deserialize, Serialize};

/// Opens a session, one on each node of the step. The last one of an administrator acts in later admin steps there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The user.
    #[serde(rename = "login")]
    pub user: String,
    /// The password.
    pub password: String,
    /// The session's name in the plan.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Ends a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logout {
    /// The session's name in the plan.
    #[serde(rename = "logout")]
    pub session: String,
}

/// Ends every session of a user that was opened until now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndSessions {
    /// The user.
    #[serde(rename = "end-sessions")]
    pub user: String,
}

impl EndSessions {
    pub(super) fn title(&self) -> String {
        format!("end all sessions of {}", self.user)
    }
}

impl Login {
    pub(super) fn title(&self) -> String {
        match &self.name {
            Some(name) => format!("log in {} as session {name}", self.user),
            None => format!("log in {}", self.user),
        }
    }
}

impl Logout {
    pub(super) fn title(&self) -> String {
        format!("log out session {}", self.session)
    }
}
