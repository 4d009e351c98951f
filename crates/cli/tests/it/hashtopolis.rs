//! `paydirt hashtopolis` as Hashtopolis's agent reads it (hashtopolis/agent-python, `generic_cracker.py`).

use std::fmt::Display;

use crate::common::{assert_refused, code, paydirt, stderr, stdout};

/// A line as the agent takes it.
#[derive(Debug, PartialEq)]
enum Line {
    Status { progress: u32, speed: u64 },
    Hit { puzzle: String, nonce: u64 },
}

/// Reads lines as strictly as the contract has them; the agent itself dies of an empty one.
fn crack(args: impl Display) -> Vec<Line> {
    let output = paydirt(format!("hashtopolis crack {args}"));
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    let read = |line: &str| {
        if let Some(status) = line.strip_prefix("STATUS ") {
            let (progress, speed) = status.split_once(' ').expect("two numbers");
            let (progress, speed) = (progress.parse().unwrap(), speed.parse().unwrap());
            assert!(progress <= 10_000);
            return Line::Status { progress, speed };
        }
        let (puzzle, nonce) = line.rsplit_once(':').expect("puzzle:nonce");
        let (puzzle, nonce) = (puzzle.to_owned(), nonce.parse().unwrap());
        Line::Hit { puzzle, nonce }
    };
    let text = stdout(&output);
    assert!(text.ends_with('\n'));
    let lines: Vec<_> = text.strip_suffix('\n').unwrap().split('\n').map(read).collect();
    for (line, next) in lines.iter().zip(&lines[1..]) {
        let after_a_hit = matches!(next, Line::Status { .. });
        assert!(after_a_hit || !matches!(line, Line::Hit { .. }), "{lines:?}");
        assert!(
            !matches!(line, Line::Status { progress: 10_000, .. }),
            "only the last is the end: {lines:?}"
        );
    }
    assert!(matches!(lines.last(), Some(Line::Status { .. })));
    lines
}

fn hits(lines: &[Line]) -> Vec<(&str, u64)> {
    let hit = |line| match line {
        &Line::Hit { ref puzzle, nonce } => Some((puzzle.as_str(), nonce)),
        Line::Status { .. } => None,
    };
    lines.iter().filter_map(hit).collect()
}

#[test]
fn keyspace_is_one_integer() {
    for (attack, expected) in [
        ("--text 100 --hex-zeros 4 --count 1000000", "1000000\n"),
        ("--template a{nonce}b --nonce hex:5 --bits 3", "1048576\n"),
        ("--nonce u32le --bits 3", "4294967296\n"),
        ("--lines header", "4294967296\n"),
        ("--text x --bits 3 --start 10 --count 90 --shard 1/3", "30\n"),
        ("--text x --bits 3", "9223372036854775807\n"),
    ] {
        let output = paydirt(format!("hashtopolis keyspace {attack}"));
        assert_eq!(
            (code(&output), stdout(&output), stderr(&output)),
            (0, expected, ""),
            "{attack:?}"
        );
    }
}

#[test]
fn a_chunk_with_a_hit_and_one_without() {
    let attack = "--text 100 --hex-zeros 4 --count 1000000";
    let lines = crack(format!("-s 0 -l 50000 {attack}"));
    assert_eq!(hits(&lines), [("100", 35293)]);
    assert!(matches!(
        lines.last(),
        Some(Line::Status {
            progress: 10_000,
            speed: 1..
        })
    ));
    let lines = crack(format!("{attack} -s 0 -l 35293"));
    assert_eq!(hits(&lines), []);
    let lines = crack(format!("-s 35293 -l 1 {attack}"));
    assert_eq!(hits(&lines), [("100", 35293)], "the first nonce of a chunk");
    let lines = crack(format!("-s 35290 -l 4 {attack}"));
    assert_eq!(hits(&lines), [("100", 35293)], "the last nonce of a chunk");
}

#[test]
fn chunks_tile_the_keyspace() {
    let attack = "--text x --bits 6 --count 1000 --start 7 --find all";
    let whole = crack(format!("-s 0 -l 1000 {attack}"));
    let mut parts = Vec::new();
    for skip in (0..1000).step_by(90) {
        let (skip, length) = (skip.to_string(), 90.min(1000 - skip).to_string());
        parts.extend(crack(format!("-s {skip} -l {length} {attack}")));
    }
    assert!(hits(&whole).len() > 3);
    assert_eq!(hits(&parts), hits(&whole));
}

#[test]
fn a_time_limit_ends_with_a_status() {
    // As the agent measures: the limit after the attack, and the share of the chunk that was done.
    let lines = crack("--text x --bits 200 -s 0 -l 9223372036854775807 --timeout=1.2");
    assert_eq!(hits(&lines), []);
    assert!(lines.len() >= 2, "one a second and one at the end: {lines:?}");
    assert!(
        matches!(
            lines.last(),
            Some(Line::Status {
                progress: 0,
                speed: 1..
            })
        ),
        "{lines:?}"
    );
}

#[test]
fn a_file_of_puzzles() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("puzzles.txt");
    std::fs::write(&file, "100\r\n35293\n\n10{nonce}\nwith:colon\n").unwrap();
    let file = file.to_str().unwrap();
    let lines = crack(format!("-s 0 -l 200000 {file} --hex-zeros 4"));
    let found = hits(&lines);
    assert_eq!(found[..2], [("100", 35293), ("35293", 35089)]);
    assert_eq!(found[2].0, "10{nonce}");
    assert!(found.iter().skip(3).all(|(puzzle, _)| *puzzle == "with:colon"));
    // The agent takes the file's name out for the keyspace.
    let output = paydirt("hashtopolis keyspace --hex-zeros 4 --count 200000");
    assert_eq!(stdout(&output), "200000\n");
}

#[test]
fn headers_and_hex_stand_in_hits_as_they_were_given() {
    let header = concat!(
        "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3",
        "888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d00000000"
    );
    let lines = crack(format!("-s 2083236000 -l 1000 --header {header}"));
    assert_eq!(hits(&lines), [(header, 2_083_236_893)]);
    let lines = crack("--template-hex 313030{nonce} --hex-zeros 4");
    assert_eq!(hits(&lines), [("313030{nonce}", 35293)]);
}

#[test]
fn bad_attacks_are_refused() {
    let crack = "hashtopolis crack --text x --bits 3 --count 100";
    assert_refused("hashtopolis crack --bits 3", &["puzzle", "--text"]);
    assert_refused(format!("{crack} -s 101"), &["--skip", "'101'"]);
    assert_refused(
        format!("{crack} -s 50 -l 51"),
        &["--length", "'51'", "at most 50"],
    );
    assert_refused(format!("{crack} -l -1"), &["--length", "-1", "whole number"]);
    assert_refused(
        "hashtopolis crack nowhere.txt --bits 3",
        &["FILE 'nowhere.txt'", "no file"],
    );
    assert_refused("hashtopolis keyspace --text x --bits many", &["--bits", "many"]);
    assert_refused(
        "hashtopolis crack --text 'a\nb' --bits 3",
        &["--text", "line break"],
    );
}
