//! A page of another origin tries to drive the node, in every way that a page has to send a request.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use serde_json::Value;

use crate::{browser::Browser, server::Server};

/// Ways that reach the node: `N` is its address, `M` where it mines, `$` puts an element into the page, `form` sends one into a frame.
const WAYS: &[(&str, &str)] = &[
    ("image", "$('img', {src: M})"),
    ("image of work", "$('img', {src: N + '/work'})"),
    (
        "image without a referrer",
        "$('img', {referrerPolicy: 'no-referrer', src: M})",
    ),
    (
        "image with cross-origin",
        "$('img', {crossOrigin: 'use-credentials', src: M})",
    ),
    ("script", "$('script', {src: M})"),
    ("module", "$('script', {type: 'module', src: M})"),
    ("style sheet", "$('link', {rel: 'stylesheet', href: M})"),
    (
        "picture in a style",
        "$('div', {textContent: 'x'}).style.background = `url(${M})`; document.body.offsetWidth",
    ),
    ("prefetch", "$('link', {rel: 'prefetch', href: M})"),
    ("preload", "$('link', {rel: 'preload', as: 'image', href: M})"),
    ("frame", "$('iframe', {src: M})"),
    (
        "frame without a referrer",
        "$('iframe', {referrerPolicy: 'no-referrer', src: M})",
    ),
    ("object", "$('object', {data: M})"),
    ("embed", "$('embed', {src: M})"),
    ("video", "$('video', {src: M, preload: 'auto'}).load()"),
    ("audio", "$('audio', {src: M, preload: 'auto'}).load()"),
    (
        "frame in a sandbox",
        "$('iframe', {sandbox: 'allow-scripts', srcdoc: `<img src='${M}'>`})",
    ),
    (
        "fetch in a sandbox",
        "$('iframe', {sandbox: 'allow-scripts', srcdoc: `<script>fetch('${M}', {method: 'POST', mode: 'no-cors'})<\\/script>`})",
    ),
    (
        "data URL",
        "$('iframe', {src: `data:text/html,<img src='${M}'>`})",
    ),
    ("GET form", "form('GET', '/mine', '', {})"),
    (
        "POST form",
        "form('POST', '/transactions/new', 'application/x-www-form-urlencoded', {sender: 'a', recipient: 'b', amount: '5'})",
    ),
    (
        "text form",
        "form('POST', '/transactions/new', 'text/plain', {[T.slice(0, -1) + ',\"x\":\"']: '\"}'})",
    ),
    (
        "multipart form",
        "form('POST', '/mine', 'multipart/form-data', {a: 'b'})",
    ),
    (
        "text form of JSON-RPC",
        "form('POST', '/', 'text/plain', {'{\"method\":\"getwork\",\"x\":\"': '\"}'})",
    ),
    ("fetch", "fetch(M)"),
    (
        "fetch, no cors",
        "fetch(M, {mode: 'no-cors', credentials: 'include'})",
    ),
    ("fetch, POST", "fetch(M, {method: 'POST'})"),
    (
        "fetch, text",
        "fetch(N + '/transactions/new', {method: 'POST', mode: 'no-cors', body: T})",
    ),
    (
        "fetch, form",
        "fetch(N + '/transactions/new', {method: 'POST', body: new URLSearchParams(JSON.parse(T))})",
    ),
    (
        "fetch, block",
        "fetch(N + '/blocks', {method: 'POST', mode: 'no-cors', body: '{}'})",
    ),
    (
        "fetch, nonce",
        "fetch(N + '/work', {method: 'POST', mode: 'no-cors', body: '{}'})",
    ),
    (
        "fetch, JSON-RPC",
        "fetch(N + '/', {method: 'POST', mode: 'no-cors', body: '{\"method\":\"getwork\"}'})",
    ),
    (
        "fetch, long poll",
        "fetch(N + '/longpoll', {method: 'POST', mode: 'no-cors', body: '{\"method\":\"getwork\"}'})",
    ),
    (
        "fetch, keepalive",
        "fetch(M, {method: 'POST', mode: 'no-cors', keepalive: true})",
    ),
    ("request of old", "xhr('POST', '/transactions/new', T)"),
    ("beacon", "navigator.sendBeacon(N + '/transactions/new', T)"),
    (
        "beacon of a form",
        "navigator.sendBeacon(N + '/transactions/new', new URLSearchParams(JSON.parse(T)))",
    ),
    ("ping", "$('a', {href: '#x', ping: M, textContent: 'x'}).click()"),
    ("events", "new EventSource(M)"),
    ("web socket", "new WebSocket(M.replace('http', 'ws'))"),
    (
        "worker",
        "new Worker(URL.createObjectURL(new Blob([`fetch('${M}', {mode: 'no-cors'})`])))",
    ),
    ("image by a detour", "$('img', {src: `/302?${M}`})"),
    (
        "fetch by a detour",
        "fetch(`/307?${N}/transactions/new`, {method: 'POST', mode: 'no-cors', body: T})",
    ),
    ("frame by a detour", "$('iframe', {src: `/302?${M}`})"),
    ("address", "setTimeout(() => location = M)"),
    ("address by a detour", "setTimeout(() => location = `/302?${M}`)"),
    (
        "form in its place",
        "setTimeout(() => form('POST', '/mine', 'text/plain', {a: 'b'}, '_top'))",
    ),
    (
        "link",
        "setTimeout(() => $('a', {href: M, rel: 'noreferrer'}).click())",
    ),
    (
        "refresh",
        "setTimeout(() => document.head.append(Object.assign(document.createElement('meta'), {httpEquiv: 'refresh', content: `0;url=${M}`})))",
    ),
];
/// Ways that the browser does not take before it was allowed to, which it is not.
const ASKED_FIRST: &[(&str, &str)] = &[
    (
        "fetch, JSON",
        "fetch(N + '/transactions/new', {method: 'POST', headers: {'content-type': 'application/json'}, body: T})",
    ),
    (
        "fetch, a header",
        "fetch(N + '/mine', {headers: {authorization: 'Bearer x'}})",
    ),
    ("fetch, PUT", "fetch(N + '/mine', {method: 'PUT'})"),
];

