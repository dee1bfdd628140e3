//! Issuance and introspection of one node over plain HTTP, in slices that alternate with bare handlers, so that the noise
//! of the machine falls on both.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::figure::{Figure, Wanted};
use super::{Pace, load};
use crate::plan::verb::Auth;
use crate::report::quantile;
use crate::worlds::live::api::{Api, Client, basic};
use crate::worlds::live::cluster::{PASSWORD, USER};
use crate::worlds::live::dial::{Trust, loopback};
use crate::worlds::live::process::Process;
use crate::worlds::live::{Cluster, Layout, Ports, proc};

/// How long the bare handlers may take to come up.
const UP_WITHIN: Duration = Duration::from_secs(5);

/// Less than the node's patience with a lock.
const BLOCKED_FOR: Duration = Duration::from_secs(2);

/// A server under load: what is sent to it, and what it cost.
struct Side {
    port: u16,
    pid: u32,
    token: Vec<u8>,
    introspect: Vec<u8>,
}

/// The slices of one kind on one side, together.
#[derive(Default)]
struct Sum {
    latencies_us: Vec<u32>,
    elapsed: Duration,
    cpu: Duration,
}

/// Measures both, and compares.
pub(super) async fn measure(pace: &Pace) -> Result<Vec<Figure>> {
    let workers = std::thread::available_parallelism()?.get();
    let layout = Layout { tls: false, workers: Some(workers), ..Layout::of(1) };
    let mut cluster = Cluster::lay_out(&layout).await?;
    cluster.start().await?;
    let ours = node(&cluster).await?;
    let log = cluster.dir().join("bare.log");
    let (process, bare) = start_bare(workers, &log).await?;
    let mut figures = Vec::new();
    for (kind, cpu_goal) in [("token", Some(Wanted::AtMost(1.35))), ("introspect", None)] {
        let (mut our_sum, mut bare_sum) = (Sum::default(), Sum::default());
        for turn in 0..pace.slices * 2 {
            let (side, sum) =
                if turn % 4 == 0 || turn % 4 == 3 { (&bare, &mut bare_sum) } else { (&ours, &mut our_sum) };
            let request = if kind == "token" { &side.token } else { &side.introspect };
            sum.slice(side, request, pace.slice).await?;
        }
        figures.extend(compare(kind, our_sum, bare_sum, cpu_goal));
    }
    figures.push(blocked(&cluster, &ours, pace).await?);
    let resident = proc::resident(ours.pid).context("no memory of the node to read")?;
    figures.push(Figure::new("node.resident_after_load", resident as f64 / (1 << 20) as f64, "MiB"));
    process.stop().await?;
    cluster.end().await?;
    Ok(figures)
}

/// Issuance while the writer waits for its disk: another process holds the database's lock, and a change waits behind it.
async fn blocked(cluster: &Cluster, side: &Side, pace: &Pace) -> Result<Figure> {
    let api = &cluster.nodes().first().context("one node")?.api;
    let admin = api.login(USER, PASSWORD).await?;
    let (mut free, mut held) = (Sum::default(), Sum::default());
    let holder = rusqlite::Connection::open(cluster.nodes()[0].database())?;
    for turn in 0..2 {
        free.slice(side, &side.token, pace.slice.min(BLOCKED_FOR)).await?;
        holder.execute_batch("BEGIN IMMEDIATE")?;
        let name = format!("late.{turn}");
        let mut change = Box::pin(api.put_scope(&admin, &name, "waits for the disk"));
        let slice = held.slice(side, &side.token, pace.slice.min(BLOCKED_FOR));
        tokio::select! {
            biased;
            done = &mut change => bail!("the disk was not blocked: {done:?}"),
            measured = slice => measured?,
        }
        holder.execute_batch("ROLLBACK")?;
        change.await?;
    }
    let rate = Figure::new("token.rate_while_disk_blocked", held.per_s(), "1/s");
    Ok(rate.under("token.rate_while_disk_free", free.per_s()).wanted(Wanted::AtLeast(0.8)))
}

async fn node(cluster: &Cluster) -> Result<Side> {
    let node = cluster.nodes().first().context("one node")?;
    let admin = node.api.login(USER, PASSWORD).await?;
    node.api.put_scope(&admin, "orders.read", "Read orders").await?;
    let client = node.api.create_client(&admin, "bench", Auth::ClientSecretBasic, "orders.read").await?;
    let pid = node.pid().await?;
    side(node.port, pid, &node.api, &client).await
}

async fn start_bare(workers: usize, log: &std::path::Path) -> Result<(Process, Side)> {
    let port = Ports::one_free()?;
    let own = std::env::current_exe()?;
    let process = Process::start(&own, &["bare", "--port", &port.to_string()], Some(workers), log)?;
    let begin = std::time::Instant::now();
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        if begin.elapsed() > UP_WITHIN {
            anyhow::bail!("the bare handlers do not come up:\n{}", crate::worlds::live::process::tail(log));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // As long as a real one.
    let id = "00000000-0000-0000-0000-000000000000".to_owned();
    let client = Client { id, secret: Some("0".repeat(43)), auth: Auth::ClientSecretBasic };
    let side = side(port, process.pid(), &Api::new(loopback(port, Trust::plain())), &client).await?;
    Ok((process, side))
}

/// The bytes to send: a token is issued, and the same one introspected each time.
async fn side(port: u16, pid: u32, api: &Api, client: &Client) -> Result<Side> {
    let authorization = basic(&client.id, client.secret.as_deref().unwrap_or_default());
    let token = api.token(client, None).await?;
    let introspect = load::request(port, "/introspect", &authorization, &format!("token={token}"));
    let token = load::request(port, "/token", &authorization, "grant_type=client_credentials&scope=orders.read");
    Ok(Side { port, pid, token, introspect })
}

impl Sum {
    async fn slice(&mut self, side: &Side, request: &[u8], lasts: Duration) -> Result<()> {
        let cpu = || proc::cpu(side.pid).context("no processor time of the server to read");
        let before = cpu()?;
        let slice = load::slice(side.port, request.to_vec(), lasts).await?;
        self.cpu += cpu()?.saturating_sub(before);
        self.elapsed += slice.elapsed;
        self.latencies_us.extend(slice.latencies_us);
        Ok(())
    }

    fn per_s(&self) -> f64 {
        self.latencies_us.len() as f64 / self.elapsed.as_secs_f64()
    }

    fn cpu_us(&self) -> f64 {
        self.cpu.as_micros() as f64 / self.latencies_us.len().max(1) as f64
    }
}

fn compare(kind: &str, mut ours: Sum, mut bare: Sum, cpu_goal: Option<Wanted>) -> Vec<Figure> {
    ours.latencies_us.sort_unstable();
    bare.latencies_us.sort_unstable();
    let against = |name: &str, ours: f64, bare: f64, unit| {
        Figure::new(format!("{kind}.{name}"), ours, unit).under(format!("bare.{kind}.{name}"), bare)
    };
    let at = |sum: &Sum, share| f64::from(quantile(&sum.latencies_us, share).unwrap_or_default());
    let mut cpu = against("cpu", ours.cpu_us(), bare.cpu_us(), "µs");
    cpu.wanted = cpu_goal;
    vec![
        against("rate", ours.per_s(), bare.per_s(), "1/s").wanted(Wanted::AtLeast(0.8)),
        cpu,
        against("p50", at(&ours, 0.5), at(&bare, 0.5), "µs"),
        against("p99", at(&ours, 0.99), at(&bare, 0.99), "µs"),
    ]
}
