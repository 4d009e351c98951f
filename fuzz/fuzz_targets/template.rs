//! Any text as a template, in text and in hex, with any nonce encoding; and what is taken is prepared and scanned, for
//! the sides may have any length.

#![no_main]

use libfuzzer_sys::fuzz_target;
use paydirt::{
    ByteOrder, Digest, Goal, Hits, Kernel, NonceEncoding, PLACEHOLDER, Prepared, Puzzle, Target, Template,
};

fuzz_target!(|input: (&str, &str, u64)| {
    let (text, encoding, nonce) = input;
    let from_hex = Template::from_hex(text).inspect(|template| {
        assert!(template.prefix().len() + template.suffix().len() <= text.len() / 2);
    });
    let from_text = Template::from_text(text);
    assert_eq!(from_text.is_ok(), text.matches(PLACEHOLDER).count() == 1);
    let encoding: NonceEncoding = encoding.parse().unwrap_or_default();
    for template in [from_text.ok(), from_hex.ok()].into_iter().flatten() {
        let goal = Goal::at_most(Target::MAX);
        let puzzle = Puzzle::new(template, encoding, Digest::Sha256d, ByteOrder::Big, goal);
        let space = puzzle.nonce_space();
        let start = (u128::from(nonce) % space.end()) as u64;
        let range = space.part(start.into(), 1).expect("one nonce inside the space");
        for prepared in &Prepared::split(&puzzle, range) {
            let mut hits = Hits::all();
            assert_eq!(
                Kernel::auto().bind(prepared).unwrap().scan(start, 1, &mut hits),
                1
            );
            assert_eq!(hits.nonces(), [start]);
        }
    }
});
