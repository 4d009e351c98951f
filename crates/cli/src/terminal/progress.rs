//! Progress bars: on stderr, and only when that is a terminal.

use std::{
    io::{IsTerminal as _, Read, stderr},
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal::output::{rate, seconds};
use paydirt::{Find, Progress, Puzzle};

/// How often the bar moves.
pub(crate) const EVERY: Duration = Duration::from_millis(100);

/// The bar's full length; ranges may be longer than any terminal is wide, or than a u64 holds.
const STEPS: u64 = 10_000;

/// Where a search bar stands, and what is said beside it: both fit 80 columns.
const SEARCH_BAR: &str = "{bar:14} {wide_msg}";

/// A bar that shows how likely a search is to be done by now, at what rate it goes, and how long such a puzzle takes on average.
pub(crate) struct SearchBar {
    bar: ProgressBar,
    expected_hashes: f64,
    /// Nonces of the range that an earlier run tested.
    before: u64,
    /// It ends with a solution, and not only with the range.
    ends_early: bool,
}

impl SearchBar {
    /// A bar for `puzzle` if stderr is a terminal. So many nonces below the range were tested `before`.
    pub(crate) fn on_terminal(puzzle: &Puzzle, find: Find, before: u64) -> Option<Self> {
        if !stderr().is_terminal() {
            return None;
        }
        let style = ProgressStyle::with_template(SEARCH_BAR).expect("a template that is tested");
        let bar = ProgressBar::new(STEPS).with_style(style.progress_chars("━╸ "));
        Some(Self {
            bar,
            expected_hashes: puzzle.goal().expected_hashes(),
            before,
            ends_early: find != Find::All,
        })
    }

    /// Writes something else to the terminal, above the bar.
    pub(crate) fn above<R>(&self, write: impl FnOnce() -> R) -> R {
        self.bar.suspend(write)
    }

    /// Draws the bar where `progress` says.
    pub(crate) fn show(&self, progress: &Progress) {
        let done = Done::of(
            progress,
            self.before as f64,
            self.ends_early,
            self.expected_hashes,
        );
        // The message first: each of the two calls may draw.
        self.bar
            .set_message(message(progress, done, self.expected_hashes));
        self.bar.set_position((done.share() * STEPS as f64) as u64);
    }
}

impl Drop for SearchBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// How often a line tells of progress where there is no terminal to draw a bar on.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// A bar over the steps of a measurement; on a stderr that is not a terminal, a line now and then.
pub(crate) struct StepBar {
    bar: Option<ProgressBar>,
    last_line: Mutex<Instant>,
}

impl StepBar {
    /// A bar at its beginning.
    pub(crate) fn new() -> Self {
        let style = ProgressStyle::with_template("{bar:24} {wide_msg}").expect("a template that is tested");
        let bar = || ProgressBar::new(STEPS).with_style(style.progress_chars("━╸ "));
        Self {
            bar: stderr().is_terminal().then(bar),
            last_line: Mutex::new(Instant::now()),
        }
    }

    /// Says that `share` (0 to 1) is done, where it is, and how long the rest is expected to take.
    pub(crate) fn show(&self, share: f64, place: &str, left_s: Option<f64>) {
        let left = left_s.map_or(String::new(), |left_s| {
            format!(" · about {} left", seconds(left_s))
        });
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{:.0} % · {place}{left}", percent(share)));
            bar.set_position((share * STEPS as f64) as u64);
            return;
        }
        let mut last_line = self.last_line.lock().expect("nothing panics while it is held");
        if last_line.elapsed() >= LINE_EVERY {
            *last_line = Instant::now();
            crate::say(&format!("{:.0} % · {place}{left}", percent(share)));
        }
    }
}

/// Whole percent, rounded down: 100 is the end.
fn percent(share: f64) -> f64 {
    (share * 100.0).floor()
}

impl Drop for StepBar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A bar over the bytes that are read of a file, or a count of them where nobody knows how many there are.
pub(crate) struct ReadBar(ProgressBar);

