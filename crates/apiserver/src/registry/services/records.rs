//! Who has what, in the store: an `IPAddress` for each cluster IP (KEP-1880), a key of its own for each node port.
//!
//! Only one server can create a record, so nothing is given twice, however many servers share the store. A Service is stored
//! after its records; what it lets go is looked up before it changes and erased after, so that nobody's later record is
//! erased in its place. What a crash leaves in between, the repair mends.

use super::plan::Failure;
use super::taken::{Record, Reservation, Thing};
use super::{held, is_service};
use crate::authentication::UserInfo;
use crate::objects::Objects;
use crate::registry::store::Outcome;
use crate::registry::{Context, Registry, Target, metadata};
use crate::stored::{ROOT, storage_failure};
use jiff::Timestamp;
use skiff_api::validation::network;
use skiff_apimachinery::time::{format_time, parse_time};
use skiff_apimachinery::{Document, GroupResource, Reason, Status, doc, json};
use skiff_storage::{Expect, KeyValue, Op, Range, Txn, TxnResult};
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

/// How often another address or port is tried where another server was quicker.
const ATTEMPTS: usize = 64;

pub(super) const MANAGED_BY: &str = "ipaddress.kubernetes.io/managed-by";
pub(super) const ALLOCATOR: &str = "ipallocator.k8s.io";
pub(super) const FAMILY: &str = "ipaddress.kubernetes.io/ip-family";
/// Under which keys node ports are recorded. Upstream keeps one object here for all of them.
const PORTS: &str = "ranges/servicenodeports/";

/// What a Service is about to let go, with the records as they are before.
#[derive(Debug, Default)]
pub(in crate::registry) struct Release(Vec<(Thing, Option<Record>)>);

/// Which Service a record names, and since when.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Owner {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) since: Option<Timestamp>,
    pub(super) record: Record,
}

impl Owner {
    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }
}

