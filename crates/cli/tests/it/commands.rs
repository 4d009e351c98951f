//! The small commands, verify, info, completions and man, and what all commands have in common.

use crate::common::{assert_refused, code, json, json_all, paydirt, stderr, stdout};

const GENESIS: &str = concat!(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3",
    "888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"
);

#[test]
fn a_right_nonce_is_valid() {
    let output = paydirt("verify --text 100 --hex-zeros 4 35293 --json");
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    let report = json(&output);
    assert_eq!(report["valid"], true);
    assert_eq!(report["reason"], serde_json::Value::Null);
}

#[test]
fn a_wrong_nonce_is_not_and_says_why() {
    let output = paydirt("verify --text 100 --hex-zeros 4 35292 --json");
    assert_eq!(code(&output), 1);
    let report = json(&output);
    assert_eq!(report["valid"], false);
    assert!(report["reason"].as_str().unwrap().contains("above the target"));
    let output = paydirt("verify --text 100 --hex-zeros 4 35292");
    assert!(stdout(&output).starts_with("not valid"));
}

#[test]
fn a_header_brings_its_own_nonce() {
    let report = json(&paydirt(format!("verify --header {GENESIS} --json")));
    assert_eq!(report["valid"], true);
    assert_eq!(report["nonce"], 2_083_236_893u32);
    assert_eq!(
        report["hash"],
        "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
    );
    assert_eq!(code(&paydirt(format!("verify --header {GENESIS} 7"))), 1);
}

#[test]
fn what_cannot_be_a_claim_is_refused() {
    assert_refused("verify --text 1 --bits 4", &["NONCE", "needed"]);
    assert_refused("verify --text 1 --bits 4 -1", &["NONCE", "-1", "digits"]);
    assert_refused(
        "verify --text 1 --bits 4 --nonce dec:2 100",
        &["NONCE", "100", "99"],
    );
}

#[test]
fn info_names_every_kernel_and_the_one_that_auto_takes() {
    let report = json(&paydirt("info --json"));
    let kernels = report["kernels"].as_array().unwrap();
    let names: Vec<_> = kernels.iter().map(|k| k["name"].as_str().unwrap()).collect();
    assert!(
        names
            .iter()
            .eq(paydirt::Kernel::all().iter().map(|kernel| &kernel.name))
    );
    let chosen = kernels.iter().find(|k| k["name"] == report["kernel"]).unwrap();
    assert_eq!(
        (&chosen["detected"], &chosen["self_test"]),
        (&true.into(), &true.into())
    );
    let fast = |k: &&serde_json::Value| {
        k["self_test"] == true && k["name"] != "portable" && k["name"] != "reference"
    };
    if kernels.iter().filter(fast).count() > 1 {
        let chosen = report["chosen"]
            .as_array()
            .expect("there was something to choose");
        let puzzles: Vec<_> = chosen.iter().map(|one| one["puzzle"].as_str().unwrap()).collect();
        assert_eq!(puzzles, ["header", "header, versions rolled", "text"]);
        assert_eq!(chosen[0]["kernel"], report["kernel"]);
        assert!(
            chosen
                .iter()
                .all(|one| one["rates"][0]["kernel"] == one["kernel"])
        );
        assert!(stdout(&paydirt("info")).contains("header, versions rolled"));
    } else {
        assert!(report.get("chosen").is_none());
    }
    let version = paydirt("--version");
    assert!(
        stdout(&version).contains("kernels detected: "),
        "{}",
        stdout(&version)
    );
}

