//! The tree as its readers see it, and the bounds of what does not count: side branches, blocks that wait, repeats.

#[path = "common/blocks.rs"]
mod blocks;

use std::sync::{Arc, Mutex, mpsc};

use blocks::{Maker, branch, easy, nowhere, transfer};
use paydirt_ledger::{
    AddError, AddMode, Added, Block, BlockHash, Bounds, Event, Header, HeaderNode, HeaderTree, Ledger,
    Options, RuleError, SideError, SideLimits, Standing, Submitted, Tag, Transaction, Unchecked,
};
use proptest::prelude::*;

const LATE_S: u64 = 4_000_000_000;

fn tree() -> HeaderTree {
    HeaderTree::new(easy(), &easy().genesis())
}

/// Headers of a random tree, genesis first: each names its parent among those before it.
fn forest(parents: &[prop::sample::Index]) -> Vec<Block<Unchecked>> {
    let mut all = vec![easy().genesis().into_unchecked()];
    for (number, parent) in parents.iter().enumerate() {
        let parent = &all[parent.index(all.len())];
        all.push(Maker::easy(parent).rewarding(&format!("miner {number}")).mined());
    }
    all
}

/// A block and its ancestors, genesis last, by the plainest way there is.
fn ancestors(blocks: &[Block<Unchecked>], hash: BlockHash) -> Vec<BlockHash> {
    let find = |hash: &BlockHash| blocks.iter().find(|block| block.hash() == *hash);
    let parent =
        |hash: &BlockHash| Some(find(hash)?.header().previous_hash).filter(|parent| find(parent).is_some());
    std::iter::successors(Some(hash), parent).collect()
}

