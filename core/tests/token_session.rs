//! Sessions: sealed on one node, opened on another, and void when they should be.

mod token_fixture;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use symbolon_core::config::Config;
use symbolon_core::state::*;
use symbolon_core::time::Wall;
use symbolon_core::token::session::{self, MAX_COOKIE_CHARS, Session};
use symbolon_core::token::{OAuthError, Verdict};
use token_fixture::*;

fn log_in(world: &World) -> (String, Session) {
    let groups = ["staff".to_owned(), "admins".to_owned()];
    let (cookie, session) =
        session::seal(&world.view, &world.crypto, "eva", &groups, world.now).expect("a ring to seal with");
    (cookie.to_string(), session)
}

fn open(world: &World, cookie: &str) -> Verdict<Session> {
    session::open(&world.view, &world.crypto, cookie, world.now)
}

#[track_caller]
fn refused(verdict: Verdict<Session>, why: &str) {
    let Verdict::Refused(OAuthError { error, status, challenge, description, .. }) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!((error, status, challenge), ("invalid_session", 401, false));
    assert!(description.contains(why), "{description}");
}

#[test]
fn a_session_sealed_here_opens_wherever_the_ring_is() {
    let (here, there) = (World::new(), World::with(soft_crypto(9)));
    let (cookie, session) = log_in(&here);
    assert_eq!(session.expires, NOW.after(config().tokens.session_ttl));
    assert_eq!(open(&there, &cookie), Verdict::Done(session.clone()));
    assert!(session.is_admin(&config()));
    assert!(!session.is_admin(&Config { admin_group: "root".into(), ..config() }));
    assert_ne!(log_in(&here).0, cookie);
}

/// Nodes of different builds share cookies, so the subkey is part of the format: HKDF-SHA256 (RFC 5869) of the wrapping key, without a
/// salt, under this label; the value was computed apart from this code.
#[test]
fn the_subkey_for_sessions_is_what_the_protocol_says() {
    let expected = "b3a343874f84f9522875e4f47902f4344db04a56bd24533575373bde91987b84";
    let found: String = ring_key(7).session().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_cookie_is_pinned_to_the_host_over_tls() {
    assert_eq!(session::cookie_name(false), "symbolon_session");
    assert_eq!(session::cookie_name(true), "__Host-symbolon_session");
}

#[test]
fn after_a_rotation_both_keys_open_and_the_newer_seals() {
    let mut world = World::new();
    let (old, session) = log_in(&world);
    Arc::make_mut(&mut world.view.ring.keys).insert(0, ring_key(2));
    let (new, _) = log_in(&world);
    assert_eq!(open(&world, &old), Verdict::Done(session));
    Arc::make_mut(&mut world.view.ring.keys).pop();
    assert!(matches!(open(&world, &new), Verdict::Done(_)));
    refused(open(&world, &old), "not here");
}

#[test]
fn a_key_that_the_cluster_has_is_asked_for_and_another_is_not() {
    let (here, mut there) = (World::new(), World::new());
    let (cookie, _) = log_in(&here);
    there.view.ring = Ring::default();
    refused(open(&there, &cookie), "not here");
    let id = RingKeyId([1; 16]);
    there.put(Collection::RING_KEY, &id.to_string(), Body::RingKey(RingKeyMeta { created: NOW }));
    assert!(matches!(open(&there, &cookie), Verdict::Missing(Wanted::RingKey(wanted), Err(_)) if wanted == id));
    assert!(session::seal(&there.view, &there.crypto, "eva", &[], NOW).is_none(), "nothing to seal with");
}

#[test]
fn another_cluster_with_the_same_ring_does_not_open_it() {
    let (here, mut there) = (World::new(), World::new());
    there.view.config = Config { cluster: "other".into(), ..config() }.into();
    refused(open(&there, &log_in(&here).0), "not genuine");
}

#[test]
fn a_session_ends_at_its_expiry_and_below_the_purge_mark() {
    let mut world = World::new();
    let (cookie, session) = log_in(&world);
    world.now = Wall(session.expires.0 - 1);
    assert!(matches!(open(&world, &cookie), Verdict::Done(_)));
    world.now = session.expires;
    refused(open(&world, &cookie), "expired");
    world.view.revoked.purge(session.expires);
    world.now = NOW;
    refused(open(&world, &cookie), "expired");
}

#[test]
fn a_session_is_revoked_alone_or_with_all_of_its_user() {
    let mut world = World::new();
    let ((one, session), (other, _)) = (log_in(&world), log_in(&world));
    world.view.revoked.insert(session.expires, RevokedId::Session(session.sid));
    refused(open(&world, &one), "revoked");
    assert!(matches!(open(&world, &other), Verdict::Done(_)));

    world.put(Collection::SESSION_CUTOFF, "adam", Body::Cutoff(NOW));
    assert!(matches!(open(&world, &other), Verdict::Done(_)));
    world.put(Collection::SESSION_CUTOFF, "eva", Body::Cutoff(Wall(NOW.0 - 1)));
    assert!(matches!(open(&world, &other), Verdict::Done(_)));
    world.put(Collection::SESSION_CUTOFF, "eva", Body::Cutoff(NOW));
    refused(open(&world, &other), "revoked");
    world.now = Wall(NOW.0 + 1);
    assert!(matches!(open(&world, &log_in(&world).0), Verdict::Done(_)), "a later log-in is none of it");
}

#[test]
fn a_session_from_the_future_waits() {
    let (mut here, there) = (World::new(), World::new());
    here.now = Wall(NOW.0 + 10_000);
    assert!(matches!(open(&there, &log_in(&here).0), Verdict::Done(_)), "within the drift budget");
    here.now = Wall(NOW.0 + 10_001);
    refused(open(&there, &log_in(&here).0), "future");
}

#[test]
fn what_browsers_would_not_keep_is_not_sealed() {
    let world = World::new();
    let seal = |groups: &[String]| session::seal(&world.view, &world.crypto, "eva", groups, NOW);
    let (cookie, _) = seal(&vec!["g".repeat(10); 240]).expect("within the bound");
    assert!(cookie.len() <= MAX_COOKIE_CHARS);
    assert!(seal(&vec!["g".repeat(100); 30]).is_none());
    assert!(seal(&vec!["g".to_owned(); 257]).is_none());
}

#[test]
fn each_flipped_bit_is_noticed() {
    let world = World::new();
    let bytes = URL_SAFE_NO_PAD.decode(log_in(&world).0).expect("base64url");
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(open(&world, &URL_SAFE_NO_PAD.encode(flipped)), Verdict::Refused(_)), "bit {bit}");
    }
}

proptest! {
    #[test]
    fn hostile_cookies_are_refused(cookie in "\\PC*", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let world = World::new();
        prop_assert!(matches!(open(&world, &cookie), Verdict::Refused(_)));
        let known = [vec![1], vec![1; 16], bytes].concat();
        prop_assert!(matches!(open(&world, &URL_SAFE_NO_PAD.encode(known)), Verdict::Refused(_)));
    }
}
