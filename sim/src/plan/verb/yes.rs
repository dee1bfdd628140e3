//! `true`, the value of a verb that needs none.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// Only ever `true`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "bool")]
pub struct Yes;

impl From<Yes> for bool {
    fn from(Yes: Yes) -> bool {
        true
    }
}

impl<'de> Deserialize<'de> for Yes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Yes, D::Error> {
        match bool::deserialize(deserializer)? {
            true => Ok(Yes),
            false => Err(D::Error::custom("only `true` makes sense here; leave the step out instead")),
        }
    }
}
