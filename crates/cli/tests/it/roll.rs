//! `--roll-version`: headers searched over bits of their version too.

use crate::common::{assert_refused, code, json, json_all, paydirt, stdout};
use serde_json::{Value, json};

const GENESIS: &str = concat!(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3",
    "888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"
);
/// Two version bits make four versions, of which the first is the header's own; each nonce stands for one of them.
const GENESIS_NONCE: u64 = 2_083_236_893 * 4;

#[test]
fn the_first_block_of_bitcoin_is_one_of_four_versions() {
    let args = format!("mine --header {GENESIS} --roll-version 00000006 --start 8332000001 --count 1000000");
    let report = json(&paydirt(format!("{args} --json")));
    assert_eq!(report["nonce"], json!(GENESIS_NONCE));
    assert_eq!(report["nonce_text"], "1dac2b7c");
    assert_eq!(report["version"], 1);
    assert_eq!(report["header_nonce"], 2_083_236_893);
    assert_eq!(report["message_hex"], GENESIS);
    let text = paydirt(&args);
    assert!(
        stdout(&text).contains("header      version 00000001, nonce 2083236893"),
        "{}",
        stdout(&text)
    );
}

#[test]
fn verify_reads_version_and_nonce_out_of_the_header_or_the_claim() {
    let args = format!("verify --header {GENESIS} --roll-version 00000006");
    let own = json(&paydirt(format!("{args} --json")));
    assert_eq!(own["valid"], true);
    assert_eq!(own["nonce"], json!(GENESIS_NONCE));
    let claimed = GENESIS_NONCE.to_string();
    assert_eq!(code(&paydirt(format!("{args} {claimed}"))), 0);
    let next = (GENESIS_NONCE + 1).to_string();
    let output = paydirt(format!("{args} {next} --json"));
    assert_eq!(code(&output), 1);
    let other = json(&output);
    assert_eq!(other["version"], 3);
    assert_eq!(other["header_nonce"], 2_083_236_893);
    assert_refused(format!("{args} 17179869184"), &["NONCE", "17179869183"]);
}

fn field<'v>(report: &'v Value, name: &str) -> &'v str {
    report[name].as_str().unwrap()
}

#[test]
fn every_kernel_and_thread_count_finds_the_same_header_and_it_is_a_plain_solution() {
    let info = json(&paydirt("info --json"));
    let mut answers = Vec::new();
    let kernels = info["kernels"].as_array().unwrap();
    for kernel in kernels.iter().filter(|k| k["self_test"] == true) {
        for threads in ["1", "3"] {
            let report = json(&paydirt(format!(
                "mine --header {GENESIS} --roll-version 1fffe000 --bits 15 --start 12345678901235 --kernel {} --threads {threads} --json",
                field(kernel, "name")
            )));
            let found = |name: &str| report[name].clone();
            answers.push(["nonce", "version", "header_nonce", "message_hex"].map(found));
        }
    }
    assert!(answers.len() >= 4 && answers.iter().all(|answer| *answer == answers[0]));
    let [_, version, header_nonce, message] = &answers[0];
    let version = version.as_u64().unwrap() as u32;
    assert_eq!(version & !0x1fff_e000, 1, "all other bits are the header's");
    let message = message.as_str().unwrap();
    assert_eq!(message[..8], hex::encode(version.to_le_bytes()));
    assert_eq!(message[8..152], GENESIS[8..152]);
    let plain = json(&paydirt(format!("verify --header {message} --bits 15 --json")));
    assert_eq!((&plain["valid"], &plain["nonce"]), (&json!(true), header_nonce));
}

