//! The command line: arguments in, exit code out. Usage and configuration errors exit with 2, failures with 1.

mod cluster;
mod init;
mod serve;

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use zeroize::Zeroizing;

use crate::config::{self, Problem, Settings, docs};
use crate::{crypto, password};

/// A masterless OAuth 2.0 token service.
#[derive(Parser)]
#[command(name = "symbolon", version, disable_version_flag = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a directory from which a node can be served: configuration, identity, certificate, first user.
    Init(init::Args),
    /// Serve a node until SIGTERM or SIGINT.
    Serve {
        /// The configuration file.
        #[arg(long, short)]
        config: PathBuf,
        /// Vouch for this machine's clock: it is right, though it lies behind what the node wrote before.
        #[arg(long)]
        accept_clock: bool,
    },
    /// Make running nodes one cluster.
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Check or document the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Prepare users.
    #[command(subcommand)]
    User(UserCommand),
    /// Print the version.
    Version,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print every problem of a configuration, or that there is none.
    Check {
        /// The configuration file.
        #[arg(long, short)]
        config: PathBuf,
    },
    /// Print docs/CONFIGURATION.md.
    Docs,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Read a password from standard input and print its hash for the users file.
    Hash,
}

/// What a command came to, when it did not succeed.
enum Failure {
    /// The caller's mistake: exit code 2.
    Usage(String),
    /// Anything else: exit code 1.
    Failed(String),
}

/// Runs the command of this process.
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Init(args) => init::run(&args),
        Command::Serve { config, accept_clock } => {
            settings(&config).and_then(|settings| serve::run(&settings, accept_clock))
        }
        Command::Cluster(command) => cluster::run(&command),
        Command::Config(ConfigCommand::Check { config }) => check(&config),
        Command::Config(ConfigCommand::Docs) => print(&docs::markdown()),
        Command::User(UserCommand::Hash) => hash(),
        Command::Version => print(concat!("symbolon ", env!("CARGO_PKG_VERSION"), "\n")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => report(&message, 2),
        Err(Failure::Failed(message)) => report(&message, 1),
    }
}

fn report(message: &str, code: u8) -> ExitCode {
    for line in message.lines() {
        eprintln!("symbolon: {line}");
    }
    ExitCode::from(code)
}

/// Writes to standard output. That a reader closed it early is no failure.
fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Failed(format!("standard output: {e}"))),
        _ => Ok(()),
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the one place where the environment is read")]
fn settings(path: &std::path::Path) -> Result<Settings, Failure> {
    let mut ours = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.into_string().ok().filter(|name| name.starts_with(config::PREFIX)) else { continue };
        let value = value.into_string().map_err(|_| Failure::Usage(format!("{name}: takes UTF-8")))?;
        ours.push((name, value));
    }
    config::read(path, ours)
        .map_err(|problems| Failure::Usage(problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")))
}

fn check(path: &std::path::Path) -> Result<(), Failure> {
    let settings = settings(path)?;
    crate::node::users(&settings).map_err(|e| Failure::Usage(e.to_string()))?;
    if !settings.plain {
        crate::tls::server(&settings.tls_cert, &settings.tls_key).map_err(|e| Failure::Usage(e.to_string()))?;
    }
    crate::tls::client(settings.gossip_ca.as_deref()).map_err(|e| Failure::Usage(e.to_string()))?;
    crate::identity::load(&settings.identity_file, &crypto::production())
        .map_err(|e| Failure::Usage(e.to_string()))?;
    print(&format!("{}: no problems\n", path.display()))
}

fn hash() -> Result<(), Failure> {
    let typed = read_password()?;
    let phc = password::hash(&typed, &crypto::production()).map_err(Failure::Usage)?;
    print(&format!("{phc}\n"))
}

/// One line of standard input.
fn read_password() -> Result<Zeroizing<String>, Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        eprint!("Password (shown as you type): ");
    }
    let mut line = Zeroizing::new(String::new());
    stdin.lock().read_line(&mut line).map_err(|e| Failure::Failed(format!("standard input: {e}")))?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}
