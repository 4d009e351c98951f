//! Any bytes as the JSON of a block (`POST /blocks`, a line of an import) or of a transfer (`POST /transactions/new`): what
//! is taken comes back from its own JSON, what is not is refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use paydirt_ledger::{BlockRecord, TransactionRecord};

fuzz_target!(|bytes: &[u8]| {
    match BlockRecord::parse(bytes) {
        Ok(block) => {
            let written = serde_json::to_vec(&BlockRecord::new(&block)).unwrap();
            assert_eq!(BlockRecord::parse(&written).unwrap(), block);
        }
        Err(refused) => assert!(!refused.to_string().is_empty()),
    }
    match TransactionRecord::parse_transfer(bytes) {
        Ok(transfer) => assert_eq!(
            TransactionRecord::parse_transfer(&transfer.canonical_json()).unwrap(),
            transfer
        ),
        Err(refused) => assert!(!refused.to_string().is_empty()),
    }
});
