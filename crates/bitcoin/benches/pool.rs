//! How quick `paydirt pool` is, with a pool of its own on this machine.
//!
//! | what | from | to |
//! |---|---|---|
//! | job | the pool writes a clean `mining.notify` | the loop begins the new job, all threads having left the old one |
//! | share | the oracle has confirmed it | its line is written |
//! | line | a line of `mining.notify` goes into the client | the old job's handles are pulled and the new one is there to be taken |
//! | rate | hashes in `pool`, over those of a plain search with the same kernel, threads and mask | |

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use paydirt::{Cancel, Find, Goal, Header, Miner, Puzzle, Search, Target};
use paydirt_bitcoin::stratum::{Action, Client, Login, Pool, Work};
use paydirt_jobs::{Event, Job, JobSlot, JobSource, Share, drive};
use serde_json::{Value, json};

const JOBS: usize = 300;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let miner = Miner::new();
    println!("kernel {}, threads {}", miner.kernel().name(), miner.threads());
    lines();
    jobs(&miner);
    shares(&miner);
    rates(&miner);
}

/// A connection of the pool's side, greeted; the answers go on by themselves.
fn pool_side(listener: &TcpListener, difficulty: f64) -> TcpStream {
    let (socket, _) = listener.accept().unwrap();
    socket.set_nodelay(true).unwrap();
    let mut writing = socket.try_clone().unwrap();
    let (greeted, ready) = mpsc::channel();
    let mut answering = socket.try_clone().unwrap();
    thread::spawn(move || {
        for line in BufReader::new(socket).lines().map_while(Result::ok) {
            let request: Value = serde_json::from_str(&line).unwrap();
            let result = match request["method"].as_str().unwrap() {
                "mining.configure" => json!({"version-rolling": true, "version-rolling.mask": "1fffe000"}),
                "mining.subscribe" => json!([[], "01020304", 8]),
                _ => json!(true),
            };
            let answer = json!({"id": request["id"], "result": result, "error": null});
            if writeln!(answering, "{answer}").is_err() {
                return;
            }
            if request["method"] == "mining.extranonce.subscribe" {
                greeted.send(()).unwrap();
            }
        }
    });
    ready.recv().unwrap();
    let set = json!({"id": null, "method": "mining.set_difficulty", "params": [difficulty]});
    writeln!(writing, "{set}").unwrap();
    writing
}

/// A job's line, of a block with some thousand transactions.
fn notification(id: usize) -> String {
    let branch: Vec<_> = (0..12).map(|level| format!("{level:02x}").repeat(32)).collect();
    let (before, after) = ("01".repeat(60), "02".repeat(120));
    let params = json!([
        id.to_string(),
        "00".repeat(32),
        before,
        after,
        branch,
        "20000000",
        "1d00ffff",
        "504e86b9",
        true
    ]);
    json!({"id": null, "method": "mining.notify", "params": params}).to_string()
}

fn notify(socket: &mut TcpStream, id: usize) {
    let line = format!("{}\n", notification(id));
    socket.write_all(line.as_bytes()).unwrap();
}

/// What the program itself takes for a job's line, without sockets and other threads.
fn lines() {
    let login = Arc::new(login());
    let mut client = Client::new(login, 1, "pool", Arc::default());
    client.begin(Duration::ZERO);
    for greeting in [
        r#"{"id":1,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000"}}"#,
        r#"{"id":2,"result":[[],"01020304",8]}"#,
        r#"{"id":3,"result":true}"#,
    ] {
        client.line(greeting.as_bytes(), Duration::ZERO);
    }
    let slot = JobSlot::default();
    let times = (0..10_000).map(|id| {
        let line = notification(id);
        let begun = Instant::now();
        for action in client.line(line.as_bytes(), Duration::ZERO) {
            if let Action::Mine { job, .. } = action {
                slot.post_clean(job);
            }
        }
        let job = slot.wait(None, &Cancel::new()).expect("one was posted");
        (job.header)(0);
        assert_eq!(job.id, id as u64 + 1);
        begun.elapsed()
    });
    print("line: read, new job and its first header there", times.collect());
}

