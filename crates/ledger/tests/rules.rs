//! The ledger as a library: rules, fork choice, queue.

#[path = "common/blocks.rs"]
mod blocks;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use blocks::{Maker, branch, easy, nowhere, transfer};
use paydirt::{Cancel, Kernel, Miner, NonceRange, Target};
use paydirt_jobs::{Effort, End, Event as MiningEvent, Fate, Job, JobSource, Share, drive};
use paydirt_ledger::{
    AddError, Added, Block, BlockJob, BlockRecord, BlockTemplate, ChainParameters, Event, GENESIS_TIME_S,
    Ledger, MAX_BLOCK_TRANSACTIONS, MerkleRoot, Mined, MiningEnd, MiningPlan, Options, RuleError,
    SubmitError, Transaction, TransactionError, Unchecked, mine_blocks,
};
use proptest::prelude::*;

fn ledger() -> Ledger {
    Ledger::in_memory(&easy()).unwrap()
}

fn miner(threads: usize) -> Miner {
    Miner::with_threads(threads, Kernel::auto()).unwrap()
}

/// Mines so many blocks into it.
fn mine(ledger: &Ledger, count: u64, tell: &(dyn Fn(MiningEvent<'_, Arc<BlockTemplate>>) + Sync)) -> Mined {
    let plan = MiningPlan {
        count,
        spacing_s: None,
    };
    let mined = mine_blocks(ledger, &miner(1), &Cancel::new(), plan, tell, &|_| {});
    assert!(matches!(mined.end, MiningEnd::Done), "{:?}", mined.end);
    assert_eq!(mined.blocks, count);
    mined
}

/// Mines the next block into it.
fn mine_next(ledger: &Ledger) -> Block<Unchecked> {
    mine(ledger, 1, &|_| {});
    ledger
        .snapshot()
        .unwrap()
        .block(ledger.tip().index)
        .unwrap()
        .unwrap()
}

fn rule(outcome: Result<Added, AddError>) -> &'static str {
    match outcome {
        Err(AddError::Rule(broken)) => broken.name(),
        other => panic!("no rule was broken: {other:?}"),
    }
}

fn waiting(ledger: &Ledger) -> Vec<u64> {
    ledger
        .view()
        .pending
        .iter()
        .map(|transfer| transfer.transaction().amount())
        .collect()
}

#[test]
fn each_rule_is_kept() {
    let ledger = ledger();
    let genesis = easy().genesis();
    let child = || Maker::easy(&genesis);

    let mut maker = child();
    maker.transactions.clear();
    assert_eq!(rule(ledger.add(maker.mined())), "transaction_count");

    let mut maker = child();
    maker.transactions[0] = transfer(1);
    assert_eq!(rule(ledger.add(maker.mined())), "reward_missing");

    let second = Transaction::reward("mallory", 1, 0).unwrap();
    assert_eq!(rule(ledger.add(child().with(second).mined())), "reward_misplaced");

    for amount in [2, 1_000_000] {
        let mut maker = child();
        maker.transactions[0] = Transaction::reward("somebody", amount, 0).unwrap();
        assert_eq!(rule(ledger.add(maker.mined())), "reward_amount");
    }

    let twice = child().with(transfer(1)).with(transfer(2)).with(transfer(1));
    assert_eq!(rule(ledger.add(twice.mined())), "repeated_transaction");

    let mut maker = child();
    maker.commit = false;
    assert_eq!(rule(ledger.add(maker.mined())), "merkle_root");

    assert_eq!(rule(ledger.add(child().not_mined())), "proof_of_work");

    let mut maker = child();
    maker.index = 7;
    assert_eq!(rule(ledger.add(maker.mined())), "index");

    for nbits in [0x1f00_ffff, 0x207f_fffe] {
        let mut maker = child();
        maker.header.nbits = nbits;
        assert_eq!(rule(ledger.add(maker.mined())), "bits", "{nbits:08x}");
    }

    let mut maker = child();
    maker.header.time = GENESIS_TIME_S - 61;
    assert_eq!(rule(ledger.add(maker.mined())), "time_too_old");

    let mut maker = child();
    maker.header.previous_hash = nowhere();
    assert_eq!(ledger.add(maker.mined()), Err(AddError::ParentUnknown(nowhere())));

    assert_eq!(ledger.tip().index, 1, "nothing of it was taken");
    let good = child().with(transfer(1)).mined();
    assert_eq!(ledger.add(good.clone()), Ok(Added::Tip { dropped: 0 }));
    assert_eq!(ledger.add(good), Ok(Added::Known));
}

/// A transfer with a tag is paid once on each branch, whoever mines it; one without is another payment each time.
#[test]
fn a_tagged_transfer_stands_once_on_a_branch() {
    let ledger = ledger();
    let tagged = transfer(1).with_tag("00c0ffee00c0ffee".parse().unwrap()).unwrap();
    let first = Maker::easy(&easy().genesis())
        .with(tagged.clone())
        .with(transfer(2))
        .mined();
    let between = Maker::easy(&first).mined();
    let added = ledger.add_all(vec![first.clone(), between.clone()]);
    assert!(added.iter().all(Result::is_ok), "{added:?}");
    for parent in [&first, &between] {
        let again = Maker::easy(parent).with(tagged.clone()).mined();
        assert_eq!(rule(ledger.add(again)), "repeated_transfer");
    }
    // On another branch it is paid as well; on that one once too.
    let other = Maker::easy(&easy().genesis())
        .with(tagged.clone())
        .rewarding("other")
        .mined();
    assert_eq!(ledger.add(other.clone()), Ok(Added::Side));
    let again = Maker::easy(&other).with(tagged).mined();
    assert_eq!(rule(ledger.add(again)), "repeated_transfer");
    let plain = Maker::easy(&between).with(transfer(2)).mined();
    assert_eq!(ledger.add(plain), Ok(Added::Tip { dropped: 0 }));
}

/// CVE-2012-2459: a list whose tail is repeated has the same Merkle root, so the same header and the same hash.
#[test]
fn a_repeated_tail_is_refused_before_and_after_the_true_block() {
    let ledger = ledger();
    let block = Maker::easy(&easy().genesis())
        .with(transfer(1))
        .with(transfer(2))
        .mined();
    let mut repeated = block.transactions().to_vec();
    repeated.push(repeated[2].clone());
    let forged = Block::new(block.index(), *block.header(), repeated);
    assert_eq!(forged.hash(), block.hash());
    assert_eq!(rule(ledger.add(forged.clone())), "repeated_transaction");
    assert_eq!(
        ledger.add(block),
        Ok(Added::Tip { dropped: 0 }),
        "the true one is not tainted"
    );
    assert_eq!(rule(ledger.add(forged)), "repeated_transaction");
}

#[test]
fn a_full_block_is_taken_and_no_fuller_one() {
    let ledger = ledger();
    let genesis = easy().genesis();
    let mut maker = Maker::easy(&genesis);
    for amount in 1..MAX_BLOCK_TRANSACTIONS as u64 {
        maker = maker.with(transfer(amount));
    }
    let over = maker.clone().with(transfer(1 << 40)).mined();
    assert_eq!(rule(ledger.add(over)), "transaction_count");
    assert_eq!(ledger.add(maker.mined()), Ok(Added::Tip { dropped: 0 }));
}

#[test]
fn the_branch_with_more_work_wins_and_the_first_of_equals_stays() {
    let ledger = ledger();
    let genesis = easy().genesis();
    let first = branch(&genesis, "first", 3);
    let second = branch(&genesis, "second", 4);
    for block in &first {
        assert_eq!(ledger.add(block.clone()), Ok(Added::Tip { dropped: 0 }));
    }
    for block in &second[..3] {
        assert_eq!(ledger.add(block.clone()), Ok(Added::Side));
    }
    assert_eq!(ledger.tip().hash, first[2].hash(), "equal work does not win");
    assert_eq!(ledger.add(second[3].clone()), Ok(Added::Tip { dropped: 3 }));
    let snapshot = ledger.snapshot().unwrap();
    let active: Vec<_> = snapshot.blocks(2, 100).unwrap().iter().map(Block::hash).collect();
    assert_eq!(active, second.iter().map(Block::hash).collect::<Vec<_>>());
    let side = snapshot.block_by_hash(&first[1].hash()).unwrap();
    assert_eq!(side.as_ref(), Some(&first[1]), "the lighter branch is kept");
    // And back again.
    let longer = branch(&first[2], "first", 2);
    assert_eq!(ledger.add(longer[0].clone()), Ok(Added::Side));
    assert_eq!(ledger.add(longer[1].clone()), Ok(Added::Tip { dropped: 4 }));
}

#[test]
fn more_work_is_not_more_blocks() {
    // ASERT: blocks that come late are easier.
    let network = ChainParameters::asert(8.0, 60, 60).unwrap();
    let ledger = Ledger::in_memory(&network).unwrap();
    let genesis = network.genesis();
    let first = Maker::after(&genesis, network.nbits()).mined();
    ledger.add(first.clone()).unwrap();
    let nbits = |ledger: &Ledger| ledger.tip().next.nbits;

    // On time: as hard as the first. Two of them.
    let mut heavy = vec![];
    let mut parent = first.clone();
    for _ in 0..2 {
        parent = Maker::after(&parent, network.nbits()).rewarding("heavy").mined();
        heavy.push(parent.clone());
    }
    // Hours late: the first as hard as ever (its parent was on time), the others at the easiest there is.
    let mut maker = Maker::after(&first, network.nbits()).rewarding("late");
    maker.header.time = first.header().time + 36_000;
    let mut late = vec![maker.mined()];
    ledger.add(late[0].clone()).unwrap();
    for _ in 0..3 {
        let easier = nbits(&ledger);
        assert_eq!(easier, 0x207f_ffff);
        let next = Maker::after(&late[late.len() - 1], easier)
            .rewarding("late")
            .mined();
        assert_eq!(ledger.add(next.clone()), Ok(Added::Tip { dropped: 0 }));
        late.push(next);
    }
    assert_eq!(ledger.add(heavy[0].clone()), Ok(Added::Side));
    assert_eq!(
        ledger.add(heavy[1].clone()),
        Ok(Added::Tip { dropped: 4 }),
        "two hard blocks outweigh four"
    );
    assert_eq!(ledger.tip().index, 4);
}

#[test]
fn asert_follows_the_schedule() {
    let network = ChainParameters::asert(12.0, 100, 1000).unwrap();
    let ledger = Ledger::in_memory(&network).unwrap();
    let mut parent = network.genesis().into_unchecked();
    let number = |nbits| {
        let bytes = Target::from_nbits(nbits).unwrap().to_be_bytes();
        u128::from_be_bytes(bytes[..16].try_into().unwrap()) as f64
    };
    // Blocks come every 50 s, twice too fast: after 20 more of them the chain is a half-life (1000 s) ahead.
    for _ in 0..21 {
        let mut maker = Maker::after(&parent, ledger.tip().next.nbits);
        maker.header.time = parent.header().time + 50;
        parent = maker.mined();
        ledger.add(parent.clone()).unwrap();
    }
    let ratio = number(ledger.tip().next.nbits) / number(network.nbits());
    assert!((ratio - 0.5).abs() < 0.001, "twice as hard, not {ratio}");
}

#[test]
fn what_a_reorganisation_drops_returns_to_the_queue_in_order() {
    let ledger = ledger();
    let genesis = easy().genesis();
    for amount in [1, 2, 3, 4, 5] {
        ledger.submit(transfer(amount)).unwrap();
    }
    let a1 = Maker::easy(&genesis)
        .rewarding("a")
        .with(transfer(1))
        .with(transfer(2))
        .mined();
    let a2 = Maker::easy(&a1).rewarding("a").with(transfer(3)).mined();
    ledger.add(a1).unwrap();
    ledger.add(a2).unwrap();
    assert_eq!(waiting(&ledger), [4, 5]);
    // The other branch has 2 and 5, which stay taken, and 9, which never waited.
    let b1 = Maker::easy(&genesis).rewarding("b").with(transfer(2)).mined();
    let b2 = Maker::easy(&b1)
        .rewarding("b")
        .with(transfer(5))
        .with(transfer(9))
        .mined();
    let b3 = Maker::easy(&b2).rewarding("b").mined();
    assert_eq!(ledger.add(b1), Ok(Added::Side));
    assert_eq!(ledger.add(b2), Ok(Added::Side));
    assert_eq!(waiting(&ledger), [4, 5], "a side branch takes nothing");
    assert_eq!(ledger.add(b3), Ok(Added::Tip { dropped: 2 }));
    assert_eq!(waiting(&ledger), [1, 3, 4]);
    let places = |amount| {
        ledger
            .snapshot()
            .unwrap()
            .places_of(&transfer(amount).id())
            .unwrap()
    };
    assert_eq!(places(1), None);
    assert_eq!(places(2), Some((1, 2)));
    assert_eq!(places(5), Some((1, 3)));
}

#[test]
fn equal_transfers_all_count() {
    let ledger = ledger();
    let indices: Vec<_> = (0..3)
        .map(|_| ledger.submit(transfer(5)).unwrap().index)
        .collect();
    assert_eq!(
        indices,
        [2, 3, 4],
        "a block holds it once, so each waits for another one"
    );
    for left in [2, 1, 0] {
        assert_eq!(mine_next(&ledger).transactions().len(), 2);
        assert_eq!(ledger.view().pending.len(), left);
    }
    let snapshot = ledger.snapshot().unwrap();
    assert_eq!(snapshot.places_of(&transfer(5).id()).unwrap(), Some((3, 4)));
}

#[test]
fn forged_rewards_and_a_full_queue_are_refused() {
    let options = Options {
        max_pending: 2,
        ..Options::default()
    };
    let ledger = Ledger::in_memory_with(&easy(), options).unwrap();
    let forged = Transaction::reward("mallory", 1, 0).unwrap();
    assert_eq!(
        ledger.submit(forged),
        Err(SubmitError::Transaction(TransactionError::ForgedReward))
    );
    ledger.submit(transfer(1)).unwrap();
    ledger.submit(transfer(2)).unwrap();
    assert_eq!(ledger.submit(transfer(3)), Err(SubmitError::PendingFull(2)));
    ledger
        .add(Maker::easy(&easy().genesis()).with(transfer(1)).mined())
        .unwrap();
    ledger.submit(transfer(3)).unwrap();
}

/// A source of one block whose headers have few nonces.
struct Few {
    template: Arc<BlockTemplate>,
    block: Mutex<Option<Block<Unchecked>>>,
}

impl JobSource for Few {
    type Origin = Arc<BlockTemplate>;

    fn job(&self, _: Option<u64>, _: &Cancel) -> Option<Arc<BlockJob>> {
        // The same name and time each run, and so the same extra nonce.
        let job = self.template.job(1, 0..u64::MAX, || GENESIS_TIME_S + 1);
        let few = NonceRange::new(u64::from(u32::MAX) - 15, 16).unwrap();
        let job = Job {
            nonces: Some(few),
            ..job
        };
        self.block.lock().unwrap().is_none().then(|| Arc::new(job))
    }

    fn submit(&self, job: &BlockJob, share: &Share) -> Result<(), String> {
        *self.block.lock().unwrap() = Some(job.origin.block(share.extra_nonce, share.header));
        Ok(())
    }
}

#[test]
fn mining_goes_on_when_the_nonces_are_used_up() {
    // 12 bits and 16 nonces at a time: some 256 extra nonces are needed.
    let network = ChainParameters::fixed(12.0).unwrap();
    let ledger = Ledger::in_memory(&network).unwrap();
    ledger.submit(transfer(1)).unwrap();
    let waiting = ledger.view().pending.next_block();
    let source = Few {
        template: Arc::new(BlockTemplate::new(&ledger.tip(), "n", waiting).unwrap()),
        block: Mutex::default(),
    };
    let Effort { hashes, .. } = drive(&miner(2), &source, &Cancel::new(), &|_| {});
    let block = source.block.into_inner().unwrap().unwrap();
    let extra = block.transactions()[0].extra_nonce();
    assert!(extra > 0, "the first 16 nonces do not solve it: {extra}");
    assert!(hashes > extra * 16 && hashes <= (extra + 1) * 16);
    assert!(block.header().nonce >= u32::MAX - 15);
    assert_eq!(ledger.add(block), Ok(Added::Tip { dropped: 0 }));
}

#[test]
fn mining_stops_when_it_is_told_to() {
    let network = ChainParameters::fixed(200.0).unwrap();
    let ledger = Ledger::in_memory(&network).unwrap();
    let cancel = Cancel::new();
    let seen = Mutex::new(0);
    // The first report of progress pulls the handle.
    let plan = MiningPlan {
        count: 1,
        spacing_s: None,
    };
    let mined = mine_blocks(
        &ledger,
        &miner(2),
        &cancel,
        plan,
        &|event| {
            if let MiningEvent::Progress(_, effort) = event {
                *seen.lock().unwrap() = effort.hashes;
                cancel.cancel();
            }
        },
        &|_| {},
    );
    assert!(matches!(mined.end, MiningEnd::Stopped), "{:?}", mined.end);
    let seen = seen.into_inner().unwrap();
    assert!(seen > 0 && seen <= mined.effort.hashes);
}

/// Adds `other` when mining comes to the event that `when` waits for, and returns what became of each job: the index of
/// its block, and how it ended.
fn mine_while_another_comes(
    ledger: &Ledger,
    other: &Block<Unchecked>,
    when: fn(&MiningEvent<'_, Arc<BlockTemplate>>) -> bool,
) -> Vec<(u64, End)> {
    let (came, ended) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    mine(ledger, 1, &|event| {
        if when(&event) && !came.swap(true, Ordering::Relaxed) {
            assert_eq!(ledger.add(other.clone()), Ok(Added::Tip { dropped: 0 }));
        }
        if let MiningEvent::Ended(job, _, end) = event {
            ended.lock().unwrap().push((job.origin.context().index, end));
        }
    });
    assert_eq!(
        ledger.tip().header.previous_hash,
        other.hash(),
        "it stands on the block that came"
    );
    ended.into_inner().unwrap()
}

#[test]
fn a_block_from_elsewhere_is_mined_upon_at_once() {
    let other = || Maker::easy(&easy().genesis()).mined();
    // It comes before the first hash, so there is none on the old tip.
    let begun = |event: &MiningEvent<'_, _>| matches!(event, MiningEvent::Started(_));
    let ended = mine_while_another_comes(&ledger(), &other(), begun);
    assert_eq!(ended, [(2, End::Stopped), (3, End::Solved)]);
    // It comes when another one is found, but not stored yet: that one is on a side branch and does not count.
    let found = |event: &MiningEvent<'_, _>| matches!(event, MiningEvent::Share(_, _, Fate::Taken));
    let ended = mine_while_another_comes(&ledger(), &other(), found);
    assert_eq!(ended, [(2, End::Solved), (3, End::Solved)]);
}

#[test]
fn listeners_hear_of_what_is_on_disk_in_order() {
    let ledger = ledger();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&heard);
    ledger.listen(move |event| {
        ears.lock().unwrap().push(match event {
            Event::Transaction { transfer, index } => {
                format!("transaction {} for {index}", transfer.transaction().amount())
            }
            Event::Block {
                block,
                active,
                dropped,
            } => format!("block {} {active} {dropped}", block.index()),
            Event::Failed(failure) => panic!("{failure}"),
        });
    });
    ledger.submit(transfer(1)).unwrap();
    ledger.add(Maker::easy(&easy().genesis()).mined()).unwrap();
    ledger
        .add(Maker::easy(&easy().genesis()).rewarding("other").mined())
        .unwrap();
    drop(ledger);
    assert_eq!(
        *heard.lock().unwrap(),
        ["transaction 1 for 2", "block 2 true 0", "block 2 false 0"]
    );
}

#[test]
fn any_bitcoin_library_can_check_a_block() {
    let network = ChainParameters::fixed(10.0).unwrap();
    let ledger = Ledger::in_memory(&network).unwrap();
    for amount in 1..=6 {
        ledger.submit(transfer(amount)).unwrap();
    }
    let block = mine_next(&ledger);
    let header = block.header();
    assert_eq!(header.merkle_root, blocks::merkle_root(block.transactions()));
    assert_eq!(header.previous_hash, network.genesis().hash());
    let hash = blocks::sha256d(&header.to_bytes());
    assert_eq!(hash, block.hash().to_bytes());
    let number = hash.iter().rev().copied().collect::<Vec<_>>();
    assert!(number[..] <= header.target().to_be_bytes()[..]);
}

/// Blocks of a random tree: each names its parent among those before it.
fn forest(parents: &[prop::sample::Index]) -> Vec<Block<Unchecked>> {
    let mut all = vec![easy().genesis().into_unchecked()];
    for (number, parent) in parents.iter().enumerate() {
        let parent = &all[parent.index(all.len())];
        let block = Maker::easy(parent)
            .rewarding(&format!("miner {number}"))
            .with(transfer(1 + number as u64 % 7))
            .mined();
        all.push(block);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever comes in whatever order: the tip has the most work, the active blocks are linked, and every transfer
    /// that was submitted or ever stood in an active block is in the chain or waits.
    #[test]
    fn the_tree_decides(parents in prop::collection::vec(any::<prop::sample::Index>(), 1..40)) {
        let ledger = ledger();
        let blocks = forest(&parents);
        let mut seen = std::collections::HashMap::from([(blocks[0].hash(), 1u64)]);
        let mut best = (1, blocks[0].hash());
        let mut ever_active = std::collections::HashSet::new();
        for block in &blocks[1..] {
            ledger.add(block.clone()).unwrap();
            // What is active now: the new tip and, after a reorganisation, blocks that came earlier.
            for active in ledger.snapshot().unwrap().blocks(2, u64::MAX).unwrap() {
                ever_active.extend(active.transactions()[1..].iter().map(Transaction::id));
            }
            let height = seen[&block.header().previous_hash] + 1;
            seen.insert(block.hash(), height);
            if height > best.0 {
                best = (height, block.hash());
            }
            let tip = ledger.tip();
            prop_assert_eq!((tip.index, tip.hash), best);
        }
        let snapshot = ledger.snapshot().unwrap();
        let active = snapshot.blocks(1, u64::MAX).unwrap();
        prop_assert_eq!(active.len() as u64, best.0);
        for pair in active.windows(2) {
            prop_assert_eq!(pair[1].header().previous_hash, pair[0].hash());
        }
        for block in &blocks {
            let kept = snapshot.block_by_hash(&block.hash()).unwrap();
            prop_assert_eq!(kept.as_ref(), Some(block));
        }
        // Every transfer that ever stood in an active block is in the chain or waits.
        for id in &ever_active {
            let waits = ledger.view().pending.get(id).is_some();
            prop_assert!(waits || snapshot.places_of(id).unwrap().is_some(), "{} is lost", id);
        }
        for transfer in ledger.view().pending.iter() {
            prop_assert!(blocks.iter().any(|block| block.transactions().contains(transfer.transaction())));
        }
    }

    /// Any change of any field of a good block breaks it, but for one in the header that happens to solve it again.
    #[test]
    fn nothing_can_be_changed(field in 0..12u8, bit in 0..31u32) {
        let ledger = ledger();
        let good = Maker::easy(&easy().genesis()).with(transfer(1)).with(transfer(2)).mined();
        let (mut index, mut header, mut transactions) = (good.index(), *good.header(), good.transactions().to_vec());
        match field {
            0 => index ^= 1 << bit,
            1 => header.nbits ^= 1 << bit,
            2 => header.previous_hash = nowhere(),
            3 => transactions.swap(1, 2),
            4 => transactions[1] = transfer(1 + (1 << bit)),
            5 => { transactions.pop(); }
            6 => transactions[0] = Transaction::reward("thief", 1, 0).unwrap(),
            7 => {
                let mut root = header.merkle_root.to_bytes();
                root[bit as usize] ^= 1;
                header.merkle_root = MerkleRoot::from_bytes(root);
            }
            8 => header.time ^= 1 << bit,
            9 => header.nonce ^= 1 << bit,
            10 => header.version ^= 1 << bit,
            _ => transactions[2] = Transaction::transfer("alice", format!("bob{bit}"), 2).unwrap(),
        }
        // The easy network's target is met by every second hash: time, nonce and version are free to be mined with.
        let changed = Block::new(index, header, transactions);
        let solved_again = (8..=10).contains(&field) && changed.header().meets_target();
        let outcome = ledger.add(changed);
        if solved_again {
            let fine = matches!(outcome, Ok(Added::Tip { dropped: 0 }) | Err(AddError::Rule(RuleError::TimeTooOld { .. } | RuleError::TimeTooNew { .. })));
            prop_assert!(fine, "{:?}", outcome);
        } else {
            prop_assert!(outcome.is_err());
            prop_assert_eq!(ledger.add(good), Ok(Added::Tip { dropped: 0 }));
        }
    }
}

/// A clock that jumps by more than two hours each time somebody looks: as if each block took long to mine.
#[test]
fn a_block_that_took_hours_is_kept() {
    let now = AtomicU64::new(u64::from(GENESIS_TIME_S));
    let options = Options {
        clock: Arc::new(move || now.fetch_add(8000, Ordering::Relaxed)),
        ..Options::default()
    };
    let ledger = Ledger::in_memory_with(&easy(), options).unwrap();
    mine(&ledger, 3, &|_| {});
    assert_eq!(ledger.tip().index, 4);
}

/// Times are made up until they come to what is allowed: what was mined ahead till then is stored. And so it is when
/// mining is stopped, in the middle of a block.
#[test]
fn what_was_mined_ahead_is_stored_whatever_ends_it() {
    let now = u64::from(GENESIS_TIME_S) + 7_140;
    let clock = move || now;
    let options = Options {
        clock: Arc::new(clock),
        ..Options::default()
    };
    let ledger = Ledger::in_memory_with(&easy(), options).unwrap();
    let plan = MiningPlan {
        count: 100,
        spacing_s: Some(700),
    };
    let mined = mine_blocks(&ledger, &miner(1), &Cancel::new(), plan, &|_| {}, &|_| {});
    let too_far = "block 12 would be more than 60 s ahead of the clock";
    match mined.end {
        MiningEnd::Failed(error) => assert!(error.to_string().contains(too_far), "{error}"),
        other => panic!("{other:?}"),
    }
    assert_eq!((mined.blocks, ledger.tip().index), (10, 11));

    let (ledger, cancel) = (self::ledger(), Cancel::new());
    let stop = |event: MiningEvent<'_, Arc<BlockTemplate>>| match event {
        MiningEvent::Started(job) if job.origin.context().index == 40 => cancel.cancel(),
        _ => {}
    };
    let plan = MiningPlan {
        count: 1000,
        spacing_s: None,
    };
    let mined = mine_blocks(&ledger, &miner(1), &cancel, plan, &stop, &|_| {});
    assert!(matches!(mined.end, MiningEnd::Stopped), "{:?}", mined.end);
    assert_eq!((mined.blocks, ledger.tip().index), (38, 39));
}

/// Names are as long as they may be, and there are as many as may be: the block still fits, and no more would.
#[test]
fn a_block_is_never_too_large() {
    let ledger = ledger();
    let long = |n: u64| Transaction::transfer("\u{1f600}".repeat(256), format!("{n:0>256}"), 1).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    for n in 0..3000 {
        let sender = sender.clone();
        ledger.submit_then(long(n), move |outcome| sender.send(outcome).unwrap());
    }
    drop(sender);
    assert!(receiver.iter().all(|outcome| outcome.is_ok()));
    let block = mine_next(&ledger);
    let mut more = block.transactions().to_vec();
    assert!((1000..2999).contains(&more.len()), "{}", more.len());
    let text = serde_json::to_vec(&BlockRecord::new(&block)).unwrap();
    assert!(text.len() < 16 << 20, "a node takes it");
    more.extend((5000..5004).map(long));
    let header = *block.header();
    let outcome = ledger.add(Block::new(2, header, more));
    assert!(
        matches!(outcome, Err(AddError::Rule(RuleError::BlockSize(_)))),
        "{outcome:?}"
    );
}
