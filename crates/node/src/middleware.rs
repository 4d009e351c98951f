//! What surrounds every route: one log line and one count a request, whether it names this node, CORS, and a JSON answer
//! even for a panic.

use std::{
    any::Any,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Extension, Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    Node,
    doors::{self, Doors, cors_layer},
    refusal::{CLIENT_GONE, Refusal},
};

pub(super) fn wrap(routes: Router<Arc<Node>>, node: &Arc<Node>, doors: &Arc<Doors>) -> Router<Arc<Node>> {
    let routes = routes.layer(CatchPanicLayer::custom(after_panic));
    let routes = match cors_layer(&doors.cors) {
        Some(layer) => routes.layer(layer),
        None => routes,
    };
    let routes = routes
        .layer(from_fn_with_state(Arc::clone(doors), doors::host))
        .layer(Extension(Arc::clone(doors)));
    routes.layer(from_fn_with_state(Arc::clone(node), log))
}

fn after_panic(_: Box<dyn Any + Send>) -> Response {
    Refusal::internal().into_response()
}

/// One request. If its future is dropped, the client went away before the answer.
struct Line {
    node: Arc<Node>,
    method: Method,
    path: String,
    /// The route's pattern: metrics must not grow with what clients make up.
    route: String,
    begun: Instant,
    status: Option<StatusCode>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let elapsed = self.begun.elapsed();
        let status = self.status.map_or(CLIENT_GONE, |status| status.as_u16());
        self.node
            .metrics
            .count_request(metric_method(&self.method), &self.route, status, elapsed);
        tracing::info!(
            method = %self.method,
            path = %self.path,
            status,
            elapsed_ms = (elapsed.as_secs_f64() * 1e6).round() / 1e3,
            "request"
        );
    }
}

fn metric_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The time for an answer's `Date`; none while the clock shows one that HTTP cannot write: before 1970, after 9999.
fn date(now: SystemTime) -> Option<HeaderValue> {
    let since = now.duration_since(UNIX_EPOCH).ok()?;
    (since.as_secs() < YEAR_10000_S)
        .then(|| HeaderValue::try_from(httpdate::fmt_http_date(now)).ok())
        .flatten()
}

/// Seconds from 1970 to the year 10000.
const YEAR_10000_S: u64 = 253_402_300_800;

async fn log(State(node): State<Arc<Node>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let mut line = Line {
        node,
        method: request.method().clone(),
        path: request.uri().path().chars().take(200).collect(),
        route: route.map_or("unknown", MatchedPath::as_str).to_owned(),
        begun: Instant::now(),
        status: None,
    };
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    // A browser must not take an answer for a script or a page because of what somebody called himself.
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Some(date) = date(SystemTime::now()) {
        headers.insert(header::DATE, date);
    }
    line.status = Some(response.status());
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_before_1970_gives_no_date() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(date(at(784_111_777)).unwrap(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(at(0)).unwrap(), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert!(date(at(YEAR_10000_S - 1)).is_some());
        for none in [UNIX_EPOCH - Duration::from_secs(1), at(YEAR_10000_S), at(1 << 40)] {
            assert_eq!(date(none), None);
        }
    }
}
