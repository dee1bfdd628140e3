//! A signing key goes forward only: published, active, retired, gone. None signs before caches had time to learn of it, none
//! goes before its last token has expired, and none signs again, not even on a disk that was put back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use symbolon_core::state::{KeyStage, PublishedKey, View};
use symbolon_core::time::Wall;

use super::{Check, Continuity, End, Kinds, Moment, Sight};
use crate::history::names;

type Kid = Arc<str>;

#[derive(Default)]
pub(super) struct Stages {
    /// The own keys of each disk.
    own: BTreeMap<usize, BTreeMap<Kid, Life>>,
    /// The keys of others that each node has seen retired.
    retired: BTreeMap<usize, BTreeSet<Kid>>,
    broken: BTreeSet<usize>,
    /// Keys that came with an older copy of a disk. They may turn out to be over at any time, and then the next one cannot wait.
    restored: BTreeSet<Kid>,
}

#[derive(Clone, Copy)]
struct Life {
    /// The furthest that it came.
    stage: Stage,
    /// Since when it is published.
    since_ms: u64,
    /// Until when it is needed, once it is retired.
    until: Option<Wall>,
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
    fn own_record(&mut self, moment: Moment<'_>, view: &View, wall: Wall) -> Result<(), String> {
        let Some(own) = view.nodes.get(&view.identity.node) else { return Ok(()) };
        let known = self.own.entry(moment.node).or_default();
        let signed = |kid: &Kid| {
            let was_active = known.get(kid).is_some_and(|life| life.stage == Stage::Active);
            was_active && !self.restored.contains(kid)
        };
        let takes_over = own.token_keys.iter().any(|key| stage(key) == Stage::Over && signed(&key.kid));
        let tokens = moment.plan.tokens.config();
        for key in &own.token_keys {
            let new = Life { stage: Stage::Upcoming, since_ms: moment.at_ms, until: None };
            let before = known.get(&key.kid).copied().unwrap_or(new);
            let (now, known_ms) = (stage(key), moment.at_ms - before.since_ms);
            if now < before.stage {
                return Err(format!("{} is {} again", key.kid, names::stage(key.stage)));
            }
            let begins = before.stage == Stage::Upcoming && now == Stage::Active;
            if begins && takes_over && known_ms < tokens.jwks_max_age.as_millis() as u64 {
                return Err(format!("{} signs, and is published for {known_ms} ms", key.kid));
            }
            let until = match key.stage {
                KeyStage::Retiring(until) => Some(until),
                KeyStage::Upcoming | KeyStage::Active => None,
            };
            let last = wall.after(tokens.access_ttl);
            if before.stage == Stage::Active
                && let Some(early) = until.filter(|until| *until < last)
            {
                let early_ms = last.distance(early).as_millis();
                return Err(format!("{} goes {early_ms} ms before its last token has expired", key.kid));
            }
            known.insert(key.kid.clone(), Life { stage: now, until, ..before });
        }
        let names = |kid: &Kid| own.token_keys.iter().any(|key| key.kid == *kid);
        for (kid, life) in known.iter_mut().filter(|(kid, _)| !names(kid)) {
            let needed = life.stage == Stage::Active || life.until.is_some_and(|until| until > wall);
            if needed && !view.key_is_withdrawn(kid) && !self.broken.contains(&moment.node) {
                return Err(format!("{} is gone before its last token has expired", kid));
            }
            (life.stage, life.until) = (Stage::Over, None);
        }
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

    fn watches(&self) -> Kinds {
        Kinds::BOOTED | Kinds::PUBLISHED
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Booted { view, disk: Continuity::Broken } => {
                let own = view.nodes.get(&view.identity.node).into_iter().flat_map(|record| &record.token_keys);
                self.restored.extend(own.map(|key| key.kid.clone()));
                self.broken.insert(moment.node);
                self.own.remove(&moment.node);
                self.retired.remove(&moment.node);
            }
            Sight::Published { before, after, wall } => {
                if before.nodes.ptr_eq(&after.nodes) {
                    return Ok(());
                }
                self.others(moment, after);
                return self.own_record(moment, after, *wall);
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        for standing in end.nodes.iter().filter(|_| end.converged_ms.is_some()) {
            let Some(signer) = standing.latest.signer.as_ref().map(|signer| &signer.kid) else { continue };
            let witness = end.nodes.iter().find(|other| {
                !self.broken.contains(&other.node)
                    && self.retired.get(&other.node).is_some_and(|retired| retired.contains(signer))
            });
            if let Some(witness) = witness {
                let (place, other) = (end.name(standing.node), end.name(witness.node));
                return Err(format!("{place} signs with {signer}, which {other} saw retired"));
            }
        }
        Ok(())
    }
}
