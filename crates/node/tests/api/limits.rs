//! What is too much, does not end, or is asked for in a wrong way; and who may ask.

use super::*;

#[tokio::test]
async fn too_much_is_refused() {
    let limits = Limits {
        body_bytes: 1000,
        block_bytes: 2000,
        ..Limits::default()
    };
    let options = Options {
        max_pending: 2,
        ..Options::default()
    };
    let test = Test::with(&easy(), limits, &Cors::default(), options);
    let large = json!({"sender": "a".repeat(2000), "recipient": "b", "amount": 1});
    assert_eq!(test.post("/transactions/new", large.clone()).await.0, 413);
    assert_eq!(test.post("/work", large.clone()).await.0, 413);
    assert_eq!(test.post("/blocks", large).await.0, 413);
    assert_eq!(test.post("/transactions/new", transfer(1)).await.0, 201);
    assert_eq!(test.post("/transactions/new", transfer(2)).await.0, 201);
    let full = Request::post("/transactions/new")
        .body(Body::from(transfer(3).to_string()))
        .unwrap();
    let response = test.raw(full).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(header::RETRY_AFTER));

    let options = Options {
        max_pending_bytes: 60,
        ..Options::default()
    };
    let test = Test::with(&easy(), limits, &Cors::default(), options);
    assert_eq!(test.post("/transactions/new", transfer(1)).await.0, 201);
    assert_eq!(test.post("/transactions/new", transfer(2)).await.0, 201);
    let (status, refused) = test.post("/transactions/new", transfer(3)).await;
    assert_eq!(status, 503);
    assert!(
        refused["message"].as_str().unwrap().contains("60 bytes"),
        "{refused}"
    );
    assert_eq!(test.get("/status").await.1["pending_bytes"], 56);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let test = Test::new(&easy());
    let never = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let request = Request::post("/transactions/new").body(never).unwrap();
    assert_eq!(test.raw(request).await.status(), StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_json_too() {
    let test = Test::new(&easy());
    for path in ["/nothing", "/blocks/1/2", "/chain/", "/%ff", "/transactions"] {
        let (status, answer) = test.get(path).await;
        assert_eq!(status, 404, "{path}");
        assert!(answer["message"].is_string());
    }
    for (method, path) in [
        ("POST", "/chain"),
        ("DELETE", "/chain"),
        ("GET", "/transactions/new"),
        ("PUT", "/mine"),
        ("GET", "/blocks"),
        ("DELETE", "/work"),
        ("POST", "/events"),
        ("PATCH", "/status"),
    ] {
        let response = test
            .raw(
                Request::builder()
                    .method(method)
                    .uri(path)
                    .body(Body::empty())
                    .unwrap(),
            )
            .await;
        assert_eq!(
            response.status(),
            StatusCode::METHOD_NOT_ALLOWED,
            "{method} {path}"
        );
        assert!(response.headers().contains_key(header::ALLOW), "{method} {path}");
        assert_eq!(test.call(method, path, None).await.0, 405);
    }
    for path in [
        "/blocks/x",
        "/blocks/-1",
        "/blocks/%00",
        "/blocks/1e3",
        "/transactions/12",
        "/transactions/%ff",
        "/chain?from=x",
        "/chain?limit=-1",
        "/transactions/pending?from=1.5",
    ] {
        assert_eq!(test.get(path).await.0, 400, "{path}");
    }
    for path in [
        "/blocks/0",
        "/blocks/2",
        "/blocks/18446744073709551616",
        "/blocks/99999999999999999999",
    ] {
        assert_eq!(test.get(path).await.0, 404, "{path}");
    }
    let nowhere = nowhere().to_string();
    assert_eq!(test.get(&format!("/blocks/{nowhere}")).await.0, 404);
    assert_eq!(test.get(&format!("/transactions/{nowhere}")).await.0, 404);
}

#[tokio::test]
async fn listeners_leave_connections_to_others() {
    let limits = Limits {
        connections: 4,
        ..Limits::default()
    };
    let test = Test::with(&easy(), limits, &Cors::default(), Options::default());
    let listen = || test.raw(Request::get("/events").body(Body::empty()).unwrap());
    let (first, second) = (listen().await, listen().await);
    assert_eq!(second.status(), StatusCode::OK);
    assert_eq!(listen().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(first);
    assert_eq!(listen().await.status(), StatusCode::OK);
}

#[tokio::test]
async fn metrics_count() {
    let test = Test::new(&easy());
    test.post("/transactions/new", transfer(1)).await;
    test.get("/mine").await;
    test.get("/made/up/by/a/client").await;
    let response = test
        .raw(Request::get("/metrics").body(Body::empty()).unwrap())
        .await;
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    for line in [
        "paydirt_chain_length 2",
        "paydirt_pending_transactions 0",
        "paydirt_pending_bytes 0",
        "paydirt_unsettled_blocks 0",
        "paydirt_transactions_total 1",
        "paydirt_blocks_total{branch=\"active\"} 1",
        "paydirt_http_requests_total{method=\"GET\",path=\"/mine\",status=\"200\"} 1",
        "paydirt_http_requests_total{method=\"GET\",path=\"unknown\",status=\"404\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in {text}");
    }
}

#[tokio::test]
async fn cors_is_for_pages_of_this_machine_unless_told_otherwise() {
    let answers = async |cors: &Cors, origin: &str| {
        let test = Test::with(&easy(), Limits::default(), cors, Options::default());
        let request = Request::get("/status")
            .header(header::ORIGIN, origin)
            .body(Body::empty())
            .unwrap();
        let response = test.raw(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        let allowed = response
            .headers()
            .get(header::ACCESS_CONTROL_ALLOW_ORIGIN)
            .cloned();
        let exposed = response.headers().get(header::ACCESS_CONTROL_EXPOSE_HEADERS);
        assert_eq!(
            exposed.is_some_and(|exposed| exposed.to_str().unwrap().contains("retry-after")),
            *cors != Cors::Nobody
        );
        allowed.map(|allowed| allowed.to_str().unwrap().to_owned())
    };
    let local = "http://localhost:3000";
    let other = "https://example.com";
    assert_eq!(answers(&Cors::Localhost, local).await.as_deref(), Some(local));
    assert_eq!(answers(&Cors::Localhost, other).await, None);
    assert_eq!(answers(&Cors::Nobody, local).await, None);
    assert_eq!(answers(&Cors::Anybody, other).await.as_deref(), Some(other));
    let listed = Cors::Origins(vec![Origin::new(other).unwrap()]);
    assert_eq!(answers(&listed, other).await.as_deref(), Some(other));
    assert_eq!(answers(&listed, local).await, None);
    // What a browser asks before it posts JSON.
    let test = Test::new(&easy());
    let ask = Request::builder()
        .method("OPTIONS")
        .uri("/transactions/new")
        .header(header::ORIGIN, local)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type")
        .body(Body::empty())
        .unwrap();
    let response = test.raw(ask).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS],
        "content-type"
    );
    assert_eq!(
        response.headers()[header::ACCESS_CONTROL_ALLOW_CREDENTIALS],
        "true"
    );
}

