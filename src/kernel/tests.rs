//! One suite for every kernel of the table, each called directly, never through detection's choice.
//!
//! A kernel whose instructions this processor lacks is printed as skipped. With `PAYDIRT_REQUIRE=detected`, one whose
//! features /proc/cpuinfo lists must run: a fault in the detection does not hide behind a skip.

use proptest::prelude::*;

use super::{table::kernel, *};
use crate::puzzle::{
    ByteOrder, Digest, Goal, Hash, Header, HexCase, NonceEncoding, NonceRange, Puzzle, Target, Template,
};

/// Kernels that are not shipped: AVX-512 on any machine.
static UNSHIPPED: &[KernelInfo] = &[kernel! {
    name: "avx512, interpreted",
    about: "",
    x86_64: [],
    lanes: 32,
    bind: super::x86_64::interpreted,
    ceiling: None,
}];

/// The kernels that can be tested here, with a word on stderr about the others.
fn kernels() -> Vec<Kernel> {
    let require = std::env::var_os("PAYDIRT_REQUIRE").is_some_and(|value| value == "detected");
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let listed = |feature: &&str| {
        let flag = feature.replace('.', "_").replace("sha", "sha_ni");
        cpuinfo.split_whitespace().any(|word| word == flag)
    };
    let runs = |kernel: &&'static KernelInfo| {
        let required = require && kernel.features.iter().all(listed);
        assert!(kernel.is_detected() || !required, "{} must run here", kernel.name);
        if !kernel.is_detected() {
            eprintln!("skipped: this processor or this build lacks {}", kernel.name);
        }
        kernel.is_detected()
    };
    let all = Kernel::all().iter().chain(UNSHIPPED);
    all.filter(runs).map(Kernel).collect()
}

fn scan(kernel: Kernel, prepared: &Prepared, first: u64, count: u64, mut hits: Hits) -> (u64, Vec<u64>) {
    let mut scanner = kernel.bind(prepared).expect("all kernels take all digests");
    let tested = scanner.scan(first, count, &mut hits);
    (tested, hits.into_nonces())
}

/// The oracle's hits, told without any of the kernels' shared machinery: message, hash, top four bytes.
fn expected_hits(puzzle: &Puzzle, first: u64, count: u64) -> Vec<u64> {
    let top = |number: [u8; 32]| <[u8; 4]>::try_from(&number[..4]).unwrap();
    let passes = |nonce: &u64| {
        let found = top(puzzle.hash(*nonce).number(puzzle.byte_order()));
        match puzzle.goal() {
            Goal::AtMost(target) => found <= top(target.to_be_bytes()),
            Goal::Equals(hash) => found == top(hash.number(puzzle.byte_order())),
        }
    };
    let last = first + (count - 1);
    (first..=last).filter(passes).collect()
}

/// Compares a kernel with the oracle over a range, part by part.
fn check(kernel: Kernel, puzzle: &Puzzle, range: NonceRange) {
    for prepared in &Prepared::split(puzzle, range) {
        let (first, count) = (prepared.range().start(), prepared.range().count() as u64);
        let expected = expected_hits(puzzle, first, count);
        let found = scan(kernel, prepared, first, count, Hits::all());
        let wanted = (count, expected.clone());
        assert_eq!(found, wanted, "{kernel}: {puzzle:?} {range:?}");
        // With room for one hit only, the scan may end early, but not before that hit, and not out of order.
        let (tested, hits) = scan(kernel, prepared, first, count, Hits::up_to(1));
        let inside = expected.iter().take_while(|nonce| **nonce - first < tested);
        assert!(hits.iter().eq(inside), "{kernel}: {puzzle:?} {hits:?}");
        assert!(
            tested == count || !hits.is_empty(),
            "{kernel}: stopped without a hit"
        );
    }
}

fn range(start: u64, count: u128) -> NonceRange {
    NonceRange::new(start, count).unwrap()
}

fn bits(bits: f64) -> Goal {
    Goal::at_most(Target::from_leading_zero_bits(bits).unwrap())
}

fn header(goal: Goal) -> Puzzle {
    let bytes = std::array::from_fn(|i| i as u8 ^ 0xa5);
    Puzzle::header_with_goal(&Header::from_bytes(bytes), goal)
}

