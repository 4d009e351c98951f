//! The loop with a scripted source. Where every hash is a share, the shares are the headers that were hashed.

use std::{
    collections::HashSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use paydirt::{Header, Kernel, Miner, NonceRange, Target};

use super::*;

/// Gives the jobs of its slot, and asks the test about each share.
struct Scripted<F> {
    slot: JobSlot<&'static str>,
    asked: AtomicUsize,
    shares: Mutex<Vec<(&'static str, Share)>>,
    script: F,
}

impl<F: Fn(&JobSlot<&'static str>, &'static str, usize) -> Result<(), String> + Sync> Scripted<F> {
    /// `script` hears of the slot, the job and how many shares of it there were before.
    fn new(script: F) -> Self {
        Self {
            slot: JobSlot::default(),
            asked: AtomicUsize::new(0),
            shares: Mutex::default(),
            script,
        }
    }

    /// Drives it, and returns what was told: `job: what, how often`.
    fn drive(&self, cancel: &Cancel) -> (Effort, Vec<String>) {
        let told = Mutex::new(Vec::<(String, u32)>::new());
        let miner = Miner::with_threads(3, Kernel::auto()).unwrap();
        let effort = drive(&miner, self, cancel, &|event| {
            let what = match event {
                Event::Started(job) => format!("{}: started", job.origin),
                Event::Progress(..) => return,
                Event::Share(job, _, fate) => format!("{}: {fate:?}", job.origin),
                Event::Ended(job, _, end) => format!("{}: {end:?}", job.origin),
            };
            let mut told = told.lock().unwrap();
            match told.last_mut().filter(|(last, _)| *last == what) {
                Some((_, often)) => *often += 1,
                None => told.push((what, 1)),
            }
        });
        let told = told.into_inner().unwrap().into_iter();
        (
            effort,
            told.map(|(what, often)| format!("{what} {often}")).collect(),
        )
    }

    fn headers(&self) -> Vec<Header> {
        self.shares
            .lock()
            .unwrap()
            .iter()
            .map(|(_, share)| share.header)
            .collect()
    }
}

impl<F: Fn(&JobSlot<&'static str>, &'static str, usize) -> Result<(), String> + Sync> JobSource
    for Scripted<F>
{
    type Origin = &'static str;

    fn job(&self, used_up: Option<u64>, cancel: &Cancel) -> Option<Arc<Job<&'static str>>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.slot.wait(used_up, cancel)
    }

    fn submit(&self, job: &Job<&'static str>, share: &Share) -> Result<(), String> {
        let mut shares = self.shares.lock().unwrap();
        let before = shares.iter().filter(|(name, _)| *name == job.origin).count();
        shares.push((job.origin, *share));
        (self.script)(&self.slot, job.origin, before)
    }
}

/// The header with this extra nonce, which stands in its Merkle root.
fn header(extra_nonce: u64) -> Header {
    let mut bytes = [7; 80];
    bytes[..4].copy_from_slice(&0x2000_0000u32.to_le_bytes());
    bytes[36..44].copy_from_slice(&extra_nonce.to_le_bytes());
    bytes[68..72].copy_from_slice(&1000u32.to_le_bytes());
    bytes[72..76].copy_from_slice(&0x207f_ffffu32.to_le_bytes());
    Header::from_bytes(bytes)
}

/// A job of `count` nonces, each of them a share, none a block.
fn job(name: &'static str, count: u128) -> Job<&'static str> {
    Job {
        nonces: Some(NonceRange::new(5, count).unwrap()),
        block_target: Target::ZERO,
        ..Job::new(0, name, Target::MAX, 3..4, header)
    }
}

/// A job that lasts for longer than any test.
fn endless(name: &'static str) -> Job<&'static str> {
    Job {
        nonces: None,
        extra_nonces: 0..u64::MAX,
        share_target: Target::from_leading_zero_bits(12.0).unwrap(),
        ..job(name, 1)
    }
}

/// Three extra nonces, two bits of the version, three times, 1,000 nonces: whether or not it is left and taken up again.
#[test]
fn every_header_is_hashed_exactly_once() {
    for block_target in [
        Target::ZERO,
        Target::from_leading_zero_bits(1.0).unwrap(),
        Target::from_leading_zero_bits(8.0).unwrap(),
    ] {
        let source = Scripted::new(|_, _, _| Ok(()));
        let (last, mask) = (1 << 32, 0x0000_8002);
        source.slot.post(Job {
            extra_nonces: 3..6,
            version_mask: mask,
            time_slack_s: 2,
            // Over the end of a group of versions.
            nonces: Some(NonceRange::new(last * 4 - 1_000, 1_000).unwrap()),
            block_target,
            ..job("all", 1)
        });
        let cancel = Cancel::new();
        let effort = std::thread::scope(|threads| {
            let driven = threads.spawn(|| source.drive(&cancel).0);
            while source.shares.lock().unwrap().len() < 9_000 {
                std::thread::yield_now();
            }
            source.slot.end();
            driven.join().unwrap()
        });
        let mut expected = HashSet::new();
        for (extra_nonce, time, low) in (3..6)
            .flat_map(|e| (1000..1003u32).flat_map(move |time| (0..1_000u32).map(move |low| (e, time, low))))
        {
            let mut bytes = header(extra_nonce).to_bytes();
            let version = [0, 2, 0x8000, 0x8002][low as usize % 4] | 0x2000_0000u32;
            bytes[..4].copy_from_slice(&version.to_le_bytes());
            bytes[68..72].copy_from_slice(&time.to_le_bytes());
            bytes[76..].copy_from_slice(&(u32::MAX - 249 + low / 4).to_le_bytes());
            expected.insert(Header::from_bytes(bytes));
        }
        let headers = source.headers();
        assert_eq!((headers.len(), effort.hashes), (9_000, 9_000));
        assert!(headers.into_iter().collect::<HashSet<_>>() == expected);
        for (_, share) in &*source.shares.lock().unwrap() {
            assert_eq!(share.header.to_bytes()[36..44], share.extra_nonce.to_le_bytes());
            let blocks = share.hash.number(paydirt::ByteOrder::Little) <= block_target.to_be_bytes();
            assert_eq!(share.is_block, blocks);
        }
    }
}

#[test]
fn nonces_outside_the_space_are_left_out() {
    for (start, hashes) in [((1 << 32) - 10, 20), (1 << 32, 0), (1 << 40, 0)] {
        let source = Scripted::new(|_, _, _| Ok(()));
        source.slot.post(Job {
            nonces: Some(NonceRange::new(start, 1_000).unwrap()),
            time_slack_s: 1,
            ..job("end", 1)
        });
        let cancel = Cancel::new();
        let effort = drive(
            &Miner::with_threads(1, Kernel::auto()).unwrap(),
            &source,
            &cancel,
            &|event| {
                if let Event::Ended(_, _, end) = event {
                    assert_eq!(end, End::UsedUp);
                    cancel.cancel();
                }
            },
        );
        assert_eq!(effort.hashes, hashes);
    }
}

/// One thread posts the next job while the first one's shares come in.
#[test]
fn a_clean_job_is_begun_at_once_and_no_stale_share_is_submitted() {
    let source = Scripted::new(|slot, name, before| {
        if (name, before) == ("first", 5) {
            slot.post_clean(job("second", 10));
        }
        if (name, before) == ("second", 9) {
            slot.end();
        }
        Ok(())
    });
    source.slot.post(endless("first"));
    let (_, told) = source.drive(&Cancel::new());
    // Several threads may have been in the source when the job was replaced, none after it.
    let ended = told.iter().position(|what| what == "first: Stopped 1").unwrap();
    assert_eq!(
        told[ended..],
        [
            "first: Stopped 1",
            "second: started 1",
            "second: Taken 10",
            "second: UsedUp 1"
        ]
    );
    assert!(told[1].starts_with("first: Taken "), "{told:?}");
}

/// Nothing is mined until there is another job, and nothing is submitted that was found for the one withdrawn.
#[test]
fn a_withdrawn_job_is_left_and_its_shares_are_stale() {
    let source = Scripted::new(|slot, name, before| {
        match (name, before) {
            ("first", 0) => slot.withdraw(),
            ("second", 9) => slot.end(),
            _ => {}
        }
        Ok(())
    });
    let shares = || source.shares.lock().unwrap().len();
    source.slot.post(endless("first"));
    let (_, told) = std::thread::scope(|threads| {
        let driven = threads.spawn(|| source.drive(&Cancel::new()));
        while shares() < 1 {
            std::thread::yield_now();
        }
        source.slot.post(job("second", 10));
        driven.join().unwrap()
    });
    assert!(told.contains(&"first: Taken 1".to_owned()), "{told:?}");
    assert!(told.contains(&"second: Taken 10".to_owned()), "{told:?}");
}

#[test]
fn shares_count_until_a_job_is_clean() {
    let source = Scripted::new(|slot, name, before| {
        if (name, before) == ("first", 0) {
            // Two at once: the job in between is never begun.
            slot.post(job("skipped", 10));
            slot.post(job("second", 10));
        }
        if (name, before) == ("second", 9) {
            slot.end();
        }
        Ok(())
    });
    source.slot.post(job("first", 3_000));
    let (_, told) = source.drive(&Cancel::new());
    assert_eq!(told[0], "first: started 1");
    // The chunk that was being searched is finished, and all its shares are good.
    assert!(told[1].starts_with("first: Taken "), "{told:?}");
    assert!(
        !told
            .iter()
            .any(|what| what.contains("Stale") || what.contains("skipped"))
    );
    assert_eq!(told[told.len() - 2..], ["second: Taken 10", "second: UsedUp 1"]);
}

#[test]
fn a_share_found_too_late_is_stale() {
    let source = Scripted::new(|slot, _, before| {
        if before == 0 {
            slot.post_clean(job("second", 1));
            slot.end();
        }
        Ok(())
    });
    // The first chunk has more than one nonce, whatever the kernel's lanes, once a job was begun.
    source.slot.post(job("first", 100_000));
    let (effort, told) = source.drive(&Cancel::new());
    assert_eq!(source.headers().len(), 1, "{told:?}");
    let stale: u64 = (told.iter().filter_map(|what| what.strip_prefix("first: Stale ")))
        .map(|often| often.parse::<u64>().unwrap())
        .sum();
    assert_eq!(stale + 1, effort.hashes, "each hash was a share");
}

#[test]
fn a_refused_share_stops_nothing() {
    let source = Scripted::new(|slot, _, before| {
        if before == 499 {
            slot.end();
        }
        Err("no".to_owned())
    });
    source.slot.post(Job {
        block_target: Target::from_leading_zero_bits(1.0).unwrap(),
        ..job("poor", 500)
    });
    let (effort, told) = source.drive(&Cancel::new());
    assert_eq!(
        told,
        ["poor: started 1", "poor: Refused(\"no\") 500", "poor: UsedUp 1"]
    );
    assert_eq!(effort.hashes, 500);
}

/// Whatever the threads come to first: and after one that was refused, the next.
#[test]
fn where_every_share_is_a_block_the_lowest_is_found() {
    let source = Scripted::new(|slot, _, before| match before {
        0 => Err("not that one".to_owned()),
        _ => {
            slot.end();
            Ok(())
        }
    });
    let target = Target::from_leading_zero_bits(10.0).unwrap();
    source.slot.post(Job {
        nonces: None,
        share_target: target,
        block_target: target,
        ..job("blocks", 1)
    });
    let (_, told) = source.drive(&Cancel::new());
    let puzzle = paydirt::Puzzle::header_with_goal(&header(3), paydirt::Goal::AtMost(target));
    let lowest = (0..u64::from(u32::MAX)).filter(|nonce| puzzle.is_solved_by(*nonce));
    let nonces = source.headers().into_iter().map(|header| header.nonce().into());
    assert_eq!(
        nonces.collect::<Vec<u64>>(),
        lowest.take(2).collect::<Vec<_>>(),
        "{told:?}"
    );
}

#[test]
fn a_solved_job_is_left_for_the_next() {
    let source = Scripted::new(|slot, name, before| {
        match (name, before) {
            ("first", 0) => slot.post_clean(job("second", 1)),
            ("first", _) => return Err("solved already".to_owned()),
            _ => slot.end(),
        }
        Ok(())
    });
    source.slot.post(Job {
        block_target: Target::from_leading_zero_bits(12.0).unwrap(),
        ..endless("first")
    });
    let (_, told) = source.drive(&Cancel::new());
    assert!(told.contains(&"first: Solved 1".to_owned()), "{told:?}");
    assert_eq!(
        told[told.len() - 3..],
        ["second: started 1", "second: Taken 1", "second: UsedUp 1"]
    );
}

#[test]
fn a_pulled_handle_ends_it_and_the_source_is_asked_once_more() {
    let cancel = Cancel::new();
    let source = Scripted::new(|_, _, _| {
        cancel.cancel();
        Ok(())
    });
    source.slot.post(endless("never"));
    let (effort, told) = source.drive(&cancel);
    assert_eq!(
        (told.first(), told.last()),
        (
            Some(&"never: started 1".to_owned()),
            Some(&"never: Stopped 1".to_owned())
        )
    );
    assert!(effort.hashes > 0);
    assert_eq!(source.asked.load(Ordering::Relaxed), 2);
    // And before anything was begun.
    assert_eq!(source.drive(&cancel), (Effort::default(), vec![]));
}

/// The miner waits where there is no job, or none but the one that is used up; and hears of the end.
#[test]
fn a_source_may_be_waited_for() {
    let source = Scripted::new(|_, _, _| Ok(()));
    let shares = || source.shares.lock().unwrap().len();
    let (_, told) = std::thread::scope(|threads| {
        let driven = threads.spawn(|| source.drive(&Cancel::new()));
        for (posted, name) in (1..).zip(["first", "second", "third"]) {
            source.slot.post(job(name, 100));
            while shares() < posted * 100 {
                std::thread::yield_now();
            }
        }
        source.slot.end();
        driven.join().unwrap()
    });
    let started: Vec<_> = told.iter().filter(|what| what.contains("started")).collect();
    assert_eq!(
        started,
        ["first: started 1", "second: started 1", "third: started 1"]
    );
}

/// What is done is the beginning of a header's nonces, so a source may go back to a job it still has in hand.
#[test]
fn a_job_given_again_when_used_up_ends_the_drive() {
    struct Same(Arc<Job<()>>);
    impl JobSource for Same {
        type Origin = ();
        fn job(&self, _: Option<u64>, _: &Cancel) -> Option<Arc<Job<()>>> {
            Some(Arc::clone(&self.0))
        }
        fn submit(&self, _: &Job<()>, _: &Share) -> Result<(), String> {
            Ok(())
        }
    }
    let mut job = Job::new(1, (), Target::MAX, 0..2, header);
    job.nonces = Some(NonceRange::new(0, 500).unwrap());
    job.block_target = Target::from_leading_zero_bits(1.0).unwrap();
    let miner = Miner::with_threads(2, Kernel::auto()).unwrap();
    let effort = drive(&miner, &Same(Arc::new(job)), &Cancel::new(), &|_| {});
    assert_eq!(effort.hashes, 1_000);
}
