//! Any text, number or compact form as a target; what is taken is ordered as its difficulty is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use paydirt::{ByteOrder, Hash, Target};

fuzz_target!(|input: (&str, f64, u32, u32)| {
    let (text, bits, zeros, nbits) = input;
    if let Ok(target) = Target::from_hex(text) {
        assert_eq!(target.to_hex(), format!("{:0>64}", text.to_lowercase()));
    }
    if let Ok(hash) = Hash::from_display(text, ByteOrder::Little) {
        assert_eq!(hash.display(ByteOrder::Little), text.to_lowercase());
    }
    if let Ok(target) = Target::from_leading_zero_bits(bits) {
        assert!((target.difficulty_bits() - bits).abs() < 1e-9 || bits > 200.0);
    }
    assert_eq!(Target::from_hex_zeros(zeros).is_ok(), zeros <= 64);
    if let Ok(target) = Target::from_nbits(nbits) {
        assert!(target > Target::ZERO);
        assert!(Target::from_nbits(target.to_nbits_lossy()).expect("a target's own form") <= target);
    }
});
