//! The machine a measurement was taken on.

use serde::{Deserialize, Serialize};

use paydirt::Kernel;
use paydirt_measure::machine::{self, Pins};

/// The machine block of `paydirt bench` and `paydirt compare`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineReport {
    /// When the measurement began, UTC, RFC 3339.
    pub date: String,
    /// The processor's own name; null where the system does not tell.
    pub cpu_model: Option<String>,
    /// The processor architecture this build is for.
    pub architecture: String,
    /// The instruction sets that matter to hashing and are here.
    pub cpu_features: Vec<String>,
    /// Logical processors this process may use, control group included: the default number of threads.
    pub logical_processors: usize,
    /// Physical cores of the machine.
    pub physical_cores: usize,
    /// The numbers of the processors this process may run on; null where the system does not tell.
    pub affinity: Option<Vec<usize>>,
    /// Processors' worth of time the control group grants; null without a limit.
    pub quota_processors: Option<f64>,
    /// Whether threads were bound to processors.
    pub pinned: bool,
    /// The kernel that `auto` takes here.
    pub kernel: String,
    /// The program's version.
    pub program_version: String,
    /// The compiler that built it.
    pub rustc: String,
    /// The operating system and its kernel.
    pub operating_system: String,
    /// The load average of the minute before; null where the system keeps none.
    pub load_average: Option<f64>,
}

impl MachineReport {
    /// This machine, now.
    pub fn here() -> Self {
        Self {
            date: machine::now_utc(),
            cpu_model: machine::cpu_model(),
            architecture: std::env::consts::ARCH.to_owned(),
            cpu_features: machine::cpu_features().into_iter().map(str::to_owned).collect(),
            logical_processors: num_cpus::get(),
            physical_cores: num_cpus::get_physical(),
            affinity: Pins::allowed().map(|pins| pins.processors()),
            quota_processors: machine::quota_processors(),
            pinned: false,
            kernel: Kernel::auto().name().to_owned(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            rustc: env!("PAYDIRT_RUSTC").to_owned(),
            operating_system: machine::operating_system(),
            load_average: machine::load_average(),
        }
    }

    /// `2025-01-31`.
    pub fn day(&self) -> &str {
        self.date.get(..10).unwrap_or(&self.date)
    }

    /// The processor's name as part of a folder's name: lower case, nothing but letters, digits and dashes.
    pub fn cpu_slug(&self) -> String {
        let model = self
            .cpu_model
            .as_deref()
            .unwrap_or(&self.architecture)
            .to_lowercase();
        let model = model.replace("(r)", " ").replace("(tm)", " ");
        let words = model.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        match words.join("-") {
            slug if slug.is_empty() => "unknown".to_owned(),
            slug => slug,
        }
    }

    /// A few lines for people.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let processors = |numbers: &Vec<usize>| {
            let shown: Vec<_> = numbers.iter().map(usize::to_string).collect();
            shown.join(" ")
        };
        let mut cores = format!(
            "{} logical processors, {} cores",
            self.logical_processors, self.physical_cores
        );
        match &self.affinity {
            Some(numbers) if numbers.len() <= 16 => cores += &format!(", affinity {}", processors(numbers)),
            Some(numbers) => cores += &format!(", affinity {} processors", numbers.len()),
            None => {}
        }
        match self.quota_processors {
            Some(quota) => cores += &format!(", cgroup quota {quota:.2} processors"),
            None => cores += ", no cgroup quota",
        }
        if self.pinned {
            cores += ", threads pinned";
        }
        let load = self.load_average.map_or(String::new(), |load| {
            format!(", load average {load:.2} beforehand")
        });
        vec![
            (
                "processor",
                self.cpu_model
                    .clone()
                    .unwrap_or_else(|| format!("unknown {}", self.architecture)),
            ),
            ("features", self.cpu_features.join(" ")),
            ("cores", cores + &load),
            ("system", self.operating_system.clone()),
            (
                "program",
                format!(
                    "paydirt {}, kernel {}, {}",
                    self.program_version, self.kernel, self.rustc
                ),
            ),
            ("date", self.date.clone()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_processors_become_names_of_folders() {
        let mut machine = MachineReport::here();
        for (model, slug) in [
            (Some("Intel(R) Xeon(R) Processor"), "intel-xeon-processor"),
            (Some("AMD EPYC 9R45 96-Core"), "amd-epyc-9r45-96-core"),
            (Some("Ä/.."), "unknown"),
        ] {
            machine.cpu_model = model.map(str::to_owned);
            assert_eq!(machine.cpu_slug(), slug);
        }
        machine.cpu_model = None;
        assert_eq!(machine.cpu_slug(), machine.architecture.replace('_', "-"));
    }

    #[test]
    fn this_machine_has_a_date_and_a_kernel() {
        let machine = MachineReport::here();
        assert_eq!(machine.day().len(), 10);
        assert!(machine.rustc.starts_with("rustc 1."), "{}", machine.rustc);
        assert!(machine.cpu_features.iter().all(|feature| !feature.contains(' ')));
    }
}
