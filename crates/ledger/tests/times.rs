//! Which times a block may have, against those who choose them to do harm.

#[path = "common/blocks.rs"]
mod blocks;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use blocks::{Maker, branch, easy};
use paydirt::{Kernel, Miner, Puzzle, Search, Target};
use paydirt_ledger::{
    AddError, Added, Anchor, Block, ChainParameters, GENESIS_TIME_S, Header, HeaderTree, Ledger, Options,
    RuleError, SwitchError, Unchecked, asert, easiest_target,
};
use proptest::prelude::*;

/// A clock that is set by hand.
fn clocked(network: &ChainParameters, now_s: u64) -> (Ledger, Arc<AtomicU64>) {
    let clock = Arc::new(AtomicU64::new(now_s));
    let shown = Arc::clone(&clock);
    let options = Options {
        clock: Arc::new(move || shown.load(Ordering::Relaxed)),
        ..Options::default()
    };
    (Ledger::in_memory_with(network, options).unwrap(), clock)
}

/// The next block of a ledger with this time, solved by the engine.
fn next_at(ledger: &Ledger, time: u64) -> Block<Unchecked> {
    let time = u32::try_from(time).unwrap();
    let template = Arc::new(ledger.block_template());
    let header = (template.job(1, 0..1, move || time).header)(0);
    let puzzle = Puzzle::header(&header).unwrap();
    let miner = Miner::with_threads(1, Kernel::auto()).unwrap();
    let solution = miner.mine(&Search::new(&puzzle)).solutions[0].nonce();
    template.block(0, header.with_nonce(u32::try_from(solution).unwrap()))
}

fn rule(outcome: Result<Added, AddError>) -> &'static str {
    match outcome {
        Err(AddError::Rule(broken)) => broken.name(),
        other => panic!("no rule was broken: {other:?}"),
    }
}

/// How hard, in bits.
fn bits(nbits: u32) -> f64 {
    let bytes = Target::from_nbits(nbits).unwrap().to_be_bytes();
    let high = u128::from_be_bytes(bytes[..16].try_into().unwrap());
    128.0 - (high as f64).log2()
}

const TIP: Result<Added, AddError> = Ok(Added::Tip { dropped: 0 });

/// `--bits 20 --block-time 1`: one block stamped two hours ahead once took the difficulty from 20 bits to 1.
#[test]
fn a_block_from_the_future_does_not_make_the_next_easy() {
    let network = ChainParameters::asert(20.0, 1, 288).unwrap();
    let now = u64::from(GENESIS_TIME_S) + 1_000_000;
    let (ledger, _) = clocked(&network, now);
    assert_eq!(ledger.add(next_at(&ledger, now)), TIP);
    assert_eq!(rule(ledger.add(next_at(&ledger, now + 7_200))), "time_too_new");
    assert_eq!(rule(ledger.add(next_at(&ledger, now + 13))), "time_too_new");
    assert_eq!(bits(ledger.tip().next.nbits).round(), 20.0);
    assert_eq!(
        ledger.add(next_at(&ledger, now + 12)),
        TIP,
        "a 24th of the half-life"
    );
    let next = bits(ledger.tip().next.nbits);
    assert!((next - 20.0).abs() < 1.0 / 24.0 + 0.001, "{next}");
    // The next miner's time is the clock's, and with it the difficulty is what it was, but for a second.
    let template = ledger.block_template();
    assert_eq!(template.time_at(now), Ok(u32::try_from(now).unwrap()));
    assert_eq!(ledger.add(next_at(&ledger, now)), TIP);
    let after = bits(ledger.tip().next.nbits);
    assert!((20.0..20.0 + 3.0 / 288.0).contains(&after), "{after}");
}

/// Fixed difficulty: three blocks stamped two hours ahead once made every `/mine` a 503.
#[test]
fn stamped_ahead_blocks_hold_nobody_up() {
    let now = u64::from(GENESIS_TIME_S) + 1_000_000;
    let (ledger, clock) = clocked(&easy(), now);
    assert_eq!(rule(ledger.add(next_at(&ledger, now + 7_200))), "time_too_new");
    assert_eq!(rule(ledger.add(next_at(&ledger, now + 61))), "time_too_new");
    for _ in 0..40 {
        assert_eq!(ledger.add(next_at(&ledger, now + 60)), TIP);
        let time = ledger.block_template().time_at(now);
        assert_eq!(
            time,
            Ok(u32::try_from(now).unwrap()),
            "nobody is pushed ahead of the clock"
        );
    }
    assert_eq!(ledger.add(next_at(&ledger, now)), TIP);
    assert_eq!(rule(ledger.add(next_at(&ledger, now - 1))), "time_too_old");
    // A clock that was set back: as far back as the blocks may be ahead the others are waited for, and no further.
    clock.store(now - 60, Ordering::Relaxed);
    let time = ledger.block_template().time_at(ledger.now_s());
    assert_eq!(time, Ok(u32::try_from(now).unwrap()));
    clock.store(now - 61, Ordering::Relaxed);
    let error = ledger.block_template().time_at(ledger.now_s()).unwrap_err();
    assert!(
        error.to_string().contains("more than 60 s ahead of the clock"),
        "{error}"
    );
}

