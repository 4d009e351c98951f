//! Writes the assembly of the vector kernels, and records the compiler that builds the program.
//!
//! SHA-256 for proof of work wants code that no compiler writes: two hashes interleaved instruction by instruction,
//! state words renamed instead of moved, and everything left out that is the same in all lanes or that the cheap test
//! never looks at. It is written by the modules here, as text, into `$OUT_DIR`, where `src/kernel` includes it. The
//! crate has no build dependencies and asks nothing of the machine it is built on.
//!
//! ```text
//! shapes, roll    which rounds are written out, and how the pieces are joined
//!   └► block          what varies in a block
//!        └► rounds         one round, one schedule step
//!             └► avx512, avx2   their instructions
//!                  └► code           text, interleaved, counted by class
//! counts          what it all costs, for the ceiling
//! layout     where each value lies in memory (the same file as in src)
//! ```

mod avx2;
mod avx512;
mod block;
mod code;
mod counts;
#[path = "../src/kernel/lanes/layout.rs"]
#[allow(dead_code)]
mod layout;
mod roll;
mod rounds;
mod sha256;
mod shapes;

use std::{env, fs, path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src/kernel/lanes/layout.rs");
    println!("cargo::rustc-env=PAYDIRT_RUSTC={}", compiler());
    if env::var("CARGO_CFG_TARGET_ARCH").as_deref() != Ok("x86_64") {
        return;
    }
    let out = env::var("OUT_DIR").expect("set by cargo");
    // What keeps a label out of the symbol table; Mach-O would otherwise cut the code into pieces there.
    let apple = env::var("CARGO_CFG_TARGET_VENDOR").as_deref() == Ok("apple");
    let local = if apple { "L" } else { ".L" };
    let isas: [&dyn rounds::Isa; 2] = [&avx512::Avx512, &avx2::Avx2];
    for isa in isas {
        let program = shapes::generate(isa);
        for (end, text) in [
            (".s", &program.assembly),
            ("_ceiling.s", &program.ceiling),
            (".rs", &program.tables),
        ] {
            let path = Path::new(&out).join(format!("{}{end}", isa.name()));
            let text = text.replace(".Lpaydirt", &format!("{local}paydirt"));
            fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        }
    }
}

/// The compiler's name and version: benchmark results name it.
fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().ok();
    let version = output.and_then(|output| String::from_utf8(output.stdout).ok());
    version.map_or("unknown".to_owned(), |version| version.trim().to_owned())
}
