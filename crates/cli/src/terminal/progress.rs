//! Progress bars: on stderr, and only when that is a terminal.

use std::{
    io::{IsTerminal as _, Read, stderr},
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal::output::{rate, seconds};
use paydirt::{Progress, Puzzle};

/// How often the bar moves.
pub(crate) const EVERY: Duration = Duration::from_millis(100);

/// The bar's full length; ranges may be longer than any terminal is wide, or than a u64 holds.
const STEPS: u64 = 10_000;

/// A bar that shows how much is searched, at what rate, and how long such a puzzle takes on average.
pub(crate) struct SearchBar {
    bar: ProgressBar,
    expected_hashes: f64,
    /// Nonces of the range that an earlier run tested.
    before: u64,
}

impl SearchBar {
    /// A bar for `puzzle` if stderr is a terminal. So many nonces below the range were tested `before`.
    pub(crate) fn on_terminal(puzzle: &Puzzle, before: u64) -> Option<Self> {
        if !stderr().is_terminal() {
            return None;
        }
        let style = ProgressStyle::with_template("{bar:24} {wide_msg}").expect("a template that is tested");
        let bar = ProgressBar::new(STEPS).with_style(style.progress_chars("━╸ "));
        Some(Self {
            bar,
            expected_hashes: puzzle.goal().expected_hashes(),
            before,
        })
    }

    /// Writes something else to the terminal, above the bar.
    pub(crate) fn above<R>(&self, write: impl FnOnce() -> R) -> R {
        self.bar.suspend(write)
    }

    /// Draws the bar where `progress` says.
    pub(crate) fn show(&self, progress: &Progress) {
        let before = self.before as f64;
        let share = (before + progress.hashes as f64) / (before + progress.range.count() as f64);
        // The message first: each of the two calls may draw.
        self.bar
            .set_message(message(progress, before, share, self.expected_hashes));
        self.bar.set_position((share * STEPS as f64) as u64);
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

fn message(progress: &Progress, before: f64, share: f64, expected_hashes: f64) -> String {
    let elapsed_s = progress.elapsed.as_secs_f64();
    let hashes_per_second = progress.hashes as f64 / elapsed_s.max(1e-9);
    // With p a hash, the chance to have met a solution by now is 1 − (1 − p)^hashes.
    let hashes = before + progress.hashes as f64;
    let luck = -f64::exp_m1(hashes * f64::ln_1p(-1.0 / expected_hashes.max(1.0)));
    format!(
        "{:.1} % of range · {} · {} · expected {} ({:.0} % by now)",
        share * 100.0,
        rate(hashes_per_second),
        seconds(elapsed_s),
        seconds(expected_hashes / hashes_per_second),
        luck * 100.0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use paydirt::NonceRange;

    #[test]
    fn says_share_rate_and_expectation() {
        let progress = Progress {
            hashes: 1_000_000,
            elapsed: Duration::from_secs(2),
            range: NonceRange::new(0, 4_000_000).unwrap(),
            resume_at: 1_000_000,
            solution_count: 0,
        };
        assert_eq!(
            message(&progress, 0.0, 0.25, 1e6),
            "25.0 % of range · 500 kH/s · 2.00 s · expected 2.00 s (63 % by now)"
        );
    }
}
