//! What a plan has callers do, as requests to a node's public endpoints. The desk performs them; nothing is judged here.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use hyper::StatusCode;
use symbolon_core::replica::{Actor, Request};
use symbolon_node::handle::Handle;
use tokio::sync::Mutex;

use crate::plan::verb::Auth;
use crate::worlds::client::api::{Api, Client, Refused, Session};
use crate::worlds::simulated::{PASSWORD, USER};

/// A node that is not ready is asked again after this: sooner than its `Retry-After` asks for, so that plans keep their times.
const RETRY_AFTER: Duration = Duration::from_millis(50);
/// And so often.
const RETRIES: u32 = 40;

/// A request to a node, with everything that the names in it stand for.
pub(super) enum Ask {
    CreateClient { name: String, auth: Auth, scope: String },
    EditClient { id: String, name: Option<String>, scope: Option<String> },
    DeleteClient(String),
    RotateSecret(String),
    DefineScope { name: String, description: String },
    RemoveScope(String),
    Login { user: String, password: String },
    Logout(Session),
    EndSessions(String),
    SetClusterKey([u8; 32]),
    Pin(Vec<Api>),
    RotateKey,
    WithdrawKey(String),
    Token { client: Client, scope: Option<String> },
    Introspect { client: Client, token: String },
    Revoke { client: Client, token: String },
    AcceptClock(Handle),
    Frame(Vec<u8>),
}

/// What came back.
pub(super) enum Got {
    Client(Client),
    Secret(String),
    Session(Session),
    Token(String),
    Active(bool),
    Done,
}

/// Whoever asks one node: its endpoints, and the session of its administrator.
#[derive(Clone)]
pub(super) struct Caller {
    pub api: Api,
    operator: Arc<Mutex<Option<Session>>>,
}

impl Caller {
    pub(super) fn new(api: Api) -> Caller {
        Caller { api, operator: Arc::default() }
    }

    /// Asks; again, as the answer invites to, where the node is not ready yet.
    pub(super) async fn perform(self, ask: Ask) -> Result<Got> {
        for _ in 0..RETRIES {
            match self.perform_once(&ask).await {
                Err(error) if status(&error) == Some(StatusCode::SERVICE_UNAVAILABLE) => {
                    tokio::time::sleep(RETRY_AFTER).await;
                }
                outcome => return outcome,
            }
        }
        self.perform_once(&ask).await
    }

    /// Asks, with a fresh session once if the administrator's has ended.
    pub(super) async fn perform_once(&self, ask: &Ask) -> Result<Got> {
        match self.as_anybody(ask).await {
            Some(outcome) => outcome,
            None => match self.as_operator(ask).await {
                Err(error) if status(&error) == Some(StatusCode::UNAUTHORIZED) => {
                    *self.operator.lock().await = None;
                    self.as_operator(ask).await
                }
                outcome => outcome,
            },
        }
    }

    /// What needs no session of an administrator; nothing if this does.
    async fn as_anybody(&self, ask: &Ask) -> Option<Result<Got>> {
        let api = &self.api;
        let done = |outcome: Result<()>| outcome.map(|()| Got::Done);
        Some(match ask {
            Ask::Login { user, password } => api.login(user, password).await.map(Got::Session),
            Ask::Logout(session) => done(api.logout(session).await),
            Ask::Token { client, scope } => api.token(client, scope.as_deref()).await.map(Got::Token),
            Ask::Introspect { client, token } => api.introspect(client, token).await.map(Got::Active),
            Ask::Revoke { client, token } => done(api.revoke(client, token).await),
            Ask::Frame(bytes) => api.frame(bytes.clone()).await.map(|_| Got::Done),
            Ask::AcceptClock(handle) => {
                handle.ask(Actor::Operator, Request::AcceptClock, None).await;
                Ok(Got::Done)
            }
            Ask::CreateClient { .. } | Ask::EditClient { .. } | Ask::DeleteClient(_) | Ask::RotateSecret(_) => None?,
            Ask::DefineScope { .. } | Ask::RemoveScope(_) | Ask::EndSessions(_) | Ask::SetClusterKey(_) => None?,
            Ask::Pin(_) | Ask::RotateKey | Ask::WithdrawKey(_) => None?,
        })
    }

    async fn as_operator(&self, ask: &Ask) -> Result<Got> {
        let (api, admin) = (&self.api, self.session().await?);
        match ask {
            Ask::CreateClient { name, auth, scope } => {
                return api.create_client(&admin, name, *auth, scope).await.map(Got::Client);
            }
            Ask::RotateSecret(id) => return api.rotate_secret(&admin, id).await.map(Got::Secret),
            Ask::EditClient { id, name, scope } => {
                api.edit_client(&admin, id, name.as_deref(), scope.as_deref()).await?;
            }
            Ask::DeleteClient(id) => api.delete_client(&admin, id).await?,
            Ask::DefineScope { name, description } => api.put_scope(&admin, name, description).await?,
            Ask::RemoveScope(name) => api.delete_scope(&admin, name).await?,
            Ask::EndSessions(user) => api.end_sessions(&admin, user).await?,
            Ask::SetClusterKey(key) => api.set_cluster_key(&admin, key).await?,
            Ask::RotateKey => api.rotate_key(&admin).await?,
            Ask::WithdrawKey(kid) => api.withdraw_key(&admin, kid).await?,
            Ask::Pin(others) => {
                for other in others {
                    api.seed(&admin, &other.kem_info().await?).await?;
                }
            }
            Ask::Login { .. } | Ask::Logout(_) | Ask::Token { .. } | Ask::Introspect { .. } | Ask::Revoke { .. } => {}
            Ask::AcceptClock(_) | Ask::Frame(_) => {}
        }
        Ok(Got::Done)
    }

    /// The administrator's session here; he logs in where he has none.
    async fn session(&self) -> Result<Session> {
        let mut operator = self.operator.lock().await;
        if let Some(session) = &*operator {
            return Ok(session.clone());
        }
        let session = self.api.login(USER, PASSWORD).await?;
        Ok(operator.insert(session).clone())
    }
}

/// The status of an answer that was none of the expected ones.
pub(super) fn status(error: &anyhow::Error) -> Option<StatusCode> {
    error.downcast_ref::<Refused>().map(|refused| refused.status)
}
