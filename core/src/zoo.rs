//! The zoo: rules of this crate that can be left out one at a time, to prove that some check would notice. Without the feature
//! `zoo` nothing can be planted and [`on`] is always false, so that a build that serves pays nothing for its hooks.

/// A rule that is left out. Each is one line where the rule is kept; what catches it is told in the testbed's catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the catalogue says in a sentence what each leaves out")]
pub enum Bug {
    // The dotted store.
    NoDeepPath,
    DeepDeletesByAbsence,
    SeenMayComeBack,
    SenderVectorIgnored,
    ShallowContext,
    OrderOfArrival,
    LastWriterWins,
    CounterFromCells,
    ClockNotHybrid,
    FloorLost,
    TombstonesDroppedEarly,
    TombstonesKept,
    DigestKeepsTheDead,
    DigestOfKeysAlone,
    // Units.
    VectorCommitsEarly,
    PartsAsTheyCome,
    /// Planted beside [`Bug::PartsAsTheyCome`], around one merge: cells are applied, and the vector stays.
    VectorHeldBack,
    MovingView,
    VectorReadLate,
    NeedlessUnitAwaited,
    CutsShareANumber,
    // Lives, peers and rounds.
    IncarnationKept,
    FormerLifeAcknowledges,
    YourLifeIgnored,
    PresumedIsSaid,
    OlderRecordWins,
    VersionsUntold,
    HeartbeatNever,
    NeverSkips,
    BackoffWithoutEnd,
    CallerForgotten,
    // Frames.
    SignatureUnchecked,
    NoncesForgotten,
    ReplayWindowOffByOne,
    LetterInClear,
    SecretInRow,
    // Members that lie.
    MarksUnverified,
    StampsUnjudged,
    AlarmSilent,
    CloneGoesOn,
    // Keys.
    KidReused,
    KeyForgottenEarly,
    SignBeforePublish,
    RetiredKeyRevived,
    LaterLifeUnheard,
    SignerUnlisted,
    RingUnannounced,
    // Tokens.
    SkewForgotten,
    ExpiryWithLeeway,
    AlgNoneAccepted,
    IssuerUnchecked,
    RevocationPurgedEarly,
    RevocationNotStored,
    RevocationUnread,
    DenyLoses,
}

#[cfg(not(feature = "zoo"))]
mod planted {
    /// Whether this rule is left out: never.
    #[inline(always)]
    pub const fn on(_: super::Bug) -> bool {
        false
    }

    /// Does it, with every rule kept.
    #[inline(always)]
    pub fn beside<T>(_: super::Bug, _: bool, act: impl FnOnce() -> T) -> T {
        act()
    }
}

#[cfg(feature = "zoo")]
mod planted {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<(Option<Bug>, Option<Bug>)> = const { Cell::new((None, None)) };
    }

    /// Leaves out a rule on this thread, or none any more.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set((bug, None));
    }

    /// Whether this rule is left out.
    pub fn on(bug: Bug) -> bool {
        let (planted, beside) = PLANTED.get();
        planted == Some(bug) || beside == Some(bug)
    }

    /// Does it while this rule is left out too, if `also`.
    pub fn beside<T>(bug: Bug, also: bool, act: impl FnOnce() -> T) -> T {
        let before = PLANTED.get();
        if also {
            PLANTED.set((before.0, Some(bug)));
        }
        let done = act();
        PLANTED.set(before);
        done
    }
}

pub use planted::*;