fn hashes<'n>(nodes: impl Iterator<Item = &'n HeaderNode>) -> Vec<BlockHash> {
    nodes.map(|node| node.hash).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What readers ask of a tree, held against plain walks over its blocks.
    #[test]
    fn readers_walk_the_tree(parents in prop::collection::vec(any::<prop::sample::Index>(), 1..40), known in any::<prop::sample::Index>()) {
        let blocks = forest(&parents);
        let mut tree = tree();
        let mut fewer = tree.clone();
        let known = known.index(blocks.len());
        for (number, block) in blocks.iter().enumerate().skip(1) {
            tree.add_header(*block.header(), LATE_S).unwrap();
            if number == known {
                fewer = tree.clone();
            }
        }
        let tip = tree.tip_node();
        let mut active = ancestors(&blocks, tip.hash);
        active.reverse();
        prop_assert_eq!(tree.length(), active.len() as u64);
        for (block, index) in active.iter().zip(1..) {
            prop_assert_eq!(tree.active_hash(index), Some(*block));
        }
        prop_assert_eq!(tree.active_hash(0).or(tree.active_hash(active.len() as u64 + 1)), None);
        prop_assert_eq!(hashes(tree.after(1)), &active[1..]);
        for block in &blocks {
            let up = ancestors(&blocks, block.hash());
            for index in 0..=blocks.len() as u64 + 1 {
                let expected = (1..=up.len() as u64).contains(&index).then(|| up[up.len() - index as usize]);
                prop_assert_eq!(tree.ancestor(&block.hash(), index).map(|node| node.hash), expected);
            }
            let node = tree.get(&block.hash()).unwrap();
            prop_assert_eq!((node.index, tree.is_active(node)), (up.len() as u64, active.contains(&node.hash)));
        }
        let is_parent = |hash: &BlockHash| blocks.iter().any(|block| block.header().previous_hash == *hash);
        let mut tips: Vec<_> = blocks.iter().map(Block::hash).filter(|hash| !is_parent(hash) && *hash != tip.hash).collect();
        let mut side = hashes(tree.side_tips());
        tips.sort_unstable();
        side.sort_unstable();
        prop_assert_eq!(side, tips);

        // Two trees, one of which knows all that the other does.
        let last = |one: BlockHash, other: BlockHash| {
            let others = ancestors(&blocks, other);
            ancestors(&blocks, one).into_iter().find(|hash| others.contains(hash)).unwrap()
        };
        let common = last(tip.hash, fewer.tip_node().hash);
        prop_assert_eq!(tree.find_fork(&fewer.locator()).hash, common);
        let below = fewer.find_fork(&tree.locator());
        let common_index = tree.get(&common).unwrap().index;
        prop_assert!(fewer.is_active(below) && tree.is_active(below) && below.index <= common_index);
        prop_assert!(!fewer.contains(&blocks[known + 1..].first().map_or(nowhere(), Block::hash)), "a clone stays");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever comes, however little room there is: the bounds hold, the tip is the heaviest that was ever taken, the
    /// active blocks are all there, and the store says the same when it is opened again.
    #[test]
    fn side_branches_keep_to_their_bounds(parents in prop::collection::vec(any::<prop::sample::Index>(), 1..40), most in 1..5usize) {
        let folder = tempfile::TempDir::new().unwrap();
        let side_limits = SideLimits { depth: 3, blocks: most, bytes: 1 << 20 };
        let options = Options { side_limits, ..Options::default() };
        let ledger = Ledger::open_or_create(folder.path(), Some(&easy()), options.clone()).unwrap();
        let mut best = (1, easy().genesis().hash());
        for block in &forest(&parents)[1..] {
            let outcome = ledger.add(block.clone());
            if outcome.is_ok() && block.index() > best.0 {
                best = (block.index(), block.hash());
                let is_tip = matches!(outcome, Ok(Added::Tip { .. }));
                prop_assert!(is_tip);
            }
            let tree = ledger.tree();
            prop_assert_eq!((tree.length(), tree.tip_node().hash), best);
            prop_assert!(tree.block_count() - tree.length() <= most as u64);
            prop_assert_eq!(tree.contains(&block.hash()), outcome.is_ok());
        }
        let tree = ledger.tree();
        drop(ledger);
        let again = Ledger::open(folder.path(), options).unwrap().tree();
        prop_assert_eq!(again.block_count(), tree.block_count());
        prop_assert_eq!(hashes(again.after(0)), hashes(tree.after(0)));
        let sorted = |tree: &HeaderTree| { let mut tips = hashes(tree.side_tips()); tips.sort_unstable(); tips };
        prop_assert_eq!(sorted(&again), sorted(&tree));
    }
}

#[test]
fn a_locator_is_dense_at_the_tip_and_short() {
    let mut tree = tree();
    for block in branch(&easy().genesis(), "a", 2000) {
        tree.add_header(*block.header(), LATE_S).unwrap();
    }
    let indices: Vec<_> = tree
        .locator()
        .iter()
        .map(|hash| tree.get(hash).unwrap().index)
        .collect();
    assert_eq!(
        indices[..12],
        [
            2001, 2000, 1999, 1998, 1997, 1996, 1995, 1994, 1993, 1992, 1990, 1986
        ]
    );
    assert_eq!(indices.last(), Some(&1));
    assert!(indices.len() <= 10 + 11 + 1, "{indices:?}");
    assert_eq!(
        tree.find_fork(&[]).index,
        1,
        "who knows nothing begins with genesis"
    );
    assert_eq!(
        tree.find_fork(&[nowhere(), tree.active_hash(700).unwrap()]).index,
        700
    );
    assert_eq!(hashes(tree.after(1990).take(5)).len(), 5);
    assert_eq!(tree.after(2001).count(), 0);
}

#[test]
fn a_header_is_checked_as_far_as_it_goes() {
    let mut tree = tree();
    let good = Maker::easy(&easy().genesis());
    let rule = |tree: &mut HeaderTree, header: Header, now_s| match tree.add_header(header, now_s) {
        Err(AddError::Rule(broken)) => broken.name(),
        other => panic!("{other:?}"),
    };
    let header = |maker: Maker| *maker.mined().header();
    assert_eq!(
        rule(&mut tree, *good.clone().not_mined().header(), LATE_S),
        "proof_of_work"
    );
    let mut other = good.clone();
    other.header.nbits = 0x207f_fffe;
    assert_eq!(rule(&mut tree, header(other), LATE_S), "bits");
    let mut other = good.clone();
    other.header.time -= 121;
    assert_eq!(rule(&mut tree, header(other), LATE_S), "time_too_old");
    assert_eq!(rule(&mut tree, header(good.clone()), 0), "time_too_new");
    let mut other = good.clone();
    other.header.previous_hash = nowhere();
    let unknown = tree.add_header(header(other), LATE_S).map(|node| node.index);
    assert_eq!(unknown, Err(AddError::ParentUnknown(nowhere())));
    let taken = header(good);
    for _ in 0..2 {
        assert_eq!(tree.add_header(taken, LATE_S).unwrap().index, 2);
        assert_eq!(tree.block_count(), 2);
    }
}

fn add_or_wait(ledger: &Ledger, blocks: Vec<Block<Unchecked>>) -> Vec<Result<Added, AddError>> {
    let (sender, receiver) = mpsc::channel();
    ledger.add_then(blocks, AddMode::EachOrWait, move |outcomes| {
        sender.send(outcomes).unwrap()
    });
    receiver.recv().unwrap()
}

#[test]
fn blocks_wait_for_their_parent() {
    let ledger = Ledger::in_memory(&easy()).unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&heard);
    ledger.listen(move |event| {
        if let Event::Block { block, active, .. } = event {
            ears.lock().unwrap().push((block.index(), *active));
        }
    });
    let trunk = branch(&easy().genesis(), "a", 5);
    let fork = branch(&trunk[2], "b", 1);
    let mut bad = Maker::easy(&trunk[0]);
    bad.index = 7;
    let bad = bad.mined();
    let waits = |block: &Block<Unchecked>| {
        Ok(Added::Waiting {
            parent: block.header().previous_hash,
        })
    };
    for block in [
        &trunk[4], &trunk[2], &trunk[3], &trunk[1], &fork[0], &bad, &trunk[2],
    ] {
        assert_eq!(add_or_wait(&ledger, vec![block.clone()]), [waits(block)]);
        assert!(!ledger.tree().contains(&block.hash()), "it is not in the tree");
    }
    assert_eq!(ledger.tip().index, 1);
    assert_eq!(
        add_or_wait(&ledger, vec![trunk[0].clone()]),
        [Ok(Added::Tip { dropped: 0 })]
    );
    assert_eq!(ledger.tip().hash, trunk[4].hash(), "all came with it");
    assert!(ledger.tree().contains(&fork[0].hash()) && !ledger.tree().contains(&bad.hash()));
    let mut indices = heard.lock().unwrap().clone();
    assert_eq!(indices.len(), 6, "{indices:?}");
    indices.retain(|(_, active)| *active);
    assert_eq!(indices, [(2, true), (3, true), (4, true), (5, true), (6, true)]);
    assert_eq!(
        ledger.snapshot().unwrap().length().unwrap(),
        6,
        "and they are stored"
    );
    assert_eq!(ledger.add(trunk[3].clone()), Ok(Added::Known));
}

