//! RustCrypto behind the traits of [`super`]: pure, and the same seed gives the same bytes.
