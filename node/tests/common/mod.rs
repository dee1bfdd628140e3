//! A node in this process, made by the real `init`, with a client of its own. Everything on loopback, at port 0.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, SET_COOKIE};
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use serde_json::{Value, json};
use symbolon_core::replica::{Recovered, Row, WriteId};
use symbolon_node::config::{self, Settings};
use symbolon_node::dial::Stream;
use symbolon_node::node::{Node, production};
use symbolon_node::ports::{Pending, Ports, Report, Storage, Store};
use symbolon_node::store::StoreError;
use symbolon_node::tls;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;

pub const PATIENCE: Duration = Duration::from_secs(30);
pub const FORM: &str = "application/x-www-form-urlencoded";

/// alice, whose password is alice123, and bob with the same one, who is no admin.
const USERS: &str = r#"
[[user]]
name = "alice"
password_hash = "$argon2id$v=19$m=19456,t=2,p=1$MLfyeNuoPSBn+0iqlxcWEA$BQ6p0j/nLLCHDbPXDJSFZDl3DHvy4rk+vqv7zujHTPk"
groups = ["admins"]

[[user]]
name = "bob"
password_hash = "$argon2id$v=19$m=19456,t=2,p=1$MLfyeNuoPSBn+0iqlxcWEA$BQ6p0j/nLLCHDbPXDJSFZDl3DHvy4rk+vqv7zujHTPk"
groups = ["staff"]
"#;

/// A directory as `symbolon init` makes it, with alice and bob.
pub fn directory() -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let made = symbolon(&["init", &at(dir.path(), "node"), "--listen", "127.0.0.1:0"]);
    assert!(made.status.success(), "{made:?}");
    std::fs::write(dir.path().join("node/users.toml"), USERS).expect("our directory");
    dir
}

pub fn at(dir: &Path, name: &str) -> String {
    dir.join(name).display().to_string()
}

/// Runs the real command; one that does not end is killed, so that a test fails instead of hanging.
pub fn symbolon(arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new("timeout");
    command.arg(PATIENCE.as_secs().to_string()).arg(env!("CARGO_BIN_EXE_symbolon")).args(arguments);
    command.output().expect("coreutils has timeout")
}

pub fn settings(dir: &Path, environment: &[(&str, &str)]) -> Settings {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    config::read(&dir.join("node/symbolon.toml"), environment).expect("init writes what serve reads")
}

/// A running node and who calls it.
pub struct World {
    pub dir: TempDir,
    pub settings: Settings,
    pub node: Node,
    pub gate: Arc<Gate>,
    cookie: Mutex<Option<String>>,
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The stable name of an error.
    #[track_caller]
    pub fn error(self, status: u16, name: &str) -> Answer {
        let answer = self.expect(status);
        assert_eq!(answer.json()["error"], name, "{answer:?}");
        answer
    }
}

impl World {
    /// A node over TLS.
    pub async fn start() -> World {
        World::of(directory(), &[]).await
    }

    /// A node over plain HTTP.
    pub async fn plain() -> World {
        World::of(directory(), &[("SYMBOLON_HTTP__PLAIN", "true")]).await
    }

    pub async fn of(dir: TempDir, environment: &[(&str, &str)]) -> World {
        let world = World::begin(dir, environment, Gate::default()).await;
        world.ready().await;
        world
    }

    /// One that may not be ready yet.
    pub async fn begin(dir: TempDir, environment: &[(&str, &str)], gate: Gate) -> World {
        let settings = settings(dir.path(), environment);
        let mut ports: Ports = production(&settings).expect("ports");
        let gate = Arc::new(gate);
        ports.storage = Arc::new(GatedStorage { storage: ports.storage, gate: gate.clone() });
        let node = Node::start(&settings, ports).await.expect("it starts");
        World { dir, settings, node, gate, cookie: Mutex::default() }
    }

