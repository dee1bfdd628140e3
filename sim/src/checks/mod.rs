//! Checks: what must hold of every run, one file each. They watch from outside, and change nothing.

mod answers;
mod convergence;
mod denials;
mod digests;
mod dots;
mod facts;
mod frames;
mod keys;
mod kinds;
mod laws;
mod lies;
mod quiet;
mod removals;
mod revocation;
mod ring;
mod secrets;
mod stages;
mod strangers;
mod tokens;
mod truth;
mod vector;
mod verdicts;

use std::sync::Arc;

use symbolon_core::crdt::{Dot, Incarnation};
use symbolon_core::replica::{CallId, Fact, Reply, Request, Row};
use symbolon_core::state::{Key, View};
use symbolon_core::time::Wall;

use crate::history::{History, Kind};
use crate::model::Batch;
use crate::plan::Plan;

pub use kinds::Kinds;

/// What a check sees.
pub enum Sight<'a> {
    /// A node began a life: what its disk gave back.
    Booted {
        /// Everything that was on the disk.
        view: &'a Arc<View>,
        /// Whether the disk is the one that it had.
        disk: Continuity,
    },
    /// A life ended.
    Ended,
    /// A batch goes to the disk.
    Wrote(Batch<'a>),
    /// A batch is durable.
    Landed(&'a [Row]),
    /// A view is published.
    Published {
        /// The one before.
        before: &'a Arc<View>,
        /// This one.
        after: &'a Arc<View>,
        /// By the node's own clock.
        wall: Wall,
    },
    /// Bytes leave for a peer.
    Sent(&'a [u8]),
    /// A request leaves for a peer.
    Requested {
        /// A hash of all its bytes.
        name: u64,
        /// By the sender's clock.
        wall: Wall,
    },
    /// A request of a peer was not refused.
    Took {
        /// A hash of all its bytes, as they came.
        name: u64,
        /// By the receiver's clock.
        wall: Wall,
        /// When the receiver's life began, by its clock.
        began: Wall,
    },
    /// A caller asked.
    Asked(CallId),
    /// And this is what he asked for.
    Wanted {
        /// Which call.
        call: CallId,
        /// For what.
        request: &'a Request,
    },
    /// A caller is answered.
    Answered {
        /// Which.
        call: CallId,
        /// What he hears.
        reply: &'a Reply,
        /// What is published at that moment.
        view: &'a Arc<View>,
    },
    /// Something was noted.
    Noted(&'a Fact),
    /// A token was issued.
    Issued(&'a Minted),
    /// A token was judged by its bearer's resource server.
    Judged {
        /// Which.
        token: &'a Minted,
        /// Whether it was found good.
        active: bool,
        /// On which view.
        view: &'a Arc<View>,
        /// By the node's own clock.
        wall: Wall,
    },
    /// A token that somebody made up was shown to a resource server.
    Forged {
        /// What is wrong with it, as in "a token that nobody signed".
        what: &'static str,
        /// Whether it was found good.
        accepted: bool,
    },
    /// A member signed a lie, for this node. It has not arrived yet.
    Lied {
        /// The name of its frame.
        name: u64,
        /// What it is.
        lie: &'a Lie,
    },
    /// This node began with the identity of another one, while that runs on.
    Cloned,
    /// New secrets, which nobody may see.
    Secrets(&'a [[u8; 32]]),
}

/// What a hostile member says.
#[derive(Clone, Debug)]
pub struct Lie {
    /// In words, as in "a frame was taken that claims a change of n1".
    pub what: String,
    /// The key that it writes.
    pub key: Key,
    /// The change that it claims.
    pub dot: Dot,
    /// Whether it can be told from the truth where it arrives.
    pub shows: Shows,
    /// The life of its receiver that it speaks to; to another one it says nothing.
    pub to: Incarnation,
}

/// Who can tell a lie from the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// Everybody.
    Always,
    /// Whose clock is so far behind this stamp that no clock in budget gave it.
    To(Wall),
    /// Nobody who hears it alone; what it does shows later.
    Never,
}

/// A token that was issued.
#[derive(Clone, Debug)]
pub struct Minted {
    /// The token.
    pub token: String,
    /// Its name in the plan.
    pub name: String,
    /// Its client.
    pub client: String,
    /// The issuer's place.
    pub issuer: usize,
    /// The key that signed it.
    pub kid: Arc<str>,
    /// When it expires, by the issuer's clock.
    pub expires: Wall,
    /// The `jti`.
    pub id: symbolon_core::state::RevokedId,
}

/// What became of a disk between two lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuity {
    /// The same, perhaps without what was never acknowledged.
    Kept,
    /// An older copy, or an empty one.
    Broken,
}

/// Where and when something is seen.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// True time.
    pub at_ms: u64,
    /// The node's place.
    pub node: usize,
    /// The plan.
    pub plan: &'a Plan,
}

impl<'a> Moment<'a> {
    /// The node, as the plan calls it.
    pub fn name(&self) -> &'a str {
        &self.plan.nodes[self.node]
    }
}

/// A node at the end.
pub struct Standing<'a> {
    /// Its place.
    pub node: usize,
    /// What it published when all agreed, or at the end of the bound for that.
    pub view: &'a Arc<View>,
    /// Its clock then.
    pub wall: Wall,
    /// What it publishes now, after the quiet time.
    pub latest: &'a Arc<View>,
}