impl ReadBar {
    /// A bar at its beginning; `bytes` is how many there are.
    pub(crate) fn new(bytes: Option<u64>) -> Self {
        if !stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let template = match bytes {
            Some(_) => "{bar:24} {percent} % · {wide_msg}",
            None => "{bytes} · {wide_msg}",
        };
        let style = ProgressStyle::with_template(template).expect("a template that is tested");
        let bar = bytes.map_or_else(ProgressBar::no_length, ProgressBar::new);
        Self(bar.with_style(style.progress_chars("━╸ ")))
    }

    /// `read`, watched.
    pub(crate) fn watch<R: Read>(&self, read: R) -> impl Read + use<R> {
        self.0.wrap_read(read)
    }

    /// Says what came of it so far.
    pub(crate) fn say(&self, text: String) {
        self.0.set_message(text);
    }
}

impl Drop for ReadBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Done {
    /// The chance to have met a solution by now.
    Luck(f64),
    /// How much of the range is searched, where that says more: a range of 2^64 would stay at 0.0 % for centuries, one of a
    /// thousand nonces for a hard puzzle ends without luck.
    Range(f64),
}

impl Done {
    fn of(progress: &Progress, before: f64, ends_early: bool, expected_hashes: f64) -> Self {
        let hashes = before + progress.hashes as f64;
        let searched = hashes / (before + progress.range.count() as f64);
        // With p a hash, the chance to have met a solution by now is 1 − (1 − p)^hashes.
        let luck = -f64::exp_m1(hashes * f64::ln_1p(-1.0 / expected_hashes.max(1.0)));
        match ends_early && luck >= searched {
            true => Self::Luck(luck),
            false => Self::Range(searched),
        }
    }

    fn share(self) -> f64 {
        match self {
            Self::Luck(share) | Self::Range(share) => share,
        }
    }

    /// In 16 columns at most.
    fn words(self) -> String {
        match self {
            Self::Luck(chance) => format!("{} by now", likely(chance)),
            Self::Range(share) => format!("{} of range", part(share)),
        }
    }
}

/// Below this, a share is too small for percent.
const LEAST_SHARE: f64 = 1e-5;

/// A chance: whole percent, small ones with two digits, all rounded down; and what is next to nothing as `1 in 3e12`, to the
/// nearest. However hard the puzzle is, something moves, or says how hopeless it is.
fn likely(chance: f64) -> String {
    let percent = chance * 100.0;
    let decimals = match chance {
        0.0 => 0,
        c if c >= 0.1 => 0,
        c if c >= LEAST_SHARE => (1.0 - percent.log10().floor()) as usize,
        c => return format!("1 in {:.0e}", 1.0 / c),
    };
    format!("{:.decimals$} %", down(percent, decimals))
}

/// A part of a range: percent, rounded down, and what is less as `3e-13`, to the nearest.
fn part(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = match share {
        0.0 => 1,
        s if s >= 1e-3 => 1,
        s if s >= LEAST_SHARE => -percent.log10().floor() as usize,
        s => return format!("{s:.0e}"),
    };
    format!("{:.decimals$} %", down(percent, decimals))
}

/// A number rounded down to so many decimals: 100 % is the end. What lies next to nothing below a digit, as products of
/// fractions do, is that digit.
fn down(number: f64, decimals: usize) -> f64 {
    let scale = 10f64.powi(decimals as i32);
    (number * scale * (1.0 + 1e-12)).floor() / scale
}

