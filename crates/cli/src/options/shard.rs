//! A place among equal parts of a range: `--shard I/N`, or what the scheduler says.
//!
//! *In:* the option's text, and for `auto` the environment that a scheduler gives each task. *Out:* a [`Shard`].
//!
//! | variable | set by | meaning |
//! |---|---|---|
//! | `SLURM_ARRAY_TASK_ID` | Slurm job array | this task's number |
//! | `SLURM_ARRAY_TASK_COUNT` | | how many tasks |
//! | `SLURM_ARRAY_TASK_MIN`, `…_STEP` | | the first number and the distance, so that `--array=1-8` works too |
//! | `JOB_COMPLETION_INDEX` | Kubernetes indexed job | this pod's number, from 0 |
//!
//! Kubernetes does not tell its pods how many they are, so `auto/N` says it; beside Slurm, N is checked.

use crate::options::input::whole_number;

/// Part `index`, from 0, of `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    pub(crate) index: u32,
    pub(crate) of: u32,
}

const TASK: &str = "SLURM_ARRAY_TASK_ID";
const TASKS: &str = "SLURM_ARRAY_TASK_COUNT";
const FIRST: &str = "SLURM_ARRAY_TASK_MIN";
const STEP: &str = "SLURM_ARRAY_TASK_STEP";
const POD: &str = "JOB_COMPLETION_INDEX";

/// Looks a variable up in the process's environment.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

impl Shard {
    /// Reads `I/N`, `auto` or `auto/N`.
    pub(crate) fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        if text == "auto" {
            return Self::from_scheduler(None, variable);
        }
        let form = || "is not of the form I/N, as in 0/3, 1/3 and 2/3, nor auto or auto/N".to_owned();
        let (index, of) = text.split_once('/').ok_or_else(form)?;
        let number = |text: &str| match whole_number(text) {
            Err(problem) if !problem.starts_with("is too large") => Err(form()),
            other => other,
        };
        let of = number(of)?;
        if index == "auto" {
            return Self::from_scheduler(Some(of), variable);
        }
        let index = number(index)?;
        Ok(Self { index, of })
    }

    fn from_scheduler(of: Option<u32>, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let read = |name: &str| {
            let read = |text: String| {
                whole_number::<u32>(&text).map_err(|problem| format!("finds {name}={text}, which {problem}"))
            };
            variable(name).map(read).transpose()
        };
        match (read(TASK)?, read(POD)?) {
            (Some(_), Some(_)) => Err(format!(
                "finds both {TASK} and {POD} set; give I/N, or unset one of them"
            )),
            (None, None) => Err(format!(
                "finds neither {TASK} (a Slurm array) nor {POD} (a Kubernetes indexed job) set; give I/N"
            )),
            (None, Some(index)) => match of {
                Some(of) => Ok(Self { index, of }),
                None => Err(format!(
                    "finds {POD}={index}, but Kubernetes does not say how many pods there are; give auto/N with the job's completions"
                )),
            },
            (Some(task), None) => {
                let tasks = read(TASKS)?.or(of).ok_or_else(|| {
                    format!("finds {TASK}={task} but no {TASKS}; give auto/N with the array's size")
                })?;
                if of.is_some_and(|of| of != tasks) {
                    return Err(format!("finds {TASKS}={tasks}; give auto, or the same number"));
                }
                let (first, step) = (read(FIRST)?.unwrap_or(0), read(STEP)?.unwrap_or(1).max(1));
                let place = task.checked_sub(first).filter(|place| place % step == 0);
                match place.map(|place| place / step).filter(|index| *index < tasks) {
                    Some(index) => Ok(Self { index, of: tasks }),
                    None => Err(format!(
                        "finds {TASK}={task}, which is not one of {tasks} evenly spaced numbers from {first}; use an array such as --array=0-{}",
                        tasks.saturating_sub(1)
                    )),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(text: &str, variables: &[(&str, &str)]) -> Result<(u32, u32), String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Shard::parse(text, variable).map(|shard| (shard.index, shard.of))
    }

    #[test]
    fn plain_places_need_no_environment() {
        assert_eq!(auto("2/4", &[]), Ok((2, 4)));
        for bad in ["1", "1/", "/2", "a/b", "-1/2", "auto/", "auto/x", "Auto", ""] {
            assert!(auto(bad, &[]).unwrap_err().contains("I/N"), "{bad}");
        }
    }

    #[test]
    fn slurm_arrays() {
        assert_eq!(auto("auto", &[(TASK, "2"), (TASKS, "4")]), Ok((2, 4)));
        let from_one = |task| auto("auto", &[(TASK, task), (TASKS, "4"), (FIRST, "1"), (STEP, "1")]);
        assert_eq!(from_one("1"), Ok((0, 4)));
        assert_eq!(from_one("4"), Ok((3, 4)));
        assert!(from_one("5").unwrap_err().contains("--array=0-3"));
        let stepped = |task| auto("auto", &[(TASK, task), (TASKS, "3"), (FIRST, "10"), (STEP, "5")]);
        assert_eq!(stepped("20"), Ok((2, 3)));
        assert!(stepped("12").is_err(), "between two steps");
        assert_eq!(auto("auto/4", &[(TASK, "0")]), Ok((0, 4)));
        assert_eq!(auto("auto/4", &[(TASK, "0"), (TASKS, "4")]), Ok((0, 4)));
        assert!(auto("auto/5", &[(TASK, "0"), (TASKS, "4")]).is_err());
        assert!(
            auto("auto", &[(TASK, "4"), (TASKS, "4")])
                .unwrap_err()
                .contains("=4")
        );
        assert!(
            auto("auto", &[(TASK, "x"), (TASKS, "4")])
                .unwrap_err()
                .contains("whole number")
        );
    }

    #[test]
    fn kubernetes_pods() {
        assert_eq!(auto("auto/8", &[(POD, "7")]), Ok((7, 8)));
        assert!(auto("auto", &[(POD, "7")]).unwrap_err().contains("auto/N"));
        assert!(
            auto("auto/8", &[(POD, "7"), (TASK, "1")])
                .unwrap_err()
                .contains("both")
        );
        assert!(auto("auto", &[]).unwrap_err().contains("neither"));
    }
}
