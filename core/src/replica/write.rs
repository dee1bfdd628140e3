//! Changing state: every change of one event is gathered here and becomes one write. The view changes at once, but only the
//! pending one.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::boot::store_digest;
use super::ledger::{Held, News};
use super::{Effect, Replica, Row, Table};
use crate::crdt::{Incarnation, NodeId, ReplicaId, VersionVector};
use crate::state::{Body, Collection, Key, NodeRecord, PinnedPeer, RevokedId};
use crate::time::Wall;
use crate::wire::mark::Mark;
use crate::wire::row::{self, Meta};
use crate::wire::value;
use crate::zoo::{self, Bug};

/// What the current event changed so far.
#[derive(Default)]
pub(super) struct Pending {
    cells: BTreeSet<Key>,
    vector: BTreeSet<ReplicaId>,
    rows: Vec<Row>,
    meta: bool,
    /// Token keys of records, or cells that say which of them count, changed.
    keys: bool,
    /// Cells that name wrapping keys changed.
    pub ring: bool,
    /// Records changed.
    records: bool,
    /// This node's record is to be signed anew.
    rewrite: Option<Rewrite>,
    news: News,
    held: Vec<Held>,
}

/// How this node's record is to be signed anew.
#[derive(Clone, Copy, Default)]
pub(super) struct Rewrite {
    /// As a later version than this one.
    pub beyond: u64,
    /// Somebody waits for what is new in it.
    pub hurried: bool,
}

impl Replica {
    /// Writes a cell in this replica's name.
    pub(super) fn write(&mut self, key: Key, body: Body) {
        let id = self.replica_id();
        let hlc = self.clock.stamp(self.now.wall);
        self.head.cells.write(id, key.clone(), value::encode(body), hlc);
        self.touch(key, id);
    }

    /// Removes a cell in this replica's name; false if nothing was live.
    pub(super) fn remove(&mut self, key: Key) -> bool {
        let id = self.replica_id();
        let hlc = self.clock.stamp(self.now.wall);
        let removed = self.head.cells.remove(id, &key, hlc).is_some();
        if removed {
            self.touch(key, id);
        }
        removed
    }

    fn touch(&mut self, key: Key, id: ReplicaId) {
        self.note_kind(&key);
        self.pending.cells.insert(key);
        self.pending.vector.insert(id);
        self.pending.news.local = true;
    }

    /// What hangs on a cell that changed.
    fn note_kind(&mut self, key: &Key) {
        self.pending.keys |= key.collection == Collection::KEY_STANDING;
        self.pending.ring |= key.collection == Collection::RING_KEY;
    }

    /// Cells and vector entries that a merge changed.
    pub(super) fn touch_merged(&mut self, cells: Vec<Key>, before: &VersionVector) {
        cells.iter().for_each(|key| self.note_kind(key));
        let risen = self.head.cells.vector().changes_since(before);
        self.pending.vector.extend(risen.into_iter().map(|(replica, _)| replica));
        self.pending.cells.extend(cells);
        self.pending.meta = true;
        self.pending.news.merged = true;
    }

    /// Cells that were dropped, locally.
    pub(super) fn touch_dropped(&mut self, cells: Vec<Key>) {
        self.pending.cells.extend(cells);
        self.pending.meta = true;
    }

    /// Adds to the expiring set; false if it is known, or over for ever.
    pub(super) fn add_revoked(&mut self, expiry: Wall, id: RevokedId, local: bool) -> bool {
        let added = self.head.revoked.insert(expiry, id);
        if added {
            if !zoo::on(Bug::RevocationNotStored) {
                self.put(Table::Expiring, row::revoked_key(id), Some(row::expiry(expiry)));
            }
            let news = &mut self.pending.news;
            *(if local { &mut news.local } else { &mut news.merged }) = true;
        }
        added
    }

    /// Drops what has expired at or before `mark`, for ever.
    pub(super) fn purge_revoked(&mut self, mark: Wall) {
        if mark <= self.head.revoked.mark() {
            return;
        }
        for (_, id) in self.head.revoked.purge(mark) {
            self.put(Table::Expiring, row::revoked_key(id), None);
        }
        self.pending.meta = true;
    }

    pub(super) fn put_record(&mut self, record: Arc<NodeRecord>) {
        self.put(Table::Records, row::record_key(record.node), Some(row::record(&record)));
        self.pending.records = true;
        let node = record.node;
        let same = self.head.nodes.get(&node).is_some_and(|before| same_keys(before, &record));
        self.pending.keys |= !same;
        let before = self.head.nodes.insert(node, record);
        if let Some(before) = before {
            self.keep_former(before);
        }
        self.review_former(Some(node));
    }

    pub(super) fn put_former(&mut self, record: Arc<NodeRecord>) {
        let (node, life) = (record.node, record.incarnation);
        self.put(Table::Records, row::former_key(node, life), Some(row::record(&record)));
        self.head.former.insert((node, life), record);
        self.pending.keys = true;
    }

