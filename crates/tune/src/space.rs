//! What may be tried, and in which order.

use std::fmt;

use paydirt_codegen::hybrid::{self, Ending, Entry, LANES, Tuning, memory};

use crate::{
    Arguments, Kernel, Shape,
    candidate::{Code, Memory},
    race::{Runner, race},
};

/// Searches, and prints the best.
pub fn search(arguments: &Arguments) -> Result<(), String> {
    match arguments.kernel {
        Kernel::Hybrid => {
            if !(is_x86_feature_detected!("sha") && is_x86_feature_detected!("avx512vl")) {
                return Err(
                    "this processor lacks the SHA instructions or AVX-512VL, which `hybrid` needs".to_owned(),
                );
            }
            staged(arguments, Tuning::general(), &hybrid_stages(), hybrid_runner)
        }
    }
}

/// All values of some parameters, the others as they are.
type Stage<T> = Box<dyn Fn(T) -> Vec<T>>;

fn hybrid_stages() -> Vec<Stage<Tuning>> {
    let chunks = || -> Stage<Tuning> {
        Box::new(|tuning| {
            let pairs = (1..=10).flat_map(|a| (1..=10).map(move |b| (a, b)));
            pairs
                .map(|(rounds_chunk, schedule_chunk)| Tuning {
                    rounds_chunk,
                    schedule_chunk,
                    ..tuning
                })
                .collect()
        })
    };
    let others: Stage<Tuning> = Box::new(|tuning| {
        let mut all = Vec::new();
        for words_in_registers in [8, 9, 10, 16] {
            for messages in 1..=7 {
                for ternary in [false, true] {
                    all.push(Tuning {
                        words_in_registers,
                        messages,
                        ternary,
                        ..tuning
                    });
                }
            }
        }
        all.retain(|tuning| tuning.is_possible());
        all
    });
    vec![chunks(), others, chunks()]
}

/// Each stage begins with the best of the one before.
fn staged<T: Copy + fmt::Display + PartialEq + 'static>(
    arguments: &Arguments,
    shipped: T,
    stages: &[Stage<T>],
    runner: impl Fn(T, Shape, &std::path::Path, usize) -> Result<Runner<T>, String>,
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

fn hybrid_runner(
    tuning: Tuning,
    shape: Shape,
    folder: &std::path::Path,
    number: usize,
) -> Result<Runner<Tuning>, String> {
    let ending = Ending::Big;
    let (entry, more) = match shape {
        Shape::Header => (Entry::Header, 3),
        Shape::Roll => (Entry::Roll, 2),
        Shape::Text => (Entry::Block { first: 2, ending }, 1),
        Shape::LateText => (Entry::Block { first: 11, ending }, 1),
    };
    let program = hybrid::generate_some("hybrid", tuning, &[entry]);
    let code = Code::load(&program.assembly(".L"), folder, &format!("hybrid{number}"))?;
    let periods = memory::BATCHES + more;
    // After what the program knows of: a nonce's sums and a batch of versions.
    let (sums, versions) = (memory::BYTES, memory::BYTES + 256);
    let mut memory = Memory::new(versions + LANES * memory::VERSION.stride);
    memory.put(memory::PERIODS.offset, periods as u64);
    let addresses = [sums, versions].map(|at| memory.address(at));
    Ok(Runner {
        what: tuning,
        hashes_per_second: 0.0,
        run: Box::new(move || {
            if shape == Shape::Roll {
                // The top words of the last call stand in their place.
                for batch in 0..periods {
                    let at = memory::WORDS.offset + (memory::MARGIN + batch) * memory::WORDS.stride;
                    memory.put(at, addresses[0]);
                    memory.put(at + 8, addresses[1]);
                }
            }
            code.call(&mut memory, [entry.index() as u64, 0, 0]);
            (memory::BATCHES * LANES) as u64
        }),
    })
}
