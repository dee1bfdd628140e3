//! The zoo: planted bugs, and the search for a seed at which a check notices. A check that no bug trips is suspected of
//! checking nothing. Nothing here says what is right; the checks do.

mod catalogue;
mod hunt;

pub use catalogue::{MEMBERS, Member};
pub use hunt::{Catch, Hunt, hunt};

/// The member of this name.
pub fn find(name: &str) -> Option<&'static Member> {
    MEMBERS.iter().find(|member| member.name == name)
}
