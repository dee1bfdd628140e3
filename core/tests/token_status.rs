//! What becomes of a token: introspection, revocation, the published keys and the metadata.

mod token_fixture;

use std::sync::Arc;

use serde_json::json;
use symbolon_core::config::Config;
use symbolon_core::crdt::ExpiringSet;
use symbolon_core::state::*;
use symbolon_core::time::Wall;
use symbolon_core::token::keys::OwnKey;
use symbolon_core::token::{Flaw, Introspection, Verdict, discovery, jwks, jwks_max_age, verify};
use token_fixture::*;

fn inactive() -> serde_json::Value {
    json!({"active": false})
}

fn later(seconds: u64) -> Wall {
    Wall(NOW.0 + seconds * 1000)
}

/// What `app` hears when it revokes this token.
fn revoke(world: &World, token: &str) -> Verdict<Option<(RevokedId, Wall)>> {
    world.revoke(Some(&basic("app", SECRET)), &format!("token={token}"))
}

#[test]
fn an_active_token_is_described() {
    let world = World::new();
    let token = world.issued("scope=read").access_token;
    let claims = claims(&token);
    let expected = json!({
        "active": true, "scope": "read", "client_id": "app", "token_type": "Bearer", "sub": "app", "aud": ISSUER,
        "iss": ISSUER, "exp": claims["exp"], "iat": claims["iat"], "jti": claims["jti"],
    });
    assert_eq!(world.introspected(&token), expected);
    assert_eq!(world.introspected(&format!("{token}&token_type_hint=refresh_token")), expected);
}

#[test]
fn only_a_confidential_client_may_introspect() {
    let world = World::new();
    let token = world.issued("").access_token;
    let attempts = [(None, "client_id=spa&"), (None, ""), (Some(basic("app", "wrong")), "")];
    for (authorization, parameters) in attempts {
        let verdict = world.introspect(authorization.as_deref(), &format!("{parameters}token={token}"));
        let Verdict::Refused(error) = verdict else { panic!("{verdict:?}") };
        assert_eq!((error.error, error.status, error.challenge), ("invalid_client", 401, true));
    }
    let Verdict::Refused(error) = world.introspect(Some(&basic("app", SECRET)), "token=") else { panic!("no token") };
    assert_eq!((error.error, error.status), ("invalid_request", 400));
    let unknown = world.introspect(Some(&basic("who", SECRET)), &format!("token={token}"));
    assert!(matches!(unknown, Verdict::Missing(Wanted::Client(_), Err(_))));
}

#[test]
fn a_token_is_inactive_at_its_expiry_and_stays_so_below_the_purge_mark() {
    let mut world = World::new();
    let token = world.issued("").access_token;
    world.now = Wall(later(600).0 - 1);
    assert_eq!(world.introspected(&token)["active"], true);
    world.now = later(600);
    assert_eq!(world.introspected(&token), inactive());

    world.now = NOW;
    world.view.revoked.purge(later(600));
    assert_eq!(world.introspected(&token), inactive(), "a clock that went back revives nothing");
    assert_eq!(verify(&world.view, &token, NOW), Err(Flaw::Expired));
}

#[test]
fn a_token_from_the_future_is_not_yet_good() {
    let mut world = World::new();
    world.now = later(11);
    let token = world.issued("").access_token;
    assert_eq!(verify(&world.view, &token, NOW), Err(Flaw::NotYetValid));
    assert!(verify(&world.view, &token, later(1)).is_ok(), "within the drift budget");
}

#[test]
fn a_revoked_token_is_inactive() {
    let mut world = World::new();
    let (token, other) = (world.issued("").access_token, world.issued("").access_token);
    let Verdict::Done(Some((id, expires))) = revoke(&world, &token) else { panic!("not revoked") };
    assert_eq!(expires, later(600));
    world.view.revoked.insert(expires, id);
    assert_eq!(world.introspected(&token), inactive());
    assert_eq!(world.introspected(&other)["active"], true);
    assert_eq!(revoke(&world, &token), Verdict::Done(None), "twice is once");
}

