//! What happens to a replica. Closed: a new kind of happening is a new variant, considered everywhere.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::crdt::NodeId;
use crate::gossip::ExchangeId;
use crate::replica::Request;

/// Names a caller's question until its answer; unique among the open ones, chosen by the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// Numbers the durable batches, from 1, without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// Anything that happens to a replica.
#[derive(Debug)]
pub enum Event {
    /// A peer sent a frame and awaits one in return: `POST /api/gossip/sync`, or the request for a wrapping key.
    Frame {
        /// Names the open request; answered by [`super::Effect::Reply`].
        call: CallId,
        /// What arrived, unopened.
        bytes: Vec<u8>,
    },
    /// The frame that answers an exchange which this replica opened.
    Returned {
        /// The exchange.
        exchange: ExchangeId,
        /// What arrived, unopened.
        bytes: Vec<u8>,
    },
    /// An exchange that this replica opened came to nothing: no connection, a time-out, or a refusal by the peer.
    Failed {
        /// The exchange.
        exchange: ExchangeId,
        /// The HTTP status, if the peer gave one.
        status: Option<u16>,
        /// A stable reason name, if the peer gave one that is known.
        reason: Option<crate::fault::Reject>,
    },
    /// A caller of this node asks.
    Ask {
        /// Names the question.
        call: CallId,
        /// Who asks, for the audit.
        actor: Actor,
        /// What is asked.
        request: Request,
        /// Answer only when this many peers hold the change too, or the time is over.
        concern: Option<WriteConcern>,
    },
    /// Every write up to this one is durable.
    Written(WriteId),
    /// The disk refused; every later write fails too.
    WriteFailed {
        /// For people.
        reason: String,
    },
    /// Slow work came back.
    Worked {
        /// The question that it was done for.
        call: CallId,
        /// What came out.
        outcome: Worked,
    },
    /// Time passed; early is harmless.
    Tick,
    /// A new configuration was read.
    Reconfigure(Arc<Config>),
    /// The background scrub compared the disk with its digest.
    Scrubbed {
        /// Whether they agree.
        sound: bool,
    },
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Nobody that we know; with the address, for limits.
    Anonymous(String),
    /// A user with a session.
    User(String),
    /// An authenticated client.
    Client(String),
    /// The operator at the machine itself.
    Operator,
}

/// Write concern: how many peers shall hold a change before its caller is answered, and how long he waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteConcern {
    /// Peers, this node not counted.
    pub peers: usize,
    /// Then the answer goes out anyway, and names those that hold it.
    pub within: Duration,
}

/// The result of slow work.
#[derive(Debug)]
pub enum Worked {
    /// Whether the password matched.
    Password(bool),
    /// The work was not even begun: too much is waiting.
    Overloaded,
}

/// A peer, as an exchange is addressed to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Who.
    pub node: NodeId,
    /// The origin to dial.
    pub address: Arc<str>,
}
