//! One running node: everything from settings and ports to open sockets, and back. Used alike by the command, tests and worlds.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use symbolon_core::config::Config;
use symbolon_core::replica::{BootError, Effects, IdentityKeys, Replica};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::clock::{CryptoEntropy, SystemClock};
use crate::config::{Settings, UsersError, parse_users};
use crate::crypto;
use crate::dial::TcpDial;
use crate::driver::{Driver, End};
use crate::handle::{Handle, Input, Shared};
use crate::http::Door;
use crate::identity::{self, IdentityError};
use crate::net::HttpNet;
use crate::ports::{Ports, Report, Store, Unwatched};
use crate::server::{Listen, ListenError, Server, affordable, listen, stopped};
use crate::store::{SqliteStorage, StoreError};
use crate::telemetry::{Facts, Meters};
use crate::tls::{self, TlsError};
use crate::workshop::Threads;

/// After a failure of the store, the next boot waits this long.
const REBOOT_PAUSE: Duration = Duration::from_secs(1);
/// Samples of histograms are sorted into buckets this often.
const UPKEEP: Duration = Duration::from_secs(2);

/// Why a node does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The users file.
    #[error("users.file: {0}")]
    Users(#[from] UsersError),
    /// Certificates and keys.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The replica.
    #[error("the replica does not boot: {0}")]
    Boot(#[from] BootError),
    /// A file or directory.
    #[error("{key}: {path}: {source}", path = path.display())]
    Io {
        /// The configuration key that names it.
        key: &'static str,
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process has this identity.
    #[error(
        "a clone of this node runs under the same identity: stop one of the two, and give it an identity of its own"
    )]
    Superseded,
}

impl NodeError {
    /// Whether the data on disk is at fault: rows that cannot be read or contradict their digest, or a database with holes.
    fn is_of_the_data(&self) -> bool {
        match self {
            NodeError::Boot(error) => matches!(error, BootError::Unsound | BootError::BadRow { .. }),
            NodeError::Store(error) => error.is_corrupt(),
            NodeError::Identity(_) | NodeError::Users(_) | NodeError::Tls(_) | NodeError::Listen(_) => false,
            NodeError::Io { .. } | NodeError::Superseded => false,
        }
    }
}

/// A node that runs.
pub struct Node {
    /// Where it listens.
    pub address: SocketAddr,
    /// The way to its replica.
    pub handle: Handle,
    stop: watch::Sender<bool>,
    running: JoinHandle<Result<(), NodeError>>,
}

/// What a node is, once every file was read.
pub struct Setup {
    /// Where its listener is bound.
    pub address: SocketAddr,
    /// Who it is.
    pub keys: IdentityKeys,
    /// What the replica is told.
    pub config: Arc<Config>,
    /// With TLS, or in the clear.
    pub tls: Option<Arc<ServerConfig>>,
    /// Callers at one time.
    pub max_connections: usize,
    /// How often the disk is checked.
    pub scrub_interval: Duration,
}

/// The ports of production.
pub fn production(settings: &Settings) -> Result<Ports, NodeError> {
    let crypto = crypto::production();
    let clock = Arc::new(SystemClock::default());
    let trust = tls::client(settings.gossip_ca.as_deref())?;
    Ok(Ports {
        net: Arc::new(HttpNet::new(Arc::new(TcpDial), trust)),
        storage: Arc::new(SqliteStorage::new(settings.database(), settings.peers_file(), clock.clone())),
        clock,
        entropy: Arc::new(CryptoEntropy(crypto.clone())),
        workshop: Arc::new(Threads::new(settings.password_hashes)),
        witness: Arc::new(Unwatched),
        crypto,
    })
}

impl Node {
    /// Starts a node on the sockets and files of this machine: when this returns, it listens and its replica is booted.
    ///
    /// # Errors
    /// Files, the address, the store, or what [`Node::start_on`] says.
    pub async fn start(settings: &Settings, ports: Ports) -> Result<Node, NodeError> {
        let keys = identity::load(&settings.identity_file, &ports.crypto)?;
        let config = Arc::new(settings.replica(users(settings)?));
        let tls = match settings.plain {
            true => None,
            false => Some(tls::server(&settings.tls_cert, &settings.tls_key)?),
        };
        std::fs::create_dir_all(&settings.data_dir).map_err(|source| NodeError::Io {
            key: "node.data_dir",
            path: settings.data_dir.clone(),
            source,
        })?;
        let listener = listen(settings.listen).await?;
        let setup = Setup {
            address: listener.local_addr().unwrap_or(settings.listen),
            keys,
            config,
            tls,
            max_connections: affordable(settings.connections),
            scrub_interval: settings.scrub_interval,
        };
        Node::start_on(listener, setup, ports).await
    }

    /// Starts a node behind this listener, and touches nothing of the world but through it and the ports.
    ///
    /// # Errors
    /// The store cannot be opened, or the replica refuses what it holds.
    pub async fn start_on(listener: impl Listen, setup: Setup, ports: Ports) -> Result<Node, NodeError> {
        let Setup { address, keys, config, tls, max_connections, scrub_interval } = setup;
        let meters = Arc::new(Meters::default());
        let keys = Keys(keys.to_bytes());
        let life = boot(&ports, &config, &keys).await?;
        let shared = Arc::new(Shared::new(life.replica.view(), Facts::new(&meters)));
        let (handle, inputs) = Handle::new(shared.clone());
        let door = Door::new(handle.clone(), ports.clone(), meters.clone());

        let stop = watch::Sender::new(false);
        let server = Server { listener, tls, door, max_connections };
        let keeper = Keeper { ports, config, keys, shared, scrub_interval };
        let running = tokio::spawn(keeper.run(life, inputs, server, meters, stop.clone()));
        Ok(Node { address, handle, stop, running })
    }

