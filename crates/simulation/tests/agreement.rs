//! Networks made by chance agree. `paydirt-simulate seeds` tries thousands; those that did not agree are kept here.

use std::time::Duration;

use paydirt_simulation::{Setup, World, random_world};

#[test]
fn networks_made_by_chance_agree() {
    let failed: Vec<_> = (0..16)
        .map(|seed| (seed, random_world(seed)))
        .filter(|(_, check)| check.agreed_after.is_none())
        .collect();
    assert!(failed.is_empty(), "seeds that do not agree: {failed:#?}");
}

#[test]
fn a_run_is_its_seed() {
    let run = || {
        let mut world = World::new(Setup {
            nodes: 30,
            hostile: 5,
            seed: 7,
            ..Setup::default()
        });
        world.run_for(Duration::from_secs(10));
        world.mine(20);
        let report = world.report();
        (report.events, report.messages, report.bytes, report.curve())
    };
    assert_eq!(run(), run());
}
