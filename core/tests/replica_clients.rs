//! Conversations about client profiles: what is taken, and what is refused with a word about what would be right.

mod common {
    pub mod cluster;
}

use common::cluster::{Cluster, shop};
use symbolon_core::replica::{Refusal, Reply, Request};
use symbolon_core::state::Client;

fn refused(cluster: &mut Cluster, client: Client) -> Option<(&'static str, String)> {
    match cluster.ask(0, Request::CreateClient(client)) {
        Reply::ClientCreated { .. } => None,
        Reply::Refused(Refusal::Invalid { field, problem }) => Some((field, problem)),
        other => panic!("{other:?}"),
    }
}

fn redirecting(uri: &str) -> Client {
    Client { redirect_uris: vec![uri.into()], ..shop() }
}

#[test]
fn redirect_uris_are_web_addresses_or_schemes_of_apps() {
    let mut cluster = Cluster::strangers(1);
    let good = [
        "https://app.example/callback",
        "HTTPS://app.example",
        "http://127.0.0.1:8080/cb?a=b",
        "http://[::1]/cb",
        "com.example.app:/oauth2redirect",
        "com.example.app:oauth",
    ];
    for uri in good {
        assert_eq!(refused(&mut cluster, redirecting(uri)), None, "{uri}");
    }
    let bad = [
        ("javascript:alert(1)", "a dot"),
        ("JaVaScRiPt:alert(document.cookie)", "a dot"),
        ("data:text/html,x", "a dot"),
        ("file:///etc/passwd", "a dot"),
        ("myapp:/callback", "a dot"),
        ("https://app.example/cb#token", "fragment"),
        ("com.example.app:/cb#", "fragment"),
        ("/callback", "absolute"),
        ("app.example/callback", "absolute"),
        (":x", "absolute"),
        ("", "absolute"),
        ("https:app.example", "host"),
        ("https:///callback", "host"),
        ("https://?x", "host"),
        ("https://:443/", "host"),
        ("https://app.example@evil.example/", "user name"),
        ("https://app.example/a b", "printable"),
        ("https://app.example\\@evil.example/", "printable"),
        ("java\tscript:alert(1)", "printable"),
        (" javascript:alert(1)", "printable"),
        ("https://äpp.example/", "printable"),
        ("com.example.app:", "follows"),
    ];
    for (uri, expected) in bad {
        let (field, problem) = refused(&mut cluster, redirecting(uri)).unwrap_or_else(|| panic!("{uri} was taken"));
        assert_eq!(field, "redirect_uris", "{uri}");
        assert!(problem.contains(expected), "{uri}: {problem}");
    }
    assert!(refused(&mut cluster, redirecting(&format!("https://app.example/{}", "a".repeat(1024)))).is_some());
}

#[test]
fn names_and_audiences_are_not_empty() {
    let mut cluster = Cluster::strangers(1);
    for name in ["", "  "] {
        let (field, _) = refused(&mut cluster, Client { name: name.into(), ..shop() }).expect("no name");
        assert_eq!(field, "client_name");
    }
    let (field, _) = refused(&mut cluster, Client { audience: vec![String::new()], ..shop() }).expect("no audience");
    assert_eq!(field, "audience");
    let Reply::ClientCreated { id, .. } = cluster.ask(0, Request::CreateClient(shop())) else { panic!("a good one") };
    let reply = cluster.ask(0, Request::UpdateClient { id, client: redirecting("javascript:alert(1)") });
    assert!(matches!(reply, Reply::Refused(Refusal::Invalid { field: "redirect_uris", .. })), "{reply:?}");
}
