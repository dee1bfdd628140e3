//! Members of the expiring set of revocations.

use crate::crdt::Fingerprint;

/// What was revoked; it leaves the set when the thing itself has expired by every clock in budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RevokedId {
    /// An access token, by the 16 bytes of its `jti`.
    Token([u8; 16]),
    /// A session, by its id.
    Session([u8; 16]),
}

impl Fingerprint for RevokedId {
    fn fingerprint(&self, sink: &mut dyn FnMut(&[u8])) {
        let (kind, id) = match self {
            RevokedId::Token(id) => (1, id),
            RevokedId::Session(id) => (2, id),
        };
        sink(&[kind]);
        sink(id);
    }
}
