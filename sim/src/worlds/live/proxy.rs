//! A proxy in front of one node's port, through which its peers reach it: it passes bytes on, or lets nothing through and
//! counts what it refused. It reads no byte of what it passes.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A running proxy; it ends when dropped.
pub struct Proxy {
    port: u16,
    open: watch::Sender<bool>,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    closed: AtomicBool,
    refused: AtomicU64,
}

impl Proxy {
    /// Listens on a free port, for connections to `target`.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(target: u16) -> Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (open, _) = watch::channel(true);
        let shared = Arc::<Shared>::default();
        let task = tokio::spawn(accept(listener, target, open.clone(), shared.clone()));
        Ok(Proxy { port, open, shared, task })
    }

    /// Where peers are to dial.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Breaks every connection, and refuses new ones.
    pub fn cut(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.open.send_replace(false);
    }

    /// Passes bytes on again.
    pub fn heal(&self) {
        self.shared.closed.store(false, Ordering::SeqCst);
        self.open.send_replace(true);
    }

    /// Connections refused so far.
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: u16, open: watch::Sender<bool>, shared: Arc<Shared>) {
    // An error of accept is about one connection that is gone, or about descriptors that come free again.
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        if shared.closed.load(Ordering::SeqCst) {
            shared.refused.fetch_add(1, Ordering::SeqCst);
            continue;
        }
        let mut until = open.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = until.wait_for(|open| !open) => {}
                () = pass(stream, target) => {}
            }
        });
    }
}

async fn pass(mut near: TcpStream, target: u16) {
    let Ok(mut far) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
    // Both ends notice a broken connection themselves.
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
}
