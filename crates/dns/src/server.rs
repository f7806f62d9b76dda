//! Sockets: UDP packets and TCP connections, bounded.

use crate::cluster::ClusterWorld;
use crate::forward::Forwarder;
use crate::message::Way;
use crate::name::Zone;
use crate::resolve::{Resolver, Step};
use crate::{Error, Result};
use skiff_client::informer::SharedInformers;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Longest UDP request.
const UDP_REQUEST: usize = 4096;
/// TCP connections at once.
const CONNECTIONS: usize = 256;
/// A TCP connection without a question is closed.
const IDLE: Duration = Duration::from_secs(10);

/// How to serve DNS.
#[derive(Debug, Clone)]
pub struct DnsConfig {
    /// Where to listen, on UDP and TCP. An address of its own for each, not the unspecified one: answers must come from
    /// where they were asked.
    pub listen: Vec<SocketAddr>,
    /// The cluster's domain, such as `cluster.local`.
    pub cluster_domain: String,
    /// The file with the node's resolvers.
    pub upstream_resolv_conf: PathBuf,
    /// Addresses that lead here in other ways (the cluster DNS IP); they are never asked as resolvers.
    pub aliases: Vec<SocketAddr>,
    /// Time to live of the cluster's records, in seconds.
    pub ttl: u32,
}

/// The DNS server.
pub struct Dns {
    listen: Vec<SocketAddr>,
    resolver: Arc<Resolver>,
}

/// A server whose sockets are open.
pub struct BoundDns {
    resolver: Arc<Resolver>,
    udp: Vec<UdpSocket>,
    tcp: Vec<TcpListener>,
}

impl Dns {
    /// Starts following the cluster; must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If the cluster domain is no domain name.
    pub fn new(config: DnsConfig, informers: &SharedInformers) -> Result<Self> {
        let zone = Zone::new(&config.cluster_domain)?;
        let own = config.listen.iter().chain(&config.aliases).copied().collect();
        let forwarder = Forwarder::new(config.upstream_resolv_conf, own);
        let resolver = Arc::new(Resolver::new(zone, ClusterWorld::new(informers), forwarder, config.ttl));
        Ok(Self { listen: config.listen, resolver })
    }

    /// Opens the sockets. What is asked from now on waits until the cluster is known.
    ///
    /// # Errors
    /// If an address cannot be listened on.
    pub async fn bind(self) -> Result<BoundDns> {
        let (mut udp, mut tcp) = (Vec::new(), Vec::new());
        for address in self.listen {
            let failed = |source| Error::Listen { address, source };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            // With port 0 both are on the port that TCP got.
            let address = listener.local_addr().map_err(failed)?;
            udp.push(UdpSocket::bind(address).await.map_err(failed)?);
            tcp.push(listener);
        }
        Ok(BoundDns { resolver: self.resolver, udp, tcp })
    }

    /// Serves until `shutdown`.
    ///
    /// # Errors
    /// If an address cannot be listened on.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<()> {
        self.bind().await?.run(shutdown).await;
        Ok(())
    }
}

impl BoundDns {
    /// Where it listens.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.udp.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Serves until `shutdown`.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let serving = async {
            self.resolver.world.synced().await;
            let mut tasks = JoinSet::new();
            for socket in self.udp {
                tasks.spawn(serve_udp(Arc::new(socket), self.resolver.clone()));
            }
            for listener in self.tcp {
                tasks.spawn(serve_tcp(listener, self.resolver.clone()));
            }
            while tasks.join_next().await.is_some() {}
        };
        tokio::select! {
            () = serving => {}
            () = shutdown => {}
        }
    }
}

async fn serve_udp(socket: Arc<UdpSocket>, resolver: Arc<Resolver>) {
    let mut buffer = vec![0; UDP_REQUEST];
    let mut outside = JoinSet::new();
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            Some(_) = outside.join_next() => continue,
        };
        // Errors tell that an earlier answer found nobody.
        let Ok((length, from)) = received else { continue };
        let bytes = &buffer[..length];
        match resolver.begin(bytes, Way::Udp) {
            Step::Done(answer) => {
                if let Some(answer) = answer {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
            // The forwarder bounds how many of these there are: one too many fails at once.
            Step::Outside(request, alias) => {
                let (socket, resolver, bytes) = (socket.clone(), resolver.clone(), bytes.to_vec());
                outside.spawn(async move {
                    if let Some(answer) = resolver.finish(&request, alias, &bytes, Way::Udp).await {
                        let _ = socket.send_to(&answer, from).await;
                    }
                });
            }
        }
    }
}

async fn serve_tcp(listener: TcpListener, resolver: Arc<Resolver>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match (accepted, room.clone().try_acquire_owned()) {
            (Ok((stream, _)), Ok(permit)) => {
                let resolver = resolver.clone();
                connections.spawn(async move {
                    let _permit = permit;
                    let _ = serve_connection(stream, &resolver).await;
                });
            }
            // Too many connections: this one is closed.
            (Ok(_), Err(_)) => {}
            // Out of descriptors: others must end first.
            (Err(_), _) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve_connection(mut stream: TcpStream, resolver: &Resolver) -> std::io::Result<()> {
    loop {
        let length = timeout(IDLE, stream.read_u16()).await??;
        let mut request = vec![0; usize::from(length)];
        timeout(IDLE, stream.read_exact(&mut request)).await??;
        let answer = match resolver.begin(&request, Way::Tcp) {
            Step::Done(answer) => answer,
            Step::Outside(read, alias) => resolver.finish(&read, alias, &request, Way::Tcp).await,
        };
        let Some(answer) = answer else { return Ok(()) };
        let length = u16::try_from(answer.len()).map_err(std::io::Error::other)?;
        let framed = [length.to_be_bytes().as_slice(), &answer].concat();
        timeout(IDLE, stream.write_all(&framed)).await??;
    }
}
