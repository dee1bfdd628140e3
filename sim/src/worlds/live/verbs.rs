//! What clients and operators do on real nodes. Each verb returns what was seen, in a few words; faults are done next door.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::cluster::random_key;
use super::node::Clock;
use super::stage::{Issued, Operator, Stage};
use super::traffic::Progress;
use crate::plan::verb::{Auth, CreateClient, Login, Token, Traffic};
use crate::plan::{Step, Verb};

impl Stage {
    /// Does the step on each of its nodes, one after the other.
    pub(super) async fn step(self: &Arc<Self>, step: &Step, progress: &dyn Progress) -> Result<String> {
        if let Some(why) = super::refusal::of_verb(&step.verb) {
            bail!("{why}");
        }
        let places = self.resolve(&step.on)?;
        match &step.verb {
            Verb::Traffic(traffic) => return self.traffic_step(traffic, &places, progress).await,
            Verb::Wait(wait) => {
                tokio::time::sleep(wait.span.0).await;
                return Ok(String::new());
            }
            Verb::Partition(partition) => return self.partition(partition),
            Verb::Heal(_) => {
                self.network()?.mend_all();
                return Ok(String::new());
            }
            _ => {}
        }
        let mut saw = Vec::new();
        for place in places {
            let seen = self.verb(&step.verb, place).await.with_context(|| self.node(place).name.clone())?;
            if !saw.contains(&seen) {
                saw.push(seen);
            }
        }
        Ok(saw.join(" · "))
    }

    async fn verb(self: &Arc<Self>, verb: &Verb, place: usize) -> Result<String> {
        let api = &self.node(place).api;
        match verb {
            Verb::Login(login) => return self.login(login, place).await,
            Verb::CreateClient(create) => return self.create_client(create, place).await,
            Verb::CreateClients(create) => {
                for one in create.each() {
                    self.create_client(&one, place).await?;
                }
                return Ok(format!("201, {} times", create.count));
            }
            Verb::Token(token) => return self.issue(token, place).await,
            Verb::SetClusterKey(set) => return self.set_cluster_key(&set.key, place).await,
            Verb::SeedAll(_) => return self.seed_all(place).await,
            Verb::WithdrawKey(withdraw) => return self.withdraw_key(&withdraw.of, place).await,
            Verb::Logout(logout) => api.logout(&self.session(&logout.session, place)?).await?,
            Verb::EndSessions(end) => {
                api.end_sessions(&self.operator(place)?, &end.user).await?;
                self.relieve(&end.user).await?;
            }
            Verb::EditClient(edit) => {
                let id = self.client(&edit.client)?.id;
                let admin = self.operator(place)?;
                api.edit_client(&admin, &id, edit.name.as_deref(), edit.scope.as_deref()).await?;
                return Ok(String::new());
            }
            Verb::RotateSecret(rotate) => {
                let id = self.client(&rotate.client)?.id;
                let secret = api.rotate_secret(&self.operator(place)?, &id).await?;
                if let Some(client) = self.state().names.clients.get_mut(&rotate.client) {
                    client.secret = Some(secret);
                }
                return Ok("200, another secret".into());
            }
            Verb::DeleteClient(delete) => {
                api.delete_client(&self.operator(place)?, &self.client(&delete.client)?.id).await?;
            }
            Verb::DefineScope(define) => {
                api.put_scope(&self.operator(place)?, &define.scope, &define.description).await?;
                return Ok(define.description.clone());
            }
            Verb::RemoveScope(remove) => api.delete_scope(&self.operator(place)?, &remove.scope).await?,
            Verb::Introspect(introspect) => {
                let token = self.token(&introspect.token)?;
                let by = self.client(introspect.by.as_ref().unwrap_or(&token.client))?;
                let active = api.introspect(&by, &token.value).await?;
                return Ok(format!("active: {active}"));
            }
            Verb::Revoke(revoke) => {
                let token = self.token(&revoke.token)?;
                api.revoke(&self.client(&token.client)?, &token.value).await?;
                return Ok("200".into());
            }
            Verb::RotateKey(_) => {
                api.rotate_key(&self.operator(place)?).await?;
                return Ok("202".into());
            }
            Verb::AcceptClock(_) => return self.accept_clock(place).await,
            fault => return self.fault(fault, place).await,
        }
        Ok("204".into())
    }

