//! A token bucket for each address, over the injected clock. It remembers a bounded number of addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use symbolon_core::time::Tick;

/// Requests at once.
const BURST: u64 = 20;
/// A token comes back after this many milliseconds.
const REFILL_MS: u64 = 100;
/// Addresses remembered; when there are more, those with a full bucket are forgotten first, then all.
const MAX_ADDRESSES: usize = 4096;

/// Limits what one address may ask.
#[derive(Default)]
pub(super) struct Limiter {
    /// When each bucket would be full again.
    full_at: Mutex<BTreeMap<IpAddr, u64>>,
}

impl Limiter {
    /// Takes a token, if there is one.
    pub(super) fn allows(&self, address: IpAddr, now: Tick) -> bool {
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES && !buckets.contains_key(&address) {
            buckets.retain(|_, full_at| *full_at > now.0);
            if buckets.len() >= MAX_ADDRESSES {
                buckets.clear();
            }
        }
        let full_at = buckets.entry(address).or_insert(now.0);
        let next = (*full_at).max(now.0) + REFILL_MS;
        let allowed = next <= now.0 + BURST * REFILL_MS;
        if allowed {
            *full_at = next;
        }
        allowed
    }
}
