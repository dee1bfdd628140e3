//! Clients: registered, edited, deleted.

use serde::{Deserialize, Serialize};

/// Registers a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateClient {
    /// Its name in the plan, and its `client_name` unless another is given.
    #[serde(rename = "create-client")]
    pub client: String,
    /// How it authenticates.
    #[serde(default, skip_serializing_if = "crate::plan::is_default")]
    pub auth: Auth,
    /// Its `client_name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The scopes that it may ask for, separated by spaces.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
}

/// Registers many clients, alike but for their names: `create-clients = "shop"` makes shop-1, shop-2 and so on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateClients {
    /// What their names in the plan begin with.
    #[serde(rename = "create-clients")]
    pub prefix: String,
    /// How many.
    pub count: usize,
    /// How they authenticate.
    #[serde(default, skip_serializing_if = "crate::plan::is_default")]
    pub auth: Auth,
    /// The scopes that they may ask for, separated by spaces.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
}

/// The most clients that one step may make.
pub const MAX_CLIENTS: usize = 1000;

/// Changes a client's profile; what is left out stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditClient {
    /// Its name in the plan.
    #[serde(rename = "edit-client")]
    pub client: String,
    /// The new `client_name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// Deletes a client, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteClient {
    /// Its name in the plan.
    #[serde(rename = "delete-client")]
    pub client: String,
}

/// Gives a client another secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateSecret {
    /// Its name in the plan.
    #[serde(rename = "rotate-secret")]
    pub client: String,
}

/// How a client authenticates at the token endpoint, and so what kind it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// It cannot: a public client.
    #[default]
    None,
    /// With its secret in the `Authorization` header.
    ClientSecretBasic,
    /// With its secret in the form.
    ClientSecretPost,
}

impl Auth {
    /// The registered name (RFC 7591).
    pub fn name(self) -> &'static str {
        match self {
            Auth::None => "none",
            Auth::ClientSecretBasic => "client_secret_basic",
            Auth::ClientSecretPost => "client_secret_post",
        }
    }
}

impl CreateClient {
    pub(super) fn title(&self) -> String {
        let kind = if self.auth == Auth::None { "public " } else { "" };
        format!("create {kind}client {}", self.client)
    }
}

impl CreateClients {
    /// The names in the plan, in order.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        (1..=self.count).map(|number| format!("{}-{number}", self.prefix))
    }

    /// One after the other, each as if a step made it alone.
    pub fn each(&self) -> impl Iterator<Item = CreateClient> + '_ {
        let one = |client| CreateClient { client, auth: self.auth, name: None, scope: self.scope.clone() };
        self.names().map(one)
    }

    pub(super) fn title(&self) -> String {
        format!("create {} clients, {}-1 and so on", self.count, self.prefix)
    }
}

impl EditClient {
    pub(super) fn title(&self) -> String {
        match &self.name {
            Some(name) => format!("edit client {}: {name:?}", self.client),
            None => format!("edit client {}", self.client),
        }
    }
}

impl RotateSecret {
    pub(super) fn title(&self) -> String {
        format!("rotate the secret of client {}", self.client)
    }
}

impl DeleteClient {
    pub(super) fn title(&self) -> String {
        format!("delete client {}", self.client)
    }
}
