//! What the quick world tells its recorder, if it has one. Nothing here changes the run.

use symbolon_core::replica::Reply;

use super::world::World;
use crate::checks::Minted;
use crate::history::{Loss, MOST, Opener, Place, Recorder};
use crate::plan::Verb;
use crate::worlds::simulated::EPOCH_MS;

/// What a title may name.
const SUBJECTS: [&str; 4] = ["client", "scope", "token", "session"];

impl World<'_> {
    pub(super) fn record(&mut self) {
        let keys = self.nodes.iter().map(|node| &node.keys);
        let opener = self.nodes.first().map(|node| Opener::new(node.envelope.clone(), &node.crypto, keys));
        let names = self.nodes.iter().map(|node| node.config.name.clone()).collect();
        let ids = self.nodes.iter().map(|node| node.keys.node()).collect();
        self.recorder = Some(Box::new(Recorder::new(names, ids, opener)));
    }

    pub(super) fn told(&mut self, tell: impl FnOnce(&mut Recorder)) {
        if let Some(recorder) = &mut self.recorder {
            tell(recorder);
        }
    }

    pub(super) fn told_sent(&mut self, from: usize, to: usize, frame: &[u8], answers: Option<Place>) -> Place {
        self.recorder.as_mut().map_or(MOST, |recorder| recorder.sent(from, to, frame, answers))
    }

    pub(super) fn told_again(&mut self, message: Place, to: usize) -> Place {
        self.recorder.as_mut().map_or(MOST, |recorder| recorder.again(message, to))
    }

    pub(super) fn told_lost(&mut self, message: Place, loss: Loss) {
        self.told(|recorder| recorder.lost(message, loss));
    }

    pub(super) fn told_corrupt(&mut self, message: Place) {
        self.told(|recorder| recorder.corrupt(message));
    }

    pub(super) fn told_arrived(&mut self, message: Place) {
        self.told(|recorder| recorder.arrived(message));
    }

    pub(super) fn told_clock(&mut self, node: usize, jumped: bool) {
        let at_ms = self.at_ms;
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        let wall = self.nodes[node].now(at_ms).wall.0;
        let offset_ms = wall as i64 - (EPOCH_MS + at_ms) as i64;
        recorder.clock(node, offset_ms, jumped);
    }
}

/// A step of the plan, about what its title names.
pub(in crate::worlds) fn step(recorder: &mut Recorder, node: Option<usize>, verb: &Verb) {
    let title = verb.title();
    let words: Vec<&str> = title.split([' ', ':']).collect();
    let named = words.windows(2).filter(|pair| SUBJECTS.contains(&pair[0]));
    let mut about: Vec<String> = named.map(|pair| pair.join(" ")).collect();
    match verb {
        Verb::Token(token) => about.push(format!("client {}", token.client)),
        Verb::EndSessions(end) => about.push(format!("user {}", end.user)),
        _ => {}
    }
    recorder.step(node, verb, &about);
}

/// What a caller hears, where no fact speaks of it.
pub(super) fn answered(recorder: &mut Recorder, node: usize, reply: &Reply) {
    match reply {
        Reply::LoggedIn { .. } => recorder.went_well(node),
        Reply::Refused(refusal) => {
            recorder.in_vain(&refusal.to_string());
        }
        Reply::Done(_) | Reply::ClientCreated { .. } | Reply::Pulled | Reply::Stats(_) => {}
    }
}

pub(in crate::worlds) fn issued(recorder: &mut Recorder, node: usize, token: &Minted) {
    let name = recorder.name(&format!("{:?}", token.id), &format!("token {}", token.name));
    let client = recorder.known(&token.client).unwrap_or_default();
    recorder.answer(node, format!("issue {name} to {client}"), &[name, client]);
}

pub(in crate::worlds) fn judged(recorder: &mut Recorder, node: usize, token: &Minted, active: bool) {
    let name = recorder.known(&format!("{:?}", token.id)).unwrap_or_default();
    let client = recorder.known(&token.client).unwrap_or_default();
    let verdict = if active { "good" } else { "not good" };
    recorder.answer(node, format!("{name} is {verdict}"), &[name, client]);
}
