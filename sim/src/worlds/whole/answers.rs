//! What comes of the plan's calls: names get their meaning, and checks see tokens issued and judged.

use std::sync::{Arc, PoisonError};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::StatusCode;
use serde_json::Value;
use symbolon_core::state::{RevokedId, View};
use symbolon_core::time::Wall;

use super::calls::{Ask, Got, status};
use super::play::{Names, Play};
use super::world::World;
use crate::checks::{Failure, Minted, Sight};
use crate::model::Judgement;
use crate::plan::Verb;
use crate::worlds::client::http::Silence;
use crate::worlds::look::Stand;
use crate::worlds::quick::told;

/// The check of calls, which in this world are seen from the side of the caller.
const ANSWERS: &str = "answers";

/// A call that is under way.
pub(super) struct Open {
    pub node: usize,
    verb: Option<Verb>,
    /// What the node showed when it was asked, and its clock.
    asked: Option<(Arc<View>, Wall)>,
    /// What it showed since.
    pub later: Vec<Arc<View>>,
    /// Which of all tokens it is about: its name may soon be another's.
    token: Option<usize>,
    /// The life of the node that was asked, and how often it had been paused.
    since: (u64, u64),
}

impl Open {
    /// A call of the plan.
    pub(super) fn of(node: usize, verb: &Verb, world: &World, names: &Names) -> Open {
        let asked = world.shown(node).map(|view| (view, world.now(node).wall));
        let token = match verb {
            Verb::Introspect(introspect) => names.tokens.get(&introspect.token).map(|(at, _)| *at),
            _ => None,
        };
        Open {
            node,
            verb: Some(verb.clone()),
            asked,
            later: Vec::new(),
            token,
            since: (world.life(node), world.pauses(node)),
        }
    }

    /// A call whose answer matters to nobody.
    pub(super) fn other(node: usize) -> Open {
        Open { node, verb: None, asked: None, later: Vec::new(), token: None, since: (0, 0) }
    }
}

