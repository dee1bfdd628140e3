//! The life of signing keys: published before they sign, retired after their last token, and whatever clocks and peers do,
//! never two active at once.

mod token_fixture;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use symbolon_core::config::{Config, MAX_TOKEN_KEYS};
use symbolon_core::crypto::Crypto;
use symbolon_core::state::KeyStage;
use symbolon_core::time::{Now, Wall};
use symbolon_core::token::MAX_ACCESS_TTL;
use symbolon_core::token::keys::*;
use token_fixture::{NOW, at, config, soft_crypto};

/// A node that takes the steps as they come due.
struct Owner {
    keys: Vec<OwnKey>,
    config: Config,
    crypto: Crypto,
    peers_know: Box<dyn Fn(&str) -> bool>,
    withdrawn: Vec<Arc<str>>,
}

impl Owner {
    fn new() -> Owner {
        let peers_know = Box::new(|_: &str| true);
        Owner { keys: Vec::new(), config: config(), crypto: soft_crypto(3), peers_know, withdrawn: Vec::new() }
    }

    fn plan(&self, now: Now) -> Vec<KeyStep> {
        let is_withdrawn = |kid: &str| self.withdrawn.iter().any(|other| **other == *kid);
        let around =
            Surroundings { now, config: &self.config, peers_know: &self.peers_know, is_withdrawn: &is_withdrawn };
        advance(&self.keys, &around)
    }

    /// Takes all steps that are due, until none is.
    fn settle(&mut self, now: Now) {
        for _ in 0..8 {
            let steps = self.plan(now);
            if steps.is_empty() {
                return;
            }
            for step in &steps {
                apply(&mut self.keys, step, &self.crypto, now);
                assert!(self.active().len() <= 1, "after {step:?}");
            }
        }
        panic!("the steps do not end: {:?}", self.plan(now));
    }

    fn rotate(&mut self, now: Now) {
        if let Some(step) = rotate(&self.keys) {
            apply(&mut self.keys, &step, &self.crypto, now);
        }
    }

    fn active(&self) -> Vec<Arc<str>> {
        self.in_stage(|stage| stage == KeyStage::Active)
    }

    fn in_stage(&self, is: impl Fn(KeyStage) -> bool) -> Vec<Arc<str>> {
        self.keys.iter().filter(|key| is(key.published.stage)).map(|key| key.published.kid.clone()).collect()
    }
}

/// The wall clock at another place than the monotonic one.
fn split(tick_s: u64, wall_s: i64) -> Now {
    Now { wall: Wall(NOW.0.saturating_add_signed(wall_s * 1000)), ..at(tick_s) }
}

#[test]
fn a_lone_node_signs_at_once() {
    let mut owner = Owner::new();
    assert_eq!(owner.plan(at(0)), [KeyStep::Mint]);
    owner.settle(at(0));
    assert_eq!(owner.active().len(), 1);
    let signer = signing(&owner.keys).expect("a signer").signer();
    assert_eq!(signer.kid, owner.active()[0]);
    assert!(owner.plan(at(1)).is_empty());
}

#[test]
fn a_first_key_waits_for_every_peer_that_answers_and_no_longer() {
    let mut owner = Owner::new();
    owner.peers_know = Box::new(|_| false);
    owner.settle(at(0));
    assert!(owner.active().is_empty() && signing(&owner.keys).is_none());
    owner.settle(at(3600));
    assert_eq!(owner.keys.len(), 1, "it mints no second one while it waits");
    owner.peers_know = Box::new(|_| true);
    owner.settle(at(3601));
    assert_eq!(owner.active().len(), 1);
}

/// OIDCCServerRotateKeys
#[test]
fn a_rotated_key_waits_for_caches_and_the_old_one_retires_after_its_last_token() {
    let mut owner = Owner::new();
    owner.settle(at(0));
    let old = owner.active();
    owner.rotate(at(10));
    owner.peers_know = Box::new(|_| false);
    owner.settle(at(100));
    assert_eq!(owner.active(), old, "peers do not know the new one");
    owner.peers_know = Box::new(|_| true);
    owner.settle(at(110));
    owner.settle(at(169));
    assert_eq!(owner.active(), old, "caches do not");
    owner.settle(at(170));
    assert_ne!(owner.active(), old);

    let drift = config().gossip.max_clock_drift;
    let until = at(170).wall.after(MAX_ACCESS_TTL).after(drift * 2);
    assert_eq!(owner.in_stage(|stage| stage == KeyStage::Retiring(until)), old);
    owner.settle(Now { wall: Wall(until.0 - 1), ..at(200) });
    assert_eq!(owner.keys.len(), 2);
    owner.settle(Now { wall: until, ..at(201) });
    assert_eq!(owner.keys.len(), 1);
    owner.settle(split(202, -1000));
    assert!(
        owner.keys.iter().all(|key| key.published.kid != old[0]),
        "what is forgotten does not come back with the clock"
    );
}

