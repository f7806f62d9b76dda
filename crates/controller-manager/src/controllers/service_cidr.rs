//! `service-cidr-controller`: calls ServiceCIDRs ready, and keeps one that is to go while cluster IPs would be orphaned
//! (KEP-1880).

use crate::controller::{Context, Controller, observed};
use crate::plan::{Notice, Plan, Write};
use crate::sources::Sources;
use futures::future::BoxFuture;
use ipnet::IpNet;
use jiff::Timestamp;
use skiff_apimachinery::time::{format_time, parse_time};
use skiff_apimachinery::{Document, Status, doc};
use skiff_client::resources::{IP_ADDRESSES, SERVICE_CIDRS};
use skiff_client::{Event, Informer, Object, PatchKind, Selection, Untyped};
use std::net::IpAddr;
use std::time::Duration;

const FINALIZER: &str = "networking.k8s.io/service-cidr-finalizer";
/// How long API servers have to learn that a ServiceCIDR goes, so that none takes an address of it at the last moment.
const GRACE: Duration = Duration::from_secs(10);
/// The label of IPAddresses that says who keeps them, and the value of those that Services have.
const MANAGED_BY: &str = "ipaddress.kubernetes.io/managed-by";
const ALLOCATOR: &str = "ipallocator.k8s.io";
const FAMILY: &str = "ipaddress.kubernetes.io/ip-family";

/// The controller; its keys are names of ServiceCIDRs.
pub struct ServiceCidrController {
    cidrs: Informer<Untyped>,
    addresses: Informer<Untyped>,
}

/// One ServiceCIDR.
pub struct World {
    cidr: Object,
    fate: Fate,
}

/// What happens if the ServiceCIDR goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nothing to anyone.
    Free,
    /// Services would have addresses of no ServiceCIDR.
    Needed,
}

/// A condition of type Ready, but for its time.
struct Readiness {
    status: &'static str,
    reason: &'static str,
    message: &'static str,
}

const READY: Readiness =
    Readiness { status: "True", reason: "", message: "Kubernetes Service CIDR is ready" };
const TERMINATING: Readiness = Readiness {
    status: "False",
    reason: "Terminating",
    message: "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
};

impl Controller for ServiceCidrController {
    const NAME: &'static str = "service-cidr-controller";
    const IDENTITY: &'static str = "service-cidrs-controller";
    const EVENT_SOURCE: &'static str = Self::NAME;
    const QUEUE: &'static str = "ipaddresses";

    type Key = String;
    type World = World;

    fn new(context: &Context) -> Self {
        Self {
            cidrs: context.informers.of(&SERVICE_CIDRS, Selection::default()),
            addresses: context.informers.of(&IP_ADDRESSES, Selection::default()),
        }
    }

    fn sources(&self, sources: &mut Sources<String>) {
        let cidrs = self.cidrs.clone();
        sources.watch(&self.cidrs, move |event| match event {
            // One that came may be what another one waits for.
            Event::Added(cidr) => {
                let blocks = blocks(cidr);
                let mut names = names_of(&cidrs, |other| blocks.iter().any(|block| overlaps(*block, other)));
                names.push(cidr.name().to_owned());
                names
            }
            Event::Updated { .. } | Event::Deleted(_) => vec![event.object().name().to_owned()],
        });
        let cidrs = self.cidrs.clone();
        sources.watch(&self.addresses, move |event| {
            let address = match event {
                Event::Added(record) | Event::Deleted(record) => managed_address(record),
                Event::Updated { .. } => None,
            };
            address.map(|address| names_of(&cidrs, |block| contains(block, address))).unwrap_or_default()
        });
    }

    fn observe<'a>(&'a self, key: &'a String) -> BoxFuture<'a, Result<Option<World>, Status>> {
        observed(self.cidrs.get("", key).map(|cidr| {
            let fate = if cidr.deletion_timestamp().is_some() {
                let cidrs: Vec<Object> = self.cidrs.list().iter().map(|cidr| cidr.object.clone()).collect();
                let addresses: Vec<Object> =
                    self.addresses.list().iter().map(|record| record.object.clone()).collect();
                fate(&cidr, &cidrs, &addresses)
            } else {
                Fate::Free
            };
            World { cidr: cidr.object.clone(), fate }
        }))
    }

    fn plan(world: &World, now: Timestamp) -> Plan {
        let cidr = &world.cidr;
        let mut plan = Plan::default();
        let Some(deleted) = cidr.deletion_timestamp() else {
            if !is_held(cidr) {
                plan.write(finalizers(cidr, "finalizers"));
            }
            if let Some(write) = condition(cidr, &READY, now) {
                let message = "The ServiceCIDR Status can not be set to Ready=True";
                plan.write(write.on_failure(Notice::warning(cidr, "KubernetesServiceCIDRError", message)));
            }
            return plan;
        };
        if world.fate == Fate::Needed {
            if let Some(write) = condition(cidr, &TERMINATING, now) {
                plan.write(write);
            }
            return plan;
        }
        let passed = parse_time(deleted).map_or(Duration::ZERO, |deleted| {
            Duration::try_from(now.duration_since(deleted)).unwrap_or(Duration::ZERO)
        });
        match GRACE.checked_sub(passed).filter(|left| !left.is_zero()) {
            Some(left) => plan.requeue(left),
            None if is_held(cidr) => plan.write(finalizers(cidr, "$deleteFromPrimitiveList/finalizers")),
            None => {}
        }
        plan
    }
}

