//! The files of the window, embedded from `ui/dist` when the program was built.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../../ui/dist"]
struct Dist;

const INDEX: &str = "index.html";

/// The file at `path`. Paths without a dot are pages of the window, which finds its own way.
pub(super) fn file(path: &str) -> Response<Body> {
    let path = path.trim_start_matches('/');
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let path = if is_page { INDEX } else { path };
    let Some(file) = Dist::get(path) else {
        return match path {
            INDEX => page(StatusCode::SERVICE_UNAVAILABLE, NOT_BUILT),
            _ => page(StatusCode::NOT_FOUND, "<h1>There is no such file</h1>"),
        };
    };
    let mut response = Response::new(Body::from(file.data));
    let headers = response.headers_mut();
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    if let Ok(mime) = HeaderValue::from_str(mime.as_ref()) {
        headers.insert(header::CONTENT_TYPE, mime);
    }
    // The build puts a hash of the content into these names.
    if path.starts_with("assets/") {
        let forever = HeaderValue::from_static("private, max-age=31536000, immutable");
        headers.insert(header::CACHE_CONTROL, forever);
    }
    response
}

/// A page of our own.
pub(super) fn page(status: StatusCode, body: &str) -> Response<Body> {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Syncline</title>\
         <body style=\"font: 16px/1.5 system-ui; max-width: 40em; margin: 4em auto; padding: 0 1em\">{body}"
    );
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

const NOT_BUILT: &str = "<h1>The studio is not part of this build</h1>\
    <p>The program was built without its window. Requests are answered all the same.</p>\
    <p>Build the window, then the program:</p>\
    <pre>npm --prefix ui ci\nnpm --prefix ui run build\ncargo build --package syncline-worker</pre>";