    async fn login(&self, login: &Login, place: usize) -> Result<String> {
        let session = self.node(place).api.login(&login.user, &login.password).await?;
        let role = if session.admin { "an administrator" } else { "a user" };
        let mut state = self.state();
        // A session that the plan names is the plan's, to end; the world acts under the others.
        match &login.name {
            Some(name) => {
                state.names.sessions.entry(name.clone()).or_default().insert(place, session);
            }
            None if session.admin => {
                let (user, password) = (login.user.clone(), login.password.clone());
                state.operators.insert(place, Operator { user, password, session });
            }
            None => {}
        }
        Ok(role.into())
    }

    async fn set_cluster_key(&self, name: &str, place: usize) -> Result<String> {
        let fresh = random_key()?;
        let key = *self.state().names.keys.entry(name.into()).or_insert(fresh);
        self.node(place).api.set_cluster_key(&self.operator(place)?, &key).await?;
        Ok(format!("the same on each, {name}"))
    }

    async fn seed_all(&self, place: usize) -> Result<String> {
        let admin = self.operator(place)?;
        for other in (0..self.plan.nodes.len()).filter(|other| *other != place && self.plan.invites(*other)) {
            self.cluster.pin(place, &admin, other).await?;
        }
        Ok("ML-KEM-768 and P-256 keys of each pair".into())
    }

    async fn create_client(&self, create: &CreateClient, place: usize) -> Result<String> {
        let name = create.name.as_ref().unwrap_or(&create.client);
        let admin = self.operator(place)?;
        let client = self.node(place).api.create_client(&admin, name, create.auth, &create.scope).await?;
        if create.auth != Auth::None && client.secret.is_none() {
            bail!("a confidential client was created without a secret");
        }
        let saw = format!("201, {}, {}", create.auth.name(), client.id);
        self.state().names.clients.insert(create.client.clone(), client);
        Ok(saw)
    }

    async fn issue(&self, token: &Token, place: usize) -> Result<String> {
        let client = self.client(&token.client)?;
        let value = self.node(place).api.token(&client, token.scope.as_deref()).await?;
        let saw = format!("ES256 JWT, {} bytes", value.len());
        self.state().names.tokens.insert(token.token.clone(), Issued { value, client: token.client.clone() });
        Ok(saw)
    }

    async fn withdraw_key(&self, of: &str, place: usize) -> Result<String> {
        let signer = self.plan.place(of).with_context(|| format!("there is no node {of}"))?;
        let stats = self.node(signer).api.stats(&self.operator(signer)?).await?;
        let kid = stats["active_signing_kid"].as_str().with_context(|| format!("{of} signs with no key"))?;
        self.node(place).api.withdraw_key(&self.operator(place)?, kid).await?;
        Ok(format!("204, {kid}"))
    }

    /// Starts it anew under the operator's word, as its documentation has it.
    async fn accept_clock(&self, place: usize) -> Result<String> {
        if self.node(place).is_up().await {
            self.node(place).stop().await?;
        }
        self.start(place, Clock::Accepted, super::node::READY_WITHIN).await?;
        Ok("started with --accept-clock".into())
    }

    async fn traffic_step(&self, traffic: &Traffic, places: &[usize], progress: &dyn Progress) -> Result<String> {
        let clients = traffic.clients.iter().map(|name| self.client(name)).collect::<Result<Vec<_>>>()?;
        let apis: Vec<_> = places.iter().map(|place| self.node(*place).api.clone()).collect();
        let seen = super::traffic::drive(traffic, traffic.lasts(self.short).0, apis, clients, progress).await;
        for (place, seen) in places.iter().zip(&seen.nodes) {
            self.state().traffic[*place].add(seen);
        }
        seen.verdict()
    }
}