#[test]
fn only_the_client_of_a_token_revokes_it() {
    let world = World::new();
    let token = world.issued("").access_token;
    let stranger = world.revoke(None, &format!("client_id=post&client_secret={SECRET}&token={token}"));
    let Verdict::Refused(error) = stranger else { panic!("{stranger:?}") };
    assert_eq!((error.error, error.status), ("invalid_grant", 400));
    let public = world.revoke(None, &format!("client_id=spa&token={token}"));
    assert!(matches!(public, Verdict::Refused(error) if error.error == "invalid_grant"));
    let Verdict::Refused(error) = world.revoke(None, &format!("token={token}")) else { panic!("revoked for nobody") };
    assert_eq!((error.error, error.status), ("invalid_client", 401));
}

#[test]
fn revoking_what_is_no_good_is_done_already() {
    let mut world = World::new();
    let token = world.issued("").access_token;
    assert_eq!(revoke(&world, "garbage"), Verdict::Done(None));
    assert_eq!(revoke(&world, "garbage&token_type_hint=unheard_of"), Verdict::Done(None));
    let hinted = revoke(&world, &format!("{token}&token_type_hint=refresh_token"));
    assert!(matches!(hinted, Verdict::Done(Some(_))), "a wrong hint changes nothing");
    world.now = later(600);
    assert_eq!(revoke(&world, &token), Verdict::Done(None));
    let Verdict::Refused(error) = revoke(&world, "") else { panic!("no token") };
    assert_eq!(error.error, "invalid_request");
}

#[test]
fn tokens_end_with_their_client() {
    let mut world = World::new();
    let token = world.issued("").access_token;
    world.delete_client("app");
    assert_eq!(world.introspected(&token), inactive());
}

#[test]
fn a_client_that_is_not_here_yet_is_asked_for_and_its_token_believed() {
    let mut world = World::new();
    let token = world.issued("").access_token;
    world.remove(Collection::CLIENT, "app");
    let body = format!("client_id=post&client_secret={SECRET}&token={token}");
    let Verdict::Missing(Wanted::Client(id), Ok(Introspection::Active(_))) = world.introspect(None, &body) else {
        panic!("not asked for")
    };
    assert_eq!(id, "app");
}

#[test]
fn an_unknown_key_is_asked_for_but_not_for_a_token_that_is_no_good_anyway() {
    let (mut world, mut elsewhere) = (World::new(), World::with(soft_crypto(2)));
    let token = elsewhere.issued("").access_token;
    let body = |token: &str| format!("client_id=post&client_secret={SECRET}&token={token}");
    let kid = elsewhere.keys[0].published.kid.to_string();
    let asked = Wanted::TokenKey(kid);
    let missing = Verdict::Missing(asked.clone(), Ok(Introspection::Inactive));
    assert_eq!(world.introspect(None, &body(&token)), missing);
    assert_eq!(revoke(&world, &token), Verdict::Missing(asked, Ok(None)));

    elsewhere.view.config = Arc::new(Config { issuer: "https://other.example".into(), ..config() });
    assert_eq!(world.introspected(&elsewhere.issued("").access_token), inactive());
    world.now = later(600);
    assert_eq!(world.introspected(&token), inactive());

    world.now = NOW;
    let key = elsewhere.keys[0].clone();
    world.publish(&key, KeyStage::Upcoming);
    assert_eq!(world.introspected(&token)["active"], true, "its owner has activated it, and the news is on its way");
}

