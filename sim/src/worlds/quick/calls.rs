//! Clients and operators: what the plan lets them ask, and what they remember of the answers. They judge nothing.

use std::collections::BTreeMap;

use symbolon_core::replica::{Actor, CallId, Event, Reply, Request, Wanted, Work, Worked};
use symbolon_core::state::{Client, ClientAuthMethod, Grant, RevokedId, Scope};
use symbolon_core::time::Wall;
use symbolon_core::token::{self, ClientPresentation, Flaw, Form, Verdict, session};
use zeroize::Zeroizing;

use super::forged::forgeries;
use super::planted::Planted;
use super::told;
use super::world::World;
use crate::checks::{Minted, Sight};
use crate::model::Judgement;
use crate::plan::verb::{Auth, Introspect, Token, Verb};

/// One token in so many that are shown to a resource server is shown altered, too.
const FORGED: usize = 4;

/// What the names of the plan stand for.
#[derive(Default)]
pub(super) struct Names {
    clients: BTreeMap<String, Registered>,
    sessions: BTreeMap<String, Zeroizing<String>>,
    tokens: BTreeMap<String, usize>,
}

/// A client that was registered.
struct Registered {
    id: String,
    secret: Option<Zeroizing<String>>,
    /// As it was last asked for.
    profile: Client,
}

impl Names {
    /// What a name of the plan stands for.
    pub(super) fn client(&self, name: &str) -> Option<&str> {
        self.clients.get(name).map(|client| client.id.as_str())
    }

    /// Where a token is among all that were issued.
    pub(super) fn token(&self, name: &str) -> Option<usize> {
        self.tokens.get(name).copied()
    }

    /// The cookie of a session.
    pub(super) fn session(&self, name: &str) -> Option<&str> {
        self.sessions.get(name).map(|cookie| cookie.as_str())
    }
}

/// A call that is under way.
pub(super) struct Pending {
    pub node: usize,
    why: Purpose,
}

enum Purpose {
    Client(String, Box<Client>),
    Secret(String),
    Session(String),
    /// Peers are asked first; then it is done again.
    Again(Verb),
    Other,
}

