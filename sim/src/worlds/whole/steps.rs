//! Steps of the plan as they begin: faults are done, calls are made; and the heal that ends all faults.

use super::answers::Open;
use super::calls::Ask;
use super::play::{Later, Play};
use super::weather::flip;
use crate::checks::Sight;
use crate::history::Kind;
use crate::plan::Span;
use crate::plan::verb::{Forgery, Verb};
use crate::worlds::lies;
use crate::worlds::quick::told;
use crate::worlds::simulated::{OVERSIZED, VOUCH_MS};

impl Play<'_> {
    /// A step begins, on all its nodes.
    pub(super) fn step(&mut self, nodes: &[usize], verb: &Verb) {
        if verb.is_fault() {
            self.counts.faults += 1;
        }
        match verb {
            Verb::Partition(partition) => {
                self.told(|recorder| told::step(recorder, None, verb));
                let ways = partition.links(&self.plan.nodes);
                self.sever(ways, partition.lasts);
            }
            Verb::Heal(_) => {
                self.told(|recorder| told::step(recorder, None, verb));
                self.told(|recorder| recorder.mended(None));
                self.world.mend_all();
            }
            _ => nodes.iter().for_each(|node| self.step_on(*node, verb)),
        }
    }

    fn later(&mut self, lasts: Option<Span>, later: Later) {
        if let Some(lasts) = lasts {
            self.schedule(self.world.at_ms() + lasts.ms(), later);
        }
    }

    /// Cuts links, perhaps for a while.
    fn sever(&mut self, ways: Vec<(usize, usize)>, lasts: Option<Span>) {
        self.world.sever(&ways);
        let mut cut = 0;
        self.told(|recorder| cut = recorder.cut(None, ways.clone()));
        self.later(lasts, Later::Mends { ways, cut });
    }

    fn step_on(&mut self, node: usize, verb: &Verb) {
        self.told(|recorder| told::step(recorder, Some(node), verb));
        match verb {
            Verb::Kill(kill) => self.kill(node, kill.lasts),
            Verb::Stop(stop) => {
                self.world.stop(node);
                self.later(stop.lasts, Later::Starts(node));
            }
            Verb::Restart(_) => self.world.start(node),
            Verb::Pause(pause) => {
                self.world.pause(node);
                let life = self.world.life(node);
                self.later(pause.lasts, Later::Resumes { node, life });
            }
            Verb::Resume(_) => self.world.resume(node),
            Verb::Cut(cut) => {
                let ways = self.ways(node, &cut.to);
                self.sever(ways, cut.lasts);
            }
            Verb::Clog(clog) => {
                let ways = self.ways(node, &clog.to);
                self.world.clog(&ways);
                self.later(clog.lasts, Later::Unclogs(ways));
            }
            Verb::StepClock(step) => {
                self.world.step_clock(node, step.by.0);
                let number = self.world.clock_steps(node);
                self.later(step.lasts, Later::Rights { node, step: number });
            }
            Verb::FreezeClock(freeze) => {
                self.world.freeze_clock(node);
                let number = self.world.clock_steps(node);
                self.later(freeze.lasts, Later::Rights { node, step: number });
            }
            Verb::Replay(replay) => {
                if let Some(frame) = self.world.heard(replay.back) {
                    self.send(node, frame);
                }
            }
            Verb::Forge(forge) => self.forge(node, forge.what),
            disk @ (Verb::LoseDisk(_) | Verb::Backup(_) | Verb::RestoreBackup(_) | Verb::TearDisk(_)) => {
                self.step_on_disk(node, disk);
            }
            disk @ (Verb::SlowDisk(_) | Verb::FailDisk(_)) => self.step_on_disk(node, disk),
            hostile if hostile.is_hostile() => lies::lie(self, node, hostile),
            call => self.call(node, call),
        }
    }

    fn step_on_disk(&mut self, node: usize, verb: &Verb) {
        match verb {
            Verb::LoseDisk(lose) => {
                self.world.exchange_disk(node, None);
                self.later(lose.lasts, Later::Starts(node));
            }
            Verb::Backup(backup) => self.world.back_up(node, &backup.backup),
            Verb::RestoreBackup(restore) if self.world.has_backup(node, &restore.backup) => {
                self.world.exchange_disk(node, Some(&restore.backup));
                self.later(restore.lasts, Later::Starts(node));
            }
            Verb::RestoreBackup(_) => self.refused("there is no such backup"),
            Verb::TearDisk(tear) => {
                self.world.tear_disk(node);
                self.later(tear.lasts, Later::Starts(node));
            }
            Verb::SlowDisk(slow) => {
                self.world.slow_disk(node, slow.by.ms());
                self.later(slow.lasts, Later::Hastens(node));
            }
            Verb::FailDisk(fail) if self.world.view(node).is_some() => {
                self.world.fail_disk(node, true);
                let life = self.world.life(node);
                self.later(fail.lasts, Later::Restarts { node, life });
            }
            _ => {}
        }
    }

    /// The process ends now, and perhaps begins again later.
    fn kill(&mut self, node: usize, down: Option<Span>) {
        self.world.kill(node);
        self.later(down, Later::Starts(node));
    }

    fn ways(&self, node: usize, to: &str) -> Vec<(usize, usize)> {
        self.plan.place(to).filter(|to| *to != node).map(|to| (node, to)).into_iter().collect()
    }

    /// Bytes of an attacker arrive.
    fn forge(&mut self, node: usize, what: Forgery) {
        let chance = self.chance.at(500).at(self.world.at_ms()).at(node as u64);
        let mut bytes = self.world.heard(0).unwrap_or_default();
        match what {
            Forgery::Noise => {
                bytes = (0..chance.at(0).below(2000)).map(|at| chance.at(1).at(at).word() as u8).collect();
            }
            Forgery::Oversized => bytes = vec![0x30; OVERSIZED],
            Forgery::Truncated => bytes.truncate(chance.at(2).below(bytes.len() as u64) as usize),
            Forgery::Tampered => {
                (0..chance.at(3).between(1, 8)).for_each(|at| flip(&mut bytes, chance.at(4).at(at)));
            }
        }
        self.send(node, bytes);
    }

    fn send(&mut self, node: usize, frame: Vec<u8>) {
        if self.world.view(node).is_some() {
            self.ask(node, Ask::Frame(frame), Open::other(node));
        }
    }

    /// A thing that a client or an operator does on a node.
    fn call(&mut self, node: usize, verb: &Verb) {
        if self.world.view(node).is_none() || self.world.is_paused(node) {
            return self.refused("the node does not answer");
        }
        if let Verb::CreateClients(create) = verb {
            return create.each().for_each(|one| self.call(node, &Verb::CreateClient(one)));
        }
        self.counts.calls += 1;
        match self.resolve(node, verb) {
            Some(ask) => self.ask(node, ask, Open::of(node, verb, &self.world, &self.names)),
            None => self.refused("it names what does not exist, or what is not done in this world"),
        }
    }

    /// What a verb asks for, if everything that it names exists.
    fn resolve(&mut self, node: usize, verb: &Verb) -> Option<Ask> {
        let names = &self.names;
        let client = |name: &str| names.clients.get(name).cloned();
        let id = |name: &str| Some(client(name)?.id);
        let token = |name: &str| {
            let (at, client) = names.tokens.get(name)?;
            Some((self.tokens.get(*at)?.token.clone(), client.clone()))
        };
        Some(match verb {
            Verb::CreateClient(create) => Ask::CreateClient {
                name: create.name.clone().unwrap_or_else(|| create.client.clone()),
                auth: create.auth,
                scope: create.scope.clone(),
            },
            Verb::EditClient(edit) => {
                Ask::EditClient { id: id(&edit.client)?, name: edit.name.clone(), scope: edit.scope.clone() }
            }
            Verb::DeleteClient(delete) => Ask::DeleteClient(id(&delete.client)?),
            Verb::RotateSecret(rotate) => Ask::RotateSecret(id(&rotate.client)?),
            Verb::DefineScope(define) => {
                Ask::DefineScope { name: define.scope.clone(), description: define.description.clone() }
            }
            Verb::RemoveScope(remove) => Ask::RemoveScope(remove.scope.clone()),
            Verb::Login(login) => Ask::Login { user: login.user.clone(), password: login.password.clone() },
            Verb::Logout(logout) => Ask::Logout(names.sessions.get(&logout.session)?.clone()),
            Verb::EndSessions(end) => Ask::EndSessions(end.user.clone()),
            Verb::Token(wanted) => Ask::Token { client: client(&wanted.client)?, scope: wanted.scope.clone() },
            Verb::Introspect(introspect) => {
                let (token, owner) = token(&introspect.token)?;
                Ask::Introspect { client: client(introspect.by.as_ref().unwrap_or(&owner))?, token }
            }
            Verb::Revoke(revoke) => {
                let (token, owner) = token(&revoke.token)?;
                Ask::Revoke { client: client(&owner)?, token }
            }
            Verb::RotateKey(_) => Ask::RotateKey,
            Verb::WithdrawKey(withdraw) => {
                let view = self.world.view(self.plan.place(&withdraw.of)?)?;
                Ask::WithdrawKey(view.signer.as_ref()?.kid.to_string())
            }
            Verb::AcceptClock(_) => Ask::AcceptClock(self.world.handle(node)?),
            Verb::SeedAll(_) => Ask::Pin(
                (0..self.plan.nodes.len()).filter(|other| *other != node).map(|n| self.world.api(n)).collect(),
            ),
            Verb::SetClusterKey(set) => {
                let key = *blake3::hash(&self.chance.at(400).word().to_le_bytes()).as_bytes();
                let key = *blake3::keyed_hash(&key, set.key.as_bytes()).as_bytes();
                self.see(node, &Sight::Secrets(&[key]));
                Ask::SetClusterKey(key)
            }
            _ => return None,
        })
    }

    pub(super) fn vouch(&mut self, node: usize) {
        let is_unready = |view: &symbolon_core::state::View| !view.readiness.is_ready();
        if self.world.view(node).is_some_and(|view| is_unready(&view))
            && let Some(handle) = self.world.handle(node)
        {
            self.ask(node, Ask::AcceptClock(handle), Open::other(node));
        }
    }

    /// The storm is over: for those that heal at once and for good, for the others never.
    pub(super) fn heal(&mut self) {
        self.told(|recorder| recorder.entry(None, Kind::Heal));
        self.told(|recorder| recorder.mended(None));
        self.healed = true;
        self.world.clear_up();
        self.world.mend_all();
        let nodes = 0..self.plan.nodes.len();
        for one in nodes.clone().filter(|node| !self.plan.heals(*node)) {
            let ways: Vec<_> =
                nodes.clone().filter(|other| *other != one).flat_map(|n| [(one, n), (n, one)]).collect();
            self.sever(ways, None);
        }
        for node in nodes {
            if !self.plan.invites(node) {
                self.world.kill(node);
            } else if self.plan.heals(node) && self.world.life(node) > 0 {
                self.heal_one(node);
            }
        }
    }

    fn heal_one(&mut self, node: usize) {
        self.world.right_clock(node);
        self.world.slow_disk(node, 0);
        self.world.fail_disk(node, false);
        self.world.resume(node);
        self.world.start(node);
        if !self.plan.heals.is_empty() {
            self.schedule(self.world.at_ms() + VOUCH_MS, Later::Vouches(node));
        }
    }
}
