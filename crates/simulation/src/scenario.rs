//! Networks made by chance, and what must hold in each.
//!
//! *In:* a seed. *Out:* a network of any size, with hostile nodes, cut and joined, nodes killed and started; and whether its
//! honest nodes agreed in the end.

use std::time::Duration;

use crate::{Links, Setup, World};

/// What came of a network made by chance.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What was done.
    pub story: String,
    /// How long it took until all honest nodes agreed, after the last block; `None` when they did not.
    pub agreed_after: Option<Duration>,
}

/// How long honest nodes may take to agree once nothing happens any more.
const PATIENCE: Duration = Duration::from_secs(1800);

/// Makes a network of this seed, lets things happen to it, and looks whether its honest nodes agree.
pub fn random_world(seed: u64) -> Check {
    let mut random = fastrand::Rng::with_seed(seed);
    let nodes = random.usize(4..=40);
    let hostile = random.usize(0..=nodes / 4);
    let setup = Setup {
        nodes,
        hostile,
        addresses: random.usize(8..=32).min(nodes).max(nodes / 2),
        block_interval_s: f64::from(random.u32(2..=30)),
        block_bytes: *random.choice(&[300, 10_000, 1_000_000]).expect("it is not empty"),
        compact: random.bool(),
        links: match random.bool() {
            true => Links::World2019,
            false => Links::Even {
                delay_ms: random.u64(1..=300),
                upstream: random.u64(2_000_000..=100_000_000),
            },
        },
        seed,
        ..Setup::default()
    };
    let mut story = format!("{setup:?}");
    let mut world = World::new(setup);
    world.run_for(Duration::from_secs(20));
    for _ in 0..random.usize(1..=4) {
        match random.usize(0..3) {
            0 => {
                let blocks = random.usize(1..=40);
                story += &format!("; {blocks} blocks");
                world.mine(blocks);
            }
            1 => {
                let blocks = random.usize(1..=90);
                story += &format!("; cut, {blocks} blocks, joined");
                world.set_cut(true);
                world.mine(blocks);
                world.set_cut(false);
            }
            _ => {
                let down: Vec<_> = (0..random.usize(1..=nodes / 2))
                    .map(|_| random.usize(0..nodes))
                    .collect();
                let blocks = random.usize(0..=30);
                story += &format!("; {down:?} down for {blocks} blocks");
                down.iter().for_each(|node| world.kill(*node));
                world.mine(blocks);
                for node in down {
                    if world.is_down(node) {
                        world.start(node);
                    }
                }
            }
        }
    }
    // A last block decides between branches of equal work.
    world.mine(1);
    let agreed_after = world.until_agreed(PATIENCE);
    if agreed_after.is_none() {
        story += &world.describe();
    }
    Check { story, agreed_after }
}
