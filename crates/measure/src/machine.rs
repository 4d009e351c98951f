//! The machine that is measured: what it is, and what else it is doing.
//!
//! *In:* the operating system's answers. *Out:* facts for the machine block of a report, `None` where the system does
//! not tell; the share of the processor that a run really got ([`Meter`]); threads bound to processors ([`Pins`]).

mod cgroup;
mod meter;
mod pins;

use sysinfo::{CpuRefreshKind, RefreshKind, System};

pub use cgroup::quota_processors;
pub use meter::{Meter, Usage};
pub use pins::Pins;

/// The processor's own name, such as `AMD EPYC 9R45`.
pub fn cpu_model() -> Option<String> {
    let system =
        System::new_with_specifics(RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing())).ok()?;
    let brand = system.cpus().first()?.brand().trim();
    let words: Vec<_> = brand.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The instruction sets that matter to hashing and are here.
pub fn cpu_features() -> Vec<&'static str> {
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

/// The operating system and its kernel, such as `Debian GNU/Linux 12 (kernel 6.1.0)`.
pub fn operating_system() -> String {
    let name = System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned());
    match System::kernel_version() {
        Ok(version) => format!("{} (kernel {version})", name.trim()),
        Err(_) => name.trim().to_owned(),
    }
}

/// The load average of the last minute: how many threads wanted a processor. `None` where the system keeps none.
pub fn load_average() -> Option<f64> {
    System::load_average().ok().map(|load| load.one)
}

/// The moment, in UTC, to the second: `2025-01-31T12:00:00Z`.
pub fn now_utc() -> String {
    let now = jiff::Timestamp::now();
    let whole = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now);
    whole.to_string()
}
