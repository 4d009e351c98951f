//! Any bytes as the JSON of a block (`POST /blocks`, a line of an import) or of a transfer (`POST /transactions/new`): what
//! is taken comes back from its own JSON, what is not is refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use paydirt_ledger::{BlockRecord, TransactionRecord};

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = serde_json::from_slice(bytes) else {
        return;
    };
    match BlockRecord::parse(&value) {
        Ok(block) => {
            let written = serde_json::to_value(BlockRecord::new(&block)).unwrap();
            assert_eq!(BlockRecord::parse(&written).unwrap(), block);
        }
        Err(refused) => assert!(!refused.to_string().is_empty()),
    }
    match TransactionRecord::parse_transfer(&value) {
        Ok(transfer) => {
            let written = serde_json::from_slice(&transfer.canonical_json()).unwrap();
            assert_eq!(TransactionRecord::parse_transfer(&written).unwrap(), transfer);
        }
        Err(refused) => assert!(!refused.to_string().is_empty()),
    }
});
