//! The values of `bench` and `compare`: thread counts `1,2,4` and `1..all`, difficulty levels `12..24:0.5`, hash rates
//! `1.5GH/s`, times `500ms`.
//!
//! *In:* the text of an option. *Out:* its numbers, in the units that their names say. Both ends of a range belong to it.

use std::{ops::RangeInclusive, time::Duration};

use crate::options::{
    classes::Class,
    values::{number, one_or_more},
};
use paydirt_measure::compare::NamedRate;

/// More levels than this are surely a slip.
const MOST_LEVELS: usize = 10_000;

/// Numbers of threads: a list of numbers and ranges; `all` (or `N`) is `processors`. Ascending, each once.
pub(crate) fn threads(text: &str, processors: usize) -> Result<Vec<usize>, String> {
    let one = |text: &str| {
        match text {
        "all" | "N" => Ok(processors),
        _ => one_or_more(text)
            .ok()
            .filter(|count| *count <= paydirt::most_threads())
            .ok_or_else(|| {
                format!(
                    "not a list of thread counts; give numbers from 1 to {}, ranges or all, as in 1,2,4 or 1..all",
                    paydirt::most_threads()
                )
            }),
    }
    };
    let mut list = Vec::new();
    for part in text.split(',') {
        match part.split_once("..") {
            None => list.push(one(part)?),
            Some((first, last)) => {
                let (first, last) = (one(first)?, one(last)?);
                if first > last {
                    return Err(format!(
                        "the range {first}..{last} runs backwards; give the lower end first"
                    ));
                }
                list.extend(first..=last);
            }
        }
    }
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

/// Numbers, possibly fractional: a list of numbers and ranges FIRST..LAST (in steps of one) or FIRST..LAST:STEP.
pub(crate) fn levels(text: &str) -> Result<Vec<f64>, String> {
    let help = "not a list of levels; give numbers or ranges, as in 8,12,16 or 12..24 or 12..24:0.5";
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
                "the step {step} is not above 0; give one that is, as in 12..24:0.5"
            ));
        }
        if first > last {
            return Err(format!(
                "the range {first}..{last} runs backwards; give the lower end first"
            ));
        }
        // A little more than the quotient: 12..13:0.1 shall reach 13 although 0.1 is not exact.
        let steps = ((last - first) / step + 1e-9).floor();
        if steps + list.len() as f64 >= MOST_LEVELS as f64 {
            return Err(format!("more than {MOST_LEVELS} levels; take larger steps"));
        }
        // Rounded to a millionth so that 12 + 3 · 0.1 is 12.3.
        list.extend((0..=steps as usize).map(|i| ((first + i as f64 * step) * 1e6).round() / 1e6));
    }
    Ok(list)
}

/// Rates that somebody may have, in hashes per second: beyond them times and costs would leave what a float can hold.
const RATES: RangeInclusive<f64> = 1e-9..=1e40;
/// The same for prices an hour.
const PRICES: RangeInclusive<f64> = 1e-20..=1e20;

const TIME_HELP: &str =
    "not a length of time; give a number above 0 with a unit, as in 500ms, 2s, 10min, 1h, 3d or 1y";

/// A hash rate, named or not: `1.5GH/s`, `phone=2MH/s`, a class such as `python`, or so many of either: `farm=100*gpu`.
/// Without a name it is called as it is written.
pub(crate) fn named_rate(text: &str) -> Result<NamedRate, String> {
    let (name, figure) = named(text, "phone=2MH/s")?;
    let figure = figure.trim();
    let (count, one) = match figure.split_once('*') {
        None => (1.0, figure),
        Some((count, one)) => {
            let count = above_zero(count.trim(), 1.0);
            (count.ok_or_else(rate_help)?, one.trim())
        }
    };
    let class = Class::by_name(one);
    let rate = match class {
        Some(class) => class.hashes_per_second,
        None => hashes_per_second(one)?,
    };
    let all = count * rate;
    Ok(NamedRate {
        name: name.unwrap_or(figure).to_owned(),
        hashes_per_second: RATES.contains(&all).then_some(all).ok_or_else(rate_help)?,
        source: class.map(|class| format!("{}; {}", class.what, class.source)),
        price_per_hour: None,
    })
}