type Shape = (NonceEncoding, Digest, ByteOrder);

fn puzzle(prefix: &[u8], suffix: &[u8], (encoding, digest, order): Shape, difficulty: f64) -> Puzzle {
    Puzzle::new(
        Template::new(prefix, suffix),
        encoding,
        digest,
        order,
        bits(difficulty),
    )
}

const ENCODINGS: [NonceEncoding; 10] = [
    NonceEncoding::Decimal,
    NonceEncoding::DecimalPadded { width: 5 },
    NonceEncoding::DecimalPadded { width: 20 },
    NonceEncoding::DecimalPadded { width: 64 },
    NonceEncoding::Hex {
        width: 16,
        case: HexCase::Lower,
    },
    NonceEncoding::Hex {
        width: 7,
        case: HexCase::Upper,
    },
    NonceEncoding::U32(ByteOrder::Little),
    NonceEncoding::U32(ByteOrder::Big),
    NonceEncoding::U64(ByteOrder::Little),
    NonceEncoding::U64(ByteOrder::Big),
];

/// NIST's "abc" and the block that began Bitcoin: exact hashes, by way of the puzzles that end in them.
fn nist_and_bitcoin(kernel: Kernel) {
    let (width, case) = (1, HexCase::Lower);
    let shape = (NonceEncoding::Hex { width, case }, Digest::Sha256, ByteOrder::Big);
    let display = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let goal = Goal::Equals(Hash::from_display(display, ByteOrder::Big).unwrap());
    let abc = puzzle(b"a", b"c", shape, 0.0).with_goal(goal);
    check(kernel, &abc, abc.nonce_space());
    assert_eq!(expected_hits(&abc, 0, 16), [0xb]);

    let genesis = Header::from_hex(concat!(
        "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b2",
        "7ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d00000000"
    ));
    let puzzle = Puzzle::header(&genesis.unwrap()).unwrap();
    check(kernel, &puzzle, range(2_083_236_893 - 1000, 2000));
    assert_eq!(
        expected_hits(&puzzle, 2_083_236_893 - 1000, 2000),
        [2_083_236_893]
    );
}

/// A goal met by one hash only, for each nonce of two batches in turn: no lane is deaf.
fn every_lane_alone(kernel: Kernel) {
    for puzzle in [header(bits(0.0)), Puzzle::text("every lane", bits(0.0))] {
        for first in [1_000_000u64, 1_000_007] {
            for nonce in first..first + 2 * kernel.lanes() {
                let puzzle = puzzle.clone().with_goal(Goal::Equals(puzzle.hash(nonce)));
                check(kernel, &puzzle, range(first, u128::from(2 * kernel.lanes())));
            }
        }
    }
}

/// A mask of so many bits, the lowest of them anywhere.
fn mask(bits: u32) -> u32 {
    (0..bits).fold(0, |mask, bit| mask | 1 << ((11 * bit + 13) % 32))
}

/// Headers whose version is rolled over any number of bits, up to 128 versions at a time: any length from any start, over
/// the ends of header nonces and of groups of versions, with some and all nonces hitting.
fn rolled_versions(kernel: Kernel) {
    for bits_rolled in 1..=32 {
        let group_bits = bits_rolled.min(7);
        let (versions, next) = (1 << group_bits, 1u128 << (32 + group_bits));
        for goal in [bits(0.0), bits(4.5)] {
            let puzzle = header(goal).roll_version(mask(bits_rolled)).unwrap();
            let end = puzzle.nonce_space().end();
            for count in [1, versions + 1, 2 * versions + 35] {
                // Before, over and after the end of the first group of versions; the end of the space.
                for start in [33, next - count, next - 37, end - count] {
                    let start = start.min(end - count);
                    check(kernel, &puzzle, puzzle.nonce_space().part(start, count).unwrap());
                }
            }
        }
    }
    // A range inside a header nonce's versions takes no more than whole batches of them.
    let puzzle = header(bits(1.0)).roll_version(0x1fff_e000).unwrap();
    for start in [0, 1, 31, 32, 33, 63, 64, 96, 127] {
        for count in [1, 2, 31, 32, 33, 64, 95] {
            check(kernel, &puzzle, range(128 * 70_001 + start, count));
        }
    }
    // Several slices, stretches and hits, from an odd start.
    let puzzle = header(bits(9.0)).roll_version(0x1fff_e000).unwrap();
    check(kernel, &puzzle, range(128 * 65_536 - 20_001, 40_000));
    check(kernel, &puzzle, range((1 << 40) - 1_001, 2_003));
    let puzzle = header(bits(9.0)).roll_version(0x0001_e000).unwrap();
    check(kernel, &puzzle, range(16 * 65_536 - 20_001, 40_000));
}

