//! What may be tried, and in which order.

use std::{fmt, path::Path};

use paydirt_codegen::{Tuning, hybrid, sha_ni};

use crate::{
    Arguments, Kernel, Shape, kernels,
    race::{Runner, race},
};

/// Searches, and prints the best.
pub fn search(arguments: &Arguments) -> Result<(), String> {
    let lacks = |what: &str| Err(format!("this processor lacks {what}, which this kernel needs"));
    let sha = is_x86_feature_detected!("sha") && is_x86_feature_detected!("ssse3");
    let avx512 = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
    match arguments.kernel {
        Kernel::Hybrid if !sha || !is_x86_feature_detected!("avx512vl") => {
            lacks("AVX-512VL or the SHA instructions")
        }
        Kernel::Hybrid => staged(
            arguments,
            hybrid::Tuning::general(),
            &hybrid_stages(arguments.shape),
            kernels::hybrid,
        ),
        Kernel::Avx512 if !avx512 => lacks("AVX-512"),
        Kernel::Avx512 => staged(
            arguments,
            Tuning::avx512(),
            &vector_stages(&LAGS),
            kernels::avx512,
        ),
        Kernel::Avx2 if !is_x86_feature_detected!("avx2") => lacks("AVX2"),
        Kernel::Avx2 => staged(arguments, Tuning::avx2(), &vector_stages(&[0]), kernels::avx2),
        Kernel::ShaNi if !sha => lacks("the SHA instructions"),
        Kernel::ShaNi => {
            let lanes: Stage<sha_ni::Tuning> =
                Box::new(|_| (1..=3).map(|lanes| sha_ni::Tuning { lanes }).collect());
            staged(arguments, sha_ni::Tuning::shipped(), &[lanes], kernels::sha_ni)
        }
    }
}

const LAGS: [usize; 12] = [0, 1, 3, 5, 7, 9, 11, 13, 15, 18, 21, 28];
const SLACKS: [f64; 8] = [0.0, 0.1, 0.2, 0.3, 0.45, 0.6, 1.0, 2.0];

/// Slack and lag, the lead, and the first two again.
fn vector_stages(lags: &'static [usize]) -> Vec<Stage<Tuning>> {
    let order = || -> Stage<Tuning> {
        Box::new(move |tuning| {
            let pairs = SLACKS
                .into_iter()
                .flat_map(|slack| lags.iter().map(move |lag| (slack, *lag)));
            pairs
                .map(|(slack, lag)| Tuning { slack, lag, ..tuning })
                .collect()
        })
    };
    let lead: Stage<Tuning> = Box::new(|tuning| [1, 2].map(|ahead| Tuning { ahead, ..tuning }).into());
    vec![order(), lead, order()]
}

/// All values of some parameters, the others as they are.
type Stage<T> = Box<dyn Fn(T) -> Vec<T>>;

fn hybrid_stages(shape: Shape) -> Vec<Stage<hybrid::Tuning>> {
    let chunks = || -> Stage<hybrid::Tuning> {
        Box::new(move |tuning| {
            let pairs = (1..=10).flat_map(|a| (1..=10).map(move |b| (a, b)));
            pairs
                .map(|(rounds, schedule)| match shape {
                    Shape::Roll => hybrid::Tuning {
                        roll_rounds_chunk: rounds,
                        roll_schedule_chunk: schedule,
                        ..tuning
                    },
                    _ => hybrid::Tuning {
                        rounds_chunk: rounds,
                        schedule_chunk: schedule,
                        ..tuning
                    },
                })
                .collect()
        })
    };
    let registers = || -> Stage<hybrid::Tuning> {
        Box::new(|tuning| {
            let pairs = [8, 9, 10, 16]
                .into_iter()
                .flat_map(|words| (1..=7).map(move |messages| (words, messages)));
            let mut all: Vec<_> = pairs
                .map(|(words_in_registers, messages)| hybrid::Tuning {
                    words_in_registers,
                    messages,
                    ..tuning
                })
                .collect();
            all.retain(|tuning| tuning.is_possible());
            all
        })
    };
    vec![registers(), chunks(), registers(), chunks()]
}

/// Each stage begins with the best of the one before.
fn staged<T: Copy + fmt::Display + PartialEq + 'static>(
    arguments: &Arguments,
    shipped: T,
    stages: &[Stage<T>],
    runner: impl Fn(T, Shape, &Path, usize) -> Result<Runner<T>, String>,
) -> Result<(), String> {
    let folder =
        tempfile::tempdir().map_err(|error| format!("cannot make a folder for the code: {error}"))?;
    let mut best = shipped;
    let mut number = 0;
    let mut last = 0.0;
    for (i, stage) in stages.iter().enumerate() {
        let mut candidates = stage(best);
        let all = candidates.len();
        if let Some(most) = arguments.at_most.filter(|most| *most < all) {
            let mut at = 0;
            candidates.retain(|_| {
                at += 1;
                at * most / all != (at - 1) * most / all
            });
        }
        // What is shipped runs along, to be compared with.
        for known in [shipped, best] {
            if !candidates.contains(&known) {
                candidates.push(known);
            }
        }
        eprintln!(
            "stage {} of {}: {} candidates",
            i + 1,
            stages.len(),
            candidates.len()
        );
        let mut runners = Vec::new();
        for candidate in candidates {
            number += 1;
            runners.push(runner(candidate, arguments.shape, folder.path(), number)?);
        }
        let ranking = race(runners, |left| eprintln!("  {left} left"));
        let of_shipped = ranking.iter().find(|runner| runner.what == shipped);
        let of_shipped = of_shipped.map_or(f64::NAN, |runner| runner.hashes_per_second);
        for runner in ranking.iter().take(arguments.show) {
            let values = runner.what.to_string();
            let values: Vec<_> = values.lines().collect();
            eprintln!(
                "  {:8.2} MH/s  {:.3} of the shipped  {}",
                runner.hashes_per_second / 1e6,
                runner.hashes_per_second / of_shipped,
                values.join(", ")
            );
        }
        best = ranking[0].what;
        last = ranking[0].hashes_per_second;
    }
    println!(
        "# {:?}, {:?}: {:.2} MH/s of one thread, by processor time, on {}.",
        arguments.kernel,
        arguments.shape,
        last / 1e6,
        processor()
    );
    print!("{best}");
    Ok(())
}

/// The processor's name, as the system says it.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    match (field("model name"), field("cpu family"), field("model\t")) {
        (Some(name), Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        _ => "an unknown processor".to_owned(),
    }
}
