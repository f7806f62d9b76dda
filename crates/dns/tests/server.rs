//! The server on real sockets: an API in memory behind it, a resolver of the test beside it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use skiff_apimachinery::{Document, doc};
use skiff_client::informer::SharedInformers;
use skiff_client::resources::{ENDPOINT_SLICES, NAMESPACES, SERVICES};
use skiff_dns::{Dns, DnsConfig};
use skiff_testkit::memory_api::MemoryApi;
use skiff_testkit::netns::NetworkNamespace;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

const SERVER: &str = "127.0.0.1:1053";
const LIMIT: Duration = Duration::from_secs(5);

/// A namespace with a DNS server on [`SERVER`].
struct Served {
    namespace: NetworkNamespace,
    _data: tempfile::TempDir,
    _stop: tokio::sync::oneshot::Sender<()>,
}

fn serve(api: MemoryApi, resolv_conf: &str) -> Served {
    let namespace = NetworkNamespace::new().unwrap();
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("resolv.conf");
    std::fs::write(&path, resolv_conf).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (report, bound) = std::sync::mpsc::channel();
    namespace.run(move || {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let config = DnsConfig {
                    listen: vec![SERVER.parse().unwrap()],
                    cluster_domain: "cluster.local".into(),
                    upstream_resolv_conf: path,
                    aliases: Vec::new(),
                    ttl: 30,
                };
                let dns =
                    Dns::new(config, &SharedInformers::new(api.client())).unwrap().bind().await.unwrap();
                report.send(dns.addresses()).unwrap();
                dns.run(async { stopped.await.unwrap_or(()) }).await;
            });
        })
    });
    assert_eq!(bound.recv_timeout(LIMIT).unwrap(), [SERVER.parse().unwrap()]);
    Served { namespace, _data: data, _stop: stop }
}

/// A resolver that answers every question with one address.
fn resolver(namespace: &NetworkNamespace, address: &str) {
    let address: SocketAddr = address.parse().unwrap();
    namespace.run(move || {
        let socket = UdpSocket::bind(address).unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let mut message = Message::from_vec(&buffer[..length]).unwrap().into_response();
                let name = message.queries[0].name().clone();
                message.add_answer(Record::from_rdata(name, 300, RData::A(A::new(198, 51, 100, 7))));
                let _ = socket.send_to(&message.to_vec().unwrap(), from);
            }
        });
    });
}

fn question(name: &str, record_type: RecordType) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), record_type));
    message
}

fn exchange(namespace: &NetworkNamespace, request: Message) -> Message {
    exchange_bytes(namespace, request.to_vec().unwrap())
}

fn exchange_bytes(namespace: &NetworkNamespace, request: Vec<u8>) -> Message {
    namespace.run(move || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(SERVER).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        socket.send(&request).unwrap();
        let mut buffer = [0; 4096];
        let length = socket.recv(&mut buffer).unwrap();
        let answer = Message::from_vec(&buffer[..length]).unwrap();
        assert_eq!(answer.metadata.id.to_be_bytes(), request[..2]);
        answer
    })
}

fn addresses(message: &Message) -> Vec<String> {
    let mut texts: Vec<String> = message.answers.iter().map(|record| record.data.to_string()).collect();
    texts.sort();
    texts
}

fn api() -> MemoryApi {
    let api = MemoryApi::default();
    api.put(&NAMESPACES, doc!({"metadata": {"name": "default"}}));
    let service = |name: &str, spec: Document| {
        api.put(&SERVICES, doc!({"metadata": {"namespace": "default", "name": name}, "spec": (spec)}));
    };
    let ports = || doc!([{"name": "http", "port": 80, "protocol": "TCP"}]);
    service("web", doc!({"clusterIP": "10.43.0.80", "clusterIPs": ["10.43.0.80"], "ports": (ports())}));
    service("many", doc!({"clusterIP": "None", "clusterIPs": ["None"], "ports": (ports())}));
    service("out", doc!({"type": "ExternalName", "externalName": "example.test"}));
    service("in", doc!({"type": "ExternalName", "externalName": "web.default.svc.cluster.local"}));
    service("loop", doc!({"type": "ExternalName", "externalName": "loop.default.svc.cluster.local"}));
    let endpoints: Vec<Document> = (0..200).map(|i| doc!({"addresses": [format!("10.42.0.{i}")]})).collect();
    api.put(
        &ENDPOINT_SLICES,
        doc!({
            "addressType": "IPv4",
            "metadata": {"namespace": "default", "name": "many-1", "labels": {"kubernetes.io/service-name": "many"}},
            "ports": (ports()),
            "endpoints": (Document::from(endpoints))
        }),
    );
    api
}

