//! Branches that overtake each other: which are taken up, and what becomes of what they hold.

#[path = "common/blocks.rs"]
mod blocks;

use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use blocks::{Maker, branch, easy, nowhere, transfer};
use paydirt_ledger::{
    Added, Block, Event, Ledger, Options, SideLimits, Standing, SubmitError, SwitchError, Switched, Tag,
    Transaction, TransactionId, Unchecked,
};
use tempfile::TempDir;

const TIP: Added = Added::Tip { dropped: 0 };

fn tagged(number: u64) -> Transaction {
    transfer(1 + number % 100)
        .with_tag(Tag::new(number + 1).unwrap())
        .unwrap()
}

/// `count` blocks of `each` transfers after `parent`, numbered from `first`.
fn filled<S: Clone>(
    parent: &Block<S>,
    whom: &str,
    count: u64,
    each: u64,
    first: u64,
) -> Vec<Block<Unchecked>> {
    let mut blocks: Vec<Block<Unchecked>> = Vec::new();
    for nth in 0..count {
        let maker = blocks.last().map_or_else(|| Maker::easy(parent), Maker::easy);
        let numbers = first + nth * each..first + (nth + 1) * each;
        let maker = numbers.fold(maker.rewarding(whom), |maker, number| maker.with(tagged(number)));
        blocks.push(maker.mined());
    }
    blocks
}

fn add(ledger: &Ledger, blocks: &[Block<Unchecked>]) -> Added {
    let outcomes = ledger.add_all(blocks.to_vec());
    outcomes.into_iter().map(Result::unwrap).last().unwrap()
}

fn waiting(ledger: &Ledger) -> Vec<TransactionId> {
    ledger.view().pending.iter().map(|one| one.id()).collect()
}

fn ids(blocks: &[Block<Unchecked>]) -> Vec<TransactionId> {
    let transfers = blocks.iter().flat_map(|block| &block.transactions()[1..]);
    transfers.map(Transaction::id).collect()
}

/// Until all that a reorganisation has left to do is done; or, if it cannot be, for want of room.
fn settled(ledger: &Ledger) {
    let begun = Instant::now();
    while ledger.view().unsettled > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it comes to an end");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn opened(folder: &Path, options: Options) -> Ledger {
    Ledger::open_or_create(folder, Some(&easy()), options).unwrap()
}

#[test]
fn a_deep_branch_is_taken_up_by_hand_alone() {
    let folder = TempDir::new().unwrap();
    let options = Options {
        max_reorganisation: 3,
        ..Options::default()
    };
    let ledger = opened(folder.path(), options.clone());
    let trunk = filled(&easy().genesis(), "trunk", 5, 1, 0);
    let rival = filled(&easy().genesis(), "rival", 8, 1, 100);
    assert_eq!(add(&ledger, &trunk), TIP);
    assert_eq!(add(&ledger, &rival[..5]), Added::Side);
    assert!(ledger.tree().heavier().is_none(), "equal work is not more");
    assert_eq!(
        ledger.switch(rival[4].hash()),
        Err(SwitchError::Lighter(rival[4].hash()))
    );
    assert_eq!(add(&ledger, &rival[5..6]), Added::Heavier { depth: 5, most: 3 });
    assert_eq!(add(&ledger, &rival[6..7]), Added::Heavier { depth: 5, most: 3 });
    assert_eq!(ledger.tip().hash, trunk[4].hash());
    let heavier = |ledger: &Ledger| ledger.tree().heavier().map(|node| node.hash);
    assert_eq!(heavier(&ledger), Some(rival[6].hash()));
    assert_eq!(ledger.switch(nowhere()), Err(SwitchError::Unknown(nowhere())));
    // It stays so when the ledger is opened again, and what counts goes on.
    drop(ledger);
    let ledger = opened(folder.path(), options.clone());
    assert_eq!(
        (ledger.tip().hash, heavier(&ledger)),
        (trunk[4].hash(), Some(rival[6].hash()))
    );
    let next = branch(&trunk[4], "trunk", 1);
    assert_eq!(add(&ledger, &next), TIP);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&heard);
    ledger.listen(move |event| {
        if let Event::Block {
            block,
            active,
            dropped,
        } = event
        {
            ears.lock().unwrap().push((block.hash(), *active, *dropped));
        }
    });
    // By hand, also by a block in its middle: what stands on that is taken up too.
    let expected = Switched {
        index: 8,
        hash: rival[6].hash(),
        dropped: 6,
    };
    assert_eq!(ledger.switch(rival[6].hash()), Ok(expected));
    assert_eq!(*heard.lock().unwrap(), [(rival[6].hash(), true, 6)]);
    assert_eq!(waiting(&ledger), ids(&trunk));
    assert_eq!(
        ledger.switch(rival[2].hash()),
        Ok(Switched {
            dropped: 0,
            ..expected
        }),
        "it counts already"
    );
    assert!(matches!(
        ledger.switch(trunk[1].hash()),
        Err(SwitchError::Lighter(_))
    ));
    assert_eq!(add(&ledger, &rival[7..]), TIP);
    drop(ledger);
    assert_eq!(opened(folder.path(), options).tip().hash, rival[7].hash());
}

