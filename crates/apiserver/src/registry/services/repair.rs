//! Makes records and Services agree: records what Services hold, erases what none holds, and tells what was wrong.
//!
//! What to do follows from the caches; before anything is written or erased, the store is asked whether the Service really
//! holds it, and records go only in the state that was looked at.

use super::allocate::texts;
use super::ranges::Ranges;
use super::records::{ALLOCATOR, FAMILY, MANAGED_BY, Owner, record_of};
use super::taken::Thing;
use super::{held, held_ports};
use crate::registry::Registry;
use jiff::{SignedDuration, Timestamp};
use skiff_api::kinds::service::allocation::{is_headless, needs_cluster_ip};
use skiff_api::validation::network;
use skiff_apimachinery::time::parse_time;
use skiff_apimachinery::{Document, GroupResource, Status};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// A record without a Service is younger than this while its Service is being stored: a request lasts no longer.
const YOUNG: SignedDuration = SignedDuration::from_secs(60);

const ADDRESS_REPAIR: &str = "ipallocator-repair-controller";
const ALLOCATION: &str = "ClusterIPAllocation";
const PORT_REPAIR: &str = "portallocator-repair-controller";

/// Something that was wrong, to be told as an event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    /// The Service or IPAddress.
    pub(crate) about: Arc<Document>,
    /// Which of upstream's controllers would tell it.
    pub(crate) component: &'static str,
    /// What was done.
    pub(crate) action: &'static str,
    /// Why, in one word.
    pub(crate) reason: &'static str,
    /// Why, for people.
    pub(crate) message: String,
}

/// What is compared.
struct Picture {
    now: Timestamp,
    services: HashMap<(String, String), Arc<Document>>,
    ranges: Ranges,
    findings: Vec<Finding>,
}

impl Registry {
    /// Makes all agree; the findings are to be told even if something failed.
    pub(crate) async fn repair(&self, now: Timestamp) -> (Vec<Finding>, Result<(), Status>) {
        let services = self.services().into_iter();
        let services =
            services.map(|service| ((service.namespace().to_owned(), service.name().to_owned()), service));
        let mut picture = Picture {
            now,
            services: services.collect(),
            ranges: self.configured_ranges(),
            findings: Vec::new(),
        };
        let result = self.repair_all(&mut picture).await;
        (picture.findings, result)
    }

    async fn repair_all(&self, picture: &mut Picture) -> Result<(), Status> {
        let records = self.address_records().into_iter();
        let records: HashMap<String, Arc<Document>> =
            records.map(|record| (record.name().to_owned(), record)).collect();
        let services: Vec<Arc<Document>> = picture.services.values().cloned().collect();
        for service in services.iter().filter(|service| needs_cluster_ip(service) && !is_headless(service)) {
            for text in texts(service, "clusterIPs") {
                self.repair_address(picture, service, &text, &records).await?;
            }
        }
        for record in records.values().filter(|record| record.label(MANAGED_BY) == Some(ALLOCATOR)) {
            self.repair_record(picture, record).await?;
        }
        self.repair_ports(picture, &services).await?;
        self.relearn().await
    }

