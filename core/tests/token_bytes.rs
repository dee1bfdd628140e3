//! Hostile bytes against every parser of the token room: forms, headers, tokens. None panics, none is believed.

mod token_fixture;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use symbolon_core::token::keys::OwnKey;
use symbolon_core::token::{Flaw, Form, MAX_FORM_BYTES, MAX_PARAMETERS, MAX_TOKEN_BYTES, Verdict, verify};
use token_fixture::*;

fn form(body: &str) -> Form {
    Form::parse(body.as_bytes()).expect("a form")
}

#[track_caller]
fn unreadable(body: &[u8]) {
    let error = Form::parse(body).expect_err("unreadable");
    assert_eq!((error.error, error.status), ("invalid_request", 400));
}

/// A token of this header and these claims, signed by the node's key.
fn signed(world: &World, header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = world.view.signer.as_ref().expect("a signer").key.sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn good_parts(world: &World) -> (String, String) {
    let token = world.issued("").access_token;
    (part(&token, 0).to_string(), part(&token, 1).to_string())
}

#[test]
fn a_form_is_decoded() {
    let form = form("a=1&b=x+y%2bz%C3%a9&&empty=&flag&=v&d=a=b");
    assert_eq!((form.get("a"), form.get("b"), form.get("d")), (Some("1"), Some("x y+zé"), Some("a=b")));
    assert_eq!((form.get("empty"), form.get("flag"), form.get("c")), (None, None, None), "no value is no parameter");
    let several = Form::parse(b"resource=1&resource=2&audience=3&audience=3").expect("a form");
    assert_eq!(several.all("resource").collect::<Vec<_>>(), ["1", "2"]);
    assert!(format!("{form:?}").contains("flag") && !format!("{form:?}").contains("x y"), "values are not shown");
}

#[test]
fn what_is_no_form_is_refused() {
    for body in [&b"a=%"[..], b"a=%4", b"a=%4g", b"%zz=1", b"a=\xff", b"a=%ff", b"a=1&a=2", b"a=1&%61=2", b"=1&=2"] {
        unreadable(body);
    }
    unreadable(b"a=%C3&%A9=1");
    unreadable(b"%C3=%A9");
}

#[test]
fn forms_are_bounded() {
    let mut body = vec![b'a'; MAX_FORM_BYTES];
    body[1] = b'=';
    assert!(Form::parse(&body).is_ok());
    body.push(b'a');
    unreadable(&body);
    let pairs = |n: usize| (0..n).map(|i| format!("p{i}=1")).collect::<Vec<_>>().join("&");
    assert_eq!(form(&pairs(MAX_PARAMETERS)).get("p31"), Some("1"));
    unreadable(pairs(MAX_PARAMETERS + 1).as_bytes());
}

/// FAPI2SPFinalEnsureRequestObjectSignatureAlgorithmIsNotNone, for our own tokens
#[test]
fn a_header_is_exactly_ours() {
    let world = World::new();
    let (header, claims) = good_parts(&world);
    let judge = |header: &str| verify(&world.view, &signed(&world, header, &claims), NOW).map(drop);
    assert_eq!(judge(&header), Ok(()));
    let kid = &*world.keys[0].published.kid;
    let with = |rest: &str| format!(r#"{{"kid":"{kid}",{rest}}}"#);
    for rest in [
        r#""typ":"JWT","alg":"ES256""#,
        r#""typ":"at+jwt","alg":"none""#,
        r#""typ":"at+jwt","alg":"HS256""#,
        r#""typ":"at+jwt","alg":"ES256","crit":["x"],"x":1"#,
        r#""typ":"at+jwt","alg":"ES256","crit":null"#,
        r#""typ":"at+jwt","alg":"ES256","alg":"none""#,
        r#""typ":"at+jwt","alg":"ES256","jwk":{}"#,
        r#""alg":"ES256""#,
        r#""typ":"at+jwt""#,
    ] {
        assert_eq!(judge(&with(rest)), Err(Flaw::Malformed), "{rest}");
    }
    for kid in ["", "short", &"A".repeat(44), &"!".repeat(43)] {
        let header = format!(r#"{{"typ":"at+jwt","alg":"ES256","kid":"{kid}"}}"#);
        assert_eq!(judge(&header), Err(Flaw::Malformed), "a peer is not asked for {kid:?}");
    }
}

#[test]
fn claims_are_complete_and_sane() {
    let world = World::new();
    let (header, claims) = good_parts(&world);
    let judge = |from: &str, to: &str| {
        let changed = claims.replace(from, to);
        assert_ne!(changed, claims);
        verify(&world.view, &signed(&world, &header, &changed), NOW).map(drop)
    };
    assert_eq!(
        judge("\"aud\":\"https://id.example\"", "\"aud\":[\"x\",\"y\"],\"more\":{}"),
        Ok(()),
        "more is ignored"
    );
    for claim in ["iss", "sub", "aud", "client_id", "exp", "iat", "jti"] {
        assert_eq!(judge(&format!("\"{claim}\":"), &format!("\"no_{claim}\":")), Err(Flaw::Malformed), "{claim}");
    }
    assert_eq!(judge("https://id.example\",\"jti", "https://id.example/\",\"jti"), Err(Flaw::ForeignIssuer));
    assert_eq!(judge("\"exp\":1", "\"exp\":-1"), Err(Flaw::Malformed));
    assert_eq!(judge("\"exp\":1", "\"exp\":1e999,\"x\":1"), Err(Flaw::Malformed));
    assert_eq!(judge("\"iat\":1", "\"iat\":9"), Err(Flaw::NotYetValid));
    let nbf = format!("\"nbf\":{},\"iat\"", NOW.seconds() + 11);
    assert_eq!(judge("\"iat\"", &nbf), Err(Flaw::NotYetValid));
    assert_eq!(judge("\"jti\":\"", "\"jti\":\"A"), Err(Flaw::Malformed));
}

#[test]
fn a_token_has_three_parts_and_a_bound() {
    let world = World::new();
    let token = world.issued("").access_token;
    let (header, claims) = good_parts(&world);
    let long = claims.replace('{', &format!("{{{}", " ".repeat(MAX_TOKEN_BYTES)));
    let variants = [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}="),
        format!("{token} "),
        token.replacen('.', "..", 1),
        token[..token.len() - 1].into(),
        token.rsplit_once('.').expect("dots").0.into(),
        signed(&world, &header, &long),
    ];
    for variant in variants {
        assert_eq!(verify(&world.view, &variant, NOW), Err(Flaw::Malformed), "{variant}");
    }
}

#[test]
fn another_keys_signature_is_wrong() {
    let mut world = World::new();
    let (header, claims) = good_parts(&world);
    let other = OwnKey::mint(&world.crypto, NOW);
    world.view.signer = Some(other.signer());
    assert_eq!(verify(&world.view, &signed(&world, &header, &claims), NOW), Err(Flaw::BadSignature));
}

proptest! {
    #[test]
    fn no_form_panics(body in proptest::collection::vec(any::<u8>(), 0..300), text in "[a-c%&=+0-9\\xC3é]{0,60}") {
        for body in [&body[..], text.as_bytes()] {
            if let Ok(form) = Form::parse(body) {
                prop_assert!(form.get("a").is_none_or(|value| !value.is_empty()));
            }
        }
    }

    #[test]
    fn every_text_survives_a_form(name in "\\PC{1,20}", value in "\\PC{1,40}") {
        let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let form = form(&format!("{}={}", encoded(&name), encoded(&value)));
        prop_assert_eq!(form.get(&name), Some(&*value));
    }

    #[test]
    fn no_header_panics(header in "\\PC*", credentials in "\\PC*") {
        let world = World::new();
        let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(credentials));
        for header in [header, basic] {
            prop_assert!(!matches!(world.token(Some(&header), "grant_type=client_credentials"), Verdict::Done(_)));
        }
    }

    #[test]
    fn no_token_panics_and_none_is_believed(text in "\\PC*", header in "\\PC*", claims in "\\PC*") {
        let world = World::new();
        prop_assert!(verify(&world.view, &text, NOW).is_err());
        prop_assert!(verify(&world.view, &signed(&world, &header, &claims), NOW).is_err());
        let (good, _) = good_parts(&world);
        prop_assert!(verify(&world.view, &signed(&world, &good, &claims), NOW).is_err());
    }

    #[test]
    fn no_changed_character_is_believed(at in 0usize..1000, to in "[A-Za-z0-9_.-]") {
        let world = World::new();
        let mut token = world.issued("").access_token;
        let at = at % token.len();
        prop_assume!(token[at..=at] != *to);
        token.replace_range(at..=at, &to);
        prop_assert!(verify(&world.view, &token, NOW).is_err());
    }
}
