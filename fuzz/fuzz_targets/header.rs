//! Any text as a block header; what is taken says its own bytes again and makes a puzzle or a reason why not.

#![no_main]

use libfuzzer_sys::fuzz_target;
use paydirt::{Header, Puzzle};

fuzz_target!(|text: &str| {
    if let Ok(header) = Header::from_hex(text) {
        let bytes: String = header
            .to_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(bytes, text.to_lowercase());
        if let Ok(puzzle) = Puzzle::header(&header) {
            assert_eq!(puzzle.message(header.nonce().into()), header.to_bytes());
        }
    }
});
