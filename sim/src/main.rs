//! The `symbolon-sim` command.

fn main() {}