#[test]
fn a_peer_that_turns_up_without_the_key_begins_the_wait_anew() {
    let mut owner = Owner::new();
    owner.settle(at(0));
    let old = owner.active();
    owner.rotate(at(0));
    owner.settle(at(1));
    owner.peers_know = Box::new(|_| false);
    owner.settle(at(50));
    owner.peers_know = Box::new(|_| true);
    owner.settle(at(55));
    owner.settle(at(114));
    assert_eq!(owner.active(), old);
    owner.settle(at(115));
    assert_ne!(owner.active(), old);
}

#[test]
fn a_wall_clock_that_jumps_does_not_cut_the_wait_short() {
    let mut owner = Owner::new();
    owner.settle(at(0));
    let old = owner.active();
    owner.rotate(at(0));
    owner.settle(at(0));
    owner.settle(split(59, 86_400));
    assert_eq!(owner.active(), old);
    owner.settle(split(60, -86_400));
    assert_ne!(owner.active(), old);
}

#[test]
fn an_old_key_is_succeeded_of_itself() {
    let mut owner = Owner::new();
    owner.settle(at(0));
    let old = owner.active();
    let lifetime = config().tokens.key_lifetime.as_secs();
    assert!(owner.plan(at(lifetime - 1)).is_empty());
    owner.settle(at(lifetime));
    assert_eq!(owner.active(), old);
    owner.settle(at(lifetime + 60));
    assert_ne!(owner.active(), old);
    assert_eq!(owner.active().len(), 1);
}

#[test]
fn a_key_from_the_future_is_succeeded() {
    let mut owner = Owner::new();
    owner.settle(split(0, 10 * 365 * 86_400));
    let old = owner.active();
    owner.settle(at(1));
    owner.settle(at(61));
    assert_ne!(owner.active(), old);
    owner.settle(at(62));
    assert_eq!(owner.keys.len(), 2, "once");
}

#[test]
fn a_withdrawn_key_is_dropped_and_replaced_without_waiting_for_caches() {
    let mut owner = Owner::new();
    owner.settle(at(0));
    owner.withdrawn = owner.active();
    owner.settle(at(1));
    assert_eq!((owner.keys.len(), owner.active().len()), (1, 1));
    assert_ne!(owner.active(), owner.withdrawn);
}

#[test]
fn a_rotation_under_way_is_not_begun_again_and_keys_are_bounded() {
    let mut owner = Owner::new();
    owner.settle(at(0));
    for i in 0..40 {
        owner.rotate(at(i * 100));
        owner.rotate(at(i * 100));
        owner.settle(at(i * 100));
        owner.settle(at(i * 100 + 60));
        assert_eq!(owner.active().len(), 1);
        assert!(owner.keys.len() <= MAX_TOKEN_KEYS);
    }
    assert_eq!(owner.keys.len(), MAX_TOKEN_KEYS, "full until the first one retires");
}

#[test]
fn a_key_comes_back_only_in_one_piece() {
    let crypto = soft_crypto(4);
    let (one, other) = (OwnKey::mint(&crypto, NOW), OwnKey::mint(&crypto, NOW));
    assert!(OwnKey::restore(&crypto, one.scalar.clone(), one.published.clone()).is_some());
    assert!(OwnKey::restore(&crypto, other.scalar.clone(), one.published.clone()).is_none());
    let mut renamed = one.published.clone();
    renamed.kid = other.published.kid.clone();
    assert!(OwnKey::restore(&crypto, one.scalar.clone(), renamed).is_none());
    assert!(!format!("{one:?}").contains("scalar"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever clocks, peers and administrators do: at most one signs, one does when peers know it, stages only move forward.
    #[test]
    fn stages_only_move_forward(happenings in proptest::collection::vec((0u8..5, 0u64..200, -100_000i64..100_000), 1..60)) {
        let mut owner = Owner::new();
        owner.config.tokens.key_lifetime = Duration::from_secs(1000);
        let mut tick_s = 0;
        for (what, ticks, wall_s) in happenings {
            tick_s += ticks;
            let now = split(tick_s, wall_s);
            match what {
                0 => owner.peers_know = Box::new(|_| false),
                1 => owner.peers_know = Box::new(|_| true),
                2 => owner.rotate(now),
                3 => owner.withdrawn = owner.active(),
                _ => {}
            }
            let before = owner.keys.clone();
            owner.settle(now);
            for key in &before {
                let after = owner.keys.iter().find(|other| other.published.kid == key.published.kid);
                let rank = |stage| match stage { KeyStage::Upcoming => 0, KeyStage::Active => 1, KeyStage::Retiring(_) => 2 };
                prop_assert!(after.is_none_or(|after| rank(after.published.stage) >= rank(key.published.stage)));
            }
            prop_assert!(owner.keys.len() <= MAX_TOKEN_KEYS);
            let has_room = owner.keys.len() < MAX_TOKEN_KEYS;
            prop_assert!(!(owner.peers_know)("") || !has_room || owner.active().len() == 1);
        }
    }
}
