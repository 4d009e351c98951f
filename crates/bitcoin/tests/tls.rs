//! A pool behind `stratum+ssl`: whom it takes for the pool. The key in `data/` is of no use for anything else.

#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use paydirt::{Cancel, Kernel, Miner};
use paydirt_bitcoin::stratum::{Event, Login, Pool, PoolError, Told, Trust, TrustError};
use paydirt_jobs::drive;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use serde_json::{Value, json};

const OWN: &[u8] = include_bytes!("data/pool.pem");
const OTHER: &[u8] = include_bytes!("data/other.pem");
const KEY: &[u8] = include_bytes!("data/key.pem");

/// A pool for one connection, at difficulties at which every hash is a share; gives its port.
fn pool() -> u16 {
    let certificate = CertificateDer::from_pem_slice(OWN).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls_graviola::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let server = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = BufReader::new(StreamOwned::new(server, socket));
        let mut line = String::new();
        // Ends with an error where the client does not like the certificate.
        while stream.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
            let request: Value = serde_json::from_str(&line).unwrap();
            line.clear();
            let result = match request["method"].as_str().unwrap() {
                "mining.subscribe" => json!([[], "0102", 4]),
                _ => json!(true),
            };
            let mut answer = format!(
                "{}\n",
                json!({"id": request["id"], "result": result, "error": null})
            );
            if request["method"] == "mining.authorize" {
                let params = json!([
                    "a",
                    "00".repeat(32),
                    "01",
                    "02",
                    [],
                    "20000000",
                    "1d00ffff",
                    "504e86b9",
                    true
                ]);
                answer += &format!(
                    "{}\n",
                    json!({"id": null, "method": "mining.set_difficulty", "params": [1e-12]})
                );
                answer += &format!(
                    "{}\n",
                    json!({"id": null, "method": "mining.notify", "params": params})
                );
            }
            if stream.get_mut().write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    port
}

/// Mines until a share is accepted, or why that cannot be.
fn mine(host: &str, trusted: &[&[u8]]) -> Result<Vec<Event>, PoolError> {
    let url = format!("stratum+ssl://{host}:{}", pool()).parse().unwrap();
    let trusted: Vec<_> = trusted.iter().map(|file| file.to_vec()).collect();
    let login = Login {
        user: "me".to_owned(),
        password: "x".to_owned(),
        agent: "paydirt/test".to_owned(),
        suggest_difficulty: None,
    };
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let pool = Pool::new(
        vec![url],
        Some(Trust::new(&trusted).unwrap()),
        login,
        Some(1),
        move |told| {
            tell.lock().unwrap().send(told).unwrap();
        },
    );
    pool.start().unwrap();
    let miner = Miner::with_threads(1, Kernel::by_name("portable").unwrap()).unwrap();
    drive(&miner, &pool, &Cancel::new(), &|event| pool.hear(&event));
    pool.finish(Duration::ZERO);
    match pool.failure() {
        Some(failure) => Err(failure),
        None => Ok(told
            .try_iter()
            .filter_map(|told| match told {
                Told::Event(event) => Some(event),
                Told::Line(_) => None,
            })
            .collect()),
    }
}

/// The one that is given, whatever its name, and although it says that it is an authority's.
#[test]
fn a_pools_own_certificate_is_trusted_when_it_is_given() {
    let events = mine("127.0.0.1", &[OTHER, OWN]).unwrap();
    assert!(
        matches!(events.last(), Some(Event::Accepted { .. })),
        "{events:?}"
    );
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    for trusted in [&[][..], &[OTHER]] {
        let error = mine("127.0.0.1", trusted).unwrap_err();
        assert!(matches!(error, PoolError::Untrusted(_)));
        assert!(error.to_string().contains("--certificate"), "{error}");
    }
}

#[test]
fn a_file_without_a_certificate_is_no_trust() {
    for file in [&b""[..], b"nothing", KEY] {
        assert_eq!(Trust::new(&[file.to_vec()]).unwrap_err(), TrustError::Certificate);
    }
}
