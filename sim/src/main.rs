//! The `symbolon-sim` command.

use std::process::ExitCode;

/// Simulated nodes make and drop many small things.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    symbolon_sim::cli::main()
}
