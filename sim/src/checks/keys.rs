//! A key is published before it signs, and stays until its last token has expired: what was issued can be verified.

use symbolon_core::token::{self, Flaw};

use super::{Check, End, Moment, Sight};

pub(super) struct Keys;

impl Check for Keys {
    fn name(&self) -> &'static str {
        "keys"
    }

    fn see(&mut self, _: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
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
                let issuer_healed = end.nodes.iter().any(|node| node.node == token.issuer);
                let withdrawn = standing.view.key_is_withdrawn(&token.kid);
                let flaw = token::verify(standing.view, &token.token, standing.wall).err();
                if issuer_healed && !withdrawn && matches!(flaw, Some(Flaw::UnknownKey(_))) {
                    let (place, issuer) = (standing.node + 1, token.issuer + 1);
                    return Err(format!("n{place} does not know the key of token {} of n{issuer}", token.number));
                }
            }
        }
        Ok(())
    }
}
