//! Clients and operators: what the plan lets them ask, and what they remember of the answers. They judge nothing.

use std::collections::BTreeMap;

use symbolon_core::replica::{Actor, CallId, Event, Reply, Request, Wanted, Work, Worked};
use symbolon_core::state::{Client, ClientAuthMethod, Grant, RevokedId, Scope};
use symbolon_core::time::Wall;
use symbolon_core::token::{self, ClientPresentation, Flaw, Form, Verdict, session};
use zeroize::Zeroizing;

use super::node::{PASSWORD, USER};
use super::told;
use super::world::World;
use crate::checks::{Minted, Sight};
use crate::plan::drawn::Deed;

/// What the plan's numbers stand for.
#[derive(Default)]
pub(super) struct Names {
    clients: BTreeMap<u64, (String, Zeroizing<String>)>,
    sessions: BTreeMap<u64, Zeroizing<String>>,
    tokens: BTreeMap<u64, usize>,
}

/// A call that is under way.
pub(super) struct Pending {
    pub node: usize,
    why: Purpose,
}

enum Purpose {
    Client(u64),
    Session(u64),
    /// Peers are asked first; then it is done again.
    Again(Deed),
    Other,
}

impl World<'_> {
    /// A thing that a client or an operator does.
    pub(super) fn call(&mut self, node: usize, deed: &Deed) {
        let Some(view) = self.view(node).filter(|_| self.nodes[node].paused.is_none()) else {
            return;
        };
        self.counts.calls += 1;
        self.told(|recorder| told::step(recorder, node, deed));
        let id = |client: &u64| self.names.clients.get(client).map(|(id, _)| id.clone());
        let (why, request) = match deed {
            Deed::CreateClient { client } => {
                (Purpose::Client(*client), Some(Request::CreateClient(profile(*client, 0))))
            }
            Deed::EditClient { client, version } => {
                let request = id(client).map(|id| Request::UpdateClient { id, client: profile(*client, *version) });
                (Purpose::Other, request)
            }
            Deed::DeleteClient { client } => (Purpose::Other, id(client).map(|id| Request::DeleteClient { id })),
            Deed::RotateSecret { client } => {
                (Purpose::Client(*client), id(client).map(|id| Request::RotateClientSecret { id }))
            }
            Deed::DefineScope { scope, version } => {
                let scope_is = Scope { description: format!("version {version}") };
                (Purpose::Other, Some(Request::DefineScope { name: format!("s{scope}"), scope: scope_is }))
            }
            Deed::RemoveScope { scope } => (Purpose::Other, Some(Request::RemoveScope { name: format!("s{scope}") })),
            Deed::Login { session } => {
                let password = Zeroizing::new(PASSWORD.to_owned());
                (Purpose::Session(*session), Some(Request::Login { username: USER.into(), password }))
            }
            Deed::RevokeUser => (Purpose::Other, Some(Request::RevokeUserSessions { user: USER.into() })),
            Deed::RevokeSession { session } => (Purpose::Other, self.session_to_revoke(node, *session)),
            Deed::RevokeToken { token } => (Purpose::Other, self.token_to_revoke(node, *token)),
            Deed::SetClusterKey { number } => {
                let key = self.chance.at(400).at(*number).word().to_le_bytes();
                let key = blake3::hash(&key);
                self.see(node, &Sight::Secrets(&[*key.as_bytes()]));
                (Purpose::Other, Some(Request::SetClusterKey { key: Zeroizing::new(*key.as_bytes()) }))
            }
            Deed::RotateKey => (Purpose::Other, Some(Request::RotateSigningKey)),
            Deed::WithdrawKey { of } => {
                let kid = self.view(*of).and_then(|view| Some(view.signer.as_ref()?.kid.to_string()));
                (Purpose::Other, kid.map(|kid| Request::WithdrawSigningKey { kid }))
            }
            Deed::Issue { client, token } => return self.issue(node, *client, *token, &view, true),
            Deed::Introspect { token } => return self.introspect(node, *token, &view, true),
            _ => return,
        };
        if let Some(request) = request {
            self.ask(node, request, why);
        }
    }

    fn ask(&mut self, node: usize, request: Request, why: Purpose) {
        let call = self.name_call();
        self.pending.insert(call, Pending { node, why });
        self.see(node, &Sight::Asked(call));
        self.handle(node, Event::Ask { call, actor: Actor::Operator, request, concern: None });
    }

    /// An operator names every peer.
    pub(super) fn pin_peers(&mut self, node: usize) {
        for other in (0..self.nodes.len()).filter(|other| *other != node) {
            let seed = self.nodes[other].seed();
            self.ask(node, Request::SeedNode(seed), Purpose::Other);
        }
    }

    pub(super) fn vouch(&mut self, node: usize) {
        if self.view(node).is_some_and(|view| !view.readiness.is_ready()) {
            self.ask(node, Request::AcceptClock, Purpose::Other);
        }
    }

    pub(super) fn work(&mut self, node: usize, call: CallId, work: &Work) {
        let Work::VerifyPassword { password, hash } = work;
        let outcome = Worked::Password(**password == *hash);
        self.handle(node, Event::Worked { call, outcome });
    }

    pub(super) fn answer(&mut self, node: usize, call: CallId, reply: Reply) {
        if let Some(view) = self.nodes[node].view.clone() {
            self.see(node, &Sight::Answered { call, reply: &reply, view: &view });
        }
        let Some(Pending { why, .. }) = self.pending.remove(&call) else {
            return;
        };
        self.told(|recorder| told::answered(recorder, node, &reply));
        match (why, reply) {
            (Purpose::Client(number), Reply::ClientCreated { id, secret: Some(secret), .. }) => {
                self.names.clients.insert(number, (id, secret));
            }
            (Purpose::Session(number), Reply::LoggedIn { cookie, .. }) => {
                self.names.sessions.insert(number, cookie);
            }
            (Purpose::Again(deed), Reply::Pulled) => self.again(node, &deed),
            _ => {}
        }
    }

    fn again(&mut self, node: usize, deed: &Deed) {
        let Some(view) = self.view(node) else {
            return;
        };
        match deed {
            Deed::Issue { client, token } => self.issue(node, *client, *token, &view, false),
            Deed::Introspect { token } => self.introspect(node, *token, &view, false),
            _ => {}
        }
    }

    fn issue(&mut self, node: usize, client: u64, number: u64, view: &View, may_pull: bool) {
        let Some((id, secret)) = self.names.clients.get(&client) else {
            return;
        };
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={}", &**secret);
        let Ok(form) = Form::parse(form.as_bytes()) else {
            return;
        };
        let client_id = id.clone();
        let now = self.nodes[node].now(self.at_ms).wall;
        let presentation = ClientPresentation { authorization: None, form: &form };
        match token::token(view, presentation, now, &self.nodes[node].crypto) {
            Verdict::Done(reply) => self.issued(node, (number, client_id), reply.access_token, view, now),
            Verdict::Missing(wanted, _) if may_pull => {
                self.ask(node, Request::Pull(wanted), Purpose::Again(Deed::Issue { client, token: number }));
            }
            Verdict::Missing(..) | Verdict::Refused(_) => {}
        }
    }

    fn issued(&mut self, node: usize, (number, client): (u64, String), token: String, view: &View, now: Wall) {
        let kid = view.signer.as_ref().map(|signer| signer.kid.clone());
        let (Ok(verified), Some(kid)) = (token::verify(view, &token, now), kid) else {
            if self.nodes[node].step_ms != 0 {
                return; // The replica has not heard yet that the clock jumped; what its clock dates is over for ever.
            }
            self.trouble = Some(format!("n{} does not accept the token that it issued", node + 1));
            return;
        };
        let (expires, id) = (verified.expires, verified.id);
        let minted = Minted { token, number, client, issuer: node, kid, expires, id };
        self.told(|recorder| told::issued(recorder, node, &minted));
        self.see(node, &Sight::Issued(&minted));
        self.names.tokens.insert(number, self.tokens.len());
        self.tokens.push(minted);
    }

    fn introspect(&mut self, node: usize, number: u64, view: &View, may_pull: bool) {
        let Some(token) = self.token(number) else {
            return;
        };
        let wall = self.nodes[node].now(self.at_ms).wall;
        let active = match token::verify(view, &token.token, wall) {
            Ok(_) => !view.client_is_denied(&token.client),
            Err(Flaw::UnknownKey(kid)) if may_pull => {
                let deed = Deed::Introspect { token: number };
                return self.ask(node, Request::Pull(Wanted::TokenKey(kid)), Purpose::Again(deed));
            }
            Err(_) => false,
        };
        self.told(|recorder| told::judged(recorder, node, &token, active));
        self.see(node, &Sight::Judged { token: &token, active, view, wall });
    }

    fn token(&self, number: u64) -> Option<Minted> {
        self.tokens.get(*self.names.tokens.get(&number)?).cloned()
    }

    fn token_to_revoke(&self, node: usize, number: u64) -> Option<Request> {
        let (token, view) = (self.token(number)?, self.view(node)?);
        let verified = token::verify(&view, &token.token, self.nodes[node].now(self.at_ms).wall).ok()?;
        Some(Request::Revoke(vec![(verified.id, verified.expires)]))
    }

    fn session_to_revoke(&self, node: usize, number: u64) -> Option<Request> {
        let (cookie, view) = (self.names.sessions.get(&number)?, self.view(node)?);
        let now = self.nodes[node].now(self.at_ms).wall;
        match session::open(&view, &self.nodes[node].crypto, cookie, now) {
            Verdict::Done(session) => Some(Request::Revoke(vec![(RevokedId::Session(session.sid), session.expires)])),
            Verdict::Missing(..) | Verdict::Refused(_) => None,
        }
    }
}

type View = std::sync::Arc<symbolon_core::state::View>;

fn profile(number: u64, version: u64) -> Client {
    Client {
        name: format!("client {number} version {version}"),
        auth_method: ClientAuthMethod::SecretPost,
        grants: [Grant::ClientCredentials].into(),
        scopes: Default::default(),
        redirect_uris: Vec::new(),
        audience: Vec::new(),
        access_token_ttl_s: None,
        created: Wall(0),
    }
}
