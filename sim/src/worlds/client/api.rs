//! A node as any outsider sees it: its public, session, admin and gossip endpoints, one function each. It decides nothing.

use anyhow::{Context, Result, anyhow};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper::header::SET_COOKIE;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::http::{Call, Http, Reply};
use crate::plan::verb::Auth;

const JSON: &str = "application/json";
/// The media type of frames (RFC 8551, section 3.2.2).
pub const FRAME: &str = "application/pkcs7-mime";
const FORM: &str = "application/x-www-form-urlencoded";

/// One node's endpoints.
#[derive(Clone)]
pub struct Api {
    http: Http,
}

/// A cookie that somebody's login was answered with.
#[derive(Clone, Debug)]
pub struct Session {
    /// Whether it administers.
    pub admin: bool,
    /// The `Cookie` header.
    pub cookie: String,
}

/// A registered client with its secret.
#[derive(Clone, Debug)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// `client_secret`, unless it is public.
    pub secret: Option<String>,
    /// How it authenticates.
    pub auth: Auth,
}

/// An answer that is none of the expected ones.
#[derive(Debug, thiserror::Error)]
#[error("{status}: {text}")]
pub struct Refused {
    /// Its status.
    pub status: StatusCode,
    /// Its beginning, for people.
    pub text: String,
}

impl Api {
    /// The endpoints behind this client.
    pub fn new(http: Http) -> Api {
        Api { http }
    }

    /// The client underneath.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// `GET /readyz`: nothing, or why it is not ready.
    pub async fn unready(&self) -> Result<Option<String>> {
        let reply = self.call(Method::GET, "/readyz", None, None).await?;
        Ok((reply.status != StatusCode::OK).then(|| text(&reply)))
    }

    /// `POST /api/auth/login`.
    pub async fn login(&self, user: &str, password: &str) -> Result<Session> {
        let body = json!({"username": user, "password": password});
        let reply = self.call(Method::POST, "/api/auth/login", None, Some(body)).await?;
        let answer = expect(&reply, &[StatusCode::OK])?;
        let cookie = reply.headers.get(SET_COOKIE).and_then(|value| value.to_str().ok()?.split(';').next());
        let cookie = cookie.context("the login was answered without a cookie")?.to_owned();
        Ok(Session { admin: answer["admin"] == true, cookie })
    }

    /// `POST /api/auth/logout`.
    pub async fn logout(&self, session: &Session) -> Result<()> {
        let reply = self.call(Method::POST, "/api/auth/logout", Some(session), None).await?;
        expect(&reply, &[StatusCode::NO_CONTENT]).map(drop)
    }

    /// `GET /api/auth/session`: whether the cookie opens one.
    pub async fn session_alive(&self, session: &Session) -> Result<bool> {
        let reply = self.call(Method::GET, "/api/auth/session", Some(session), None).await?;
        expect(&reply, &[StatusCode::OK, StatusCode::UNAUTHORIZED])?;
        Ok(reply.status == StatusCode::OK)
    }

    /// `POST /api/admin/clients`.
    pub async fn create_client(&self, admin: &Session, name: &str, auth: Auth, scope: &str) -> Result<Client> {
        let confidential = auth != Auth::None;
        let mut profile = json!({
            "client_name": name,
            "token_endpoint_auth_method": auth.name(),
            "grant_types": [if confidential { "client_credentials" } else { "authorization_code" }],
            "scope": scope,
        });
        if !confidential {
            profile["redirect_uris"] = json!(["https://127.0.0.1/callback"]);
        }
        let reply = self.call(Method::POST, "/api/admin/clients", Some(admin), Some(profile)).await?;
        let answer = expect(&reply, &[StatusCode::CREATED])?;
        let word = |key: &str| answer[key].as_str().map(str::to_owned);
        Ok(Client { id: word("client_id").context("no client_id")?, secret: word("client_secret"), auth })
    }

    /// `GET /api/admin/clients/{id}`: its profile, if it is there.
    pub async fn client(&self, admin: &Session, id: &str) -> Result<Option<Value>> {
        let reply = self.call(Method::GET, &format!("/api/admin/clients/{id}"), Some(admin), None).await?;
        let answer = expect(&reply, &[StatusCode::OK, StatusCode::NOT_FOUND])?;
        Ok((reply.status == StatusCode::OK).then_some(answer))
    }