    /// One cluster IP of a Service.
    async fn repair_address(
        &self,
        picture: &mut Picture,
        service: &Arc<Document>,
        text: &str,
        records: &HashMap<String, Arc<Document>>,
    ) -> Result<(), Status> {
        let tell = |action, reason, message| Finding {
            about: service.clone(),
            component: ADDRESS_REPAIR,
            action,
            reason,
            message,
        };
        let Some(address) = network::ip(text) else {
            let message = "Cluster IP <nil> is not a valid IP; please recreate Service".to_owned();
            picture.findings.push(tell("ClusterIPValidation", "ClusterIPNotValid", message));
            return Ok(());
        };
        let family = network::family(address);
        if !picture.ranges.contains(address) {
            let message = format!(
                "Cluster IP [{family}]: {address} is not within any configured Service CIDR; please recreate service"
            );
            picture.findings.push(tell(ALLOCATION, "ClusterIPOutOfRange", message));
            return Ok(());
        }
        let (namespace, name) = (service.namespace(), service.name());
        let message = match records.get(&address.to_string()) {
            None => format!("Cluster IP [{family}]: {address} is not allocated; repairing"),
            Some(record) if picture.is_astray(record) => {
                format!(
                    "the ClusterIP [{family}]: {address} for Service {namespace}/{name} has a wrong reference; repairing"
                )
            }
            Some(record) if picture.belongs_elsewhere(record, service, address) => {
                let message = format!(
                    "Cluster IP [{family}]:{address} was assigned to multiple services; please recreate service"
                );
                picture.findings.push(tell(ALLOCATION, "ClusterIPAlreadyAllocated", message));
                return Ok(());
            }
            Some(record) if has_labels(record, family) => return Ok(()),
            Some(_) => String::new(),
        };
        let old = records.get(&address.to_string());
        let mended = self.mend(picture.now, service, Thing::Address(address), old).await?;
        if mended && !message.is_empty() {
            picture.findings.push(tell(ALLOCATION, "ClusterIPNotAllocated", message));
        }
        Ok(())
    }

    /// Records an address anew for the Service that holds it; false if it does not any more, or another record came.
    async fn mend(
        &self,
        now: Timestamp,
        service: &Document,
        thing: Thing,
        old: Option<&Arc<Document>>,
    ) -> Result<bool, Status> {
        let (namespace, name) = (service.namespace(), service.name());
        if !self.is_held_by(thing, namespace, name).await? {
            return Ok(false);
        }
        if let Some(old) = old {
            let resource = GroupResource::new("networking.k8s.io", "ipaddresses");
            let target = self.target_of(&resource, "", old.name())?;
            self.erase(&record_of(&target, old)).await;
        }
        Ok(self.write_record(now, thing, namespace, name).await?.is_some())
    }

    /// One record that the allocator made.
    async fn repair_record(&self, picture: &mut Picture, record: &Arc<Document>) -> Result<(), Status> {
        let Some(address) = network::ip(record.name()) else { return Ok(()) };
        let parent = |field: &str| record.str_at(&["spec", "parentRef", field]);
        let (namespace, name) = (parent("namespace"), parent("name"));
        let thing = Thing::Address(address);
        let (reason, message) = if !names_a_service(record) {
            let shown = format!("&{{{} {} {namespace} {name}}}", parent("group"), parent("resource"));
            let message = format!(
                "IPAddress {address} appears to have been modified, not referencing a Service {shown}: cleaning up"
            );
            ("IPAddressNotAllocated", message)
        } else if picture.shows(thing, namespace, name)
            || is_young(parse_time(record.creation_timestamp()), picture.now)
            || self.is_held_by(thing, namespace, name).await?
        {
            return Ok(());
        } else if picture.parent(record).is_none() {
            let message = format!(
                "IPAddress: {address} for Service {namespace}/{name} appears to have leaked: cleaning up"
            );
            ("IPAddressNotAllocated", message)
        } else {
            let message = format!(
                "IPAddress: {address} for Service {namespace}/{name} has a wrong reference; cleaning up"
            );
            ("IPAddressWrongReference", message)
        };
        let resource = GroupResource::new("networking.k8s.io", "ipaddresses");
        let target = self.target_of(&resource, "", record.name())?;
        self.erase(&record_of(&target, record)).await;
        picture.findings.push(Finding {
            about: record.clone(),
            component: ADDRESS_REPAIR,
            action: "IPAddressAllocation",
            reason,
            message,
        });
        Ok(())
    }

