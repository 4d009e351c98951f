//! How much processor time the control group grants (Linux).
//!
//! *In:* `/proc/self/cgroup` and the group's files. *Out:* processors' worth of time, from version 2 (`cpu.max`,
//! "QUOTA PERIOD" in microseconds or "max") or version 1 (`cpu.cfs_quota_us`, −1 for none).

use std::{
    fs,
    path::{Path, PathBuf},
};

const ROOT: &str = "/sys/fs/cgroup";

/// Processors' worth of time this process may use, if it is limited: the tightest limit on the way up the tree.
pub fn quota_processors() -> Option<f64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    tightest(&groups, Path::new(ROOT), |file| fs::read_to_string(file).ok())
}

fn tightest(groups: &str, root: &Path, read: impl Fn(PathBuf) -> Option<String>) -> Option<f64> {
    let mut quotas = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let path = path.trim_start_matches('/');
        for group in Path::new(path).ancestors() {
            if controllers.is_empty() {
                quotas.extend(read(root.join(group).join("cpu.max")).and_then(|text| version_2(&text)));
            } else if controllers.split(',').any(|controller| controller == "cpu") {
                let directory = root.join(controllers).join(group);
                let quota = read(directory.join("cpu.cfs_quota_us"));
                let period = read(directory.join("cpu.cfs_period_us"));
                quotas.extend(
                    quota
                        .zip(period)
                        .and_then(|(quota, period)| ratio(&quota, &period)),
                );
            }
        }
    }
    quotas.into_iter().min_by(f64::total_cmp)
}

fn version_2(text: &str) -> Option<f64> {
    let (quota, period) = text.trim().split_once(' ')?;
    ratio(quota, period)
}

fn ratio(quota: &str, period: &str) -> Option<f64> {
    let quota: f64 = quota.trim().parse().ok()?;
    let period: f64 = period.trim().parse().ok()?;
    (quota > 0.0 && period > 0.0).then_some(quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(groups: &str, files: &[(&str, &str)]) -> Option<f64> {
        tightest(groups, Path::new("/r"), |path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn version_2_takes_the_tightest_of_the_tree() {
        let files = [
            ("/r/a/b/cpu.max", "max 100000\n"),
            ("/r/a/cpu.max", "150000 100000\n"),
            ("/r/cpu.max", "400000 100000"),
        ];
        assert_eq!(quota("0::/a/b\n", &files), Some(1.5));
        assert_eq!(quota("0::/c\n", &files), Some(4.0));
        assert_eq!(quota("0::/a/b\n", &files[..1]), None);
    }

    #[test]
    fn version_1_reads_two_files() {
        let files = [
            ("/r/cpu,cpuacct/x/cpu.cfs_quota_us", "50000\n"),
            ("/r/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n"),
        ];
        assert_eq!(quota("4:memory:/x\n3:cpu,cpuacct:/x\n", &files), Some(0.5));
        let unlimited = [
            ("/r/cpu/cpu.cfs_quota_us", "-1\n"),
            ("/r/cpu/cpu.cfs_period_us", "100000\n"),
        ];
        assert_eq!(quota("3:cpu:/\n", &unlimited), None);
        assert_eq!(quota("nonsense", &[]), None);
    }
}
