//! One node from end to end: over TLS, on its real disk, started and stopped.

mod common;

use std::time::Duration;

use common::{Gate, PATIENCE, World, at, directory, symbolon};
use serde_json::json;

#[tokio::test]
async fn a_lone_node_serves_over_tls_and_forgets_nothing() {
    let world = World::start().await;
    let login = world.login("alice", "alice123").await.expect(200);
    assert!(login.header("set-cookie").starts_with("__Host-symbolon_session="), "{login:?}");
    assert!(login.header("set-cookie").contains("; Secure; Path=/;"), "{login:?}");

    let (id, secret) = world.client("client_secret_post").await;
    let auth = format!("client_id={id}&client_secret={secret}");
    let token = world.form("/token", None, &format!("{auth}&grant_type=client_credentials")).await.expect(200).json();
    let token = token["access_token"].as_str().expect("a token").to_owned();
    let question = format!("{auth}&token={token}");
    let introspected = world.form("/introspect", None, &question).await.expect(200).json();
    assert_eq!((&introspected["active"], &introspected["client_id"]), (&json!(true), &json!(id)));
    world.form("/revoke", None, &question).await.expect(200);
    assert_eq!(world.form("/introspect", None, &question).await.expect(200).json(), json!({ "active": false }));

    let page = world.json("GET", "/api/admin/clients?limit=5", None).await.expect(200).json();
    assert_eq!(page["clients"][0]["client_id"], json!(id));
    let renamed = json!({ "client_name": "renamed", "token_endpoint_auth_method": "client_secret_post" });
    let path = format!("/api/admin/clients/{id}");
    world.json("PUT", &path, Some(renamed)).await.expect(200);
    assert_eq!(world.json("GET", &path, None).await.expect(200).json()["client_name"], "renamed");
    world.json("PUT", "/api/admin/scopes/read", Some(json!({ "description": "to read" }))).await.expect(200);

    let dir = world.stop().await;
    let world = World::of(dir, &[]).await;
    assert_eq!(
        world.form("/introspect", None, &question).await.expect(200).json(),
        json!({ "active": false }),
        "a revocation outlives the process"
    );
    world.login("alice", "alice123").await.expect(200);
    let scopes = world.json("GET", "/api/admin/scopes", None).await.expect(200).json();
    assert_eq!(scopes, json!({ "scopes": [{ "name": "read", "description": "to read" }] }));
    world.json("DELETE", &path, None).await.expect(204);
    world.json("GET", &path, None).await.error(404, "not_found");
    world.form("/token", None, &format!("{auth}&grant_type=client_credentials")).await.error(401, "invalid_client");

    world.json("POST", "/api/auth/logout", None).await.expect(204);
    world.json("GET", "/api/auth/session", None).await.expect(401);
    world.stop().await;
}

#[tokio::test]
async fn a_blocked_disk_stops_writes_and_nothing_else() {
    let world = World::plain().await;
    world.login("alice", "alice123").await.expect(200);
    let (id, secret) = world.client("client_secret_post").await;
    let auth = format!("client_id={id}&client_secret={secret}");
    let grant = format!("{auth}&grant_type=client_credentials");

    world.gate.shut();
    let mut write = Box::pin(world.json("PUT", "/api/admin/scopes/late", Some(json!({ "description": "" }))));
    tokio::time::timeout(Duration::from_millis(300), &mut write)
        .await
        .expect_err("nothing is answered before it is durable");

    let began = tokio::time::Instant::now();
    for _ in 0..50 {
        let token = world.form("/token", None, &grant).await.expect(200).json();
        let question = format!("{auth}&token={}", token["access_token"].as_str().expect("a token"));
        assert_eq!(world.form("/introspect", None, &question).await.expect(200).json()["active"], true);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let scopes = world.json("GET", "/api/admin/scopes", None).await.expect(200).json();
    assert_eq!(scopes, json!({ "scopes": [] }), "what is not durable is not shown");

    world.gate.open();
    tokio::time::timeout(PATIENCE, write).await.expect("the disk is back").expect(200);
    world.stop().await;
}

#[tokio::test]
async fn a_failed_disk_is_told_and_the_replica_boots_anew() {
    let world = World::plain().await;
    world.login("alice", "alice123").await.expect(200);
    let scope = || Some(json!({ "description": "" }));
    world.json("PUT", "/api/admin/scopes/before", scope()).await.expect(200);
    world.gate.shut();
    let mut lost = Box::pin(world.json("PUT", "/api/admin/scopes/lost", scope()));
    tokio::time::timeout(Duration::from_millis(300), &mut lost).await.expect_err("it is not durable");
    world.gate.fail();
    lost.await.error(503, "unavailable");
    assert_eq!(world.get("/readyz").await.expect(503).json()["ready"], false);
    world.gate.forget();

    let back = async {
        while world.json("PUT", "/api/admin/scopes/after", scope()).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, back).await.expect("it boots anew");
    let scopes = world.json("GET", "/api/admin/scopes", None).await.expect(200).json();
    let names: Vec<_> =
        scopes["scopes"].as_array().expect("a list").iter().map(|scope| scope["name"].clone()).collect();
    assert_eq!(names, ["after", "before"], "what was refused is not there");
    world.stop().await;
}

#[tokio::test]
async fn while_the_disk_stays_broken_readers_see_what_was_durable() {
    let world = World::plain().await;
    world.login("alice", "alice123").await.expect(200);
    let (id, secret) = world.client("client_secret_post").await;
    let auth = format!("client_id={id}&client_secret={secret}");
    let token = world.form("/token", None, &format!("{auth}&grant_type=client_credentials")).await.expect(200).json();
    let question = format!("{auth}&token={}", token["access_token"].as_str().expect("a token"));
    let keys = world.get("/jwks").await.expect(200).json();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1));

    world.gate.shut();
    world.gate.fail();
    let next_life = async {
        while world.gate.holds() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, next_life).await.expect("the next life asks for its first write");
    let ready = world.get("/readyz").await.expect(503).json();
    assert!(ready["reasons"].to_string().contains("store_failed"), "{ready}");
    assert_eq!(world.get("/jwks").await.expect(200).json(), keys);
    assert_eq!(world.form("/introspect", None, &question).await.expect(200).json()["active"], true);
    world.json("GET", "/api/admin/clients", None).await.expect(200);
    world.gate.open();
    world.ready().await;
    world.stop().await;
}

