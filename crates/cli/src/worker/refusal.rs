//! What the worker answers to a line that it cannot take: which field, which value, what it should be.

use serde::Deserialize;

use crate::{
    options::{InputError, sentence, shown},
    worker::answers::JobId,
};

/// How much of a message is kept: it may repeat what the line said.
const MESSAGE_CHARS: usize = 600;

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

/// The id alone, from a line that has something else wrong with it.
#[derive(Deserialize)]
struct OnlyId {
    id: JobId,
}

impl Refusal {
    /// The line as a whole will not do.
    pub(super) fn line(id: Option<JobId>, problem: &str) -> Self {
        Self {
            id,
            field: None,
            value: None,
            message: cut(&format!("the line {problem}")),
        }
    }

    /// A field will not do.
    pub(super) fn field(id: Option<JobId>, field: &str, value: Option<&str>, problem: &str) -> Self {
        let field = shown(field);
        Self {
            id,
            message: cut(&sentence(&field, value, problem)),
            field: Some(field),
            value: value.map(shown),
        }
    }

    /// An option of a job will not do.
    pub(super) fn option(id: &JobId, error: &InputError) -> Self {
        let (field, value) = (error.name.to_string(), error.value.as_deref());
        Self::field(Some(id.clone()), &field, value, &error.problem)
    }

    /// What the JSON parser says.
    pub(super) fn json(line: &[u8], path: &str, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or_default();
        if !error.is_data() {
            return Self::line(None, &format!("is not JSON: {text} at column {}", error.column()));
        }
        let id = serde_json::from_slice::<OnlyId>(line).ok().map(|only| only.id);
        // Of a field that is there twice, serde names the object that it is in.
        let twice = text
            .strip_prefix("duplicate field `")
            .and_then(|rest| rest.split('`').next());
        match (path, twice) {
            (".", Some(field)) => Self::field(id, field, None, text),
            (path, Some(field)) => Self::field(id, &format!("{path}.{field}"), None, text),
            (".", None) => Self::line(id, &format!("is not a request: {text}")),
            (path, None) => Self::field(id, path, None, text),
        }
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