/// A goal met by one hash only, for each version of a header nonce in turn: no lane is deaf.
fn every_version_alone(kernel: Kernel) {
    for (bits_rolled, versions) in [(3, 8), (5, 32), (12, 128)] {
        let puzzle = header(bits(0.0)).roll_version(mask(bits_rolled)).unwrap();
        let first = versions * 1_000_003;
        for nonce in first..first + versions {
            let puzzle = puzzle.clone().with_goal(Goal::Equals(puzzle.hash(nonce)));
            check(kernel, &puzzle, range(first, versions.into()));
        }
    }
}

/// Room for a few hits only, some of them dropped at the range's ends: scanned on until done, it is the same answer.
fn rolled_versions_in_pieces(kernel: Kernel) {
    let puzzle = header(bits(5.0)).roll_version(0x1fff_e000).unwrap();
    for first in (1 << 39) - 3_003..(1 << 39) - 2_997 {
        let count = 6_001;
        let prepared = &Prepared::split(&puzzle, range(first, count.into()))[0];
        for limit in [1, 2, 5] {
            let mut scanner = kernel.bind(prepared).unwrap();
            let (mut tested, mut found) = (0, Vec::new());
            while tested < count {
                let mut hits = Hits::up_to(limit);
                let more = scanner.scan(first + tested, count - tested, &mut hits);
                let hits = hits.into_nonces();
                assert!(more > 0 && (tested + more == count || hits.len() >= limit));
                let inside = |hit: &u64| (tested..tested + more).contains(&(hit - first));
                assert!(hits.iter().all(inside));
                found.extend(hits);
                tested += more;
            }
            assert_eq!((tested, &found), (count, &expected_hits(&puzzle, first, count)));
        }
    }
}

/// One scanner, many chunks, forth and back: nothing of an earlier one is left in its memory.
fn chunk_after_chunk(kernel: Kernel) {
    let shape = (ENCODINGS[2], Digest::Sha256d, ByteOrder::Big);
    let text = |before| puzzle(&vec![b'p'; before], &[b's'; 70], shape, 3.0);
    let rolled = header(bits(3.0)).roll_version(0x1fff_e000).unwrap();
    for puzzle in [header(bits(3.0)), rolled, text(3), text(46), text(45)] {
        let prepared = &Prepared::split(&puzzle, puzzle.nonce_space())[0];
        let mut scanner = kernel.bind(prepared).unwrap();
        // Two more groups of versions, where there are any.
        let (group, next) = ((1 << 39) - 50, (1 << 40) + 7);
        let firsts = [70_000, 70_100, 9_950, 3_000_000_000, 65_500, group, next, 70_000];
        let space = puzzle.nonce_space();
        let is_inside = |first: &u64| u128::from(*first) + 100 <= space.end();
        for first in firsts.into_iter().filter(is_inside) {
            let mut hits = Hits::all();
            assert_eq!(scanner.scan(first, 100, &mut hits), 100);
            let expected = expected_hits(&puzzle, first, 100);
            assert_eq!(hits.nonces(), expected, "{kernel}: {puzzle:?} {first}");
        }
    }
}

/// Lengths around the batch, from odd starts, with none, some and all nonces hitting.
fn awkward_lengths(kernel: Kernel) {
    let lanes = u128::from(kernel.lanes());
    for goal in [bits(0.0), bits(1.5), bits(6.0), bits(200.0)] {
        for puzzle in [header(goal), Puzzle::text("lengths", goal)] {
            for count in [1, 2, lanes - 1, lanes, lanes + 1, 3 * lanes + 5] {
                for start in [0, 1, 9, 97, 9_990, 123_456_789] {
                    check(kernel, &puzzle, range(start, count));
                }
            }
        }
    }
}