#[test]
fn what_waits_is_checked_first_and_bounded() {
    let options = Options {
        max_waiting: Bounds {
            blocks: 2,
            bytes: 1 << 20,
        },
        ..Options::default()
    };
    let ledger = Ledger::in_memory_with(&easy(), options).unwrap();
    let trunk = branch(&easy().genesis(), "a", 4);
    // A block that made its own difficulty up, or whose content breaks a rule, does not wait.
    let mut easier = Maker::easy(&trunk[1]);
    easier.header.nbits = 0x2100_ffff;
    let mut forged = trunk[2].clone();
    forged = Block::new(forged.index(), *forged.header(), vec![transfer(1)]);
    for (block, name) in [(easier.mined(), "bits"), (forged, "reward_missing")] {
        match add_or_wait(&ledger, vec![block]).pop() {
            Some(Err(AddError::Rule(broken))) => assert_eq!(broken.name(), name),
            other => panic!("{other:?}"),
        }
    }
    // Three for two places: the one that came first is forgotten.
    add_or_wait(
        &ledger,
        vec![trunk[1].clone(), trunk[2].clone(), trunk[3].clone()],
    );
    ledger.add(trunk[0].clone()).unwrap();
    assert_eq!(ledger.tip().index, 2);
    ledger.add(trunk[1].clone()).unwrap();
    assert_eq!(ledger.tip().index, 5, "the other two had waited");
}