fn message(progress: &Progress, done: Done, expected_hashes: f64) -> String {
    let elapsed_s = progress.elapsed.as_secs_f64();
    let hashes_per_second = progress.hashes as f64 / elapsed_s.max(1e-9);
    format!(
        "{} · {} · {} · expected {}",
        done.words(),
        rate(hashes_per_second),
        seconds(elapsed_s),
        seconds(expected_hashes / hashes_per_second),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use paydirt::NonceRange;

    fn progress(hashes: u64, elapsed_s: f64, count: u128) -> Progress {
        Progress {
            hashes,
            elapsed: Duration::from_secs_f64(elapsed_s),
            range: NonceRange::new(0, count).unwrap(),
            resume_at: hashes.into(),
            solution_count: 0,
        }
    }

    #[test]
    fn says_chance_rate_and_expectation() {
        let progress = progress(1_000_000, 2.0, 1 << 64);
        let done = Done::of(&progress, 0.0, true, 1e6);
        assert_eq!(
            message(&progress, done, 1e6),
            "63 % by now · 500 kH/s · 2.00 s · expected 2.00 s"
        );
        assert!((done.share() - 0.632).abs() < 1e-3);
    }

    #[test]
    fn the_range_where_it_says_more() {
        let progress = progress(1_000_000, 2.0, 4_000_000);
        for (ends_early, expected) in [(true, 1e12), (false, 1e6)] {
            let done = Done::of(&progress, 0.0, ends_early, expected);
            assert_eq!(done, Done::Range(0.25));
        }
        // What an earlier run searched counts.
        assert_eq!(Done::of(&progress, 4e6, false, 1e6), Done::Range(5e6 / 8e6));
        let text = message(&progress, Done::Range(0.25), 1e12);
        assert!(text.starts_with("25.0 % of range · 500 kH/s"), "{text}");
    }

    #[test]
    fn small_chances_have_digits_until_they_are_hopeless() {
        for (chance, text) in [
            (1.0, "100 %"),
            (0.999_999, "99 %"),
            (0.1, "10 %"),
            (0.099_99, "9.9 %"),
            (0.01, "1.0 %"),
            (0.003_29, "0.32 %"),
            (0.000_329, "0.032 %"),
            (0.000_03, "0.0030 %"),
            (0.000_01, "0.0010 %"),
            (0.000_009_9, "1 in 1e5"),
            (3.3e-13, "1 in 3e12"),
            (1e-77, "1 in 1e77"),
            (0.0, "0 %"),
        ] {
            assert_eq!(likely(chance), text);
        }
        for (share, text) in [
            (1.0, "100.0 %"),
            (0.999_99, "99.9 %"),
            (0.25, "25.0 %"),
            (0.001, "0.1 %"),
            (0.000_99, "0.09 %"),
            (0.000_03, "0.003 %"),
            (0.000_01, "0.001 %"),
            (0.000_009_4, "9e-6"),
            (5.4e-20, "5e-20"),
            (0.0, "0.0 %"),
        ] {
            assert_eq!(part(share), text);
        }
    }

    /// Second after second of a search that takes years says something new, ever more likely.
    #[test]
    fn a_hard_search_moves() {
        let mut before = String::new();
        for seconds in [1, 10, 100, 1_000, 10_000, 100_000] {
            let progress = progress(seconds * 100_000_000, seconds as f64, 1 << 64);
            for expected in [1e17, 1e40] {
                let done = Done::of(&progress, 0.0, true, expected);
                let text = message(&progress, done, expected);
                assert!(done.share() > 0.0 && !text.starts_with("0 %"), "{text}");
                assert_ne!(text, before);
                before = text;
            }
        }
        let progress = progress(100_000_000, 1.0, 1 << 64);
        for (expected, text) in [
            (1e17, "1 in 1e9 by now · 100 MH/s · 1.00 s · expected 32 years"),
            (1e40, "5e-12 of range · 100 MH/s · 1.00 s · expected 3.2e24 years"),
        ] {
            let done = Done::of(&progress, 0.0, true, expected);
            assert_eq!(message(&progress, done, expected), text);
        }
    }

    #[test]
    fn the_longest_line_fits_80_columns() {
        use unicode_width::UnicodeWidthStr as _;
        let shares = [0.9999, 1e-3, 9.9e-4, 1.1e-5, 9e-6, 9e-20, 1e-77];
        let luck = shares.map(Done::Luck);
        for done in luck
            .into_iter()
            .chain(shares.map(Done::Range))
            .chain([Done::Luck(1.0)])
        {
            for hashes in [1, 99_950_000, 9_994_000_000] {
                for elapsed_s in [119.9, 7_199.0, 172_700.0, 6.3e7] {
                    for expected in [1e10, 1e15, 1e30, 1e70] {
                        let text = message(&progress(hashes, elapsed_s, 1 << 64), done, expected);
                        assert!(15 + text.width() <= 80, "{text}");
                    }
                }
            }
        }
    }
}
