//! The machine that is measured: what it is, and what else it is doing.
//!
//! *In:* the operating system's answers. *Out:* a [`Machine`], the machine block of a result, `None` where the system does
//! not tell; the share of the processor that a run really got ([`Meter`]); threads bound to processors ([`Pins`]).

mod cgroup;
mod meter;
mod pins;

use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, RefreshKind, System};

pub use meter::{Meter, Usage};
pub use pins::Pins;

use paydirt::Kernel;

/// The machine that something was measured on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// When the measurement began, UTC, RFC 3339.
    pub date: String,
    /// The processor's own name, such as `AMD EPYC 9R45`; `None` where the system does not tell.
    pub cpu_model: Option<String>,
    /// The processor architecture this build is for.
    pub architecture: String,
    /// The instruction sets that matter to hashing and are here.
    pub cpu_features: Vec<String>,
    /// Logical processors this process may use, control group included: the default number of threads.
    pub logical_processors: usize,
    /// Physical cores of the machine.
    pub physical_cores: usize,
    /// The numbers of the processors this process may run on; `None` where the system does not tell.
    pub affinity: Option<Vec<usize>>,
    /// Processors' worth of time the control group grants; `None` without a limit.
    pub quota_processors: Option<f64>,
    /// Whether every thread that was measured was bound to a processor.
    pub pinned: bool,
    /// The kernel that `auto` begins with here, before it has measured.
    pub kernel: String,
    /// The program's version.
    pub program_version: String,
    /// The compiler that built it.
    pub rustc: String,
    /// The operating system and its kernel, such as `Debian GNU/Linux 12 (kernel 6.1.0)`.
    pub operating_system: String,
    /// The load average of the minute before: how many threads wanted a processor. `None` where the system keeps none.
    pub load_average: Option<f64>,
}

impl Machine {
    /// This machine, now, no thread bound to a processor yet.
    pub fn here() -> Self {
        Self {
            date: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            cpu_model: cpu_model(),
            architecture: std::env::consts::ARCH.to_owned(),
            cpu_features: cpu_features().into_iter().map(str::to_owned).collect(),
            logical_processors: num_cpus::get(),
            physical_cores: num_cpus::get_physical(),
            affinity: Pins::allowed().map(|pins| pins.processors()),
            quota_processors: cgroup::quota_processors(),
            pinned: false,
            kernel: Kernel::auto().name().to_owned(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            rustc: env!("PAYDIRT_RUSTC").to_owned(),
            operating_system: operating_system(),
            load_average: System::load_average().ok().map(|load| load.one),
        }
    }

    /// The day of the measurement: `2025-01-31`.
    pub fn day(&self) -> &str {
        self.date.get(..10).unwrap_or(&self.date)
    }

    /// How many processors this many threads may have at a time, control group included.
    pub fn processors_for(&self, threads: usize) -> f64 {
        let processors = threads.min(self.logical_processors) as f64;
        self.quota_processors
            .map_or(processors, |quota| processors.min(quota))
    }

    /// The processor's name, or its architecture where the system tells no name.
    pub fn processor(&self) -> &str {
        self.cpu_model.as_deref().unwrap_or(&self.architecture)
    }
}

fn cpu_model() -> Option<String> {
    let system =
        System::new_with_specifics(RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing())).ok()?;
    let brand = system.cpus().first()?.brand().trim();
    let words: Vec<_> = brand.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn cpu_features() -> Vec<&'static str> {
    let mut features = Vec::new();
    macro_rules! detect {
        ($is_detected:ident: $($name:tt)*) => {
            $(if std::arch::$is_detected!($name) {
                features.push($name);
            })*
        };
    }
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    detect!(is_x86_feature_detected: "sse2" "ssse3" "sse4.1" "bmi2" "avx" "avx2" "sha" "avx512f" "avx512bw" "avx512vl" "avx512vbmi");
    #[cfg(target_arch = "aarch64")]
    detect!(is_aarch64_feature_detected: "neon" "sha2" "sve" "sve2");
    features
}

fn operating_system() -> String {
    let name = System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned());
    match System::kernel_version() {
        Ok(version) => format!("{} (kernel {version})", name.trim()),
        Err(_) => name.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_date_and_a_compiler() {
        let machine = Machine::here();
        assert_eq!(machine.day().len(), 10);
        assert!(machine.rustc.starts_with("rustc 1."), "{}", machine.rustc);
        assert!(machine.cpu_features.iter().all(|feature| !feature.contains(' ')));
    }

    #[test]
    fn threads_have_no_more_processors_than_there_are() {
        let mut machine = Machine::here();
        machine.logical_processors = 4;
        machine.quota_processors = None;
        assert_eq!(
            [1, 4, 9].map(|threads| machine.processors_for(threads)),
            [1.0, 4.0, 4.0]
        );
        machine.quota_processors = Some(1.5);
        assert_eq!([1, 4].map(|threads| machine.processors_for(threads)), [1.0, 1.5]);
    }
}
