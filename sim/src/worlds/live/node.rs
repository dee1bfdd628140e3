//! One node of a live cluster, up or down: its process, its endpoints and where its files lie. It never touches a file that a
//! running process owns.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use tokio::sync::{Mutex, OnceCell};

use super::api::Api;
use super::process::{self, Process};
use super::proxy::Proxy;

/// How long a node may take until it is ready.
pub(super) const READY_WITHIN: Duration = Duration::from_secs(15);
/// Between two looks at a node.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// One node, up or down.
pub struct Node {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub port: u16,
    /// Its endpoints.
    pub api: Api,
    /// Held while it starts or ends, so that neither overtakes the other.
    process: Mutex<Option<Process>>,
    /// How often it was started.
    lives: AtomicU64,
    info: OnceCell<serde_json::Value>,
    files: Files,
    program: Arc<Program>,
    // Peers dial it; it ends with the node.
    _proxy: Option<Proxy>,
}

/// What runs.
pub(super) struct Program {
    /// The executable.
    pub binary: PathBuf,
    /// Threads that serve.
    pub workers: Option<usize>,
}

/// Where the files of a node lie.
pub(super) struct Files {
    /// Its configuration.
    pub config: PathBuf,
    /// Its data directory.
    pub data: PathBuf,
    /// Its output.
    pub log: PathBuf,
}

/// Whether whoever starts a node vouches for its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The node judges it.
    Judged,
    /// `--accept-clock`.
    Accepted,
}

impl Node {
    /// A node that is down.
    pub(super) fn new(
        (name, port): (&str, u16),
        api: Api,
        proxy: Option<Proxy>,
        files: Files,
        program: Arc<Program>,
    ) -> Node {
        Node {
            name: name.into(),
            port,
            api,
            process: Mutex::default(),
            lives: AtomicU64::new(0),
            info: OnceCell::new(),
            files,
            program,
            _proxy: proxy,
        }
    }

    /// The id of its process.
    ///
    /// # Errors
    /// It is down.
    pub async fn pid(&self) -> Result<u32> {
        self.process.lock().await.as_ref().map(Process::pid).with_context(|| self.down())
    }

    /// Whether it has a process.
    pub async fn is_up(&self) -> bool {
        self.process.lock().await.is_some()
    }

    /// How often it was started.
    pub fn lives(&self) -> u64 {
        self.lives.load(Ordering::SeqCst)
    }

    /// Freezes it.
    pub async fn pause(&self) -> Result<()> {
        self.process.lock().await.as_ref().with_context(|| self.down())?.pause()
    }

    /// Lets it go on.
    pub async fn resume(&self) -> Result<()> {
        self.process.lock().await.as_ref().with_context(|| self.down())?.resume()
    }

    /// Kills it at once, as a power cut would.
    pub async fn kill(&self) -> Result<()> {
        let mut process = self.process.lock().await;
        self.api.http().forget();
        process.take().with_context(|| self.down())?.kill().await
    }

    /// Asks it to end, and waits for it.
    pub async fn stop(&self) -> Result<()> {
        let mut process = self.process.lock().await;
        self.api.http().forget();
        process.take().with_context(|| self.down())?.stop().await
    }

    /// Starts it, unless it is up; whether it was down. It is not ready yet.
    pub async fn launch(&self, clock: Clock) -> Result<bool> {
        let mut process = self.process.lock().await;
        if process.is_some() {
            return Ok(false);
        }
        let config = self.files.config.to_str().context("temporary directories have plain names")?;
        let mut arguments = vec!["serve", "--config", config];
        if clock == Clock::Accepted {
            arguments.push("--accept-clock");
        }
        *process = Some(Process::start(&self.program.binary, &arguments, self.program.workers, &self.files.log)?);
        self.lives.fetch_add(1, Ordering::SeqCst);
        Ok(true)
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// It ended, or is not ready in time; the error shows the end of its log.
    pub async fn wait_ready(&self, within: Duration) -> Result<()> {
        let begin = Instant::now();
        loop {
            self.notice_end().await?;
            let reason = match self.api.unready().await {
                Ok(None) => return Ok(()),
                Ok(Some(why)) => why,
                Err(error) => format!("{error:#}"),
            };
            if begin.elapsed() >= within {
                let (name, tail) = (&self.name, self.tail());
                bail!("{name} is not ready after {} s ({reason}); the end of its log:\n{tail}", within.as_secs());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What `kem-info` shows: its public keys and its address, which never change. It is asked once.
    pub async fn info(&self) -> Result<&serde_json::Value> {
        self.info.get_or_try_init(|| self.api.kem_info()).await
    }

    /// The end of its log.
    pub fn tail(&self) -> String {
        process::tail(&self.files.log)
    }

    /// Where its database is, or would be.
    pub fn database(&self) -> PathBuf {
        self.files.data.join("symbolon.db")
    }

    /// Does something to the files of the node while it is down, and stays so.
    ///
    /// # Errors
    /// It is up, or what was done failed.
    pub(super) async fn while_down<T>(&self, action: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
        let process = self.process.lock().await;
        if process.is_some() {
            bail!("{} is up; kill or stop it first", self.name);
        }
        action(&self.database())
    }

    async fn notice_end(&self) -> Result<()> {
        let mut process = self.process.lock().await;
        let Some(running) = process.as_mut() else { bail!("{} was ended meanwhile", self.name) };
        if let Some(status) = running.ended() {
            *process = None;
            bail!("{} ended ({status}); the end of its log:\n{}", self.name, self.tail());
        }
        Ok(())
    }

    /// Its process, taken to end it.
    pub(super) async fn take(&self) -> Option<Process> {
        self.process.lock().await.take()
    }

    fn down(&self) -> anyhow::Error {
        anyhow!("{} is down", self.name)
    }
}
