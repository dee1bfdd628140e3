//! Tokens: named once, never accepted after their time, and judged alike on nodes that agree.

use std::collections::BTreeSet;

use symbolon_core::state::{RevokedId, View};
use symbolon_core::token::Presented;

use super::{Check, End, Kinds, Moment, Sight, verdicts};

#[derive(Default)]
pub(super) struct Tokens {
    ids: BTreeSet<RevokedId>,
}

impl Check for Tokens {
    fn name(&self) -> &'static str {
        "tokens"
    }

    fn watches(&self) -> Kinds {
        Kinds::ISSUED | Kinds::JUDGED
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Issued(token) if !self.ids.insert(token.id) => Err("a jti was issued twice".into()),
            Sight::Judged { token, active: true, wall, .. } if *wall >= token.expires => {
                Err(format!("token {} is good at {wall}, and expired at {}", token.name, token.expires))
            }
            Sight::Judged { token, active: true, view, .. } if view.client_is_denied(&token.client) => {
                Err(format!("token {} is good, and its client was deleted at {}", token.name, moment.name()))
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        let Some(first) = end.nodes.first().filter(|_| end.converged_ms.is_some()) else { return Ok(()) };
        for token in end.tokens {
            let read = Presented::read(&token.token).ok();
            let good = |view: &View| {
                let is_good = read.as_ref().is_some_and(|read| read.judge(view, first.wall).is_ok());
                is_good && !view.client_is_denied(&token.client)
            };
            let expected = good(first.view);
            let other = end.nodes.iter().find(|other| good(other.view) != expected);
            if let Some(other) = other {
                let (well, ill) = if expected { (first, other) } else { (other, first) };
                let (name, issuer) = (&token.name, end.name(token.issuer));
                let (there, here) = (end.name(well.node), end.name(ill.node));
                let why = verdicts::flaw(ill.view, token, first.wall).unwrap_or("nothing speaks against it");
                return Err(format!("token {name} of {issuer} is good at {there}, and not at {here}, where {why}"));
            }
        }
        Ok(())
    }
}
