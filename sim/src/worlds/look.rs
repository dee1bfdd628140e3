//! Expectations on published views: one look at one node, the same in all simulated worlds. It changes nothing.

use symbolon_core::crypto::Crypto;
use symbolon_core::state::View;
use symbolon_core::time::Wall;
use symbolon_core::token::{self, Verdict, session};

use crate::checks::Minted;
use crate::plan::{Activity, Expect, Presence, Pulse};

/// What the names of a plan stand for in a world.
pub trait Known {
    /// The id of a client.
    fn client(&self, name: &str) -> Option<&str>;
    /// A token.
    fn token(&self, name: &str) -> Option<&Minted>;
    /// The cookie of a session.
    fn session(&self, name: &str) -> Option<&str>;
}

/// A node as it stands.
pub struct Stand<'a> {
    /// What it publishes.
    pub view: &'a View,
    /// Its cryptography.
    pub crypto: &'a Crypto,
    /// Its clock.
    pub wall: Wall,
}

impl Stand<'_> {
    /// Whether everything that is expected of one node holds here.
    ///
    /// # Errors
    /// What is seen instead.
    pub fn shows(&self, expect: &Expect, known: &impl Known) -> Result<(), String> {
        match (expect.ready, self.view.readiness.is_ready()) {
            (Some(true), false) => return Err(format!("not ready: {:?}", self.view.readiness.reasons)),
            (Some(false), true) => return Err("ready".into()),
            _ => {}
        }
        if let Some(wanted) = &expect.client {
            let client = known.client(&wanted.id).and_then(|id| self.view.client(id));
            presence(client.is_some(), wanted.is)?;
            let name = client.map(|client| client.name.clone());
            if wanted.name.is_some() && wanted.name != name {
                return Err(format!("its name is {name:?}"));
            }
        }
        if let Some(wanted) = &expect.scope {
            presence(self.view.scope(&wanted.id).is_some(), wanted.is)?;
        }
        if let Some(wanted) = &expect.token {
            let active = self.accepts(known.token(&wanted.id).ok_or("it was never issued")?);
            if active != (wanted.is == Activity::Active) {
                return Err(format!("active: {active}"));
            }
        }
        if let Some(wanted) = &expect.session {
            let alive = self.opens(known.session(&wanted.id).ok_or("it was never opened")?);
            if alive != (wanted.is == Pulse::Alive) {
                return Err(if alive { "still alive".into() } else { "not alive".into() });
            }
        }
        Ok(())
    }

    /// Whether a token is good here.
    pub fn accepts(&self, token: &Minted) -> bool {
        token::verify(self.view, &token.token, self.wall).is_ok() && !self.view.client_is_denied(&token.client)
    }

    /// Whether a cookie opens a session here.
    pub fn opens(&self, cookie: &str) -> bool {
        matches!(session::open(self.view, self.crypto, cookie, self.wall), Verdict::Done(_))
    }
}

fn presence(found: bool, wanted: Presence) -> Result<(), String> {
    match (found, wanted) {
        (true, Presence::Visible) | (false, Presence::Gone) => Ok(()),
        (true, Presence::Gone) => Err("still there".into()),
        (false, Presence::Visible) => Err("not there".into()),
    }
}