#[test]
fn a_node_that_knows_no_key_judges_no_token() {
    let mut world = World::new();
    let token = world.issued("").access_token;
    world.view.token_keys.clear();
    let body = format!("client_id=post&client_secret={SECRET}&token={token}");
    assert_eq!(world.introspect(None, &body).settle().map_err(|error| error.status), Err(503));
    assert_eq!(revoke(&world, &token).settle().map_err(|error| error.status), Err(503), "it would be lost");
    let garbage = format!("client_id=post&client_secret={SECRET}&token=garbage");
    assert_eq!(world.introspect(None, &garbage), Verdict::Done(Introspection::Inactive));
}

#[test]
fn a_withdrawn_key_verifies_nothing_and_nobody_is_asked_for_it() {
    let mut world = World::new();
    let (token, kid) = (world.issued("").access_token, world.keys[0].published.kid.clone());
    world.put(Collection::KEY_STANDING, &kid, Body::Standing(Standing::Denied));
    assert_eq!(verify(&world.view, &token, NOW), Err(Flaw::WithdrawnKey));
    assert_eq!(jwks(&world.view, NOW), json!({"keys": []}));
    world.view.token_keys.remove(&kid);
    assert_eq!(world.introspected(&token), inactive());
}

#[test]
fn a_retiring_key_verifies_until_its_instant_and_never_again() {
    let mut world = World::new();
    let (token, kid) = (world.issued("").access_token, world.keys[0].published.kid.clone());
    world.restage(&kid, KeyStage::Retiring(later(60)));
    assert!(verify(&world.view, &token, Wall(later(60).0 - 1)).is_ok());
    assert_eq!(verify(&world.view, &token, later(60)), Err(Flaw::RetiredKey));
    assert_eq!(jwks(&world.view, later(60)), json!({"keys": []}));
    world.view.revoked.purge(later(60));
    assert_eq!(verify(&world.view, &token, NOW), Err(Flaw::RetiredKey), "also when the clock goes back");
}

#[test]
fn the_key_set_is_the_sorted_union_of_what_may_sign() {
    let mut world = World::new();
    for stage in [KeyStage::Upcoming, KeyStage::Retiring(later(60))] {
        let key = OwnKey::mint(&world.crypto, NOW);
        world.publish(&key, stage);
    }
    let set = jwks(&world.view, NOW);
    let keys = set["keys"].as_array().expect("an array");
    assert_eq!(keys.len(), 3);
    let kids = keys.iter().map(|key| key["kid"].as_str().expect("a kid")).collect::<Vec<_>>();
    assert!(kids.is_sorted());
    for key in keys {
        assert_eq!((&key["kty"], &key["crv"]), (&"EC".into(), &"P-256".into()));
        assert_eq!((&key["use"], &key["alg"]), (&"sig".into(), &"ES256".into()));
        assert!(key.get("d").is_none());
        assert_eq!(key.as_object().expect("an object").len(), 7);
    }
    assert_eq!(jwks_max_age(&world.view), config().tokens.jwks_max_age);
}

/// OIDCCDiscoveryEndpointVerification, as far as there are endpoints
#[test]
fn the_metadata_names_what_there_is() {
    let document = discovery(&config());
    assert_eq!(document["issuer"], ISSUER);
    for endpoint in ["token_endpoint", "introspection_endpoint", "revocation_endpoint", "jwks_uri"] {
        assert!(document[endpoint].as_str().expect("a URL").starts_with("https://id.example/"));
    }
    assert_eq!(document["grant_types_supported"], json!(["client_credentials"]));
    assert_eq!(document["response_types_supported"], json!([]));
    assert!(document.get("authorization_endpoint").is_none());
    let slashed = discovery(&Config { issuer: "https://id.example/t/".into(), ..config() });
    assert_eq!(
        (&slashed["issuer"], &slashed["jwks_uri"]),
        (&"https://id.example/t/".into(), &"https://id.example/t/jwks".into())
    );
}

#[test]
fn an_empty_view_finds_nothing() {
    let mut world = World::new();
    let token = world.issued("").access_token;
    world.view.revoked = ExpiringSet::new(Wall(u64::MAX));
    assert_eq!(world.introspected(&token), inactive());
}
