//! Measures one EndpointSlice event among many Services, from decoded slice to the kernel's acknowledgement.
//!
//! Prints one JSON line. Needs root; works in a network namespace of its own.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement, run by hand and by the bench task"
)]

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use skiff_apimachinery::{Document, doc};
use skiff_proxy::facts::{Family, NodeFacts, ServiceEndpoints, ServiceFacts};
use skiff_proxy::nft::Nftables;
use skiff_proxy::{Backend, RuleSet, plan};
use skiff_testkit::netns::NetworkNamespace;
use std::time::{Duration, Instant};

const SERVICES: u16 = 10_000;
const EVENTS: usize = 200;

fn service(i: u16) -> Service {
    let [high, low] = i.to_be_bytes();
    let ports = doc!([{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]);
    doc!({
        "metadata": {"namespace": "default", "name": (format!("web-{i}"))},
        "spec": {"clusterIP": (format!("10.43.{high}.{low}")), "ports": (ports)}
    })
    .read()
    .unwrap()
}

fn slice(i: u16, endpoints: &[u8]) -> EndpointSlice {
    let [high, low] = i.to_be_bytes();
    let addresses = endpoints.iter().map(|net| doc!({"addresses": [(format!("10.{net}.{high}.{low}"))]}));
    doc!({
        "addressType": "IPv4",
        "metadata": {"namespace": "default", "name": (format!("web-{i}-1"))},
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": (Document::from(addresses.collect::<Vec<_>>()))
    })
    .read()
    .unwrap()
}

fn main() {
    let (load, mut replaced, mut scaled) = NetworkNamespace::new().unwrap().run(measure);
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_micros()
    };
    let worst = |times: &[Duration]| times.last().unwrap().as_micros();
    println!(
        r#"{{"row": "endpointslice-to-ack", "services": {SERVICES}, "load_ms": {}, "replace_median_us": {}, "replace_max_us": {}, "scale_median_us": {}, "scale_max_us": {}}}"#,
        load.as_millis(),
        median(&mut replaced),
        worst(&replaced),
        median(&mut scaled),
        worst(&scaled),
    );
}

/// Time to load everything, times of events that replace an endpoint, times of events that change their number.
fn measure() -> (Duration, Vec<Duration>, Vec<Duration>) {
    let node = NodeFacts { name: "here".into(), ..NodeFacts::default() };
    let mut rules = RuleSet::default();
    let mut backend = Nftables::open().unwrap();
    let services: Vec<ServiceFacts> =
        (0..SERVICES).map(|i| ServiceFacts::read(&service(i)).unwrap()).collect();
    let mut put = |i: u16, slice: &EndpointSlice| {
        let service = &services[usize::from(i)];
        let endpoints = ServiceEndpoints::read([slice], &node.name);
        rules.put(&service.name, plan(service, &endpoints, &node, Family::V4).wanted)
    };
    let slices: Vec<EndpointSlice> = (0..SERVICES).map(|i| slice(i, &[1, 2])).collect();
    let begun = Instant::now();
    let all = (0..).zip(&slices).flat_map(|(i, slice)| put(i, slice)).collect();
    backend.replace(&node, &[(Family::V4, all)]).unwrap();
    let load = begun.elapsed();
    let mut event = |i: u16, endpoints: &[u8]| {
        let slice = slice(i, endpoints);
        let begun = Instant::now();
        let changes = put(i, &slice);
        backend.apply(&[(Family::V4, changes)]).unwrap();
        begun.elapsed()
    };
    let sampled = || (0..EVENTS).map(|event| (event * 37 % usize::from(SERVICES)) as u16);
    let replaced = sampled().map(|i| event(i, &[1, 3])).collect();
    let scaled = sampled().map(|i| event(i, &[1, 2, 3])).collect();
    (load, replaced, scaled)
}