/// What comes before the last `=`, if there is one, and what comes after it.
fn named<'t>(text: &'t str, example: &str) -> Result<(Option<&'t str>, &'t str), String> {
    match text.rsplit_once('=') {
        Some((name, figure)) if !name.trim().is_empty() => Ok((Some(name.trim()), figure)),
        Some(_) => Err(format!("there is no name before '='; give one, as in {example}")),
        None => Ok((None, text)),
    }
}

fn rate_help() -> String {
    format!(
        "not a hash rate; give a number above 0 with a unit, as in 1.5GH/s or phone=2MH/s, or one of {}",
        Class::names()
    )
}

fn hashes_per_second(text: &str) -> Result<f64, String> {
    let (figure, unit) = split(text);
    let unit = unit.to_lowercase();
    let prefix = unit.strip_suffix("h/s").unwrap_or(&unit);
    let factor = match prefix {
        "" => 1.0,
        "k" => 1e3,
        "m" => 1e6,
        "g" => 1e9,
        "t" => 1e12,
        "p" => 1e15,
        "e" => 1e18,
        _ => return Err(rate_help()),
    };
    above_zero(figure, factor).ok_or_else(rate_help)
}

/// What an hour of a machine costs, and whose price that is if it says so: `0.10/h`, `server=2.40/d`.
pub(crate) fn price(text: &str) -> Result<(Option<&str>, f64), String> {
    let help =
        "not a price; give an amount above 0 and what it is for, as in 0.10/h, 2.40/d or server=0.10/h";
    let (name, price) = named(text, "server=0.10/h")?;
    let (amount, unit) = price.split_once('/').ok_or(help)?;
    let hours = match unit.trim() {
        "s" => 1.0 / 3600.0,
        "min" => 1.0 / 60.0,
        "h" => 1.0,
        "d" => 24.0,
        "y" => 365.25 * 24.0,
        _ => return Err(help.to_owned()),
    };
    let an_hour = above_zero(amount.trim(), 1.0 / hours).filter(|price| PRICES.contains(price));
    Ok((name, an_hour.ok_or(help)?))
}

/// A time in seconds. A number without a unit could be anything from milliseconds on, so it is asked for one.
pub(crate) fn time_s(text: &str) -> Result<f64, String> {
    let (figure, unit) = split(text);
    if unit.is_empty() && number(figure).is_ok() {
        return Err(format!(
            "{figure} of what? give a unit, as in {figure}ms or {figure}s"
        ));
    }
    let factor = match unit {
        "ns" => 1e-9,
        "us" | "µs" | "μs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        "y" => 365.25 * 86_400.0,
        _ => return Err(TIME_HELP.to_owned()),
    };
    above_zero(figure, factor).ok_or_else(|| TIME_HELP.to_owned())
}

/// The figure and its unit.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let digits = |c: char| c.is_ascii_digit() || ".+-".contains(c);
    // An exponent belongs to the figure: 1e9, but not the E of 1EH/s.
    let mut end = text.len() - text.trim_start_matches(digits).len();
    if let Some(rest) = text[end..].strip_prefix(['e', 'E'])
        && rest.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-')
    {
        end = text.len() - rest.trim_start_matches(digits).len();
    }
    (text[..end].trim(), text[end..].trim())
}

fn above_zero(figure: &str, factor: f64) -> Option<f64> {
    let value = number(figure).ok()? * factor;
    (value > 0.0 && value.is_finite()).then_some(value)
}

