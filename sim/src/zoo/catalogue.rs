//! The catalogue: what each planted bug leaves out, where the rule comes from, and a seed that notices.

use symbolon_core::zoo::Bug;

use crate::plan::Plan;
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
    /// Where the rule comes from: a standard, the model of the dotted store that leaves out one rule at a time, the design, or a
    /// promise that a check holds the project to.
    pub source: &'static str,
    /// What notices it.
    pub shown: Shown,
}

/// What notices a bug.
#[derive(Clone, Copy, Debug)]
pub enum Shown {
    /// Random seeds. This one did when this line was written: where a search begins that shall be short.
    BySeeds(u64),
    /// A plan of its own: the history that shows it is so rare that random seeds meet it once in thousands.
    ByPlan(&'static Directed),
}

/// A plan that is kept because it shows a rare history.
#[derive(Debug)]
pub struct Directed {
    /// Its file.
    pub file: &'static str,
    text: &'static str,
}

impl Directed {
    /// The plan.
    pub fn plan(&self) -> Plan {
        Plan::parse(self.file, self.text).expect("a test runs every scenario and every regression")
    }
}

const fn member(name: &'static str, planted: Planted, seed: u64, does: &'static str, source: &'static str) -> Member {
    Member { name, planted, does, source, shown: Shown::BySeeds(seed) }
}

const fn rare(
    name: &'static str,
    planted: Planted,
    directed: &'static Directed,
    does: &'static str,
    source: &'static str,
) -> Member {
    Member { name, planted, does, source, shown: Shown::ByPlan(directed) }
}

macro_rules! scenario {
    ($name:literal) => {
        &Directed {
            file: concat!("scenarios/", $name, ".toml"),
            text: include_str!(concat!("../../../scenarios/", $name, ".toml")),
        }
    };
}

macro_rules! regression {
    ($name:literal) => {
        &Directed {
            file: concat!("scenarios/regressions/", $name, ".toml"),
            text: include_str!(concat!("../../../scenarios/regressions/", $name, ".toml")),
        }
    };
}

/// All of them.
pub const MEMBERS: &[Member] = &[
    member(
        "no-deep-path",
        Planted::Core(Bug::NoDeepPath),
        9,
        "A peer below the floor gets what changed, and is not told to let go of anything.",
        "model: no deep path",
    ),
    member(
        "vector-commits-early",
        Planted::Core(Bug::VectorCommitsEarly),
        2,
        "The vector of a delta is taken with its first part.",
        "model: vector commits before the last part",
    ),
    member(
        "parts-as-they-come",
        Planted::Core(Bug::PartsAsTheyCome),
        2,
        "The parts of a delta are applied as they come, the vector with the last.",
        "model: parts are applied as they come",
    ),
    member(
        "seen-may-come-back",
        Planted::Core(Bug::SeenMayComeBack),
        9,
        "A merge asks the cell alone what was seen here, not the vector.",
        "model: what was seen and is gone may come back",
    ),
    member(
        "shallow-context",
        Planted::Core(Bug::ShallowContext),
        0,
        "A write keeps the context of what is live alone, so that a removal leaves nothing behind.",
        "model: context holds direct predecessors only",
    ),
    member(
        "incarnation-kept",
        Planted::Core(Bug::IncarnationKept),
        1,
        "A boot keeps the incarnation of the disk.",
        "model: incarnation kept over a boot",
    ),
    member(
        "former-life-acknowledges",
        Planted::Core(Bug::FormerLifeAcknowledges),
        2,
        "What a former life of a peer acknowledged counts for the present one.",
        "model: fold on acknowledgements older than the retirement (acknowledgements of lives, since nothing folds yet)",
    ),
    member(
        "tombstones-dropped-early",
        Planted::Core(Bug::TombstonesDroppedEarly),
        0,
        "Empty cells leave before the peers have acknowledged them, and no floor says so.",
        "model: fold without agreement (removals, since nothing folds yet)",
    ),
    member(
        "sender-vector-ignored",
        Planted::Core(Bug::SenderVectorIgnored),
        24,
        "A merge asks the sender's cell alone what was seen there, not the sender's vector.",
        "model: merge ignores the sender's vector and folds",
    ),
    member(
        "moving-view",
        Planted::Core(Bug::MovingView),
        1,
        "The parts of a delta are read from the store as it moves on.",
        "model: parts read from a moving view",
    ),
    member(
        "vector-read-late",
        Planted::Core(Bug::VectorReadLate),
        0,
        "The vector of a delta is read when a part goes out.",
        "model: vector read later than the parts",
    ),
    member(
        "deep-deletes-by-absence",
        Planted::Core(Bug::DeepDeletesByAbsence),
        0,
        "The deep path deletes whatever the sender does not hold, seen or not.",
        "design: deletes cannot come back",
    ),
    member(
        "floor-lost",
        Planted::Core(Bug::FloorLost),
        9,
        "Dropping a removed cell does not raise the floor.",
        "design: the floor",
    ),
    member(
        "tombstones-kept",
        Planted::Core(Bug::TombstonesKept),
        3,
        "Removed cells are never dropped.",
        "design: deletes cannot come back; promise: bounded state",
    ),
    member(
        "order-of-arrival",
        Planted::Core(Bug::OrderOfArrival),
        1,
        "Of concurrent writes the one that arrives last is kept.",
        "promise: merge order",
    ),
    member(
        "last-writer-wins",
        Planted::Core(Bug::LastWriterWins),
        1,
        "Of concurrent writes the one with the latest stamp is kept.",
        "promise: last writer wins by wall clock",
    ),
    member(
        "counter-from-cells",
        Planted::Core(Bug::CounterFromCells),
        1,
        "The next dot follows the greatest that a cell holds, not the vector.",
        "promise: dot reuse",
    ),
    member(
        "clock-not-hybrid",
        Planted::Core(Bug::ClockNotHybrid),
        2,
        "Stamps from elsewhere do not move the clock of ops.",
        "design: time",
    ),
    member(
        "digest-keeps-the-dead",
        Planted::Core(Bug::DigestKeepsTheDead),
        0,
        "What is replaced stays in the digest.",
        "design: digests and scrub",
    ),
    member(
        "your-life-ignored",
        Planted::Core(Bug::YourLifeIgnored),
        180,
        "What was meant for a former life of this node is taken.",
        "protocol: lives",
    ),
    member(
        "presumed-is-said",
        Planted::Core(Bug::PresumedIsSaid),
        2,
        "What a peer is presumed to hold counts as said by it.",
        "design: vectors and deltas",
    ),
    member(
        "older-record-wins",
        Planted::Core(Bug::OlderRecordWins),
        2,
        "Of two records of a node the one that comes last is kept.",
        "design: signed records",
    ),
    member(
        "heartbeat-never",
        Planted::Core(Bug::HeartbeatNever),
        11,
        "A peer that seems equal is never asked again.",
        "design: gossip",
    ),
    member(
        "never-skips",
        Planted::Core(Bug::NeverSkips),
        7,
        "A peer that is known to be equal is asked all the time.",
        "design: gossip",
    ),
    member(
        "backoff-without-end",
        Planted::Core(Bug::BackoffWithoutEnd),
        118,
        "A peer that failed three times is left alone for an hour.",
        "design: gossip",
    ),
    member(
        "caller-forgotten",
        Planted::Core(Bug::CallerForgotten),
        0,
        "A caller for whom peers are asked in vain is not answered.",
        "design: the one machine",
    ),
    member(
        "signature-unchecked",
        Planted::Core(Bug::SignatureUnchecked),
        1,
        "A frame is opened whatever its signature.",
        "RFC 5652, section 5.6",
    ),
    member(
        "nonces-forgotten",
        Planted::Core(Bug::NoncesForgotten),
        2,
        "A frame is taken as often as it comes.",
        "design: envelope",
    ),
    member(
        "replay-window-off-by-one",
        Planted::Core(Bug::ReplayWindowOffByOne),
        7,
        "What was sent at the very edge of the window is taken.",
        "promise: replay window off by one",
    ),
    member(
        "letter-in-clear",
        Planted::Core(Bug::LetterInClear),
        208,
        "The letter in a frame is not encrypted.",
        "RFC 5083",
    ),
    member(
        "secret-in-row",
        Planted::Core(Bug::SecretInRow),
        10,
        "Private keys are written to the disk as they are.",
        "promise: private keys occur nowhere",
    ),
    member(
        "kid-reused",
        Planted::Core(Bug::KidReused),
        1,
        "A rotation takes a retired key again.",
        "promise: kid never reused",
    ),
    member(
        "key-forgotten-early",
        Planted::Core(Bug::KeyForgottenEarly),
        1,
        "A retired key is dropped at once, before its last token expires.",
        "design: tokens and keys",
    ),
    member(
        "sign-before-publish",
        Planted::Core(Bug::SignBeforePublish),
        1,
        "A new key signs before its caches' time is over.",
        "design: tokens and keys",
    ),
    member(
        "retired-key-revived",
        Planted::Core(Bug::RetiredKeyRevived),
        214,
        "A restored disk's keys sign again, whatever became of them since.",
        "promise: a restored disk revives no retired key",
    ),
    member(
        "skew-forgotten",
        Planted::Core(Bug::SkewForgotten),
        2,
        "A token of a clock that runs ahead is refused.",
        "RFC 7519, section 4.1.5",
    ),
    member(
        "expiry-with-leeway",
        Planted::Core(Bug::ExpiryWithLeeway),
        4,
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
        1,
        "Revocations leave an epoch before what they revoke has expired.",
        "design: expiring sets",
    ),
    member(
        "revocation-not-stored",
        Planted::Core(Bug::RevocationNotStored),
        1,
        "Revocations are not written to the disk.",
        "design: expiring sets",
    ),
    member(
        "deny-loses",
        Planted::Core(Bug::DenyLoses),
        2,
        "Deleting a client removes it, and denies nothing.",
        "design: deny wins",
    ),
    member(
        "send-before-durable",
        Planted::SendBeforeDurable,
        0,
        "A write counts as durable when it is asked for.",
        "design: durability is a correspondence",
    ),
    member(
        "lose-writes",
        Planted::LoseWrites,
        0,
        "The disk acknowledges some writes and loses them.",
        "design: the store",
    ),
    member(
        "rewind-entropy",
        Planted::RewindEntropy,
        23,
        "A disk that is exchanged takes the node's entropy back with it.",
        "design: randomness",
    ),
    member(
        "pin-strangers",
        Planted::PinStrangers,
        0,
        "Members pin a node that nobody invited.",
        "promise: an outsider's bytes change nothing",
    ),
    member(
        "digest-of-keys-alone",
        Planted::Core(Bug::DigestOfKeysAlone),
        0,
        "The digest covers which keys are live, not what they hold.",
        "design: digests and scrub",
    ),
    member(
        "signer-unlisted",
        Planted::Core(Bug::SignerUnlisted),
        0,
        "A key that becomes active leaves the node's record.",
        "design: tokens and keys",
    ),
    member(
        "ring-unannounced",
        Planted::Core(Bug::RingUnannounced),
        0,
        "A wrapping key that was fetched is never named in the node's record.",
        "design: tokens and keys",
    ),
    member(
        "versions-untold",
        Planted::Core(Bug::VersionsUntold),
        1,
        "Peers are never told which records are held here, so that nobody knows which ones are missing.",
        "protocol: records",
    ),
    member(
        "revocation-unread",
        Planted::Core(Bug::RevocationUnread),
        11,
        "A token is judged without a look at the revocations.",
        "RFC 7662, section 2.2",
    ),
    member(
        "marks-unverified",
        Planted::Core(Bug::MarksUnverified),
        57,
        "A vector entry is believed with any mark that reaches as far, whoever signed it.",
        "design: vectors and deltas",
    ),
    member(
        "stamps-unjudged",
        Planted::Core(Bug::StampsUnjudged),
        57,
        "What a peer says that it did is merged, however far ahead it is stamped.",
        "design: time",
    ),
    rare(
        "needless-unit-awaited",
        Planted::Core(Bug::NeedlessUnitAwaited),
        regression!("units-that-cross"),
        "A delta whose content is held by now is awaited on, and its sender never hears that it is needless.",
        "protocol: deltas",
    ),
    rare(
        "cuts-share-a-number",
        Planted::Core(Bug::CutsShareANumber),
        regression!("two-cuts-of-one-number"),
        "A view that is cut again for another base keeps the number of its first cut.",
        "protocol: deltas",
    ),
    rare(
        "later-life-unheard",
        Planted::Core(Bug::LaterLifeUnheard),
        regression!("restored-key-signs-again"),
        "A record is dropped when the next life of its node answers for all its keys, though one that it retired stands again.",
        "promise: a restored disk revives no retired key",
    ),
    rare(
        "alarm-silent",
        Planted::Core(Bug::AlarmSilent),
        scenario!("two-tongues"),
        "Equal vectors with unequal digests raise no alarm.",
        "design: digests and scrub",
    ),
    rare(
        "clone-goes-on",
        Planted::Core(Bug::CloneGoesOn),
        scenario!("cloned-node"),
        "A node that is superseded again begins another life again, without end.",
        "design: identities",
    ),
];