#[test]
fn a_switch_by_hand_takes_what_stands_on_the_block_too() {
    let ledger = Ledger::in_memory_with(
        &easy(),
        Options {
            max_reorganisation: 1,
            ..Options::default()
        },
    )
    .unwrap();
    let trunk = branch(&easy().genesis(), "trunk", 2);
    let rival = branch(&easy().genesis(), "rival", 5);
    add(&ledger, &trunk);
    add(&ledger, &rival);
    let switched = ledger.switch(rival[2].hash()).unwrap();
    assert_eq!((switched.hash, switched.dropped), (rival[4].hash(), 2));
    assert_eq!(ledger.tip().hash, rival[4].hash());
}

/// More than a slice on both sides: the tip changes at once, what waits follows, and a ledger that is closed meanwhile goes
/// on where it was.
#[test]
fn a_large_switch_is_finished_whatever_comes_between() {
    let folder = TempDir::new().unwrap();
    let ledger = opened(folder.path(), Options::default());
    let ours = filled(&easy().genesis(), "ours", 40, 100, 0);
    let theirs = filled(&easy().genesis(), "theirs", 41, 100, 10_000);
    add(&ledger, &ours);
    add(&ledger, &theirs[..40]);
    // All of theirs waits here already, and some more.
    for number in (10_000..14_100).chain(50_000..50_010) {
        ledger.submit_then(tagged(number), |outcome| assert!(outcome.is_ok()));
    }
    let more: Vec<_> = (50_000..50_010).map(|number| tagged(number).id()).collect();
    let mut expected = ids(&ours);
    expected.extend(&more);
    let in_their_chain: HashSet<_> = ids(&theirs).into_iter().collect();
    let outcome = ledger.add(theirs[40].clone());
    assert_eq!(outcome, Ok(Added::Tip { dropped: 40 }));
    assert_eq!(ledger.tip().hash, theirs[40].hash());
    let next = ledger.view().pending.next_block();
    assert!(
        next.iter().all(|one| !in_their_chain.contains(&one.id())),
        "no block holds it twice"
    );
    // Wherever it was: it is closed, opened, and goes on. An opened one has verified itself.
    drop(ledger);
    let mut opened_with = Vec::new();
    let ledger = loop {
        let ledger = opened(folder.path(), Options::default());
        opened_with.push(ledger.view().unsettled);
        if ledger.view().unsettled == 0 || opened_with.len() > 3 {
            break ledger;
        }
        // What is asked for while it goes on is answered as if it were done.
        let number = 100 * opened_with.len() as u64;
        let standing = ledger.submit(tagged(number)).unwrap().standing;
        assert_eq!(standing, Standing::Pending, "it returns");
        let standing = ledger.submit(tagged(10_000 + number)).unwrap().standing;
        assert_eq!(standing, Standing::Confirmed);
    };
    settled(&ledger);
    assert_eq!(waiting(&ledger), expected, "in the order they had");
    drop(ledger);
    let ledger = opened(folder.path(), Options::default());
    assert_eq!((waiting(&ledger), ledger.view().unsettled), (expected, 0));
}