#[tokio::test]
async fn before_its_first_write_a_node_judges_nothing() {
    let world = World::plain().await;
    world.login("alice", "alice123").await.expect(200);
    let (id, secret) = world.client("client_secret_post").await;
    let auth = format!("client_id={id}&client_secret={secret}");
    let token = world.form("/token", None, &format!("{auth}&grant_type=client_credentials")).await.expect(200).json();
    let question = format!("{auth}&token={}", token["access_token"].as_str().expect("a token"));
    let dir = world.stop().await;

    let gate = Gate::default();
    gate.shut();
    let world = World::begin(dir, &[("SYMBOLON_HTTP__PLAIN", "true")], gate).await;
    let answer = world.get("/jwks").await.error(503, "temporarily_unavailable");
    assert_eq!(answer.header("cache-control"), "no-store");
    world.form("/introspect", None, &question).await.error(503, "temporarily_unavailable");
    world.form("/revoke", None, &question).await.error(503, "temporarily_unavailable");
    world.get("/livez").await.expect(200);
    world.get("/readyz").await.expect(503);
    world.gate.open();
    world.ready().await;
    assert_eq!(world.form("/introspect", None, &question).await.expect(200).json()["active"], true);
    assert_eq!(world.get("/jwks").await.expect(200).json()["keys"].as_array().map(Vec::len), Some(1));
    world.stop().await;
}

#[tokio::test]
async fn a_stopping_node_answers_what_is_open() {
    let world = World::plain().await;
    world.login("alice", "alice123").await.expect(200);
    world.gate.shut();
    let mut write = Box::pin(world.json("PUT", "/api/admin/scopes/last", Some(json!({ "description": "" }))));
    tokio::time::timeout(Duration::from_millis(300), &mut write).await.expect_err("it is not durable");
    world.node.stop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    tokio::net::TcpStream::connect(world.node.address).await.expect_err("nobody new is let in");
    world.gate.open();
    write.await.expect(200);
    world.stop().await;
}

#[tokio::test]
async fn the_key_exchange_is_the_hybrid_one() {
    let world = World::start().await;
    let trust = symbolon_node::tls::client(world.settings.gossip_ca.as_deref()).expect("the CA of init");
    let stream = tokio::net::TcpStream::connect(world.node.address).await.expect("it listens");
    let name = rustls_pki_types::ServerName::try_from("localhost").expect("a name");
    let stream = tokio_rustls::TlsConnector::from(trust).connect(name, stream).await.expect("a handshake");
    let (_, session) = stream.get_ref();
    assert_eq!(session.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    let group = session.negotiated_key_exchange_group().expect("a full handshake").name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
    drop(stream);
    world.stop().await;
}

#[tokio::test]
async fn password_hashes_are_bounded() {
    let world = World::plain().await;
    let attempts: Vec<_> = (0..120).map(|_| world.login("alice", "wrong")).collect();
    let mut busy = 0;
    let mut wrong = 0;
    for answer in join_all(attempts).await {
        match answer.status {
            401 => wrong += 1,
            503 => {
                assert_eq!(answer.header("retry-after"), "1");
                busy += 1;
            }
            status => panic!("{status}: {answer:?}"),
        }
    }
    assert!(wrong > 0 && busy > 0, "{wrong} were checked, {busy} were turned away");
    world.login("alice", "alice123").await.expect(200);
    world.stop().await;
}

/// All of these at once.
async fn join_all<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, done) in &mut futures {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if futures.iter().all(|(_, done)| done.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    futures.into_iter().filter_map(|(_, done)| done).collect()
}

#[test]
fn a_port_in_use_names_who_has_it_and_what_to_change() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let dir = tempfile::tempdir().expect("a directory");
    let node = at(dir.path(), "n");
    assert!(symbolon(&["init", &node, "--listen", &address]).status.success());
    let served = symbolon(&["serve", "--config", &format!("{node}/symbolon.toml")]);
    let error = String::from_utf8_lossy(&served.stderr).into_owned();
    assert_eq!(served.status.code(), Some(1), "{error}");
    assert!(error.starts_with(&format!("symbolon: {address} is already in use by ")), "{error}");
    assert!(error.contains(&format!("(pid {})", std::process::id())), "{error}");
    assert!(error.trim_end().ends_with("; choose another with http.listen"), "{error}");
}

