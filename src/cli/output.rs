//! Writing results to stdout, and numbers for people.

use std::io::{self, Write as _};

use anyhow::Context as _;
use serde::Serialize;

/// Prints one JSON object as one line.
pub(super) fn json_line(report: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    bytes(&line)
}

/// Prints text as it is.
pub(super) fn text(text: &str) -> anyhow::Result<()> {
    bytes(text.as_bytes())
}

/// Prints bytes as they are. A reader that has gone away is no error, and does not change the exit code.
pub(super) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to stdout")
        }
        _ => Ok(()),
    }
}

/// A hash rate with three significant digits and its unit, as in `31.4 MH/s`.
pub(super) fn rate(hashes_per_second: f64) -> String {
    const UNITS: [&str; 6] = ["H/s", "kH/s", "MH/s", "GH/s", "TH/s", "PH/s"];
    let mut scaled = hashes_per_second;
    let mut unit = 0;
    while scaled >= 999.5 && unit + 1 < UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    let decimals = match scaled {
        s if s >= 99.95 || unit == 0 => 0,
        s if s >= 9.995 => 1,
        _ => 2,
    };
    format!("{scaled:.decimals$} {}", UNITS[unit])
}

/// A span of time with three significant digits and a unit that suits it, as in `1.85 ms` or `3.2 days`.
pub(super) fn seconds(seconds: f64) -> String {
    const MINUTE: f64 = 60.0;
    const HOUR: f64 = 60.0 * MINUTE;
    const DAY: f64 = 24.0 * HOUR;
    const YEAR: f64 = 365.25 * DAY;
    match seconds {
        s if !s.is_finite() => "forever".to_owned(),
        s if s < 1e-3 => format!("{:.0} µs", s * 1e6),
        s if s < 1.0 => format!("{:.3} ms", SignificantDigits(s * 1e3)),
        s if s < 2.0 * MINUTE => format!("{:.3} s", SignificantDigits(s)),
        s if s < 2.0 * HOUR => format!("{:.1} min", s / MINUTE),
        s if s < 2.0 * DAY => format!("{:.1} h", s / HOUR),
        s if s < 2.0 * YEAR => format!("{:.1} days", s / DAY),
        s if s < 1e6 * YEAR => format!("{:.0} years", s / YEAR),
        s => format!("{:.1e} years", s / YEAR),
    }
}

/// Formats with as many significant digits as the precision says.
struct SignificantDigits(f64);

impl std::fmt::Display for SignificantDigits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = self.0.abs().max(1.0).log10() as usize + 1;
        let decimals = f.precision().unwrap_or(3).saturating_sub(whole);
        write!(f, "{:.decimals$}", self.0)
    }
}

/// A whole number with its thousands apart, as in `35,294`.
pub(super) fn thousands(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(rate(31_415_926.0), "31.4 MH/s");
        assert_eq!(rate(999.9), "1.00 kH/s");
        assert_eq!(rate(12.0), "12 H/s");
        assert_eq!(seconds(0.000_25), "250 µs");
        assert_eq!(seconds(0.001_85), "1.85 ms");
        assert_eq!(seconds(75.0), "75.0 s");
        assert_eq!(seconds(86_400.0 * 3.2), "3.2 days");
        assert_eq!(seconds(f64::INFINITY), "forever");
        assert_eq!(thousands(35_294), "35,294");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1u128 << 64), "18,446,744,073,709,551,616");
    }
}
