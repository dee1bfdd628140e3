//! `symbolon cluster`: makes running nodes one cluster. It only asks them, as an administrator could with curl.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{Failure, print, read_password};
use crate::client::Client;

/// Between two looks at whether the nodes are equal.
const POLL: Duration = Duration::from_millis(100);

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Pin each node at each other, and wait until they hold one state. Safe to repeat, and to extend.
    Bootstrap(Bootstrap),
}

/// The nodes to make one.
#[derive(clap::Args)]
pub(super) struct Bootstrap {
    /// Their origins, such as <https://10.0.0.1:8443>.
    #[arg(required = true, num_args = 2.., value_name = "ORIGIN")]
    nodes: Vec<String>,
    /// The CA that signed their certificates; needed for nodes that are not on this machine.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// An administrator of all of them; the password is read from standard input.
    #[arg(long, default_value = "admin")]
    user: String,
    /// How long to wait until they are equal.
    #[arg(long, default_value_t = 30)]
    timeout_s: u64,
}

/// A node as it presented itself.
struct Member {
    origin: String,
    cookie: Zeroizing<String>,
    seed: Value,
    name: String,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Bootstrap(bootstrap) = command;
    let client = Client::new(bootstrap.ca.as_deref()).map_err(Failure::Usage)?;
    let password = read_password()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Failure::Failed(e.to_string()))?;
    runtime.block_on(bootstrap.run(&client, &password)).map_err(Failure::Failed)
}

impl Bootstrap {
    async fn run(&self, client: &Client, password: &str) -> Result<(), String> {
        let mut members = Vec::new();
        for origin in &self.nodes {
            members.push(self.meet(client, origin, password).await?);
        }
        for member in &members {
            for other in members.iter().filter(|other| other.origin != member.origin) {
                let door = ("POST", "/api/admin/nodes/seed");
                let answer = client.ask(&member.origin, door, Some(&member.cookie), Some(&other.seed)).await?;
                answer.success(&member.origin)?;
            }
            say(&format!("{}  {}  knows {} peers\n", member.name, member.origin, members.len() - 1));
        }
        let waited = self.wait_until_equal(client, &members).await?;
        say(&format!("one state on all {}, {} ms later\n", members.len(), waited.as_millis()));
        Ok(())
    }

    /// Logs in, and asks who it is.
    async fn meet(&self, client: &Client, origin: &str, password: &str) -> Result<Member, String> {
        let origin = origin.trim_end_matches('/').to_owned();
        let who = json!({ "username": self.user, "password": password });
        let session = client.ask(&origin, ("POST", "/api/auth/login"), None, Some(&who)).await?.success(&origin)?;
        let cookie = session.cookie.ok_or_else(|| format!("{origin}: the log-in brought no session"))?;
        let info = client.ask(&origin, ("GET", "/api/gossip/kem-info"), None, None).await?.success(&origin)?.body;
        let field = |name: &str| info.get(name).cloned().ok_or_else(|| format!("{origin}: kem-info has no {name}"));
        let seed = json!({
            "node_id": field("node_id")?,
            "kem_public_key_der": field("kem_public_key_der")?,
            "gossip_signing_pub_key_der": field("gossip_signing_pub_key_der")?,
            "address": field("address")?,
        });
        let name = field("name")?.as_str().unwrap_or_default().to_owned();
        Ok(Member { origin, cookie, seed, name })
    }

    async fn wait_until_equal(&self, client: &Client, members: &[Member]) -> Result<Duration, String> {
        let begin = Instant::now();
        loop {
            let mut digests = Vec::new();
            for member in members {
                let door = ("GET", "/api/gossip/stats");
                let stats = client.ask(&member.origin, door, Some(&member.cookie), None).await?;
                let stats = stats.success(&member.origin)?.body;
                digests.push(stats["digest"].clone());
            }
            if digests.windows(2).all(|pair| pair[0] == pair[1]) && !digests[0].is_null() {
                return Ok(begin.elapsed());
            }
            if begin.elapsed() > Duration::from_secs(self.timeout_s) {
                return Err(format!(
                    "the nodes are not equal after {} s: look at their /readyz and logs",
                    self.timeout_s
                ));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Progress: that nobody reads it is no failure.
fn say(line: &str) {
    print(line).ok();
}
