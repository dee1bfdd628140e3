//! `POST /token`: who gets which token, and how everyone else is refused.

mod token_fixture;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use symbolon_core::state::*;
use symbolon_core::time::Wall;
use symbolon_core::token::{MAX_ACCESS_TTL, OAuthError, TokenReply, Verdict, thumbprint};
use token_fixture::*;

const GRANT: &str = "grant_type=client_credentials";

fn refusal(verdict: Verdict<TokenReply>) -> OAuthError {
    match verdict {
        Verdict::Refused(error) => error,
        Verdict::Done(_) => panic!("a token was issued"),
        Verdict::Missing(wanted, _) => panic!("{wanted:?} is asked for"),
    }
}

/// Refused by this name and status; only a 401 comes with a challenge.
#[track_caller]
fn refused(verdict: Verdict<TokenReply>, name: &str, status: u16) {
    let error = refusal(verdict);
    assert_eq!((error.error, error.status), (name, status), "{error}");
    assert_eq!(error.challenge, status == 401);
    assert_eq!(error.www_authenticate("r").is_some(), status == 401);
    assert!(!error.to_string().contains("s3cret"));
}

fn app() -> String {
    basic("app", SECRET)
}

#[test]
fn a_token_says_what_rfc_9068_asks_for() {
    let world = World::new();
    let reply = world.issued("scope=read");
    assert_eq!((reply.token_type, reply.expires_in, reply.scope.as_deref()), ("Bearer", 600, Some("read")));

    let header = part(&reply.access_token, 0);
    let kid = thumbprint(&world.keys[0].published.point);
    assert_eq!(header, serde_json::json!({"typ": "at+jwt", "alg": "ES256", "kid": kid}));
    let claims = claims(&reply.access_token);
    let iat = NOW.seconds();
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!((&claims["sub"], &claims["client_id"]), (&"app".into(), &"app".into()));
    assert_eq!(claims["aud"], ISSUER, "a client without an audience gets the issuer's");
    assert_eq!((claims["iat"].as_u64(), claims["exp"].as_u64()), (Some(iat), Some(iat + 600)));
    assert_eq!(claims["jti"].as_str().expect("a string").len(), 22);
    assert_eq!(claims["scope"], "read");
    assert_eq!(claims.as_object().expect("an object").len(), 8);
}

#[test]
fn the_reply_is_the_json_of_rfc_6749() {
    let reply = World::new().issued("");
    let json = serde_json::to_value(&reply).expect("JSON");
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["scope"], "read write", "without a question, everything that the client may have");
    assert!(!format!("{reply:?}").contains(&reply.access_token), "a token is not shown");
}

#[test]
fn the_same_seed_issues_the_same_token_and_no_name_comes_twice() {
    let (one, other) = (World::new(), World::new());
    let first = one.issued("");
    assert_eq!(first, other.issued(""));
    assert_ne!(claims(&first.access_token)["jti"], claims(&one.issued("").access_token)["jti"]);
}

/// OIDCCServerTestClientSecretPost, FAPI2SPFinalEnsureClientIdInTokenEndpoint
#[test]
fn a_client_authenticates_by_its_registered_method() {
    let world = World::new();
    let post = format!("{GRANT}&client_id=post&client_secret={SECRET}");
    assert!(matches!(world.token(None, &post), Verdict::Done(_)));
    let app = app();
    for header in [app.as_str(), &app.replace("Basic", "bASIC"), &app.replace(' ', "  ")] {
        assert!(matches!(world.token(Some(header), &format!("{GRANT}&client_id=app")), Verdict::Done(_)));
    }

    let post_by_basic = basic("post", SECRET);
    refused(world.token(Some(&post_by_basic), GRANT), "invalid_client", 401);
    let app_by_post = format!("{GRANT}&client_id=app&client_secret={SECRET}");
    refused(world.token(None, &app_by_post), "invalid_client", 401);
    refused(world.token(None, &format!("{GRANT}&client_id=app")), "invalid_client", 401);
    refused(world.token(Some(&basic("spa", SECRET)), GRANT), "invalid_client", 401);
}

#[test]
fn one_request_has_one_way_to_authenticate() {
    let world = World::new();
    let app = app();
    for more in ["client_secret=x", "client_assertion=x", "client_id=other"] {
        refused(world.token(Some(&app), &format!("{GRANT}&{more}")), "invalid_request", 400);
    }
    refused(world.token(None, &format!("{GRANT}&client_id=app&client_assertion=x")), "invalid_client", 401);
    refused(world.token(None, GRANT), "invalid_client", 401);
}

#[test]
fn a_broken_authorization_header_is_a_failed_authentication() {
    let world = World::new();
    let encoded = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let not_utf8 = format!("Basic {}", STANDARD.encode(b"a\xff:b"));
    let oversized = basic("app", &"x".repeat(5000));
    let huge_id = basic(&"x".repeat(257), SECRET);
    let headers = [
        "",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Bearer abc",
        "DPoP abc",
        &encoded("app"),
        &encoded("app:%zz"),
        &encoded(":secret"),
        &encoded("a\nb:secret"),
        &not_utf8,
        &oversized,
        &huge_id,
    ];
    for header in headers {
        refused(world.token(Some(header), GRANT), "invalid_client", 401);
    }
}

