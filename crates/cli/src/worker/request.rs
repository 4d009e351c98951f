//! One line of input: a job, a cancellation, a ping, or a question for the worker's own state.
//!
//! *In:* a line's bytes. *Out:* a [`Request`], its job checked as `paydirt mine` checks its options; or a [`Refusal`]
//! that says which field will not do and what it should be. Nothing here panics, and nothing takes more memory than
//! a small multiple of the line: that is what the fuzz target `job_line` is for.

use std::{fmt, marker::PhantomData, time::Duration};

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use crate::{
    options::{
        input::{InputError, sentence, shown},
        puzzle::{GoalArgs, PuzzleArgs},
        search::{Place, SearchArgs},
    },
    worker::answers::JobId,
};
use paydirt::{Cancel, Find, Puzzle};

/// Bytes a line may have, its end not counted.
pub(super) const MOST_LINE_BYTES: usize = 1 << 20;
/// How deep arrays and objects may nest. A job needs two levels; the rest is for pings.
pub(super) const MOST_NESTING: usize = 32;
/// Bytes an id may have.
pub(super) const MOST_ID_BYTES: usize = 256;
/// The shortest interval of progress lines in seconds.
pub(super) const LEAST_PROGRESS_S: f64 = 0.01;
/// How many solutions a job may expect that asks for all: its result is one line, and is made in memory.
pub(super) const MOST_EXPECTED_SOLUTIONS: f64 = 100_000.0;
/// What a waiting job takes beside the bytes of its line.
const JOB_BYTES: usize = 512;
/// How much of a message is kept: it may repeat what the line said.
const MESSAGE_CHARS: usize = 600;

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

/// A puzzle to be solved, and what is wanted of it.
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) puzzle: Puzzle,
    pub(super) place: Place,
    pub(super) find: Find,
    pub(super) timeout: Option<Duration>,
    /// The interval of progress lines.
    pub(super) progress: Option<Duration>,
    /// Higher runs first.
    pub(super) priority: i64,
    /// About how many bytes of memory it takes.
    pub(super) bytes: usize,
    pub(super) cancel: Cancel,
}

/// Why a line cannot be taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) id: Option<JobId>,
    /// The path of the field, as in `goal.bits`.
    pub(super) field: Option<String>,
    /// The field's value, or its beginning.
    pub(super) value: Option<String>,
    pub(super) message: String,
}

/// A line as it is written. Each field remembers whether it was there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, deserialize_with = "given")]
    id: Option<JobId>,
    #[serde(default, deserialize_with = "given_object")]
    puzzle: Option<PuzzleArgs>,
    #[serde(default, deserialize_with = "given_object")]
    goal: Option<GoalArgs>,
    #[serde(default, deserialize_with = "given_object")]
    search: Option<SearchArgs>,
    #[serde(default, deserialize_with = "given")]
    priority: Option<i64>,
    #[serde(default, deserialize_with = "given")]
    progress: Option<f64>,
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

/// The id alone, from a line that has something else wrong with it.
#[derive(Deserialize)]
struct OnlyId {
    id: JobId,
}