    /// Asks the node to stop; [`Node::ended`] tells when it has.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// A switch that stops the node, for whoever waits for signals.
    pub fn stopper(&self) -> watch::Sender<bool> {
        self.stop.clone()
    }

    /// Waits for the end of the node: open requests answered, last writes on disk.
    pub async fn ended(self) -> Result<(), NodeError> {
        self.running.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }
}

/// The users of the static file.
pub fn users(settings: &Settings) -> Result<Vec<symbolon_core::config::StaticUser>, NodeError> {
    let Some(path) = &settings.users_file else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(path).map_err(|source| NodeError::Io {
        key: "users.file",
        path: path.clone(),
        source,
    })?;
    Ok(parse_users(path, &text)?)
}

/// The identity as bytes, since every boot takes the parsed keys away.
struct Keys(zeroize::Zeroizing<[u8; 128]>);

/// One life of the replica, from boot to end.
struct Life {
    replica: Replica,
    first: Effects,
    store: Box<dyn Store>,
    reports: mpsc::UnboundedReceiver<Report>,
}

/// A life out of what is on disk; where that cannot be true, it is moved aside, and the life begins empty.
async fn boot(ports: &Ports, config: &Arc<Config>, keys: &Keys) -> Result<Life, NodeError> {
    match begin(ports, config, keys).await {
        Err(problem) if problem.is_of_the_data() => {
            let lies = ports.storage.set_aside()?;
            tracing::error!(
                %problem,
                lies,
                "the data cannot be trusted and was moved aside; this node comes back empty"
            );
            begin(ports, config, keys).await
        }
        outcome => outcome,
    }
}

async fn begin(ports: &Ports, config: &Arc<Config>, keys: &Keys) -> Result<Life, NodeError> {
    let (sender, reports) = mpsc::unbounded_channel();
    let (store, recovered) = ports.storage.open(sender)?;
    let keys = IdentityKeys::from_bytes(&ports.crypto, keys.0.as_slice()).expect("these bytes came from keys");
    let (seed, now) = (ports.entropy.seed(), ports.clock.now());
    match Replica::boot(config.clone(), ports.crypto.clone(), keys, recovered, seed, now) {
        Ok((replica, first)) => {
            ports.witness.booted(&replica.view());
            Ok(Life { replica, first, store, reports })
        }
        Err(error) => {
            store.close().await;
            Err(error.into())
        }
    }
}

/// Keeps a node going: drives its replica, and boots it anew when the disk failed.
struct Keeper {
    ports: Ports,
    config: Arc<Config>,
    keys: Keys,
    shared: Arc<Shared>,
    scrub_interval: Duration,
}

impl Keeper {
    async fn run(
        self,
        life: Life,
        inputs: mpsc::Receiver<Input>,
        server: Server<impl Listen>,
        meters: Arc<Meters>,
        stop: watch::Sender<bool>,
    ) -> Result<(), NodeError> {
        // The driver outlives the server, so that open requests still get their answers.
        let (driver_stop, driver_stopped) = watch::channel(false);
        let serving = server.run(stop.subscribe());
        let upkeep = async {
            loop {
                tokio::time::sleep(UPKEEP).await;
                meters.upkeep();
            }
        };
        let driving = self.lives(life, inputs, driver_stopped);
        tokio::pin!(serving, driving, upkeep);
        let ended_early = tokio::select! {
            biased;
            outcome = &mut driving => Some(outcome),
            () = &mut serving => None,
            () = &mut upkeep => None,
        };
        stop.send_replace(true);
        match ended_early {
            Some(outcome) => {
                serving.await;
                outcome
            }
            None => {
                driver_stop.send_replace(true);
                driving.await
            }
        }
    }

    async fn lives(
        self,
        mut life: Life,
        mut inputs: mpsc::Receiver<Input>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), NodeError> {
        loop {
            match self.live(life, &mut inputs, &mut stop).await {
                End::Stopped => return Ok(()),
                End::Superseded => return Err(NodeError::Superseded),
                End::Unsound => {
                    self.ports.storage.set_aside()?;
                }
                End::StoreFailed(_) => {}
            }
            self.shared.set_down(true);
            life = loop {
                tokio::select! {
                    biased;
                    () = stopped(&mut stop) => return Ok(()),
                    () = tokio::time::sleep(REBOOT_PAUSE) => {}
                }
                match boot(&self.ports, &self.config, &self.keys).await {
                    Ok(life) => break life,
                    Err(problem) => tracing::error!(%problem, "the replica does not boot; trying again"),
                }
            };
        }
    }

    async fn live(&self, life: Life, inputs: &mut mpsc::Receiver<Input>, stop: &mut watch::Receiver<bool>) -> End {
        let Life { replica, first, store, reports } = life;
        let driver =
            Driver::new(replica, (store, reports), self.ports.clone(), self.shared.clone(), self.scrub_interval);
        driver.run(first, inputs, stop).await
    }
}
