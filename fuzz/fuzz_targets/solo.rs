//! Any bytes as a node's answer: a result, or one short line; and as a template: blocks that begin with their header, or one
//! short line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use paydirt_bitcoin::{
    address::Address,
    rpc::{Answer, read_answer},
    solo::{Assembler, Template},
};

const ADDRESS: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

fn is_a_line(problem: &str) {
    assert!(!problem.is_empty() && !problem.contains('\n') && problem.len() <= 2_000, "{problem}");
}

fuzz_target!(|bytes: &[u8]| {
    for status in [200, 500] {
        let answer = Answer { status, body: bytes.to_vec() };
        if let Err(error) = read_answer::<serde_json::Value>("call", &answer) {
            is_a_line(&error.to_string());
        }
    }
    let template = match Template::from_json(bytes) {
        Ok(template) => template,
        Err(problem) => return is_a_line(&problem),
    };
    let address: Address = ADDRESS.parse().unwrap();
    match Assembler::new(template, address.script()) {
        Ok(assembler) => {
            let header = assembler.header(7);
            let block = assembler.block(header, 7);
            assert!(block.starts_with(&hex::encode(header.to_bytes())));
            assert_eq!(assembler.version_mask(0x1fff_e000) & !0x1fff_e000, 0);
        }
        Err(error) => is_a_line(&error.to_string()),
    }
});
