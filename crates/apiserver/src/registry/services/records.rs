//! Records of cluster IPs: an `IPAddress` for each one that a Service holds (KEP-1880).
//!
//! The pools of this process say quickly which addresses are free; the records say it for all API servers over one store,
//! because only one of them can create an `IPAddress` of a name. So a Service is stored after the records of its addresses
//! and they are erased after it is gone. What a crash leaves in between, [`Registry::repair_records`] mends.

use super::{Reservation, held_addresses, is_service};
use crate::authentication::UserInfo;
use crate::objects::Objects;
use crate::registry::store::Outcome;
use crate::registry::{Context, Registry, Target, metadata};
use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::time::parse_time;
use skiff_apimachinery::{Document, GroupResource, Status, doc};
use std::net::IpAddr;

/// How often another address is tried where another API server was quicker.
const ATTEMPTS: usize = 16;
/// A record without a Service is younger than this while its Service is being stored.
const YOUNG: SignedDuration = SignedDuration::from_secs(60);

const GROUP: &str = "networking.k8s.io";
const RESOURCE: &str = "ipaddresses";
const MANAGED_BY: &str = "ipaddress.kubernetes.io/managed-by";
const ALLOCATOR: &str = "ipallocator.k8s.io";
const FAMILY: &str = "ipaddress.kubernetes.io/ip-family";

impl Registry {
    /// Fills in what a Service needs and records its addresses; other objects need nothing.
    ///
    /// # Errors
    /// 422 if a wanted address or port is taken or outside, 500 if none is left.
    pub(in crate::registry) async fn allocate(
        &self,
        context: &Context,
        target: &Target,
        object: &mut Document,
        old: Option<&Document>,
    ) -> Result<Reservation, Status> {
        for _ in 0..ATTEMPTS {
            let mut candidate = if is_service(target) { object.clone() } else { Document::NULL };
            let chosen = if is_service(target) { &mut candidate } else { &mut *object };
            let mut reservation = match old {
                None => self.allocators.on_create(target, chosen)?,
                Some(old) => self.allocators.on_update(target, chosen, old)?,
            };
            let taken =
                if context.dry_run { None } else { self.record(context, target, &reservation).await? };
            match taken {
                None if is_service(target) => *object = candidate,
                None => {}
                Some(taken) => {
                    // Somebody else's: it stays taken here, too.
                    reservation.addresses.retain(|address| *address != taken);
                    continue;
                }
            }
            return Ok(reservation);
        }
        Err(Status::internal("failed to allocate a serviceIP: range is full"))
    }

    /// Gives back what a write took that is not stored after all.
    pub(in crate::registry) async fn give_back(&self, context: &Context, reservation: Reservation) {
        if !context.dry_run {
            self.erase(&reservation.addresses).await;
        }
        drop(reservation);
    }

    /// Erases the records of what a Service held and `kept` does not.
    pub(in crate::registry) async fn erase_of(
        &self,
        target: &Target,
        old: &Document,
        kept: Option<&Document>,
    ) {
        if !is_service(target) {
            return;
        }
        let kept = kept.map(held_addresses).unwrap_or_default();
        let mut gone = held_addresses(old);
        gone.retain(|address| !kept.contains(address));
        self.erase(&gone).await;
    }

    /// Records the reserved addresses; returns the first that somebody else holds, and then records none.
    async fn record(
        &self,
        context: &Context,
        service: &Target,
        reservation: &Reservation,
    ) -> Result<Option<IpAddr>, Status> {
        for (at, address) in reservation.addresses.iter().enumerate() {
            let Some(target) = self.record_of(*address) else { return Ok(None) };
            let outcome = self.write_record(context.now, &target, &service.namespace, &service.name).await;
            let refused = match outcome {
                Ok(true) => continue,
                Ok(false) => Ok(Some(*address)),
                Err(status) => Err(status),
            };
            self.erase(&reservation.addresses[..at]).await;
            return refused;
        }
        Ok(None)
    }

