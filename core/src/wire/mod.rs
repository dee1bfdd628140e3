//! The only serializers: versioned, bounded, total. They never judge what they read.

pub mod letter;
