//! A signing key goes forward only: published, active, retired, gone. None signs before caches had time to learn of it, and
//! none signs again, not even on a disk that was put back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use symbolon_core::state::{KeyStage, NodeRecord, PublishedKey, View};

use super::{Check, Continuity, End, Moment, Sight};

type Kid = Arc<str>;

#[derive(Default)]
pub(super) struct Stages {
    /// The furthest stage of each own key on each disk, and since when the key is published there.
    own: BTreeMap<usize, BTreeMap<Kid, (Stage, u64)>>,
    /// The keys of others that each node has seen retired.
    retired: BTreeMap<usize, BTreeSet<Kid>>,
    /// What each node signs with now.
    signers: BTreeMap<usize, Option<Kid>>,
    broken: BTreeSet<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Upcoming,
    Active,
    Over,
}

fn stage(key: &PublishedKey) -> Stage {
    match key.stage {
        KeyStage::Upcoming => Stage::Upcoming,
        KeyStage::Active => Stage::Active,
        KeyStage::Retiring(_) => Stage::Over,
    }
}

impl Stages {
    fn own_record(&mut self, moment: Moment<'_>, own: &NodeRecord) -> Result<(), String> {
        let known = self.own.entry(moment.node).or_default();
        let takes_over = own.token_keys.iter().any(|key| {
            stage(key) == Stage::Over && known.get(&key.kid).is_some_and(|(before, _)| *before == Stage::Active)
        });
        for key in &own.token_keys {
            let (before, since_ms) = known.get(&key.kid).copied().unwrap_or((Stage::Upcoming, moment.at_ms));
            let now = stage(key);
            if now < before {
                return Err(format!("key {} is {:?} again", &key.kid[..6], key.stage));
            }
            let cached_ms = moment.plan.tokens.config().jwks_max_age.as_millis() as u64;
            let begins = before == Stage::Upcoming && now == Stage::Active;
            if begins && takes_over && moment.at_ms - since_ms < cached_ms {
                let known_ms = moment.at_ms - since_ms;
                return Err(format!("key {} signs, and is published for {known_ms} ms", &key.kid[..6]));
            }
            known.insert(key.kid.clone(), (now, since_ms));
        }
        let names = |kid: &Kid| own.token_keys.iter().any(|key| key.kid == *kid);
        known.iter_mut().filter(|(kid, _)| !names(kid)).for_each(|(_, (stage, _))| *stage = Stage::Over);
        Ok(())
    }

    fn others(&mut self, moment: Moment<'_>, view: &View) {
        let seen = self.retired.entry(moment.node).or_default();
        for record in view.nodes.values().filter(|record| record.node != view.identity.node) {
            let over = record.token_keys.iter().filter(|key| stage(key) == Stage::Over);
            seen.extend(over.map(|key| key.kid.clone()));
        }
    }
}

impl Check for Stages {
    fn name(&self) -> &'static str {
        "stages"
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Booted { disk: Continuity::Broken, .. } => {
                self.broken.insert(moment.node);
                self.own.remove(&moment.node);
                self.retired.remove(&moment.node);
            }
            Sight::Published { before, after, .. } => {
                self.signers.insert(moment.node, after.signer.as_ref().map(|signer| signer.kid.clone()));
                if before.nodes.ptr_eq(&after.nodes) {
                    return Ok(());
                }
                self.others(moment, after);
                if let Some(own) = after.nodes.get(&after.identity.node) {
                    return self.own_record(moment, own);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        for standing in end.nodes.iter().filter(|_| end.converged_ms.is_some()) {
            let Some(Some(signer)) = self.signers.get(&standing.node) else { continue };
            let witness = end.nodes.iter().find(|other| {
                !self.broken.contains(&other.node)
                    && self.retired.get(&other.node).is_some_and(|retired| retired.contains(signer))
            });
            if let Some(witness) = witness {
                let (place, other) = (standing.node + 1, witness.node + 1);
                return Err(format!("n{place} signs with key {}, which n{other} saw retired", &signer[..6]));
            }
        }
        Ok(())
    }
}
