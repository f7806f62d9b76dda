//! Sockets: TLS, HTTP/1.1 and HTTP/2, bodies in and out. Everything here speaks bytes and knows no resource.
//!
//! Input: listeners; output: requests to [`handler`], whose answers become responses. In-process calls do not come here.

pub mod body;
mod connection;
mod cors;
mod gzip;
mod handler;
mod index;
mod nonresource;
mod resource;
mod respond;
mod tls;
mod watch_socket;

pub use connection::run;
pub use cors::{Cors, CorsError};
pub use tls::TlsConfig;

/// Largest request body.
pub const MAX_BODY: usize = 3 << 20;
