//! Any bytes as results for `paydirt merge`, and true results of three shards with any change made to one of them: what is
//! refused is refused in one line, what is merged states solutions only.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use paydirt::{
    Find, Goal, Header, Miner, Puzzle, Search, Target,
    record::{MineRecord, Shard, merge, puzzle_id},
};
use serde_json::Value;

/// A search, and its shards' results as they are printed.
struct Known {
    puzzle: Puzzle,
    shards: Vec<Value>,
}

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let goal = |bits| Goal::at_most(Target::from_leading_zero_bits(bits).expect("below 256"));
    let header = Puzzle::header_with_goal(&Header::from_bytes([0x20; 80]), goal(8.0));
    let rolled = header
        .clone()
        .roll_version(0x00e0_0000)
        .expect("a header, and bits");
    let wanted = header.hash(300);
    [
        (Puzzle::text("100", goal(8.0)), Find::Lowest),
        (Puzzle::text("100", goal(6.5)), Find::All),
        (Puzzle::text("x", goal(7.0)), Find::First),
        (rolled, Find::All),
        (header.with_goal(Goal::Equals(wanted)), Find::Lowest),
    ]
    .into_iter()
    .map(|(puzzle, find)| {
        let miner = Miner::new();
        let whole = puzzle.nonce_space().part(10, 500).expect("inside");
        let shard = |index| {
            let range = whole.shard(index, 3).expect("three");
            let outcome = miner.mine(&Search::new(&puzzle).range(range).find(find));
            let record = MineRecord::new(&puzzle, find, &outcome).with_shard(index, 3, whole);
            let mut value = serde_json::to_value(record).expect("JSON");
            value["schema"] = MineRecord::SCHEMA.into();
            value
        };
        let shards = (0..3).map(shard).collect();
        Known { puzzle, shards }
    })
    .collect()
});

/// RFC 7396: fields of `patch` replace those of `value`; null takes them away.
fn change(value: &mut Value, patch: Value) {
    match (value, patch) {
        (Value::Object(fields), Value::Object(patch)) => {
            for (name, patch) in patch {
                match patch {
                    Value::Null => drop(fields.remove(&name)),
                    patch => change(fields.entry(name).or_insert(Value::Null), patch),
                }
            }
        }
        (value, patch) => *value = patch,
    }
}

fn check(lines: &[u8], puzzle: &Puzzle) {
    let problem = match paydirt_cli::check_results(lines) {
        Err(problem) => problem,
        Ok(()) => {
            let results = lines
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.trim_ascii().is_empty());
            let results = results.filter_map(|line| serde_json::from_slice(line).ok());
            let shards = results
                .map(|record| Shard {
                    source: String::new(),
                    record,
                })
                .collect();
            let Ok(merged) = merge(shards, None) else {
                return; // lines of `paydirt work` were passed over, and are no results
            };
            if merged.puzzle_id == puzzle_id(puzzle) {
                assert!(merged.nonce.is_none_or(|nonce| puzzle.is_solved_by(nonce)));
                let mut all = merged.solutions.iter().flatten();
                assert!(all.all(|solution| {
                    let hash = puzzle.hash(solution.nonce).display(puzzle.byte_order());
                    puzzle.is_solved_by(solution.nonce) && hash == solution.hash
                }));
            }
            return;
        }
    };
    assert!(
        !problem.is_empty() && !problem.contains('\n') && problem.len() < 2000,
        "{problem}"
    );
}

fuzz_target!(|bytes: &[u8]| {
    let Some((place, rest)) = bytes.split_first() else {
        return;
    };
    let known = &KNOWN[usize::from(*place) % KNOWN.len()];
    check(rest, &known.puzzle);
    let Ok(patch) = serde_json::from_slice(rest) else {
        return;
    };
    let mut shards = known.shards.clone();
    change(&mut shards[usize::from(*place) / KNOWN.len() % 3], patch);
    let lines: String = shards.iter().map(|shard| format!("{shard}\n")).collect();
    check(lines.as_bytes(), &known.puzzle);
});
