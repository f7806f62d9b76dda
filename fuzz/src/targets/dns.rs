//! DNS messages, asked over TCP: the decoder has no nearer door than the server.
//!
//! Questions about the cluster are answered from a few objects in memory; all others fail at once, because there is no
//! resolver.

use crate::{Broken, Target, Verdict, law, target};
use skiff_apimachinery::doc;
use skiff_client::informer::SharedInformers;
use skiff_client::resources;
use skiff_dns::{Dns, DnsConfig};
use skiff_testkit::memory_api::MemoryApi;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

const PATIENCE: Duration = Duration::from_secs(10);

/// See [`Target`].
pub const TARGET: Target = Target {
    name: "dns",
    seeds: &[
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03web\x02ns\x03svc\x07cluster\x05local\x00\x00\x01\x00\x01",
        b"\x00\x01\x01\x20\x00\x01\x00\x00\x00\x00\x00\x01\x05_http\x04_tcp\x03web\x02ns\x03svc\x07cluster\x05local\x00\x00\x21\x00\x01\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00",
        b"\x00\x02\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x0280\x010\x0243\x0210\x07in-addr\x04arpa\x00\x00\x0c\x00\x01",
        b"\x00\x03\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x071-2-3-4\x02ns\x03pod\x07cluster\x05local\x00\x00\xff\x00\x01",
        b"\x00\x04\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00\x07cluster\x05local\x00\x00\x06\x00\x01\xc0\x0c\x00\x02\x00\x03",
        b"\x00\x05\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x04test\x00\x00\x10\x00\x01",
    ],
    made: target::none,
    run,
};

/// The server, which runs only while a question is asked, on the thread that asks.
struct Server {
    runtime: Runtime,
    address: SocketAddr,
    connection: Option<TcpStream>,
}

fn run(input: &[u8]) -> Verdict {
    static SERVER: Mutex<Option<Server>> = Mutex::new(None);
    let mut place = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let mut server = match place.take() {
        Some(server) => server,
        None => Server::start().map_err(Broken)?,
    };
    let answer = law::succeeds("a server takes questions", server.ask(input))?;
    *place = Some(server);
    // What is an answer itself, or has no header, is not answered.
    let Some(answer) = answer else { return Ok(()) };
    law::holds("an answer has a header", answer.len() >= 12)?;
    law::same("an answer has the question's number", &answer.get(..2), &input.get(..2))?;
    law::holds("an answer says that it is one", answer.get(2).is_some_and(|flags| flags & 0x80 != 0))
}

// === impl Server ===

impl Server {
    fn start() -> Result<Self, String> {
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        let config = DnsConfig {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
            cluster_domain: "cluster.local".to_owned(),
            upstream_resolv_conf: "/dev/null".into(),
            aliases: Vec::new(),
            ttl: 5,
        };
        let bound = runtime.block_on(async {
            let informers = SharedInformers::new(cluster().client());
            let dns = Dns::new(config, &informers).map_err(|error| error.to_string())?;
            dns.bind().await.map_err(|error| error.to_string())
        })?;
        let address = bound.addresses().first().copied().ok_or("it does not listen")?;
        runtime.spawn(bound.run(std::future::pending()));
        Ok(Self { runtime, address, connection: None })
    }

    /// The answer; `None` if the server hangs up instead.
    fn ask(&mut self, question: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let Self { runtime, address, connection } = self;
        runtime.block_on(async {
            let mut stream = match connection.take() {
                Some(stream) => stream,
                None => TcpStream::connect(*address).await?,
            };
            let answer = tokio::time::timeout(PATIENCE, exchange(&mut stream, question)).await?.ok();
            *connection = answer.is_some().then_some(stream);
            Ok(answer)
        })
    }
}

async fn exchange(stream: &mut TcpStream, question: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
    let question = question.get(..usize::from(length)).unwrap_or_default();
    stream.write_all(&[length.to_be_bytes().as_slice(), question].concat()).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

/// A Service with an endpoint.
fn cluster() -> MemoryApi {
    let api = MemoryApi::default();
    let namespace = doc!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}});
    api.put(&resources::NAMESPACES, namespace);
    let service = doc!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "ns"},
        "spec": {"clusterIP": "10.43.0.80", "clusterIPs": ["10.43.0.80", "fd00::80"],
            "ports": [{"name": "http", "protocol": "TCP", "port": 80}]}
    });
    api.put(&resources::SERVICES, service);
    let slice = doc!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "web-1", "namespace": "ns", "labels": {"kubernetes.io/service-name": "web"}},
        "ports": [{"name": "http", "protocol": "TCP", "port": 8080}],
        "endpoints": [{"addresses": ["10.42.0.2"], "hostname": "a", "conditions": {"ready": true}}]
    });
    api.put(&resources::ENDPOINT_SLICES, slice);
    api
}