/// The end of a run: the nodes that healed.
pub struct End<'a> {
    /// True time.
    pub at_ms: u64,
    /// The plan.
    pub plan: &'a Plan,
    /// The nodes that healed.
    pub nodes: &'a [Standing<'a>],
    /// Every token that was issued.
    pub tokens: &'a [Minted],
    /// The true time at which the nodes stood so.
    pub stood_ms: u64,
    /// When they agreed, if they did.
    pub converged_ms: Option<u64>,
    /// What went on in the quiet time, if nothing disturbed it.
    pub quiet: Option<Calm>,
}

/// A time in which no caller wants anything of nodes that agree.
#[derive(Clone, Copy, Debug)]
pub struct Calm {
    /// How long it was.
    pub span_ms: u64,
    /// Requests of the nodes that healed, whether or not anybody heard them.
    pub asked: u64,
    /// Frames that arrived, requests and replies.
    pub delivered: u64,
}

impl End<'_> {
    /// A node, as the plan calls it.
    pub fn name(&self, place: usize) -> &str {
        &self.plan.nodes[place]
    }
}

/// One invariant.
pub trait Check {
    /// Its stable name.
    fn name(&self) -> &'static str;

    /// The kinds of sights that it looks at: for others it is not called.
    fn watches(&self) -> Kinds;

    /// Something happened.
    ///
    /// # Errors
    /// What is wrong.
    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        let _ = (moment, sight);
        Ok(())
    }

    /// The run is over.
    ///
    /// # Errors
    /// What is wrong.
    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        let _ = end;
        Ok(())
    }
}

/// A check that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The check.
    pub check: &'static str,
    /// When, in true time.
    pub at_ms: u64,
    /// Where, if at one node.
    pub node: Option<usize>,
    /// What was wrong. Ids stand in it as they are, so that what they name can be looked up; see [`Failure::in_names`].
    pub what: String,
}

impl Failure {
    /// The same in the names of the plan, as the history of the run tells it.
    pub fn in_names(self, history: &History) -> Failure {
        match history.failure().map(|entry| &entry.kind) {
            Some(Kind::Failed { check, what }) if *check == self.check => Failure { what: what.clone(), ..self },
            _ => self,
        }
    }
}

/// What the search for secrets is drawn for.
const SCAN: u64 = 60;
/// Plans whose frames are searched for secrets: all that were written, and so many of a thousand that were drawn.
const SCANNED: u64 = 5;

/// Whether the frames of this plan are searched for secrets; then they have to be what real nodes send.
pub fn scans(plan: &Plan) -> bool {
    !plan.forgiving || crate::plan::Chance::of(plan.seed, SCAN).permille(SCANNED)
}

/// The same for rows of disks, which are what real nodes write in any plan.
const ROWS_SCANNED: u64 = 125;

fn scans_rows(plan: &Plan) -> bool {
    scans(plan) || crate::plan::Chance::of(plan.seed, SCAN).at(1).permille(ROWS_SCANNED)
}

/// All checks of one run.
pub struct Checks {
    all: Vec<Box<dyn Check>>,
    /// The places of those that look at a kind of sights, by its place among the kinds.
    watching: [Vec<usize>; Kinds::COUNT],
    failure: Option<Failure>,
}

impl Checks {
    /// All of them, for a run of so many nodes.
    pub fn new(plan: &Plan) -> Checks {
        let all: Vec<Box<dyn Check>> = vec![
            Box::new(convergence::Convergence),
            Box::new(lies::Lies::new(plan)),
            Box::new(truth::Truth::new(plan.nodes.len())),
            Box::new(dots::Dots::default()),
            Box::new(vector::Vector::new(plan.nodes.len())),
            Box::new(digests::Digests::default()),
            Box::new(revocation::Revocation::new(plan.nodes.len())),
            Box::new(tokens::Tokens::default()),
            Box::new(verdicts::Verdicts),
            Box::new(denials::Denials::default()),
            Box::new(keys::Keys::default()),
            Box::new(stages::Stages::default()),
            Box::new(ring::Ring::default()),
            Box::new(strangers::Strangers::default()),
            Box::new(frames::Frames::default()),
            Box::new(facts::Facts),
            Box::new(answers::Answers::new(plan.nodes.len())),
            Box::new(quiet::Quiet),
            Box::new(removals::Removals),
            Box::new(laws::Laws::default()),
            Box::new(secrets::Secrets::new(plan)),
        ];
        let watching = std::array::from_fn(|kind| {
            let watches = |place: &usize| all[*place].watches().holds(kind);
            (0..all.len()).filter(watches).collect()
        });
        Checks { all, watching, failure: None }
    }

    /// Shows something to all of them; the first failure stays.
    pub fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) {
        if self.failure.is_some() {
            return;
        }
        for place in &self.watching[Kinds::of(sight).place()] {
            let check = &mut self.all[*place];
            if let Err(what) = check.see(moment, sight) {
                let (check, node) = (check.name(), Some(moment.node));
                self.failure = Some(Failure { check, at_ms: moment.at_ms, node, what });
                return;
            }
        }
    }

    /// Something did not hold that is no check of this list; the first failure stays.
    pub fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    /// Asks all of them at the end.
    pub fn end(&mut self, end: &End<'_>) {
        if self.failure.is_some() {
            return;
        }
        for check in &mut self.all {
            if let Err(what) = check.end(end) {
                self.failure = Some(Failure { check: check.name(), at_ms: end.at_ms, node: None, what });
                return;
            }
        }
    }

    /// What did not hold.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}
