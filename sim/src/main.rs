//! The `symbolon-sim` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    symbolon_sim::cli::main()
}
