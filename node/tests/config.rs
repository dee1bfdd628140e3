//! What a configuration says when it is wrong: file, line, key, and what would be right. And that its page is up to date.

use std::path::Path;

use symbolon_node::config::{Settings, docs, options::OPTIONS, parse, parse_users};

const FILE: &str = "/etc/symbolon/symbolon.toml";

fn read(text: &str, environment: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    parse(Path::new(FILE), text, environment).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[track_caller]
fn refused(text: &str, environment: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(read(text, environment).expect_err("the configuration is wrong"), expected);
}

#[test]
fn an_empty_file_is_a_lone_node_on_loopback() {
    let settings = read("", &[]).expect("there is a default for everything");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.address, "https://127.0.0.1:8080");
    assert_eq!(settings.issuer, settings.address);
    assert_eq!(settings.database(), Path::new("/etc/symbolon/data/symbolon.db"));
    assert_eq!(settings.gossip_ca, None);
}

#[test]
fn the_environment_wins() {
    let environment =
        [("SYMBOLON_GOSSIP__INTERVAL_MS", "700"), ("SYMBOLON_GOSSIP__ALLOWED_NODES", "a, b"), ("HOME", "/x")];
    let settings = read("[gossip]\ninterval_ms = 900\n", &environment).expect("it is right");
    assert_eq!(settings.gossip.interval.as_millis(), 700);
    assert_eq!(settings.allowed_nodes.into_iter().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn an_unknown_key_names_its_line_and_the_nearest_right_one() {
    refused(
        "[cluster]\nname = \"c\"\n\n[gossip]\nintervall_ms = 2000\n",
        &[],
        &["/etc/symbolon/symbolon.toml:5: gossip.intervall_ms: unknown key; did you mean gossip.interval_ms?"],
    );
    refused(
        "[gosip]\nfanout = 3\n",
        &[],
        &["/etc/symbolon/symbolon.toml:1: gosip: unknown key; did you mean gossip?"],
    );
    refused(
        "[x]\n",
        &[],
        &["/etc/symbolon/symbolon.toml:1: x: unknown key; `symbolon config docs` lists all of them"],
    );
    refused(
        "",
        &[("SYMBOLON_HTTP__LISTN", "127.0.0.1:1")],
        &["environment variable SYMBOLON_HTTP__LISTN: http.listn: unknown key; did you mean http.listen?"],
    );
}

#[test]
fn all_problems_come_at_once() {
    refused(
        "[http]\nlisten = \"here\"\nplain = \"yes\"\n[gossip]\nfanout = 0\n[log]\nlevel = \"loud\"\n",
        &[("SYMBOLON_TOKENS__ACCESS_TTL_S", "soon")],
        &[
            "/etc/symbolon/symbolon.toml:5: gossip.fanout: expected whole number of peers, 1 to 64, found 0",
            "/etc/symbolon/symbolon.toml:2: http.listen: \"here\" is no address such as 127.0.0.1:8080",
            "/etc/symbolon/symbolon.toml:3: http.plain: expected true or false, found the text \"yes\"",
            "/etc/symbolon/symbolon.toml:7: log.level: expected one of error, warn, info, debug, trace, found \"loud\"",
            "environment variable SYMBOLON_TOKENS__ACCESS_TTL_S: tokens.access_ttl_s: expected whole number of seconds, \
             1 to 86400, found soon",
        ],
    );
}

#[test]
fn broken_toml_names_its_line() {
    let problems = read("[http]\nlisten = \n", &[]).expect_err("a value is missing");
    assert!(problems[0].starts_with("/etc/symbolon/symbolon.toml:2: "), "{problems:?}");
}

#[test]
fn plain_http_stays_on_loopback_unless_it_is_allowed() {
    let text = "[http]\nlisten = \"0.0.0.0:80\"\nplain = true\n";
    let problems = read(text, &[]).expect_err("the network would see it");
    assert!(
        problems[0].starts_with("/etc/symbolon/symbolon.toml:3: http.plain: plain HTTP on 0.0.0.0:80"),
        "{problems:?}"
    );
    let address = ("SYMBOLON_HTTP__ADDRESS", "https://sts.example");
    assert!(read(text, &[("SYMBOLON_HTTP__ALLOW_PLAIN", "true"), address]).is_ok());
    assert!(read("[http]\nlisten = \"127.0.0.1:80\"\nplain = true\n", &[]).is_ok());
}

#[test]
fn an_address_that_nobody_can_dial_must_be_told() {
    refused(
        "[http]\nlisten = \"0.0.0.0:443\"\n",
        &[],
        &[
            "/etc/symbolon/symbolon.toml: http.address: must be given when http.listen is 0.0.0.0:443: nobody can dial that",
        ],
    );
}

#[test]
fn the_page_is_what_the_table_says() {
    let page = include_str!("../../docs/CONFIGURATION.md");
    assert!(page == docs::markdown(), "run: cargo run -p symbolon-node -- config docs > docs/CONFIGURATION.md");
    for option in OPTIONS {
        let (section, key) = option.key.split_once('.').expect("every key has a section");
        assert!(
            page.contains(&format!("## [{section}]")) && page.contains(&format!("| `{key}` |")),
            "{}",
            option.key
        );
    }
}

const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$MLfyeNuoPSBn+0iqlxcWEA$BQ6p0j/nLLCHDbPXDJSFZDl3DHvy4rk+vqv7zujHTPk";

#[test]
fn a_users_file_names_its_line_too() {
    let users = |text: &str| parse_users(Path::new("users.toml"), text).map_err(|e| e.to_string());
    let alice = format!("[[user]]\nname = \"alice\"\npassword_hash = \"{HASH}\"\ngroups = [\"admins\"]\n");
    assert_eq!(users(&alice).expect("alice is fine")[0].name, "alice");
    assert_eq!(users(&format!("{alice}{alice}")).expect_err("twice"), "users.toml:5: name: \"alice\" is there twice");
    let costly = alice.replace("m=19456", "m=1048576");
    assert_eq!(
        users(&costly).expect_err("1 GiB for each log-in"),
        "users.toml:1: password_hash of \"alice\": costs more than m=65536, t=16, p=4"
    );
    let error = users("[[user]]\nname = \"bob\"\npassword = \"x\"\n").expect_err("not in the clear");
    assert!(error.starts_with("users.toml:3: unknown field `password`"), "{error}");
}