#[test]
fn every_solution_carries_its_version() {
    let args = format!("mine --header {GENESIS} --roll-version 1fffe000 --bits 6 --count 1001 --find all");
    let report = json_all(&paydirt(format!("{args} --json")));
    assert_eq!(report["hashes"], 1001);
    let solutions = report["solutions"].as_array().unwrap();
    assert!(solutions.len() > 3, "about 16 are to be expected");
    let text = paydirt(&args);
    for solution in solutions {
        let (nonce, header_nonce) = (solution["nonce"].as_u64().unwrap(), &solution["header_nonce"]);
        let version = 1 + (nonce % 128) * 0x2000;
        assert_eq!(
            (&solution["version"], header_nonce),
            (&json!(version), &json!(nonce / 128))
        );
        let line = format!("{nonce} (version {version:08x}, nonce {header_nonce})");
        assert!(stdout(&text).contains(&line), "{line}");
    }
}

#[test]
fn the_fields_are_there_only_where_the_version_is_rolled() {
    let fields = |args: &str| {
        let report = json(&paydirt(format!("{args} --bits 250 --count 5 --json")));
        ["version", "header_nonce"].map(|name| report.get(name).cloned())
    };
    assert_eq!(fields(&format!("mine --header {GENESIS}")), [None, None]);
    let rolled = fields(&format!("mine --header {GENESIS} --roll-version 00000001"));
    assert_eq!(rolled, [Some(Value::Null), Some(Value::Null)]);
    let plain = json(&paydirt(format!("verify --header {GENESIS} --json")));
    assert!(plain.get("version").is_none() && plain.get("header_nonce").is_none());
}

#[test]
fn the_space_ends_where_the_mask_says() {
    let last = |mask: &str, start: &str| {
        let args = format!("mine --header {GENESIS} --bits 250 --json");
        let report = json(&paydirt(format!("{args} --roll-version {mask} --start {start}")));
        report["hashes"].clone()
    };
    assert_eq!(last("1fffe000", "281474976710000"), 656);
    assert_eq!(last("ffffffff", "18446744073709551000"), 616);
    assert_eq!(last("80000000", "8589934591"), 1);
    let past = format!("mine --header {GENESIS} --roll-version 80000000 --start 8589934592");
    assert_refused(&past, &["--start", "8589934592", "8589934591"]);
}

#[test]
fn what_cannot_be_rolled_is_refused() {
    for mask in ["1fffe00", "0x1fffe00", "", "zzzzzzzz", "+1fffe00"] {
        assert_refused(
            format!("mine --header {GENESIS} --roll-version '{mask}'"),
            &["--roll-version", "8 hex digits", "1fffe000"],
        );
    }
    assert_refused(
        format!("mine --header {GENESIS} --roll-version 00000000"),
        &["--roll-version '00000000'", "no bits", "1fffe000"],
    );
    for command in ["mine", "verify"] {
        assert_refused(
            format!("{command} --text x --bits 4 --roll-version 1fffe000"),
            &["--roll-version", "needs --header", "--text"],
        );
    }
}

#[test]
fn shards_merge_under_the_name_of_the_rolled_puzzle() {
    let shard = |shard: &str, roll: &str| {
        let args = format!("mine --header {GENESIS} --bits 8 --count 3001 --find all --json --shard {shard}");
        paydirt(format!("{args} {roll}"))
    };
    let rolled = "--roll-version 1fffe000";
    let parts = [shard("0/2", rolled), shard("1/2", rolled)];
    let other = shard("1/2", "--roll-version 1fffc000");
    let name = |part| json_all(part)["puzzle_id"].clone();
    assert_ne!(name(&parts[1]), name(&other));
    assert_ne!(name(&parts[1]), name(&shard("1/2", "")));
    let folder = std::env::temp_dir().join(format!("paydirt-roll-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let files = ["0", "1"].map(|name| folder.join(name).to_str().unwrap().to_owned());
    for (file, part) in files.iter().zip(&parts) {
        std::fs::write(file, &part.stdout).unwrap();
    }
    let merged = json(&paydirt(format!("merge --json {} {}", files[0], files[1])));
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(merged["hashes"], 3001);
    let solutions = merged["solutions"].as_array().unwrap();
    assert!(!solutions.is_empty());
    for name in ["nonce", "version", "header_nonce"] {
        assert!(merged[name].is_number(), "{name}");
        assert_eq!(merged[name], solutions[0][name]);
    }
}
