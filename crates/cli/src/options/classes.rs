//! Hash rates by name: who may come to solve a puzzle.
//!
//! *In:* `classes.json`, a line of figures for each class, and where each comes from: a file of `results/`, or what somebody
//! published. *Out:* the [`Class`] of a name. Figures are for texts of one block, as the puzzles of `compare` are, unless
//! the class says otherwise.

use std::sync::OnceLock;

use serde::Deserialize;

/// A kind of machine or program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Class {
    /// What `--rate` calls it.
    pub(crate) name: String,
    /// What it is, in a line.
    pub(crate) what: String,
    /// Its rate in hashes per second.
    pub(crate) hashes_per_second: f64,
    /// Where that figure comes from.
    pub(crate) source: String,
}

impl Class {
    /// All there are, the slowest first.
    pub(crate) fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Class>> = OnceLock::new();
        ALL.get_or_init(|| {
            serde_json::from_str(include_str!("classes.json")).expect("the file in the program is right")
        })
    }

    /// The one of this name.
    pub(crate) fn by_name(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|class| class.name == name)
    }

    /// Their names, as in "python, gpu, asic".
    pub(crate) fn names() -> String {
        let names: Vec<_> = Self::all().iter().map(|class| class.name.as_str()).collect();
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_a_rate_and_a_source_that_is_there() {
        let all = Class::all();
        assert!(
            all.is_sorted_by(|a, b| a.hashes_per_second < b.hashes_per_second),
            "the slowest first"
        );
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for class in all {
            assert!(class.hashes_per_second > 0.0, "{class:?}");
            assert!(class.what.len() <= 48, "a line of help: {class:?}");
            // A name is no number with a unit, and stands in lists.
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(
                class.name.starts_with(|c: char| c.is_ascii_lowercase()) && class.name.chars().all(plain)
            );
            match class.source.strip_prefix("measured: ") {
                Some(file) => assert!(root.join(file).is_file(), "{class:?}"),
                None => assert!(class.source.contains("https://"), "{class:?}"),
            }
        }
    }

    #[test]
    fn the_page_about_difficulties_shows_each() {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/difficulty.md");
        let page = std::fs::read_to_string(page).unwrap();
        for class in Class::all() {
            let rate = crate::render::numbers::rate(class.hashes_per_second);
            let (kind, source) = class.source.split_once(": ").unwrap();
            let place = if kind == "measured" { "../" } else { "" };
            let row = format!(
                "| `{}` | {rate} | {} | [{kind}]({place}{source}) |",
                class.name, class.what
            );
            assert!(page.contains(&row), "docs/difficulty.md lacks {row}");
        }
    }

    /// Rates of kernels are those of the results that they name, to the three digits that are given.
    #[test]
    fn kernels_are_as_fast_as_their_results_say() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let benched = |class: &&Class| class.source.ends_with("/bench.json");
        assert!(Class::all().iter().filter(benched).count() >= 5);
        for class in Class::all().iter().filter(benched) {
            let (kernel, file) = (
                class.name.as_str(),
                class.source.strip_prefix("measured: ").unwrap(),
            );
            let report = std::fs::read_to_string(root.join(file)).unwrap();
            let report: serde_json::Value = serde_json::from_str(&report).unwrap();
            let rows = report["rows"].as_array().unwrap();
            let row = rows
                .iter()
                .find(|row| row["kernel"] == kernel && row["puzzle"] == "text" && row["threads"] == 1)
                .unwrap();
            let mut rates: Vec<f64> = (row["samples"].as_array().unwrap().iter())
                .map(|sample| sample["hashes_per_processor_second"].as_f64().unwrap())
                .collect();
            rates.sort_by(f64::total_cmp);
            let median = (rates[(rates.len() - 1) / 2] + rates[rates.len() / 2]) / 2.0;
            let off = class.hashes_per_second / median - 1.0;
            assert!(off.abs() < 0.005, "{class:?}: {median}");
        }
    }
}
