//! Whole sessions between a client made by hand and the server, over a pipe in memory.
//!
//! [`spdy_client`] and [`websocket_client`] write what kubectl writes; the real kubectl is the judge in the tests of the
//! whole system.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod port_forward;
mod remote_command;
mod spdy_client;
mod websocket_client;

use http::Request;

/// A request with these headers; a name may occur several times.
fn request<const N: usize>(uri: &str, headers: [(&str, &str); N]) -> Request<()> {
    let mut request = Request::builder().method("POST").uri(uri).header("connection", "Upgrade");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body(()).unwrap()
}