#[tokio::test]
async fn every_described_call_is_there_and_no_other_and_the_page_is_self_contained() {
    let test = Test::new(&easy());
    let (_, posted) = test.post("/transactions/new", transfer(5)).await;
    let id = posted["id"].as_str().unwrap();
    let api: Value = serde_json::from_str(openapi()).unwrap();
    for (path, operations) in api["paths"].as_object().unwrap() {
        let path = path.replace("{name}", "1").replace("{id}", id);
        for method in ["get", "post", "put", "patch", "delete"] {
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(&path);
            let status = test.raw(request.body(Body::empty()).unwrap()).await.status();
            assert_ne!(status, StatusCode::NOT_FOUND, "{method} {path}");
            let described = operations.get(method).is_some();
            assert_eq!(
                status != StatusCode::METHOD_NOT_ALLOWED,
                described,
                "{method} {path}"
            );
        }
    }
    // `/` answers whatever it is asked.
    for (method, operation) in api["paths"]["/"].as_object().unwrap() {
        let request = Request::builder().method(method.to_uppercase().as_str()).uri("/");
        let answer = test.raw(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), StatusCode::OK, "{method} /");
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        let json = !operation["responses"]["200"]["content"].is_null();
        assert_eq!(bytes.is_empty(), !json, "{method} /: {bytes:?}");
    }
    let page = test
        .raw(Request::get("/explorer").body(Body::empty()).unwrap())
        .await;
    assert!(
        page.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .contains("default-src 'none'")
    );
    let html = page.into_body().collect().await.unwrap().to_bytes();
    let html = String::from_utf8(html.to_vec()).unwrap();
    for outside in ["src=\"http", "href=\"http", "@import", "url(http", "//cdn"] {
        assert!(!html.contains(outside), "{outside}");
    }
}
