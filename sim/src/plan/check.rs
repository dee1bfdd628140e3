//! What serde cannot see: a plan names only nodes that it has, and only what an earlier step made.

use std::borrow::{Borrow, Cow};
use std::collections::BTreeSet;

use super::verb::{MAX_CLIENTS, MAX_LOOPS};
use super::{Act, Expect, On, Plan, PlanError, Span, Step, Verb, What};

/// What the acts so far have made.
#[derive(Default)]
struct Made<'p> {
    /// What was not made is passed over.
    forgiving: bool,
    /// When the last step with a time happens.
    at: Span,
    backups: BTreeSet<&'p str>,
    clients: BTreeSet<Cow<'p, str>>,
    tokens: BTreeSet<&'p str>,
    sessions: BTreeSet<&'p str>,
}

/// Walks the plan in order.
pub(super) fn check(file: &str, plan: &Plan) -> Result<(), PlanError> {
    let fault = |line: usize, problem: String| PlanError { file: file.into(), line, problem };
    head(plan).map_err(|problem| fault(1, problem))?;
    let mut made = Made { forgiving: plan.forgiving, ..Made::default() };
    for act in &plan.acts {
        on(act)
            .resolve(&plan.nodes)
            .map_err(|name| no_node(plan, &name))
            .and_then(|nodes| if nodes.is_empty() { Err("`on` names no node".into()) } else { Ok(()) })
            .and_then(|()| match &act.what {
                What::Step(step) => {
                    let unknown = step.verb.nodes().into_iter().find(|name| plan.place(name).is_none());
                    unknown.map_or(Ok(()), |name| Err(no_node(plan, name)))?;
                    clone(plan, step)?;
                    made.step(step)
                }
                What::Expect(expect) => made.expect(expect),
            })
            .map_err(|problem| fault(act.line, problem))?;
    }
    Ok(())
}

/// A clone is one node that nobody knows as anything else.
fn clone(plan: &Plan, step: &Step) -> Result<(), String> {
    let Verb::Clone(clone) = &step.verb else { return Ok(()) };
    let unknown = |name: &String| plan.absent.contains(name) && plan.uninvited.contains(name);
    match &step.on {
        On::One(name) if unknown(name) && *name != clone.of => Ok(()),
        _ => Err("a clone runs on one node that is both `absent` and `uninvited`: on = \"n4\"".into()),
    }
}

fn no_node(plan: &Plan, name: &str) -> String {
    format!("there is no node `{name}`; nodes are {}", plan.nodes.join(", "))
}

/// Everything but the acts.
fn head(plan: &Plan) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for name in &plan.nodes {
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !plain || name == "all" || !names.insert(name) {
            return Err(format!(
                "`{name}` cannot name a node: names are distinct, of letters, digits and `-`, and not `all`"
            ));
        }
    }
    let named = plan.heals.iter().chain(&plan.absent).chain(&plan.uninvited).chain(plan.clocks.keys());
    if let Some(name) = named.into_iter().find(|name| plan.place(name).is_none()) {
        return Err(no_node(plan, name));
    }
    plan.weather.problem().map_or(Ok(()), Err)
}

fn on(act: &Act) -> &On {
    match &act.what {
        What::Step(step) => &step.on,
        What::Expect(expect) => &expect.on,
    }
}

impl<'p> Made<'p> {
    fn known<T: Borrow<str> + Ord>(&self, kind: &str, made: &BTreeSet<T>, name: &str) -> Result<(), String> {
        if self.forgiving || made.contains(name) {
            Ok(())
        } else {
            Err(format!("no earlier step makes the {kind} `{name}`"))
        }
    }

    fn client(&mut self, name: Cow<'p, str>) -> Result<(), String> {
        if !self.forgiving && self.clients.contains(&name) {
            return Err(format!("the client `{name}` was made before; give this one another name"));
        }
        self.clients.insert(name);
        Ok(())
    }

