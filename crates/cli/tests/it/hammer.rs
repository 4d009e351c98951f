//! Anything at all, thrown at everything that parses: no panic, no memory beyond a small multiple of the input, and a
//! refusal that stays one short line. The fuzz targets under `fuzz/` do the same for longer, guided by coverage.

use std::str::FromStr as _;

use paydirt::{ByteOrder, Hash, Header, NonceEncoding, PLACEHOLDER, Target, Template};
use paydirt_cli::{check_job_line, job_fields};
use proptest::prelude::*;

/// Text that is nearly right more often than chance would have it.
fn nearly_hex() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[0-9a-fA-F]{0,40}",
        2 => Just(PLACEHOLDER.to_owned()),
        1 => "[ -~]{0,3}",
        1 => any::<char>().prop_map(|c| c.to_string()),
        1 => Just("{nonc".to_owned()),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Job lines built of the right words, with values of every kind in every place.
fn nearly_a_job() -> impl Strategy<Value = String> {
    let around = [
        "id",
        "puzzle",
        "goal",
        "search",
        "priority",
        "progress",
        "cancel",
        "ping",
        "info",
        "other",
        "line\nbreak",
    ];
    let options = job_fields().flat_map(|(_, name)| [name.to_owned(), name.replace('-', "_")]);
    let words: Vec<_> = around.map(str::to_owned).into_iter().chain(options).collect();
    let word = proptest::sample::select(words);
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| n.to_string()),
        (0u8..70).prop_map(|n| n.to_string()),
        Just("18446744073709551616".to_owned()),
        Just("1e999".to_owned()),
        nearly_hex().prop_map(|text| format!("{text:?}")),
        prop_oneof![
            Just("dec"),
            Just("dec:3"),
            Just("hex:8"),
            Just("u32le"),
            Just("sha256d"),
            Just("le"),
            Just("all"),
            Just("first"),
            Just("1/3"),
            Just("auto"),
            Just("0/0"),
            Just("a{nonce}b"),
            Just("x"),
        ]
        .prop_map(|text| format!("{text:?}")),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let word = word.clone();
        prop_oneof![
            4 => proptest::collection::vec((word, inner.clone()), 0..6).prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(word, value)| format!("{word:?}:{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
            1 => proptest::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
        ]
    })
}

/// A job that is right, of random parts.
fn a_job() -> impl Strategy<Value = String> {
    let puzzle = prop_oneof![
        "[a-z]{0,80}".prop_map(|text| format!("{{\"text\":\"{text}\"}}")),
        ("[a-z]{0,9}", 1u8..=64).prop_map(|(text, width)| {
            format!("{{\"template\":\"{text}{{nonce}}.\",\"nonce\":\"hex:{width}\",\"digest\":\"sha256d\"}}")
        }),
        ("[0-9a-f]{160}").prop_map(|hex| format!("{{\"header\":\"{hex}\"}}")),
    ];
    let goal = prop_oneof![
        (0.0..=256f64).prop_map(|bits| format!("{{\"bits\":{bits}}}")),
        (0u8..=64).prop_map(|zeros| format!("{{\"hex_zeros\":\"{zeros}\"}}")),
        "[0-9a-f]{1,64}".prop_map(|hex| format!("{{\"target\":\"{hex}\"}}")),
    ];
    (any::<u32>(), puzzle, goal, 1u32..50).prop_map(|(id, puzzle, goal, of)| {
        format!("{{\"id\":{id},\"puzzle\":{puzzle},\"goal\":{goal},\"search\":{{\"shard\":\"{}/{of}\",\"count\":16}}}}", id % of)
    })
}

fn check(line: &[u8]) {
    if let Err(problem) = check_job_line(line) {
        assert!(!problem.is_empty() && !problem.contains('\n'), "{problem:?}");
        assert!(problem.len() <= 10_000, "{problem}");
    }
}

