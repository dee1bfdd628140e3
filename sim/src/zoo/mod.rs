//! The zoo: planted bugs, and the search for a seed at which a check notices, or the plan that shows a rare one. A check that no bug trips is suspected of
//! checking nothing. Nothing here says what is right; the checks do.

mod catalogue;
mod hunt;

use std::str::FromStr;

use crate::worlds::quick::Planted;

pub use catalogue::{Directed, MEMBERS, Member, Shown};
pub use hunt::{Catch, Found, Hunt, hunt};

/// What to do where no bug of the core can be planted.
pub const NOT_BUILT: &str =
    "this build plants no bugs in the core; one that does: cargo build --release -p symbolon-sim --features zoo";

impl Planted {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        MEMBERS.iter().find(|member| member.planted == self).map_or("unnamed", |member| member.name)
    }
}

impl FromStr for Planted {
    type Err = String;

    fn from_str(name: &str) -> Result<Planted, String> {
        let member = MEMBERS.iter().find(|member| member.name == name);
        let member =
            member.ok_or_else(|| "no planted bug has this name; `symbolon-sim zoo --list` tells".to_owned())?;
        match member.planted {
            Planted::Core(_) if !cfg!(feature = "zoo") => Err(NOT_BUILT.into()),
            planted => Ok(planted),
        }
    }
}