/// Two branches that overtake each other again and again, before what the last change left to do is done.
#[test]
fn branches_in_turn_lose_and_repeat_nothing() {
    let ledger = Ledger::in_memory(&easy()).unwrap();
    let mut branches = [
        filled(&easy().genesis(), "a", 20, 100, 0),
        filled(&easy().genesis(), "b", 20, 100, 10_000),
    ];
    // Both hold these too.
    for number in 0..50 {
        ledger.submit(tagged(20_000 + number)).unwrap();
    }
    add(&ledger, &branches[0]);
    add(&ledger, &branches[1]);
    for turn in 0..12 {
        let ours = &mut branches[(turn + 1) % 2];
        let count = if turn == 0 { 1 } else { 2 };
        let first = 30_000 + 1_000 * turn as u64;
        let parent = ours.last().unwrap().clone();
        let next = filled(&parent, "next", count, 3, first);
        let dropped = branches[turn % 2].len();
        let outcome = add(&ledger, &next);
        assert_eq!(outcome, Added::Tip { dropped });
        branches[(turn + 1) % 2].extend(next);
        if turn == 5 {
            settled(&ledger);
        }
    }
    settled(&ledger);
    let snapshot = ledger.snapshot().unwrap();
    let active = snapshot.blocks(2, 1_000).unwrap();
    assert_eq!(active, branches[0]);
    let (in_chain, waits) = (ids(&active), waiting(&ledger));
    let unique: HashSet<_> = in_chain.iter().chain(&waits).copied().collect();
    assert_eq!(
        unique.len(),
        in_chain.len() + waits.len(),
        "nothing stands in two places"
    );
    let mut expected: HashSet<_> = ids(&branches[1]).into_iter().collect();
    expected.extend((20_000..20_050).map(|number| tagged(number).id()));
    assert_eq!(waits.into_iter().collect::<HashSet<_>>(), expected);
    for id in ids(&branches[1]) {
        assert_eq!(snapshot.places_of(&id).unwrap(), None);
    }
    for (id, count) in in_chain.iter().zip(0..) {
        let index = snapshot.places_of(id).unwrap().unwrap().1;
        assert!(
            active[index as usize - 2]
                .transactions()
                .iter()
                .any(|one| one.id() == *id),
            "{count}"
        );
    }
}

/// What a reorganisation returns counts against the limits, and what finds no room is not lost: it returns when there is.
#[test]
fn what_returns_counts_against_the_limits() {
    for (max_pending, max_pending_bytes) in [(700, usize::MAX), (usize::MAX, 30_000)] {
        let folder = TempDir::new().unwrap();
        let options = Options {
            max_pending,
            max_pending_bytes,
            ..Options::default()
        };
        let ledger = opened(folder.path(), options.clone());
        let ours = filled(&easy().genesis(), "ours", 30, 100, 0);
        let theirs = branch(&easy().genesis(), "theirs", 31);
        add(&ledger, &ours);
        for number in 90_000..90_020 {
            ledger.submit(tagged(number)).unwrap();
        }
        assert_eq!(add(&ledger, &theirs), Added::Tip { dropped: 30 });
        let within = |ledger: &Ledger| {
            let view = ledger.view();
            assert!(view.pending.len() <= max_pending && view.pending.bytes() <= max_pending_bytes);
            view.pending.len()
        };
        // Nothing is refused for good, and what waited still does.
        let begun = Instant::now();
        let is_full = |outcome: Result<_, SubmitError>| {
            matches!(
                outcome,
                Err(SubmitError::PendingFull(_) | SubmitError::PendingBytesFull(_))
            )
        };
        let mut next = 91_000;
        while !is_full(ledger.submit(tagged(next))) {
            within(&ledger);
            next += 1;
            assert!(begun.elapsed() < Duration::from_secs(60));
        }
        let submitted: Vec<_> = (90_000..90_020).chain(91_000..next).map(tagged).collect();
        let mut rest: HashSet<_> = ids(&ours)
            .into_iter()
            .chain(submitted.iter().map(Transaction::id))
            .collect();
        assert!(ledger.view().unsettled > 0, "there is no room for all");
        drop(ledger);
        let mut ledger = opened(folder.path(), options.clone());
        // Block by block all of it comes into the chain.
        let mut blocks = 0;
        while !rest.is_empty() {
            if blocks == 2 {
                drop(ledger);
                ledger = opened(folder.path(), options.clone());
            }
            within(&ledger);
            let tip = ledger
                .snapshot()
                .unwrap()
                .block(ledger.tip().index)
                .unwrap()
                .unwrap();
            let template = ledger.view().pending.next_block();
            let block = template.iter().fold(Maker::easy(&tip), |maker, one| {
                maker.with(one.transaction().clone())
            });
            ledger.add(block.mined()).unwrap();
            for one in template {
                assert!(rest.remove(&one.id()), "each once");
            }
            blocks += 1;
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "{} are left",
                rest.len()
            );
        }
        settled(&ledger);
        assert_eq!((ledger.view().pending.len(), ledger.view().left_out), (0, 0));
    }
}

