//! Mining for somebody else: what `pool` and `solo` share.
//!
//! *In:* a source of jobs, a miner, a time limit. *Out:* how much was hashed, and why it ended; on the way the rates, once a
//! second. *The idea:* the calling thread drives; a second one looks at the clock.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::terminal::{
    events::Events,
    exit::Exit,
    interrupt::on_interrupt,
    output::{counted, rate, seconds},
    width,
};
use unicode_width::UnicodeWidthStr as _;

use paydirt::{Cancel, Miner};
use paydirt_bitcoin::rate::{RateMeter, Rates};
use paydirt_jobs::{Event, JobSource, drive};

/// How often the rates are told as an event.
const RATE_EVERY: Duration = Duration::from_secs(10);
/// How often they are shown on a terminal.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// What ends mining, and what did.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    cancel: Cancel,
    done: AtomicBool,
    timed_out: AtomicBool,
}

/// Why mining ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With as much as was wanted.
    Done,
    /// The time was up.
    TimedOut,
    /// By a signal.
    Interrupted,
}

impl Ending {
    /// Its name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::TimedOut => "timeout",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Ending> for Exit {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Done => Self::Done,
            Ending::TimedOut => Self::Timeout,
            Ending::Interrupted => Self::Interrupted,
        }
    }
}

impl Stop {
    /// It stops on the first SIGINT or SIGTERM; the second ends the process.
    pub(crate) fn on_interrupt() -> anyhow::Result<Self> {
        let stop = Self::default();
        on_interrupt(&stop.cancel)?;
        Ok(stop)
    }

    /// There is as much as was wanted.
    pub(crate) fn done(&self) {
        self.done.store(true, Ordering::Relaxed);
        self.cancel.cancel();
    }

    fn time_out(&self) {
        // A signal that came first is the reason.
        if !self.cancel.is_cancelled() {
            self.timed_out.store(true, Ordering::Relaxed);
            self.cancel.cancel();
        }
    }

    /// What stopped it: who was first, but what was wanted comes before all.
    pub(crate) fn ending(&self) -> Ending {
        if self.done.load(Ordering::Relaxed) {
            Ending::Done
        } else if self.timed_out.load(Ordering::Relaxed) {
            Ending::TimedOut
        } else {
            Ending::Interrupted
        }
    }
}

/// How far mining is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) rates: Rates,
    pub(crate) hashes: u64,
    pub(crate) elapsed: Duration,
    /// Ten seconds have passed since this was last so, or since mining began.
    pub(crate) rate_is_due: bool,
}

/// What was done in all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mined {
    pub(crate) hashes: u64,
    /// Wall time, waiting for the peer included.
    pub(crate) elapsed: Duration,
    /// Time spent mining.
    pub(crate) mining: Duration,
}

impl Mined {
    /// Hashes per second of mining; `None` when it was too short to measure.
    pub(crate) fn hashes_per_second(&self) -> Option<f64> {
        let seconds = self.mining.as_secs_f64();
        (seconds > 0.0).then(|| self.hashes as f64 / seconds)
    }
}

/// Columns before the status line.
const SPINNER: usize = 2;

/// The status line: the rates, and then what the command counts, where there is something to say of it.
pub(crate) struct StatusLine {
    /// Over longer and longer times.
    rates: [String; 3],
    counts: String,
}

impl StatusLine {
    /// Begins with the rates.
    pub(crate) fn of(rates: &Rates, counts: &str) -> Self {
        let over = |window: &str, hashes: Option<f64>| {
            let shown = hashes.map_or("–".to_owned(), rate);
            format!("{window} {shown}")
        };
        Self {
            rates: [
                over("10 s", rates.ten_seconds),
                over("1 min", rates.one_minute),
                over("15 min", rates.fifteen_minutes),
            ],
            counts: counts.to_owned(),
        }
    }

    /// And the best difficulty.
    pub(crate) fn best(self, best: Option<f64>, shown: fn(f64) -> String) -> Self {
        self.and("best", best.map(shown))
    }

    /// And how long the peer took to answer.
    pub(crate) fn latency(self, peer: &str, latency_s: Option<f64>) -> Self {
        self.and(peer, latency_s.map(seconds))
    }

    fn and(mut self, name: &str, value: Option<String>) -> Self {
        if let Some(value) = value {
            self.counts.push_str(&format!(" · {name} {value}"));
        }
        self
    }

    /// Shows it on a terminal; where there is none, says it whenever the rates are due.
    pub(crate) fn show(self, events: &Events, moment: &Moment) {
        let on_terminal = self.text(width::of_stderr().map(|columns| columns.saturating_sub(SPINNER)));
        if !events.show(on_terminal) && moment.rate_is_due && !events.are_json() {
            events.say(&self.text(None));
        }
    }

    /// With the rates over as many times as fit on `most` columns, of the shortest at least.
    fn text(&self, most: Option<usize>) -> String {
        let with = |rates: usize| format!("{} · {}", self.rates[..rates].join(" · "), self.counts);
        let fits = |text: &String| most.is_none_or(|most| text.width() <= most);
        let longer = [3, 2].map(with).into_iter().find(fits);
        longer.unwrap_or_else(|| with(1))
    }
}