impl Registry {
    /// Fills in what a Service needs and records what it takes; other objects need nothing.
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
        if !is_service(target) || !target.subresource.is_empty() {
            return Ok(self.allocators.nothing());
        }
        let mut has_relearnt = false;
        for _ in 0..ATTEMPTS {
            let mut candidate = object.clone();
            let plan = self.allocators.plan(&self.usable_ranges(), &mut candidate, old, context.dry_run);
            let reservation = match plan {
                Ok(reservation) => reservation,
                // Perhaps other servers gave something back.
                Err(Failure::Full(_)) if !has_relearnt => {
                    self.relearn().await?;
                    has_relearnt = true;
                    continue;
                }
                Err(Failure::Full(status) | Failure::Refused(status)) => return Err(status),
            };
            let recorded = if context.dry_run {
                Some(reservation)
            } else {
                self.record(context.now, target, reservation).await?
            };
            if let Some(reservation) = recorded {
                *object = candidate;
                return Ok(reservation);
            }
        }
        Err(Status::internal("failed to allocate a serviceIP: range is full"))
    }

    /// Gives back what a write took that failed, for this reason if the store had one. Where it is not known whether the
    /// write was stored, its records stay until the repair finds out.
    pub(in crate::registry) async fn give_back(&self, reservation: Reservation, why: Option<&Status>) {
        if why.is_some_and(|why| matches!(why.reason, Reason::ServerTimeout | Reason::Timeout)) {
            return reservation.keep_unless(false);
        }
        for record in reservation.claims.iter().filter_map(|claim| claim.record.as_ref()) {
            self.erase(record).await;
        }
        drop(reservation);
    }

    /// What `old` holds and `kept` does not. To be asked before the change is stored.
    pub(in crate::registry) async fn releasing(
        &self,
        context: &Context,
        target: &Target,
        old: &Document,
        kept: Option<&Document>,
    ) -> Release {
        if context.dry_run || !is_service(target) {
            return Release::default();
        }
        let kept = kept.map(held).unwrap_or_default();
        let mut gone = Vec::new();
        for thing in held(old).into_iter().filter(|thing| !kept.contains(thing)) {
            match self.owner(thing).await {
                Ok(owner) => {
                    let own = owner.filter(|owner| owner.is(&target.namespace, &target.name));
                    gone.push((thing, own.map(|owner| owner.record)));
                }
                Err(status) => {
                    tracing::warn!(?thing, %status, "what a Service lets go is not looked up");
                }
            }
        }
        Release(gone)
    }

    /// Lets go, after the change is stored.
    pub(in crate::registry) async fn release(&self, release: Release) {
        for (thing, record) in release.0 {
            if let Some(record) = record {
                self.erase(&record).await;
            }
            self.allocators.release(thing);
        }
    }

    /// Records what is claimed; `None` if somebody else was quicker with something that another would do for.
    async fn record(
        &self,
        now: Timestamp,
        service: &Target,
        mut reservation: Reservation,
    ) -> Result<Option<Reservation>, Status> {
        for at in 0..reservation.claims.len() {
            let Some(claim) = reservation.claims.get_mut(at) else { break };
            match self.win(now, claim.thing, claim.doubtful, service).await {
                Ok(Some(record)) => claim.record = Some(record),
                Ok(None) => {
                    let lost = reservation.lose(at);
                    self.give_back(reservation, None).await;
                    return lost.refusal.map_or(Ok(None), Err);
                }
                Err(status) => {
                    self.give_back(reservation, None).await;
                    return Err(status);
                }
            }
        }
        Ok(Some(reservation))
    }

    /// Records one thing for a Service; `None` if somebody else has it.
    async fn win(
        &self,
        now: Timestamp,
        thing: Thing,
        doubtful: bool,
        service: &Target,
    ) -> Result<Option<Record>, Status> {
        let (namespace, name) = (&*service.namespace, &*service.name);
        let Some(record) = self.write_record(now, thing, namespace, name).await? else { return Ok(None) };
        if doubtful {
            let lost = self.is_held_by_another(thing, service).await;
            if !matches!(lost, Ok(false)) {
                self.erase(&record).await;
                return lost.map(|_| None);
            }
        }
        Ok(Some(record))
    }

    /// Whether another Service holds what somebody erased the record of.
    async fn is_held_by_another(&self, thing: Thing, service: &Target) -> Result<bool, Status> {
        self.catch_up(&GroupResource::new("", "services")).await?;
        let own = (&*service.namespace, &*service.name);
        let holds =
            |other: &Arc<Document>| (other.namespace(), other.name()) != own && held(other).contains(&thing);
        Ok(self.services().iter().any(holds))
    }

    /// Waits until the cache has all that was stored before.
    async fn catch_up(&self, resource: &GroupResource) -> Result<(), Status> {
        match self.caches.table().rows().stored(resource) {
            Some(row) => self.caches.of(&row).caught_up().await.map(drop),
            None => Ok(()),
        }
    }

    /// Creates a record; `None` if there is one.
    pub(super) async fn write_record(
        &self,
        now: Timestamp,
        thing: Thing,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Record>, Status> {
        match thing {
            Thing::Address(address) => self.write_address(now, address, namespace, name).await,
            Thing::Port(port) => self.write_port(now, port, namespace, name).await,
        }
    }

    async fn write_address(
        &self,
        now: Timestamp,
        address: IpAddr,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Record>, Status> {
        let target = self.address_target(address)?;
        let mut record = doc!({
            "kind": "IPAddress",
            "apiVersion": "networking.k8s.io/v1",
            "metadata": {
                "name": target.name.as_str(),
                "labels": {(FAMILY): network::family(address), (MANAGED_BY): ALLOCATOR}
            },
            "spec": {"parentRef": {"group": "", "resource": "services", "namespace": namespace, "name": name}}
        });
        let context = own_context(now);
        metadata::begin(&mut record, now);
        self.track_update(&context, &target, None, &mut record);
        Ok(match self.insert(&context, &target, record).await? {
            Outcome::Done(stored) => Some(record_of(&target, &stored.document())),
            Outcome::Stale => None,
        })
    }

    async fn write_port(
        &self,
        now: Timestamp,
        port: u16,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Record>, Status> {
        let key = port_key(port);
        let value = doc!({"namespace": namespace, "name": name, "since": format_time(now)});
        let op = Op::Put { value: json::encode(&value).into(), ttl: None };
        let txn = Txn { key: key.clone(), expect: Expect::Absent, op };
        Ok(match self.caches.storage().txn(txn).await.map_err(storage_failure)? {
            TxnResult::Committed { revision } => Some(Record { key, revision }),
            TxnResult::Failed { .. } => None,
        })
    }

    /// Erases a record unless it changed meanwhile; what cannot be erased now is left to the repair.
    pub(super) async fn erase(&self, record: &Record) {
        let expect = Expect::ModRevision(record.revision);
        let txn = Txn { key: record.key.clone(), expect, op: Op::Delete };
        if let Err(error) = self.caches.storage().txn(txn).await {
            tracing::warn!(key = record.key, %error, "a record of what a Service had is not erased yet");
        }
    }

    /// Whom the store says something to belong to.
    async fn owner(&self, thing: Thing) -> Result<Option<Owner>, Status> {
        match thing {
            Thing::Address(address) => {
                let target = self.address_target(address)?;
                let current = self.current(&target).await?;
                Ok(current.map(|current| owner_of_address(&target, &current.object.document())))
            }
            Thing::Port(port) => {
                let range = Range { prefix: port_key(port), single: true, ..Range::default() };
                let found = self.caches.storage().range(range).await.map_err(storage_failure)?;
                Ok(found.items.first().map(owner_of_port))
            }
        }
    }

    /// All recorded node ports.
    pub(super) async fn port_owners(&self) -> Result<Vec<(u16, Owner)>, Status> {
        let prefix = format!("{ROOT}{PORTS}");
        let range = Range { prefix: prefix.clone(), ..Range::default() };
        let found = self.caches.storage().range(range).await.map_err(storage_failure)?;
        let port = |item: &KeyValue| item.key.strip_prefix(&prefix)?.parse().ok();
        Ok(found.items.iter().filter_map(|item| Some((port(item)?, owner_of_port(item)))).collect())
    }

    /// All recorded cluster IPs, as the cache has them.
    pub(super) fn address_records(&self) -> Vec<Arc<Document>> {
        self.caches.list(&addresses(), "")
    }

    /// Learns anew what is taken, as fresh as the caches can be.
    pub(super) async fn relearn(&self) -> Result<(), Status> {
        self.catch_up(&addresses()).await?;
        self.catch_up(&GroupResource::new("", "services")).await?;
        let mut things: HashSet<Thing> = self.services().iter().flat_map(|service| held(service)).collect();
        let names = self.address_records().into_iter().filter_map(|record| network::ip(record.name()));
        things.extend(names.map(Thing::Address));
        things.extend(self.port_owners().await?.into_iter().map(|(port, _)| Thing::Port(port)));
        self.allocators.relearn(things);
        Ok(())
    }

    /// Where an address is recorded.
    fn address_target(&self, address: IpAddr) -> Result<Target, Status> {
        self.target_of(&addresses(), "", &address.to_string())
    }

    /// An object of a built-in resource, whatever versions are served.
    pub(super) fn target_of(
        &self,
        resource: &GroupResource,
        namespace: &str,
        name: &str,
    ) -> Result<Target, Status> {
        let hub = self.caches.table().rows().stored(resource);
        let hub = hub.ok_or_else(|| Status::internal(format!("{resource} are not stored here")))?;
        Ok(Target {
            row: hub.clone(),
            hub,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource: String::new(),
        })
    }
}

fn addresses() -> GroupResource {
    GroupResource::new("networking.k8s.io", "ipaddresses")
}

fn port_key(port: u16) -> String {
    format!("{ROOT}{PORTS}{port}")
}

/// The record that an `IPAddress` object is.
pub(super) fn record_of(target: &Target, object: &Document) -> Record {
    // Without a revision nothing is erased.
    Record { key: target.key(), revision: object.resource_version().parse().unwrap_or(0) }
}

fn owner_of_address(target: &Target, object: &Document) -> Owner {
    let parent = |field: &str| object.str_at(&["spec", "parentRef", field]).to_owned();
    Owner {
        namespace: parent("namespace"),
        name: if parent("resource") == "services" { parent("name") } else { String::new() },
        since: parse_time(object.creation_timestamp()),
        record: record_of(target, object),
    }
}

fn owner_of_port(item: &KeyValue) -> Owner {
    let value = json::decode(&item.value).unwrap_or_default();
    Owner {
        namespace: value.str_at(&["namespace"]).to_owned(),
        name: value.str_at(&["name"]).to_owned(),
        since: parse_time(value.str_at(&["since"])),
        record: Record { key: item.key.to_string(), revision: item.mod_revision },
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
