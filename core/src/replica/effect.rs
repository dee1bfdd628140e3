//! What a replica asks the world to do. Effects are owned, ordered, and carried out in that order.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::fault::Reject;
use crate::replica::{CallId, Destination, ExchangeId, Fact, Reply, WriteId};
use crate::state::View;

/// Anything that a replica asks of the world.
#[derive(Debug)]
pub enum Effect {
    /// Make this batch durable, then say [`super::Event::Written`].
    Write {
        /// Its number.
        id: WriteId,
        /// Atomic: all of it or nothing.
        batch: Vec<Row>,
    },
    /// Publish this view: everything in it is durable.
    Publish(Arc<View>),
    /// Open an exchange: POST the frame, hand back what returns.
    Send {
        /// Names it.
        exchange: ExchangeId,
        /// To whom.
        to: Destination,
        /// Which door.
        door: Door,
        /// The sealed frame.
        frame: Vec<u8>,
    },
    /// Answer a peer's frame.
    Reply {
        /// The open request.
        call: CallId,
        /// A sealed frame, or a refusal.
        outcome: Result<Vec<u8>, Reject>,
    },
    /// Answer a caller.
    Answer {
        /// The question.
        call: CallId,
        /// The answer.
        reply: Reply,
    },
    /// Do slow work off the replica's task, then say [`super::Event::Worked`].
    Work {
        /// For which question.
        call: CallId,
        /// What.
        work: Work,
    },
    /// Something worth a line in a timeline, a log or a metric.
    Note(Fact),
}

/// Which door of a peer an exchange knocks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// `POST /api/gossip/sync`.
    Sync,
    /// `GET /api/gossip/wrapping-key`, the frame in a header.
    WrappingKey,
}

/// One row of a durable batch: put a value, or delete the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where.
    pub table: Table,
    /// Unique within the table.
    pub key: Vec<u8>,
    /// `None` deletes.
    pub value: Option<Vec<u8>>,
}

/// The tables of the store. All are maps from bytes to bytes; their encodings belong to [`crate::wire`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Dotted cells.
    Cells,
    /// Marks of replicas: vector entries with their authors' signatures.
    Marks,
    /// Signed node records.
    Records,
    /// Members of the expiring sets.
    Expiring,
    /// Peers pinned by an operator.
    Pinned,
    /// Private keys, sealed under a key of the identity file.
    Secrets,
    /// Floor, digest, purge mark, incarnation, clock.
    Meta,
}

impl Table {
    /// All of them.
    pub const ALL: [Table; 7] =
        [Table::Cells, Table::Marks, Table::Records, Table::Expiring, Table::Pinned, Table::Secrets, Table::Meta];

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Table::Cells => "cells",
            Table::Marks => "marks",
            Table::Records => "records",
            Table::Expiring => "expiring",
            Table::Pinned => "pinned",
            Table::Secrets => "secrets",
            Table::Meta => "meta",
        }
    }
}

/// Slow work.
pub enum Work {
    /// Check a password against an Argon2id hash in PHC form; equal cost for unknown users.
    VerifyPassword {
        /// What was typed.
        password: Zeroizing<String>,
        /// The hash to check against.
        hash: String,
    },
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Work::VerifyPassword { .. } => f.write_str("VerifyPassword"),
        }
    }
}
