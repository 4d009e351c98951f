//! What share of the processor a run got.
//!
//! *In:* the operating system's accounts at the beginning and the end. *Out:* the processor time this process used, and
//! the share of all processors' time that a hypervisor gave to its other guests meanwhile ("steal").

use std::{fs, time::Instant};

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// An account that is open.
#[derive(Debug)]
pub struct Meter {
    begun: Instant,
    cpu_time_ms: Option<u64>,
    ticks: Option<Ticks>,
}

/// What an account came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Wall time in seconds.
    pub elapsed_s: f64,
    /// Processor time of this process in seconds, all threads together.
    pub cpu_s: Option<f64>,
    /// The share of all processors' time that went to other guests of the hypervisor, 0 to 1 (Linux).
    pub steal_share: Option<f64>,
}

impl Meter {
    /// Opens an account.
    pub fn start() -> Self {
        Self {
            begun: Instant::now(),
            cpu_time_ms: process_cpu_time_ms(),
            ticks: Ticks::now(),
        }
    }

    /// Closes it.
    pub fn stop(self) -> Usage {
        let cpu_ms = process_cpu_time_ms().zip(self.cpu_time_ms);
        let ticks = Ticks::now().zip(self.ticks);
        Usage {
            elapsed_s: self.begun.elapsed().as_secs_f64(),
            cpu_s: cpu_ms.map(|(after, before)| after.saturating_sub(before) as f64 / 1e3),
            steal_share: ticks.and_then(|(after, before)| after.steal_share_since(before)),
        }
    }
}

fn process_cpu_time_ms() -> Option<u64> {
    let pid = sysinfo::get_current_pid().ok()?;
    let mut system = System::new().ok()?;
    let what = ProcessRefreshKind::nothing().with_cpu().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, what);
    system.process(pid).map(|process| process.accumulated_cpu_time())
}

/// The first line of `/proc/stat`, in ticks since the machine started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    all: u64,
    steal: u64,
}

impl Ticks {
    fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// "cpu  user nice system idle iowait irq softirq steal guest guest_nice"; the guests' time is part of user's.
    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().next()?.strip_prefix("cpu ")?;
        let fields: Vec<u64> = line
            .split_whitespace()
            .map_while(|field| field.parse().ok())
            .collect();
        let steal = *fields.get(7)?;
        Some(Self {
            all: fields[..8].iter().sum(),
            steal,
        })
    }

    fn steal_share_since(self, before: Self) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        Some(self.steal.saturating_sub(before.steal) as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn reads_the_kernels_accounts() {
        let before = Ticks::parse("cpu  100 0 50 800 10 0 5 35 0 0\ncpu0 1 2 3\n").unwrap();
        assert_eq!(before, Ticks { all: 1000, steal: 35 });
        let after = Ticks { all: 1200, steal: 85 };
        assert_eq!(after.steal_share_since(before), Some(0.25));
        assert_eq!(before.steal_share_since(before), None, "no time passed");
        assert_eq!(Ticks::parse("cpu  1 2 3\n"), None);
        assert_eq!(Ticks::parse(""), None);
    }

    #[test]
    fn counts_this_process() {
        const BUSY: Duration = Duration::from_millis(200);
        let meter = Meter::start();
        let begun = Instant::now();
        while begun.elapsed() < BUSY {
            std::hint::spin_loop();
        }
        let usage = meter.stop();
        let cpu_s = usage.cpu_s.expect("the system keeps accounts of its processes");
        // A busy machine may have given it less than all of the time, though never none of it; tests beside it add theirs.
        assert!(cpu_s > 0.01, "{usage:?}");
        assert!(usage.elapsed_s >= BUSY.as_secs_f64(), "{usage:?}");
        assert!(
            cpu_s <= usage.elapsed_s * num_cpus::get() as f64 + 0.1,
            "{usage:?}"
        );
    }
}