#[test]
fn every_block_has_an_outcome() {
    let ledger = Ledger::in_memory(&easy()).unwrap();
    let trunk = branch(&easy().genesis(), "a", 3);
    let mut bad = Maker::easy(&trunk[0]);
    bad.header.time = 0;
    let all = vec![
        trunk[0].clone(),
        bad.mined(),
        trunk[2].clone(),
        trunk[1].clone(),
        trunk[0].clone(),
        trunk[2].clone(),
    ];
    let outcomes = ledger.add_all(all);
    let tip = Ok(Added::Tip { dropped: 0 });
    assert!(matches!(
        outcomes[1],
        Err(AddError::Rule(RuleError::TimeTooOld { .. }))
    ));
    assert_eq!(outcomes[2], Err(AddError::ParentUnknown(trunk[1].hash())));
    assert_eq!(outcomes[0], tip);
    assert_eq!(outcomes[3..], [tip.clone(), Ok(Added::Known), tip]);
}

fn with_side_limits(depth: u64, blocks: usize, bytes: u64) -> Ledger {
    let options = Options {
        side_limits: SideLimits { depth, blocks, bytes },
        ..Options::default()
    };
    Ledger::in_memory_with(&easy(), options).unwrap()
}

fn add_each(ledger: &Ledger, blocks: &[Block<Unchecked>], expected: &Added) {
    for block in blocks {
        assert_eq!(ledger.add(block.clone()).as_ref(), Ok(expected));
    }
}

const TIP: Added = Added::Tip { dropped: 0 };

#[test]
fn a_side_branch_begins_near_the_tip() {
    let ledger = with_side_limits(3, 100, 1 << 20);
    let trunk = branch(&easy().genesis(), "a", 7);
    add_each(&ledger, &trunk[..6], &TIP);
    let near = branch(&trunk[2], "near", 5);
    let deep = branch(&trunk[1], "deep", 1);
    let refused = ledger.add(deep[0].clone());
    assert_eq!(refused, Err(SideError::Depth { depth: 4, most: 3 }.into()));
    assert!(!ledger.tree().contains(&deep[0].hash()));
    assert_eq!(
        ledger.snapshot().unwrap().block_by_hash(&deep[0].hash()).unwrap(),
        None
    );
    add_each(&ledger, &near[..3], &Added::Side);
    assert_eq!(
        ledger.add(near[3].clone()),
        Ok(Added::Tip { dropped: 3 }),
        "it wins within the bounds"
    );
    // One that the tip has left behind goes no further.
    let ledger = with_side_limits(3, 100, 1 << 20);
    add_each(&ledger, &trunk[..5], &TIP);
    add_each(&ledger, &near[..2], &Added::Side);
    add_each(&ledger, &trunk[5..], &TIP);
    let refused = ledger.add(near[2].clone());
    assert_eq!(refused, Err(SideError::Depth { depth: 4, most: 3 }.into()));
}

