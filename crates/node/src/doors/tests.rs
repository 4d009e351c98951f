//! Who is let in, rule by rule.

use super::*;
use axum::body::Body;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn status(outcome: Result<(), Refusal>) -> u16 {
    outcome.map_or_else(|refusal| refusal.status().as_u16(), |()| 200)
}

const NODE: (&str, &str) = ("host", "localhost:5000");

/// Which calls that change something each policy lets in: local pages, none, all, one that is named.
#[test]
fn pages_of_other_origins_are_kept_out() {
    let named = Cors::Origins(vec![Origin::new("https://example.com").unwrap()]);
    let policies = [Cors::Localhost, Cors::Nobody, Cors::Anybody, named];
    let local = ("origin", "http://localhost:3000");
    let example = ("origin", "https://example.com");
    let own = ("origin", "http://localhost:5000");
    let site = |site| ("sec-fetch-site", site);
    let (yes, no) = (true, false);
    for (given, expected) in [
        // Programs.
        (vec![NODE], [yes; 4]),
        // The node's own page, and an address that is typed in.
        (vec![NODE, own, site("same-origin")], [yes; 4]),
        (vec![NODE, site("same-origin")], [yes; 4]),
        (vec![NODE, own], [yes; 4]),
        (vec![NODE, site("none")], [yes; 4]),
        (
            vec![
                ("host", "Node.example"),
                ("origin", "https://node.example"),
                site("same-origin"),
            ],
            [yes; 4],
        ),
        // Pages that say who they are.
        (vec![NODE, local], [yes, no, yes, no]),
        (vec![NODE, local, site("same-site")], [yes, no, yes, no]),
        (vec![NODE, local, site("cross-site")], [yes, no, yes, no]),
        (vec![NODE, example, site("cross-site")], [no, no, yes, yes]),
        (vec![NODE, example], [no, no, yes, yes]),
        (
            vec![NODE, ("origin", "https://example.com:8443")],
            [no, no, yes, no],
        ),
        (vec![NODE, ("origin", "http://example.com")], [no, no, yes, no]),
        (vec![NODE, ("origin", "https://evil.example")], [no, no, yes, no]),
        (
            vec![NODE, ("origin", "http://localhost.evil.example:5000")],
            [no, no, yes, no],
        ),
        (vec![NODE, ("origin", "null")], [no, no, yes, no]),
        (
            vec![NODE, ("origin", "null"), site("same-origin")],
            [no, no, yes, no],
        ),
        (vec![NODE, ("origin", "")], [no, no, yes, no]),
        (vec![NODE, ("origin", "é")], [no, no, yes, no]),
        // Contradictions count for the worse.
        (
            vec![NODE, ("origin", "https://evil.example"), site("same-origin")],
            [no, no, yes, no],
        ),
        (
            vec![NODE, ("origin", "https://evil.example"), site("none")],
            [no, no, yes, no],
        ),
        (
            vec![NODE, own, ("origin", "https://evil.example")],
            [no, no, yes, no],
        ),
        (
            vec![NODE, example, ("origin", "https://evil.example")],
            [no, no, yes, no],
        ),
        (
            vec![NODE, site("same-origin"), site("cross-site")],
            [no, no, yes, no],
        ),
        // Pages that do not: images, links, forms with GET.
        (vec![NODE, site("cross-site")], [no, no, yes, no]),
        (vec![NODE, site("same-site")], [no, no, yes, no]),
        (vec![NODE, site("Same-Origin")], [no, no, yes, no]),
        (vec![NODE, site("")], [no, no, yes, no]),
        // Without a name nobody is the node's own page.
        (
            vec![("origin", "http://node.example"), ("host", "")],
            [no, no, yes, no],
        ),
        (vec![("origin", "http://")], [no, no, yes, no]),
    ] {
        let given = headers(&given);
        for (cors, expected) in policies.iter().zip(expected) {
            let doors = Doors::from(cors);
            let status = status(doors.admit(&given, Credentials::Bearer));
            assert_eq!(status, if expected { 200 } else { 403 }, "{given:?} {cors:?}");
        }
    }
}