impl Play<'_> {
    /// Has the desk ask a node.
    pub(super) fn ask(&mut self, node: usize, ask: Ask, open: Open) {
        self.calls += 1;
        let (number, answers, caller) = (self.calls, self.answers.clone(), self.callers[node].clone());
        self.open.insert(number, open);
        if self.script.is_asking {
            self.script.calls.insert(number);
        }
        let must_fail = self.script.is_asking && self.must_fail();
        self.world.begin(async move {
            let answer = if must_fail { caller.perform_once(&ask).await } else { caller.perform(ask).await };
            answers.lock().unwrap_or_else(PoisonError::into_inner).push((number, answer));
        });
    }

    /// Takes in what the desk was answered.
    pub(super) fn take_answers(&mut self) {
        let answers = std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner));
        for (number, answer) in answers {
            let is_scripts = self.script.calls.remove(&number);
            let Some(open) = self.open.remove(&number) else { continue };
            self.world.tell(open.node, &words(&answer));
            let is_answered = answer.as_ref().map_or_else(|error| status(error).is_some(), |_| true);
            self.answered += u64::from(is_answered && open.verb.is_some());
            if let Err(error) = &answer {
                if status(error) == Some(StatusCode::INTERNAL_SERVER_ERROR) {
                    self.trouble.get_or_insert(format!("{} failed inside: {error:#}", self.world.name(open.node)));
                }
                if is_scripts {
                    self.refused(&format!("{error:#}"));
                }
                if error.is::<Silence>() {
                    self.unanswered(&open);
                }
            }
            self.answered(open, answer);
        }
    }

    /// A caller heard nothing: that is right only where his node died meanwhile, was asked to end, or was paused.
    fn unanswered(&mut self, open: &Open) {
        let (node, world) = (open.node, &self.world);
        let Some(verb) = &open.verb else { return };
        if world.stays(node) && open.since == (world.life(node), world.pauses(node)) {
            let what = format!("nobody answers who wants to {}", verb.title());
            self.checks.fail(Failure { check: ANSWERS, at_ms: world.at_ms(), node: Some(node), what });
        }
    }

    fn answered(&mut self, open: Open, answer: Result<Got>) {
        let Some(verb) = &open.verb else { return };
        match (verb, answer) {
            (Verb::CreateClient(create), Ok(Got::Client(client))) => {
                self.names.clients.insert(create.client.clone(), client);
            }
            (Verb::RotateSecret(rotate), Ok(Got::Secret(secret))) => {
                if let Some(client) = self.names.clients.get_mut(&rotate.client) {
                    client.secret = Some(secret);
                }
            }
            (Verb::Login(login), Ok(Got::Session(session))) => {
                if let Some(name) = &login.name {
                    self.names.sessions.insert(name.clone(), session);
                }
            }
            (Verb::Token(token), Ok(Got::Token(value))) => {
                self.issued(open.node, (&token.token, &token.client), value)
            }
            (Verb::Introspect(introspect), answer) => {
                let active = match answer {
                    Ok(Got::Active(active)) => Some(active),
                    _ => None,
                };
                self.judged(&open, &introspect.token, active);
            }
            _ => {}
        }
    }

    fn issued(&mut self, node: usize, (name, client): (&str, &str), value: String) {
        match minted(value, name, node) {
            Ok(minted) => {
                self.told(|recorder| told::issued(recorder, node, &minted));
                self.see(node, &Sight::Issued(&minted));
                self.names.tokens.insert(name.to_owned(), (self.tokens.len(), client.to_owned()));
                self.tokens.push(minted);
            }
            Err(error) => {
                self.trouble.get_or_insert(format!("{} issued no token: {error:#}", self.world.name(node)));
            }
        }
    }

    /// A caller heard whether a token is good. Where the node learned between question and answer what decides it, either answer
    /// is right, and no check sees it.
    fn judged(&mut self, open: &Open, name: &str, active: Option<bool>) {
        self.judgements.push(Judgement { token: name.to_owned(), node: open.node, active });
        let (Some(active), Some((view, asked)), Some(at)) = (active, &open.asked, open.token) else { return };
        let token = self.tokens[at].clone();
        let (node, asked) = (open.node, *asked);
        let answered = self.world.now(node).wall;
        let accepts = |view: &View, wall: Wall| Stand { view, crypto: self.world.crypto(node), wall }.accepts(&token);
        let views = std::iter::once(view).chain(&open.later);
        let mut verdicts = views.flat_map(|view| [accepts(view, asked), accepts(view, answered)]);
        let before = verdicts.next();
        if !verdicts.all(|verdict| Some(verdict) == before) {
            return;
        }
        self.told(|recorder| told::judged(recorder, node, &token, active));
        self.see(node, &Sight::Judged { token: &token, active, view, wall: asked });
    }
}

/// An answer as the trace tells it; all that is random in it comes from the seed.
fn words(answer: &Result<Got>) -> String {
    match answer {
        Ok(Got::Client(client)) => format!("client {}", client.id),
        Ok(Got::Secret(secret)) => format!("secret {secret}"),
        Ok(Got::Session(session)) => format!("session {}", session.cookie),
        Ok(Got::Token(token)) => format!("token {token}"),
        Ok(Got::Active(active)) => format!("active {active}"),
        Ok(Got::Done) => "done".into(),
        Err(error) => format!("{error:#}"),
    }
}

/// What a token says of itself.
fn minted(token: String, name: &str, issuer: usize) -> Result<Minted> {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part));
    let mut part = || -> Result<Value> { Ok(serde_json::from_slice(&parts.next().context("too few parts")??)?) };
    let (header, claims) = (part()?, part()?);
    let id = URL_SAFE_NO_PAD.decode(claims["jti"].as_str().context("no jti")?)?;
    let id = <[u8; 16]>::try_from(id).ok().context("a jti has 16 bytes")?;
    let seconds = claims["exp"].as_u64().context("no exp")?;
    Ok(Minted {
        kid: header["kid"].as_str().context("no kid")?.into(),
        expires: Wall(seconds * 1000),
        id: RevokedId::Token(id),
        client: claims["client_id"].as_str().context("no client_id")?.to_owned(),
        name: name.to_owned(),
        issuer,
        token,
    })
}