/// The last line of a report: what was done, and with what.
pub(crate) fn work_done(
    hashes: u64,
    elapsed_s: f64,
    hashes_per_second: Option<f64>,
    kernel: &str,
    threads: usize,
) -> String {
    let rate = hashes_per_second.map_or("too short to measure".to_owned(), rate);
    let (hashes, elapsed) = (counted(hashes, "hash", "hashes"), seconds(elapsed_s));
    format!("{hashes} in {elapsed}: {rate}, kernel {kernel}, threads {threads}")
}

/// Mines what `source` gives until it ends or `stop` is pulled, at the latest after `limit`. `tell` hears what the loop
/// tells, `show` of the rates about once a second.
pub(crate) fn mine<S: JobSource>(
    miner: &Miner,
    source: &S,
    stop: &Stop,
    limit: Option<Duration>,
    tell: &(dyn Fn(&Event<'_, S::Origin>) + Sync),
    show: &(dyn Fn(Moment) + Sync),
) -> Mined {
    let begun = Instant::now();
    let watch = Watch {
        begun,
        meter: Mutex::default(),
        first_job: Mutex::default(),
        over: AtomicBool::new(false),
    };
    // Hashes of the jobs that ended.
    let before = Mutex::new(0);
    let effort = thread::scope(|threads| {
        let clock = threads.spawn(|| watch.tick(stop, limit, show));
        let effort = drive(miner, source, &stop.cancel, &|event| {
            let mut before = before.lock().expect(NO_PANIC);
            match &event {
                Event::Started(_) => watch.record(*before),
                Event::Progress(_, effort) => watch.record(*before + effort.hashes),
                Event::Ended(_, effort, _) => {
                    *before += effort.hashes;
                    watch.record(*before);
                }
                Event::Share(..) => {}
            }
            drop(before);
            tell(&event);
        });
        watch.over.store(true, Ordering::Relaxed);
        clock.thread().unpark();
        effort
    });
    Mined {
        hashes: effort.hashes,
        elapsed: begun.elapsed(),
        mining: effort.elapsed,
    }
}

struct Watch {
    begun: Instant,
    meter: Mutex<RateMeter>,
    /// When the first job was begun.
    first_job: Mutex<Option<Duration>>,
    over: AtomicBool,
}

impl Watch {
    fn record(&self, hashes: u64) {
        let now = self.begun.elapsed();
        self.first_job.lock().expect(NO_PANIC).get_or_insert(now);
        self.meter.lock().expect(NO_PANIC).record(now, hashes);
    }

    /// The thread with the clock.
    fn tick(&self, stop: &Stop, limit: Option<Duration>, show: &(dyn Fn(Moment) + Sync)) {
        let (mut next_show, mut next_rate, mut mining) = (SHOW_EVERY, RATE_EVERY, false);
        while !self.over.load(Ordering::Relaxed) {
            let now = self.begun.elapsed();
            if limit.is_some_and(|limit| now >= limit) {
                stop.time_out();
            }
            // Ten seconds of mining make the first rate that is real.
            let first_job = *self.first_job.lock().expect(NO_PANIC);
            if let (Some(first_job), false) = (first_job, mining) {
                mining = true;
                if next_rate == RATE_EVERY {
                    next_rate += first_job;
                }
            }
            if now >= next_show.min(next_rate) {
                let meter = self.meter.lock().expect(NO_PANIC);
                let moment = Moment {
                    rates: meter.rates(now),
                    hashes: meter.hashes(),
                    elapsed: now,
                    rate_is_due: now >= next_rate,
                };
                drop(meter);
                next_show = after(next_show, SHOW_EVERY, now);
                next_rate = after(next_rate, RATE_EVERY, now);
                show(moment);
            }
            let mut wake = next_show.min(next_rate);
            if let (Some(limit), false) = (limit, stop.cancel.is_cancelled()) {
                wake = wake.min(limit);
            }
            thread::park_timeout(wake.saturating_sub(self.begun.elapsed()));
        }
    }
}

/// The next of a row of times that lies after `now`.
fn after(time: Duration, every: Duration, now: Duration) -> Duration {
    let mut next = time;
    while next <= now {
        next += every;
    }
    next
}

const NO_PANIC: &str = "nothing panics while it is held";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_sees_the_latest_rate_and_the_counts() {
        let rates = Rates {
            ten_seconds: Some(18.7e6),
            one_minute: Some(18.8e6),
            fifteen_minutes: None,
        };
        let line = StatusLine::of(&rates, "accepted 1").latency("pool", Some(0.01));
        let whole = "10 s 18.7 MH/s · 1 min 18.8 MH/s · 15 min – · accepted 1 · pool 10.0 ms";
        assert_eq!(line.text(None), whole);
        assert_eq!(line.text(Some(whole.width())), whole);
        let shorter = "10 s 18.7 MH/s · 1 min 18.8 MH/s · accepted 1 · pool 10.0 ms";
        assert_eq!(line.text(Some(whole.width() - 1)), shorter);
        let shortest = "10 s 18.7 MH/s · accepted 1 · pool 10.0 ms";
        assert_eq!(line.text(Some(shortest.width())), shortest);
        assert_eq!(line.text(Some(3)), shortest);
    }
}
