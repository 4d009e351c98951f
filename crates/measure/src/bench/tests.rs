use super::*;
use crate::machine::Usage;

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
    fn sample(&mut self, case: &Case, place: f64, length: Duration) -> Result<Sample, paydirt::MinerError> {
        self.calls.push((case.threads, (place * 100.0) as u32));
        let call = self.calls.len();
        if let Some((at, cancel)) = &self.cancel_at
            && *at == call
        {
            cancel.cancel();
        }
        let elapsed_s = length.as_secs_f64();
        let hashes = ((self.rate)(case.threads, call) as f64 * elapsed_s) as u64;
        Ok(Sample {
            hashes,
            elapsed_s,
            searched: vec![NonceRange::new(0, hashes.into()).unwrap()],
            hits: 100 - (self.lost_hits)(call),
            expected_hits: 100,
        })
    }

    fn ceiling(&mut self, case: &Case) -> Option<f64> {
        (case.threads > 1).then_some(5000.0)
    }
}

fn plan(threads: &[usize], samples: usize) -> Plan {
    let case = |threads: &usize| Case {
        puzzle: &KnownPuzzle::all()[0],
        kernel: Kernel::by_name("reference").unwrap(),
        threads: *threads,
    };
    Plan {
        cases: threads.iter().map(case).collect(),
        sample_length: Duration::from_secs(1),
        samples,
        warm_up: Duration::from_millis(250),
    }
}

fn run_mock(plan: &Plan, mock: &mut Mock) -> Run {
    let cancel = mock
        .cancel_at
        .as_ref()
        .map_or(Cancel::new(), |(_, cancel)| cancel.clone());
    run(plan, mock, &cancel, &mut |_, _| {}).unwrap()
}

fn quiet() -> Context {
    Context {
        processors: 4,
        quota_processors: None,
        load_average: Some(0.1),
        usage: None,
    }
}

fn kinds(rows: &[Row], context: &Context) -> Vec<&'static str> {
    warnings(rows, context)
        .iter()
        .map(|warning| warning.kind)
        .collect()
}

#[test]
fn cases_take_turns_and_each_round_begins_elsewhere() {
    let plan = plan(&[1, 2, 3], 2);
    let mut mock = Mock::new(|threads, _| 1000 * threads as u64);
    let mut steps = Vec::new();
    let measured = run(&plan, &mut mock, &Cancel::new(), &mut |done, of| {
        steps.push((done, of))
    })
    .unwrap();
    let warm_ups = [(1, 0), (2, 0), (3, 0)];
    assert_eq!(
        mock.calls,
        [&warm_ups[..], &warm_ups[..], &[(1, 50), (2, 50), (3, 50)]].concat()
    );
    assert_eq!(measured.ending, Ending::Done);
    assert_eq!(
        measured.rows[1].rates(),
        [2000.0, 2000.0],
        "warm-ups are not counted"
    );
    assert_eq!(
        measured
            .rows
            .iter()
            .map(|row| row.ceilings.len())
            .collect::<Vec<_>>(),
        [0, 2, 2]
    );
    assert_eq!(steps, (1..=9).map(|done| (done, 9)).collect::<Vec<_>>());
    assert_eq!(plan.duration(), Duration::from_millis(6750));
}

#[test]
fn a_single_lost_hit_ends_the_run() {
    let mut mock = Mock::new(|_, _| 1000);
    mock.lost_hits = |call| u64::from(call == 6); // two warm-ups, then the second round's second case
    let measured = run_mock(&plan(&[1, 2], 5), &mut mock);
    assert_eq!(measured.ending, Ending::WrongHits { row: 1 });
    assert_eq!(mock.calls.len(), 6);
    assert_eq!(
        measured.rows[1].samples.last().unwrap().hits,
        99,
        "the evidence is kept"
    );
}

#[test]
fn an_interrupted_sample_is_dropped() {
    let mut mock = Mock::new(|_, _| 1000);
    mock.cancel_at = Some((5, Cancel::new()));
    let measured = run_mock(&plan(&[1, 2], 5), &mut mock);
    assert_eq!(measured.ending, Ending::Interrupted);
    assert_eq!(
        measured
            .rows
            .iter()
            .map(|row| row.samples.len())
            .collect::<Vec<_>>(),
        [1, 1]
    );
}

#[test]
fn a_quiet_machine_gives_no_warnings() {
    let measured = run_mock(
        &plan(&[1, 2], 5),
        &mut Mock::new(|threads, _| 1000 * threads as u64),
    );
    assert_eq!(kinds(&measured.rows, &quiet()), [""; 0]);
}

#[test]
fn each_doubt_is_raised_and_says_what_to_do() {
    let wide = run_mock(
        &plan(&[1], 4),
        &mut Mock::new(|_, call| 1000 + 200 * (call as u64 % 2)),
    );
    assert_eq!(kinds(&wide.rows, &quiet()), ["spread"]);
    let shared = run_mock(
        &plan(&[1, 2], 3),
        &mut Mock::new(|threads, _| 1000 + 100 * threads as u64),
    );
    assert_eq!(kinds(&shared.rows, &quiet()), ["shared-core"]);
    let many = run_mock(&plan(&[8], 3), &mut Mock::new(|_, _| 1000));
    assert_eq!(kinds(&many.rows, &quiet()), ["oversubscribed"]);
    let one = run_mock(&plan(&[2], 3), &mut Mock::new(|_, _| 1000));
    let usage = Usage {
        elapsed_s: 3.0,
        cpu_s: Some(3.0),
        steal_share: Some(0.1),
    };
    let busy = Context {
        processors: 2,
        quota_processors: Some(1.5),
        load_average: Some(1.2),
        usage: Some((usage, 6.0)),
    };
    assert_eq!(kinds(&one.rows, &busy), ["quota", "loaded", "starved", "stolen"]);
    assert!(
        warnings(&one.rows, &busy)
            .iter()
            .all(|warning| !warning.advice.is_empty())
    );
}
