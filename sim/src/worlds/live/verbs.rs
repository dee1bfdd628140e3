//! The verbs of the language on real nodes. Each returns what was seen, in a few words.

use anyhow::{Context, Result, bail};

use super::cluster::random_key;
use super::traffic::Progress;
use super::world::{Issued, Live};
use crate::plan::verb::{Auth, CreateClient, Login, Token, Traffic};
use crate::plan::{Step, Verb};

impl Live {
    /// Does the step on each of its nodes, one after the other.
    pub(super) async fn step(&mut self, step: &Step, progress: &dyn Progress) -> Result<String> {
        let nodes = self.resolve(&step.on)?;
        match &step.verb {
            Verb::Traffic(traffic) => return self.traffic_step(traffic, &nodes, progress).await,
            Verb::Wait(wait) => {
                tokio::time::sleep(wait.span.0).await;
                return Ok(String::new());
            }
            _ => {}
        }
        let mut saw = Vec::new();
        for index in nodes {
            let seen = self.verb(&step.verb, index).await.with_context(|| self.node(index).name.clone())?;
            if !saw.contains(&seen) {
                saw.push(seen);
            }
        }
        Ok(saw.join(" · "))
    }

    async fn verb(&mut self, verb: &Verb, index: usize) -> Result<String> {
        match verb {
            Verb::Login(login) => self.login(login, index).await,
            Verb::Logout(logout) => {
                let session = self.session(&logout.session, index)?;
                self.node(index).api.logout(session).await?;
                Ok("204".into())
            }
            Verb::SetClusterKey(set) => {
                if !self.names.keys.contains_key(&set.key) {
                    self.names.keys.insert(set.key.clone(), random_key()?);
                }
                self.node(index).api.set_cluster_key(self.operator(index)?, &self.names.keys[&set.key]).await?;
                Ok(format!("the same on each, {}", set.key))
            }
            Verb::SeedAll(_) => {
                self.cluster.seed(self.node(index), self.operator(index)?).await?;
                Ok("ML-KEM-768 and P-256 keys of each pair".into())
            }
            Verb::CreateClient(create) => self.create_client(create, index).await,
            Verb::CreateClients(create) => {
                for one in create.each() {
                    self.create_client(&one, index).await?;
                }
                Ok(format!("201, {} times", create.count))
            }
            Verb::EditClient(edit) => {
                let id = &self.client(&edit.client)?.id;
                let admin = self.operator(index)?;
                self.node(index).api.edit_client(admin, id, edit.name.as_deref(), edit.scope.as_deref()).await?;
                Ok(String::new())
            }
            Verb::DeleteClient(delete) => {
                let id = &self.client(&delete.client)?.id;
                self.node(index).api.delete_client(self.operator(index)?, id).await?;
                Ok("204".into())
            }
            Verb::DefineScope(define) => {
                self.node(index).api.put_scope(self.operator(index)?, &define.scope, &define.description).await?;
                Ok(define.description.clone())
            }
            Verb::RemoveScope(remove) => {
                self.node(index).api.delete_scope(self.operator(index)?, &remove.scope).await?;
                Ok("204".into())
            }
            Verb::Token(token) => self.issue(token, index).await,
            Verb::Introspect(introspect) => {
                let token = self.token(&introspect.token)?;
                let by = self.client(introspect.by.as_ref().unwrap_or(&token.client))?;
                let active = self.node(index).api.introspect(by, &token.value).await?;
                Ok(format!("active: {active}"))
            }
            Verb::Revoke(revoke) => {
                let token = self.token(&revoke.token)?;
                self.node(index).api.revoke(self.client(&token.client)?, &token.value).await?;
                Ok("200".into())
            }
            Verb::Kill(_) => self.cluster.kill(index).await.map(|()| "SIGKILL".into()),
            Verb::Stop(_) => self.cluster.stop(index).await.map(|()| "ended".into()),
            Verb::Restart(_) => self.cluster.restart(index).await.map(|()| "ready".into()),
            Verb::Pause(_) => self.process(index)?.pause().map(|()| "SIGSTOP".into()),
            Verb::Resume(_) => self.process(index)?.resume().map(|()| "SIGCONT".into()),
            Verb::LoseDisk(_) => {
                if self.node(index).process().is_some() {
                    self.cluster.kill(index).await?;
                }
                self.cluster.wipe_database(index).map(|()| "the identity stays".into())
            }
            Verb::Wait(_) | Verb::Traffic(_) => bail!("this verb is not done node by node"),
            other => bail!("`{}` is not done in the live world", other.key()),
        }
    }

    fn process(&self, index: usize) -> Result<&super::process::Process> {
        self.node(index).process().context("it is down")
    }

    async fn login(&mut self, login: &Login, index: usize) -> Result<String> {
        let session = self.node(index).api.login(&login.user, &login.password).await?;
        let role = if session.admin { "an administrator" } else { "a user" };
        // A session that the plan names is the plan's, to end; the world acts under the others.
        match &login.name {
            Some(name) => {
                self.names.sessions.entry(name.clone()).or_default().insert(index, session);
            }
            None if session.admin => self.operators[index] = Some(session),
            None => {}
        }
        Ok(role.into())
    }

    async fn create_client(&mut self, create: &CreateClient, index: usize) -> Result<String> {
        let name = create.name.as_ref().unwrap_or(&create.client);
        let admin = self.operator(index)?;
        let client = self.node(index).api.create_client(admin, name, create.auth, &create.scope).await?;
        if create.auth != Auth::None && client.secret.is_none() {
            bail!("a confidential client was created without a secret");
        }
        let saw = format!("201, {}, {}", create.auth.name(), client.id);
        self.names.clients.insert(create.client.clone(), client);
        Ok(saw)
    }

    async fn issue(&mut self, token: &Token, index: usize) -> Result<String> {
        let value = self.node(index).api.token(self.client(&token.client)?, token.scope.as_deref()).await?;
        let saw = format!("ES256 JWT, {} bytes", value.len());
        self.names.tokens.insert(token.token.clone(), Issued { value, client: token.client.clone() });
        Ok(saw)
    }

    async fn traffic_step(&mut self, traffic: &Traffic, nodes: &[usize], progress: &dyn Progress) -> Result<String> {
        let clients = traffic.clients.iter().map(|name| self.client(name).cloned()).collect::<Result<Vec<_>>>()?;
        let apis: Vec<_> = nodes.iter().map(|index| self.node(*index).api.clone()).collect();
        let seen = super::traffic::drive(traffic, traffic.lasts(self.short).0, apis, clients, progress).await;
        for (index, seen) in nodes.iter().zip(&seen.nodes) {
            self.traffic[*index].add(seen);
        }
        seen.verdict()
    }
}