impl World<'_> {
    /// A thing that a client or an operator does on a node.
    pub(super) fn call(&mut self, node: usize, verb: &Verb) {
        let Some(view) = self.view(node).filter(|_| self.nodes[node].paused.is_none()) else {
            return self.refused("the node does not answer");
        };
        self.counts.calls += 1;
        let asked = match verb {
            Verb::Token(token) => return self.issue(node, token, &view, true),
            Verb::Introspect(introspect) => return self.introspect(node, introspect, &view, true),
            Verb::SeedAll(_) => return self.pin_peers(node),
            Verb::CreateClients(create) => {
                return create.each().for_each(|one| self.call(node, &Verb::CreateClient(one)));
            }
            Verb::SetClusterKey(set) => {
                let key = *blake3::hash(&self.chance.at(400).word().to_le_bytes()).as_bytes();
                let key = *blake3::keyed_hash(&key, set.key.as_bytes()).as_bytes();
                self.see(node, &Sight::Secrets(&[key]));
                Some((Purpose::Other, Request::SetClusterKey { key: Zeroizing::new(key) }))
            }
            verb => self.request(node, verb),
        };
        match asked {
            Some((why, request)) => self.ask(node, request, why),
            None => self.refused("it names what does not exist"),
        }
    }

    fn request(&self, node: usize, verb: &Verb) -> Option<(Purpose, Request)> {
        let id = |client: &str| self.names.client(client).map(str::to_owned);
        let plain = |request| Some((Purpose::Other, request));
        match verb {
            Verb::CreateClient(create) => {
                let client = profile(create.name.as_ref().unwrap_or(&create.client), create.auth, &create.scope);
                let why = Purpose::Client(create.client.clone(), Box::new(client.clone()));
                Some((why, Request::CreateClient(client)))
            }
            Verb::EditClient(edit) => {
                let mut client = self.names.clients.get(&edit.client)?.profile.clone();
                if let Some(name) = &edit.name {
                    client.name = name.clone();
                }
                if let Some(scope) = &edit.scope {
                    client.scopes = scope.split_whitespace().map(Into::into).collect();
                }
                plain(Request::UpdateClient { id: id(&edit.client)?, client })
            }
            Verb::DeleteClient(delete) => plain(Request::DeleteClient { id: id(&delete.client)? }),
            Verb::RotateSecret(rotate) => {
                let why = Purpose::Secret(rotate.client.clone());
                Some((why, Request::RotateClientSecret { id: id(&rotate.client)? }))
            }
            Verb::DefineScope(define) => {
                let scope = Scope { description: define.description.clone() };
                plain(Request::DefineScope { name: define.scope.clone(), scope })
            }
            Verb::RemoveScope(remove) => plain(Request::RemoveScope { name: remove.scope.clone() }),
            Verb::Login(login) => {
                let why = login.name.clone().map_or(Purpose::Other, Purpose::Session);
                let password = Zeroizing::new(login.password.clone());
                Some((why, Request::Login { username: login.user.clone(), password }))
            }
            Verb::EndSessions(end) => plain(Request::RevokeUserSessions { user: end.user.clone() }),
            Verb::Logout(logout) => plain(self.session_to_revoke(node, &logout.session)?),
            Verb::Revoke(revoke) => plain(self.token_to_revoke(node, &revoke.token)?),
            Verb::RotateKey(_) => plain(Request::RotateSigningKey),
            Verb::WithdrawKey(withdraw) => {
                let view = self.view(self.plan.place(&withdraw.of)?)?;
                plain(Request::WithdrawSigningKey { kid: view.signer.as_ref()?.kid.to_string() })
            }
            Verb::AcceptClock(_) => plain(Request::AcceptClock),
            _ => None,
        }
    }

    fn ask(&mut self, node: usize, request: Request, why: Purpose) {
        let call = self.name_call();
        self.mark_request(&request);
        self.pending.insert(call, Pending { node, why });
        self.asked_by_script(call);
        self.see(node, &Sight::Asked(call));
        self.see(node, &Sight::Wanted { call, request: &request });
        self.handle(node, Event::Ask { call, actor: Actor::Operator, request, concern: None });
    }

    /// An operator names every peer that is invited.
    pub(super) fn pin_peers(&mut self, node: usize) {
        let known = self.view(node).map(|view| view.pinned.clone()).unwrap_or_default();
        let is_new = |other: &usize| !known.contains_key(&self.nodes[*other].keys.node());
        for other in self.peers_of(node).filter(is_new).collect::<Vec<_>>() {
            self.ask(node, Request::SeedNode(self.nodes[other].seed()), Purpose::Other);
        }
    }

    /// The places of those that a node shall pin.
    pub(super) fn peers_of(&self, node: usize) -> impl Iterator<Item = usize> {
        let all = self.planted == Some(Planted::PinStrangers);
        let invited = (0..self.nodes.len()).filter(move |other| *other != node && (all || self.plan.invites(*other)));
        // One with its own identity is a clone, or has one.
        invited.filter(move |other| self.nodes[*other].keys.node() != self.nodes[node].keys.node())
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
        let is_ours = self.answered_to_script(call, Some(&reply));
        let Some(Pending { why, .. }) = self.pending.remove(&call) else {
            return;
        };
        self.told(|recorder| told::answered(recorder, node, &reply));
        match (why, reply) {
            (Purpose::Client(name, profile), Reply::ClientCreated { id, secret, .. }) => {
                self.names.clients.insert(name, Registered { id, secret, profile: *profile });
            }
            (Purpose::Secret(name), Reply::ClientCreated { secret, .. }) => {
                if let Some(client) = self.names.clients.get_mut(&name) {
                    client.secret = secret;
                }
            }
            (Purpose::Session(name), Reply::LoggedIn { cookie, .. }) => {
                self.names.sessions.insert(name, cookie);
            }
            (Purpose::Again(verb), Reply::Pulled) => self.within_step(is_ours, |world| world.again(node, &verb)),
            _ => {}
        }
    }

    fn again(&mut self, node: usize, verb: &Verb) {
        let Some(view) = self.view(node) else {
            return;
        };
        match verb {
            Verb::Token(token) => self.issue(node, token, &view, false),
            Verb::Introspect(introspect) => self.introspect(node, introspect, &view, false),
            _ => {}
        }
    }

    fn issue(&mut self, node: usize, asked: &Token, view: &View, may_pull: bool) {
        let Some(client) = self.names.clients.get(&asked.client) else {
            return self.refused("the client was never created");
        };
        let secret = client.secret.as_ref().map_or("", |secret| secret.as_str());
        let id = client.id.clone();
        let mut form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        if let Some(scope) = &asked.scope {
            form += &format!("&scope={}", scope.replace(' ', "+"));
        }
        let form = match Form::parse(form.as_bytes()) {
            Ok(form) => form,
            Err(error) => return self.refused(&format!("{error:?}")),
        };
        let now = self.nodes[node].now(self.at_ms);
        let presentation = ClientPresentation { authorization: None, form: &form };
        match token::token(view, presentation, now, &self.nodes[node].crypto) {
            Verdict::Done(reply) => self.issued(node, (&asked.token, id), reply.access_token, view, now.wall),
            Verdict::Missing(wanted, _) if may_pull => {
                self.ask(node, Request::Pull(wanted), Purpose::Again(Verb::Token(asked.clone())));
            }
            Verdict::Missing(..) => self.refused("something is missing that no peer had"),
            Verdict::Refused(error) => self.refused(&format!("{}: {}", error.error, error.description)),
        }
    }

    fn issued(&mut self, node: usize, (name, client): (&str, String), token: String, view: &View, now: Wall) {
        let kid = view.signer.as_ref().map(|signer| signer.kid.clone());
        let (Ok(verified), Some(kid)) = (token::verify(view, &token, now), kid) else {
            let name = &self.plan.nodes[node];
            self.trouble = Some(format!("{name} does not accept the token that it issued"));
            return;
        };
        let (expires, id) = (verified.expires, verified.id);
        let minted = Minted { token, name: name.to_owned(), client, issuer: node, kid, expires, id };
        self.told(|recorder| told::issued(recorder, node, &minted));
        self.see(node, &Sight::Issued(&minted));
        self.names.tokens.insert(name.to_owned(), self.tokens.len());
        self.tokens.push(minted);
    }

    fn introspect(&mut self, node: usize, asked: &Introspect, view: &View, may_pull: bool) {
        let Some(token) = self.token(&asked.token) else {
            return self.refused("the token was never issued");
        };
        let wall = self.nodes[node].now(self.at_ms).wall;
        let active = match token::verify(view, &token.token, wall) {
            Ok(_) => !view.client_is_denied(&token.client),
            Err(Flaw::UnknownKey(kid)) if may_pull => {
                let again = Purpose::Again(Verb::Introspect(asked.clone()));
                return self.ask(node, Request::Pull(Wanted::TokenKey(kid)), again);
            }
            Err(_) => false,
        };
        self.told(|recorder| told::judged(recorder, node, &token, active));
        self.judgements.push(Judgement { token: asked.token.clone(), node, active: Some(active) });
        self.see(node, &Sight::Judged { token: &token, active, view, wall });
        let key = view.token_keys.get(&token.kid).filter(|_| self.judgements.len() % FORGED == 1);
        for (what, forged) in key.map_or(Vec::new(), |key| forgeries(&token.token, key)) {
            let accepted = token::verify(view, &forged, wall).is_ok();
            self.see(node, &Sight::Forged { what, accepted });
        }
    }

    pub(super) fn token(&self, name: &str) -> Option<Minted> {
        self.tokens.get(*self.names.tokens.get(name)?).cloned()
    }

    fn token_to_revoke(&self, node: usize, name: &str) -> Option<Request> {
        let (token, view) = (self.token(name)?, self.view(node)?);
        let verified = token::verify(&view, &token.token, self.nodes[node].now(self.at_ms).wall).ok()?;
        Some(Request::Revoke(vec![(verified.id, verified.expires)]))
    }

    fn session_to_revoke(&self, node: usize, name: &str) -> Option<Request> {
        let (cookie, view) = (self.names.session(name)?, self.view(node)?);
        let now = self.nodes[node].now(self.at_ms).wall;
        match session::open(&view, &self.nodes[node].crypto, cookie, now) {
            Verdict::Done(session) => Some(Request::Revoke(vec![(RevokedId::Session(session.sid), session.expires)])),
            Verdict::Missing(..) | Verdict::Refused(_) => None,
        }
    }
}

type View = std::sync::Arc<symbolon_core::state::View>;

fn profile(name: &str, auth: Auth, scope: &str) -> Client {
    let auth_method = match auth {
        Auth::None => ClientAuthMethod::None,
        Auth::ClientSecretBasic => ClientAuthMethod::SecretBasic,
        Auth::ClientSecretPost => ClientAuthMethod::SecretPost,
    };
    let grants = if auth == Auth::None { Grant::AuthorizationCode } else { Grant::ClientCredentials };
    Client {
        name: name.to_owned(),
        auth_method,
        grants: [grants].into(),
        scopes: scope.split_whitespace().map(Into::into).collect(),
        redirect_uris: Vec::new(),
        audience: Vec::new(),
        access_token_ttl_s: None,
        created: Wall(0),
    }
}
