//! Every caller is answered, once, while his node lives; nothing is left over.

use std::collections::BTreeMap;

use symbolon_core::replica::CallId;

use super::{Check, End, Kinds, Moment, Sight};

/// Longer than any wait that a caller of these plans can ask for.
const PATIENCE_MS: u64 = 3_000;

pub(super) struct Answers {
    open: Vec<BTreeMap<CallId, u64>>,
}

impl Answers {
    pub(super) fn new(nodes: usize) -> Answers {
        Answers { open: vec![BTreeMap::new(); nodes] }
    }
}

impl Check for Answers {
    fn name(&self) -> &'static str {
        "answers"
    }

    fn watches(&self) -> Kinds {
        Kinds::ENDED | Kinds::ASKED | Kinds::ANSWERED
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        let open = &mut self.open[moment.node];
        match sight {
            Sight::Asked(call) => {
                open.insert(*call, moment.at_ms);
            }
            Sight::Answered { call, .. } => {
                open.remove(call).ok_or_else(|| format!("call {} is answered, and nobody waits for it", call.0))?;
            }
            Sight::Ended => open.clear(),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        for standing in end.nodes {
            let late = self.open[standing.node].iter().find(|(_, since)| **since + PATIENCE_MS < end.at_ms);
            if let Some((call, since)) = late {
                return Err(format!(
                    "call {} of {since} ms at {} was never answered",
                    call.0,
                    end.name(standing.node)
                ));
            }
        }
        Ok(())
    }
}
