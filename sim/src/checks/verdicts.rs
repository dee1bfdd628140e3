//! A token is good exactly if a plain reading of the view and the clock says so; one that somebody made up never is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use symbolon_core::state::{KeyStage, View};
use symbolon_core::time::Wall;

use super::{Check, Kinds, Minted, Moment, Sight};

pub(super) struct Verdicts;

impl Check for Verdicts {
    fn name(&self) -> &'static str {
        "verdicts"
    }

    fn watches(&self) -> Kinds {
        Kinds::JUDGED | Kinds::FORGED
    }

    fn see(&mut self, _: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Judged { token, active, view, wall } => match (flaw(view, token, *wall), *active) {
                (None, true) | (Some(_), false) => Ok(()),
                (None, false) => Err(format!("token {} is refused, and nothing speaks against it", token.name)),
                (Some(flaw), true) => Err(format!("token {} is good, and {flaw}", token.name)),
            },
            Sight::Forged { what, accepted: true } => Err(format!("a token is good that {what}")),
            _ => Ok(()),
        }
    }
}

/// What speaks against a token that a member issued.
pub(super) fn flaw(view: &View, token: &Minted, wall: Wall) -> Option<&'static str> {
    let over = |instant: Wall| instant <= wall || instant <= view.revoked.mark();
    let ahead = wall.after(view.config.gossip.max_clock_drift);
    let key = view.token_keys.get(&token.kid);
    let retired = key.is_some_and(|key| matches!(key.published.stage, KeyStage::Retiring(until) if over(until)));
    let flaws = [
        (over(token.expires), "its time is over"),
        (issued(&token.token).is_none_or(|issued| issued > ahead), "it comes from the future"),
        (view.key_is_withdrawn(&token.kid), "its key was withdrawn"),
        (key.is_none(), "nobody here knows its key"),
        (retired, "its key is over"),
        (view.revoked.contains(&token.id), "it was revoked"),
        (view.client_is_denied(&token.client), "its client was deleted"),
    ];
    flaws.into_iter().find(|(holds, _)| *holds).map(|(_, flaw)| flaw)
}

/// The `iat` of a token.
fn issued(token: &str) -> Option<Wall> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    claims.get("iat")?.as_u64().map(Wall::from_seconds)
}
