//! What a line of a pool says.
//!
//! *In:* a line. *Out:* a call (a request, or news without an id) or an answer, its parts given their types; or in a few
//! words what is wrong with it.

use serde_json::Value;

use crate::merkle::Bytes32;

/// How much of a pool's text is repeated.
const SHOWN_CHARS: usize = 200;

/// A line that makes sense.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    /// The pool calls a method; where it wants an answer, it gives an id.
    Call {
        id: Value,
        method: String,
        params: Vec<Value>,
    },
    /// It answers a request of ours: with a result, or with a reason.
    Answer { id: u64, result: Result<Value, String> },
}

/// Reads a line.
pub(super) fn parse(line: &[u8]) -> Result<Message, String> {
    let value: Value = serde_json::from_slice(line).map_err(|error| format!("not JSON: {error}"))?;
    let Value::Object(mut object) = value else {
        return Err("not a JSON object".to_owned());
    };
    let mut take = |name: &str| object.remove(name).unwrap_or(Value::Null);
    let id = take("id");
    match take("method") {
        Value::Null => {}
        Value::String(method) => {
            let params = match take("params") {
                Value::Null => Vec::new(),
                Value::Array(params) => params,
                _ => return Err(format!("the params of {} are not a list", shown(&method))),
            };
            return Ok(Message::Call { id, method, params });
        }
        _ => return Err("its method is not a text".to_owned()),
    }
    let number = id.as_u64().or_else(|| id.as_str()?.parse().ok());
    let Some(id) = number else {
        return Err("neither a method nor the id of a request".to_owned());
    };
    let (result, error, reject) = (take("result"), take("error"), take("reject-reason"));
    let result = match (&result, &error) {
        (_, Value::Null) if result != Value::Bool(false) && result != Value::Null => Ok(result),
        (_, Value::Null) => Err(reason(&reject)),
        _ => Err(reason(&error)),
    };
    Ok(Message::Answer { id, result })
}

/// Why a pool says no, in whichever of the usual forms: `[21, "Job not found", null]`, `{"code": …, "message": …}`, text.
fn reason(error: &Value) -> String {
    let (code, text) = match error {
        Value::Array(parts) => (parts.first(), parts.get(1)),
        Value::Object(object) => (object.get("code"), object.get("message")),
        text @ Value::String(_) => (None, Some(text)),
        code => (Some(code), None),
    };
    let text = text.and_then(Value::as_str).map_or("", str::trim);
    match (text, code) {
        ("", Some(Value::Number(code))) => format!("error {code}, without a reason"),
        ("", _) => "no reason given".to_owned(),
        _ => shown(text),
    }
}

/// A pool's text on one line, and not all of a long one.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (count, letter) in text.chars().enumerate() {
        if count == SHOWN_CHARS {
            shown.push('…');
            break;
        }
        match letter.is_control() {
            true => shown.extend(letter.escape_default()),
            false => shown.push(letter),
        }
    }
    shown
}

/// A pool's name for a job: text, or a number; a share says it as it was said.
#[derive(Clone, Debug, PartialEq)]
pub struct JobId(pub(super) Value);

impl JobId {
    /// It as text.
    pub fn text(&self) -> String {
        self.0.as_str().map_or_else(|| self.0.to_string(), str::to_owned)
    }
}

/// What a pool names at the two ends of a coinbase's extra nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extranonce {
    /// The pool's part.
    pub(super) one: Vec<u8>,
    /// How many bytes ours has.
    pub(super) two_bytes: usize,
}

/// Work as a pool describes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Notify {
    pub(super) job_id: JobId,
    /// As it stands in the header.
    pub(super) previous: Bytes32,
    pub(super) coinbase1: Vec<u8>,
    pub(super) coinbase2: Vec<u8>,
    pub(super) branch: Vec<Bytes32>,
    pub(super) version: u32,
    pub(super) nbits: u32,
    pub(super) ntime: u32,
    pub(super) clean: bool,
}

/// A coinbase's input holds 100 bytes, so no part of it can be longer.
const MOST_EXTRANONCE_BYTES: usize = 100;
/// A tree of more levels would have more transactions than any block.
const MOST_LEVELS: usize = 64;

