//! Lies of hostile members on their way through the quick world. It makes none of them.

use super::world::{Happening, World, name};
use crate::checks::Sight;
use crate::plan::{Chance, Plan};
use crate::worlds::lies::{Liars, Member, Said, Sealed};

impl Liars for World<'_> {
    fn plan(&self) -> &Plan {
        self.plan
    }

    fn at_ms(&self) -> u64 {
        self.at_ms
    }

    fn chance(&self) -> Chance {
        self.chance
    }

    fn member(&self, node: usize) -> Member {
        let place = &self.nodes[node];
        Member {
            keys: place.keys.clone(),
            config: place.config.clone(),
            crypto: place.crypto.clone(),
            envelope: place.envelope.clone(),
            view: place.view.clone(),
            wall: place.now(self.at_ms).wall,
        }
    }

    fn said(&mut self) -> &mut Said {
        &mut self.said
    }

    fn refused(&mut self, why: &str) {
        World::refused(self, why);
    }

    fn bring(&mut self, Sealed { from, to, frame, sent, lie }: Sealed) {
        self.told(|recorder| recorder.lied(from, lie.dot, &lie.key));
        self.see(to, &Sight::Lied { name: name(&frame), lie: &lie });
        let (message, name) = self.leave_at(from, to, &frame, sent);
        let (bytes, name) = (frame, Some(name));
        self.schedule(self.at_ms + 1, Happening::Arrives { from, to, bytes, name, reply_to: None, message });
    }

    fn begin_as(&mut self, node: usize, of: usize) -> bool {
        if self.nodes[node].replica.is_some() || self.nodes[of].disk.rows.is_empty() {
            return false;
        }
        let (keys, rows) = (self.nodes[of].keys.clone(), self.nodes[of].disk.rows.clone());
        let id = keys.node();
        self.nodes[node].keys = keys;
        self.replace_disk(node, rows);
        self.told(|recorder| recorder.impersonates(node, id));
        self.see(node, &Sight::Cloned);
        self.start(node);
        true
    }
}
