//! Writes the assembly of the vector kernels, and the layout of their memory, into `$OUT_DIR`, where `src/kernel`
//! includes them. Both are made by the `paydirt-codegen` crate; nothing is asked of the machine that builds them.

use std::{env, fs, path::Path};

use paydirt_codegen::{hybrid, sha_ni};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_ARCH").as_deref() != Ok("x86_64") {
        return;
    }
    let out = env::var("OUT_DIR").expect("set by cargo");
    let write = |name: String, text: String| {
        let path = Path::new(&out).join(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    };
    // What keeps a label out of the symbol table; Mach-O would otherwise cut the code into pieces there.
    let apple = env::var("CARGO_CFG_TARGET_VENDOR").as_deref() == Ok("apple");
    let local = if apple { "L" } else { ".L" };
    for program in paydirt_codegen::programs() {
        let name = program.name;
        write(format!("{name}.s"), program.assembly(local));
        write(format!("{name}_ceiling.s"), program.ceiling(local));
        write(format!("{name}.rs"), program.tables());
    }
    let program = sha_ni::generate(sha_ni::Tuning::shipped());
    write("sha_ni.s".to_owned(), program.assembly(local));
    write("sha_ni.rs".to_owned(), sha_ni::constants(&program));
    for (name, tuning) in [
        ("hybrid", hybrid::Tuning::general()),
        ("hybrid_zen4", hybrid::Tuning::zen_4()),
    ] {
        write(
            format!("{name}.s"),
            hybrid::generate(name, tuning).assembly(local),
        );
    }
    write("hybrid.rs".to_owned(), hybrid::constants());
    write("layout.rs".to_owned(), paydirt_codegen::layout::constants());
}