/// A claimed nonce in each form that `mine` prints it in.
#[test]
fn verify_takes_what_mine_prints() {
    for puzzle in [
        "--text 100 --hex-zeros 3",
        "--template '{nonce}!' --nonce dec:12 --bits 9",
        "--template 'a{nonce}' --nonce hex:8 --bits 9",
        "--template 'a{nonce}' --nonce HEX:20 --bits 9",
        "--template-hex '00{nonce}' --nonce u32le --bits 9",
        "--template-hex '00{nonce}' --nonce u32be --bits 9",
        "--template-hex '00{nonce}' --nonce u64le --bits 9",
        "--template-hex '00{nonce}ff' --nonce u64be --bits 9",
    ] {
        let mined = json(&paydirt(format!("mine {puzzle} --json")));
        for form in ["nonce_decimal", "nonce_text"] {
            let claim = mined[form].as_str().unwrap();
            let verified = json(&paydirt(format!("verify {puzzle} --json {claim}")));
            assert_eq!(verified["valid"], true, "{puzzle} {claim}");
            for field in ["nonce", "nonce_decimal", "nonce_text", "hash"] {
                assert_eq!(verified[field], mined[field], "{puzzle} {claim}");
            }
        }
    }
}

/// Digits that can be both are the number, unless only the other reading solves the puzzle.
#[test]
fn a_claim_of_two_readings_is_the_number_first() {
    let puzzle = "--template 'a{nonce}' --nonce hex:4";
    let all = json_all(&paydirt(format!("mine {puzzle} --bits 6 --find all --json")));
    let of = |text: &str| {
        let (number, stands) = (
            text.parse::<u64>().unwrap(),
            u64::from_str_radix(text, 16).unwrap(),
        );
        let solves = |nonce: u64| {
            all["solutions"]
                .as_array()
                .unwrap()
                .iter()
                .any(|s| s["nonce"] == nonce)
        };
        (solves(number), solves(stands), number, stands)
    };
    let mut seen = [false; 2];
    for text in (1000..9999).map(|number: u32| number.to_string()) {
        let (number_solves, text_solves, number, stands) = of(&text);
        let (case, expected) = match (number_solves, text_solves) {
            (true, false) => (0, number),
            (false, true) => (1, stands),
            _ => continue,
        };
        if !std::mem::replace(&mut seen[case], true) {
            let verified = json(&paydirt(format!("verify {puzzle} --bits 6 --json {text}")));
            assert_eq!(
                (&verified["valid"], &verified["nonce"]),
                (&true.into(), &expected.into())
            );
        }
    }
    assert_eq!(seen, [true; 2]);
    // Neither solves it: what the digits say.
    let verified = json(&paydirt(format!("verify {puzzle} --bits 60 --json 0010")));
    assert_eq!(
        (&verified["valid"], &verified["nonce"]),
        (&false.into(), &10.into())
    );
    // With the version rolled the text leaves the version out.
    let header = "0".repeat(160);
    assert_refused(
        format!("verify --header {header} --roll-version 1fffe000 --bits 1 c416000f"),
        &["NONCE", "c416000f", "not a whole number"],
    );
}

#[test]
fn large_numbers_are_written_in_several_ways() {
    for forms in [
        ["--start 35_000", "--start 0x88b8", "--start 3.5e4"],
        ["--count 65_536", "--count 0x10000", "--count 2^16"],
    ] {
        let of = |form: &str| {
            let mined = json(&paydirt(format!("mine --text 100 --hex-zeros 4 {form} --json")));
            (mined["range"].clone(), mined["nonce"].clone())
        };
        assert_eq!(of(forms[0]).1, 35293);
        assert_eq!(of(forms[0]), of(forms[1]));
        assert_eq!(of(forms[0]), of(forms[2]));
    }
    for nonce in ["35_293", "0x89DD", "3.5293e4"] {
        assert_eq!(
            code(&paydirt(format!("verify --text 100 --hex-zeros 4 {nonce}"))),
            0
        );
    }
    assert_eq!(
        stdout(&paydirt("hashtopolis keyspace --text 1 --bits 4 --count 2^20")),
        "1048576\n"
    );
    for bad in ["1__0", "2^", "0x", "1.25e1", "five"] {
        assert_refused(
            format!("mine --text 1 --bits 1 --count {bad}"),
            &["--count", bad, "as in 1000, 1_000, 0x3e8, 2^10 or 1e3"],
        );
    }
}