#[test]
fn the_lightest_side_branches_make_room() {
    let ledger = with_side_limits(100, 6, 1 << 20);
    let trunk = branch(&easy().genesis(), "a", 8);
    add_each(&ledger, &trunk, &TIP);
    // Six blocks of no hope fill the room: a branch of four, two of one.
    let junk = branch(&easy().genesis(), "junk", 4);
    let late = branch(&easy().genesis(), "late", 1);
    let later = branch(&easy().genesis(), "later", 1);
    for blocks in [&junk, &late, &later] {
        add_each(&ledger, blocks, &Added::Side);
    }
    // Another of the same work finds none; what came first stays.
    let full = SideError::Full {
        blocks: 6,
        bytes: 1 << 20,
    };
    let last = branch(&easy().genesis(), "last", 1);
    assert_eq!(ledger.add(last[0].clone()), Err(full.into()));
    // A branch near the tip has more work: it is taken block by block, the lightest go, and it wins.
    let rival = branch(&trunk[4], "rival", 4);
    let kept = |blocks: &[Block<Unchecked>]| {
        let tree = ledger.tree();
        blocks.iter().filter(|block| tree.contains(&block.hash())).count()
    };
    for (rivals, left) in [(1, (4, 1, 0)), (2, (4, 0, 0))] {
        add_each(&ledger, &rival[rivals - 1..rivals], &Added::Side);
        assert_eq!((kept(&junk), kept(&late), kept(&later)), left);
    }
    add_each(&ledger, &rival[2..3], &Added::Side);
    assert_eq!(ledger.add(rival[3].clone()), Ok(Added::Tip { dropped: 3 }));
    let tree = ledger.tree();
    assert_eq!(tree.block_count() - tree.length(), 6, "the room is kept to");
    assert_eq!(
        kept(&trunk),
        8,
        "the branch that was dropped is the heaviest of those"
    );
    for block in junk.iter().chain(&late) {
        let stored = ledger.snapshot().unwrap().block_by_hash(&block.hash()).unwrap();
        assert_eq!(
            stored.is_some(),
            tree.contains(&block.hash()),
            "the store forgets what the tree forgets"
        );
    }
}

#[test]
fn side_branches_are_bounded_in_bytes() {
    let trunk = branch(&easy().genesis(), "a", 3);
    let large = |parent: &Block<Unchecked>, whom: &str| {
        let with = |maker: Maker, amount| maker.with(transfer(amount));
        (1..100).fold(Maker::easy(parent).rewarding(whom), with).mined()
    };
    let small = branch(&easy().genesis(), "small", 1);
    let ledger = with_side_limits(100, 100, 3500);
    add_each(&ledger, &trunk, &TIP);
    add_each(&ledger, &small, &Added::Side);
    let first = large(&trunk[1], "first");
    add_each(&ledger, std::slice::from_ref(&first), &Added::Side);
    let second = large(&trunk[0], "second");
    assert!(matches!(
        ledger.add(second),
        Err(AddError::SideBranch(SideError::Full { .. }))
    ));
    assert!(
        ledger.tree().contains(&small[0].hash()),
        "nothing went for one that found no room"
    );
    // What extends the tip is no side branch, whatever its size.
    add_each(&ledger, &[large(&trunk[2], "tip")], &TIP);
}

fn tagged(amount: u64, tag: u64) -> Transaction {
    transfer(amount).with_tag(Tag::new(tag).unwrap()).unwrap()
}

