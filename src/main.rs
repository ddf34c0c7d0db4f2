//! The `wipeproof` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    wipeproof::cli::run(std::env::args_os())
}
