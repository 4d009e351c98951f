//! The `paydirt` program: parse, run, map the outcome to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    paydirt_cli::main()
}