/// Whether Services need the ServiceCIDR: none that is as wide has its blocks, and an address is of no other one.
fn fate(cidr: &Document, cidrs: &[Object], addresses: &[Object]) -> Fate {
    let others: Vec<IpNet> =
        cidrs.iter().filter(|other| other.name() != cidr.name()).flat_map(|other| blocks(other)).collect();
    let own = blocks(cidr);
    if own.iter().all(|block| others.iter().any(|other| other.contains(block))) {
        return Fate::Free;
    }
    let is_orphaned = |block: &IpNet| {
        let family = if block.addr().is_ipv4() { "IPv4" } else { "IPv6" };
        let of_family = addresses.iter().filter(|record| record.label(FAMILY) == Some(family));
        of_family.filter_map(|record| managed_address(record)).any(|address| {
            own.iter().any(|block| contains(*block, address))
                && !others.iter().any(|other| contains(*other, address))
        })
    };
    if own.iter().any(is_orphaned) { Fate::Needed } else { Fate::Free }
}

fn blocks(cidr: &Document) -> Vec<IpNet> {
    let texts = cidr.array_at(&["spec", "cidrs"]).iter().filter_map(Document::as_str);
    texts.filter_map(|text| text.parse().ok()).collect()
}

/// The address of a record that the API server's allocator keeps.
fn managed_address(record: &Document) -> Option<IpAddr> {
    record.name().parse().ok().filter(|_| record.label(MANAGED_BY) == Some(ALLOCATOR))
}

/// The ServiceCIDRs with a block for which this holds.
fn names_of(cidrs: &Informer<Untyped>, holds: impl Fn(IpNet) -> bool) -> Vec<String> {
    let all = cidrs.list().into_iter();
    let concerned = all.filter(|cidr| blocks(cidr).into_iter().any(&holds));
    concerned.map(|cidr| cidr.name().to_owned()).collect()
}

fn overlaps(one: IpNet, other: IpNet) -> bool {
    one.contains(&other) || other.contains(&one)
}

/// Whether a Service's address may be of the block: its first and, for IPv4, its last are none.
fn contains(block: IpNet, address: IpAddr) -> bool {
    let is_last = address.is_ipv4() && address == block.broadcast();
    block.contains(&address) && address != block.network() && !is_last
}

fn is_held(cidr: &Document) -> bool {
    cidr.finalizers().any(|finalizer| finalizer == FINALIZER)
}

fn finalizers(cidr: &Document, field: &str) -> Write {
    let patch = doc!({"metadata": {(field): [FINALIZER]}});
    Write::patch(&SERVICE_CIDRS, cidr, "", PatchKind::Strategic, patch)
}

