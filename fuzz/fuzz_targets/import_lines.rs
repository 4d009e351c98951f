//! Any bytes as the lines of an import, or as changes of an export: what is taken of them is a chain by every rule.

#![no_main]

#[path = "../../crates/ledger/tests/common/any_bytes.rs"]
mod any_bytes;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|bytes: &[u8]| any_bytes::import_lines(FOLDER.path(), bytes));
