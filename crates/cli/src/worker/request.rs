//! One line of input: a job, a cancellation, a ping, or a question for the worker's own state.
//!
//! *In:* a line's bytes. *Out:* a [`Request`], or a [`Refusal`] that says which field will not do and what it should
//! be. Nothing here panics, and nothing takes more memory than a small multiple of the line: that is what the fuzz
//! target `job_line` is for.

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use super::{job::Job, refusal::Refusal};
use crate::{
    options::{GoalArgs, PuzzleArgs, SearchArgs},
    worker::answers::JobId,
};

/// Bytes a line may have, its end not counted.
pub(super) const MOST_LINE_BYTES: usize = 1 << 20;
/// How deep arrays and objects may nest. A job needs two levels; the rest is for pings.
pub(super) const MOST_NESTING: usize = 32;

/// What a line asks for.
pub(super) enum Request {
    /// Mine this.
    Job(Box<Job>),
    /// Stop the job of this name.
    Cancel(JobId),
    /// Answer with this.
    Ping(Box<RawValue>),
    /// Say what the worker is and has.
    Info,
}

/// A line as it is written. Each field remembers whether it was there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default, deserialize_with = "given")]
    pub(super) id: Option<JobId>,
    #[serde(default, deserialize_with = "given_object")]
    pub(super) puzzle: Option<PuzzleArgs>,
    #[serde(default, deserialize_with = "given_object")]
    pub(super) goal: Option<GoalArgs>,
    #[serde(default, deserialize_with = "given_object")]
    pub(super) search: Option<SearchArgs>,
    #[serde(default, deserialize_with = "given")]
    pub(super) priority: Option<i64>,
    #[serde(default, deserialize_with = "given")]
    pub(super) progress: Option<f64>,
    #[serde(default, deserialize_with = "given")]
    cancel: Option<JobId>,
    #[serde(default, deserialize_with = "given")]
    ping: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "given")]
    info: Option<bool>,
}

/// Reads a field that is there; unlike an `Option` it does not take `null` for its absence.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(json: D) -> Result<Option<T>, D::Error> {
    T::deserialize(json).map(Some)
}

/// Reads a field that is there and is an object.
fn given_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(json: D) -> Result<Option<T>, D::Error> {
    Object::deserialize(json).map(|Object(fields)| Some(fields))
}

/// Fields by name. By itself serde would also take an array, as the fields in their order.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, fields: A) -> Result<Object<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(fields)).map(Object)
            }
        }

        json.deserialize_map(Visitor(PhantomData))
    }
}

/// Reads one line.
pub(super) fn parse(line: &[u8]) -> Result<Request, Refusal> {
    if nesting(line) > MOST_NESTING {
        let problem = format!("nests deeper than {MOST_NESTING} arrays and objects; a job needs two");
        return Err(Refusal::line(None, &problem));
    }
    let mut json = serde_json::Deserializer::from_slice(line);
    let written = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Refusal::json(line, &error.path().to_string(), error.inner()))
        .and_then(|Object(written)| match json.end() {
            Ok(()) => Ok(written),
            Err(error) => Err(Refusal::json(line, ".", &error)),
        })?;
    request(written, line.len())
}

fn request(written: Written, line_bytes: usize) -> Result<Request, Refusal> {
    let fields = [
        ("cancel", written.cancel.is_some()),
        ("ping", written.ping.is_some()),
        ("info", written.info.is_some()),
        ("puzzle", written.puzzle.is_some()),
        ("goal", written.goal.is_some()),
        ("search", written.search.is_some()),
        ("priority", written.priority.is_some()),
        ("progress", written.progress.is_some()),
        ("id", written.id.is_some()),
    ];
    let mut there = fields.iter().filter(|(_, there)| *there).map(|(name, _)| *name);
    // The first three each stand alone.
    if let (Some(first @ ("cancel" | "ping" | "info")), Some(other)) = (there.next(), there.next()) {
        let problem = format!("this does not go with {first}; write two lines");
        return Err(Refusal::field(written.id, other, None, &problem));
    }
    Ok(match written {
        Written { cancel: Some(id), .. } => Request::Cancel(id),
        Written { ping: Some(ping), .. } => Request::Ping(ping),
        Written { info: Some(true), .. } => Request::Info,
        Written {
            info: Some(false), ..
        } => {
            let problem = "this is a question; write true";
            return Err(Refusal::field(None, "info", Some("false"), problem));
        }
        written => Request::Job(Box::new(Job::new(written, line_bytes)?)),
    })
}

