//! Redirects from one path of this server to another.
//!
//! 302 rather than 301 or 308: browsers cache those, also for another program that uses the same port later.

use poem::{
    Endpoint, Response,
    endpoint::make_sync,
    http::{StatusCode, header},
};

/// Returns an endpoint that redirects to `path`.
pub(crate) fn redirect(path: &str) -> impl Endpoint<Output = Response> + use<> {
    let path = path.to_owned();
    make_sync(move |_| {
        Response::builder()
            .status(StatusCode::FOUND)
            .header(header::LOCATION, &path)
            .finish()
    })
}
