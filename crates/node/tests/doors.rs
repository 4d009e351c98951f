//! Who may ask a node for what, on a real socket: each call there is, with the heads that browsers and programs send.

#[path = "common/description.rs"]
mod description;
#[path = "common/served.rs"]
mod served;

use std::time::Duration;

use paydirt_ledger::ChainParameters;
use paydirt_node::{Cors, Doors, HostName, Hosts, Token};
use served::Served;

const HOST: &str = "Host: localhost";
const TRANSFER: &str = r#"{"sender":"alice","recipient":"bob","amount":5}"#;
const CALL: &str = r#"{"method":"getwork","params":[],"id":7}"#;

/// What changes state or costs work: method, path, body, and the status when it is let in.
const GUARDED: [(&str, &str, &str, u16); 11] = [
    ("GET", "/mine", "", 200),
    ("POST", "/mine", "", 200),
    ("POST", "/transactions/new", TRANSFER, 201),
    ("POST", "/blocks", "{}", 400),
    ("POST", "/switch", "{}", 400),
    ("POST", "/nodes/register", "{}", 400),
    ("GET", "/work", "", 200),
    ("POST", "/work", "{}", 400),
    ("POST", "/", CALL, 200),
    ("POST", "/", r#"{"method":"getwork","params":["00"]}"#, 200),
    ("POST", "/longpoll", r#"{"method":"getblocktemplate"}"#, 404),
];
const OPEN: [(&str, &str); 13] = [
    ("GET", "/"),
    ("POST", "/"),
    ("GET", "/status"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/explorer"),
    ("GET", "/blocks/1"),
    ("GET", "/chain"),
    ("GET", "/tree"),
    ("GET", "/peers"),
    ("GET", "/nodes/resolve"),
    ("GET", "/transactions/pending"),
    ("DELETE", "/"),
];

fn easy() -> ChainParameters {
    ChainParameters::fixed(1.0).unwrap()
}

fn doors(cors: Cors) -> Doors {
    Doors {
        cors,
        hosts: Hosts::of([127, 0, 0, 1].into(), Vec::new()),
        token: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_change_nothing() {
    for cors in [Cors::Localhost, Cors::Nobody] {
        let served = Served::start(&easy(), doors(cors)).await;
        let own = format!("Origin: http://{}", served.address);
        let own_host = format!("Host: {}", served.address);
        for page in [
            &["Origin: http://evil.example", HOST][..],
            &["Origin: null", HOST],
            &["Sec-Fetch-Site: cross-site", HOST],
            &["Sec-Fetch-Site: same-site", HOST],
            &[&own, "Origin: http://evil.example", &own_host],
            &["Origin: http://evil.example", "Content-Type: text/plain", HOST],
            &[
                "Origin: http://evil.example",
                "Content-Type: application/x-www-form-urlencoded",
                HOST,
            ],
        ] {
            for (method, path, body, _) in GUARDED {
                let answer = served.ask(method, path, page, body).await;
                assert_eq!(answer.status, 403, "{method} {path} {page:?}: {}", answer.text);
                let says = if path == "/" || path == "/longpoll" {
                    "error"
                } else {
                    "message"
                };
                assert!(
                    answer.json()[says].as_str().unwrap().contains("--cors"),
                    "{}",
                    answer.text
                );
            }
            for (method, path) in OPEN {
                let answer = served.ask(method, path, page, "").await;
                assert_eq!(answer.status, 200, "{method} {path} {page:?}: {}", answer.text);
            }
        }
        assert_eq!(served.node.ledger().tip().index, 1);
        assert_eq!(served.node.ledger().view().pending.len(), 0);
        // The node's own page, an address that is typed in, and programs.
        for known in [
            &[&own, "Sec-Fetch-Site: same-origin", &own_host][..],
            &["Sec-Fetch-Site: same-origin", HOST],
            &["Sec-Fetch-Site: none", HOST],
            &["User-Agent: minerd", HOST],
        ] {
            for (method, path, body, status) in GUARDED {
                let answer = served.ask(method, path, known, body).await;
                assert_eq!(
                    answer.status, status,
                    "{method} {path} {known:?}: {}",
                    answer.text
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_wanted_by_what_changes_state() {
    let token = Some(Token::new("correct-horse").unwrap());
    let served = Served::start(
        &easy(),
        Doors {
            token,
            ..doors(Cors::Localhost)
        },
    )
    .await;
    let basic = "Authorization: Basic eDpjb3JyZWN0LWhvcnNl"; // x:correct-horse
    for brought in [
        &[HOST][..],
        &[HOST, "Authorization: Bearer wrong"],
        &[HOST, "Authorization: Basic eDp4"],
    ] {
        for (method, path, body, _) in GUARDED {
            let answer = served.ask(method, path, brought, body).await;
            assert_eq!(answer.status, 401, "{method} {path} {brought:?}: {}", answer.text);
            assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
            assert!(!answer.text.contains("correct"));
        }
    }
    assert_eq!(served.node.ledger().tip().index, 1);
    for (method, path) in OPEN {
        assert_eq!(
            served.ask(method, path, &[HOST], "").await.status,
            200,
            "{method} {path}"
        );
    }
    for (method, path, body, status) in GUARDED {
        let bearer = [HOST, "Authorization: Bearer correct-horse"];
        let answer = served.ask(method, path, &bearer, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        // Mining programs know users and passwords; what browsers keep and send by themselves is taken nowhere else.
        let status = if path == "/" || path == "/longpoll" {
            status
        } else {
            401
        };
        let answer = served.ask(method, path, &[HOST, basic], body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
    }
    // A page of another origin gets no chance to try.
    let page = [
        HOST,
        "Authorization: Bearer correct-horse",
        "Origin: http://evil.example",
    ];
    assert_eq!(served.ask("POST", "/mine", &page, "").await.status, 403);
    let page = served.ask("GET", "/explorer", &[HOST], "").await.text;
    assert!(
        page.contains("<html lang=\"en\" data-token=\"wanted\">"),
        "the page asks for it"
    );
    let without = Served::start(&easy(), doors(Cors::Localhost)).await;
    let page = without.ask("GET", "/explorer", &[HOST], "").await.text;
    assert!(
        page.contains("<html lang=\"en\">"),
        "nobody is asked for what is not wanted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_names_the_node() {
    let served = Served::start(&easy(), doors(Cors::Anybody)).await;
    let calls = GUARDED
        .iter()
        .map(|(method, path, body, _)| (*method, *path, *body));
    let calls: Vec<_> = calls
        .chain(OPEN.map(|(method, path)| (method, path, "")))
        .collect();
    for (heads, status) in [
        (&[][..], 400),
        (&[HOST, HOST], 400),
        (&["Host:"], 400),
        (&["Host: local host"], 400),
        (&["Host: evil.example"], 403),
        (
            &[
                "Host: evil.example",
                "Origin: http://evil.example",
                "Sec-Fetch-Site: same-origin",
            ],
            403,
        ),
    ] {
        for (method, path, body) in &calls {
            let mut connection = served.connect().await;
            connection.send(method, path, heads, body).await;
            let answer = connection.answer(false).await;
            assert_eq!(
                answer.status, status,
                "{method} {path} {heads:?}: {}",
                answer.text
            );
            assert!(
                answer.json()["message"].as_str().unwrap().contains("Host"),
                "{}",
                answer.text
            );
        }
    }
    for path in ["/made/up", "/explorer/"] {
        assert_eq!(
            served.ask("GET", path, &["Host: evil.example"], "").await.status,
            403,
            "{path}"
        );
    }
    assert_eq!(served.node.ledger().tip().index, 1);
    let named = Hosts::of(
        [127, 0, 0, 1].into(),
        vec![HostName::new("node.example").unwrap()],
    );
    let hosts = named;
    let served = Served::start(
        &easy(),
        Doors {
            hosts,
            ..doors(Cors::Nobody)
        },
    )
    .await;
    for (host, status) in [
        ("node.example:80", 200),
        ("localhost", 200),
        ("evil.example", 403),
    ] {
        let head = format!("Host: {host}");
        assert_eq!(
            served.ask("GET", "/status", &[&head], "").await.status,
            status,
            "{host}"
        );
    }
}

/// Whatever it is, a browser must take it for nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_nosniff() {
    let served = Served::start(&easy(), doors(Cors::Localhost)).await;
    let refused = [
        ("GET", "/made/up"),
        ("PUT", "/mine"),
        ("GET", "/blocks/x"),
        ("HEAD", "/mine"),
        ("POST", "/mine"),
    ];
    for (method, path) in OPEN.into_iter().chain(refused) {
        let answer = served
            .ask(method, path, &[HOST, "Sec-Fetch-Site: cross-site"], "")
            .await;
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{method} {path}"
        );
    }
    let answer = served.ask("GET", "/", &["Host: evil.example"], "").await;
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let page = served.ask("GET", "/explorer", &[HOST], "").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        !policy.contains("unsafe") && policy.contains("script-src 'sha256-"),
        "{policy}"
    );
    assert!(
        !page.text.contains(" style=") && !page.text.contains(" onclick="),
        "which no hash covers"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn head_does_nothing() {
    // Nobody finds a block of 100 bits: if it mined, there would be no answer.
    let served = Served::start(&ChainParameters::fixed(100.0).unwrap(), doors(Cors::Localhost)).await;
    for path in ["/mine", "/work"] {
        let asked = served.ask("HEAD", path, &[HOST], "");
        let answer = tokio::time::timeout(Duration::from_secs(60), asked)
            .await
            .unwrap();
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET,POST")),
            "{path}"
        );
    }
    assert_eq!(served.ask("HEAD", "/status", &[HOST], "").await.status, 200);
}