/// The target of so many bits is the highest whole number below 2^(256 − bits).
fn check_bits(bits: f64, target: Target) -> Result<(), TestCaseError> {
    prop_assert!((0.0..=256.0).contains(&bits));
    let digits = target.to_hex();
    let highest = digits.chars().fold(0.0, |number, digit| {
        number * 16.0 + f64::from(digit.to_digit(16).unwrap())
    });
    prop_assert!(
        highest == 0.0 || highest.log2() <= 256.0 - bits + 1e-9,
        "too easy: {digits}"
    );
    prop_assert!(
        (highest + 1.0).log2() >= 256.0 - bits - 1e-9,
        "too hard: {digits}"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn job_lines_of_any_bytes(line: Vec<u8>) {
        check(&line);
    }

    #[test]
    fn job_lines_of_the_right_words(line in nearly_a_job()) {
        check(line.as_bytes());
    }

    #[test]
    fn job_lines_cut_short_or_bent(job in a_job(), cut in 0.0..1.0f64, byte: u8) {
        let mut line = job.into_bytes();
        let at = (line.len() as f64 * cut) as usize;
        check(&line[..at]);
        line[at] = byte;
        check(&line);
    }

    #[test]
    fn right_jobs_are_taken(job in a_job()) {
        prop_assert_eq!(check_job_line(job.as_bytes()), Ok(()));
    }

    #[test]
    fn templates(text in nearly_hex()) {
        let count = text.matches(PLACEHOLDER).count();
        match Template::from_text(&text) {
            Ok(template) => {
                prop_assert_eq!(count, 1);
                let written = [template.prefix(), PLACEHOLDER.as_bytes(), template.suffix()].concat();
                prop_assert_eq!(written, text.as_bytes());
            }
            Err(_) => prop_assert_ne!(count, 1),
        }
        if let Ok(template) = Template::from_hex(&text) {
            let written = format!("{}{PLACEHOLDER}{}", hex::encode(template.prefix()), hex::encode(template.suffix()));
            prop_assert_eq!(written, text.to_lowercase());
        }
    }

    #[test]
    fn headers(text in prop_oneof![nearly_hex(), "[0-9a-fA-F]{158,162}"]) {
        match Header::from_hex(&text) {
            Ok(header) => prop_assert_eq!(hex::encode(header.to_bytes()), text.to_lowercase()),
            Err(_) => prop_assert!(text.len() != 160 || text.bytes().any(|b| !b.is_ascii_hexdigit())),
        }
    }

    #[test]
    fn targets_and_hashes(text in prop_oneof![nearly_hex(), "[0-9a-fA-F]{63,65}"]) {
        match Target::from_hex(&text) {
            Ok(target) => prop_assert_eq!(target.to_hex(), format!("{:0>64}", text.to_lowercase())),
            Err(_) => prop_assert!(text.is_empty() || text.len() > 64 || text.bytes().any(|b| !b.is_ascii_hexdigit())),
        }
        for order in [ByteOrder::Big, ByteOrder::Little] {
            if let Ok(hash) = Hash::from_display(&text, order) {
                prop_assert_eq!(hash.display(order), text.to_lowercase());
            }
        }
    }

    #[test]
    fn targets_from_likely_bits(bits in prop_oneof![0.0..=256.0, 240.0..=256.0, (0u8..=255).prop_map(f64::from)]) {
        check_bits(bits, Target::from_leading_zero_bits(bits).unwrap())?;
    }

    #[test]
    fn targets_from_numbers(bits: f64, zeros: u32, nbits: u32) {
        if let Ok(target) = Target::from_leading_zero_bits(bits) {
            check_bits(bits, target)?;
        }
        prop_assert_eq!(Target::from_hex_zeros(zeros).is_ok(), zeros <= 64);
        if let Ok(target) = Target::from_nbits(nbits) {
            prop_assert!(target > Target::ZERO);
        }
    }

    #[test]
    fn nonce_encodings(text in prop_oneof![any::<String>(), "(dec|hex|HEX|u32|u64)[:lbe]{0,3}[0-9]{0,4}"]) {
        if let Ok(encoding) = NonceEncoding::from_str(&text) {
            let last = u64::try_from(encoding.space().end() - 1).unwrap();
            prop_assert!(encoding.display(last).len() <= 64);
        }
    }
}
