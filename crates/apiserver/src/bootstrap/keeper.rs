//! What an API server looks after while it runs: its identity lease, its place among the endpoints of the `kubernetes`
//! Service, and objects that must be there even if somebody deletes them.
//!
//! Input: [`Config`] and what is stored; output: writes through the ordinary request path, and the keys by which servers
//! over the same store know of each other. When the server stops it is no endpoint any more.

use super::master_leases::MasterLeases;
use super::{
    Config, Door, Keep, Seed, api_services, ensure, extension_authentication, identity_lease,
    kubernetes_service, namespaces, seed,
};
use crate::cache::Caches;
use crate::objects::Objects;
use skiff_apimachinery::time::{Clock, format_time};
use skiff_apimachinery::{GroupResource, GroupVersionResource, Status, doc};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often a server shows that it is there; upstream's renewal of its lease and its reconciling of endpoints.
const INTERVAL: Duration = Duration::from_secs(10);
/// In how many turns objects that must be there are looked at: every minute.
const TURNS_OF_OBJECTS: u32 = 6;
/// In how many turns stale leases are removed: every hour.
const TURNS_OF_LEASES: u32 = 360;

/// Looks after what must stay.
pub struct Keeper {
    config: Config,
    door: Arc<dyn Door>,
    caches: Arc<Caches>,
    clock: Arc<dyn Clock>,
    /// Without, no other server can be there.
    peers: Option<MasterLeases>,
    lease: String,
    holder: String,
}

impl Keeper {
    /// For a server that is set up like this.
    pub fn new(config: Config, door: Arc<dyn Door>, caches: Arc<Caches>, clock: Arc<dyn Clock>) -> Self {
        let lease = identity_lease::name(&config.hostname);
        let holder = format!("{lease}_{}", uuid::Uuid::new_v4());
        let peers = config.shared_store.then(|| MasterLeases::new(caches.storage().clone()));
        Self { config, door, caches, clock, peers, lease, holder }
    }

    /// Makes the server known. The namespaces must be there.
    ///
    /// # Errors
    /// The first write that failed.
    pub async fn begin(&self) -> Result<(), Status> {
        tokio::try_join!(self.renew_lease(), self.publish(), self.restore())?;
        Ok(())
    }

    /// Goes on until the token is cancelled; then the server is no endpoint any more.
    pub async fn run(self, stop: CancellationToken) {
        complain("APIServices are not said to be available", self.answer_for_versions().await);
        let mut turn = 0_u32;
        loop {
            if turn.is_multiple_of(TURNS_OF_LEASES) {
                self.collect_leases().await;
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = stop.cancelled() => break,
            }
            turn = turn.wrapping_add(1);
            complain("the identity lease is not renewed", self.renew_lease().await);
            complain("the kubernetes service is not reconciled", self.publish().await);
            if turn.is_multiple_of(TURNS_OF_OBJECTS) {
                complain("system objects are not restored", self.restore().await);
            }
        }
        complain("this server stays an endpoint", self.withdraw().await);
    }

    async fn renew_lease(&self) -> Result<(), Status> {
        let leases = leases();
        let current = self.door.get(&leases, identity_lease::NAMESPACE, &self.lease).await?;
        let hostname = &self.config.hostname;
        let now = self.clock.now();
        let renewed = identity_lease::renewed(current.as_deref(), &self.lease, &self.holder, hostname, now);
        match current {
            None => self.door.create(&leases, renewed).await,
            Some(_) => self.door.update(&leases, renewed).await,
        }
    }

    /// Removes leases of servers that are gone.
    async fn collect_leases(&self) {
        let (leases, now) = (leases(), self.clock.now());
        let resource = GroupResource::new("coordination.k8s.io", "leases");
        for lease in self.caches.list(&resource, identity_lease::NAMESPACE) {
            if identity_lease::is_stale(&lease, now) {
                let removed = self.door.delete(&leases, lease.namespace(), lease.name()).await;
                complain("a stale identity lease stays", removed);
            }
        }
    }

    /// Has the `kubernetes` Service lead to all servers.
    async fn publish(&self) -> Result<(), Status> {
        let own = &self.config.advertise_addresses;
        let servers = match &self.peers {
            None => own.clone(),
            Some(peers) => {
                for address in kubernetes_service::reachable(own) {
                    peers.renew(address).await.map_err(crate::stored::storage_failure)?;
                }
                peers.list().await.map_err(crate::stored::storage_failure)?
            }
        };
        ensure(&*self.door, kubernetes_service::service(&self.config)).await?;
        self.lead_to(&servers).await
    }

    /// Has the `kubernetes` Service lead to all servers but this one.
    async fn withdraw(&self) -> Result<(), Status> {
        let mut others = Vec::new();
        if let Some(peers) = &self.peers {
            for address in &self.config.advertise_addresses {
                peers.remove(*address).await.map_err(crate::stored::storage_failure)?;
            }
            others = peers.list().await.map_err(crate::stored::storage_failure)?;
        }
        self.lead_to(&others).await
    }

    async fn lead_to(&self, servers: &[IpAddr]) -> Result<(), Status> {
        let own = &self.config.advertise_addresses;
        for seed in kubernetes_service::endpoints(servers, own, self.config.port) {
            ensure(&*self.door, seed).await?;
        }
        Ok(())
    }

    /// Brings back what must be there.
    async fn restore(&self) -> Result<(), Status> {
        let mut seeds = namespaces();
        seeds.push(extension_authentication(&self.config));
        seeds.push(self.token_tracking());
        for seed in seeds {
            ensure(&*self.door, seed).await?;
        }
        Ok(())
    }

    /// Since when the use of tokens in secrets is tracked.
    fn token_tracking(&self) -> Seed {
        let today = self.clock.now().strftime("%Y-%m-%d").to_string();
        let object = doc!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": "kube-apiserver-legacy-service-account-token-tracking", "namespace": "kube-system"
            },
            "data": {"since": today}
        });
        seed("", "configmaps", object, Keep::AsIs)
    }

    /// Says of the built-in API versions that this server answers for them.
    async fn answer_for_versions(&self) -> Result<(), Status> {
        let now = format_time(self.clock.now());
        for seed in api_services::seeds(&self.config.versions) {
            let current = self.door.get(&seed.resource, "", seed.object.name()).await?;
            let told = current.and_then(|service| api_services::available(&service, &now));
            if let Some(service) = told {
                self.door.update_status(&seed.resource, service).await?;
            }
        }
        Ok(())
    }
}

fn leases() -> GroupVersionResource {
    GroupVersionResource::new("coordination.k8s.io", "v1", "leases")
}

fn complain(what: &str, outcome: Result<(), Status>) {
    if let Err(status) = outcome {
        tracing::warn!(%status, "{what}");
    }
}