/// A branch made in advance, with stamps as far ahead as may be once it is shown, changes nothing of that.
#[test]
fn a_branch_made_in_advance_holds_nobody_up() {
    let now = u64::from(GENESIS_TIME_S) + 1_000_000;
    let (ledger, clock) = clocked(&easy(), now);
    let honest = branch(&easy().genesis(), "honest", 20);
    assert!(ledger.add_all(honest).iter().all(|outcome| *outcome == TIP));
    let mut parent = easy().genesis().into_unchecked();
    let mut made = Vec::new();
    for ahead in 0..40u64 {
        let mut maker = Maker::easy(&parent).rewarding("attacker");
        maker.header.time = u32::try_from(now + 60 + ahead * 3).unwrap();
        parent = maker.mined();
        made.push(parent.clone());
    }
    for (block, ahead) in made.into_iter().zip(0..) {
        assert_eq!(
            ledger.add(block.clone()).is_err(),
            ahead > 0,
            "not before its time"
        );
        clock.store(now + ahead * 3, Ordering::Relaxed);
        ledger.add(block).unwrap();
        let time = ledger.block_template().time_at(ledger.now_s());
        assert_eq!(time.map(u64::from), Ok(ledger.now_s()));
    }
    assert_eq!(ledger.tip().index, 41, "it won, by its work");
    assert!(matches!(
        ledger.switch(blocks::nowhere()),
        Err(SwitchError::Unknown(_))
    ));
}

#[derive(Clone, Copy, Debug)]
enum Stamp {
    Earliest,
    Clock,
    Latest,
    Part(u64),
}

fn stamps() -> impl Strategy<Value = Stamp> {
    prop_oneof![
        Just(Stamp::Earliest),
        Just(Stamp::Clock),
        Just(Stamp::Latest),
        any::<u64>().prop_map(Stamp::Part),
    ]
}

fn solved(mut header: Header) -> Header {
    while !header.meets_target() {
        header.nonce += 1;
    }
    header
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever times an attacker gives to whichever blocks, of whatever chain: the difficulty after each is at most a 24th
    /// of a bit below what the clock's own time would make it, and at most that above what the latest time before it would.
    /// And the clock's own time is always allowed, so nobody waits.
    #[test]
    fn the_worst_that_stamps_can_do(
        block_time_s in 1..200u32,
        half_life_blocks in 8..400u32,
        steps in prop::collection::vec((stamps(), 0..400u64), 1..24),
    ) {
        let half_life_s = block_time_s * half_life_blocks;
        let network = ChainParameters::asert(6.0, block_time_s, half_life_s).unwrap();
        let max_ahead_s = u64::from(network.times().max_ahead_s());
        let share = max_ahead_s as f64 / f64::from(half_life_s);
        prop_assert!(share <= 1.0 / 24.0);
        // What nBits and the cubic of ASERT round.
        let fraction = share + 0.001;
        let mut tree = HeaderTree::new(network, &network.genesis());
        let mut now = u64::from(GENESIS_TIME_S) + 1_000_000;
        let (mut anchor, mut latest) = (None, 0);
        for (stamp, percent) in steps {
            now += u64::from(block_time_s) * percent / 100;
            let tip = tree.tip();
            // The very first block is the honest one: it is on time by definition.
            let first = anchor.is_none();
            let earliest = tip.next.earliest_time;
            prop_assert!(earliest <= now, "the clock's own time is allowed");
            let last = now + max_ahead_s;
            let time = match stamp {
                _ if first => now,
                Stamp::Earliest => earliest,
                Stamp::Clock => now,
                Stamp::Latest => last,
                Stamp::Part(part) => earliest + part % (last - earliest + 1),
            };
            let header = |time: u64| solved(Header {
                version: 1,
                previous_hash: tip.hash,
                merkle_root: tree.tip_node().header.merkle_root,
                time: u32::try_from(time).unwrap(),
                nbits: tip.next.nbits,
                nonce: 0,
            });
            let refused = tree.clone().add_header(header(last + 1), now).map(|node| node.index);
            let is_too_new = matches!(refused, Err(AddError::Rule(RuleError::TimeTooNew { .. })));
            prop_assert!(is_too_new, "{:?}", refused);
            if !first {
                let refused = tree.clone().add_header(header(tip.next.earliest_time - 1), now).map(|node| node.index);
                let is_too_old = matches!(refused, Err(AddError::Rule(RuleError::TimeTooOld { .. })));
                prop_assert!(is_too_old, "{:?}", refused);
            }
            prop_assert!(tree.clone().add_header(header(now), now).is_ok());
            tree.add_header(header(time), now).unwrap();
            let index = tree.length();
            let anchor = *anchor.get_or_insert(Anchor {
                height: 2,
                parent_time: time as i64 - i64::from(block_time_s),
                nbits: network.nbits(),
            });
            let at = |time: u64| bits(asert(&anchor, index, time as i64, block_time_s, half_life_s, easiest_target()));
            let next = bits(tree.tip().next.nbits);
            prop_assert!(next >= at(now) - fraction, "{} is easier than {}", next, at(now));
            if !first {
                prop_assert!(next <= at(latest) + fraction, "{} is harder than {}", next, at(latest));
            }
            latest = latest.max(time);
        }
    }
}
