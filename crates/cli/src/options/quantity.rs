//! Quantities with units on the command line: `1.5GH/s`, `500ms`.

use std::time::Duration;

use crate::options::input::number;
use paydirt_measure::compare::NamedRate;

const RATE_HELP: &str = "is no hash rate; give a number above 0 with a unit, as in 1.5GH/s or phone=2MH/s";
const TIME_HELP: &str =
    "is no length of time; give a number above 0 with a unit, as in 500ms, 2s, 10min, 1h, 3d or 1y";

/// A hash rate, named or not: `1.5GH/s`, `phone=2MH/s`. Without a name it is called as it is written.
pub(crate) fn named_rate(text: &str) -> Result<NamedRate, String> {
    let (name, figure) = match text.rsplit_once('=') {
        Some((name, figure)) if !name.trim().is_empty() => (name.trim(), figure),
        Some(_) => return Err("has no name before '='; give one, as in phone=2MH/s".to_owned()),
        None => (text.trim(), text),
    };
    Ok(NamedRate {
        name: name.to_owned(),
        hashes_per_second: hashes_per_second(figure)?,
    })
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
        _ => return Err(RATE_HELP.to_owned()),
    };
    above_zero(figure, factor).ok_or_else(|| RATE_HELP.to_owned())
}

/// A time in seconds; without a unit the number is seconds.
pub(crate) fn time_s(text: &str) -> Result<f64, String> {
    let (figure, unit) = split(text);
    let factor = match unit {
        "ns" => 1e-9,
        "us" | "µs" | "μs" => 1e-6,
        "ms" => 1e-3,
        "" | "s" => 1.0,
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
        .ok_or_else(|| "is no length of a sample; give seconds above 0, at most 86400, as in 0.5".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn times() {
        for (text, seconds) in [
            ("500ms", 0.5),
            ("2", 2.0),
            ("1.5 min", 90.0),
            ("3µs", 3e-6),
            ("1h", 3600.0),
            ("2y", 63_115_200.0),
        ] {
            let parsed = time_s(text).unwrap();
            assert!((parsed / seconds - 1.0).abs() < 1e-12, "{text}: {parsed}");
        }
        for bad in ["", "ms", "0s", "-1s", "1 fortnight", "1e400s"] {
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
