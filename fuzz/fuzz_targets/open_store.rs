//! Any bytes as a ledger's file, or as changes of a whole one: it is refused, or it holds a chain by every rule.

#![no_main]

#[path = "../../crates/ledger/tests/common/any_bytes.rs"]
mod any_bytes;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|bytes: &[u8]| any_bytes::open(FOLDER.path(), bytes));