    /// `PUT /api/admin/clients/{id}` with what is given, over what is there.
    pub async fn edit_client(
        &self,
        admin: &Session,
        id: &str,
        name: Option<&str>,
        scope: Option<&str>,
    ) -> Result<()> {
        let mut profile = self.client(admin, id).await?.ok_or_else(|| anyhow!("no client {id} here"))?;
        let fields = profile.as_object_mut().context("a client is an object")?;
        fields.retain(|name, _| EDITABLE.contains(&name.as_str()));
        let given = [("client_name", name), ("scope", scope)];
        fields.extend(given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value?)))));
        let reply = self.call(Method::PUT, &format!("/api/admin/clients/{id}"), Some(admin), Some(profile)).await?;
        expect(&reply, &[StatusCode::OK]).map(drop)
    }

    /// `POST /api/admin/clients/{id}/secret`: another secret.
    pub async fn rotate_secret(&self, admin: &Session, id: &str) -> Result<String> {
        let path = format!("/api/admin/clients/{id}/secret");
        let answer = expect(&self.call(Method::POST, &path, Some(admin), None).await?, &[StatusCode::OK])?;
        Ok(answer["client_secret"].as_str().context("no client_secret")?.to_owned())
    }

    /// `DELETE /api/admin/clients/{id}`.
    pub async fn delete_client(&self, admin: &Session, id: &str) -> Result<()> {
        let reply = self.call(Method::DELETE, &format!("/api/admin/clients/{id}"), Some(admin), None).await?;
        expect(&reply, &[StatusCode::NO_CONTENT]).map(drop)
    }

    /// `PUT /api/admin/scopes/{name}`.
    pub async fn put_scope(&self, admin: &Session, name: &str, description: &str) -> Result<()> {
        let body = json!({"description": description});
        let reply = self.call(Method::PUT, &format!("/api/admin/scopes/{name}"), Some(admin), Some(body)).await?;
        expect(&reply, &[StatusCode::OK]).map(drop)
    }

    /// `DELETE /api/admin/scopes/{name}`.
    pub async fn delete_scope(&self, admin: &Session, name: &str) -> Result<()> {
        let reply = self.call(Method::DELETE, &format!("/api/admin/scopes/{name}"), Some(admin), None).await?;
        expect(&reply, &[StatusCode::NO_CONTENT]).map(drop)
    }

    /// `GET /api/admin/scopes`: whether this one is among them.
    pub async fn has_scope(&self, admin: &Session, name: &str) -> Result<bool> {
        let reply = self.call(Method::GET, "/api/admin/scopes", Some(admin), None).await?;
        let answer = expect(&reply, &[StatusCode::OK])?;
        Ok(answer["scopes"].as_array().is_some_and(|scopes| scopes.iter().any(|scope| scope["name"] == name)))
    }

    /// `POST /token` by client credentials.
    pub async fn token(&self, client: &Client, scope: Option<&str>) -> Result<String> {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(scope.map(|scope| ("scope", scope)));
        let reply = self.form("/token", client, form).await?;
        let answer = expect(&reply, &[StatusCode::OK])?;
        Ok(answer["access_token"].as_str().context("no access_token")?.to_owned())
    }

    /// `POST /introspect`: whether the token is active.
    pub async fn introspect(&self, client: &Client, token: &str) -> Result<bool> {
        let reply = self.form("/introspect", client, vec![("token", token)]).await?;
        expect(&reply, &[StatusCode::OK])?["active"].as_bool().context("no `active`")
    }

    /// `POST /revoke`.
    pub async fn revoke(&self, client: &Client, token: &str) -> Result<()> {
        let reply = self.form("/revoke", client, vec![("token", token)]).await?;
        if reply.status == StatusCode::OK { Ok(()) } else { Err(refused(&reply)) }
    }

    /// `PUT /api/admin/keys/cluster`.
    pub async fn set_cluster_key(&self, admin: &Session, key: &[u8; 32]) -> Result<()> {
        let body = json!({"key": URL_SAFE_NO_PAD.encode(key)});
        let reply = self.call(Method::PUT, "/api/admin/keys/cluster", Some(admin), Some(body)).await?;
        expect(&reply, &[StatusCode::NO_CONTENT]).map(drop)
    }

    /// `POST /api/admin/keys/rotate`.
    pub async fn rotate_key(&self, admin: &Session) -> Result<()> {
        let reply = self.call(Method::POST, "/api/admin/keys/rotate", Some(admin), None).await?;
        done(&reply)
    }

    /// `DELETE /api/admin/keys/{kid}`.
    pub async fn withdraw_key(&self, admin: &Session, kid: &str) -> Result<()> {
        done(&self.call(Method::DELETE, &format!("/api/admin/keys/{kid}"), Some(admin), None).await?)
    }

    /// `DELETE /api/admin/users/{user}/sessions`.
    pub async fn end_sessions(&self, admin: &Session, user: &str) -> Result<()> {
        done(&self.call(Method::DELETE, &format!("/api/admin/users/{user}/sessions"), Some(admin), None).await?)
    }

    /// `POST /api/gossip/sync` with bytes that somebody sends as a frame: whatever is said to that.
    pub async fn frame(&self, bytes: Vec<u8>) -> Result<Reply> {
        let body = Some((FRAME, bytes));
        let path = "/api/gossip/sync".into();
        let call = Call { method: Method::POST, path, body, ..Call::default() };
        self.http.send(&call).await
    }

    /// `GET /api/gossip/kem-info`: the node's public keys and its address.
    pub async fn kem_info(&self) -> Result<Value> {
        expect(&self.call(Method::GET, "/api/gossip/kem-info", None, None).await?, &[StatusCode::OK])
    }

    /// `POST /api/admin/nodes/seed` with what `kem-info` of another node showed.
    pub async fn seed(&self, admin: &Session, info: &Value) -> Result<()> {
        let fields = ["node_id", "kem_public_key_der", "gossip_signing_pub_key_der", "address"];
        let body: serde_json::Map<_, _> =
            fields.into_iter().map(|name| (name.to_owned(), info[name].clone())).collect();
        let reply = self.call(Method::POST, "/api/admin/nodes/seed", Some(admin), Some(body.into())).await?;
        expect(&reply, &[StatusCode::NO_CONTENT]).map(drop)
    }

    /// `GET /api/gossip/stats`, all of it.
    pub async fn stats(&self, admin: &Session) -> Result<Value> {
        expect(&self.call(Method::GET, "/api/gossip/stats", Some(admin), None).await?, &[StatusCode::OK])
    }

    /// `GET /api/gossip/stats`: the digest of the state, which anybody may ask for.
    pub async fn digest(&self) -> Result<String> {
        let stats = expect(&self.call(Method::GET, "/api/gossip/stats", None, None).await?, &[StatusCode::OK])?;
        Gossip::of(&stats).digest.context("the statistics show no digest")
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        session: Option<&Session>,
        body: Option<Value>,
    ) -> Result<Reply> {
        let cookie = session.map(|session| session.cookie.clone());
        let body = body.map(|body| (JSON, body.to_string().into_bytes()));
        self.http.send(&Call { method, path: path.into(), cookie, body, ..Call::default() }).await
    }

    async fn form(&self, path: &str, client: &Client, mut form: Vec<(&str, &str)>) -> Result<Reply> {
        let secret = client.secret.as_deref().unwrap_or_default();
        let authorization = match client.auth {
            Auth::ClientSecretBasic => Some(basic(&client.id, secret)),
            Auth::ClientSecretPost => {
                form.extend([("client_id", client.id.as_str()), ("client_secret", secret)]);
                None
            }
            Auth::None => {
                form.push(("client_id", &client.id));
                None
            }
        };
        let body = Some((FORM, serde_urlencoded::to_string(form)?.into_bytes()));
        let call = Call { method: Method::POST, path: path.into(), authorization, body, ..Call::default() };
        self.http.send(&call).await
    }
}

