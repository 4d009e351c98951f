//! Numbers for people: three significant digits and a unit.

const RATE_UNITS: [&str; 6] = ["H/s", "kH/s", "MH/s", "GH/s", "TH/s", "PH/s"];

/// A hash rate with three significant digits and its unit, as in `31.4 MH/s`.
pub(crate) fn rate(hashes_per_second: f64) -> String {
    let mut scaled = hashes_per_second;
    let mut unit = 0;
    while scaled >= 999.5 && unit + 1 < RATE_UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    let decimals = match scaled {
        s if s >= 99.95 || unit == 0 => 0,
        s if s >= 9.995 => 1,
        _ => 2,
    };
    format!("{scaled:.decimals$} {}", RATE_UNITS[unit])
}

/// What a rolled nonce stands for, as in `version 20006000, nonce 7`; the version in hex, as masks are.
pub(crate) fn rolled(version: u32, header_nonce: u32) -> String {
    format!("version {version:08x}, nonce {header_nonce}")
}

/// The unit that suits a set of rates of which this is the largest, and its size in H/s.
pub(crate) fn rate_unit(largest: f64) -> (&'static str, f64) {
    let power = (largest.max(1.0).log10() / 3.0) as usize;
    let power = power.min(RATE_UNITS.len() - 1);
    (RATE_UNITS[power], 1000f64.powi(power as i32))
}

/// A number with three significant digits, as in `31.4` or `0.00512`; large ones whole, with their thousands apart, very
/// large ones as in `1.61e60`.
pub(crate) fn significant(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude >= 1e15 && number.is_finite() {
        return format!("{number:.2e}");
    }
    if magnitude >= 99.95 || magnitude == 0.0 || !number.is_finite() {
        return thousands(format!("{number:.0}"));
    }
    let decimals = (2.0 - magnitude.log10().floor()).clamp(0.0, 9.0) as usize;
    let rounded = format!("{number:.decimals$}");
    // 9.996 becomes 10.00: a digit too many.
    if rounded
        .parse::<f64>()
        .is_ok_and(|r| r.abs().log10().floor() > magnitude.log10().floor())
    {
        return format!("{number:.*}", decimals.saturating_sub(1));
    }
    rounded
}

/// A span of time with three significant digits and a unit that suits it, as in `1.85 ms` or `3.2 days`.
pub(crate) fn seconds(seconds: f64) -> String {
    const MINUTE: f64 = 60.0;
    const HOUR: f64 = 60.0 * MINUTE;
    const DAY: f64 = 24.0 * HOUR;
    const YEAR: f64 = 365.25 * DAY;
    match seconds {
        s if !s.is_finite() => "forever".to_owned(),
        0.0 => "0 s".to_owned(),
        s if s < 0.0 => format!("-{}", self::seconds(-s)), // a block may be older than its parent
        s if s < 1e-6 => format!("{:.3} ns", SignificantDigits(s * 1e9)),
        s if s < 1e-3 => format!("{:.3} µs", SignificantDigits(s * 1e6)),
        s if s < 1.0 => format!("{:.3} ms", SignificantDigits(s * 1e3)),
        s if s < 2.0 * MINUTE => format!("{:.3} s", SignificantDigits(s)),
        s if s < 2.0 * HOUR => format!("{:.1} min", s / MINUTE),
        s if s < 2.0 * DAY => format!("{:.1} h", s / HOUR),
        s if s < 2.0 * YEAR => format!("{:.1} days", s / DAY),
        s if s < 1e6 * YEAR => format!("{:.0} years", s / YEAR),
        s => format!("{:.1e} years", s / YEAR),
    }
}

/// About how long, in the largest unit of which there is one: `2 h` for anything from two hours to three. The explorer page says
/// it like this.
pub(crate) fn about(seconds: f64) -> String {
    const UNITS: [(f64, &str, &str); 4] = [
        (31_557_600.0, "year", "years"),
        (86_400.0, "day", "days"),
        (3_600.0, "h", "h"),
        (60.0, "min", "min"),
    ];
    let fits = |(length, _, _): &&(f64, &str, &str)| seconds >= *length;
    let (length, one, many) = UNITS.iter().find(fits).copied().unwrap_or((1.0, "s", "s"));
    let count = (seconds / length).floor();
    let unit = if count == 1.0 { one } else { many };
    format!("{} {unit}", thousands(count))
}

/// Like [`seconds`], in eight columns of a terminal at most.
pub(crate) fn short_seconds(seconds: f64) -> String {
    self::seconds(seconds)
        .replace(" days", " d")
        .replace(" years", " y")
}