    /// Where an address is recorded; nowhere if the resource is not served.
    fn record_of(&self, address: IpAddr) -> Option<Target> {
        let rows = self.caches.table().rows();
        let row = rows.find(GROUP, "v1", RESOURCE)?.clone();
        let hub = rows.hub(&row);
        let name = address.to_string();
        Some(Target { row, hub, namespace: String::new(), name, subresource: String::new() })
    }

    /// Creates a record; false if there is one that names another Service.
    async fn write_record(
        &self,
        now: Timestamp,
        target: &Target,
        namespace: &str,
        name: &str,
    ) -> Result<bool, Status> {
        let family = if target.name.contains(':') { "IPv6" } else { "IPv4" };
        let mut record = doc!({
            "kind": "IPAddress",
            "apiVersion": "networking.k8s.io/v1",
            "metadata": {
                "name": target.name.as_str(),
                "labels": {(FAMILY): family, (MANAGED_BY): ALLOCATOR}
            },
            "spec": {"parentRef": {"group": "", "resource": "services", "namespace": namespace, "name": name}}
        });
        let context = own_context(now);
        metadata::begin(&mut record, now);
        self.track_update(&context, target, None, &mut record);
        match self.insert(&context, target, record).await? {
            Outcome::Done(_) => Ok(true),
            Outcome::Stale => {
                let there = self.current(target).await?;
                Ok(there.is_some_and(|there| names(&there.object.document(), namespace, name)))
            }
        }
    }

    /// Erases records; what cannot be erased now is left to the repair.
    async fn erase(&self, addresses: &[IpAddr]) {
        for target in addresses.iter().filter_map(|address| self.record_of(*address)) {
            let erased = async {
                let Some(current) = self.current(&target).await? else { return Ok(()) };
                self.remove(&own_context(Timestamp::UNIX_EPOCH), &target, &current).await.map(drop)
            };
            if let Err(status) = erased.await {
                tracing::warn!(address = target.name, %status, "the record of a cluster IP is not erased yet");
            }
        }
    }

    /// Makes records and Services agree: records what Services hold, erases what none holds.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn repair_records(&self, now: Timestamp) -> Result<(), Status> {
        let services = self.caches.list(&GroupResource::new("", "services"), "");
        let records = self.caches.list(&GroupResource::new(GROUP, RESOURCE), "");
        for service in &services {
            for address in held_addresses(service) {
                let Some(target) = self.record_of(address) else { return Ok(()) };
                if records.iter().any(|record| record.name() == target.name) {
                    continue;
                }
                let (namespace, name) = (service.namespace(), service.name());
                if !self.write_record(now, &target, namespace, name).await? {
                    tracing::error!(service = format!("{namespace}/{name}"), %address, "two Services have one cluster IP");
                }
            }
        }
        let is_held = |record: &Document| {
            services.iter().any(|service| {
                names(record, service.namespace(), service.name())
                    && held_addresses(service).iter().any(|address| address.to_string() == record.name())
            })
        };
        for record in records.iter().filter(|record| record.label(MANAGED_BY) == Some(ALLOCATOR)) {
            if is_held(record) || is_young(record, now) {
                continue;
            }
            if let Ok(address) = record.name().parse::<IpAddr>() {
                self.erase(&[address]).await;
                self.allocators.forget(address);
            }
        }
        Ok(())
    }
}

/// The server's own writes.
fn own_context(now: Timestamp) -> Context {
    Context {
        user: UserInfo::authenticated("system:apiserver", ["system:masters"]),
        dry_run: false,
        field_manager: "kube-apiserver".to_owned(),
        now,
        warnings: Vec::new(),
    }
}

/// Whether a record names this Service.
fn names(record: &Document, namespace: &str, name: &str) -> bool {
    let parent = |field: &str| record.str_at(&["spec", "parentRef", field]);
    parent("resource") == "services" && parent("namespace") == namespace && parent("name") == name
}

fn is_young(record: &Document, now: Timestamp) -> bool {
    let created = parse_time(record.str_at(&["metadata", "creationTimestamp"]));
    created.is_some_and(|created| now.duration_since(created) < YOUNG)
}
