//! Kinds of sights: each check names those that it looks at, and is not called for the others. It looks at nothing itself.

use std::ops::BitOr;

use super::Sight;

/// A set of kinds of sights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(u32);

impl Kinds {
    /// How many there are.
    pub(super) const COUNT: usize = 18;
    /// None of them.
    pub const NONE: Kinds = Kinds(0);
    /// All of them.
    pub const ALL: Kinds = Kinds(u32::MAX);
    /// [`Sight::Booted`].
    pub const BOOTED: Kinds = Kinds(1);
    /// [`Sight::Ended`].
    pub const ENDED: Kinds = Kinds(1 << 1);
    /// [`Sight::Wrote`].
    pub const WROTE: Kinds = Kinds(1 << 2);
    /// [`Sight::Landed`].
    pub const LANDED: Kinds = Kinds(1 << 3);
    /// [`Sight::Published`].
    pub const PUBLISHED: Kinds = Kinds(1 << 4);
    /// [`Sight::Sent`].
    pub const SENT: Kinds = Kinds(1 << 5);
    /// [`Sight::Requested`].
    pub const REQUESTED: Kinds = Kinds(1 << 6);
    /// [`Sight::Took`].
    pub const TOOK: Kinds = Kinds(1 << 7);
    /// [`Sight::Asked`].
    pub const ASKED: Kinds = Kinds(1 << 8);
    /// [`Sight::Wanted`].
    pub const WANTED: Kinds = Kinds(1 << 9);
    /// [`Sight::Answered`].
    pub const ANSWERED: Kinds = Kinds(1 << 10);
    /// [`Sight::Noted`].
    pub const NOTED: Kinds = Kinds(1 << 11);
    /// [`Sight::Issued`].
    pub const ISSUED: Kinds = Kinds(1 << 12);
    /// [`Sight::Judged`].
    pub const JUDGED: Kinds = Kinds(1 << 13);
    /// [`Sight::Forged`].
    pub const FORGED: Kinds = Kinds(1 << 14);
    /// [`Sight::Lied`].
    pub const LIED: Kinds = Kinds(1 << 15);
    /// [`Sight::Cloned`].
    pub const CLONED: Kinds = Kinds(1 << 16);
    /// [`Sight::Secrets`].
    pub const SECRETS: Kinds = Kinds(1 << 17);

    /// The kind of a sight.
    pub(super) fn of(sight: &Sight<'_>) -> Kinds {
        match sight {
            Sight::Booted { .. } => Kinds::BOOTED,
            Sight::Ended => Kinds::ENDED,
            Sight::Wrote(_) => Kinds::WROTE,
            Sight::Landed(_) => Kinds::LANDED,
            Sight::Published { .. } => Kinds::PUBLISHED,
            Sight::Sent(_) => Kinds::SENT,
            Sight::Requested { .. } => Kinds::REQUESTED,
            Sight::Took { .. } => Kinds::TOOK,
            Sight::Asked(_) => Kinds::ASKED,
            Sight::Wanted { .. } => Kinds::WANTED,
            Sight::Answered { .. } => Kinds::ANSWERED,
            Sight::Noted(_) => Kinds::NOTED,
            Sight::Issued(_) => Kinds::ISSUED,
            Sight::Judged { .. } => Kinds::JUDGED,
            Sight::Forged { .. } => Kinds::FORGED,
            Sight::Lied { .. } => Kinds::LIED,
            Sight::Cloned => Kinds::CLONED,
            Sight::Secrets(_) => Kinds::SECRETS,
        }
    }

    /// The place of the first kind of this set among all.
    pub(super) fn place(self) -> usize {
        self.0.trailing_zeros() as usize
    }

    /// Whether the kind at this place is one of them.
    pub(super) fn holds(self, place: usize) -> bool {
        self.0 & (1 << place) != 0
    }
}

impl BitOr for Kinds {
    type Output = Kinds;

    fn bitor(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }
}
