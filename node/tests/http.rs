//! Callers' mistakes, one by one: the error of the RFC, its status and its headers; and nothing secret in any of them.

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{FORM, World};
use http_body_util::Full;
use hyper::Request;
use hyper::header::CONTENT_TYPE;
use serde_json::json;

#[tokio::test]
async fn the_token_endpoint_refuses_as_the_rfc_says() {
    let world = World::plain().await;
    world.login("alice", "alice123").await.expect(200);
    let (id, secret) = world.client("client_secret_post").await;
    world.json("PUT", "/api/admin/scopes/read", Some(json!({ "description": "to read" }))).await.expect(200);
    let form = |rest: &str| format!("client_id={id}&client_secret={secret}&{rest}");

    let token = world.form("/token", None, &form("grant_type=client_credentials&scope=read")).await.expect(200);
    assert_eq!(token.header("cache-control"), "no-store");
    assert_eq!(token.header("pragma"), "no-cache");
    assert_eq!(token.header("content-type"), "application/json");
    assert_eq!(token.json()["token_type"], "Bearer");
    assert_eq!(token.json()["scope"], "read");

    let wrong = format!("client_id={id}&client_secret=wrong&grant_type=client_credentials");
    let unknown = "client_id=nobody&client_secret=x&grant_type=client_credentials";
    for mistaken in [wrong.as_str(), unknown] {
        let answer = world.form("/token", None, mistaken).await.error(401, "invalid_client");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("www-authenticate").starts_with("Basic realm="), "{answer:?}");
        assert!(!String::from_utf8_lossy(&answer.body).contains(&secret));
    }
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:wrong")));
    world.form("/token", Some(&basic), "grant_type=client_credentials").await.error(401, "invalid_client");

    let cases = [
        (form("grant_type=password"), 400, "unsupported_grant_type"),
        (form("scope=read"), 400, "invalid_request"),
        (form("grant_type=client_credentials&grant_type=client_credentials"), 400, "invalid_request"),
        (form("grant_type=client_credentials&scope=nuclear"), 400, "invalid_scope"),
        (form("grant_type=client_credentials&x=%zz"), 400, "invalid_request"),
        (form(&format!("grant_type=client_credentials&x={}", "x".repeat(20_000))), 413, "invalid_request"),
    ];
    for (body, status, error) in cases {
        world.form("/token", None, &body).await.error(status, error);
    }

    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let twice = Request::post("/token").header(CONTENT_TYPE, FORM).header("authorization", &basic);
    let twice = twice.header("authorization", &basic).body(Full::from("grant_type=client_credentials"));
    world.send(twice.expect("a request")).await.error(400, "invalid_request");
    let request = Request::post("/token").header(CONTENT_TYPE, "application/json").body(Full::from("{}"));
    world.send(request.expect("a request")).await.error(415, "invalid_request");
    let answer = world.get("/token").await.error(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "POST");
    world.form("/introspect", None, "token=x").await.error(401, "invalid_client");
    world.form("/revoke", None, "token=x").await.error(401, "invalid_client");
    world.stop().await;
}