fn login() -> Login {
    Login {
        user: "me".to_owned(),
        password: "x".to_owned(),
        agent: "paydirt/bench".to_owned(),
        suggest_difficulty: None,
    }
}

fn connected(wanted: Option<u64>) -> (TcpListener, Pool) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("stratum+tcp://{}", listener.local_addr().unwrap());
    let pool = Pool::new(vec![url.parse().unwrap()], None, login(), wanted, |_| {});
    pool.start().unwrap();
    (listener, pool)
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let part = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{what}: median {:.3} ms, 90 % {:.3} ms, 99 % {:.3} ms ({} times)",
        part(0.5),
        part(0.9),
        part(0.99),
        times.len()
    );
}

fn jobs(miner: &Miner) {
    let (listener, pool) = connected(None);
    let cancel = Cancel::new();
    let (begun, began) = mpsc::channel();
    let begun = Mutex::new(begun);
    let times = thread::scope(|threads| {
        threads.spawn(|| {
            drive(miner, &pool, &cancel, &|event| {
                if let Event::Started(job) = event {
                    let begun = begun.lock().unwrap();
                    begun.send((job.origin.job_id().text(), Instant::now())).unwrap();
                }
            })
        });
        let mut socket = pool_side(&listener, 1e9);
        let times = (0..JOBS).map(|id| {
            thread::sleep(Duration::from_millis(10));
            let sent = Instant::now();
            notify(&mut socket, id);
            let began = began.iter().find(|(began, _)| *began == id.to_string());
            began.unwrap().1 - sent
        });
        let times = times.skip(1).collect();
        cancel.cancel();
        times
    });
    pool.finish(Duration::ZERO);
    print("job: line written by the pool, new job begun", times);
}

/// The pool, with a stopwatch.
struct Timed(Pool, Mutex<Vec<Duration>>);

impl JobSource for Timed {
    type Origin = Arc<Work>;

    fn job(&self, used_up: Option<u64>, cancel: &Cancel) -> Option<Arc<Job<Arc<Work>>>> {
        self.0.job(used_up, cancel)
    }

    fn submit(&self, job: &Job<Arc<Work>>, share: &Share) -> Result<(), String> {
        let found = Instant::now();
        let sent = self.0.submit(job, share);
        self.1.lock().unwrap().push(found.elapsed());
        sent
    }
}

fn shares(miner: &Miner) {
    let (listener, pool) = connected(Some(500));
    let timed = Timed(pool, Mutex::default());
    thread::scope(|threads| {
        threads.spawn(|| drive(miner, &timed, &Cancel::new(), &|_| {}));
        let mut socket = pool_side(&listener, 1e-4);
        notify(&mut socket, 0);
    });
    assert!(timed.0.tally().accepted >= 500, "{:?}", timed.0.tally());
    timed.0.finish(Duration::ZERO);
    print("share: found, line written", timed.1.into_inner().unwrap());
}

fn rates(miner: &Miner) {
    let (listener, pool) = connected(None);
    let puzzle = Puzzle::header_with_goal(&Header::from_bytes([7; 80]), Goal::AtMost(Target::ZERO));
    let puzzle = puzzle.roll_version(0x1fff_e000).unwrap();
    let mut socket = None;
    let mut shares = Vec::new();
    for id in 0..ROUNDS {
        let plain = miner
            .mine(&Search::new(&puzzle).find(Find::All).timeout(ROUND))
            .hashes_per_second();
        let cancel = Cancel::new();
        let in_pool = thread::scope(|threads| {
            let driven = threads.spawn(|| drive(miner, &pool, &cancel, &|_| {}));
            notify(socket.get_or_insert_with(|| pool_side(&listener, 1e9)), id);
            thread::sleep(ROUND);
            cancel.cancel();
            driven.join().unwrap()
        });
        let in_pool = in_pool.hashes_per_second().unwrap();
        println!(
            "rate: plain {:.2} MH/s, in pool {:.2} MH/s: {:.4}",
            plain / 1e6,
            in_pool / 1e6,
            in_pool / plain
        );
        shares.push(in_pool / plain);
    }
    pool.finish(Duration::ZERO);
    shares.sort_by(f64::total_cmp);
    println!("rate: median {:.4} of a plain search's", shares[ROUNDS / 2]);
}
