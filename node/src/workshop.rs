//! Slow work on threads of its own: a bounded number at a time, a short line behind them, and "overloaded" for the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use symbolon_core::replica::{Work, Worked};
use tokio::sync::Semaphore;

use crate::password;
use crate::ports::{Pending, Workshop};

/// Password checks that may wait for a place, for each place there is; a place takes some 20 ms.
const WAITING_PER_PLACE: usize = 32;

/// A bounded number of blocking threads.
pub struct Threads {
    places: Arc<Semaphore>,
    inside: Arc<AtomicUsize>,
    max_inside: usize,
}

impl Threads {
    /// With this many places.
    pub fn new(places: usize) -> Threads {
        Threads {
            places: Arc::new(Semaphore::new(places)),
            inside: Arc::default(),
            max_inside: places.saturating_mul(1 + WAITING_PER_PLACE),
        }
    }
}

/// Counts one piece of work while it waits and runs, also when its caller gives up.
struct Inside(Arc<AtomicUsize>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Workshop for Threads {
    fn work(&self, work: Work) -> Pending<Worked> {
        let before = self.inside.fetch_add(1, Ordering::Relaxed);
        let inside = Inside(self.inside.clone());
        if before >= self.max_inside {
            return Box::pin(std::future::ready(Worked::Overloaded));
        }
        let places = self.places.clone();
        Box::pin(async move {
            let _inside = inside;
            let _place = places.acquire_owned().await.expect("the semaphore is never closed");
            match work {
                Work::VerifyPassword { password, hash } => {
                    let check = tokio::task::spawn_blocking(move || password::verify(&password, &hash));
                    check.await.map_or(Worked::Overloaded, Worked::Password)
                }
            }
        })
    }
}
