//! `paydirt grind` against the contract of `bitcoin-util grind`, to the byte.

use std::fmt::Display;

use crate::common::{code, command, paydirt, stderr, stdout};
use paydirt::{Header, Puzzle};

/// The first block of Bitcoin up to its nBits.
const START: &str = concat!(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3",
    "888a51323a9fb8aa4b1e5e4a29ab5f49"
);

fn header(nbits: &str, rest: &str) -> String {
    format!("{START}{nbits}{rest}")
}

#[track_caller]
fn assert_ground(argument: &str, expected: &str) {
    let output = paydirt(format!("grind {argument}"));
    assert_eq!(
        (code(&output), stdout(&output), stderr(&output)),
        (0, format!("{expected}\n").as_str(), "")
    );
}

#[track_caller]
fn assert_refused(arguments: impl Display, message: &str) {
    let output = paydirt(format!("grind {arguments}"));
    assert_eq!(
        (code(&output), stdout(&output), stderr(&output)),
        (1, "", format!("{message}\n").as_str()),
        "{arguments}"
    );
}

/// The lowest nonce by the oracle, one after the other.
fn lowest(text: &str) -> String {
    let header = Header::from_hex(&text[..160]).unwrap();
    let puzzle = Puzzle::header(&header).unwrap();
    let nonce = (0..=u32::MAX)
        .find(|nonce| puzzle.is_solved_by((*nonce).into()))
        .unwrap();
    hex::encode(header.with_nonce(nonce).to_bytes())
}

#[test]
fn the_lowest_nonce_from_zero() {
    for nbits in ["ffff7f20", "ffff3f20", "ffff001f"] {
        let text = header(nbits, "00000000");
        assert_ground(&text, &lowest(&text));
    }
}

#[test]
fn either_case_any_nonce_and_trailing_bytes() {
    let solved = lowest(&header("ffff0020", "00000000"));
    assert_ground(&header("ffff0020", "ffffffff"), &solved);
    assert_ground(&header("ffff0020", "00000000").to_uppercase(), &solved);
    assert_ground(&header("ffff0020", "00000000abcdef"), &solved);
}

#[test]
fn what_is_no_header() {
    let message = "Could not decode block header";
    let good = header("ffff7f20", "00000000");
    for bad in [
        "",
        "zz",
        "00",
        &good[..158],
        &good[..159],
        &format!("{good}a"),
        &format!("{good}zz"),
        &format!(" {good}"),
        &format!("0x{good}"),
        "-x",
        "--",
        "ä",
    ] {
        assert_refused(format!("'{bad}'"), message);
    }
}

#[test]
fn what_is_not_one_argument() {
    let message = "Must specify block header to grind";
    let good = header("ffff7f20", "00000000");
    assert_refused("", message);
    assert_refused(format!("{good} {good}"), message);
    assert_refused(format!("-- {good}"), message);
    assert_refused("'' ''", message);
}

#[test]
fn targets_that_cannot_be_met() {
    let message = "Could not satisfy difficulty target";
    for nbits in [
        "00000000", "ffff0000", "01008003", "ffff801d", "ffffff20", "ffff7f21", "000001ff",
    ] {
        assert_refused(header(nbits, "00000000"), message);
    }
}

#[test]
fn help_is_help() {
    for help in ["--help", "-h"] {
        let output = paydirt(format!("grind {help}"));
        assert_eq!(code(&output), 0);
        assert!(stdout(&output).contains("Examples:"));
    }
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let output = command("grind")
        .arg(std::ffi::OsStr::from_bytes(b"\xff\xfe"))
        .output()
        .unwrap();
    assert_eq!(
        (code(&output), stderr(&output)),
        (1, "Could not decode block header\n")
    );
}
