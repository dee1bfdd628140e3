//! The Symbolon testbed: one plan language, and the worlds that run a plan.
