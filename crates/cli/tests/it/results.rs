//! The committed results: every raw file is valid under its schema, right, and listed in the index.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

fn results() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results")
}

/// Holds every raw file of a results folder against its schema; returns how many there are.
fn check(folder: &Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let raw: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        crate::common::validate(&raw);
        assert_eq!(raw["status"], "done", "{}", path.display());
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert_eq!(raw["schema"], format!("paydirt.{name}/1"), "{}", path.display());
        for sample in raw["rows"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|row| row["samples"].as_array().unwrap())
        {
            assert_eq!(sample["hits"], sample["expected_hits"], "{}", path.display());
        }
        let day = raw["machine"]["date"].as_str().unwrap()[..10].to_owned();
        let folder_name = folder.file_name().unwrap().to_str().unwrap();
        assert!(
            folder_name.starts_with(&day),
            "{} was measured on {day}",
            path.display()
        );
        for ending in ["md", "csv", "svg"] {
            let beside = path.with_extension(ending);
            assert!(beside.is_file(), "{} belongs to it", beside.display());
        }
        files += 1;
    }
    files
}

#[test]
fn every_committed_result_is_valid_and_listed() {
    let index = fs::read_to_string(results().join("README.md")).expect("results/README.md is the index");
    for entry in fs::read_dir(results()).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(check(&path) > 0, "{name} holds no raw results");
        assert!(index.contains(&format!("({name}/")), "{name} is not in the index");
    }
}

/// The check itself: it passes what the program saves, and not what was tampered with.
#[test]
fn a_tampered_result_is_found_out() {
    let parent = std::env::temp_dir().join(format!("paydirt-results-{}", std::process::id()));
    let wanted = parent.join("{date}-{cpu}");
    let saved = wanted.to_str().unwrap();
    for args in [
        format!("bench --seconds 0.02 --samples 2 --threads 1 --save {saved}"),
        format!("compare --bits 4..6 --samples 5 --save {saved}"),
    ] {
        let output = crate::common::paydirt(args);
        assert_eq!(
            crate::common::code(&output),
            0,
            "{}",
            crate::common::stderr(&output)
        );
    }
    let folder = fs::read_dir(&parent).unwrap().next().unwrap().unwrap().path();
    let files = check(&folder);
    let raw = folder.join("bench.json");
    let text = fs::read_to_string(&raw).unwrap();
    let fails = |tampered: String| {
        fs::write(&raw, tampered).unwrap();
        std::panic::catch_unwind(|| check(&folder)).is_err()
    };
    let more_hits = text.replacen("\"hits\":", "\"hits\":1", 1);
    let found = [
        fails(more_hits),
        fails(text.replacen("\"mad\":", "\"mud\":", 1)),
        fails(text.replacen("done", "interrupted", 1)),
    ];
    fs::remove_dir_all(&parent).unwrap();
    assert_eq!((files, found), (2, [true; 3]));
}