/// Reads one line.
pub(super) fn parse(line: &[u8]) -> Result<Request, Refusal> {
    if nesting(line) > MOST_NESTING {
        return Err(Refusal::line(format!(
            "nests deeper than {MOST_NESTING} arrays and objects; a job needs two"
        )));
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
    let id = written.id.clone();
    let beside_a_job = [
        ("puzzle", written.puzzle.is_some()),
        ("goal", written.goal.is_some()),
        ("search", written.search.is_some()),
        ("priority", written.priority.is_some()),
        ("progress", written.progress.is_some()),
        ("id", written.id.is_some()),
    ];
    let asked = [
        ("cancel", written.cancel.is_some()),
        ("ping", written.ping.is_some()),
        ("info", written.info.is_some()),
    ];
    if let Some((first, _)) = asked.iter().find(|(_, there)| *there) {
        let others = asked
            .iter()
            .filter(|(name, _)| name != first)
            .chain(&beside_a_job);
        if let Some((other, _)) = { others }.find(|(_, there)| *there) {
            let problem = format!("does not go with {first}; write two lines");
            return Err(Refusal::field(id, other, None, &problem));
        }
    }
    match written {
        Written {
            cancel: Some(cancel), ..
        } => Ok(Request::Cancel(cancel)),
        Written { ping: Some(ping), .. } => Ok(Request::Ping(ping)),
        Written { info: Some(true), .. } => Ok(Request::Info),
        Written {
            info: Some(false), ..
        } => Err(Refusal::field(
            id,
            "info",
            Some("false"),
            "is no question; write true",
        )),
        written => job(written, line_bytes).map(|job| Request::Job(Box::new(job))),
    }
}

fn job(written: Written, line_bytes: usize) -> Result<Job, Refusal> {
    let Some(id) = written.id else {
        let problem =
            "is missing; give the job a name, text or a whole number, by which its answers are known";
        return Err(Refusal::field(None, "id", None, problem));
    };
    let bad_option = |error: InputError| Refusal::option(&id, error);
    let Some(puzzle) = written.puzzle else {
        let problem = "is missing; give what is to be hashed, as in {\"text\": \"100\"}";
        return Err(Refusal::field(Some(id), "puzzle", None, problem));
    };
    let puzzle = puzzle
        .resolve(&written.goal.unwrap_or_default())
        .map_err(bad_option)?;
    let search = written.search.unwrap_or_default();
    let place = search.place(puzzle.nonce_space()).map_err(bad_option)?;
    let find = search.find().map_err(bad_option)?;
    let timeout = search.timeout().map_err(bad_option)?;
    let expected = place.range.count() as f64 / puzzle.goal().expected_hashes();
    if find == Find::All && expected > MOST_EXPECTED_SOLUTIONS {
        let problem = format!(
            "is too many: about {expected:.0} solutions are to be expected and a worker takes at most {MOST_EXPECTED_SOLUTIONS}; give a smaller count or a harder goal"
        );
        return Err(Refusal::field(Some(id), "search.find", Some("all"), &problem));
    }
    let interval = |seconds: f64| {
        let long_enough = Some(seconds).filter(|seconds| *seconds >= LEAST_PROGRESS_S);
        let interval = long_enough.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        interval.ok_or_else(|| {
            let problem = format!("is no interval; give seconds, at least {LEAST_PROGRESS_S}, as in 0.5");
            Refusal::field(Some(id.clone()), "progress", Some(&seconds.to_string()), &problem)
        })
    };
    let progress = written.progress.map(interval).transpose()?;
    Ok(Job {
        puzzle,
        place,
        find,
        timeout,
        progress,
        priority: written.priority.unwrap_or(0),
        bytes: line_bytes + JOB_BYTES,
        cancel: Cancel::new(),
        id,
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

impl Refusal {
    /// The line as a whole will not do.
    pub(super) fn line(problem: String) -> Self {
        Self {
            id: None,
            field: None,
            value: None,
            message: cut(&sentence("the line", None, &problem)),
        }
    }

    /// A field will not do.
    pub(super) fn field(id: Option<JobId>, field: &str, value: Option<&str>, problem: &str) -> Self {
        Self {
            id,
            field: Some(shown(field)),
            value: value.map(shown),
            message: cut(&sentence(&shown(field), value, problem)),
        }
    }

    /// What the JSON parser says.
    fn json(line: &[u8], path: &str, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or_default();
        let id = || serde_json::from_slice::<OnlyId>(line).ok().map(|only| only.id);
        if !error.is_data() {
            let problem = format!("is no JSON: {text} at column {}", error.column());
            return Self::line(problem);
        }
        // Of a field that is there twice, serde names the object that it is in.
        let twice = text
            .strip_prefix("duplicate field `")
            .and_then(|rest| rest.split('`').next());
        match (path, twice) {
            (".", Some(field)) => Self::field(id(), field, None, text),
            (path, Some(field)) => Self::field(id(), &format!("{path}.{field}"), None, text),
            (".", None) => Self {
                id: id(),
                ..Self::line(format!("is no request: {text}"))
            },
            (path, None) => Self::field(id(), path, None, text),
        }
    }

    /// What the command line would say of an option, in a job's words.
    fn option(id: &JobId, error: InputError) -> Self {
        let field = path_of(error.option);
        // Problems speak of other options by their dashes.
        let mut problem = error.problem;
        for (option, group) in OPTIONS {
            problem = problem.replace(
                &format!("--{option}"),
                &format!("{group}.{}", option.replace('-', "_")),
            );
        }
        Self::field(Some(id.clone()), &field, error.value.as_deref(), &problem)
    }
}

/// Which object each option's field is in; an option whose name begins with another's comes first.
const OPTIONS: [(&str, &str); 17] = [
    ("template-hex", "puzzle"),
    ("template", "puzzle"),
    ("text", "puzzle"),
    ("header", "puzzle"),
    ("nonce", "puzzle"),
    ("digest", "puzzle"),
    ("hash-order", "puzzle"),
    ("hex-zeros", "goal"),
    ("bits", "goal"),
    ("nbits", "goal"),
    ("target", "goal"),
    ("equals", "goal"),
    ("start", "search"),
    ("count", "search"),
    ("shard", "search"),
    ("timeout", "search"),
    ("find", "search"),
];

fn path_of(option: &str) -> String {
    let field = option.replace('-', "_");
    match OPTIONS.iter().find(|(known, _)| *known == option) {
        Some((_, group)) => format!("{group}.{field}"),
        None => field,
    }
}

/// The beginning of a message, on one line: it may repeat what the line said, line breaks and all.
fn cut(message: &str) -> String {
    let mut cut = String::new();
    for (count, char) in message.chars().enumerate() {
        if count == MESSAGE_CHARS {
            cut.push('…');
            break;
        }
        if char.is_control() {
            cut.extend(char.escape_default());
        } else {
            cut.push(char);
        }
    }
    cut
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = JobId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "text of at most {MOST_ID_BYTES} bytes or a whole number")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<JobId, E> {
                if text.len() > MOST_ID_BYTES {
                    return Err(E::invalid_length(text.len(), &self));
                }
                Ok(JobId::Text(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<JobId, E> {
                Ok(JobId::Number(number))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<JobId, E> {
                Ok(u64::try_from(number).map_or(JobId::Negative(number), JobId::Number))
            }
        }

        json.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_refused("{", None, &["is no JSON", "column 1"]);
        assert_refused("[1]", None, &["is no request", "an object"]);
        assert_refused("{} {}", None, &["is no JSON", "trailing characters"]);
        assert_refused("{}", Some("id"), &["is missing"]);
        assert_refused(r#"{"id": 1}"#, Some("puzzle"), &["is missing"]);
        assert_refused(r#"{"id": 1, "id": 2}"#, Some("id"), &["duplicate"]);
        assert_refused(
            r#"{"id": [], "puzzle": {}}"#,
            Some("id"),
            &["text of at most 256 bytes"],
        );
        assert_refused(
            r#"{"id": null, "puzzle": {}}"#,
            Some("id"),
            &["text of at most 256 bytes"],
        );
        assert_refused(
            r#"{"id": 1, "puzle": {}}"#,
            Some("puzle"),
            &["unknown", "`puzzle`"],
        );
        assert_refused(r#"{"id": 1, "puzzle": "x"}"#, Some("puzzle"), &["an object"]);
        assert_refused(r#"{"id": 1, "puzzle": ["x"]}"#, Some("puzzle"), &["an object"]);
        assert_refused(
            r#"{"id": 1, "puzzle": {}}"#,
            Some("puzzle.text"),
            &["puzzle.template_hex"],
        );
        assert_refused(
            r#"{"id": 1, "puzzle": {"txet": "x"}}"#,
            Some("puzzle.txet"),
            &["unknown", "`text`"],
        );
        assert_refused(
            r#"{"id": 1, "puzzle": {"text": "x", "header": "00"}}"#,
            Some("puzzle.header"),
            &["puzzle.text", "give one"],
        );
        assert_refused(
            r#"{"id": 1, "puzzle": {"text": "x"}}"#,
            Some("goal.hex_zeros"),
            &["goal.bits", "goal.nbits"],
        );
        assert_refused(
            r#"{"id": 1, "puzzle": {"text": "x"}, "goal": {"bits": "many"}}"#,
            Some("goal.bits"),
            &["'many'", "20.5"],
        );
        assert_refused(
            r#"{"id": 1, "puzzle": {"text": "x"}, "goal": {"bits": [2]}}"#,
            Some("goal.bits"),
            &["a number"],
        );
        assert_refused(
            r#"{"id": 1, "puzzle": {"text": "x"}, "goal": {"bits": 2}, "search": {"count": 0.5}}"#,
            Some("search.count"),
            &["0.5", "whole number"],
        );
        assert_refused(
            r#"{"id": 1, "puzzle": {"text": "x"}, "goal": {"bits": 2}, "search": {"find": "all"}}"#,
            Some("search.find"),
            &["smaller count"],
        );
        assert_refused(
            r#"{"id": 1, "puzzle": {"text": "x"}, "goal": {"bits": 2}, "progress": 0}"#,
            Some("progress"),
            &["at least 0.01"],
        );
        assert_refused(r#"{"cancel": 1, "ping": 2}"#, Some("ping"), &["two lines"]);
        assert_refused(r#"{"info": false}"#, Some("info"), &["true"]);
        assert_refused(&"[".repeat(100_000), None, &["nests deeper"]);
        assert_eq!(
            refused(r#"{"id": "mine", "puzzle": 1}"#).id,
            Some(JobId::Text("mine".to_owned()))
        );
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
