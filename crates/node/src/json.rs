//! JSON as a tree of values, for small bodies: no object may have a field twice.
//!
//! *In:* bytes. *Out:* a value. Readers differ in which of two fields of one name they take; serde_json takes the last.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// Reads JSON.
pub(super) fn json(bytes: &[u8]) -> Result<Value, Refusal> {
    let read = serde_json::from_slice(bytes).map(|Once(value)| value);
    read.map_err(|error| match error.is_data() {
        true => Refusal::bad(format!("Invalid values: {error}")),
        false => Refusal::bad(format!("The body is not JSON: {error}")),
    })
}

/// What is said of a field that is there twice: its name is the client's, so of any length and of any characters.
pub(super) fn there_twice(name: &str) -> String {
    let mut shown: String = name.chars().take(80).flat_map(char::escape_debug).collect();
    if shown.is_empty() {
        shown.push_str("\"\"");
    }
    format!("{shown} is there twice")
}

/// A value whose objects have each field once.
struct Once(Value);

impl<'t> Deserialize<'t> for Once {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'t> Visitor<'t> for Reader {
    type Value = Once;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut fields: A) -> Result<Once, A::Error> {
        let mut object = Map::new();
        while let Some((name, Once(value))) = fields.next_entry::<String, _>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(there_twice(&name)));
            }
            object.insert(name, value);
        }
        Ok(Once(object.into()))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut values: A) -> Result<Once, A::Error> {
        let mut list = Vec::new();
        while let Some(Once(value)) = values.next_element()? {
            list.push(value);
        }
        Ok(Once(list.into()))
    }

    fn visit_unit<E>(self) -> Result<Once, E> {
        Ok(Once(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Once, E> {
        Ok(Once(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Once, E> {
        Ok(Once(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_serde_json_reads() {
        for text in [
            r#"{"a":[1,-2,3.5,"x",null,true,{}],"b":{"a":"\u00e9"}}"#,
            "7",
            "[]",
            "null",
            "\"\"",
        ] {
            assert_eq!(
                json(text.as_bytes()),
                Ok(serde_json::from_str::<Value>(text).unwrap())
            );
        }
    }

    #[test]
    fn a_field_is_there_once() {
        for text in [r#"{"id":"1","id":"1"}"#, r#"[{"x":{"id":1,"\u0069d":2}}]"#] {
            let refused = format!("{:?}", json(text.as_bytes()).unwrap_err());
            assert!(refused.contains("Invalid values: id is there twice"), "{refused}");
        }
        assert_eq!(there_twice(""), "\"\" is there twice");
        assert_eq!(there_twice("a\n\u{202e}"), "a\\n\\u{202e} is there twice");
        assert!(format!("{:?}", json(b"{").unwrap_err()).contains("not JSON"));
    }
}
