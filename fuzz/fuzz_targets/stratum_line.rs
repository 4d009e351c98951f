//! Any bytes as what a pool sends, after a handshake or in the middle of one (the first byte says): nothing panics, what is
//! sent is one line of JSON, and jobs have headers.

#![no_main]

use std::{sync::Arc, time::Duration};

use libfuzzer_sys::fuzz_target;
use paydirt_bitcoin::stratum::{Action, Client, Line, LineBuffer, Login};

fuzz_target!(|bytes: &[u8]| {
    let Some((greeted, bytes)) = bytes.split_first() else {
        return;
    };
    let login = Arc::new(Login {
        user: "me".to_owned(),
        password: "x".to_owned(),
        agent: "fuzz".to_owned(),
        suggest_difficulty: None,
    });
    let mut client = Client::new(login, 1, "pool", Arc::default());
    let mut now = Duration::ZERO;
    let mut actions = client.begin(now);
    let greeting = [
        r#"{"id":1,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000"}}"#,
        r#"{"id":2,"result":[[],"0102",4]}"#,
        r#"{"id":3,"result":true}"#,
    ];
    for line in &greeting[..usize::from(greeted % 4)] {
        actions.extend(client.line(line.as_bytes(), now));
    }
    for line in LineBuffer::default().push(bytes) {
        now += Duration::from_secs(3);
        actions.extend(match line {
            Line::Whole(line) => client.line(&line, now),
            Line::TooLong => client.too_long(now),
        });
        actions.extend(client.tick(now));
    }
    for action in actions {
        match action {
            Action::Send(line) => {
                assert!(!line.contains('\n'));
                serde_json::from_str::<serde_json::Value>(&line).unwrap();
            }
            Action::Mine { job, .. } => {
                (job.header)(0);
                (job.header)(job.extra_nonces.end);
            }
            Action::Say(line) => assert!(!line.contains('\n') && line.len() < 2_000),
            Action::Tell(_) | Action::Leave(_) => {}
        }
    }
});
