//! How the API server reaches other servers: the seam behind which a tunnel to nodes may come.

use futures::future::BoxFuture;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Longest wait for a TCP connection.
const CONNECT: Duration = Duration::from_secs(30);

/// A connection that bytes go through.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Any connection.
pub type BoxedConnection = Box<dyn Connection>;

/// Who is on the other side, and how far it is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// A kubelet: TLS with its certificate verified, and ours shown.
    Node,
    /// TLS with any certificate: `https:` of proxies, as upstream.
    Unverified,
    /// No TLS.
    Plain,
}

/// A server to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The node that it is on, if that is known; empty otherwise.
    pub node: String,
    /// IP address or DNS name.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How far it is trusted.
    pub security: Security,
}

impl Destination {
    /// `HOST:PORT`, brackets around IPv6.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.security == Security::Plain { "http" } else { "https" }
    }
}

/// Opens connections to nodes, pods and services: directly, or through a tunnel that a node opened. TLS comes on top.
pub trait Dial: Send + Sync + 'static {
    /// A connection. Errors read as Go's do.
    fn dial<'a>(&'a self, destination: &'a Destination) -> BoxFuture<'a, io::Result<BoxedConnection>>;
}

/// Dials straight over TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct DirectDial;

impl Dial for DirectDial {
    fn dial<'a>(&'a self, destination: &'a Destination) -> BoxFuture<'a, io::Result<BoxedConnection>> {
        Box::pin(async move {
            let stream = connect(destination).await?;
            Ok(Box::new(stream) as BoxedConnection)
        })
    }
}

async fn connect(destination: &Destination) -> io::Result<TcpStream> {
    let host = destination.host.trim_start_matches('[').trim_end_matches(']');
    let connecting = TcpStream::connect((host, destination.port));
    let connected = tokio::time::timeout(CONNECT, connecting).await;
    let explain = |why: &str| io::Error::other(format!("dial tcp {}: {why}", destination.authority()));
    let stream = connected.map_err(|_| explain("i/o timeout"))?.map_err(|error| explain(&words(&error)))?;
    // Streams of single keystrokes do not wait for each other.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The operating system's error in the words that people search for.
fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connect: connection refused".into(),
        io::ErrorKind::HostUnreachable => "connect: no route to host".into(),
        io::ErrorKind::NetworkUnreachable => "connect: network is unreachable".into(),
        io::ErrorKind::TimedOut => "connect: connection timed out".into(),
        _ => error.to_string(),
    }
}
