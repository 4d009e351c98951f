use super::*;
use crate::{
    machine::{Pins, Usage},
    warnings::{Spoils, WarningKind},
};

/// Says what it was asked for, and plays back rates.
struct Mock {
    calls: Vec<(usize, u32)>,
    rate: fn(threads: usize, call: usize) -> u64,
    lost_hits: fn(call: usize) -> u64,
    cancel_at: Option<(usize, Cancel)>,
}

impl Mock {
    fn new(rate: fn(usize, usize) -> u64) -> Self {
        Self {
            calls: Vec::new(),
            rate,
            lost_hits: |_| 0,
            cancel_at: None,
        }
    }
}

impl Executor for Mock {
    fn sample(&mut self, case: &Case, place: f64, length: Duration) -> Result<Measured, MinerError> {
        self.calls.push((case.threads, (place * 100.0) as u32));
        let call = self.calls.len();
        if let Some((at, cancel)) = &self.cancel_at
            && *at == call
        {
            cancel.cancel();
        }
        let elapsed_s = length.as_secs_f64();
        let hashes = ((self.rate)(case.threads, call) as f64 * elapsed_s) as u64;
        let sample = Sample {
            hashes,
            elapsed_s,
            hashes_per_second: hashes as f64 / elapsed_s,
            // As if another program had had half of the time.
            processor_s: Some(elapsed_s * case.threads as f64 / 2.0),
            hashes_per_processor_second: Some(2.0 * hashes as f64 / elapsed_s / case.threads as f64),
            ranges: vec![NonceRange::new(0, hashes.into()).unwrap()],
            hits: 100 - (self.lost_hits)(call),
            expected_hits: 100,
        };
        Ok(Measured {
            sample,
            ceilings: match case.threads {
                1 => vec![],
                2 => vec![("avx2", 16_000.0), ("reference", 8000.0)],
                _ => vec![("avx2", 16_000.0)],
            },
            pinned_threads: 1,
        })
    }
}

fn plan(threads: &[usize], samples: usize) -> BenchPlan {
    let case = |threads: &usize| Case {
        puzzle: &KnownPuzzle::all()[0],
        kernel: Kernel::by_name("reference").unwrap(),
        chosen: None,
        threads: *threads,
    };
    BenchPlan {
        cases: threads.iter().map(case).collect(),
        sample_length: Duration::from_secs(1),
        samples,
        warm_up: Duration::from_millis(250),
    }
}

fn run_mock(plan: &BenchPlan, mock: &mut Mock) -> (Vec<BenchRow>, BenchStatus) {
    let cancel = mock
        .cancel_at
        .as_ref()
        .map_or(Cancel::new(), |(_, cancel)| cancel.clone());
    measure(plan, mock, &cancel, &mut |_, _| {}).unwrap()
}

fn quiet() -> Machine {
    Machine {
        logical_processors: 4,
        quota_processors: None,
        load_average: Some(0.1),
        ..Machine::here()
    }
}

fn load(threads: usize) -> Load {
    Load {
        threads,
        refused_pins: 0,
        usage: None,
        asked_s: 0.0,
        spoils: Spoils::Rates,
    }
}

fn kinds(rows: &[BenchRow], machine: &Machine, load: &Load) -> Vec<&'static str> {
    warnings::of_rows(rows)
        .chain(warnings::of_machine(machine, load))
        .map(|warning| {
            assert!(!warning.advice.is_empty());
            warning.kind.name()
        })
        .collect()
}

#[test]
fn cases_take_turns_and_each_round_begins_elsewhere() {
    let plan = plan(&[1, 2, 3], 2);
    let mut mock = Mock::new(|threads, _| 1000 * threads as u64);
    let mut steps = Vec::new();
    let (rows, status) = measure(&plan, &mut mock, &Cancel::new(), &mut |done, of| {
        steps.push((done, of))
    })
    .unwrap();
    let warm_ups = [(1, 0), (2, 0), (3, 0)];
    assert_eq!(
        mock.calls,
        [&warm_ups[..], &warm_ups[..], &[(1, 50), (2, 50), (3, 50)]].concat()
    );
    assert_eq!(status, BenchStatus::Done);
    assert_eq!(rows[1].rates(), [2000.0, 2000.0], "warm-ups are not counted");
    let ceilings: Vec<_> = rows.iter().map(|row| row.ceiling.hashes_per_second).collect();
    assert_eq!(ceilings, [None, Some(8000.0), None]);
    assert_eq!(rows[1].ceiling.share, Some(0.5), "by processor time");
    let shares = rows.iter().map(|row| Some(row.ceiling.processor.as_ref()?.share));
    assert_eq!(
        shares.collect::<Vec<_>>(),
        [None, Some(Some(0.25)), Some(Some(0.375))]
    );
    assert_eq!(rows[1].ceiling.processor.as_ref().unwrap().kernel, "avx2");
    let busy: Vec<_> = rows
        .iter()
        .map(|row| row.hashes_per_processor_second.unwrap().median)
        .collect();
    assert_eq!(busy, [2000.0; 3]);
    assert_eq!(rows[2].pinned_threads, 1);
    assert_eq!(steps, (1..=9).map(|done| (done, 9)).collect::<Vec<_>>());
    assert_eq!(plan.duration(), Duration::from_millis(6750));
}

