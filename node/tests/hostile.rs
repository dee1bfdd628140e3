//! Callers who do not play by the rules: each is refused by name, holds nothing for long, and leaves no secret in the log.

mod common;

use std::os::unix::ffi::OsStringExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{FORM, PATIENCE, World, at, directory};
use http_body_util::Full;
use hyper::Request;
use hyper::header::{CONTENT_TYPE, COOKIE};
use serde_json::{Value, json};
use symbolon_node::stall::Unstalled;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends these bytes and reads to the end of the connection.
async fn raw(world: &World, bytes: &[u8]) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(world.node.address).await.expect("it listens");
        stream.write_all(bytes).await.expect("it reads");
        let mut answer = Vec::new();
        // A reset after the answer is an end as well.
        stream.read_to_end(&mut answer).await.unwrap_or_default();
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::time::timeout(PATIENCE, exchange).await.expect("it closes the connection")
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let world = World::plain().await;
    let begins = async |bytes: &[u8], status: &str| {
        let answer = raw(&world, bytes).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{:?}: {answer}",
            bytes.escape_ascii().to_string()
        );
        answer
    };
    begins(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200").await;
    assert!(raw(&world, b"GET /livez HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 200"));
    for hosts in ["", "Host: a\r\nHost: b\r\n"] {
        let request = format!("GET /livez HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        assert!(begins(request.as_bytes(), "400").await.contains("name the host, once"));
    }
    begins(format!("GET /livez HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(200_000)).as_bytes(), "431").await;
    begins(format!("GET /livez HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: x\r\n".repeat(64)).as_bytes(), "431").await;
    begins(b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", "400").await;
    begins(b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400").await;

    let head = format!("POST /token HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: {FORM}\r\n");
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    begins(chunked.as_bytes(), "413").await;
    begins(format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n").as_bytes(), "400").await;

    let pipelined = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n".repeat(49) + "GET /livez HTTP/1.0\r\n\r\n";
    let answers = raw(&world, pipelined.as_bytes()).await;
    assert_eq!(answers.matches(" 200 OK").count(), 50);
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_answer_to_the_question_is_named() {
    let world = World::plain().await;
    let login = world.login("alice", "alice123").await.expect(200);
    let message = |answer: common::Answer| answer.json()["message"].as_str().expect("a message").to_owned();
    for path in ["/api/admin/clients/%ff", "/api/admin/keys/%ff", "/api/admin/scopes/%ff"] {
        world.json("DELETE", path, None).await.error(400, "invalid");
    }
    for path in ["/api/admin/clients/%2e%2e", "/api/admin/clients/a%00b", "/api/admin/keys/%2e%2e%2fcluster"] {
        world.json("DELETE", path, None).await.error(404, "not_found");
    }
    let signed = format!("/api/admin/sessions/+{}", "0".repeat(31));
    world.json("DELETE", &signed, None).await.error(400, "invalid");

    let wrong = json!({ "client_name": "c", "access_token_ttl_s": -1 });
    let answer = world.json("POST", "/api/admin/clients", Some(wrong)).await.error(400, "invalid");
    assert!(message(answer).starts_with("access_token_ttl_s: "), "a wrong value names its field");
    let array = world.json("PUT", "/api/admin/scopes/read", Some(json!(["by position"]))).await.error(400, "invalid");
    assert_eq!(message(array), "send a JSON object");

    let cookie = login.header("set-cookie").split(';').next().expect("a pair").to_owned();
    let host = world.node.address;
    let logout = |origins: &[&str], cookie: &str| {
        let mut request = Request::post("/api/auth/logout").header(COOKIE, cookie);
        for origin in origins {
            request = request.header("origin", *origin);
        }
        request.body(Full::default()).expect("a request")
    };
    let own = format!("http://{host}");
    let longer = format!("http://{host}.evil.example");
    for origins in [&["null"] as &[&str], &["http://evil.example"], &[&longer], &[&own, "http://evil.example"]] {
        world.send(logout(origins, &cookie)).await.error(403, "foreign_origin");
    }
    let text = Request::put("/api/admin/scopes/read").header(CONTENT_TYPE, "text/plain").header(COOKIE, &cookie);
    let text = text.body(Full::from(r#"{"description":""}"#)).expect("a request");
    world.send(text).await.error(415, "unsupported_media_type");
    let (name, value) = cookie.split_once('=').expect("a pair");
    let mut altered = value.to_owned().into_bytes();
    altered[60] = if altered[60] == b'A' { b'B' } else { b'A' };
    let altered = format!("{name}={}", String::from_utf8(altered).expect("ASCII"));
    world.send(logout(&[], &altered)).await.error(401, "invalid_session");
    world.send(logout(&[], &format!("other={value}"))).await.error(401, "no_session");
    world.send(logout(&[&own], &cookie)).await.expect(204);
    world.stop().await;
}

#[tokio::test]
async fn a_stream_that_takes_nothing_ends() {
    let limit = Duration::from_millis(100);
    let (ours, mut theirs) = tokio::io::duplex(8);
    let mut ours = Unstalled::new(ours, limit);
    ours.write_all(b"12345678").await.expect("there is room");
    let drained = async {
        let mut taken = [0; 8];
        for _ in 0..4 {
            tokio::time::sleep(limit / 2).await;
            theirs.read_exact(&mut taken).await.expect("it is there");
        }
    };
    let (written, ()) = tokio::join!(ours.write_all(&[0; 32]), drained);
    written.expect("slow is not stalled");
    let problem = ours.write_all(&[0; 32]).await.expect_err("nobody reads");
    assert_eq!(problem.kind(), std::io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn who_never_reads_is_cut_off() {
    let world = World::plain().await;
    let mut stream = TcpStream::connect(world.node.address).await.expect("it listens");
    let questions = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    let ask_for_ever = async { while stream.write_all(questions.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, ask_for_ever).await.expect("a connection that takes no answers is closed");
    world.stop().await;
}

#[tokio::test]
async fn who_dawdles_is_cut_off() {
    let (plain, over_tls) = tokio::join!(World::plain(), World::start());
    let began = tokio::time::Instant::now();
    let half = format!("POST /token HTTP/1.1\r\nHost: a\r\nContent-Type: {FORM}\r\nContent-Length: 9\r\n\r\ngrant");
    let hello = async {
        let mut stream = TcpStream::connect(over_tls.node.address).await.expect("it listens");
        stream.write_all(&[22, 3, 1, 2, 0, 1]).await.expect("it reads");
        tokio::time::timeout(PATIENCE, stream.read(&mut [0; 64])).await.expect("in time").unwrap_or_default()
    };
    let body = async {
        let mut stream = TcpStream::connect(plain.node.address).await.expect("it listens");
        stream.write_all(half.as_bytes()).await.expect("it reads");
        let mut answer = vec![0; 64];
        tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await.expect("in time").expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    };
    let (hello, body) = tokio::join!(hello, body);
    assert_eq!(hello, 0, "half a handshake ends in nothing");
    assert!(body.starts_with("HTTP/1.1 408"), "{body}");
    assert!(began.elapsed() > Duration::from_secs(5), "a slow line has time");
    tokio::join!(plain.stop(), over_tls.stop());
}

/// A node of its own process; killed when dropped.
struct Process(std::process::Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test]
async fn without_descriptors_to_spare_callers_wait() {
    let dir = directory();
    let log = std::fs::File::create(dir.path().join("log")).expect("our directory");
    let config = at(dir.path(), "node/symbolon.toml");
    let serve = format!("ulimit -n 100; exec {} serve --config {config}", env!("CARGO_BIN_EXE_symbolon"));
    let address = free_address();
    let mut command = Command::new("sh");
    command.args(["-c", &serve]).env("SYMBOLON_HTTP__LISTEN", &address).env("SYMBOLON_HTTP__PLAIN", "true");
    let process = Process(command.stderr(log).stdout(Stdio::null()).spawn().expect("a shell"));
    let connect = async || {
        while TcpStream::connect(&address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        TcpStream::connect(&address).await.expect("it listens")
    };
    tokio::time::timeout(PATIENCE, connect()).await.expect("it listens");
    let mut crowd = Vec::new();
    for _ in 0..150 {
        crowd.push(TcpStream::connect(&address).await.expect("the kernel takes it"));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let open = std::fs::read_dir(format!("/proc/{}/fd", process.0.id())).expect("our process").count();
    assert!(open < 80, "{open} descriptors");
    drop(crowd);
    let answered = async {
        let mut stream = TcpStream::connect(&address).await.expect("it listens");
        stream.write_all(b"GET /livez HTTP/1.0\r\n\r\n").await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    };
    tokio::time::timeout(PATIENCE, answered).await.expect("the crowd has gone");
    let log = std::fs::read_to_string(dir.path().join("log")).expect("our file");
    assert!(log.contains("beyond the limit on open files"), "{log}");
    assert!(!log.contains("could not be accepted"), "{log}");
}

fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string()
}

#[test]
fn a_foreign_variable_that_is_no_text_is_ignored_and_ours_is_named() {
    let dir = directory();
    let check = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
        command.args(["config", "check", "--config", &at(dir.path(), "node/symbolon.toml")]);
        let out = command.env(name, std::ffi::OsString::from_vec(vec![0xff])).output().expect("it runs");
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    assert_eq!(check("FOREIGN"), (Some(0), String::new()));
    assert_eq!(check("SYMBOLON_NODE__NAME"), (Some(2), "symbolon: SYMBOLON_NODE__NAME: takes UTF-8\n".to_owned()));
}

#[tokio::test]
async fn the_log_tells_no_secret_at_any_level() {
    let dir = directory();
    let log = std::fs::File::create(dir.path().join("log")).expect("our directory");
    let address = free_address();
    let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
    command.args(["serve", "--config", &at(dir.path(), "node/symbolon.toml")]);
    command.env("SYMBOLON_HTTP__LISTEN", &address).env("SYMBOLON_HTTP__PLAIN", "true");
    command.env("SYMBOLON_LOG__LEVEL", "trace").stderr(log.try_clone().expect("a file")).stdout(log);
    let process = Process(command.spawn().expect("it runs"));
    let caller = Caller { address };
    let ready = async {
        while !caller.ask("GET", "/readyz", "", None).await.starts_with("HTTP/1.0 200") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.expect("it gets ready");

    let login = |password: &str| Some(json!({ "username": "alice", "password": password }));
    caller.ask("POST", "/api/auth/login", "", login("wrong-password")).await;
    let signed = caller.ask("POST", "/api/auth/login", "", login("alice123")).await;
    let cookie = between(&signed, "set-cookie: ", ";");
    let cookie_line = format!("Cookie: {cookie}\r\n");
    let key = "c2VjcmV0LXdyYXBwaW5nLWtleS1vZi0zMi1ieXRlcy4";
    let set = caller.ask("PUT", "/api/admin/keys/cluster", &cookie_line, Some(json!({ "key": key }))).await;
    assert!(set.starts_with("HTTP/1.0 204"), "{set}");
    let profile = json!({ "client_name": "c", "token_endpoint_auth_method": "client_secret_post" });
    let created = caller.ask("POST", "/api/admin/clients", &cookie_line, Some(profile)).await;
    let secret = between(&created, r#""client_secret":""#, "\"");
    let id = between(&created, r#""client_id":""#, "\"");
    let form = format!("client_id={id}&client_secret={secret}&grant_type=client_credentials");
    let token = between(&caller.form("/token", &form).await, r#""access_token":""#, "\"");
    caller.form("/token", &format!("{form}&grant_type=again")).await;
    caller.form("/revoke", &format!("client_id={id}&client_secret={secret}&token={token}")).await;
    caller.ask("POST", "/api/auth/logout", &cookie_line, None).await;
    drop(process);

    let log = std::fs::read_to_string(dir.path().join("log")).expect("our file");
    assert!(log.contains("changed actor=user alice"), "it tells what happened: {log}");
    let value = cookie.split_once('=').expect("a pair").1;
    for secret in ["alice123", "wrong-password", "argon2", key, value, &*secret, &*token] {
        assert!(!log.contains(secret), "{secret} stands in the log: {log}");
    }
}

struct Caller {
    address: String,
}

impl Caller {
    async fn ask(&self, method: &str, path: &str, headers: &str, body: Option<Value>) -> String {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send(method, path, &format!("{headers}Content-Type: application/json\r\n"), &body).await
    }

    async fn form(&self, path: &str, form: &str) -> String {
        self.send("POST", path, &format!("Content-Type: {FORM}\r\n"), form).await
    }

    /// The whole answer, or nothing while nobody listens.
    async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let Ok(mut stream) = TcpStream::connect(&self.address).await else { return String::new() };
        let length = body.len();
        let text = format!("{method} {path} HTTP/1.0\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        stream.write_all(text.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("text");
        answer
    }
}

fn between(text: &str, before: &str, after: &str) -> String {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("{before} in {text}")).1;
    rest.split_once(after).expect("an end").0.to_owned()
}
