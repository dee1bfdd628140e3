//! One process of ours: started with its output in a file, signalled, waited for, and ended at the latest when dropped.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

/// How long a process may take to end when asked to; then it is killed.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes of a log that are looked at for its tail.
const TAIL_BYTES: u64 = 8 << 10;
/// Lines of a log that are shown.
const TAIL_LINES: usize = 15;

/// A running child.
pub struct Process {
    child: Child,
    pid: u32,
}

impl Process {
    /// Starts `program` with that many threads for its tasks, and its output appended to `log`.
    ///
    /// # Errors
    /// The program or the file cannot be opened.
    pub fn start(program: &Path, arguments: &[&str], workers: Option<usize>, log: &Path) -> Result<Process> {
        let output = OpenOptions::new().create(true).append(true).open(log)?;
        let workers = workers.map(|count| ("TOKIO_WORKER_THREADS", count.to_string()));
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            // An environment that configures the developer's own node is none of ours.
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| !name.starts_with("SYMBOLON_")))
            .envs(workers)
            .kill_on_drop(true)
            // Ctrl-C at the terminal is for us: we end the nodes in order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        let pid = child.id().ok_or_else(|| anyhow!("the process ended at once"))?;
        Ok(Process { child, pid })
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Kills it, and waits until it is gone.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("a process cannot be killed")
    }

    /// Asks it to end, and kills it if it does not within the grace.
    pub async fn stop(mut self) -> Result<()> {
        // A frozen process hears nothing; one that is gone needs nothing.
        let asked = self.signal(Signal::CONT).and_then(|()| self.signal(Signal::TERM));
        if asked.is_ok() && tokio::time::timeout(GRACE, self.child.wait()).await.is_ok() {
            return Ok(());
        }
        self.kill().await
    }

    /// Freezes it.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        // The child forgets its id when it is reaped, so this never reaches a stranger.
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let pid = pid.context("the process has ended")?;
        kill_process(pid, signal).with_context(|| format!("no signal for process {}", self.pid))
    }
}

/// Runs `program` to its end.
///
/// # Errors
/// It does not start, or fails; the error shows what it said.
pub fn run(program: &Path, arguments: &[&str]) -> Result<()> {
    let output = std::process::Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("{} does not start", program.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} {} ended with {}: {said}", program.display(), arguments.join(" "), output.status);
    }
    Ok(())
}

/// The last lines of a log, indented.
pub fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = std::fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(TAIL_LINES)).map(|line| format!("      │ {line}\n")).collect()
}

/// The node's executable: beside our own, or one directory up for tests and examples.
///
/// # Errors
/// It is not there; the error names the command that builds it.
pub fn node_binary() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let found = own.ancestors().skip(1).take(2).map(|dir| dir.join("symbolon")).find(|path| path.is_file());
    found.ok_or_else(|| {
        let release = if cfg!(debug_assertions) { "" } else { " --release" };
        let dir = own.parent().unwrap_or(Path::new(".")).display();
        anyhow!("the node's program `symbolon` is not in {dir}; build it with: cargo build -p symbolon-node{release}")
    })
}
