//! URLs, credentials and answers; the node itself is played by `crates/bitcoin/tests/node`.

use super::*;

fn parsed(text: &str) -> (String, Option<(String, String)>) {
    let url = RpcUrl::parse(text).unwrap();
    (url.to_string(), url.credentials)
}

#[test]
fn urls() {
    assert_eq!(
        parsed("http://127.0.0.1:18443"),
        ("http://127.0.0.1:18443/".to_owned(), None)
    );
    assert_eq!(parsed("HTTP://node/wallet/x").0, "http://node/wallet/x");
    assert_eq!(parsed("http://[::1]:8332/").0, "http://[::1]:8332/");
    let secret = Some(("u ser".to_owned(), "p:a@ss".to_owned()));
    assert_eq!(
        parsed("http://u%20ser:p%3Aa%40ss@h:1"),
        ("http://h:1/".to_owned(), secret)
    );
    for bad in [
        "",
        "x",
        "127.0.0.1:8332",
        "/path",
        "http://",
        "http://:8332",
        "http://h:",
        "http://h:0",
        "http://h:65536",
        "http://h:port",
        "http://u:p@",
        "http://a b",
        "http://[::1",
    ] {
        assert!(RpcUrl::parse(bad).is_err(), "{bad}");
    }
    for other in ["https://h:1", "ftp://h", "stratum+tcp://h:1"] {
        assert_eq!(RpcUrl::parse(other), Err(RpcUrlError::Scheme), "{other}");
    }
}

#[test]
fn what_is_shown_has_no_secrets() {
    assert_eq!(RpcUrl::shown("http://user:secret@h:99999"), "http://h:99999");
    assert_eq!(RpcUrl::shown("http://user:se@cret@"), "http://");
    assert_eq!(RpcUrl::shown("user:secret@h"), "h");
    assert_eq!(RpcUrl::shown("http://h"), "http://h");
    let url = RpcUrl::parse("http://user:secret@h").unwrap();
    let credentials = url.credentials().unwrap();
    assert_eq!(
        format!("{url} {url:?} {credentials:?}"),
        "http://h/ http://h/ Password"
    );
}

fn answer<T: DeserializeOwned>(status: u16, body: &str) -> Result<T, String> {
    let body = body.as_bytes().to_vec();
    read_answer("call", &Answer { status, body }).map_err(|error| error.to_string())
}

#[test]
fn answers() {
    assert_eq!(answer::<u32>(200, r#"{"result":5,"error":null,"id":1}"#), Ok(5));
    assert_eq!(answer::<Option<u32>>(200, r#"{"result":null,"id":1}"#), Ok(None));
    let refused = r#"{"result":null,"error":{"code":-28,"message":"Loading\nblock index…"},"id":1}"#;
    let problem = answer::<u32>(500, refused).unwrap_err();
    assert_eq!(
        problem,
        "the node answers call with an error: Loading block index… (code -28)"
    );
    assert_eq!(
        answer::<u32>(200, r#"{"error":"no"}"#).unwrap_err(),
        "the node answers call with an error: no"
    );
    assert!(
        answer::<u32>(200, r#"{"error":[1]}"#)
            .unwrap_err()
            .ends_with("an error: [1]")
    );
    assert!(
        answer::<Option<u32>>(200, "{}")
            .unwrap_err()
            .contains("neither a result nor an error")
    );
    assert!(
        answer::<u32>(500, "<html>")
            .unwrap_err()
            .ends_with("HTTP status 500")
    );
    assert!(answer::<u32>(502, "{}").unwrap_err().ends_with("HTTP status 502"));
    for bad in [
        "",
        "{",
        "[]",
        "5",
        "null",
        r#"{"result":"x"}"#,
        r#"{"result":5,"#,
        "\u{0}",
    ] {
        assert!(answer::<u32>(200, bad).is_err(), "{bad}");
    }
    let long = format!(r#"{{"error":"{}"}}"#, "x".repeat(10 << 20));
    assert!(answer::<u32>(200, &long).unwrap_err().len() < 1000);
}

#[test]
fn a_wrong_type_is_named_with_its_place() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct List {
        items: Vec<u8>,
    }
    let problem = answer::<List>(200, r#"{"result":{"items":[1,"x"]}}"#).unwrap_err();
    assert!(problem.contains("items[1]: invalid type: string"), "{problem}");
}