    fn step(&mut self, step: &'p Step) -> Result<(), String> {
        if let Some(at) = step.at {
            if at < self.at {
                return Err(format!("it would happen at {at}, before an earlier step, which happens at {}", self.at));
            }
            self.at = at;
        }
        if step.refused && (step.at.is_some() || !step.verb.is_asked()) {
            return Err("`refused` is for what somebody asks of a node, and for steps without `at`: \
                        nobody waits for the answer of one that has it"
                .into());
        }
        match &step.verb {
            Verb::Login(login) => self.sessions.extend(login.name.as_deref()),
            Verb::Logout(logout) => self.known("session", &self.sessions, &logout.session)?,
            Verb::CreateClient(create) => self.client(Cow::Borrowed(&create.client))?,
            Verb::CreateClients(create) => {
                if !(1..=MAX_CLIENTS).contains(&create.count) {
                    return Err(format!("`count` is 1 to {MAX_CLIENTS}, not {}", create.count));
                }
                create.names().try_for_each(|name| self.client(Cow::Owned(name)))?;
            }
            Verb::EditClient(edit) => self.known("client", &self.clients, &edit.client)?,
            Verb::DeleteClient(delete) => self.known("client", &self.clients, &delete.client)?,
            Verb::RotateSecret(rotate) => self.known("client", &self.clients, &rotate.client)?,
            Verb::Token(token) => {
                self.known("client", &self.clients, &token.client)?;
                self.tokens.insert(&token.token);
            }
            Verb::Introspect(introspect) => {
                self.known("token", &self.tokens, &introspect.token)?;
                introspect.by.iter().try_for_each(|by| self.known("client", &self.clients, by))?;
            }
            Verb::Revoke(revoke) => self.known("token", &self.tokens, &revoke.token)?,
            Verb::Traffic(traffic) => {
                if !(1..=MAX_LOOPS).contains(&traffic.loops) || traffic.clients.is_empty() {
                    return Err(format!("traffic needs clients, and 1 to {MAX_LOOPS} loops"));
                }
                traffic.clients.iter().try_for_each(|client| self.known("client", &self.clients, client))?;
            }
            Verb::Partition(partition) => partition.problem().map_or(Ok(()), Err)?,
            Verb::Backup(backup) => {
                self.backups.insert(&backup.backup);
            }
            Verb::RestoreBackup(restore) => self.known("backup", &self.backups, &restore.backup)?,
            Verb::SetClusterKey(_) | Verb::SeedAll(_) | Verb::DefineScope(_) | Verb::RemoveScope(_) => {}
            Verb::EndSessions(_) | Verb::RotateKey(_) | Verb::WithdrawKey(_) | Verb::AcceptClock(_) => {}
            Verb::Kill(_) | Verb::Stop(_) | Verb::Restart(_) | Verb::Pause(_) | Verb::Resume(_) => {}
            Verb::LoseDisk(_) | Verb::FailDisk(_) | Verb::SlowDisk(_) | Verb::TearDisk(_) => {}
            Verb::Cut(_) | Verb::Clog(_) | Verb::Heal(_) | Verb::StepClock(_) | Verb::FreezeClock(_) => {}
            Verb::Equivocate(equivocate) => equivocate.problem().map_or(Ok(()), Err)?,
            Verb::Replay(_) | Verb::Forge(_) | Verb::ForgeDots(_) | Verb::LieAboutTime(_) | Verb::Wait(_) => {}
            Verb::Clone(_) => {}
        }
        Ok(())
    }

    fn expect(&self, expect: &Expect) -> Result<(), String> {
        if expect.converged == Some(false) {
            return Err("`converged` can only be expected as true".into());
        }
        if expect.title().is_empty() {
            return Err("nothing is expected here: name client, scope, token, session, ready or converged".into());
        }
        if let Some(client) = &expect.client {
            self.known("client", &self.clients, &client.id)?;
        }
        if let Some(token) = &expect.token {
            self.known("token", &self.tokens, &token.id)?;
            token.by.iter().try_for_each(|by| self.known("client", &self.clients, by))?;
        }
        if let Some(session) = &expect.session {
            self.known("session", &self.sessions, &session.id)?;
        }
        Ok(())
    }
}