#[tokio::test]
async fn the_admin_endpoints_ask_who_comes_and_what_he_means() {
    let world = World::plain().await;
    let client = |extra: &str| serde_json::from_str(&format!(r#"{{"client_name":"c"{extra}}}"#)).expect("JSON");
    world.json("GET", "/api/admin/clients", None).await.error(401, "no_session");
    world.login("alice", "wrong").await.error(401, "bad_credentials");
    world.login("nobody", "alice123").await.error(401, "bad_credentials");
    world.login("bob", "alice123").await.expect(200);
    world.json("POST", "/api/admin/clients", Some(client(""))).await.error(403, "not_an_admin");
    let login = world.login("alice", "alice123").await.expect(200);
    assert_eq!(login.json()["admin"], true);
    let cookie = login.header("set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Strict; Path=/; Max-Age="), "{cookie}");

    let unknown = world.json("POST", "/api/admin/clients", Some(client(r#","colour":"red""#))).await;
    let unknown = unknown.error(400, "invalid");
    assert!(unknown.json()["message"].as_str().expect("text").contains("colour"), "{unknown:?}");
    let method = client(r#","token_endpoint_auth_method":"tls""#);
    let answer = world.json("POST", "/api/admin/clients", Some(method)).await.error(400, "invalid");
    assert!(
        answer.json()["message"].as_str().expect("text").starts_with("token_endpoint_auth_method:"),
        "{answer:?}"
    );
    let waited =
        world.json("PUT", "/api/admin/scopes/kept?wait=1&timeout_ms=1", Some(json!({ "description": "" }))).await;
    let waited = waited.expect(200).json();
    assert_eq!((&waited["concern_met"], &waited["peers"]), (&json!(false), &json!(0)), "a lone node has no peers");
    world.json("DELETE", "/api/admin/scopes/kept", None).await.expect(204);
    world.json("GET", "/api/admin/clients/nobody", None).await.error(404, "not_found");
    world.json("DELETE", "/api/admin/scopes/nothing", None).await.error(404, "not_found");
    world.json("PUT", "/api/admin/keys/cluster", Some(json!({ "key": "AAAA" }))).await.error(400, "invalid");
    world.json("DELETE", "/api/admin/sessions/xyz", None).await.error(400, "invalid");
    world.json("GET", "/api/nothing", None).await.error(404, "not_found");

    let text = Request::post("/api/auth/login").header(CONTENT_TYPE, "text/plain").body(Full::from("{}"));
    world.send(text.expect("a request")).await.error(415, "unsupported_media_type");
    let large = Request::post("/api/auth/login")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::from(format!("\"{}\"", "x".repeat(70_000))));
    world.send(large.expect("a request")).await.error(413, "too_large");
    let foreign = Request::post("/api/auth/login")
        .header(CONTENT_TYPE, "application/json")
        .header("origin", "https://evil.example")
        .body(Full::from(r#"{"username":"alice","password":"alice123"}"#));
    world.send(foreign.expect("a request")).await.error(403, "foreign_origin");
    world.stop().await;
}

#[tokio::test]
async fn all_sessions_of_a_user_end_at_once_and_he_may_come_back() {
    let world = World::plain().await;
    world.login("alice", "alice123").await.expect(200);
    world.json("DELETE", "/api/admin/users/bob/sessions", None).await.expect(204);
    world.json("GET", "/api/auth/session", None).await.expect(200);
    world.json("DELETE", "/api/admin/users/alice/sessions", None).await.expect(204);
    world.json("GET", "/api/auth/session", None).await.error(401, "invalid_session");
    world.login("alice", "alice123").await.expect(200);
    world.json("GET", "/api/auth/session", None).await.expect(200);
    world.stop().await;
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let world = World::plain().await;
    world.login("alice", "wrong").await.expect(401);
    world.login("alice", "alice123").await.expect(200);
    world.client("client_secret_post").await;
    let answer = world.get("/metrics").await.expect(200);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4");
    let text = String::from_utf8(answer.body.to_vec()).expect("text");
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} in {text}")).parse::<f64>().expect("a number")
    };
    assert_eq!(value("symbolon_ready"), 1.0);
    assert_eq!(value("symbolon_changes_total"), 1.0, "{text}");
    world.stop().await;
}

#[tokio::test]
async fn strangers_get_nothing_at_the_peers_doors() {
    let world = World::plain().await;
    let frame = |content_type: &str, bytes: Vec<u8>| {
        Request::post("/api/gossip/sync")
            .header(CONTENT_TYPE, content_type)
            .body(Full::from(bytes))
            .expect("a request")
    };
    world.send(frame("application/json", vec![])).await.error(415, "unsupported_media_type");
    world.send(frame("application/pkcs7-mime", vec![0; 64])).await.error(400, "malformed");
    world.send(frame("application/pkcs7-mime", vec![0; (1 << 20) + 1])).await.error(413, "oversized");
    world.get("/api/gossip/wrapping-key").await.error(400, "malformed");

    let stats = world.get("/api/gossip/stats").await.expect(200).json();
    assert!(stats["gossip"].is_null() && stats["counts"]["clients"] == 0, "{stats}");
    world.login("alice", "alice123").await.expect(200);
    let stats = world.json("GET", "/api/gossip/stats", None).await.expect(200).json();
    assert_eq!(stats["gossip"]["rejects"]["malformed"], 1, "{stats}");

    let info = world.get("/api/gossip/kem-info").await.expect(200).json();
    assert_eq!(info["registered"], true);
    let mut refused = 0;
    for _ in 0..40 {
        refused += u32::from(world.get("/api/gossip/kem-info").await.status == 429);
    }
    assert!(refused > 0, "40 requests at once are too many");
    world.stop().await;
}