#[test]
fn the_token_is_wanted_once_and_whole() {
    let doors = Doors {
        token: Some(Token::new("s3cret:~token").unwrap()),
        ..Doors::default()
    };
    let basic = |pair: &str| {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    };
    for (given, bearer, either) in [
        (vec!["Bearer s3cret:~token".to_owned()], 200, 200),
        (vec!["bearer   s3cret:~token ".to_owned()], 200, 200),
        (vec![], 401, 401),
        (vec!["Bearer s3cret:~toke".to_owned()], 401, 401),
        (vec!["Bearer s3cret:~token0".to_owned()], 401, 401),
        (vec!["Bearer S3cret:~token".to_owned()], 401, 401),
        (vec!["Bearer".to_owned()], 401, 401),
        (vec!["Bearer ".to_owned()], 401, 401),
        (vec!["s3cret:~token".to_owned()], 401, 401),
        (vec!["Digest s3cret:~token".to_owned()], 401, 401),
        (
            vec!["Bearer s3cret:~token".to_owned(), "Bearer x".to_owned()],
            401,
            401,
        ),
        (vec![basic("x:s3cret:~token")], 401, 200),
        (vec![basic(":s3cret:~token")], 401, 200),
        (vec![basic("s3cret:~token")], 401, 401),
        (vec![basic("s3cret:~token:")], 401, 401),
        (vec![basic("x:x")], 401, 401),
        (vec!["Basic !".to_owned()], 401, 401),
    ] {
        let pairs: Vec<_> = given
            .iter()
            .map(|value| ("authorization", value.as_str()))
            .collect();
        let given = headers(&pairs);
        assert_eq!(
            status(doors.admit(&given, Credentials::Bearer)),
            bearer,
            "{given:?}"
        );
        assert_eq!(
            status(doors.admit(&given, Credentials::BearerOrBasic)),
            either,
            "{given:?}"
        );
    }
    // Without a token nobody cares what is brought.
    let given = headers(&[("authorization", &basic("x:x"))]);
    assert_eq!(
        status(Doors::default().admit(&given, Credentials::BearerOrBasic)),
        200
    );
    assert!(!format!("{doors:?}").contains("s3cret"), "{doors:?}");
}

#[test]
fn what_is_no_token_is_said() {
    for (text, problem) in [
        ("", BadToken::Empty),
        ("two words", BadToken::Unseen),
        ("two\nlines", BadToken::Unseen),
        ("schlüssel", BadToken::Unseen),
        (&"x".repeat(1025), BadToken::TooLong),
    ] {
        assert_eq!(Token::new(text).unwrap_err(), problem, "{text}");
    }
    assert_eq!(Token::new(&"x".repeat(1024)).unwrap().length(), 1024);
}

