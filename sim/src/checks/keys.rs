//! A key is published before it signs, and stays until its last token has expired: what was issued can be verified. The only way
//! out is that every disk that knew the key was lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use symbolon_core::state::{NodeRecord, View};
use symbolon_core::token::{Flaw, Presented};

use super::{Check, End, Kinds, Moment, Sight, Standing};

#[derive(Default)]
pub(super) struct Keys {
    /// The keys that each disk knows, by the records on it.
    known: BTreeMap<usize, BTreeSet<Arc<str>>>,
    /// The keys of tokens that were issued.
    used: BTreeSet<Arc<str>>,
    /// Those of them that at some time no disk knew of a node that heals: nobody can bring them back.
    lost: BTreeSet<Arc<str>>,
}

impl Keys {
    fn holds(&mut self, moment: Moment<'_>, view: &View) {
        let records = view.nodes.values().chain(view.former.values());
        let now = records.flat_map(|record| record.token_keys.iter().map(|key| key.kid.clone())).collect();
        let before = self.known.insert(moment.node, now).unwrap_or_default();
        let gone = before.into_iter().filter(|kid| self.used.contains(kid) && !self.is_known(moment, kid));
        let gone: Vec<_> = gone.collect();
        self.lost.extend(gone);
    }

    fn is_known(&self, moment: Moment<'_>, kid: &Arc<str>) -> bool {
        self.known
            .iter()
            .any(|(node, kids)| moment.plan.heals(*node) && moment.plan.invites(*node) && kids.contains(kid))
    }
}

/// Whether the records of both publish the same keys, as far as a quick look tells.
fn publish_alike(one: &View, other: &View) -> bool {
    let alike = |(one, other): (&Arc<NodeRecord>, &Arc<NodeRecord>)| {
        let same_keys = || one.token_keys.iter().map(|key| &key.kid).eq(other.token_keys.iter().map(|key| &key.kid));
        Arc::ptr_eq(one, other) || (one.node == other.node && same_keys())
    };
    let same_nodes =
        || one.nodes.len() == other.nodes.len() && one.nodes.values().zip(other.nodes.values()).all(alike);
    one.former.ptr_eq(&other.former) && (one.nodes.ptr_eq(&other.nodes) || same_nodes())
}

impl Check for Keys {
    fn name(&self) -> &'static str {
        "keys"
    }

    fn watches(&self) -> Kinds {
        Kinds::BOOTED | Kinds::PUBLISHED | Kinds::ISSUED
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Booted { view, .. } => self.holds(moment, view),
            Sight::Published { before, after, .. } => {
                if !publish_alike(before, after) {
                    self.holds(moment, after);
                }
                let unknown = after.signer.as_ref().filter(|signer| !after.token_keys.contains_key(&signer.kid));
                return unknown.map_or(Ok(()), |signer| Err(format!("{} signs, and is not published", signer.kid)));
            }
            Sight::Issued(token) => {
                self.used.insert(token.kid.clone());
                if !self.is_known(moment, &token.kid) {
                    self.lost.insert(token.kid.clone());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        if end.converged_ms.is_none() {
            return Ok(());
        }
        for token in end.tokens.iter().filter(|token| !self.lost.contains(&token.kid)) {
            let Ok(read) = Presented::read(&token.token) else { continue };
            let lacks = |standing: &&Standing<'_>| {
                let withdrawn = standing.view.key_is_withdrawn(&token.kid);
                !withdrawn && matches!(read.judge(standing.view, standing.wall), Err(Flaw::UnknownKey(_)))
            };
            if let Some(standing) = end.nodes.iter().find(lacks) {
                let (place, issuer) = (end.name(standing.node), end.name(token.issuer));
                return Err(format!("{place} does not know the key of token {} of {issuer}", token.name));
            }
        }
        Ok(())
    }
}
