//! Being told to end: Ctrl-C or SIGTERM is noted for whoever asks; a second one ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

/// The exit code of those who were interrupted.
pub const INTERRUPTED: u8 = 130;

/// Whether somebody wants an end.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on, as long as the process lives.
    ///
    /// # Errors
    /// If the system lets nobody listen.
    pub fn listen() -> Result<Interrupt> {
        let interrupt = Interrupt::default();
        let noted = interrupt.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut pressed, mut told) = {
            let _guard = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        thread::Builder::new().name("signals".into()).spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! { biased; _ = pressed.recv() => {} _ = told.recv() => {} }
                    if noted.0.swap(true, Ordering::Relaxed) {
                        std::process::exit(i32::from(INTERRUPTED));
                    }
                }
            });
        })?;
        Ok(interrupt)
    }

    /// Whether one came.
    pub fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
