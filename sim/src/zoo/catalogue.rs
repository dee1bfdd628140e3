//! The catalogue: what each planted bug leaves out, where the rule comes from, and a seed that notices.

use symbolon_core::zoo::Bug;

use crate::worlds::quick::Planted;

/// A planted bug.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name on the command line.
    pub name: &'static str,
    /// The bug.
    pub planted: Planted,
    /// What happens since the rule is left out.
    pub does: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
    /// A seed that noticed it when this line was written: where a search begins that shall be short.
    pub seed: u64,
}

const fn member(name: &'static str, planted: Planted, seed: u64, does: &'static str, source: &'static str) -> Member {
    Member { name, planted, does, source, seed }
}

/// All of them.
pub const MEMBERS: &[Member] = &[
    member(
        "no-deep-path",
        Planted::Core(Bug::NoDeepPath),
        0,
        "A peer below the floor gets what changed, and is not told to let go of anything.",
        "mutants.py: no deep path",
    ),
    member(
        "vector-commits-early",
        Planted::Core(Bug::VectorCommitsEarly),
        0,
        "The vector of a delta is taken with its first part.",
        "mutants.py: vector commits before the last part",
    ),
    member(
        "parts-as-they-come",
        Planted::Core(Bug::PartsAsTheyCome),
        0,
        "The parts of a delta are applied as they come, the vector with the last.",
        "mutants.py: parts are applied as they come",
    ),
    member(
        "seen-may-come-back",
        Planted::Core(Bug::SeenMayComeBack),
        0,
        "A merge asks the cell alone what was seen here, not the vector.",
        "mutants.py: what was seen and is gone may come back",
    ),
    member(
        "shallow-context",
        Planted::Core(Bug::ShallowContext),
        0,
        "A write keeps no more context than what it replaces.",
        "mutants.py: context holds direct predecessors only",
    ),
    member(
        "incarnation-kept",
        Planted::Core(Bug::IncarnationKept),
        0,
        "A boot keeps the incarnation of the disk.",
        "mutants.py: incarnation kept over a boot",
    ),
    member(
        "former-life-acknowledges",
        Planted::Core(Bug::FormerLifeAcknowledges),
        0,
        "What a former life of a peer acknowledged counts for the present one.",
        "mutants.py: fold on acknowledgements older than the retirement (acknowledgements of lives, since nothing folds yet)",
    ),
    member(
        "tombstones-dropped-early",
        Planted::Core(Bug::TombstonesDroppedEarly),
        0,
        "Empty cells leave before the peers have acknowledged them, and no floor says so.",
        "mutants.py: fold without agreement (removals, since nothing folds yet)",
    ),
    member(
        "sender-vector-ignored",
        Planted::Core(Bug::SenderVectorIgnored),
        0,
        "A merge asks the sender's cell alone what was seen there, not the sender's vector.",
        "mutants.py: merge ignores the sender's vector and folds",
    ),
    member(
        "moving-view",
        Planted::Core(Bug::MovingView),
        0,
        "The parts of a delta are read from the store as it moves on.",
        "mutants.py: parts read from a moving view",
    ),
    member(
        "vector-read-late",
        Planted::Core(Bug::VectorReadLate),
        0,
        "The vector of a delta is read when a part goes out.",
        "mutants.py: vector read later than the parts",
    ),
    member(
        "deep-deletes-by-absence",
        Planted::Core(Bug::DeepDeletesByAbsence),
        0,
        "The deep path deletes whatever the sender does not hold, seen or not.",
        "DESIGN 4.1: deletes cannot come back",
    ),
    member(
        "floor-lost",
        Planted::Core(Bug::FloorLost),
        0,
        "Dropping a removed cell does not raise the floor.",
        "DESIGN 4.1: the floor",
    ),
    member(
        "tombstones-kept",
        Planted::Core(Bug::TombstonesKept),
        0,
        "Removed cells are never dropped.",
        "DESIGN 4.1: deletes cannot come back; TESTBED 3: bounded state",
    ),
    member(
        "order-of-arrival",
        Planted::Core(Bug::OrderOfArrival),
        0,
        "Of concurrent writes the one that arrives last is kept.",
        "TESTBED 3: merge order",
    ),
    member(
        "last-writer-wins",
        Planted::Core(Bug::LastWriterWins),
        0,
        "Of concurrent writes the one with the latest stamp is kept.",
        "TESTBED 3: last writer wins by wall clock",
    ),
    member(
        "counter-from-cells",
        Planted::Core(Bug::CounterFromCells),
        0,
        "The next dot follows the greatest that a cell holds, not the vector.",
        "TESTBED 3: dot reuse",
    ),
    member(
        "clock-not-hybrid",
        Planted::Core(Bug::ClockNotHybrid),
        0,
        "Stamps from elsewhere do not move the clock of ops.",
        "DESIGN 4.4: time",
    ),
    member(
        "digest-keeps-the-dead",
        Planted::Core(Bug::DigestKeepsTheDead),
        0,
        "What is replaced stays in the digest.",
        "DESIGN 4.1: digests and scrub",
    ),
    member(
        "your-life-ignored",
        Planted::Core(Bug::YourLifeIgnored),
        0,
        "What was meant for a former life of this node is taken.",
        "PROTOCOL: lives",
    ),
    member(
        "presumed-is-said",
        Planted::Core(Bug::PresumedIsSaid),
        0,
        "What a peer is presumed to hold counts as said by it.",
        "DESIGN 4.1: vectors and deltas",
    ),
    member(
        "older-record-wins",
        Planted::Core(Bug::OlderRecordWins),
        0,
        "Of two records of a node the one that comes last is kept.",
        "DESIGN 4.3: signed records",
    ),
    member(
        "heartbeat-never",
        Planted::Core(Bug::HeartbeatNever),
        0,
        "A peer that seems equal is never asked again.",
        "DESIGN 5: gossip",
    ),
    member(
        "never-skips",
        Planted::Core(Bug::NeverSkips),
        0,
        "A peer that is known to be equal is asked all the time.",
        "DESIGN 5: gossip",
    ),
    member(
        "backoff-without-end",
        Planted::Core(Bug::BackoffWithoutEnd),
        0,
        "A peer that failed three times is left alone for an hour.",
        "DESIGN 5: gossip",
    ),
    member(
        "caller-forgotten",
        Planted::Core(Bug::CallerForgotten),
        0,
        "A caller for whom peers are asked in vain is not answered.",
        "DESIGN 3: the one machine",
    ),
    member(
        "signature-unchecked",
        Planted::Core(Bug::SignatureUnchecked),
        0,
        "A frame is opened whatever its signature.",
        "RFC 5652, section 5.6",
    ),
    member(
        "nonces-forgotten",
        Planted::Core(Bug::NoncesForgotten),
        0,
        "A frame is taken as often as it comes.",
        "DESIGN 6: envelope",
    ),
    member(
        "replay-window-off-by-one",
        Planted::Core(Bug::ReplayWindowOffByOne),
        0,
        "What was sent at the very edge of the window is taken.",
        "TESTBED 3: replay window off by one",
    ),
    member(
        "letter-in-clear",
        Planted::Core(Bug::LetterInClear),
        0,
        "The letter in a frame is not encrypted.",
        "RFC 5083",
    ),
    member(
        "secret-in-row",
        Planted::Core(Bug::SecretInRow),
        0,
        "Private keys are written to the disk as they are.",
        "TESTBED 3: private keys occur nowhere",
    ),
    member(
        "kid-reused",
        Planted::Core(Bug::KidReused),
        0,
        "A rotation takes a retired key again.",
        "TESTBED 3: kid never reused",
    ),
    member(
        "key-forgotten-early",
        Planted::Core(Bug::KeyForgottenEarly),
        0,
        "A retired key is dropped at once, before its last token expires.",
        "DESIGN 8: tokens and keys",
    ),
    member(
        "sign-before-publish",
        Planted::Core(Bug::SignBeforePublish),
        0,
        "A new key signs before its caches' time is over.",
        "DESIGN 8: tokens and keys",
    ),
    member(
        "retired-key-revived",
        Planted::Core(Bug::RetiredKeyRevived),
        0,
        "A restored disk's keys sign again, whatever became of them since.",
        "TESTBED 3: a restored disk revives no retired key",
    ),
    member(
        "skew-forgotten",
        Planted::Core(Bug::SkewForgotten),
        0,
        "A token of a clock that runs ahead is refused.",
        "RFC 7519, section 4.1.5",
    ),
    member(
        "expiry-with-leeway",
        Planted::Core(Bug::ExpiryWithLeeway),
        0,
        "An expired token is good for the clock budget longer.",
        "RFC 7519, section 4.1.4",
    ),
    member(
        "alg-none-accepted",
        Planted::Core(Bug::AlgNoneAccepted),
        0,
        "A token that says `none` needs no signature.",
        "RFC 8725, section 3.2",
    ),
    member(
        "issuer-unchecked",
        Planted::Core(Bug::IssuerUnchecked),
        0,
        "A token of another issuer is taken.",
        "RFC 9068, section 4",
    ),
    member(
        "revocation-purged-early",
        Planted::Core(Bug::RevocationPurgedEarly),
        0,
        "Revocations leave an epoch before what they revoke has expired.",
        "DESIGN 4.2: expiring sets",
    ),
    member(
        "revocation-not-stored",
        Planted::Core(Bug::RevocationNotStored),
        0,
        "Revocations are not written to the disk.",
        "DESIGN 4.2: expiring sets",
    ),
    member(
        "deny-loses",
        Planted::Core(Bug::DenyLoses),
        0,
        "Deleting a client removes it, and denies nothing.",
        "DESIGN 4.1: deny wins",
    ),
    member(
        "send-before-durable",
        Planted::SendBeforeDurable,
        0,
        "A write counts as durable when it is asked for.",
        "DESIGN 3: durability is a correspondence",
    ),
    member(
        "lose-writes",
        Planted::LoseWrites,
        0,
        "The disk acknowledges some writes and loses them.",
        "DESIGN 9: the store",
    ),
    member(
        "rewind-entropy",
        Planted::RewindEntropy,
        0,
        "A disk that is exchanged takes the node's entropy back with it.",
        "DESIGN 3: randomness",
    ),
    member("pin-strangers", Planted::PinStrangers, 0, "Members pin a node that nobody invited.", "TESTBED 3: an outsider's bytes change nothing"),
];
