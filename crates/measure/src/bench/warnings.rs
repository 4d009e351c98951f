//! Doubts about the numbers, each with what to do about it.

use crate::bench::Row;
use crate::{machine::Usage, statistics::Summary};

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

/// A doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Which kind, for programs.
    pub kind: &'static str,
    /// What was seen.
    pub message: String,
    /// What to do about it.
    pub advice: &'static str,
}

/// What is known of the machine's state.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Logical processors this process may use.
    pub processors: usize,
    /// Processors' worth of time the control group grants.
    pub quota_processors: Option<f64>,
    /// The load average when the run began.
    pub load_average: Option<f64>,
    /// What the run used, and how much thread time its searches asked for in seconds.
    pub usage: Option<(Usage, f64)>,
}

/// What there is to doubt about `rows`.
pub fn warnings(rows: &[Row], context: &Context) -> Vec<Warning> {
    let threads = rows.iter().map(|row| row.case.threads).max().unwrap_or(0);
    let mut found: Vec<Warning> = [spread(rows), shared_core(rows)].into_iter().flatten().collect();
    found.extend(machine_warnings(threads, context));
    found
}

/// What there is to doubt about a measurement with at most `threads` threads, whatever it found.
pub fn machine_warnings(threads: usize, context: &Context) -> Vec<Warning> {
    let found = [
        too_many_threads(threads, context),
        quota(threads, context),
        loaded(context),
        starved(threads, context),
        stolen(context),
    ];
    found.into_iter().flatten().collect()
}

fn name(row: &Row) -> String {
    let case = &row.case;
    format!("{} {} ×{}", case.puzzle.name(), case.kernel.name(), case.threads)
}

fn spread(rows: &[Row]) -> Option<Warning> {
    let mut wide: Vec<(f64, &Row)> = rows
        .iter()
        .filter_map(|row| {
            let summary = Summary::of(&row.rates())?;
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
    Some(Warning {
        kind: "spread",
        message: format!(
            "the samples of {} spread widely: σ is {:.0} % of the median{more}",
            name(worst),
            share * 100.0
        ),
        advice: "close other programs, bind the threads with --pin, or take longer --seconds and more --samples; trust the median more than the mean",
    })
}

fn shared_core(rows: &[Row]) -> Option<Warning> {
    let median = |row: &Row| Summary::of(&row.rates()).map(|summary| summary.median);
    rows.iter().filter(|row| row.case.threads == 2).find_map(|two| {
        let one = rows.iter().find(|row| {
            row.case.threads == 1 && row.case.kernel == two.case.kernel && row.case.puzzle.name() == two.case.puzzle.name()
        })?;
        let factor = median(two)? / median(one)?;
        (factor < SHARED_CORE).then(|| Warning {
            kind: "shared-core",
            message: format!("two threads are {factor:.2} times as fast as one ({}): the two logical processors seem to share a core, or something else uses one of them", name(two)),
            advice: "compare per-core figures at --threads 1; --pin shows whether other processors do better",
        })
    })
}

fn too_many_threads(most: usize, context: &Context) -> Option<Warning> {
    (most > context.processors).then(|| Warning {
        kind: "oversubscribed",
        message: format!(
            "{most} threads take turns on {} logical processors",
            context.processors
        ),
        advice: "give --threads no more than the processors there are",
    })
}

fn quota(most: usize, context: &Context) -> Option<Warning> {
    let quota = context.quota_processors?;
    (most as f64 > quota).then(|| Warning {
        kind: "quota",
        message: format!("the control group grants {quota:.2} processors' time to {most} threads, which are halted in between"),
        advice: "give --threads no more than that, or lift the group's cpu.max",
    })
}

fn loaded(context: &Context) -> Option<Warning> {
    let load = context.load_average?;
    (load > LOADED * context.processors as f64).then(|| Warning {
        kind: "loaded",
        message: format!(
            "the machine was busy beforehand: load average {load:.2} on {} logical processors",
            context.processors
        ),
        advice: "close other programs, wait a minute and run again",
    })
}

fn starved(most: usize, context: &Context) -> Option<Warning> {
    let (usage, asked_s) = context.usage?;
    let share = usage.cpu_s? / asked_s;
    // More threads than processors are kept waiting by each other, and that is said already.
    (most <= context.processors && asked_s >= 1.0 && share < STARVED).then(|| Warning {
        kind: "starved",
        message: format!("the mining threads got only {:.0} % of the processor time they asked for: other programs took the rest", share * 100.0),
        advice: "close other programs and run again; the rates are too low by about that share",
    })
}

fn stolen(context: &Context) -> Option<Warning> {
    let share = context.usage?.0.steal_share?;
    (share > STOLEN).then(|| Warning {
        kind: "stolen",
        message: format!(
            "the hypervisor gave {:.0} % of this machine's processor time to its neighbours",
            share * 100.0
        ),
        advice: "run again at a quieter time, or on a machine of its own",
    })
}