    async fn repair_ports(&self, picture: &mut Picture, services: &[Arc<Document>]) -> Result<(), Status> {
        let mut owners: HashMap<u16, Owner> = self.port_owners().await?.into_iter().collect();
        for service in services {
            for port in held_ports(service) {
                if let Some((reason, message)) = self.repair_port(picture, service, port, &mut owners).await?
                {
                    picture.findings.push(Finding {
                        about: service.clone(),
                        component: PORT_REPAIR,
                        action: "PortAllocation",
                        reason,
                        message,
                    });
                }
            }
        }
        for (port, owner) in owners {
            let thing = Thing::Port(port);
            if picture.shows(thing, &owner.namespace, &owner.name)
                || is_young(owner.since, picture.now)
                || self.is_held_by(thing, &owner.namespace, &owner.name).await?
            {
                continue;
            }
            self.erase(&owner.record).await;
        }
        Ok(())
    }

    /// One node port of a Service; what was wrong with it.
    async fn repair_port(
        &self,
        picture: &Picture,
        service: &Document,
        port: u16,
        owners: &mut HashMap<u16, Owner>,
    ) -> Result<Option<(&'static str, String)>, Status> {
        let (namespace, name) = (service.namespace(), service.name());
        let range = &self.allocators.ports;
        if !range.contains(port) {
            let message =
                format!("Port {port} is not within the port range {range}; please recreate service");
            return Ok(Some(("PortOutOfRange", message)));
        }
        let owner = owners.get(&port);
        if owner.is_some_and(|owner| owner.is(namespace, name)) {
            return Ok(None);
        }
        let thing = Thing::Port(port);
        if owner.is_some_and(|owner| picture.shows(thing, &owner.namespace, &owner.name)) {
            let message = format!("Port {port} was assigned to multiple services; please recreate service");
            return Ok(Some(("PortAlreadyAllocated", message)));
        }
        if !self.is_held_by(thing, namespace, name).await? {
            return Ok(None);
        }
        if let Some(owner) = owner {
            self.erase(&owner.record).await;
        }
        let Some(record) = self.write_record(picture.now, thing, namespace, name).await? else {
            return Ok(None);
        };
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        owners.insert(port, Owner { namespace, name, since: Some(picture.now), record });
        Ok(Some(("PortNotAllocated", format!("Port {port} is not allocated; repairing"))))
    }

    /// Whether the store has the Service, with this.
    async fn is_held_by(&self, thing: Thing, namespace: &str, name: &str) -> Result<bool, Status> {
        if namespace.is_empty() || name.is_empty() {
            return Ok(false);
        }
        let target = self.target_of(&GroupResource::new("", "services"), namespace, name)?;
        let current = self.current(&target).await?;
        Ok(current.is_some_and(|current| held(&current.object.document()).contains(&thing)))
    }
}

impl Picture {
    /// Whether a Service seems to have something.
    fn shows(&self, thing: Thing, namespace: &str, name: &str) -> bool {
        let service = self.services.get(&(namespace.to_owned(), name.to_owned()));
        service.is_some_and(|service| held(service).contains(&thing))
    }

    /// Whether a record names no Service that there is.
    fn is_astray(&self, record: &Document) -> bool {
        !names_a_service(record) || self.parent(record).is_none()
    }

    /// Whether a record names another Service, which has the address, too.
    fn belongs_elsewhere(&self, record: &Document, service: &Document, address: IpAddr) -> bool {
        let parent = |field: &str| record.str_at(&["spec", "parentRef", field]);
        let other = (parent("namespace"), parent("name"));
        other != (service.namespace(), service.name())
            && self.shows(Thing::Address(address), other.0, other.1)
    }

    fn parent(&self, record: &Document) -> Option<&Arc<Document>> {
        let parent = |field: &str| record.str_at(&["spec", "parentRef", field]).to_owned();
        self.services.get(&(parent("namespace"), parent("name")))
    }
}

fn names_a_service(record: &Document) -> bool {
    let parent = |field: &str| record.str_at(&["spec", "parentRef", field]);
    parent("group").is_empty() && parent("resource") == "services"
}

fn has_labels(record: &Document, family: &str) -> bool {
    record.label(FAMILY) == Some(family) && record.label(MANAGED_BY) == Some(ALLOCATOR)
}

fn is_young(since: Option<Timestamp>, now: Timestamp) -> bool {
    since.is_some_and(|since| now.duration_since(since) <= YOUNG)
}
