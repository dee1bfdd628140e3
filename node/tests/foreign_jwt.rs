//! Our tokens and key sets as other software reads them: the jsonwebtoken crate verifies them with nothing but the published JWKS.

#[path = "../../core/tests/token_fixture/mod.rs"]
mod token_fixture;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, TokenData, Validation, decode, decode_header};
use serde_json::Value;
use symbolon_core::state::KeyStage;
use symbolon_core::token::jwks;
use token_fixture::{ISSUER, NOW, World};

fn verify(token: &str, set: &JwkSet, audience: &str) -> jsonwebtoken::errors::Result<TokenData<Value>> {
    let kid = decode_header(token)?.kid.expect("a kid");
    let jwk: &Jwk = set.find(&kid).expect("the set names the key");
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    // The fixture lives at an instant of its own.
    validation.validate_exp = false;
    decode(token, &DecodingKey::from_jwk(jwk)?, &validation)
}

fn published(world: &World) -> JwkSet {
    serde_json::from_value(jwks(&world.view, NOW)).expect("a JWK set")
}

#[test]
fn a_resource_server_needs_the_key_set_alone() {
    let mut world = World::new();
    let before = world.issued("scope=read").access_token;
    let old = world.keys[0].published.kid.clone();
    world.sign_with_new_key();
    world.restage(&old, KeyStage::Retiring(NOW.after(std::time::Duration::from_secs(60))));
    let after = world.issued("").access_token;

    let set = published(&world);
    assert_eq!(set.keys.len(), 2);
    for token in [before, after] {
        let TokenData { header, claims, .. } = verify(&token, &set, ISSUER).expect("a good token");
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
        assert_eq!((&claims["client_id"], &claims["sub"]), (&"app".into(), &"app".into()));
    }
}

#[test]
fn it_refuses_what_was_changed_or_is_for_another() {
    let world = World::new();
    let token = world.issued("").access_token;
    let set = published(&world);
    let wrong = verify(&token, &set, "https://other.example").expect_err("another audience");
    assert!(matches!(wrong.kind(), ErrorKind::InvalidAudience));
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let changed = format!("{signed}.{first}{}", &signature[1..]);
    let wrong = verify(&changed, &set, ISSUER).expect_err("another signature");
    assert!(matches!(wrong.kind(), ErrorKind::InvalidSignature));
}

#[test]
fn it_names_our_keys_as_we_do() {
    let world = World::new();
    for key in published(&world).keys {
        let thumbprint = key.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).expect("a thumbprint");
        assert_eq!(Some(thumbprint), key.common.key_id);
    }
}