const TOOLS: &str = "
    const M = `${N}/mine?${Math.random()}`; // another one each time: no cache has it
    const T = '{\"sender\":\"a\",\"recipient\":\"b\",\"amount\":5}';
    const $ = (tag, fields) => {
        const element = document.createElement(tag);
        document.body.append(element);
        return Object.assign(element, fields);
    };
    const form = (method, path, enctype, fields, target = 'frame') => {
        if (target === 'frame') $('iframe', {name: 'frame'});
        const form = $('form', {method, action: N + path, enctype, target});
        for (const [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement('input'), {name, value}));
        form.submit();
    };
    const xhr = (method, path, body) => {
        const request = new XMLHttpRequest();
        request.open(method, N + path);
        request.send(body);
    };
";

/// A web site of somebody else: an empty page, and redirections to wherever is asked for.
fn site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(|| serve(stream)); // until the test's process ends
        }
    });
    address
}

fn serve(mut stream: TcpStream) {
    let mut head = BufReader::new(stream.try_clone().unwrap())
        .lines()
        .map_while(Result::ok);
    let line = head.next().unwrap_or_default();
    head.take_while(|line| !line.is_empty()).for_each(drop);
    let path = line.split(' ').nth(1).unwrap_or("/");
    let answer = match path.get(1..5) {
        Some(status @ ("302?" | "307?")) => {
            let (status, to) = (&status[..3], &path[5..]);
            format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {to}\r\n")
        }
        _ => "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n".to_owned(),
    };
    let page = "<!doctype html><title>a page</title><body>";
    let rest = format!(
        "Content-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    let _ = stream.write_all((answer + &rest).as_bytes()); // the browser may have left
}

/// How many calls were refused as those of a foreign page.
fn refused(server: &Server) -> u64 {
    let text = server.text("/metrics");
    let refused = text.lines().filter(|line| line.contains("status=\"403\""));
    refused
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

/// What calls that change something have changed.
fn state(server: &Server) -> (Value, Value) {
    let (_, mut status) = server.get("/status");
    (status["length"].take(), status["pending"].take())
}

/// Opens the page and lets it try one way.
fn attempt(browser: &Browser, page: &str, server: &Server, way: &str) {
    browser.open(page);
    // What is refused throws, here or later.
    browser.run(&format!(
        "const N = 'http://{}'; {TOOLS} try {{ const tried = {way}; tried?.catch?.(() => 0); }} catch {{}} return 0",
        server.address
    ));
}

/// Every way, from a page of another site, and from one of the same site where none is allowed.
#[test]
fn no_page_of_another_origin_drives_the_node() {
    let browser = Browser::start(1280, 900);
    let site = site();
    for (options, host) in [
        ("", "evil.test"),
        ("--cors none", "evil.test"),
        ("--cors none", "127.0.0.1"),
    ] {
        let server = Server::start(format!("--memory --bits 8 {options}"));
        let page = format!("http://{host}:{}/", site.port());
        let before = state(&server);
        for (name, way) in WAYS {
            let count = refused(&server);
            // It comes to the node, and is refused. A browser that is busy may put off what nobody looks at: then once more.
            let came = (0..10).any(|_| {
                attempt(&browser, &page, &server, way);
                (0..250).any(|_| {
                    std::thread::sleep(Duration::from_millis(20));
                    refused(&server) > count || state(&server) != before
                })
            });
            assert!(came, "{name}, from {page}, never came");
            assert_eq!(state(&server), before, "{name}, from {page}");
        }
        for (name, way) in ASKED_FIRST {
            browser.open(&page);
            let blocked = browser.run(&format!(
                "const N = 'http://{}'; {TOOLS} return ({way}).then(() => 'sent', () => 'blocked')",
                server.address
            ));
            assert_eq!(blocked, "blocked", "{name}, from {page}");
            assert_eq!(state(&server), before, "{name}, from {page}");
        }
        browser.open("about:blank");
    }
}

/// The same page where it is allowed: what is refused above is refused by the node, not by the browser.
#[test]
fn pages_that_are_allowed_drive_the_node() {
    let browser = Browser::start(1280, 900);
    let site = site();
    for (options, host, way) in [
        ("--cors any", "evil.test", "$('img', {src: N + '/mine'})"),
        (
            "--cors any",
            "evil.test",
            "navigator.sendBeacon(N + '/transactions/new', T)",
        ),
        ("--cors any", "evil.test", "form('GET', '/mine', '', {})"),
        ("", "localhost", "fetch(N + '/mine', {method: 'POST'})"),
        ("", "localhost", "xhr('POST', '/transactions/new', T)"),
        (
            &format!("--cors http://evil.test:{}", site.port()),
            "evil.test",
            "fetch(N + '/mine')",
        ),
    ] {
        let server = Server::start(format!("--memory --bits 8 {options}"));
        let before = state(&server);
        attempt(&browser, &format!("http://{host}:{}/", site.port()), &server, way);
        server.until(|| state(&server) != before);
        browser.open("about:blank");
    }
}

/// A name that somebody else made to mean this machine: to the browser the node's own page, to the node none of its names.
#[test]
fn a_rebound_name_gets_nothing() {
    let browser = Browser::start(1280, 900);
    let server = Server::start("--memory --bits 8");
    let before = state(&server);
    browser.open(&format!("http://evil.test:{}/explorer", server.address.port()));
    assert!(
        browser.text("body").contains("--allow-host"),
        "{}",
        browser.text("body")
    );
    for (method, path) in [
        ("GET", "/chain"),
        ("GET", "/status"),
        ("GET", "/mine"),
        ("POST", "/mine"),
        ("POST", "/"),
    ] {
        let status = browser.run(&format!(
            "return fetch('{path}', {{method: '{method}'}}).then(answer => answer.status)"
        ));
        assert_eq!(status, 403, "{method} {path}");
    }
    assert_eq!(state(&server), before);
    // By its own names it is there, and by those it is given.
    let named = Server::start("--memory --bits 8 --allow-host evil.test");
    for url in [
        format!("http://localhost:{}/explorer", server.address.port()),
        format!("http://evil.test:{}/explorer", named.address.port()),
    ] {
        browser.open(&url);
        browser.click("#mine");
        browser.until(|b| b.text("#mine-say").starts_with("Block 2 forged"));
    }
}