#[test]
fn the_command_line_says_what_is_wrong_and_how_bad() {
    let dir = directory();
    let node = at(dir.path(), "node");
    let config = format!("{node}/symbolon.toml");
    let run = |arguments: &[&str]| {
        let out = symbolon(arguments);
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    assert_eq!(run(&["config", "check", "--config", &config]).0, Some(0));
    assert_eq!(run(&["init", &node]).0, Some(2));
    assert_eq!(run(&["frobnicate"]).0, Some(2));
    let (code, error) = run(&["serve", "--config", &at(dir.path(), "none.toml")]);
    assert!(code == Some(2) && error.contains("none.toml: cannot be read:"), "{error}");

    let identity = format!("{node}/identity.key");
    let whole = std::fs::read_to_string(&identity).expect("init made it");
    let mut damaged = whole.clone().into_bytes();
    damaged[60] = if damaged[60] == b'A' { b'B' } else { b'A' };
    std::fs::write(&identity, &damaged).expect("our file");
    let (code, error) = run(&["serve", "--config", &config]);
    assert!(code == Some(1) && error.contains("identity.key is damaged"), "{error}");
    assert_eq!(std::fs::read(&identity).expect("it is there"), damaged, "it is never replaced");
    std::fs::write(&identity, whole).expect("our file");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&identity, mode).expect("our file");
    let (code, error) = run(&["serve", "--config", &config]);
    assert!(code == Some(1) && error.contains("has mode 644: it is a private key"), "{error}");
}

#[test]
fn a_second_node_takes_ca_and_users_of_the_first() {
    let dir = directory();
    let (first, second) = (at(dir.path(), "node"), at(dir.path(), "second"));
    assert!(symbolon(&["init", &second, "--like", &first, "--name", "n2"]).status.success());
    let read = |of: &str| std::fs::read_to_string(of).expect("init made it");
    assert_eq!(read(&format!("{first}/tls/ca.pem")), read(&format!("{second}/tls/ca.pem")));
    assert_eq!(read(&format!("{first}/users.toml")), read(&format!("{second}/users.toml")));
    assert_ne!(read(&format!("{first}/identity.key")), read(&format!("{second}/identity.key")));
}

/// Damages the database of a stopped node; it starts all the same, empty, and the damaged file is kept.
async fn comes_back_empty_after(damage: impl FnOnce(&std::path::Path)) {
    let plain = [("SYMBOLON_HTTP__PLAIN", "true")];
    let world = World::plain().await;
    world.login("alice", "alice123").await.expect(200);
    for scope in 0..100 {
        let path = format!("/api/admin/scopes/read.{scope}");
        world.json("PUT", &path, Some(json!({ "description": "x".repeat(200) }))).await.expect(200);
    }
    let database = world.settings.database();
    let dir = world.stop().await;
    damage(&database);

    let world = World::of(dir, &plain).await;
    world.login("alice", "alice123").await.expect(200);
    let scopes = world.json("GET", "/api/admin/scopes", None).await.expect(200).json();
    assert_eq!(scopes, json!({ "scopes": [] }), "nothing of the damaged data is believed");
    let files = std::fs::read_dir(&world.settings.data_dir).expect("our directory");
    let names: Vec<_> = files.map(|file| file.expect("a file").file_name().into_string().expect("text")).collect();
    assert!(names.iter().any(|name| name.starts_with("symbolon.db.unsound-")), "{names:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_moved_aside_with_all_others() {
    comes_back_empty_after(|database| {
        let connection = rusqlite::Connection::open(database).expect("a database");
        let half = "UPDATE cells SET value = substr(value, 1, length(value) / 2) \
                    WHERE key = (SELECT key FROM cells LIMIT 1)";
        assert_eq!(connection.execute(half, []).expect("a table of cells"), 1);
    })
    .await;
}

#[tokio::test]
async fn a_database_with_a_hole_is_moved_aside() {
    comes_back_empty_after(|database| {
        let file = std::fs::OpenOptions::new().write(true).open(database).expect("our file");
        let end = file.metadata().expect("our file").len();
        assert!(end > 8 * 4096, "the log was folded in when the node stopped");
        for page in (4096..end).step_by(4096) {
            std::os::unix::fs::FileExt::write_all_at(&file, &[0xa5; 2048], page).expect("our file");
        }
    })
    .await;
}
