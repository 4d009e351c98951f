//! Writes the assembly of the vector kernels into `$OUT_DIR`, where `src/kernel` includes it.
//! The code is made by the `paydirt-codegen` crate; nothing is asked of the machine that builds it.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_ARCH").as_deref() != Ok("x86_64") {
        return;
    }
    let out = env::var("OUT_DIR").expect("set by cargo");
    // What keeps a label out of the symbol table; Mach-O would otherwise cut the code into pieces there.
    let apple = env::var("CARGO_CFG_TARGET_VENDOR").as_deref() == Ok("apple");
    let local = if apple { "L" } else { ".L" };
    for (name, program) in paydirt_codegen::programs() {
        for (end, text) in [
            (".s", &program.assembly),
            ("_ceiling.s", &program.ceiling),
            (".rs", &program.tables),
        ] {
            let path = Path::new(&out).join(format!("{name}{end}"));
            let text = text.replace(".Lpaydirt", &format!("{local}paydirt"));
            fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        }
    }
}
