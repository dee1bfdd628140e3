//! Replicated data types: dots, version vectors, hybrid logical clocks, the dotted store, expiring sets.
//!
//! This room knows no tokens and no encodings, and imports nothing of this crate but [`crate::time`].
