//! After the heal, the nodes that healed agree within the bound, and are ready to serve.

use super::{Check, End};

pub(super) struct Convergence;

impl Check for Convergence {
    fn name(&self) -> &'static str {
        "convergence"
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        if end.converged_ms.is_some() {
            return Ok(());
        }
        let mut tale = format!("no agreement within {} ms of the heal:", end.plan.settle_ms());
        for standing in end.nodes {
            let view = standing.view;
            let reasons: Vec<_> = view.readiness.reasons.iter().map(|(name, _)| *name).collect();
            let records: u64 = view.nodes.values().map(|record| record.version % 100_000).sum();
            tale += &format!(
                " n{} root {} vector {}/{} revoked {} records {}/{} ring {} keys {} {reasons:?};",
                standing.node + 1,
                &view.cells.root().to_string()[..6],
                view.cells.vector().len(),
                view.cells.vector().iter().map(|(_, seq)| seq).sum::<u64>(),
                view.revoked.len(),
                view.nodes.len(),
                records,
                view.ring.keys.len(),
                view.token_keys.len(),
            );
        }
        tale += &strangers(end);
        Err(tale)
    }
}

/// Keys that one knows and another does not.
fn strangers(end: &End<'_>) -> String {
    let mut tale = String::new();
    for one in end.nodes {
        for (kid, key) in &one.view.token_keys {
            if let Some(other) = end.nodes.iter().find(|other| !other.view.token_keys.contains_key(kid)) {
                let (here, there) = (one.node + 1, other.node + 1);
                tale += &format!(" n{here} knows key {} {:?}, n{there} does not;", &kid[..4], key.published.stage);
            }
        }
    }
    tale
}