/// Every encoding, both digests, both readings, at every offset of the nonce in its block, and with blocks after it.
fn every_shape(kernel: Kernel) {
    for encoding in ENCODINGS {
        for offset in 0..64 {
            // Vary what need not be tried in every combination by numbers that share no factor.
            let suffix = [0, 1, 9, 40, 64, 130][(offset + encoding.len_of(0)) % 6];
            let digest = [Digest::Sha256, Digest::Sha256d][offset % 2];
            let order = [ByteOrder::Big, ByteOrder::Little][offset / 2 % 2];
            let prefix = if offset % 3 == 0 { offset + 64 } else { offset };
            let (prefix, suffix) = (vec![b'p'; prefix], vec![b's'; suffix]);
            let puzzle = puzzle(&prefix, &suffix, (encoding, digest, order), 2.0);
            for start in [0, 9_981, 0xfff0] {
                check(kernel, &puzzle, range(start, 75));
            }
        }
    }
}

/// The last nonces of each encoding.
fn the_very_end(kernel: Kernel) {
    for encoding in ENCODINGS {
        let puzzle = puzzle(b"the end ", &[], (encoding, Digest::Sha256, ByteOrder::Big), 1.0);
        let space = puzzle.nonce_space();
        for count in [1, 7, 100] {
            let start = space.end() - count;
            check(kernel, &puzzle, space.part(start, count).unwrap());
        }
    }
    check(kernel, &header(bits(1.0)), range(u64::from(u32::MAX) - 99, 100));
}

/// Past the stretches that kernels prepare once: carries through every digit.
fn long_ranges(kernel: Kernel) {
    let carry = Puzzle::text("carry", bits(7.0));
    check(kernel, &carry, range(0, 25_000));
    check(kernel, &carry, range(999_999_990_000, 15_000));
    let shape = (ENCODINGS[4], Digest::Sha256, ByteOrder::Big);
    let hex = puzzle(b"0123456789abcdef0123456789abcdef0123456789", b"!", shape, 7.0);
    check(kernel, &hex, range(0xffff_fff0, 9_000));
    let shape = (
        NonceEncoding::U64(ByteOrder::Little),
        Digest::Sha256d,
        ByteOrder::Little,
    );
    check(
        kernel,
        &puzzle(&[7; 3], &[], shape, 7.0),
        range(0xffff_e000, 9_000),
    );
}

prop_compose! {
    /// Any puzzle at all, and a short range inside its nonce space.
    pub(crate) fn any_puzzle()(
        prefix in proptest::collection::vec(any::<u8>(), 0..200),
        suffix in proptest::collection::vec(any::<u8>(), 0..150),
        encoding in 0..ENCODINGS.len(),
        double: bool,
        little: bool,
        goal in prop_oneof![(0.0..8.0f64).prop_map(Some), Just(None)],
        at in 0.0..1.0f64,
        round: bool,
        count in 1u128..300,
    ) -> (Puzzle, NonceRange) {
        let digest = if double { Digest::Sha256d } else { Digest::Sha256 };
        let order = if little { ByteOrder::Little } else { ByteOrder::Big };
        let encoding = ENCODINGS[encoding];
        let puzzle = Puzzle::new(Template::new(prefix, suffix), encoding, digest, order, bits(goal.unwrap_or(0.0)));
        let space = encoding.space();
        let count = count.min(space.count());
        // A start anywhere on a logarithmic scale, or just below a power of ten, where digits carry.
        let start = (space.count() as f64).powf(at) as u128;
        let start = if round { 10u128.pow(start.max(1).ilog10()).saturating_sub(count / 2) } else { start };
        let range = space.part(start.min(space.count() - count), count).unwrap();
        let puzzle = match goal {
            Some(_) => puzzle,
            None => {
                let wanted = puzzle.hash(range.start() + (count / 2) as u64);
                puzzle.with_goal(Goal::Equals(wanted))
            }
        };
        (puzzle, range)
    }
}

fn agrees_with_the_oracle_on_any_rolled_version(kernel: Kernel) {
    let strategy = (any::<[u8; 32]>(), 1u32.., any::<u64>(), 1u128..1200, 0.0..9.0f64);
    proptest!(ProptestConfig::with_cases(60), |((seed, mask, start, count, goal) in strategy)| {
        let header = Header::from_bytes(std::array::from_fn(|i| seed[i % 32] ^ i as u8));
        let puzzle = Puzzle::header_with_goal(&header, bits(goal)).roll_version(mask).unwrap();
        let space = puzzle.nonce_space();
        let start = u128::from(start) % (space.count() - count);
        check(kernel, &puzzle, space.part(start, count).unwrap());
    });
}

