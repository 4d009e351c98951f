//! Records the compiler that builds the program: it is one of the facts about a measurement.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=PAYDIRT_RUSTC={}", compiler());
}

/// The compiler's name and version.
fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().ok();
    let version = output.and_then(|output| String::from_utf8(output.stdout).ok());
    version.map_or("unknown".to_owned(), |version| version.trim().to_owned())
}
