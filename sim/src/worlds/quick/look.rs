//! Expectations: one look at what nodes publish. It changes nothing.

use std::sync::Arc;

use symbolon_core::state::View;

use super::world::World;
use crate::checks::Minted;
use crate::plan::Expect;
use crate::worlds::look::{Known, Stand};

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
            self.stand(*node, &view).shows(expect, self).map_err(|seen| format!("{name}: {seen}"))?;
            views.push(view);
        }
        if expect.converged == Some(true)
            && let Some(at) = views.windows(2).position(|pair| !super::run::same(&pair[0], &pair[1]))
        {
            return Err(format!("{} and {} differ", self.plan.nodes[nodes[at]], self.plan.nodes[nodes[at + 1]]));
        }
        Ok(())
    }

    /// A node as it stands now.
    pub(super) fn stand<'v>(&'v self, node: usize, view: &'v View) -> Stand<'v> {
        Stand { view, crypto: &self.nodes[node].crypto, wall: self.nodes[node].now(self.at_ms).wall }
    }
}

impl Known for World<'_> {
    fn client(&self, name: &str) -> Option<&str> {
        self.names.client(name)
    }

    fn token(&self, name: &str) -> Option<&Minted> {
        self.tokens.get(self.names.token(name)?)
    }

    fn session(&self, name: &str) -> Option<&str> {
        self.names.session(name)
    }
}