/// Loopback names are those of a node on loopback; literal addresses, those of one that others reach.
#[test]
fn a_node_answers_to_its_names() {
    let more = vec![
        HostName::new("Node.example").unwrap(),
        HostName::new("192.168.1.5").unwrap(),
    ];
    let loopback = Hosts::of([127, 0, 0, 1].into(), Vec::new());
    let named = Hosts::of("::1".parse().unwrap(), more.clone());
    let beyond = Hosts::of([0, 0, 0, 0].into(), Vec::new());
    for (host, expected) in [
        // At loopback, there with more names, beyond it, anywhere.
        ("localhost", [200, 200, 200, 200]),
        ("LocalHost:5000", [200, 200, 200, 200]),
        ("localhost.:5000", [200, 200, 200, 200]),
        ("localhost:", [200, 200, 200, 200]),
        ("127.0.0.1:5000", [200, 200, 200, 200]),
        ("127.255.0.9", [200, 200, 200, 200]),
        ("[::1]:5000", [200, 200, 200, 200]),
        ("[0:0::1]", [200, 200, 200, 200]),
        ("[::ffff:127.0.0.1]", [200, 200, 200, 200]),
        ("node.example:80", [403, 200, 403, 200]),
        ("NODE.EXAMPLE.", [403, 200, 403, 200]),
        ("x.node.example", [403, 403, 403, 200]),
        ("192.168.1.5:5000", [403, 200, 200, 200]),
        ("192.168.1.6", [403, 403, 200, 200]),
        ("0.0.0.0:5000", [403, 403, 200, 200]),
        ("[fe80::1]:5000", [403, 403, 200, 200]),
        ("rebound.example:5000", [403, 403, 403, 200]),
        ("localhost.rebound.example", [403, 403, 403, 200]),
        ("127.0.0.1.rebound.example", [403, 403, 403, 200]),
        ("x.localhost", [403, 403, 403, 200]),
        ("2130706433", [403, 403, 403, 200]),
        ("127.1", [403, 403, 403, 200]),
        ("", [400; 4]),
        (":5000", [400; 4]),
        ("localhost:x", [400; 4]),
        ("localhost:65536", [400; 4]),
        ("localhost:-1", [400; 4]),
        ("localhost:80:80", [400; 4]),
        ("local host", [400; 4]),
        ("localhost/", [400; 4]),
        ("http://localhost", [400; 4]),
        ("me@localhost", [400; 4]),
        ("::1", [400; 4]),
        ("[::1", [400; 4]),
        ("[::1]5000", [400; 4]),
        ("[127.0.0.1]", [400; 4]),
        ("[localhost]", [400; 4]),
        ("[fe80::1%25eth0]", [400; 4]),
        ("localhost, localhost", [400; 4]),
        ("höst", [400; 4]),
    ] {
        let policies = [&loopback, &named, &beyond, &Hosts::Any];
        for (hosts, expected) in policies.into_iter().zip(expected) {
            assert_eq!(status(hosts.admit(host.as_bytes())), expected, "{host} {hosts:?}");
        }
    }
    assert_eq!(status(loopback.admit(b"\xff")), 400);
    for bad in ["", "node.example:80", "a b", "http://x"] {
        assert!(HostName::new(bad).is_err(), "{bad}");
    }
    assert_eq!(HostName::new("fe80::1"), HostName::new("[FE80::1]"));
}

#[test]
fn requests_name_the_node_once() {
    let loopback = Hosts::of([127, 0, 0, 1].into(), Vec::new());
    let request = |version, uri: &str, hosts: &[&str]| {
        let mut request = Request::builder().uri(uri).version(version);
        for host in hosts {
            request = request.header("host", *host);
        }
        request.body(Body::empty()).unwrap()
    };
    for (version, uri, hosts, expected) in [
        (Version::HTTP_11, "/", &["localhost"][..], 200),
        (Version::HTTP_11, "/", &[], 400),
        (Version::HTTP_11, "/", &["localhost", "localhost"], 400),
        (Version::HTTP_11, "/", &["localhost", "rebound.example"], 400),
        (Version::HTTP_11, "/", &["rebound.example"], 403),
        (Version::HTTP_10, "/", &[], 200),
        (Version::HTTP_10, "/", &["localhost"], 200),
        (Version::HTTP_10, "/", &["rebound.example"], 403),
        (Version::HTTP_10, "/", &["localhost", "localhost"], 400),
        (
            Version::HTTP_11,
            "http://localhost:5000/",
            &["localhost:5000"],
            200,
        ),
        (Version::HTTP_11, "http://rebound.example/", &["localhost"], 403),
        (Version::HTTP_11, "http://localhost/", &["rebound.example"], 403),
        (Version::HTTP_11, "http://localhost/", &[], 400),
        (Version::HTTP_10, "http://rebound.example/", &[], 403),
        (Version::HTTP_11, "http://me@localhost/", &["localhost"], 400),
    ] {
        let asked = request(version, uri, hosts);
        assert_eq!(
            status(named_by(&asked, &loopback)),
            expected,
            "{version:?} {uri} {hosts:?}"
        );
    }
    let nothing = request(Version::HTTP_11, "/", &[]);
    assert_eq!(status(named_by(&nothing, &Hosts::Any)), 400, "any name, but one");
    assert_eq!(status(named_by(&nothing, &Hosts::Unchecked)), 200);
}