/// Seconds, above 0, that fit a timer.
pub(crate) fn sample_length(text: &str) -> Result<Duration, String> {
    let length = Duration::try_from_secs_f64(number(text)?).ok();
    length
        .filter(|length| !length.is_zero() && *length <= Duration::from_secs(86_400))
        .ok_or_else(|| "not a length for a sample; give seconds above 0, at most 86400, as in 0.5".to_owned())
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

    #[test]
    fn rates_with_and_without_names() {
        for (text, name, rate) in [
            ("1.5GH/s", "1.5GH/s", 1.5e9),
            ("phone=2MH/s", "phone", 2e6),
            ("a = b=250 kh/s", "a = b", 250e3),
            ("1e9", "1e9", 1e9),
            ("1e3kH/s", "1e3kH/s", 1e6),
            ("2E", "2E", 2e18),
            ("3EH/s", "3EH/s", 3e18),
            ("7", "7", 7.0),
        ] {
            let parsed = named_rate(text).unwrap();
            assert_eq!(
                (parsed.name.as_str(), parsed.hashes_per_second),
                (name, rate),
                "{text}"
            );
        }
        for bad in [
            "", "H/s", "0MH/s", "-1MH/s", "1XH/s", "=1MH/s", "phone=", "nan", "inf", "1e999", "1 2",
        ] {
            assert!(named_rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn classes_and_numbers_of_them() {
        let parsed = |text: &str| named_rate(text).map(|rate| (rate.name, rate.hashes_per_second));
        let python = Class::by_name("python").unwrap().hashes_per_second;
        assert_eq!(parsed("python"), Ok(("python".to_owned(), python)));
        assert_eq!(parsed("visitor=python"), Ok(("visitor".to_owned(), python)));
        assert_eq!(
            parsed("farm=100*gpu"),
            Ok(("farm".to_owned(), 100.0 * 21_975.5e6))
        );
        assert_eq!(parsed("8 * 2MH/s"), Ok(("8 * 2MH/s".to_owned(), 16e6)));
        assert!(named_rate("gpu").unwrap().source.unwrap().contains("https://"));
        assert_eq!(named_rate("1MH/s").unwrap().source, None);
        for bad in [
            "pythons",
            "0*gpu",
            "-1*gpu",
            "*gpu",
            "2*",
            "2*2*gpu",
            "1e308*asic",
            "Python",
        ] {
            let problem = named_rate(bad).unwrap_err();
            assert!(problem.contains("browser-js"), "{bad}: {problem}");
        }
    }

    #[test]
    fn prices() {
        for (text, name, an_hour) in [
            ("0.10/h", None, 0.1),
            ("gpu=2.40/d", Some("gpu"), 0.1),
            ("a=b= 1 / min", Some("a=b"), 60.0),
            ("8766/y", None, 1.0),
            ("0.001/s", None, 3.6),
        ] {
            let (of, price) = price(text).unwrap();
            assert_eq!(of, name, "{text}");
            assert!((price / an_hour - 1.0).abs() < 1e-12, "{text}: {price}");
        }
        for bad in [
            "",
            "0.10",
            "/h",
            "0/h",
            "-1/h",
            "1/fortnight",
            "=1/h",
            "nan/h",
            "inf/h",
            "1e400/h",
            "$1/h",
            "1/h/h",
        ] {
            assert!(price(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times() {
        for (text, seconds) in [
            ("500ms", 0.5),
            ("2s", 2.0),
            ("1.5 min", 90.0),
            ("3µs", 3e-6),
            ("1h", 3600.0),
            ("2y", 63_115_200.0),
        ] {
            let parsed = time_s(text).unwrap();
            assert!((parsed / seconds - 1.0).abs() < 1e-12, "{text}: {parsed}");
        }
        for bad in ["", "ms", "0s", "-1s", "1 fortnight", "1e400s", "500"] {
            assert!(time_s(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn samples_have_a_length() {
        assert_eq!(sample_length("0.25"), Ok(Duration::from_millis(250)));
        for bad in ["0", "-1", "1e99", "x", "1e-12"] {
            assert!(sample_length(bad).is_err(), "{bad}");
        }
    }
}