    pub(super) fn drop_former(&mut self, node: NodeId, life: Incarnation) {
        self.put(Table::Records, row::former_key(node, life), None);
        self.head.former.remove(&(node, life));
        self.pending.keys = true;
    }

    pub(super) fn put_pinned(&mut self, peer: Arc<PinnedPeer>) {
        self.put(Table::Pinned, peer.node.0.to_vec(), Some(row::pinned(&peer)));
        self.head.pinned.insert(peer.node, peer);
    }

    pub(super) fn put_mark(&mut self, mark: Mark) {
        self.pending.vector.insert(mark.replica);
        self.marks.insert(mark.replica, mark);
    }

    /// Keeps a private key, sealed; `None` forgets it.
    pub(super) fn put_secret(&mut self, key: Vec<u8>, secret: Option<&[u8]>) {
        let mut sealed = secret.map(|secret| self.keys.seal_row(&self.crypto, &key, secret));
        if zoo::on(Bug::SecretInRow) {
            sealed = secret.map(<[u8]>::to_vec);
        }
        self.put(Table::Secrets, key, sealed);
    }

    /// The meta row has to be written though no cell changed.
    pub(super) fn touch_meta(&mut self) {
        self.pending.meta = true;
    }

    /// What decides which keys count has changed, though no cell did.
    pub(super) fn touch_keys(&mut self) {
        self.pending.keys = true;
        self.pending.meta = true;
    }

    /// This node's record changes, or is known in a version that is not its own: it is signed anew, once for all that this event
    /// changes in it, as a later version than any that is known.
    pub(super) fn rewrite_record(&mut self, beyond: u64) {
        let known = self.pending.rewrite.unwrap_or_default();
        self.pending.rewrite = Some(Rewrite { beyond: known.beyond.max(beyond), hurried: true });
    }

    /// The same, where nobody waits to hear of the change.
    pub(super) fn restate_record(&mut self) {
        self.pending.rewrite.get_or_insert_default();
    }

    /// Puts this node's own record, as it has just been signed.
    pub(super) fn put_own_record(&mut self, record: NodeRecord, hurried: bool) {
        self.put_record(Arc::new(record));
        let news = &mut self.pending.news;
        *(if hurried { &mut news.local } else { &mut news.unhurried }) = true;
    }

    /// Waits for the write of this event, or for the last one under way, or for nothing.
    pub(super) fn hold(&mut self, held: Held) {
        self.pending.held.push(held);
    }

    fn put(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.pending.rows.push(Row { table, key, value });
    }

    /// All changes of this event become one write, and what depends on them waits for it.
    pub(super) fn close_write(&mut self) {
        while let Some(rewrite) = self.pending.rewrite.take() {
            self.sign_record(rewrite);
        }
        let Pending { cells, vector, rows, meta, keys, ring, records, rewrite: _, news, held } =
            std::mem::take(&mut self.pending);
        if cells.is_empty() && vector.is_empty() && rows.is_empty() && !meta {
            let free = self.ledger.follow(held);
            free.into_iter().for_each(|held| self.release(held));
            return;
        }
        if self.failed.is_some() {
            held.into_iter().for_each(|held| self.refuse(held));
            return;
        }
        let mut batch = rows;
        batch.extend(cells.iter().map(|key| self.cell_row(key)));
        batch.extend(vector.into_iter().map(|replica| self.mark_row(replica)));
        batch.push(self.meta_row());
        if keys {
            self.refresh_keys();
        }
        if ring {
            self.refresh_ring();
        } else if keys || records {
            self.choose_sealing();
        }
        let news = News { duties: keys || ring || records, ..news };
        let id = self.ledger.enter(Arc::new(self.head.clone()), news, held);
        self.out.push(Effect::Write { id, batch });
    }

    fn cell_row(&self, key: &Key) -> Row {
        let value = self.head.cells.get(key).map(row::cell);
        Row { table: Table::Cells, key: row::cell_key(key), value }
    }

    fn mark_row(&self, replica: ReplicaId) -> Row {
        let seq = self.head.cells.vector().get(replica);
        let signed = self.marks.get(&replica).map(|mark| (mark.seq, mark.signature));
        Row { table: Table::Marks, key: row::mark_key(replica), value: Some(row::mark(seq, signed)) }
    }

    fn meta_row(&self) -> Row {
        let meta = Meta {
            incarnation: self.head.identity.incarnation,
            clock: self.clock.last(),
            floor: self.head.cells.floor().iter().collect(),
            digest: store_digest(&self.head.cells),
            purge_mark: self.head.revoked.mark(),
        };
        Row { table: Table::Meta, key: row::META_KEY.to_vec(), value: Some(row::meta(&meta)) }
    }
}

/// Whether both records publish the same token keys, of one life, under one name (which the allowlist may know).
fn same_keys(one: &NodeRecord, other: &NodeRecord) -> bool {
    one.token_keys == other.token_keys && one.incarnation == other.incarnation && one.name == other.name
}
