//! What the quick world tells its recorder, if it has one. Nothing here changes the run.

use symbolon_core::replica::Reply;

use super::node::EPOCH_MS;
use super::world::World;
use crate::checks::Minted;
use crate::history::{Loss, MOST, Opener, Place, Recorder};
use crate::plan::drawn::Deed;

impl World<'_> {
    pub(super) fn record(&mut self) {
        let keys = self.nodes.iter().map(|node| &node.keys);
        let opener = self.nodes.first().map(|node| Opener::new(&node.crypto, keys));
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

/// A thing of the plan, in words.
pub(super) fn step(recorder: &mut Recorder, node: usize, deed: &Deed) {
    let (title, about) = words(deed);
    recorder.step(Some(node), title, deed.is_fault(), &about);
}

/// What a caller hears, where no fact speaks of it.
pub(super) fn answered(recorder: &mut Recorder, node: usize, reply: &Reply) {
    match reply {
        Reply::LoggedIn { .. } => recorder.answer(node, "logged in".into(), &[]),
        Reply::Refused(refusal) => {
            let what = recorder.translate(&format!("refused: {refusal}"));
            recorder.answer(node, what, &[]);
        }
        Reply::Done(_) | Reply::ClientCreated { .. } | Reply::Pulled | Reply::Stats(_) => {}
    }
}

pub(super) fn issued(recorder: &mut Recorder, node: usize, token: &Minted) {
    let name = recorder.name(&format!("{:?}", token.id), &format!("token {}", token.number));
    let client = recorder.known(&token.client).unwrap_or_default();
    recorder.answer(node, format!("issue {name} to {client}"), &[name, client]);
}

pub(super) fn judged(recorder: &mut Recorder, node: usize, token: &Minted, active: bool) {
    let name = recorder.known(&format!("{:?}", token.id)).unwrap_or_default();
    let client = recorder.known(&token.client).unwrap_or_default();
    let verdict = if active { "good" } else { "not good" };
    recorder.answer(node, format!("{name} is {verdict}"), &[name, client]);
}

fn words(deed: &Deed) -> (String, Vec<String>) {
    let one = |verb: &str, name: String| (format!("{verb} {name}"), vec![name]);
    let node = |place: &usize| format!("n{}", place + 1);
    let fault = |title: String| (title, Vec::new());
    match deed {
        Deed::CreateClient { client } => one("create", client_name(*client)),
        Deed::EditClient { client, .. } => one("edit", client_name(*client)),
        Deed::DeleteClient { client } => one("delete", client_name(*client)),
        Deed::RotateSecret { client } => one("rotate the secret of", client_name(*client)),
        Deed::DefineScope { scope, .. } => one("define", format!("scope s{scope}")),
        Deed::RemoveScope { scope } => one("remove", format!("scope s{scope}")),
        Deed::Login { session } => one("log in as", format!("session {session}")),
        Deed::RevokeSession { session } => one("revoke", format!("session {session}")),
        Deed::RevokeUser => one("revoke all sessions of", format!("user {}", super::node::USER)),
        Deed::Issue { client, token } => {
            let (token, client) = (format!("token {token}"), client_name(*client));
            (format!("issue {token} to {client}"), vec![token, client])
        }
        Deed::Introspect { token } => one("introspect", format!("token {token}")),
        Deed::RevokeToken { token } => one("revoke", format!("token {token}")),
        Deed::SetClusterKey { number } => one("set", format!("wrapping key {number}")),
        Deed::RotateKey => fault("rotate the signing key".into()),
        Deed::WithdrawKey { of } => fault(format!("withdraw the signing key of {}", node(of))),
        Deed::Crash { down_ms } => fault(format!("crash for {down_ms} ms")),
        Deed::LoseDisk { down_ms } => fault(format!("crash for {down_ms} ms and lose the disk")),
        Deed::RestoreDisk { down_ms, age_ms } => {
            fault(format!("crash for {down_ms} ms and restore the disk of {age_ms} ms ago"))
        }
        Deed::FailDisk { .. } => fault("the disk fails".into()),
        Deed::SlowDisk { for_ms, by_ms } => fault(format!("slow the disk by {by_ms} ms for {for_ms} ms")),
        Deed::Pause { for_ms } => fault(format!("pause for {for_ms} ms")),
        Deed::Split { others, for_ms } => {
            let others: Vec<String> = others.iter().map(node).collect();
            fault(format!("split off {} for {for_ms} ms", others.join(" ")))
        }
        Deed::Cut { to, for_ms } => fault(format!("cut the way to {} for {for_ms} ms", node(to))),
        Deed::StepClock { by_ms, for_ms } => fault(format!("step the clock by {by_ms:+} ms for {for_ms} ms")),
        Deed::Replay { .. } => fault("an old frame is sent again".into()),
    }
}

fn client_name(client: u64) -> String {
    format!("client c{client}")
}
