//! Lies of hostile members on their way through the whole world: each is posted to the gossip endpoint of whom it is for, and
//! what that says of it is heard. It makes none of them.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::StatusCode;
use symbolon_core::envelope::{Cms, Envelope};
use symbolon_core::fault::Reject;
use symbolon_core::time::Wall;
use symbolon_core::wire::message::{self, Body};

use super::clock::true_ms;
use super::network::unclogged;
use super::place::Place;
use super::play::Play;
use crate::checks::{Shows, Sight};
use crate::plan::{Chance, Plan};
use crate::worlds::client::http::Reply;
use crate::worlds::lies::{Liars, Member, Said, Sealed};
use crate::worlds::quick::name;

/// What members said, and what came of it.
#[derive(Default)]
pub(super) struct Lies {
    pub said: Said,
    heard: Heard,
}

/// Answers to lies that nobody has looked at yet.
type Heard = Arc<Mutex<Vec<(Posted, anyhow::Result<Reply>)>>>;

/// A lie that was posted.
struct Posted {
    from: usize,
    to: usize,
    name: u64,
    sent: Wall,
    shows: Shows,
    /// The clock that it met.
    asked: Wall,
    met: Met,
}

/// Whom a lie meets: how often his clock was stepped, and when his life began by it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Met {
    steps: u64,
    began: Wall,
}

impl Liars for Play<'_> {
    fn plan(&self) -> &Plan {
        self.plan
    }

    fn at_ms(&self) -> u64 {
        self.world.at_ms()
    }

    fn chance(&self) -> Chance {
        self.chance
    }

    fn member(&self, node: usize) -> Member {
        let place = &self.world.places[node];
        Member {
            keys: place.keys(),
            config: place.config.clone(),
            crypto: place.crypto.clone(),
            envelope: Arc::new(Cms),
            view: place.life().view.clone(),
            wall: self.world.now(node).wall,
        }
    }

    fn said(&mut self) -> &mut Said {
        &mut self.lies.said
    }

    fn refused(&mut self, why: &str) {
        Play::refused(self, why);
    }

    /// It leaves from the desk, since the process of the member has no part in it, and goes where a frame of the member would.
    fn bring(&mut self, Sealed { from, to, frame, sent, lie }: Sealed) {
        let name = name(&frame);
        self.told(|recorder| recorder.lied(from, lie.dot, &lie.key));
        self.see(to, &Sight::Lied { name, lie: &lie });
        self.see(from, &Sight::Sent(&frame));
        self.see(from, &Sight::Requested { name, wall: sent });
        self.world.overhear(from, &frame);
        if self.world.view(to).is_none() || self.world.is_cut((from, to)) {
            return;
        }
        let (api, weather, heard) = (self.world.api(to), self.world.weather.clone(), self.lies.heard.clone());
        let place = self.world.places[to].clone();
        self.world.begin(async move {
            unclogged(&weather, (from, to)).await;
            let (met, asked) = (Met::now(&place), place.now(true_ms()).wall);
            let answer = api.frame(frame).await;
            let posted = Posted { from, to, name, sent, shows: lie.shows, asked, met };
            heard.lock().unwrap_or_else(PoisonError::into_inner).push((posted, answer));
        });
    }

    fn begin_as(&mut self, node: usize, of: usize) -> bool {
        let begins = self.world.begin_as(node, of);
        if begins {
            let id = self.world.places[of].keys().node();
            self.told(|recorder| recorder.impersonates(node, id));
            self.see(node, &Sight::Cloned);
        }
        begins
    }
}

impl Play<'_> {
    /// Takes in what was said to lies.
    pub(super) fn hear_of_lies(&mut self) {
        let heard = std::mem::take(&mut *self.lies.heard.lock().unwrap_or_else(PoisonError::into_inner));
        for (posted, answer) in heard {
            match answer {
                Ok(reply) => self.answered_lie(&posted, &reply),
                Err(error) => self.world.tell(posted.to, &format!("{error:#}")),
            }
        }
    }

    fn answered_lie(&mut self, posted: &Posted, reply: &Reply) {
        self.world.tell(posted.to, reply.status.as_str());
        let name = self.world.name(posted.to);
        match reply.status {
            StatusCode::OK => match self.open(posted, &reply.body) {
                Ok(Body::Message(_)) => self.took(posted),
                Ok(Body::Refusal(_)) => {}
                Err(reject) => {
                    self.trouble.get_or_insert(format!("{name} answers a lie with what is {}", reject.name()));
                }
            },
            StatusCode::INTERNAL_SERVER_ERROR => {
                self.trouble.get_or_insert(format!("{name} failed inside when it was lied to"));
            }
            _ => {}
        }
    }

    /// What a node answers to a lie, as those read it who hold the keys of the liar.
    fn open(&self, posted: &Posted, frame: &[u8]) -> Result<Body, Reject> {
        let (liar, author) = (self.world.places[posted.from].keys(), self.world.places[posted.to].keys());
        let crypto = self.world.crypto(posted.from);
        let opener = liar.to_bytes()[32..96].try_into().map(|seed| crypto.kem.decapsulation_key(seed));
        let (Ok(opener), Some(author)) = (opener, crypto.ecdsa.verifying_key(&author.gossip_key())) else {
            return Err(Reject::Malformed);
        };
        let letter = Cms.read(frame)?.open(&*author, crypto, &*opener)?;
        message::decode(&letter.body)
    }

    /// A lie was not refused. Where a clock moved meanwhile so that it decides about it, no check sees it.
    fn took(&mut self, posted: &Posted) {
        let Posted { to, name, asked, met, .. } = *posted;
        let answered = self.world.now(to).wall;
        let is_alike = posted.is_timely(asked, self.plan) == posted.is_timely(answered, self.plan);
        if is_alike && met == Met::now(&self.world.places[to]) {
            self.see(to, &Sight::Took { name, wall: asked, began: met.began });
        }
    }
}

impl Met {
    fn now(place: &Place) -> Met {
        let steps = place.skew().steps;
        Met { steps, began: place.life().began }
    }
}

impl Posted {
    /// Whether its frame, and its change where that shows, are within what a clock may err by, for one that shows this.
    fn is_timely(&self, wall: Wall, plan: &Plan) -> (bool, bool) {
        let budget = plan.gossip.config().max_clock_drift;
        let is_past = match self.shows {
            Shows::To(stamp) => stamp <= wall.after(budget),
            Shows::Always | Shows::Never => true,
        };
        (self.sent.distance(wall) <= budget, is_past)
    }
}
