//! A revocation is never taken back: where it was known, what it revoked is not found good again.

use std::collections::BTreeSet;

use symbolon_core::state::RevokedId;

use super::{Check, Continuity, End, Kinds, Moment, Sight};

pub(super) struct Revocation {
    known: Vec<BTreeSet<RevokedId>>,
}

impl Revocation {
    pub(super) fn new(nodes: usize) -> Revocation {
        Revocation { known: vec![BTreeSet::new(); nodes] }
    }
}

impl Check for Revocation {
    fn name(&self) -> &'static str {
        "revocation"
    }

    fn watches(&self) -> Kinds {
        Kinds::BOOTED | Kinds::PUBLISHED | Kinds::JUDGED
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        let known = &mut self.known[moment.node];
        match sight {
            Sight::Published { before, after, .. } if before.revoked.len() != after.revoked.len() => {
                known.extend(after.revoked.iter().map(|(_, id)| *id));
            }
            Sight::Booted { disk: Continuity::Broken, .. } => known.clear(),
            Sight::Judged { token, active: true, .. } if known.contains(&token.id) => {
                return Err(format!("token {} was revoked here, and is good again", token.name));
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        if end.converged_ms.is_none() {
            return Ok(());
        }
        // What one knew and its set has not forgotten, all know: else the sets did not converge.
        for standing in end.nodes {
            for id in &self.known[standing.node] {
                let view = standing.view;
                let gone =
                    end.nodes.iter().find(|other| !other.view.revoked.contains(id) && view.revoked.contains(id));
                if let Some(other) = gone {
                    let (one, other) = (end.name(standing.node), end.name(other.node));
                    return Err(format!("{one} knows that {id:?} is revoked, and {other} does not"));
                }
            }
        }
        Ok(())
    }
}
