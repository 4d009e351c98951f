//! What it costs to drive paydirt from another program, measured from outside, through real pipes and processes:
//!
//! - **latency**: from a job line written to its result line read, one job at a time, for puzzles that nonce 0 solves.
//!   Goal: median below 1 ms over 10,000 jobs;
//! - **throughput**: such jobs through one pipe, written as fast as it takes them. Goal: at least 5,000 a second;
//! - **grind**: a whole `paydirt grind` process on a header that takes 270,000 hashes. Goal: below 15 ms on 2 cores.
//!
//! `cargo bench --bench driving`. With `BITCOIN_UTIL=/path/to/bitcoin-util` the original grinds the same header in turn.
//! Every answer is checked; under `cargo test`, a few jobs do.

use std::{
    ffi::OsString,
    io::{BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// How much is measured.
struct Plan {
    latency_jobs: usize,
    throughput_jobs: usize,
    grinds: usize,
}

fn main() {
    // `cargo bench` says so; `cargo test` only wants to know whether it works.
    let plan = match std::env::args().any(|argument| argument == "--bench") {
        true => Plan {
            latency_jobs: 10_000,
            throughput_jobs: 50_000,
            grinds: 101,
        },
        false => Plan {
            latency_jobs: 20,
            throughput_jobs: 200,
            grinds: 3,
        },
    };
    let info = Command::new(PAYDIRT)
        .args(["info", "--json"])
        .output()
        .expect("it runs");
    let info: Value = serde_json::from_slice(&info.stdout).expect("JSON");
    println!(
        "paydirt {}, kernel {}, {} logical processors",
        info["version"], info["kernel"], info["logical_processors"]
    );
    latency(plan.latency_jobs);
    throughput(plan.throughput_jobs);
    grind(plan.grinds);
}

const PAYDIRT: &str = env!("CARGO_BIN_EXE_paydirt");

struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

fn worker() -> Worker {
    let mut child = Command::new(PAYDIRT)
        .arg("work")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    Worker {
        input: child.stdin.take().expect("piped"),
        output: BufReader::new(child.stdout.take().expect("piped")),
        child,
    }
}

/// A job whose every nonce is a solution: nonce 0 is the answer.
fn job(id: usize) -> String {
    format!("{{\"id\":{id},\"puzzle\":{{\"text\":\"job {id} \"}},\"goal\":{{\"bits\":0}}}}\n")
}

/// Reads up to the next result and checks it.
fn read_result(output: &mut impl std::io::BufRead, id: usize, line: &mut String) {
    loop {
        line.clear();
        output.read_line(line).expect("UTF-8");
        // Parsing each line would measure the parser of the benchmark.
        if line.contains("\"type\":\"result\"") {
            assert!(line.contains(&format!("\"id\":{id},")), "{line}");
            assert!(
                line.contains("\"status\":\"found\"") && line.contains("\"nonce\":0,"),
                "{line}"
            );
            return;
        }
        assert!(line.contains("\"type\":\"accepted\""), "{line}");
    }
}

fn latency(jobs: usize) {
    let Worker {
        mut child,
        mut input,
        mut output,
    } = worker();
    let mut line = String::new();
    let mut measure = |id| {
        let job = job(id);
        let begun = Instant::now();
        input.write_all(job.as_bytes()).expect("it reads");
        read_result(&mut output, id, &mut line);
        begun.elapsed()
    };
    for warm_up in 0..100 {
        measure(warm_up);
    }
    let mut times: Vec<_> = (0..jobs).map(measure).collect();
    drop(input);
    assert!(child.wait().expect("it ends").success());
    report(
        &format!("latency of {jobs} jobs, one at a time"),
        &mut times,
        "goal: median below 1 ms",
    );
}

fn throughput(jobs: usize) {
    let Worker {
        mut child,
        mut input,
        mut output,
    } = worker();
    let begun = Instant::now();
    let writer = std::thread::spawn(move || {
        for id in 0..jobs {
            input.write_all(job(id).as_bytes()).expect("it reads");
        }
    });
    let mut line = String::new();
    for id in 0..jobs {
        read_result(&mut output, id, &mut line);
    }
    let elapsed_s = begun.elapsed().as_secs_f64();
    writer.join().expect("it writes");
    assert!(child.wait().expect("it ends").success());
    println!(
        "throughput of {jobs} jobs, one pipe, a write each: {:.0} jobs a second (goal: at least 5,000)",
        jobs as f64 / elapsed_s
    );
}

/// A header whose lowest solution is the nonce below: 271,689 hashes.
const HEADER: &str = "0000002000000000000000000000000000000000000000000000000000000000000000003a0000000000000000000000000000000000000000000000000000000000000000f15365ffff3f1e00000000";
const NONCE: u32 = 271_688;

fn grind(runs: usize) {
    let peer = std::env::var_os("BITCOIN_UTIL");
    let solved = format!("{}{}\n", &HEADER[..152], hex::encode(NONCE.to_le_bytes()));
    let run = |program: &OsString| {
        let begun = Instant::now();
        let output = Command::new(program)
            .args(["grind", HEADER])
            .output()
            .expect("it runs");
        let elapsed = begun.elapsed();
        assert!(output.status.success() && output.stderr.is_empty());
        (elapsed, String::from_utf8(output.stdout).expect("hex"))
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let (elapsed, answer) = run(&PAYDIRT.into());
        assert_eq!(answer, solved, "the lowest nonce");
        ours.push(elapsed);
        if let Some(peer) = &peer {
            theirs.push(run(peer).0); // its nonce need not be the lowest
        }
    }
    let what = format!("grind of {} hashes, whole process, {runs} runs", NONCE + 1);
    report(&what, &mut ours, "goal: median below 15 ms on 2 cores");
    if !theirs.is_empty() {
        report("the same, bitcoin-util", &mut theirs, "for comparison");
    }
}

fn report(what: &str, times: &mut [Duration], goal: &str) {
    times.sort_unstable();
    let share = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{what}: median {:.3} ms, 10 % {:.3} ms, 90 % {:.3} ms, 99 % {:.3} ms ({goal})",
        share(0.5),
        share(0.1),
        share(0.9),
        share(0.99)
    );
}
