//! Code of the generator, assembled and loaded.
//!
//! *In:* assembly, memory for it to work on. *Out:* calls of it.

use std::{fs, io::Write as _, path::Path, process::Command};

/// Bytes that begin at a multiple of 64, zeros at first.
pub struct Memory(Vec<Line>);

#[repr(align(64))]
#[derive(Clone, Copy)]
struct Line([u8; 64]);

impl Memory {
    /// At least so many.
    pub fn new(bytes: usize) -> Self {
        Self(vec![Line([0; 64]); bytes.div_ceil(64)])
    }

    /// Writes a number.
    pub fn put(&mut self, at: usize, value: u64) {
        self.0[at / 64].0[at % 64..][..8].copy_from_slice(&value.to_le_bytes());
    }

    /// The address of a byte.
    pub fn address(&self, at: usize) -> u64 {
        self.0.as_ptr() as u64 + at as u64
    }
}

/// The arguments of a call after the memory, as the kernels' drivers give them.
pub type Arguments = [u64; 5];

/// Code that can be called.
pub struct Code {
    run: unsafe extern "sysv64" fn(*mut Line, u64, u64, u64, u64, u64) -> u32,
    /// Holds the code in memory.
    _library: libloading::Library,
}

impl Code {
    /// Assembles and loads it, by files of this name in a folder.
    ///
    /// # Errors
    /// What the compiler, or the loader, says.
    pub fn load(assembly: &str, folder: &Path, name: &str) -> Result<Self, String> {
        let (source, library) = (
            folder.join(format!("{name}.s")),
            folder.join(format!("{name}.so")),
        );
        let write = || {
            let mut file = fs::File::create(&source)?;
            writeln!(
                file,
                ".intel_syntax noprefix\n.text\n.globl run\n.p2align 6\nrun:"
            )?;
            file.write_all(assembly.as_bytes())?;
            writeln!(file, ".section .note.GNU-stack,\"\",@progbits")
        };
        write().map_err(|error| format!("cannot write {}: {error}", source.display()))?;
        let output = Command::new("cc")
            .args(["-shared", "-nostdlib", "-o"])
            .args([&library, &source])
            .output()
            .map_err(|error| format!("cannot run cc, the C compiler, to assemble: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let first = said
                .lines()
                .find(|line| line.contains("rror"))
                .unwrap_or("it failed");
            return Err(format!("cc cannot assemble the code: {first}"));
        }
        // SAFETY: the library is the assembly above and nothing else: no code runs when it is loaded, and `run` is the
        // function that the kernels' drivers declare with these arguments, or fewer.
        #[allow(unsafe_code)]
        let loaded = unsafe {
            libloading::Library::new(&library)
                .and_then(|library| Ok((*library.get(b"run\0")?, library)))
                .map_err(|error| format!("cannot load {}: {error}", library.display()))
        };
        let (run, library) = loaded?;
        Ok(Self {
            run,
            _library: library,
        })
    }

    /// Calls it once.
    pub fn call(&self, memory: &mut Memory, [second, third, fourth, fifth, sixth]: Arguments) {
        // SAFETY: whoever made the code checked that this processor has its instructions; it reads and writes inside of
        // this memory, which is as large as the generator says, and what the arguments name is in it.
        #[allow(unsafe_code)]
        unsafe {
            (self.run)(memory.0.as_mut_ptr(), second, third, fourth, fifth, sixth);
        }
    }
}
