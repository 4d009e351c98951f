//! `paydirt serve`: who may ask for what, as its options say, and what is said when they will not do.
#![cfg(unix)]

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
};

use crate::{
    common::{code, paydirt, stderr, stdout},
    server::Server,
};
use tempfile::TempDir;

/// The status of a call whose head is these lines.
fn status(server: &Server, head: &[&str]) -> u16 {
    let mut stream = server.connect();
    let request = head.join("\r\n") + "\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.contains("\"message\":") || answer[8..].starts_with(" 20"),
        "{answer}"
    );
    answer[9..12].parse().unwrap()
}

#[test]
fn a_node_answers_to_its_names_alone() {
    let loopback = Server::start("--memory --bits 1");
    let named = Server::start("--memory --bits 1 --allow-host node.example,192.168.1.5");
    let beyond = Server::start("--memory --bits 1 --host 0.0.0.0");
    let any = Server::start("--memory --bits 1 --allow-host any");
    for (head, expected) in [
        (&["GET /status HTTP/1.1", "Host: localhost"][..], [200; 4]),
        (&["GET /status HTTP/1.1", "Host: 127.0.0.1:5000"], [200; 4]),
        (&["GET /status HTTP/1.1", "Host: [::1]:5000"], [200; 4]),
        (
            &["GET /status HTTP/1.1", "Host: node.example:80"],
            [403, 200, 403, 200],
        ),
        (
            &["GET /status HTTP/1.1", "Host: 192.168.1.5"],
            [403, 200, 200, 200],
        ),
        (
            &["GET /status HTTP/1.1", "Host: rebound.example"],
            [403, 403, 403, 200],
        ),
        (
            &["POST /mine HTTP/1.1", "Host: rebound.example"],
            [403, 403, 403, 200],
        ),
        (&["GET /status HTTP/1.1"], [400; 4]),
        (
            &["GET /status HTTP/1.1", "Host: localhost", "Host: localhost"],
            [400; 4],
        ),
        (&["GET /status HTTP/1.1", "Host: local host"], [400; 4]),
        (&["GET /status HTTP/1.0"], [200; 4]),
        (
            &["GET http://localhost/status HTTP/1.1", "Host: localhost"],
            [200; 4],
        ),
        (
            &["GET http://rebound.example/status HTTP/1.1", "Host: localhost"],
            [403, 403, 403, 200],
        ),
    ] {
        for (server, expected) in [&loopback, &named, &beyond, &any].into_iter().zip(expected) {
            assert_eq!(status(server, head), expected, "{head:?} at {}", server.address);
        }
    }
    assert_eq!(loopback.get("/status").1["length"], 1);
    for bad in ["", "node.example:80", "a,,b", "http://node.example"] {
        let refused = crate::common::command("serve --memory --port 0 --allow-host")
            .arg(bad)
            .output()
            .unwrap();
        let line = stderr(&refused);
        assert!(
            code(&refused) == 2 && line.contains("--allow-host") && line.lines().count() == 1,
            "{line}"
        );
    }
}

#[test]
fn the_token_comes_from_a_file_and_is_never_shown() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    let write = |text: &str, mode: u32| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    };
    let options = format!("--memory --bits 1 --host 0.0.0.0 --token-file {}", file.display());
    for (text, mode, warnings) in [
        ("correct-horse-battery-staple\n", 0o600, 0),
        ("  correct-horse-battery-staple\r\n", 0o640, 0),
        ("correct-horse-battery-staple", 0o644, 1),
        ("horse", 0o604, 2),
    ] {
        write(text, mode);
        let server = Server::start(&options);
        let bearer = format!("Authorization: Bearer {}", text.trim());
        let post = "POST /mine HTTP/1.1";
        assert_eq!(status(&server, &[post, "Host: localhost"]), 401);
        assert_eq!(
            status(&server, &[post, "Host: localhost", "Authorization: Bearer x"]),
            401
        );
        assert_eq!(status(&server, &[post, "Host: localhost", &bearer]), 200);
        assert_eq!(status(&server, &["GET /chain HTTP/1.1", "Host: localhost"]), 200);
        let (_, log) = server.stop("TERM");
        assert_eq!(log.matches("WARN").count(), warnings, "{mode:o}: {log}");
        assert!(!log.contains("horse"), "{log}");
    }
    let refused = |file: &str| {
        let output = paydirt(format!("serve --memory --port 0 --token-file {file}"));
        let line = stderr(&output).to_owned();
        assert_eq!((line.lines().count(), stdout(&output)), (1, ""), "{line}");
        assert!(line.contains("--token-file") && !line.contains("horse"), "{line}");
        code(&output)
    };
    for text in [
        "",
        " \n",
        "correct horse",
        "correct\nhorse",
        "hörse",
        &"horse".repeat(300),
        &"horse".repeat(3000),
    ] {
        write(text, 0o600);
        assert_eq!(refused(&file.display().to_string()), 2, "{text:.20}");
    }
    fs::write(&file, b"horse\xff").unwrap();
    assert_eq!(refused(&file.display().to_string()), 2);
    assert_eq!(refused("/nowhere/token"), 3);
    assert_eq!(refused(&folder.path().display().to_string()), 3);
}

/// Whoever opens a node to others without a token is told so, whatever becomes of the log.
#[test]
fn an_open_node_says_so() {
    for (options, warned) in [
        ("--host 0.0.0.0", true),
        ("--host 0.0.0.0 --log json", true),
        ("--host 0.0.0.0 --log off", true),
        ("--host 127.0.0.1", false),
        ("--host 127.0.0.9", false),
        ("--log off", false),
    ] {
        let server = Server::start(format!("--memory --bits 1 {options}"));
        let (_, stderr) = server.stop("TERM");
        assert_eq!(stderr.contains("--token-file"), warned, "{options}: {stderr}");
    }
}
