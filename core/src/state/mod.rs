//! The domain made of cells, expiring sets and signed records: what the cluster agrees on, and how it is read.
//!
//! State holds meanings, never encodings: it does not import [`crate::wire`], and nothing here changes but through the
//! types of [`crate::crdt`].

mod key;
mod node;
mod read;
mod revoked;
mod ring;
mod value;
mod view;
mod wanted;

pub use key::{Collection, Key};
pub use node::{KeyStage, NodeRecord, PinnedPeer, PublishedKey};
pub use read::TokenKey;
pub use revoked::RevokedId;
pub use ring::{Ring, RingKey, RingKeyId};
pub use value::{Body, Client, ClientAuthMethod, ClientSecret, Grant, RingKeyMeta, Scope, Standing, Value};
pub use view::{Identity, Readiness, Signer, View};
pub use wanted::Wanted;