/// How deep arrays and objects nest in a line that may or may not be JSON.
fn nesting(line: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let mut bytes = line.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::options::{Flag, Spelling, table::Group};
    use paydirt::Find;

    fn refused(line: &str) -> Refusal {
        match parse(line.as_bytes()) {
            Err(refusal) => refusal,
            Ok(_) => panic!("taken: {line}"),
        }
    }

    #[track_caller]
    fn assert_refused(line: &str, field: Option<&str>, words: &[&str]) {
        let refusal = refused(line);
        assert_eq!(refusal.field.as_deref(), field, "{refusal:?}");
        for word in words {
            assert!(refusal.message.contains(word), "no {word:?} in {refusal:?}");
        }
        assert!(
            !refusal.message.contains('\n') && !refusal.message.contains("--"),
            "{refusal:?}"
        );
    }

    #[test]
    fn the_words_of_the_command_line() {
        let line = br#"{"id": 7, "puzzle": {"template": "a{nonce}b", "nonce": "hex:8", "digest": "sha256d"},
            "goal": {"bits": 20.5}, "search": {"start": 5, "count": "100", "shard": "1/2", "timeout": 1.5, "find": "all"},
            "priority": -3, "progress": 0.5}"#;
        let Ok(Request::Job(job)) = parse(line) else {
            panic!("a job")
        };
        assert_eq!(job.id, JobId::Number(7));
        assert_eq!(job.puzzle.encoding().to_string(), "hex:8");
        assert_eq!((job.place.range.start(), job.place.range.count()), (55, 50));
        assert_eq!(job.find, Find::All);
        assert_eq!(job.timeout, Some(Duration::from_millis(1500)));
        assert_eq!(job.progress, Some(Duration::from_millis(500)));
        assert_eq!(job.priority, -3);
    }

    #[test]
    fn dashes_and_underscores_are_the_same() {
        for word in ["hex_zeros", "hex-zeros"] {
            let line = format!(r#"{{"id": "a", "puzzle": {{"text": 100}}, "goal": {{"{word}": 4}}}}"#);
            let Ok(Request::Job(job)) = parse(line.as_bytes()) else {
                panic!("a job")
            };
            assert!(job.puzzle.is_solved_by(35293));
        }
    }

    #[test]
    fn other_requests() {
        assert!(matches!(
            parse(br#"{"cancel": -1}"#),
            Ok(Request::Cancel(JobId::Negative(-1)))
        ));
        assert!(matches!(parse(br#"{"info": true}"#), Ok(Request::Info)));
        for ping in ["null", "1.50", r#"{"deep": [1, 2]}"#, r#""text""#] {
            match parse(format!(r#"{{"ping": {ping}}}"#).as_bytes()) {
                Ok(Request::Ping(echo)) => assert_eq!(echo.get(), ping),
                _ => panic!("a ping"),
            }
        }
    }

    #[test]
    fn each_refusal_names_the_field_and_the_way_out() {
        assert_refused("{", None, &["is not JSON", "column 1"]);
        assert_refused("[1]", None, &["is not a request", "an object"]);
        assert_refused("1", None, &["is not a request", "an object"]);
        assert_refused("{} {}", None, &["is not JSON", "trailing characters"]);
        assert_refused("{}", Some("id"), &["needs a name"]);
        assert_refused(r#"{"id": 1}"#, Some("puzzle"), &["needs one"]);
        assert_refused(r#"{"id": 1, "id": 2}"#, Some("id"), &["duplicate"]);
        for id in ["[]", "null"] {
            let line = format!(r#"{{"id": {id}, "puzzle": {{}}}}"#);
            assert_refused(&line, Some("id"), &["text of at most 256 bytes"]);
        }
        for (fields, field, words) in [
            (r#""puzle": {}"#, "puzle", &["unknown", "`puzzle`"][..]),
            (r#""puzzle": "x""#, "puzzle", &["an object"]),
            (r#""puzzle": ["x"]"#, "puzzle", &["an object"]),
            (r#""puzzle": {}"#, "puzzle.text", &["puzzle.template_hex"]),
            (
                r#""puzzle": {"txet": "x"}"#,
                "puzzle.txet",
                &["unknown", "`text`"],
            ),
            (
                r#""puzzle": {"text": 1, "text": 2}"#,
                "puzzle.text",
                &["duplicate"],
            ),
            (
                r#""puzzle": {"text": "x", "header": "00"}"#,
                "puzzle.header",
                &["puzzle.text", "give one"],
            ),
            (
                r#""puzzle": {"text": "x"}"#,
                "goal.hex_zeros",
                &["goal.bits", "goal.nbits"],
            ),
        ] {
            assert_refused(&format!(r#"{{"id": 1, {fields}}}"#), Some(field), words);
        }
        for (rest, field, words) in [
            (
                r#""goal": {"bits": "many"}"#,
                "goal.bits",
                &["'many'", "20.5"][..],
            ),
            (r#""goal": {"bits": [2]}"#, "goal.bits", &["a number"]),
            (
                r#""goal": {"bits": 1, "nbits": "207fffff"}"#,
                "goal.nbits",
                &["goal.bits", "give one"],
            ),
            (
                r#""goal": {"bits": 2}, "search": {"count": 0.5}"#,
                "search.count",
                &["0.5", "whole number"],
            ),
            (
                r#""goal": {"bits": 2}, "search": {"find": "all"}"#,
                "search.find",
                &["smaller count"],
            ),
            (
                r#""goal": {"bits": 2}, "progress": 0"#,
                "progress",
                &["at least 0.01"],
            ),
        ] {
            let line = format!(r#"{{"id": 1, "puzzle": {{"text": "x"}}, {rest}}}"#);
            assert_refused(&line, Some(field), words);
        }
        assert_refused(r#"{"cancel": 1, "ping": 2}"#, Some("ping"), &["two lines"]);
        assert_refused(r#"{"info": false}"#, Some("info"), &["true"]);
        assert_refused(&"[".repeat(100_000), None, &["nests deeper"]);
        assert_eq!(
            refused(r#"{"id": "mine", "puzzle": 1}"#).id,
            Some(JobId::Text("mine".to_owned()))
        );
    }

    /// A value of the wrong kind, and one of the right kind that makes no sense.
    #[test]
    fn each_option_is_named_by_its_own_path() {
        let header = "0".repeat(160);
        for flag in Flag::all() {
            for value in ["[]", r#""nonsense""#] {
                if flag == Flag::Text && value != "[]" {
                    continue; // any text will do
                }
                let mut job =
                    serde_json::json!({"id": 1, "puzzle": {"text": "x"}, "goal": {"bits": 2}, "search": {}});
                match flag.group {
                    Group::Message | Group::Goal => job[flag.object] = serde_json::json!({}),
                    _ if flag == Flag::RollVersion => job["puzzle"] = serde_json::json!({"header": header}),
                    _ => {}
                }
                job[flag.object][flag.field] = serde_json::from_str(value).unwrap();
                let refusal = refused(&job.to_string());
                let path = flag.spelled(Spelling::Job);
                assert_eq!(refusal.field.as_ref(), Some(&path), "{job}: {refusal:?}");
                assert!(refusal.message.starts_with(&path), "{refusal:?}");
                let shown = (value != "[]").then_some("nonsense");
                assert_eq!(refusal.value.as_deref(), shown, "{refusal:?}");
            }
        }
    }

    #[test]
    fn refusals_are_short_whatever_the_line() {
        let long = "y".repeat(500_000);
        for line in [
            format!(r#"{{"{long}": 1}}"#),
            format!(r#"{{"id": 1, "puzzle": {{"{long}": 1}}}}"#),
            format!(r#"{{"id": 1, "puzzle": "{long}"}}"#),
            format!(r#"{{"id": "{long}"}}"#),
            format!(r#"{{"id": 1, "puzzle": {{"text": "x"}}, "goal": {{"bits": "{long}"}}}}"#),
        ] {
            let refusal = refused(&line);
            let length = refusal.message.len() + refusal.field.map_or(0, |field| field.len());
            assert!(length < 5000, "{length}");
        }
    }

    /// Found by the fuzz target `job_line`.
    #[test]
    fn line_breaks_in_names_are_escaped() {
        let refusal = refused(r#"{"un`kn\now\u0007n": 1}"#);
        assert!(refusal.message.contains(r"un`kn\now\u{7}n"), "{refusal:?}");
        assert!(!refusal.message.chars().any(char::is_control));
    }

    #[test]
    fn brackets_in_texts_do_not_nest() {
        assert_eq!(nesting(br#"{"a": "[[[\"[[\\", "b": [[1], 2]}"#), 3);
        assert_eq!(nesting(b"]]]"), 0);
        assert_eq!(nesting(br#""\"#), 0);
    }
}