#[test]
fn a_tagged_transfer_counts_once() {
    let ledger = Ledger::in_memory(&easy()).unwrap();
    let genesis = easy().genesis();
    let five = tagged(5, 1);
    let submit = |transaction: &Transaction| {
        let Submitted { id, index, standing } = ledger.submit(transaction.clone()).unwrap();
        assert_eq!(id, transaction.id());
        (index, standing)
    };
    assert_eq!(submit(&five), (2, Standing::New));
    assert_eq!(submit(&five), (2, Standing::Pending));
    assert_eq!(submit(&tagged(5, 2)), (2, Standing::New), "a second payment");
    assert_eq!(submit(&transfer(5)), (2, Standing::New));
    assert_eq!(
        submit(&transfer(5)),
        (3, Standing::New),
        "what has no tag is told apart by nothing"
    );
    assert_eq!(ledger.view().pending.len(), 4);
    let a1 = Maker::easy(&genesis).rewarding("a").with(five.clone()).mined();
    ledger.add(a1.clone()).unwrap();
    assert_eq!(submit(&five), (2, Standing::Confirmed));
    // Both branches hold it: it is in the chain whichever counts, and never waits.
    let b1 = Maker::easy(&genesis).rewarding("b").mined();
    let b2 = Maker::easy(&b1).rewarding("b").with(five.clone()).mined();
    let c = branch(&b1, "c", 3);
    ledger.add_all(vec![b1, b2]);
    assert_eq!(submit(&five), (3, Standing::Confirmed));
    assert_eq!(ledger.view().pending.count(&five.id()), 0);
    // A branch without it: it waits again, once, and is known to wait.
    ledger.add_all(c);
    assert_eq!(ledger.view().pending.count(&five.id()), 1);
    assert_eq!(submit(&five), (6, Standing::Pending));
    assert_eq!(ledger.view().pending.len(), 4);
}

/// A stranger's flood: 30 MB of blocks that will never count. The file stays near its bounds, each that is refused is told
/// why, and the heaviest chain goes on.
#[test]
fn a_flood_of_side_blocks_stays_within_its_bounds() {
    let folder = tempfile::TempDir::new().unwrap();
    let side_limits = SideLimits {
        depth: 50,
        blocks: 200,
        bytes: 1 << 20,
    };
    let options = Options {
        side_limits,
        ..Options::default()
    };
    let ledger = Ledger::open_or_create(folder.path(), Some(&easy()), options).unwrap();
    let trunk = branch(&easy().genesis(), "a", 60);
    assert!(ledger.add_all(trunk.clone()).iter().all(Result::is_ok));
    let filling: Vec<_> = (0..100)
        .map(|n| Transaction::transfer("\u{1f600}".repeat(40), "b", 1 + n).unwrap())
        .collect();
    let (mut sent, mut refused) = (0, std::collections::BTreeMap::new());
    for round in 0..30u64 {
        // From every height: those near the tip have more work, and push the others out.
        let parents = trunk[..59].iter().skip(2 * round as usize % 58);
        let flood: Vec<_> = parents
            .take(50)
            .map(|parent| {
                let maker = Maker::easy(parent).rewarding(&format!("flood {round}"));
                filling
                    .iter()
                    .fold(maker, |maker, one| maker.with(one.clone()))
                    .mined()
            })
            .collect();
        sent += flood.len();
        for outcome in ledger.add_all(flood) {
            match outcome {
                Ok(added) => assert_eq!(added, Added::Side),
                Err(AddError::SideBranch(reason)) => *refused.entry(reason.name()).or_insert(0) += 1,
                Err(other) => panic!("{other}"),
            }
        }
        let tree = ledger.tree();
        assert!(tree.block_count() - tree.length() <= 200);
    }
    assert!(
        sent > 800 && refused.values().sum::<usize>() > sent / 2,
        "{refused:?} of {sent}"
    );
    assert!(
        refused.contains_key("side_branch_depth") && refused.contains_key("side_branch_limit"),
        "{refused:?}"
    );
    assert_eq!(ledger.tip().hash, trunk[59].hash());
    assert_eq!(
        ledger.add(branch(&trunk[59], "a", 1)[0].clone()),
        Ok(Added::Tip { dropped: 0 })
    );
    drop(ledger);
    let file = std::fs::metadata(folder.path().join(paydirt_ledger::FILE_NAME))
        .unwrap()
        .len();
    assert!(
        file < 16 << 20,
        "{file} bytes for a bound of 1 MiB and a chain of 60 short blocks"
    );
}