impl Extranonce {
    /// Out of `[…, extranonce1, extranonce2_size]`, without what comes first.
    pub(super) fn parse(params: &[Value]) -> Result<Self, String> {
        let one = params.first().and_then(Value::as_str).and_then(bytes);
        let one = one.filter(|one| one.len() <= MOST_EXTRANONCE_BYTES);
        let one =
            one.ok_or_else(|| format!("extranonce1 is not the hex of up to {MOST_EXTRANONCE_BYTES} bytes"))?;
        let two_bytes = params.get(1).and_then(Value::as_u64);
        let two_bytes = two_bytes.and_then(|size| usize::try_from(size).ok());
        let fits = two_bytes.filter(|size| *size <= MOST_EXTRANONCE_BYTES - one.len());
        let problem = || {
            format!(
                "extranonce2_size is not a number of bytes that a coinbase has room for ({MOST_EXTRANONCE_BYTES} in all)"
            )
        };
        let two_bytes = fits.ok_or_else(problem)?;
        Ok(Self { one, two_bytes })
    }
}

impl Notify {
    pub(super) fn parse(params: &[Value]) -> Result<Self, String> {
        let [
            job_id,
            previous,
            coinbase1,
            coinbase2,
            branch,
            version,
            nbits,
            ntime,
            rest @ ..,
        ] = params
        else {
            return Err(format!("mining.notify has {} parameters, not 9", params.len()));
        };
        let wrong = |what: &str, needs: &str| format!("{what} of mining.notify is not {needs}");
        let part = |value: &Value, what: &str| {
            (value.as_str().and_then(bytes)).ok_or_else(|| wrong(what, "the hex of whole bytes"))
        };
        let word = |value: &Value, what: &str| {
            (value.as_str().and_then(word)).ok_or_else(|| wrong(what, "a number of 8 hex digits"))
        };
        let hash = |value: &Value, what: &str| -> Result<Bytes32, String> {
            let hash = value
                .as_str()
                .and_then(bytes)
                .and_then(|bytes| bytes.try_into().ok());
            hash.ok_or_else(|| wrong(what, "the hex of 32 bytes"))
        };
        let job_id = match job_id {
            Value::String(_) | Value::Number(_) => JobId(job_id.clone()),
            _ => return Err(wrong("the job id", "a text")),
        };
        // The pool swaps the bytes of each of its eight words.
        let mut previous = hash(previous, "the previous hash")?;
        previous.chunks_exact_mut(4).for_each(<[u8]>::reverse);
        let branch = branch.as_array().filter(|branch| branch.len() <= MOST_LEVELS);
        let branch = branch.ok_or_else(|| wrong("the Merkle branch", "a list of at most 64 hashes"))?;
        let branch = branch
            .iter()
            .map(|step| hash(step, "a hash of the Merkle branch"));
        let clean = match rest.first() {
            None | Some(Value::Null) => false,
            Some(clean) => clean
                .as_bool()
                .ok_or_else(|| wrong("clean_jobs", "true or false"))?,
        };
        Ok(Self {
            job_id,
            previous,
            coinbase1: part(coinbase1, "the coinbase's first part")?,
            coinbase2: part(coinbase2, "the coinbase's second part")?,
            branch: branch.collect::<Result<_, _>>()?,
            version: word(version, "the version")?,
            nbits: word(nbits, "nBits")?,
            ntime: word(ntime, "the time")?,
            clean,
        })
    }
}

/// Hex of whole bytes.
fn bytes(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok()
}