#[test]
fn both_halves_of_basic_are_form_encoded() {
    let mut world = World::new();
    let odd = "a b:c%d+é";
    let current = Sha256::digest(odd).into();
    world.put(Collection::CLIENT_SECRET, "app", Body::ClientSecret(Arc::new(ClientSecret { current, former: None })));
    let header = basic("%61pp", "a+b%3Ac%25d%2B%C3%A9");
    assert!(matches!(world.token(Some(&header), GRANT), Verdict::Done(_)));
    refused(world.token(Some(&basic("app", odd)), GRANT), "invalid_client", 401);
}

#[test]
fn a_challenge_names_the_realm_and_cannot_be_broken_out_of() {
    let world = World::new();
    let error = refusal(world.token(Some(&basic("app", "wrong")), GRANT));
    assert_eq!(
        error.www_authenticate(ISSUER).expect("a challenge"),
        r#"Basic realm="https://id.example", charset="UTF-8""#
    );
    assert_eq!(error.www_authenticate("a\"\r\n\\b").expect("a challenge"), r#"Basic realm="ab", charset="UTF-8""#);
    let json = serde_json::to_value(&error).expect("JSON");
    assert_eq!(json, serde_json::json!({"error": "invalid_client", "error_description": error.description}));
}

#[test]
fn a_former_secret_is_good_until_its_instant() {
    let mut world = World::new();
    let secret = |former_until| ClientSecret {
        current: Sha256::digest("new").into(),
        former: Some((Sha256::digest(SECRET).into(), former_until)),
    };
    world.put(Collection::CLIENT_SECRET, "app", Body::ClientSecret(Arc::new(secret(Wall(NOW.0 + 1)))));
    for good in ["new", SECRET] {
        assert!(matches!(world.token(Some(&basic("app", good)), GRANT), Verdict::Done(_)));
    }
    world.now = Wall(NOW.0 + 1);
    refused(world.token(Some(&app()), GRANT), "invalid_client", 401);
    assert!(matches!(world.token(Some(&basic("app", "new")), GRANT), Verdict::Done(_)));
}

#[test]
fn an_unknown_client_is_asked_for_and_a_deleted_one_is_not() {
    let mut world = World::new();
    let verdict = world.token(Some(&basic("elsewhere", SECRET)), GRANT);
    let Verdict::Missing(Wanted::Client(id), Err(error)) = verdict else { panic!("{verdict:?}") };
    assert_eq!((id.as_str(), error.error, error.status), ("elsewhere", "invalid_client", 401));

    world.delete_client("app");
    refused(world.token(Some(&app()), GRANT), "invalid_client", 401);
    world.delete_client("never-seen");
    refused(world.token(Some(&basic("never-seen", SECRET)), GRANT), "invalid_client", 401);

    world.put(Collection::CLIENT_STANDING, "app", Body::Standing(Standing::Reinstated));
    assert!(matches!(world.token(Some(&app()), GRANT), Verdict::Done(_)));
}

#[test]
fn a_profile_that_came_without_its_secret_is_asked_for() {
    let mut world = World::new();
    world.remove(Collection::CLIENT_SECRET, "app");
    assert!(matches!(world.token(Some(&app()), GRANT), Verdict::Missing(Wanted::Client(_), Err(_))));
    // Whoever knows no secret must not get in with the one that hashes to what stands for none.
    assert!(matches!(world.token(Some(&basic("app", "")), GRANT), Verdict::Missing(Wanted::Client(_), Err(_))));
}

#[test]
fn a_grant_is_known_allowed_and_for_confidential_clients() {
    let mut world = World::new();
    refused(world.token(Some(&app()), "scope=read"), "invalid_request", 400);
    refused(world.token(Some(&app()), "grant_type="), "invalid_request", 400);
    for grant in ["password", "authorization_code", "refresh_token", "CLIENT_CREDENTIALS", "%00"] {
        refused(world.token(Some(&app()), &format!("grant_type={grant}")), "unsupported_grant_type", 400);
    }
    refused(world.token(None, &format!("{GRANT}&client_id=spa")), "unauthorized_client", 400);
    let other = Client { grants: [Grant::RefreshToken].into(), ..client(ClientAuthMethod::SecretBasic, &["read"]) };
    world.register("other", other);
    refused(world.token(Some(&basic("other", SECRET)), GRANT), "unauthorized_client", 400);
}

#[test]
fn a_parameter_twice_is_refused_and_an_unknown_one_ignored() {
    let world = World::new();
    for twice in ["scope=read&scope=read", "scope=&scope=read", "sc%6Fpe=read&scope=read", "x=1&x=2"] {
        refused(world.token(Some(&app()), &format!("{GRANT}&{twice}")), "invalid_request", 400);
    }
    // OIDCCEnsureRequestWithUnknownParameterSucceeds, at the token endpoint
    assert!(matches!(world.token(Some(&app()), &format!("{GRANT}&extra=foobar")), Verdict::Done(_)));
}

/// FAPI2SPFinalEnsureOtherScopeOrderSucceeds
#[test]
fn scopes_are_a_subset_of_the_clients_in_any_order() {
    let world = World::new();
    for (asked, granted) in [("write+read", "write read"), ("read+read", "read"), ("+read++write+", "read write")] {
        assert_eq!(world.issued(&format!("scope={asked}")).scope.as_deref(), Some(granted));
    }
    let many = "read+".repeat(65);
    assert_eq!(world.issued(&format!("scope={many}")).scope.as_deref(), Some("read"));
    for bad in ["admin", "read+admin", "Read", "%22", "read%09write", "read%00"] {
        refused(world.token(Some(&app()), &format!("{GRANT}&scope={bad}")), "invalid_scope", 400);
    }
}

#[test]
fn a_scope_whose_definition_was_removed_is_granted_no_more() {
    let mut world = World::new();
    world.remove(Collection::SCOPE, "write");
    assert_eq!(world.issued("").scope.as_deref(), Some("read"));
    refused(world.token(Some(&app()), &format!("{GRANT}&scope=write")), "invalid_scope", 400);
    world.remove(Collection::SCOPE, "read");
    let reply = world.issued("");
    assert_eq!(reply.scope, None);
    assert!(claims(&reply.access_token).get("scope").is_none());
}

#[test]
fn more_scopes_than_the_bound_are_refused() {
    let mut world = World::new();
    let names = (0..65).map(|i| format!("s{i}")).collect::<Vec<_>>();
    for name in &names {
        world.put(Collection::SCOPE, name, Body::Scope(Arc::new(Scope { description: String::new() })));
    }
    world.register(
        "app",
        client(ClientAuthMethod::SecretBasic, &names.iter().map(String::as_str).collect::<Vec<_>>()),
    );
    assert!(matches!(
        world.token(Some(&app()), &format!("{GRANT}&scope={}", names[..64].join("+"))),
        Verdict::Done(_)
    ));
    refused(world.token(Some(&app()), &format!("{GRANT}&scope={}", names.join("+"))), "invalid_scope", 400);
}

#[test]
fn a_resource_narrows_the_audience_and_never_widens_it() {
    let mut world = World::new();
    let audience = ["https://a.example", "https://b.example"].map(str::to_owned).to_vec();
    let with_audience = Client { audience, ..client(ClientAuthMethod::SecretBasic, &["read"]) };
    world.register("app", with_audience);
    let aud = |parameters: &str| claims(&world.issued(parameters).access_token)["aud"].clone();
    let both = serde_json::json!(["https://a.example", "https://b.example"]);
    assert_eq!(aud(""), both);
    assert_eq!(aud("resource=https://b.example"), "https://b.example");
    assert_eq!(aud("audience=https://a.example"), "https://a.example");
    assert_eq!(aud("resource=https://a.example&resource=https://b.example"), both);
    for bad in [ISSUER, "https://c.example", "https://a.example/", "x&resource=https://a.example"] {
        refused(world.token(Some(&app()), &format!("{GRANT}&resource={bad}")), "invalid_target", 400);
    }
    let many = "&resource=https://a.example".repeat(20);
    assert_eq!(aud(&many[1..]), "https://a.example");
}

#[test]
fn lifetimes_come_from_the_client_and_are_bounded() {
    let mut world = World::new();
    for (configured, lifetime) in
        [(None, 600), (Some(60), 60), (Some(0), 1), (Some(u32::MAX), MAX_ACCESS_TTL.as_secs())]
    {
        let lasting = Client { access_token_ttl_s: configured, ..client(ClientAuthMethod::SecretBasic, &[]) };
        world.register("app", lasting);
        let reply = world.issued("");
        assert_eq!(reply.expires_in, lifetime);
        assert_eq!(claims(&reply.access_token)["exp"].as_u64(), Some(NOW.seconds() + lifetime));
    }
    let mut config = config();
    config.tokens.access_ttl = Duration::MAX;
    world.view.config = Arc::new(config);
    world.register("app", client(ClientAuthMethod::SecretBasic, &[]));
    assert_eq!(world.issued("").expires_in, MAX_ACCESS_TTL.as_secs());
}

#[test]
fn a_node_that_cannot_sign_or_is_not_ready_says_so() {
    let mut world = World::new();
    world.view.readiness.reasons.push(("clock", "the clock jumped".into()));
    refused(world.token(Some(&app()), GRANT), "temporarily_unavailable", 503);
    world.view.readiness = Readiness::default();
    world.view.signer = None;
    let error = refusal(world.token(Some(&app()), GRANT));
    assert_eq!((error.error, error.status, error.retry_after_s), ("temporarily_unavailable", 503, Some(2)));
}
