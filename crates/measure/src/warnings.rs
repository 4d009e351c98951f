//! Doubts about the numbers, each with what to do about it.

use serde::{Deserialize, Serialize};

use crate::{
    bench::BenchRow,
    machine::{Machine, Usage},
};

/// σ above this share of the median is a large spread.
const LARGE_SPREAD: f64 = 0.05;
/// Two threads below this many times one share a core.
const SHARED_CORE: f64 = 1.5;
/// A load average above this share of the processors, before the run, is other work.
const LOADED: f64 = 0.25;
/// Mining threads that got less than this share of the processor time they asked for were kept waiting.
const STARVED: f64 = 0.95;
/// A larger share of stolen time is a neighbour on the same hardware.
const STOLEN: f64 = 0.02;

/// A doubt about the numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// Which kind, for programs.
    pub kind: WarningKind,
    /// What was seen.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

/// The kinds of doubts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarningKind {
    /// The samples of a row lie far apart.
    Spread,
    /// Two threads are hardly faster than one.
    SharedCore,
    /// More threads than processors.
    Oversubscribed,
    /// More threads than the control group grants processor time to.
    Quota,
    /// The system did not bind every thread to a processor.
    NotPinned,
    /// Other programs were busy beforehand.
    Loaded,
    /// Other programs took processor time meanwhile.
    Starved,
    /// The hypervisor gave processor time to other machines.
    Stolen,
    /// The baseline was measured on another machine.
    OtherMachine,
}

impl WarningKind {
    /// Its name in JSON and in Markdown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spread => "spread",
            Self::SharedCore => "shared-core",
            Self::Oversubscribed => "oversubscribed",
            Self::Quota => "quota",
            Self::NotPinned => "not-pinned",
            Self::Loaded => "loaded",
            Self::Starved => "starved",
            Self::Stolen => "stolen",
            Self::OtherMachine => "other-machine",
        }
    }
}

impl Warning {
    pub(crate) fn new(kind: WarningKind, message: String, advice: &str) -> Self {
        Self {
            kind,
            message,
            advice: advice.to_owned(),
        }
    }
}

/// How many threads were used, how many of them were bound to processors, and how much processor time was used and asked
/// for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// The most threads there were at a time.
    pub(crate) threads: usize,
    /// How many of them the system refused to bind; 0 where that was not asked for.
    pub(crate) refused_pins: usize,
    /// What the measurement used.
    pub(crate) usage: Option<Usage>,
    /// How much thread time its searches asked for in seconds.
    pub(crate) asked_s: f64,
    /// What is wrong when they did not get it.
    pub(crate) spoils: Spoils,
}

/// Which figures a busy processor spoils.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoils {
    /// Hash rates, which are on the wall.
    Rates,
    /// Measured times; rates are by processor time.
    Times,
}

/// The doubts that `rows` raise by themselves.
pub(crate) fn of_rows(rows: &[BenchRow]) -> impl Iterator<Item = Warning> {
    [spread(rows), shared_core(rows)].into_iter().flatten()
}

/// The doubts that the machine's state raises, whatever was found.
pub(crate) fn of_machine(machine: &Machine, load: &Load) -> impl Iterator<Item = Warning> {
    let found = [
        too_many_threads(machine, load),
        quota(machine, load),
        not_pinned(load),
        loaded(machine),
        starved(machine, load),
        stolen(load),
    ];
    found.into_iter().flatten()
}

fn spread(rows: &[BenchRow]) -> Option<Warning> {
    let mut wide: Vec<(f64, &BenchRow)> = rows
        .iter()
        .filter_map(|row| {
            let summary = row.hashes_per_second?;
            let share = summary.standard_deviation? / summary.median;
            (share > LARGE_SPREAD).then_some((share, row))
        })
        .collect();
    wide.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let (share, worst) = wide.first()?;
    let more = match wide.len() {
        1 => String::new(),
        count => format!(" (and large in {} more)", count - 1),
    };
    Some(Warning::new(
        WarningKind::Spread,
        format!(
            "the samples of {} spread widely: σ is {:.0} % of the median{more}",
            worst.name(),
            share * 100.0
        ),
        "close other programs, bind the threads with --pin, or take longer --seconds and more --samples; trust the median more than the mean",
    ))
}

fn shared_core(rows: &[BenchRow]) -> Option<Warning> {
    rows.iter().filter(|row| row.threads == 2).find_map(|two| {
        let one = rows
            .iter()
            .find(|row| row.threads == 1 && row.kernel == two.kernel && row.puzzle == two.puzzle)?;
        let factor = two.hashes_per_second?.median / one.hashes_per_second?.median;
        (factor < SHARED_CORE).then(|| {
            Warning::new(
                WarningKind::SharedCore,
                format!("two threads are {factor:.2} times as fast as one ({}): the two logical processors seem to share a core, or something else uses one of them", two.name()),
                "compare per-core figures at --threads 1; --pin shows whether other processors do better",
            )
        })
    })
}

fn too_many_threads(machine: &Machine, load: &Load) -> Option<Warning> {
    let (threads, processors) = (load.threads, machine.logical_processors);
    (threads > processors).then(|| {
        Warning::new(
            WarningKind::Oversubscribed,
            format!("{threads} threads take turns on {processors} logical processors"),
            "give --threads no more than the processors there are",
        )
    })
}

fn quota(machine: &Machine, load: &Load) -> Option<Warning> {
    let quota = machine.quota_processors?;
    (load.threads as f64 > quota).then(|| {
        let message = format!(
            "the control group grants {quota:.2} processors' time to {} threads, which are halted in between",
            load.threads
        );
        let advice = "give --threads no more than that, or lift the group's cpu.max";
        Warning::new(WarningKind::Quota, message, advice)
    })
}

fn not_pinned(load: &Load) -> Option<Warning> {
    let (refused, threads) = (load.refused_pins, load.threads);
    (refused > 0).then(|| {
        Warning::new(
            WarningKind::NotPinned,
            format!("the system refused to bind {refused} of {threads} threads to a processor: they may have moved about"),
            "leave --pin out, or allow this process to set the affinity of its threads",
        )
    })
}

fn loaded(machine: &Machine) -> Option<Warning> {
    let (load, processors) = (machine.load_average?, machine.logical_processors);
    (load > LOADED * processors as f64).then(|| {
        Warning::new(
            WarningKind::Loaded,
            format!(
                "the machine was busy beforehand: load average {load:.2} on {processors} logical processors"
            ),
            "close other programs, wait a minute and run again",
        )
    })
}

fn starved(machine: &Machine, load: &Load) -> Option<Warning> {
    let share = load.usage?.cpu_s? / load.asked_s;
    // More threads than processors are kept waiting by each other, and that is said already.
    let enough = load.threads <= machine.logical_processors && load.asked_s >= 1.0;
    (enough && share < STARVED).then(|| {
        Warning::new(
            WarningKind::Starved,
            format!("the mining threads got only {:.0} % of the processor time they asked for: other programs took the rest", share * 100.0),
            match load.spoils {
                Spoils::Rates => "close other programs and run again; the rates are too low by about that share",
                Spoils::Times => "close other programs and run again; the measured times are too long by about that, while the rate, and what is computed from it, goes by processor time",
            },
        )
    })
}

fn stolen(load: &Load) -> Option<Warning> {
    let share = load.usage?.steal_share?;
    (share > STOLEN).then(|| {
        Warning::new(
            WarningKind::Stolen,
            format!(
                "the hypervisor gave {:.0} % of this machine's processor time to its neighbours",
                share * 100.0
            ),
            "run again at a quieter time, or on a machine of its own",
        )
    })
}
