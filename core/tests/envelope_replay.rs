//! The replay window: each frame once, in bounded memory, whatever the clocks do.

use std::time::Duration;

use symbolon_core::config::MAX_NONCES_PER_SENDER;
use symbolon_core::envelope::ReplayWindow;
use symbolon_core::fault::Reject;
use symbolon_core::time::Wall;

const WIDTH: Duration = Duration::from_secs(120);
const NOW: Wall = Wall(1_800_000_000_000);
const ALICE: [u8; 16] = [1; 16];
const BOB: [u8; 16] = [2; 16];

fn window() -> ReplayWindow {
    ReplayWindow::new(WIDTH, Wall(0))
}

fn nonce(n: usize) -> [u8; 16] {
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&(n as u64).to_be_bytes());
    nonce
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn a_frame_is_taken_once() {
    let mut window = window();
    assert_eq!(window.check_and_insert(ALICE, NOW, nonce(1), NOW), Ok(()));
    assert_eq!(window.check_and_insert(ALICE, NOW, nonce(1), NOW), Err(Reject::Replayed));
    assert_eq!(window.check_and_insert(ALICE, NOW.after(seconds(1)), nonce(1), NOW), Err(Reject::Replayed));
    assert_eq!(window.check_and_insert(ALICE, NOW, nonce(2), NOW), Ok(()), "the same time, another nonce");
    assert_eq!(window.check_and_insert(BOB, NOW, nonce(1), NOW), Ok(()), "another sender, the same nonce");
}

#[test]
fn frames_may_arrive_out_of_order() {
    let mut window = window();
    for (n, age) in [10, 5, 100, 0, 119].into_iter().enumerate() {
        assert_eq!(window.check_and_insert(ALICE, NOW.before(seconds(age)), nonce(n), NOW), Ok(()));
    }
}

#[test]
fn what_lies_outside_of_the_window_is_stale() {
    let mut window = window();
    for sent in [NOW.before(seconds(121)), NOW.after(seconds(121)), Wall(0), Wall(u64::MAX)] {
        assert_eq!(window.check_and_insert(ALICE, sent, nonce(1), NOW), Err(Reject::Stale));
    }
    assert_eq!(window.check_and_insert(ALICE, NOW.before(WIDTH), nonce(1), NOW), Ok(()));
    assert_eq!(window.check_and_insert(ALICE, NOW.after(WIDTH), nonce(2), NOW), Ok(()));
}

#[test]
fn what_was_sent_before_the_origin_is_stale() {
    let mut window = ReplayWindow::new(WIDTH, NOW);
    assert_eq!(window.check_and_insert(ALICE, NOW, nonce(1), NOW), Err(Reject::Stale));
    assert_eq!(window.check_and_insert(ALICE, NOW.after(Duration::from_millis(1)), nonce(1), NOW), Ok(()));
}

#[test]
fn old_nonces_leave_and_their_frames_stay_stale() {
    let mut window = window();
    assert_eq!(window.check_and_insert(ALICE, NOW, nonce(1), NOW), Ok(()));
    window.expire(NOW.after(WIDTH));
    assert_eq!(window.held(&ALICE), 1, "still in the window");
    window.expire(NOW.after(WIDTH + seconds(1)));
    assert_eq!(window.held(&ALICE), 0);
    assert_eq!(window.check_and_insert(ALICE, NOW, nonce(1), NOW.after(WIDTH + seconds(1))), Err(Reject::Stale));
}

/// The wall clock leaps ahead, the nonce leaves, the clock steps back: the frame lies in the window again.
#[test]
fn a_clock_that_steps_back_revives_no_frame() {
    let mut window = window();
    assert_eq!(window.check_and_insert(ALICE, NOW, nonce(1), NOW), Ok(()));
    let ahead = NOW.after(seconds(3600));
    assert_eq!(window.check_and_insert(ALICE, ahead, nonce(2), ahead), Ok(()));
    assert_eq!(window.held(&ALICE), 1, "the first nonce has left");
    assert_eq!(window.check_and_insert(ALICE, NOW, nonce(1), NOW), Err(Reject::Stale));
    assert_eq!(window.check_and_insert(ALICE, ahead, nonce(2), ahead), Err(Reject::Replayed));
    assert_eq!(window.check_and_insert(ALICE, NOW.after(seconds(1)), nonce(3), NOW), Ok(()), "new frames are taken");
}

#[test]
fn a_full_window_moves_its_bound_and_forgets_nothing_above_it() {
    let mut window = window();
    let sent = |n: usize| NOW.after(Duration::from_millis(n as u64));
    for n in 0..MAX_NONCES_PER_SENDER {
        assert_eq!(window.check_and_insert(ALICE, sent(n), nonce(n), NOW), Ok(()));
    }
    let full = MAX_NONCES_PER_SENDER;
    assert_eq!(window.held(&ALICE), full);
    assert_eq!(
        window.check_and_insert(ALICE, sent(0), nonce(full), NOW),
        Err(Reject::Stale),
        "no newer than the oldest"
    );
    assert_eq!(
        window.check_and_insert(ALICE, sent(0), nonce(0), NOW),
        Err(Reject::Replayed),
        "and nothing was let go"
    );

    assert_eq!(window.check_and_insert(ALICE, sent(full), nonce(full), NOW), Ok(()));
    assert_eq!(window.held(&ALICE), full);
    assert_eq!(window.check_and_insert(ALICE, sent(0), nonce(0), NOW), Err(Reject::Stale), "made room");
    for n in 1..=full {
        assert_eq!(window.check_and_insert(ALICE, sent(n), nonce(n), NOW), Err(Reject::Replayed));
    }
    assert_eq!(window.check_and_insert(BOB, NOW, nonce(0), NOW), Ok(()), "others have windows of their own");
}

#[test]
fn frames_of_one_instant_make_room_together() {
    let mut window = window();
    for n in 0..MAX_NONCES_PER_SENDER {
        assert_eq!(window.check_and_insert(ALICE, NOW, nonce(n), NOW), Ok(()));
    }
    let later = NOW.after(Duration::from_millis(1));
    assert_eq!(window.check_and_insert(ALICE, later, nonce(MAX_NONCES_PER_SENDER), NOW), Ok(()));
    assert_eq!(window.held(&ALICE), 1);
    assert_eq!(window.check_and_insert(ALICE, NOW, nonce(0), NOW), Err(Reject::Stale));
}

mod law {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever order frames and clock readings come in, no frame is taken twice.
        #[test]
        fn no_frame_is_taken_twice(steps in prop::collection::vec((0..40_u64, 0..6_usize, 0..400_u64), 1..200)) {
            let mut window = window();
            let mut taken = BTreeSet::new();
            for (sent, n, now) in steps {
                let (sent, now) = (NOW.after(seconds(sent * 10)), NOW.after(seconds(now)));
                if window.check_and_insert(ALICE, sent, nonce(n), now).is_ok() {
                    prop_assert!(taken.insert((sent, n)), "taken twice: {sent}, nonce {n}");
                }
            }
        }
    }
}
