//! Expectations: one look at what nodes publish. It changes nothing.

use std::sync::Arc;

use symbolon_core::state::View;
use symbolon_core::token::{self, Verdict, session};

use super::world::World;
use crate::plan::{Activity, Expect, Presence, Pulse};

impl World<'_> {
    /// Whether everything that is expected holds on these nodes now.
    ///
    /// # Errors
    /// What is seen instead.
    pub(super) fn look(&self, expect: &Expect, nodes: &[usize]) -> Result<(), String> {
        let mut views: Vec<Arc<View>> = Vec::with_capacity(nodes.len());
        for node in nodes {
            let name = &self.plan.nodes[*node];
            let view = self.view(*node).ok_or_else(|| format!("{name} is down"))?;
            self.look_at(expect, *node, &view).map_err(|seen| format!("{name}: {seen}"))?;
            views.push(view);
        }
        if expect.converged == Some(true)
            && let Some(at) = views.windows(2).position(|pair| !super::run::same(&pair[0], &pair[1]))
        {
            return Err(format!("{} and {} differ", self.plan.nodes[nodes[at]], self.plan.nodes[nodes[at + 1]]));
        }
        Ok(())
    }

    fn look_at(&self, expect: &Expect, node: usize, view: &View) -> Result<(), String> {
        let wall = self.nodes[node].now(self.at_ms).wall;
        if expect.ready == Some(true) && !view.readiness.is_ready() {
            return Err(format!("not ready: {:?}", view.readiness.reasons));
        }
        if let Some(wanted) = &expect.client {
            let client = self.names.client(&wanted.id).and_then(|id| view.client(id));
            presence(client.is_some(), wanted.is)?;
            let name = client.map(|client| client.name.clone());
            if wanted.name.is_some() && wanted.name != name {
                return Err(format!("its name is {name:?}"));
            }
        }
        if let Some(wanted) = &expect.scope {
            presence(view.scope(&wanted.id).is_some(), wanted.is)?;
        }
        if let Some(wanted) = &expect.token {
            let token = self.token(&wanted.id).ok_or("it was never issued")?;
            let active = token::verify(view, &token.token, wall).is_ok() && !view.client_is_denied(&token.client);
            if active != (wanted.is == Activity::Active) {
                return Err(format!("active: {active}"));
            }
        }
        if let Some(wanted) = &expect.session {
            let cookie = self.names.session(&wanted.id).ok_or("it was never opened")?;
            let alive = matches!(session::open(view, &self.nodes[node].crypto, cookie, wall), Verdict::Done(_));
            if alive != (wanted.is == Pulse::Alive) {
                return Err(if alive { "still alive".into() } else { "not alive".into() });
            }
        }
        Ok(())
    }
}

fn presence(found: bool, wanted: Presence) -> Result<(), String> {
    match (found, wanted) {
        (true, Presence::Visible) | (false, Presence::Gone) => Ok(()),
        (true, Presence::Gone) => Err("still there".into()),
        (false, Presence::Visible) => Err("not there".into()),
    }
}
