//! `paydirt-simulate`: how blocks spread, what a cut does, what hostile nodes can; pictures and tables of it.

mod plot;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use paydirt_network::core::Limits;
use paydirt_simulation::{Report, Setup, World, random_world};
use plot::Line;

/// Simulated networks of paydirt nodes: the sync core of each is the one that runs in a node.
#[derive(Debug, Parser)]
#[command(name = "paydirt-simulate")]
struct Arguments {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// How blocks spread: how long until half, 90 % and 99 % of the nodes have one; stale blocks beside what theory gives
    Spread(Size),
    /// Half of the nodes cut from the other half, then joined: how long until all agree
    Cut(Size),
    /// A fifth of the nodes hostile: whether the honest ones agree, and who is cut off
    Hostile(Size),
    /// Nodes are killed and come back all the time
    Churn(Size),
    /// Networks made by chance: each seed must agree in the end
    Seeds {
        /// The first seed
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// How many
        #[arg(long, default_value_t = 1000)]
        count: u64,
    },
    /// All of the above at their full size; tables and pictures into a folder
    All {
        /// Where to
        #[arg(long)]
        save: PathBuf,
    },
}

#[derive(Clone, Debug, clap::Args)]
struct Size {
    /// Nodes
    #[arg(long, default_value_t = 1000)]
    nodes: usize,
    /// Blocks
    #[arg(long, default_value_t = 100)]
    blocks: usize,
    /// Bytes of a block
    #[arg(long, default_value_t = 10_000)]
    bytes: u64,
    /// Seconds between blocks, on average
    #[arg(long, default_value_t = 10.0)]
    interval: f64,
    /// Blocks go whole, not in their compact form
    #[arg(long)]
    whole: bool,
    /// The run
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Size {
    fn setup(&self) -> Setup {
        Setup {
            nodes: self.nodes,
            block_interval_s: self.interval,
            block_bytes: self.bytes,
            compact: !self.whole,
            seed: self.seed,
            ..Setup::default()
        }
    }
}

/// How long nodes have to find each other before anything is mined.
const WARM_UP: Duration = Duration::from_secs(60);
/// How long they have to agree at the end.
const PATIENCE: Duration = Duration::from_secs(3600);

fn main() -> anyhow::Result<()> {
    match Arguments::parse().scenario {
        Scenario::Spread(size) => print!("{}", told(&spread(&size).1)),
        Scenario::Cut(size) => print!("{}", told(&cut(&size))),
        Scenario::Hostile(size) => print!("{}", told(&hostile(&size))),
        Scenario::Churn(size) => print!("{}", told(&churn(&size))),
        Scenario::Seeds { from, count } => seeds(from, count)?,
        Scenario::All { save } => all(&save)?,
    }
    Ok(())
}

/// What this process has had of a processor, whatever else that did meanwhile.
#[derive(Clone, Copy, Debug)]
struct CoreTime(f64);

impl CoreTime {
    fn now() -> Self {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Self(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
    }

    fn took(self) -> String {
        format!("{:.1} s of one core", Self::now().0 - self.0)
    }
}

/// A table of two columns.
type Table = Vec<(&'static str, String)>;

fn told(table: &Table) -> String {
    let mut text = String::new();
    for (name, value) in table {
        let _ = writeln!(text, "{name:<44} {value}"); // a string takes all
    }
    text
}

fn of_report(size: &Size, report: &Report, began: CoreTime) -> Table {
    let spread = report.spread();
    vec![
        ("nodes", size.nodes.to_string()),
        ("connections", report.links.to_string()),
        ("blocks found", report.blocks().to_string()),
        ("bytes of a block", size.bytes.to_string()),
        (
            "blocks go",
            if size.whole { "whole" } else { "compact" }.to_owned(),
        ),
        (
            "half of the nodes have it after",
            format!("{:.3} s", spread.half_s),
        ),
        ("90 % after", format!("{:.3} s", spread.ninety_s)),
        ("99 % after", format!("{:.3} s", spread.ninety_nine_s)),
        ("stale blocks", format!("{:.2} %", report.stale_share() * 100.0)),
        (
            "stale in theory (Decker, Wattenhofer 2013)",
            format!("{:.2} %", report.stale_share_in_theory() * 100.0),
        ),
        ("simulated", format!("{:.0} s", report.simulated.as_secs_f64())),
        ("messages", report.messages.to_string()),
        ("bytes sent", report.bytes.to_string()),
        ("took", began.took()),
    ]
}

fn agreed(world: &mut World) -> String {
    match world.until_agreed(PATIENCE) {
        Some(after) => format!("after {:.1} s", after.as_secs_f64()),
        None => "NEVER".to_owned(),
    }
}

fn spread(size: &Size) -> (Report, Table) {
    let began = CoreTime::now();
    let mut world = World::new(size.setup());
    world.run_for(WARM_UP);
    world.mine(size.blocks);
    let agreed = agreed(&mut world);
    let report = world.report();
    let mut table = of_report(size, &report, began);
    table.push(("all agree", agreed));
    (report, table)
}

fn cut(size: &Size) -> Table {
    let began = CoreTime::now();
    let mut world = World::new(size.setup());
    world.run_for(WARM_UP);
    world.mine(10);
    world.set_cut(true);
    world.mine(size.blocks);
    let were_split = !world.is_agreed();
    world.set_cut(false);
    let agreed = agreed(&mut world);
    let report = world.report();
    vec![
        ("nodes", size.nodes.to_string()),
        ("blocks found while cut in halves", size.blocks.to_string()),
        (
            "halves differed then",
            if were_split { "yes" } else { "no" }.to_owned(),
        ),
        ("all at the heavier tip", agreed),
        ("took", began.took()),
        (
            "blocks not on the longest branch",
            (report.blocks() as u64 + 1 - report.chain_length).to_string(),
        ),
    ]
}

fn hostile(size: &Size) -> Table {
    let began = CoreTime::now();
    let mut world = World::new(Setup {
        hostile: size.nodes / 5,
        ..size.setup()
    });
    world.run_for(WARM_UP);
    world.mine(size.blocks);
    let agreed = agreed(&mut world);
    let report = world.report();
    let mut table = of_report(size, &report, began);
    table.push(("hostile nodes", (size.nodes / 5).to_string()));
    table.push(("honest nodes agree", agreed));
    table.push((
        "links of honest nodes to hostile ones, at the end",
        report.links_to_hostile.to_string(),
    ));
    let hung_up: Vec<_> = report
        .hung_up
        .iter()
        .map(|(why, count)| format!("{why} {count}"))
        .collect();
    table.push(("hung up for", hung_up.join(", ")));
    table
}

fn churn(size: &Size) -> Table {
    let began = CoreTime::now();
    let mut world = World::new(size.setup());
    let mut random = fastrand::Rng::with_seed(size.seed);
    world.run_for(WARM_UP);
    let (mut killed, mut down) = (0, Vec::new());
    for _ in 0..size.blocks {
        for node in std::mem::take(&mut down) {
            world.start(node);
        }
        for _ in 0..world.nodes() / 50 {
            let node = random.usize(0..world.nodes());
            if !world.is_down(node) {
                world.kill(node);
                down.push(node);
                killed += 1;
            }
        }
        world.mine(1);
    }
    for node in down {
        world.start(node);
    }
    let agreed = agreed(&mut world);
    let report = world.report();
    let mut table = of_report(size, &report, began);
    table.push(("nodes killed and started again", killed.to_string()));
    table.push(("all agree", agreed));
    table
}

fn seeds(from: u64, count: u64) -> anyhow::Result<()> {
    let mut longest = Duration::ZERO;
    let mut failed = Vec::new();
    for seed in from..from + count {
        let check = random_world(seed);
        match check.agreed_after {
            Some(after) => longest = longest.max(after),
            None => {
                println!("seed {seed} does not agree: {}", check.story);
                failed.push(seed);
            }
        }
    }
    println!(
        "{count} seeds from {from}: {} do not agree; the longest took {longest:?}",
        failed.len()
    );
    anyhow::ensure!(failed.is_empty(), "seeds that do not agree: {failed:?}");
    Ok(())
}

fn all(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let size = |blocks, bytes, whole| Size {
        nodes: 1000,
        blocks,
        bytes,
        interval: 10.0,
        whole,
        seed: 1,
    };
    let mut text = String::from("# A simulated network\n\n`paydirt-simulate all`, in this order.\n");
    let mut section = |title: &str, table: &Table| -> anyhow::Result<()> {
        println!("{title}\n{}", told(table));
        text += &format!("\n## {title}\n| | |\n|---|---|\n");
        for (name, value) in table {
            text += &format!("| {name} | {value} |\n");
        }
        let file = folder.join("simulation.md");
        fs::write(&file, &text).with_context(|| format!("cannot write {}", file.display()))
    };
    let mut lines = Vec::new();
    for (blocks, bytes, whole, name) in [
        (1000, 10_000, false, "10 kB, compact"),
        (100, 1_000_000, false, "1 MB, compact"),
        (100, 10_000, true, "10 kB, whole"),
        (100, 1_000_000, true, "1 MB, whole"),
    ] {
        let (report, table) = spread(&size(blocks, bytes, whole));
        section(&format!("{blocks} blocks of {name}"), &table)?;
        lines.push(Line {
            name: name.to_owned(),
            points: report.curve(),
        });
    }
    let mut csv = String::from("blocks,seconds,share\n");
    for line in &lines {
        for (seconds, share) in &line.points {
            csv += &format!("\"{}\",{seconds:.6},{share}\n", line.name);
        }
    }
    let file = folder.join("spread.csv");
    fs::write(&file, csv).with_context(|| format!("cannot write {}", file.display()))?;
    plot::draw_spread(folder, "spread", "How a block spreads among 1,000 nodes", &lines)?;
    section(
        "Half cut from half for 100 blocks, then joined",
        &cut(&size(100, 10_000, false)),
    )?;
    // Those who flood send a hundred times as much as all others: half as many nodes do.
    let fewer = Size {
        nodes: 500,
        ..size(50, 10_000, false)
    };
    section("A fifth of the nodes hostile", &hostile(&fewer))?;
    section(
        "Two of a hundred nodes killed at each block",
        &churn(&size(100, 10_000, false)),
    )?;
    let limits = Limits::default();
    println!(
        "each node dials {} and takes {} in",
        limits.outbound, limits.inbound
    );
    seeds(0, 1000)
}