    pub async fn ready(&self) {
        let ready = async {
            while self.get("/readyz").await.status != 200 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.expect("a lone node gets ready");
    }

    /// Stops the node, and hands back its directory.
    pub async fn stop(self) -> TempDir {
        self.node.stop();
        tokio::time::timeout(PATIENCE, self.node.ended()).await.expect("in time").expect("without a fault");
        self.dir
    }

    pub async fn connect(&self) -> Box<dyn Stream> {
        let stream = TcpStream::connect(self.node.address).await.expect("it listens");
        if self.settings.plain {
            return Box::new(stream);
        }
        let trust = tls::client(self.settings.gossip_ca.as_deref()).expect("the CA of init");
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        Box::new(TlsConnector::from(trust).connect(name, stream).await.expect("a handshake"))
    }

    pub async fn send(&self, mut request: Request<Full<Bytes>>) -> Answer {
        let exchange = async {
            let (mut sender, connection) = http1::handshake(TokioIo::new(self.connect().await)).await.expect("HTTP");
            tokio::spawn(connection);
            let host = self.node.address.to_string();
            request.headers_mut().entry(HOST).or_insert(host.parse().expect("a host"));
            let response = sender.send_request(request).await.expect("an answer");
            let (head, body) = response.into_parts();
            let body = body.collect().await.expect("a body").to_bytes();
            Answer { status: head.status.as_u16(), headers: head.headers, body }
        };
        tokio::time::timeout(PATIENCE, exchange).await.expect("in time")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Full::default()).expect("a request")).await
    }

    /// A form, with the Authorization header if there is one.
    pub async fn form(&self, path: &str, authorization: Option<&str>, form: &str) -> Answer {
        let mut request = Request::post(path).header(CONTENT_TYPE, FORM);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        self.send(request.body(Full::from(form.to_owned())).expect("a request")).await
    }

    /// JSON with the session of the last log-in.
    pub async fn json(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(cookie) = self.cookie.lock().expect("no panic").as_deref() {
            request = request.header(COOKIE, cookie);
        }
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Full::from(body.to_string())
            }
            None => Full::default(),
        };
        self.send(request.body(body).expect("a request")).await
    }

    /// Logs in, and keeps the cookie.
    pub async fn login(&self, user: &str, password: &str) -> Answer {
        let answer =
            self.json("POST", "/api/auth/login", Some(json!({ "username": user, "password": password }))).await;
        if answer.status == 200 {
            let cookie = answer.header(SET_COOKIE.as_str()).split(';').next().expect("a pair").to_owned();
            *self.cookie.lock().expect("no panic") = Some(cookie);
        }
        answer
    }

    /// A confidential client: its id and secret.
    pub async fn client(&self, method: &str) -> (String, String) {
        let profile = json!({ "client_name": "test", "token_endpoint_auth_method": method, "scope": "read write" });
        let created = self.json("POST", "/api/admin/clients", Some(profile)).await.expect(201).json();
        let text = |name: &str| created[name].as_str().expect("a confidential client has it").to_owned();
        (text("client_id"), text("client_secret"))
    }
}

/// Holds the disk back while it is shut.
#[derive(Default)]
pub struct Gate {
    held: Mutex<Option<Vec<(WriteId, Vec<Row>)>>>,
    store: Mutex<Option<Arc<dyn Store + Sync>>>,
    reports: Mutex<Option<mpsc::UnboundedSender<Report>>>,
}

struct GatedStorage {
    storage: Arc<dyn Storage>,
    gate: Arc<Gate>,
}

/// The real store behind a mutex, since the gate passes on what it held from another task.
struct Inner(Mutex<Option<Box<dyn Store>>>);

impl Inner {
    fn with(&self, act: impl FnOnce(&dyn Store)) {
        if let Some(store) = self.0.lock().expect("no panic").as_deref() {
            act(store);
        }
    }
}

impl Store for Inner {
    fn commit(&self, id: WriteId, batch: Vec<Row>) {
        self.with(|store| store.commit(id, batch));
    }

    fn scrub(&self) {
        self.with(|store| store.scrub());
    }

    fn close(self: Box<Self>) -> Pending<()> {
        unreachable!("the gate closes what is inside")
    }
}

struct Gated {
    inner: Arc<Inner>,
    gate: Arc<Gate>,
}

impl Gate {
    pub fn shut(&self) {
        *self.held.lock().expect("no panic") = Some(Vec::new());
    }

    /// Writes that are held back.
    pub fn holds(&self) -> usize {
        self.held.lock().expect("no panic").as_ref().map_or(0, Vec::len)
    }

    /// Lets the driver believe that the disk refused.
    pub fn fail(&self) {
        let reports = self.reports.lock().expect("no panic").clone().expect("a store is open");
        reports.send(Report::Failed("no space left on device".into())).expect("the driver listens");
    }

    /// Opens, and drops what was held, as a disk that failed does.
    pub fn forget(&self) {
        *self.held.lock().expect("no panic") = None;
    }

    pub fn open(&self) {
        let held = self.held.lock().expect("no panic").take().unwrap_or_default();
        let store = self.store.lock().expect("no panic").clone().expect("a store is open");
        held.into_iter().for_each(|(id, batch)| store.commit(id, batch));
    }
}

impl Storage for GatedStorage {
    fn open(&self, reports: mpsc::UnboundedSender<Report>) -> Result<(Box<dyn Store>, Recovered), StoreError> {
        *self.gate.reports.lock().expect("no panic") = Some(reports.clone());
        let (store, recovered) = self.storage.open(reports)?;
        let inner = Arc::new(Inner(Mutex::new(Some(store))));
        *self.gate.store.lock().expect("no panic") = Some(inner.clone());
        Ok((Box::new(Gated { inner, gate: self.gate.clone() }), recovered))
    }

    fn set_aside(&self) -> Result<String, StoreError> {
        self.storage.set_aside()
    }
}

impl Store for Gated {
    fn commit(&self, id: WriteId, batch: Vec<Row>) {
        match self.gate.held.lock().expect("no panic").as_mut() {
            Some(held) => held.push((id, batch)),
            None => self.inner.commit(id, batch),
        }
    }

    fn scrub(&self) {
        self.inner.scrub();
    }

    fn close(self: Box<Self>) -> Pending<()> {
        let store = self.inner.0.lock().expect("no panic").take().expect("it is closed once");
        store.close()
    }
}
