//! What serde cannot see: a plan names only nodes that it has, and only what an earlier step made.

use std::collections::BTreeSet;

use super::verb::MAX_LOOPS;
use super::{Act, Expect, On, Plan, PlanError, Verb, What};

/// What the acts so far have made.
#[derive(Default)]
struct Made<'p> {
    clients: BTreeSet<&'p str>,
    tokens: BTreeSet<&'p str>,
    sessions: BTreeSet<&'p str>,
}

/// Walks the plan in order.
pub(super) fn check(file: &str, plan: &Plan) -> Result<(), PlanError> {
    let fault = |line: usize, problem: String| PlanError { file: file.into(), line, problem };
    let mut names = BTreeSet::new();
    for name in &plan.nodes {
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !plain || name == "all" || !names.insert(name) {
            let problem =
                format!("`{name}` cannot name a node: names are distinct, of letters, digits and `-`, and not `all`");
            return Err(fault(1, problem));
        }
    }
    let mut made = Made::default();
    for act in &plan.acts {
        on(act)
            .resolve(&plan.nodes)
            .map_err(|name| format!("there is no node `{name}`; nodes are {}", plan.nodes.join(", ")))
            .and_then(|nodes| if nodes.is_empty() { Err("`on` names no node".into()) } else { Ok(()) })
            .and_then(|()| match &act.what {
                What::Step(step) => made.step(&step.verb),
                What::Expect(expect) => made.expect(expect),
            })
            .map_err(|problem| fault(act.line, problem))?;
    }
    Ok(())
}

fn on(act: &Act) -> &On {
    match &act.what {
        What::Step(step) => &step.on,
        What::Expect(expect) => &expect.on,
    }
}

fn known(kind: &str, made: &BTreeSet<&str>, name: &str) -> Result<(), String> {
    if made.contains(name) { Ok(()) } else { Err(format!("no earlier step makes the {kind} `{name}`")) }
}

impl<'p> Made<'p> {
    fn step(&mut self, verb: &'p Verb) -> Result<(), String> {
        match verb {
            Verb::Login(login) => self.sessions.extend(login.name.as_deref()),
            Verb::Logout(logout) => known("session", &self.sessions, &logout.session)?,
            Verb::CreateClient(create) => {
                if !self.clients.insert(&create.client) {
                    return Err(format!(
                        "the client `{}` was made before; give this one another name",
                        create.client
                    ));
                }
            }
            Verb::EditClient(edit) => known("client", &self.clients, &edit.client)?,
            Verb::DeleteClient(delete) => known("client", &self.clients, &delete.client)?,
            Verb::Token(token) => {
                known("client", &self.clients, &token.client)?;
                self.tokens.insert(&token.token);
            }
            Verb::Introspect(introspect) => {
                known("token", &self.tokens, &introspect.token)?;
                introspect.by.iter().try_for_each(|by| known("client", &self.clients, by))?;
            }
            Verb::Revoke(revoke) => known("token", &self.tokens, &revoke.token)?,
            Verb::Traffic(traffic) => {
                if !(1..=MAX_LOOPS).contains(&traffic.loops) || traffic.clients.is_empty() {
                    return Err(format!("traffic needs clients, and 1 to {MAX_LOOPS} loops"));
                }
                traffic.clients.iter().try_for_each(|client| known("client", &self.clients, client))?;
            }
            Verb::SetClusterKey(_) | Verb::SeedAll(_) | Verb::DefineScope(_) | Verb::RemoveScope(_) => {}
            Verb::Kill(_) | Verb::Stop(_) | Verb::Restart(_) | Verb::Pause(_) | Verb::Resume(_) => {}
            Verb::WipeDatabase(_) | Verb::Wait(_) => {}
        }
        Ok(())
    }

    fn expect(&self, expect: &Expect) -> Result<(), String> {
        if [expect.converged, expect.ready].contains(&Some(false)) {
            return Err("`converged` and `ready` can only be expected as true".into());
        }
        if expect.title().is_empty() {
            return Err("nothing is expected here: name client, scope, token, session, ready or converged".into());
        }
        if let Some(client) = &expect.client {
            known("client", &self.clients, &client.id)?;
        }
        if let Some(token) = &expect.token {
            known("token", &self.tokens, &token.id)?;
            token.by.iter().try_for_each(|by| known("client", &self.clients, by))?;
        }
        if let Some(session) = &expect.session {
            known("session", &self.sessions, &session.id)?;
        }
        Ok(())
    }
}