/// A number of up to 8 hex digits.
pub(super) fn word(text: &str) -> Option<u32> {
    let digits = (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(line: Value) -> Result<Value, String> {
        match parse(line.to_string().as_bytes()).unwrap() {
            Message::Answer { result, .. } => result,
            call => panic!("{call:?}"),
        }
    }

    #[test]
    fn reasons_in_every_form() {
        for (line, expected) in [
            (
                json!({"id": 1, "result": null, "error": [21, "Job not found", null]}),
                "Job not found",
            ),
            (
                json!({"id": 1, "result": false, "error": {"code": 23, "message": "low"}}),
                "low",
            ),
            (json!({"id": 1, "result": false, "error": "no"}), "no"),
            (
                json!({"id": 1, "result": false, "reject-reason": "Above target"}),
                "Above target",
            ),
            (
                json!({"id": 1, "result": false, "error": null}),
                "no reason given",
            ),
            (json!({"id": 1, "result": null}), "no reason given"),
            (json!({"id": 1, "error": []}), "no reason given"),
            (
                json!({"id": 1, "error": [20, "", null]}),
                "error 20, without a reason",
            ),
            (json!({"id": 1, "error": 20}), "error 20, without a reason"),
            (json!({"id": 1, "result": true, "error": [1, "a\nb"]}), "a\\nb"),
        ] {
            assert_eq!(answer(line.clone()), Err(expected.to_owned()), "{line}");
        }
        assert_eq!(answer(json!({"id": "1", "result": true})), Ok(Value::Bool(true)));
        assert_eq!(
            answer(json!({"id": 1, "method": null, "result": [1]})),
            Ok(json!([1]))
        );
        let long = answer(json!({"id": 1, "error": "x".repeat(10_000)})).unwrap_err();
        assert!(long.len() < 300 && long.ends_with('…'));
    }

    #[test]
    fn what_is_no_message() {
        for line in [
            "",
            "{",
            "[]",
            "1",
            "{}",
            r#"{"id": null}"#,
            r#"{"id": -1, "result": true}"#,
            "\u{0}",
            r#"{"method": 1}"#,
            r#"{"method": "a", "params": {}}"#,
            "HTTP/1.1 400 Bad Request",
        ] {
            let problem = parse(line.as_bytes()).unwrap_err();
            assert!(
                !problem.is_empty() && !problem.contains('\n'),
                "{line}: {problem}"
            );
        }
        assert!(parse(&"[".repeat(100_000).into_bytes()).is_err());
    }

    #[test]
    fn extranonces() {
        let parse = |one: Value, two: Value| Extranonce::parse(&[one, two]);
        assert_eq!(
            parse(json!("0800"), json!(4)).unwrap(),
            Extranonce {
                one: vec![8, 0],
                two_bytes: 4
            }
        );
        assert!(parse(json!(""), json!(0)).is_ok());
        for (one, two) in [
            (json!("080"), json!(4)),
            (json!(8), json!(4)),
            (json!("08"), json!("4")),
            (json!("08"), json!(-4)),
            (json!("08"), json!(4.5)),
            (json!("08"), json!(100)),
            (json!("08"), json!(u64::MAX)),
            (json!("08"), json!(1e300)),
            (json!("00".repeat(101)), json!(0)),
        ] {
            assert!(parse(one.clone(), two.clone()).is_err(), "{one} {two}");
        }
        assert!(Extranonce::parse(&[]).is_err());
    }

    #[test]
    fn wrong_types_in_a_notify_are_named() {
        let good = json!([
            "a",
            "00".repeat(32),
            "01",
            "02",
            ["11".repeat(32)],
            "20000000",
            "1d00ffff",
            "504e86b9",
            true
        ]);
        let good = good.as_array().unwrap();
        assert!(Notify::parse(good).unwrap().clean);
        assert!(!Notify::parse(&good[..8]).unwrap().clean);
        assert!(Notify::parse(&good[..7]).is_err());
        for at in 0..9 {
            for bad in [json!({}), json!([1]), json!(1.5), json!("xyz"), Value::Null] {
                let mut params = good.clone();
                params[at] = bad.clone();
                let fine = matches!(
                    (at, &bad),
                    (0, Value::Number(_) | Value::String(_)) | (8, Value::Null)
                );
                assert_eq!(Notify::parse(&params).is_ok(), fine, "{at}: {bad}");
            }
        }
        let mut deep = good.clone();
        deep[4] = json!(vec!["11".repeat(32); 65]);
        assert!(Notify::parse(&deep).is_err());
    }
}