/// What `PUT /api/admin/clients/{id}` takes.
const EDITABLE: [&str; 7] = [
    "client_name",
    "token_endpoint_auth_method",
    "grant_types",
    "scope",
    "redirect_uris",
    "audience",
    "access_token_ttl_s",
];

/// The `Authorization` header of `client_secret_basic`. Ids and secrets of a node need no form encoding.
pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// The JSON of an answer with one of these statuses; null where it has no body.
fn expect(reply: &Reply, statuses: &[StatusCode]) -> Result<Value> {
    if !statuses.contains(&reply.status) {
        return Err(refused(reply));
    }
    if reply.body.is_empty() {
        Ok(Value::Null)
    } else {
        serde_json::from_slice(&reply.body).context("the answer is no JSON")
    }
}

/// Nothing, where an answer with a success status says no more.
fn done(reply: &Reply) -> Result<()> {
    if reply.status.is_success() { Ok(()) } else { Err(refused(reply)) }
}

fn refused(reply: &Reply) -> anyhow::Error {
    Refused { status: reply.status, text: text(reply) }.into()
}

/// The beginning of an answer, for people.
fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).chars().take(300).collect()
}

/// What `GET /api/gossip/stats` counts, summed over the peers.
#[derive(Clone, Debug, Default)]
pub struct Gossip {
    /// The digest of the state.
    pub digest: Option<String>,
    /// The incarnation of this life.
    pub incarnation: Option<String>,
    /// Rounds that came back.
    pub rounds: u64,
    /// Frames sent at once because of a change.
    pub pushes: u64,
    /// Rounds not held because the peer was known to be equal.
    pub skips: u64,
    /// Frames sent.
    pub frames_out: u64,
    /// Frame bytes sent.
    pub bytes_out: u64,
    /// Frame bytes received.
    pub bytes_in: u64,
}

impl Gossip {
    /// Reads the answer; what is absent counts as nothing.
    pub fn of(stats: &Value) -> Gossip {
        let gossip = &stats["gossip"];
        let count = |name: &str| gossip[name].as_u64().unwrap_or_default();
        let word = |name: &str| stats[name].as_str().map(str::to_owned);
        let peers: Vec<&Value> = match &gossip["peers"] {
            Value::Array(peers) => peers.iter().collect(),
            Value::Object(peers) => peers.values().collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        let sum = |name: &str| peers.iter().filter_map(|peer| peer[name].as_u64()).sum();
        Gossip {
            digest: word("digest"),
            incarnation: word("incarnation"),
            rounds: count("rounds_completed"),
            pushes: count("pushes"),
            skips: count("skips"),
            frames_out: sum("frames_out"),
            bytes_out: sum("bytes_out"),
            bytes_in: sum("bytes_in"),
        }
    }
}
