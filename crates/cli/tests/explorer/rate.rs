//! `examples/browser-rate.html`: it measures, says what to give `--rate`, and needs nobody else.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::{
    browser::Browser,
    common::{code, json, paydirt},
};

/// Opens it by itself, from a folder in which nothing else lies, and waits for its end; what it says.
fn measured(browser: &Browser, query: &str) -> (TempDir, String) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/browser-rate.html");
    let folder = TempDir::new().unwrap();
    let alone = folder.path().join("rate.html");
    fs::copy(page, &alone).unwrap();
    browser.open(&format!("file://{}{query}", alone.display()));
    browser.until(|browser| browser.run("return document.body.dataset.state !== 'measuring'") == true);
    assert_eq!(browser.run("return document.body.dataset.state"), "done");
    (folder, browser.text("#result"))
}

#[test]
fn what_it_prints_is_what_rate_takes() {
    let browser = Browser::start(900, 900);
    let (_folder, result) = measured(&browser, "?seconds=0.1&threads=2");
    let names = ["webcrypto", "webcrypto-many", "js", "js-all"];
    let lines: Vec<&str> = result.lines().collect();
    assert_eq!(lines.len(), names.len(), "{result}");
    for (line, name) in lines.iter().zip(names) {
        assert!(line.starts_with(&format!("--rate {name}=")), "{result}");
    }
    let output = paydirt(format!(
        "compare --bits 8 --samples 1 --budget 0 --json {}",
        lines.join(" ")
    ));
    assert_eq!(code(&output), 0);
    let report = json(&output);
    for rate in report["rates"].as_array().unwrap() {
        // Any browser does a thousand a second, none a billion in one script.
        let hashes = rate["hashes_per_second"].as_f64().unwrap();
        assert!((1e3..1e10).contains(&hashes), "{rate}");
    }
    browser.screenshot("browser-rate");
    browser.assert_clean_from("blob:");
}

/// Its own SHA-256 gives the hashes that the program finds, whatever the message's length.
#[test]
fn its_javascript_hashes_as_the_program_does() {
    let browser = Browser::start(900, 900);
    let (_folder, _) = measured(&browser, "?seconds=0.05&threads=1");
    for prefix in [
        "",
        "100",
        "compare/1/20/0/",
        "a text of forty-nine bytes, and six digits follow",
    ] {
        let mined = json(&paydirt(format!("mine --text '{prefix}' --bits 16 --json")));
        let script = format!("return hasher().hex({prefix:?}, {})", mined["nonce"]);
        assert_eq!(browser.run(&script), mined["hash"], "{prefix:?}");
    }
}