/// A number of hashes or solutions in seven columns of a terminal at most: `65,536`, `1.05 M`, `1.16e77`.
pub(crate) fn short(number: f64) -> String {
    const UNITS: [(f64, &str); 4] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e5, "k")];
    if number >= 999.5e12 || (number > 0.0 && number < 1e-3) {
        return format!("{number:.2e}");
    }
    for (size, unit) in UNITS {
        // What rounds up to the next unit is said in that.
        if number >= size * 0.9995 {
            let size = if unit == "k" { 1e3 } else { size };
            return format!("{:.3} {unit}", SignificantDigits(number / size));
        }
    }
    significant(number)
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
pub(crate) fn thousands(number: impl ToString) -> String {
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

/// How many of something there are, as in `1 hash` or `35,294 hashes`.
pub(crate) fn counted(count: impl Into<u128>, one: &str, many: &str) -> String {
    match count.into() {
        1 => format!("1 {one}"),
        count => format!("{} {many}", thousands(count)),
    }
}

/// A time as `2024-01-01 00:00:00`, UTC.
pub(crate) fn utc(time_s: u32) -> String {
    let time = jiff::Timestamp::from_second(time_s.into()).expect("any 32 bits are a time before 2107");
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_may_be_negative() {
        for (span, text) in [
            (-60.0, "-60.0 s"),
            (-0.5, "-500 ms"),
            (-7200.0, "-2.0 h"),
            (60.0, "60.0 s"),
        ] {
            assert_eq!(seconds(span), text);
        }
    }

    #[test]
    fn spans_in_round_words() {
        for (span, text) in [
            (0.0, "0 s"),
            (59.9, "59 s"),
            (60.0, "1 min"),
            (3_599.0, "59 min"),
            (7_200.0, "2 h"),
            (10_799.0, "2 h"),
            (86_400.0, "1 day"),
            (216_000.0, "2 days"),
            (31_557_600.0, "1 year"),
            (31_557_600.0 * 81.9, "81 years"),
        ] {
            assert_eq!(about(span), text);
        }
    }

    #[test]
    fn dates() {
        // date -u -d @SECONDS
        for (seconds, date) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_231_006_505, "2009-01-03 18:15:05"),
            (1_704_067_200, "2024-01-01 00:00:00"),
            (u32::MAX, "2106-02-07 06:28:15"),
        ] {
            assert_eq!(utc(seconds), date);
        }
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(rate(31_415_926.0), "31.4 MH/s");
        assert_eq!(rate(999.9), "1.00 kH/s");
        assert_eq!(rate(12.0), "12 H/s");
        assert_eq!(seconds(0.000_25), "250 µs");
        assert_eq!(seconds(0.000_012_34), "12.3 µs");
        assert_eq!(seconds(1.78e-7), "178 ns");
        assert_eq!(seconds(0.001_85), "1.85 ms");
        assert_eq!(seconds(75.0), "75.0 s");
        assert_eq!(seconds(86_400.0 * 3.2), "3.2 days");
        assert_eq!(seconds(f64::INFINITY), "forever");
        assert_eq!(
            [31.415, 9.996, 0.005_123, 0.0, 1234.5, 99.96].map(significant),
            ["31.4", "10.0", "0.00512", "0", "1,234", "100"]
        );
        assert_eq!(rate_unit(2.5e6), ("MH/s", 1e6));
        assert_eq!(rate_unit(0.0), ("H/s", 1.0));
        assert_eq!(
            [
                65_536.0,
                99_940.0,
                1.3e5,
                1_048_576.0,
                9.999e8,
                2.2e12,
                1e16,
                2f64.powi(256),
                0.5,
                1e-5
            ]
            .map(short),
            [
                "65,536", "99,940", "130 k", "1.05 M", "1.00 G", "2.20 T", "1.00e16", "1.16e77", "0.500",
                "1.00e-5"
            ]
        );
        assert_eq!(short_seconds(86_400.0 * 3.2), "3.2 d");
        assert_eq!(short_seconds(5.5e80), "1.7e73 y");
        assert_eq!(thousands(35_294), "35,294");
        assert_eq!(counted(1u64, "hash", "hashes"), "1 hash");
        assert_eq!(counted(0u64, "hash", "hashes"), "0 hashes");
        assert_eq!(counted(1000u64, "block", "blocks"), "1,000 blocks");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1u128 << 64), "18,446,744,073,709,551,616");
    }
}