fn agrees_with_the_oracle_on_anything(kernel: Kernel) {
    proptest!(ProptestConfig::with_cases(300), |((puzzle, range) in any_puzzle())| {
        check(kernel, &puzzle, range);
    });
}

macro_rules! kernel_suite {
    ($($case:ident)+) => {
        mod every_kernel {$(
            #[test]
            fn $case() {
                super::kernels().into_iter().for_each(super::$case);
            }
        )+}
    };
}

kernel_suite! {
    nist_and_bitcoin every_lane_alone rolled_versions every_version_alone rolled_versions_in_pieces chunk_after_chunk awkward_lengths
    every_shape the_very_end long_ranges agrees_with_the_oracle_on_any_rolled_version
    agrees_with_the_oracle_on_anything
}

/// A digest that no kernel but those which take all shapes has heard of: three hashes, one after the other.
#[test]
fn a_digest_is_a_list_of_blocks() {
    let puzzle = Puzzle::text("thrice ", bits(4.0));
    let mut prepared = Prepared::split(&puzzle, range(1_000, 500)).swap_remove(0);
    prepared.rehashes = &[prepared::Rehash::SHA256; 2];
    let thrice = |nonce: &u64| {
        let once = paydirt_sha256::sha256(&puzzle.message(*nonce));
        paydirt_sha256::sha256(&paydirt_sha256::sha256(&once))[0] < 0x10
    };
    let expected: Vec<u64> = (1_000..1_500).filter(thrice).collect();
    for kernel in kernels() {
        match kernel.bind(&prepared) {
            Some(_) => assert_eq!(scan(kernel, &prepared, 1_000, 500, Hits::all()).1, expected),
            None => assert_ne!(
                kernel.0.architecture, "any",
                "{kernel} hashes whatever blocks there are"
            ),
        }
    }
    assert!(kernels().iter().any(|kernel| kernel.bind(&prepared).is_some()));
}

#[test]
fn the_table_goes_from_the_fastest_to_the_oracle_and_each_name_leads_to_its_row() {
    assert_eq!(table::oracle().name(), "reference");
    assert_eq!("auto".parse(), Ok(Kernel::detected()[0]));
    // Those that lead here go first, and the others keep the table's order.
    let leads = |kernel: &Kernel| kernel.0.code.as_ref().is_some_and(|code| (code.leads)());
    let place = |kernel: &Kernel| Kernel::all().iter().position(|row| row.name == kernel.name());
    let order = Kernel::detected();
    assert!(order.is_sorted_by_key(|kernel| (!leads(kernel), place(kernel))));
    assert_eq!(Kernel::by_name("sse2"), Err(KernelError::Unknown));
    for kernel in Kernel::all() {
        match Kernel::by_name(kernel.name) {
            Ok(found) => assert_eq!((found, found.lanes()), (Kernel(kernel), kernel.lanes)),
            Err(KernelError::NotCompiled(architecture)) => assert_eq!(architecture, kernel.architecture),
            Err(error) => assert!(matches!(error, KernelError::NotSupported(_)) && !kernel.is_detected()),
        }
    }
}

#[test]
fn incrementing_is_writing_the_next() {
    for encoding in ENCODINGS {
        let puzzle = puzzle(&[], &[], (encoding, Digest::Sha256, ByteOrder::Big), 0.0);
        for start in [0, 8, 95, 9_999, 0xfffe] {
            let prepared = &Prepared::split(&puzzle, range(start.min(99_990), 1))[0];
            let symbols = prepared.symbols;
            let (mut stepped, mut written) = (vec![0; prepared.nonce_bytes], vec![0; prepared.nonce_bytes]);
            symbols.write(start, &mut stepped);
            for nonce in start + 1..start + 20 {
                if encoding.len_of(nonce) != encoding.len_of(start) {
                    break;
                }
                symbols.increment(&mut stepped);
                symbols.write(nonce, &mut written);
                assert_eq!(stepped, written, "{encoding} {nonce}");
            }
        }
    }
}