#[test]
fn services_resolve_with_the_askers_spelling_and_missing_names_with_a_soa() {
    let served = serve(api(), "");
    let answer = exchange(&served.namespace, question("Web.Default.svc.cluster.local.", RecordType::A));
    assert_eq!(addresses(&answer), ["10.43.0.80"]);
    assert_eq!(answer.answers[0].name.to_ascii(), "Web.Default.svc.cluster.local.");
    assert_eq!(answer.answers[0].ttl, 30);
    assert!(answer.metadata.authoritative && answer.metadata.recursion_available);
    let none = exchange(&served.namespace, question("web.default.svc.cluster.local.", RecordType::AAAA));
    assert_eq!((none.metadata.response_code, none.answers.len()), (ResponseCode::NoError, 0));
    assert_eq!(none.authorities[0].record_type(), RecordType::SOA);
    let missing = exchange(&served.namespace, question("x.default.svc.cluster.local.", RecordType::A));
    assert_eq!(missing.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(missing.authorities[0].record_type(), RecordType::SOA);
}

#[test]
fn a_new_service_resolves_at_once() {
    let api = api();
    let served = serve(api.clone(), "");
    let ask = || exchange(&served.namespace, question("new.default.svc.cluster.local.", RecordType::A));
    assert_eq!(ask().metadata.response_code, ResponseCode::NXDomain);
    api.put(
        &SERVICES,
        doc!({"metadata": {"namespace": "default", "name": "new"}, "spec": {"clusterIP": "10.43.0.1"}}),
    );
    let deadline = std::time::Instant::now() + LIMIT;
    while addresses(&ask()) != ["10.43.0.1"] {
        assert!(std::time::Instant::now() < deadline);
    }
}

#[test]
fn long_answers_are_cut_on_udp_and_whole_on_tcp() {
    let served = serve(api(), "");
    let mut request = question("many.default.svc.cluster.local.", RecordType::A);
    let cut = exchange(&served.namespace, request.clone());
    assert!(cut.metadata.truncation && !cut.answers.is_empty() && cut.edns.is_none());
    let mut edns = Edns::new();
    edns.set_max_payload(1232);
    request.set_edns(edns);
    let longer = exchange(&served.namespace, request.clone());
    assert!(longer.metadata.truncation && longer.answers.len() > cut.answers.len() && longer.edns.is_some());
    let whole = served.namespace.run(move || {
        let bytes = request.to_vec().unwrap();
        let mut stream = TcpStream::connect(SERVER).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        // Two questions on one connection.
        let mut last = Vec::new();
        for _ in 0..2 {
            stream.write_all(&[(bytes.len() as u16).to_be_bytes().as_slice(), &bytes].concat()).unwrap();
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            last = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut last).unwrap();
        }
        Message::from_vec(&last).unwrap()
    });
    assert_eq!((whole.answers.len(), whole.metadata.truncation), (200, false));
}

#[test]
fn other_names_are_forwarded_to_the_first_resolver_that_answers() {
    let served = serve(api(), "nameserver 127.0.0.8\nnameserver 127.0.0.9\n");
    resolver(&served.namespace, "127.0.0.9:53");
    let answer = exchange(&served.namespace, question("example.test.", RecordType::A));
    assert_eq!(addresses(&answer), ["198.51.100.7"]);
    assert_eq!(answer.answers[0].ttl, 300);
    let alias = exchange(&served.namespace, question("out.default.svc.cluster.local.", RecordType::A));
    assert_eq!(addresses(&alias), ["198.51.100.7", "example.test."]);
    let inside = exchange(&served.namespace, question("in.default.svc.cluster.local.", RecordType::A));
    assert_eq!(addresses(&inside), ["10.43.0.80", "web.default.svc.cluster.local."]);
    exchange(&served.namespace, question("loop.default.svc.cluster.local.", RecordType::A));
}

#[test]
fn what_cannot_be_answered_is_told_so() {
    let served = serve(api(), "nameserver 127.0.0.1\n");
    let code = |bytes: Vec<u8>| exchange_bytes(&served.namespace, bytes).metadata.response_code;
    let question = question("example.test.", RecordType::A).to_vec().unwrap();
    assert_eq!(code(question.clone()), ResponseCode::ServFail);
    let mut status = question.clone();
    status[2] |= 2 << 3;
    assert_eq!(code(status), ResponseCode::NotImp);
    let mut cut = question.clone();
    cut.truncate(14);
    assert_eq!(code(cut), ResponseCode::FormErr);
    let mut chaos = question;
    *chaos.last_mut().unwrap() = 3;
    assert_eq!(code(chaos), ResponseCode::Refused);
}