/// Blocks that go for want of room on side branches, before what they hold could return: that is counted.
#[test]
fn what_is_left_out_is_counted() {
    let options = Options {
        max_pending: 10,
        side_limits: SideLimits {
            depth: 100,
            blocks: 6,
            bytes: 1 << 20,
        },
        ..Options::default()
    };
    let ledger = Ledger::in_memory_with(&easy(), options).unwrap();
    let ours = filled(&easy().genesis(), "ours", 5, 10, 0);
    add(&ledger, &ours);
    let theirs = branch(&easy().genesis(), "theirs", 20);
    assert_eq!(add(&ledger, &theirs[..6]), Added::Tip { dropped: 5 });
    add(&ledger, &theirs[6..]);
    assert_eq!(ledger.view().pending.len(), 10);
    assert_eq!((ledger.view().unsettled, ledger.view().left_out), (4, 0));
    // A heavier side branch needs their room.
    add(&ledger, &branch(&theirs[10], "heavier", 6));
    assert_eq!(ledger.view().unsettled, 0);
    assert!(ledger.view().left_out >= 40, "{}", ledger.view().left_out);
}

/// Transfers without a tag are told apart by nothing but their number.
#[test]
fn untagged_transfers_keep_their_number() {
    let ledger = Ledger::in_memory(&easy()).unwrap();
    let five = |maker: Maker| maker.with(transfer(5));
    let a1 = five(Maker::easy(&easy().genesis()).rewarding("a")).mined();
    let a2 = five(Maker::easy(&a1).rewarding("a")).mined();
    add(&ledger, &[a1, a2]);
    let b1 = five(Maker::easy(&easy().genesis()).rewarding("b")).mined();
    let b2 = Maker::easy(&b1).rewarding("b").mined();
    let b3 = Maker::easy(&b2).rewarding("b").mined();
    assert_eq!(add(&ledger, &[b1, b2, b3.clone()]), Added::Tip { dropped: 2 });
    let count = |ledger: &Ledger| ledger.view().pending.count(&transfer(5).id());
    assert_eq!(count(&ledger), 1, "two left, one joined");
    add(&ledger, &[five(Maker::easy(&b3)).mined()]);
    assert_eq!(count(&ledger), 0);
}

/// The bytes of what waits are bounded too, and what is refused is said.
#[test]
fn what_waits_is_bounded_in_bytes() {
    let options = Options {
        max_pending_bytes: 100_000,
        ..Options::default()
    };
    let ledger = Ledger::in_memory_with(&easy(), options).unwrap();
    let long = |n: u64| Transaction::transfer("\u{1f600}".repeat(256), format!("{n:0>256}"), 1).unwrap();
    let taken = (0..).take_while(|n| ledger.submit(long(*n)).is_ok()).count();
    assert_eq!(taken, 100_000 / (20 + 1024 + 256));
    let refused = ledger.submit(long(1 << 20)).unwrap_err();
    assert_eq!(refused, SubmitError::PendingBytesFull(100_000));
    assert!(refused.to_string().contains("100000 bytes"), "{refused}");
    assert_eq!(ledger.view().pending.bytes(), taken * 1300);
    assert!(ledger.submit(transfer(1)).is_ok(), "a short one still fits");
}
