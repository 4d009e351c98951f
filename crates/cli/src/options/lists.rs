//! Lists and ranges on the command line: `1,2,4`, `1..8`, `12..24:0.5`, `all`.
//!
//! Both ends of a range belong to it.

use crate::options::input::{number, whole_number};

/// More entries than this are surely a slip.
const MOST_ENTRIES: usize = 10_000;

/// Numbers of threads: a list of numbers and ranges; `all` (or `N`) is `processors`. Ascending, each once.
pub(crate) fn threads(text: &str, processors: usize) -> Result<Vec<usize>, String> {
    let one = |text: &str| match text {
        "all" | "N" => Ok(processors),
        _ => whole_number::<usize>(text)
            .and_then(|threads| match threads {
                0 => Err("is none".to_owned()),
                count if count > paydirt::MAX_THREADS => Err(format!("is above {}", paydirt::MAX_THREADS)),
                count => Ok(count),
            })
            .map_err(|_| threads_help()),
    };
    let mut list = Vec::new();
    for part in text.split(',') {
        match part.split_once("..") {
            None => list.push(one(part)?),
            Some((first, last)) => {
                let (first, last) = (one(first)?, one(last)?);
                if first > last {
                    return Err(format!("has a range {first}..{last} that runs backwards"));
                }
                list.extend(first..=last);
            }
        }
    }
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

fn threads_help() -> String {
    format!(
        "is no list of thread counts; give numbers from 1 to {}, ranges or all, as in 1,2,4 or 1..all",
        paydirt::MAX_THREADS
    )
}

/// Numbers, possibly fractional: a list of numbers and ranges FIRST..LAST (in steps of one) or FIRST..LAST:STEP.
pub(crate) fn levels(text: &str) -> Result<Vec<f64>, String> {
    let help = "is no list of levels; give numbers or ranges, as in 8,12,16 or 12..24 or 12..24:0.5";
    let one = |text: &str| number(text.trim()).map_err(|_| help.to_owned());
    let mut list = Vec::new();
    for part in text.split(',') {
        let Some((first, rest)) = part.split_once("..") else {
            list.push(one(part)?);
            continue;
        };
        let (last, step) = rest.split_once(':').unwrap_or((rest, "1"));
        let (first, last, step) = (one(first)?, one(last)?, one(step)?);
        if step <= 0.0 {
            return Err(format!(
                "has a step of {step}; it must be above 0, as in 12..24:0.5"
            ));
        }
        if first > last {
            return Err(format!("has a range {first}..{last} that runs backwards"));
        }
        // A little more than the quotient: 12..13:0.1 shall reach 13 although 0.1 is not exact.
        let steps = ((last - first) / step + 1e-9).floor();
        if steps + list.len() as f64 >= MOST_ENTRIES as f64 {
            return Err(format!("has more than {MOST_ENTRIES} levels; take larger steps"));
        }
        // Rounded to a millionth so that 12 + 3 · 0.1 is 12.3.
        list.extend((0..=steps as usize).map(|i| ((first + i as f64 * step) * 1e6).round() / 1e6));
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thread_counts() {
        assert_eq!(threads("1", 8), Ok(vec![1]));
        assert_eq!(threads("4,1..3,2", 8), Ok(vec![1, 2, 3, 4]));
        assert_eq!(threads("1,all", 1), Ok(vec![1]));
        assert_eq!(threads("6..N", 8), Ok(vec![6, 7, 8]));
        for bad in ["", "0", "1,", "1..", "3..2", "4097", "1...3", "x", "-1"] {
            assert!(threads(bad, 8).is_err(), "{bad}");
        }
    }

    #[test]
    fn difficulty_levels() {
        assert_eq!(levels("12..15"), Ok(vec![12.0, 13.0, 14.0, 15.0]));
        assert_eq!(levels("1..2:0.5,20.25"), Ok(vec![1.0, 1.5, 2.0, 20.25]));
        assert_eq!(levels("12..13:0.1").unwrap()[3], 12.3);
        assert_eq!(levels("12..13:0.1").unwrap().len(), 11);
        assert_eq!(levels("3..3"), Ok(vec![3.0]));
        for bad in [
            "", "12..", "..12", "5..4", "1..2:0", "1..2:-1", "1..2:x", "1..1e9", "nan", "0..inf",
        ] {
            assert!(levels(bad).is_err(), "{bad}");
        }
    }
}
