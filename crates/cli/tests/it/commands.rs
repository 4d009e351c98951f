//! The small commands, verify, info, completions and man, and what all commands have in common.

use crate::common::{assert_refused, code, json, paydirt, stderr, stdout};

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