#[test]
fn a_single_lost_hit_ends_the_run() {
    let mut mock = Mock::new(|_, _| 1000);
    mock.lost_hits = |call| u64::from(call == 6); // two warm-ups, then the second round's second case
    let (rows, status) = run_mock(&plan(&[1, 2], 5), &mut mock);
    assert_eq!(status, BenchStatus::WrongHits);
    assert_eq!([0, 1].map(|row: usize| rows[row].hits_are_right()), [true, false]);
    assert_eq!(mock.calls.len(), 6);
    assert_eq!(rows[1].samples.last().unwrap().hits, 99, "the evidence is kept");
}

#[test]
fn an_interrupted_sample_is_dropped() {
    let mut mock = Mock::new(|_, _| 1000);
    mock.cancel_at = Some((5, Cancel::new()));
    let (rows, status) = run_mock(&plan(&[1, 2], 5), &mut mock);
    assert_eq!(status, BenchStatus::Interrupted);
    let samples: Vec<_> = rows.iter().map(|row| row.samples.len()).collect();
    assert_eq!(samples, [1, 1]);
}

#[test]
fn a_quiet_machine_gives_no_warnings() {
    let (rows, _) = run_mock(
        &plan(&[1, 2], 5),
        &mut Mock::new(|threads, _| 1000 * threads as u64),
    );
    assert_eq!(kinds(&rows, &quiet(), &load(2)), [""; 0]);
}

#[test]
fn each_doubt_is_raised_and_says_what_to_do() {
    let (wide, _) = run_mock(
        &plan(&[1], 4),
        &mut Mock::new(|_, call| 1000 + 200 * (call as u64 % 2)),
    );
    assert_eq!(kinds(&wide, &quiet(), &load(1)), ["spread"]);
    let (shared, _) = run_mock(
        &plan(&[1, 2], 3),
        &mut Mock::new(|threads, _| 1000 + 100 * threads as u64),
    );
    assert_eq!(kinds(&shared, &quiet(), &load(2)), ["shared-core"]);
    assert_eq!(kinds(&[], &quiet(), &load(8)), ["oversubscribed"]);
    let busy = Machine {
        logical_processors: 2,
        quota_processors: Some(1.5),
        load_average: Some(1.2),
        ..quiet()
    };
    let starved = Load {
        threads: 2,
        refused_pins: 1,
        usage: Some(Usage {
            elapsed_s: 3.0,
            cpu_s: Some(3.0),
            steal_share: Some(0.1),
        }),
        asked_s: 6.0,
        spoils: Spoils::Rates,
    };
    assert_eq!(
        kinds(&[], &busy, &starved),
        ["quota", "not-pinned", "loaded", "starved", "stolen"]
    );
}

#[test]
fn kinds_have_one_name() {
    for kind in [
        WarningKind::SharedCore,
        WarningKind::Stolen,
        WarningKind::OtherMachine,
    ] {
        let json = serde_json::to_value(kind).unwrap();
        assert_eq!(json, kind.name());
    }
}

#[test]
fn a_report_claims_only_the_threads_that_were_bound() {
    let run_with = |pins| {
        let setup = Setup {
            pins,
            ..Setup::default()
        };
        let mut short = plan(&[1, 2], 1);
        (short.sample_length, short.warm_up) = (Duration::from_millis(1), Duration::ZERO);
        let report = run(&short, setup, &mut |_, _| {}).unwrap();
        let warned = report.warnings.iter().any(|w| w.kind == WarningKind::NotPinned);
        let bound: Vec<_> = report.rows.iter().map(|row| row.pinned_threads).collect();
        (report.machine.pinned, bound, warned)
    };
    assert_eq!(run_with(None), (false, vec![0, 0], false));
    assert_eq!(run_with(Pins::allowed()), (true, vec![1, 2], false));
    assert_eq!(run_with(Some(Pins::impossible())), (false, vec![0, 0], true));
}