/// The write that makes the ServiceCIDR say so, if it does not.
fn condition(cidr: &Document, wanted: &Readiness, now: Timestamp) -> Option<Write> {
    let mut conditions = cidr.array_at(&["status", "conditions"]).iter();
    let says = |condition: &Document| {
        let Readiness { status, reason, message } = wanted;
        [("status", status), ("reason", reason), ("message", message)]
            .into_iter()
            .all(|(field, text)| condition.str_at(&[field]) == *text)
    };
    if conditions.find(|condition| condition.str_at(&["type"]) == "Ready").is_some_and(says) {
        return None;
    }
    let patch = doc!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": cidr.name()},
        "status": {"conditions": [{
            "type": "Ready", "status": wanted.status, "reason": wanted.reason, "message": wanted.message,
            "lastTransitionTime": format_time(now)
        }]}
    });
    let mut write = Write::patch(&SERVICE_CIDRS, cidr, "status", PatchKind::Apply { force: true }, patch);
    write.call = write.call.query("fieldManager", ServiceCidrController::NAME);
    Some(write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_client::Verb;
    use std::sync::Arc;

    fn cidr(name: &str, blocks: &[&str]) -> Document {
        doc!({"metadata": {"name": name}, "spec": {"cidrs": blocks.to_vec()}})
    }

    fn address(text: &str, keeper: &str) -> Object {
        let family = if text.contains(':') { "IPv6" } else { "IPv4" };
        Arc::new(doc!({"metadata": {"name": text, "labels": {(MANAGED_BY): keeper, (FAMILY): family}}}))
    }

    #[test]
    fn a_cidr_is_needed_for_addresses_of_no_other() {
        let v4 = || cidr("a", &["10.1.0.0/24"]);
        let of_service = |text: &str| vec![address(text, ALLOCATOR)];
        let cases = [
            ("no addresses", v4(), vec![], vec![], Fate::Free),
            ("its address", v4(), vec![], of_service("10.1.0.7"), Fate::Needed),
            ("another address", v4(), vec![], of_service("10.2.0.7"), Fate::Free),
            ("its last address", v4(), vec![], of_service("10.1.0.255"), Fate::Free),
            ("an address of others", v4(), vec![], vec![address("10.1.0.7", "someone")], Fate::Free),
            ("in a wider one", v4(), vec![cidr("b", &["10.1.0.0/16"])], of_service("10.1.0.7"), Fate::Free),
            ("twice", v4(), vec![cidr("b", &["10.1.0.0/24"])], of_service("10.1.0.7"), Fate::Free),
            (
                "an address in a part",
                v4(),
                vec![cidr("b", &["10.1.0.0/28"])],
                of_service("10.1.0.7"),
                Fate::Free,
            ),
            (
                "an address beside the part",
                v4(),
                vec![cidr("b", &["10.1.0.0/28"])],
                of_service("10.1.0.77"),
                Fate::Needed,
            ),
            (
                "its second family",
                cidr("a", &["10.1.0.0/24", "fd00::/112"]),
                vec![cidr("b", &["10.1.0.0/16"])],
                of_service("fd00::7"),
                Fate::Needed,
            ),
        ];
        for (name, cidr, others, addresses, expected) in cases {
            let mut all: Vec<Object> = others.into_iter().map(Arc::new).collect();
            all.push(Arc::new(cidr.clone()));
            assert_eq!(fate(&cidr, &all, &addresses), expected, "{name}");
        }
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn planned(cidr: Document, fate: Fate) -> Plan {
        let world = World { cidr: Arc::new(cidr), fate };
        ServiceCidrController::plan(&world, at("2026-01-01T00:00:04Z"))
    }

    fn ready(mut cidr: Document, wanted: &Readiness) -> Document {
        cidr.set(&["metadata", "finalizers"], doc!([FINALIZER]));
        let condition = doc!({
            "type": "Ready", "status": wanted.status, "reason": wanted.reason, "message": wanted.message
        });
        cidr.set(&["status", "conditions"], doc!([condition]));
        cidr
    }

    #[test]
    fn a_new_cidr_is_held_and_called_ready() {
        let plan = planned(cidr("a", &["10.1.0.0/24"]), Fate::Free);
        let writes: Vec<&Write> = plan.writes().collect();
        let [hold, tell] = writes[..] else { panic!("{plan:?}") };
        assert_eq!(hold.call.verb, Verb::Patch(PatchKind::Strategic));
        assert_eq!(hold.call.body, Some(doc!({"metadata": {"finalizers": [FINALIZER]}})));
        assert_eq!(
            (tell.call.verb, &*tell.call.subresource),
            (Verb::Patch(PatchKind::Apply { force: true }), "status")
        );
        assert_eq!(tell.call.query, [("fieldManager", "service-cidr-controller".to_owned())]);
        let expected = doc!({
            "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "a"},
            "status": {"conditions": [{
                "type": "Ready", "status": "True", "reason": "", "message": "Kubernetes Service CIDR is ready",
                "lastTransitionTime": "2026-01-01T00:00:04Z"
            }]}
        });
        assert_eq!(tell.call.body, Some(expected));
        let failure = tell.failure.as_ref().unwrap();
        assert_eq!(failure.reason, "KubernetesServiceCIDRError");
        assert_eq!(planned(ready(cidr("a", &[]), &READY), Fate::Free), Plan::default());
    }

    #[test]
    fn a_cidr_that_is_needed_stays_and_says_why() {
        let mut going = ready(cidr("a", &["10.1.0.0/24"]), &READY);
        going.set(&["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z");
        let plan = planned(going.clone(), Fate::Needed);
        let bodies: Vec<&Document> = plan.writes().filter_map(|write| write.call.body.as_ref()).collect();
        let said = &bodies[0].array_at(&["status", "conditions"])[0];
        assert_eq!((said.str_at(&["status"]), said.str_at(&["reason"])), ("False", "Terminating"));
        assert_eq!(bodies.len(), 1);
        going = ready(going, &TERMINATING);
        assert_eq!(planned(going, Fate::Needed), Plan::default());
    }

    #[test]
    fn a_cidr_that_nobody_needs_goes_after_a_while() {
        let mut going = ready(cidr("a", &["10.1.0.0/24"]), &READY);
        going.set(&["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z");
        let plan = planned(going.clone(), Fate::Free);
        assert_eq!((plan.writes().count(), plan.requeue_after), (0, Some(Duration::from_secs(6))));
        let world = World { cidr: Arc::new(going), fate: Fate::Free };
        let plan = ServiceCidrController::plan(&world, at("2026-01-01T00:00:10Z"));
        let bodies: Vec<&Document> = plan.writes().filter_map(|write| write.call.body.as_ref()).collect();
        assert_eq!(bodies, [&doc!({"metadata": {"$deleteFromPrimitiveList/finalizers": [FINALIZER]}})]);
    }
}
