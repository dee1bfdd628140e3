//! A node that nobody invited changes nothing: members hold no op and no record of it.

use std::collections::BTreeSet;

use symbolon_core::crdt::NodeId;

use super::{Check, Kinds, Moment, Sight};

#[derive(Default)]
pub(super) struct Strangers {
    known: BTreeSet<NodeId>,
    /// Nodes that bear the identity of a member.
    clones: BTreeSet<usize>,
}

impl Check for Strangers {
    fn name(&self) -> &'static str {
        "strangers"
    }

    fn watches(&self) -> Kinds {
        Kinds::BOOTED | Kinds::PUBLISHED | Kinds::CLONED
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Cloned => {
                self.clones.insert(moment.node);
            }
            Sight::Booted { view, .. }
                if !moment.plan.invites(moment.node) && !self.clones.contains(&moment.node) =>
            {
                self.known.insert(view.identity.node);
            }
            Sight::Published { after, .. } if !self.known.is_empty() && moment.plan.invites(moment.node) => {
                if after.nodes.keys().any(|node| self.known.contains(node)) {
                    return Err("a record of a stranger is held".into());
                }
                if after.cells.vector().iter().any(|(replica, _)| self.known.contains(&replica.node)) {
                    return Err("an op of a stranger is held".into());
                }
            }
            _ => {}
        }
        Ok(())
    }
}
