//! A key is published before it signs, and stays until its last token has expired: what was issued can be verified.

use std::collections::BTreeSet;

use symbolon_core::token::{self, Flaw};

use super::{Check, Continuity, End, Moment, Sight};

#[derive(Default)]
pub(super) struct Keys {
    /// Nodes whose disks did not stay what they were: their private keys are gone.
    broken: BTreeSet<usize>,
}

impl Check for Keys {
    fn name(&self) -> &'static str {
        "keys"
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Booted { disk: Continuity::Broken, .. } => {
                self.broken.insert(moment.node);
                Ok(())
            }
            Sight::Published { after, .. } => {
                let unknown = after.signer.as_ref().filter(|signer| !after.token_keys.contains_key(&signer.kid));
                unknown.map_or(Ok(()), |signer| Err(format!("{} signs and is not published", signer.kid)))
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        for standing in end.nodes.iter().filter(|_| end.converged_ms.is_some()) {
            for token in end.tokens {
                let healed = end.nodes.iter().any(|node| node.node == token.issuer);
                let kept = healed && !self.broken.contains(&token.issuer);
                let withdrawn = standing.view.key_is_withdrawn(&token.kid);
                let flaw = token::verify(standing.view, &token.token, standing.wall).err();
                if kept && !withdrawn && matches!(flaw, Some(Flaw::UnknownKey(_))) {
                    let (place, issuer) = (standing.node + 1, token.issuer + 1);
                    return Err(format!("n{place} does not know the key of token {} of n{issuer}", token.name));
                }
            }
        }
        Ok(())
    }
}
