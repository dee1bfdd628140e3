//! A cluster that agrees and is left alone stays quiet: heartbeats, and nothing else.

use super::{Calm, Check, End, Kinds};

pub(super) struct Quiet;

impl Check for Quiet {
    fn name(&self) -> &'static str {
        "quiet"
    }

    fn watches(&self) -> Kinds {
        Kinds::NONE
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        let Some(Calm { span_ms, asked, delivered }) = end.quiet else { return Ok(()) };
        let nodes = end.nodes.len() as u64;
        // Of each pair one asks and one replies in each heartbeat; both may ask at once, and jitter may add one.
        let beats = span_ms / end.plan.gossip.heartbeat_ms() + 2;
        let most = nodes * nodes.saturating_sub(1) * 2 * beats;
        // Once a heartbeat has passed in silence, the next interval asks; perhaps somebody who is lost.
        let gossip = end.plan.gossip.config();
        let patience_ms = (gossip.heartbeat + gossip.interval * 3 / 2).as_millis() as u64;
        if asked == 0 && nodes > 1 && span_ms >= patience_ms {
            return Err(format!("nobody asked anybody in {span_ms} ms of quiet"));
        }
        if delivered <= most {
            return Ok(());
        }
        Err(format!("{delivered} frames in {span_ms} ms of quiet among {nodes} nodes; {most} would do"))
    }
}
