//! Expectations on real nodes: looked at again and again until they hold or their time is over. They change nothing.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::api::Refused;
use super::stage::Stage;
use crate::plan::{Activity, Expect, On, Presence, Pulse, Span, TokenIs};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What one look at one node shows: nothing wrong, or what is.
type Look = Result<(), String>;

/// That these nodes hold one state.
pub(super) fn agreement(on: On, within: Span) -> Expect {
    Expect {
        scene: None,
        within: Some(within),
        on,
        converged: Some(true),
        ready: None,
        client: None,
        scope: None,
        token: None,
        session: None,
    }
}

impl Stage {
    /// Waits until the expectation holds on every node, and tells when it did on each.
    pub(super) async fn expect(&self, expect: &Expect) -> Result<String> {
        let begin = Instant::now();
        let within = expect.within.map_or(Duration::ZERO, |span| span.0);
        let nodes = self.resolve(&expect.on)?;
        let mut held: Vec<Option<Duration>> = vec![None; nodes.len()];
        loop {
            let mut missing = None;
            for (index, held) in nodes.iter().zip(&mut held) {
                if held.is_some() {
                    continue;
                }
                match self.look(expect, *index).await {
                    Ok(()) => *held = Some(begin.elapsed()),
                    Err(seen) => missing = Some(format!("{}: {seen}", self.node(*index).name)),
                }
            }
            if missing.is_none() && expect.converged == Some(true) {
                missing = self.differing(&nodes).await.err();
            }
            match missing {
                None => break,
                Some(seen) if begin.elapsed() >= within => bail!("{seen}{}", after(within)),
                Some(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
        let label = |(index, held): (&usize, &Option<Duration>)| {
            Some(format!("{} {:.1} ms", self.node(*index).name, crate::report::milliseconds((*held)?)))
        };
        match (expect.converged, expect.within) {
            (Some(true), _) => Ok("one digest".into()),
            (_, None) => Ok("at once".into()),
            (_, Some(_)) => Ok(nodes.iter().zip(&held).filter_map(label).collect::<Vec<_>>().join(" · ")),
        }
    }

    /// One look at everything that is expected of one node.
    async fn look(&self, expect: &Expect, index: usize) -> Look {
        self.look_at(expect, index).await.unwrap_or_else(|error| Err(format!("{error:#}")))
    }

    async fn look_at(&self, expect: &Expect, index: usize) -> Result<Look> {
        let api = &self.node(index).api;
        if let Some(ready) = expect.ready {
            match api.unready().await? {
                Some(why) if ready => return Ok(Err(why)),
                None if !ready => return Ok(Err("ready".into())),
                _ => {}
            }
        }
        if let Some(wanted) = &expect.client {
            let id = self.client(&wanted.id)?.id;
            let found = api.client(&self.operator(index)?, &id).await?;
            if found.is_some() != (wanted.is == Presence::Visible) {
                return Ok(Err(presence(found.is_some())));
            }
            let name = found.as_ref().and_then(|found| found["client_name"].as_str());
            if wanted.name.is_some() && wanted.name.as_deref() != name {
                return Ok(Err(format!("its name is {name:?}")));
            }
        }
        if let Some(wanted) = &expect.scope {
            let found = api.has_scope(&self.operator(index)?, &wanted.id).await?;
            if found != (wanted.is == Presence::Visible) {
                return Ok(Err(presence(found)));
            }
        }
        if let Some(wanted) = &expect.token {
            let active = self.accepts(wanted, index).await?;
            if active != (wanted.is == Activity::Active) {
                return Ok(Err(format!("active: {active}")));
            }
        }
        if let Some(wanted) = &expect.session {
            let alive = api.session_alive(&self.session(&wanted.id, index)?).await?;
            if alive != (wanted.is == Pulse::Alive) {
                return Ok(Err(if alive { "still alive".into() } else { "not alive".into() }));
            }
        }
        Ok(Ok(()))
    }

    /// Whether introspection says that a token is active. One whose own client is gone is worth nothing to anybody.
    async fn accepts(&self, wanted: &TokenIs, index: usize) -> Result<bool> {
        let api = &self.node(index).api;
        let token = self.token(&wanted.id)?;
        let by = self.client(wanted.by.as_ref().unwrap_or(&token.client))?;
        match api.introspect(&by, &token.value).await {
            Err(error) if wanted.by.is_none() && error.is::<Refused>() => {
                match api.client(&self.operator(index)?, &by.id).await? {
                    None => Ok(false),
                    Some(_) => Err(error),
                }
            }
            active => active,
        }
    }

    /// Whether the nodes hold the same state, by their digests.
    async fn differing(&self, nodes: &[usize]) -> Look {
        let mut digests = Vec::with_capacity(nodes.len());
        for index in nodes {
            digests.push(self.node(*index).api.digest().await.map_err(|error| format!("{error:#}"))?);
        }
        match digests.windows(2).position(|pair| pair[0] != pair[1]) {
            None => Ok(()),
            Some(at) => Err(format!("{} and {} differ", self.node(nodes[at]).name, self.node(nodes[at + 1]).name)),
        }
    }
}

fn presence(found: bool) -> String {
    if found { "still there".into() } else { "not there".into() }
}

fn after(within: Duration) -> String {
    if within.is_zero() { String::new() } else { format!(", after {} s", within.as_secs_f32()) }
}
