//! The node's lease in `kube-node-lease`: renewed four times per duration, it is what says that the node lives.

use crate::config::KubeletConfig;
use jiff::Timestamp;
use skiff_apimachinery::time::{Clock, format_micro_time};
use skiff_apimachinery::{Document, Status, doc};
use skiff_client::resources::LEASES;
use skiff_client::{Client, Object};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const NAMESPACE: &str = "kube-node-lease";
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(7);

/// Renews until dropped. The Node's UID makes it the lease's owner once it is known.
pub async fn keep(
    client: Client,
    config: KubeletConfig,
    clock: Arc<dyn Clock>,
    mut node_uid: watch::Receiver<String>,
) {
    let mut held: Option<Object> = None;
    let mut pause = FIRST_PAUSE;
    // Without the Node there is nobody to speak for.
    if node_uid.wait_for(|uid| !uid.is_empty()).await.is_err() {
        return;
    }
    loop {
        let uid = node_uid.borrow().clone();
        match renew(&client, &config, held.take(), &uid, clock.now()).await {
            Ok(lease) => {
                held = Some(lease);
                pause = FIRST_PAUSE;
                tokio::time::sleep(config.lease_duration / 4).await;
            }
            Err(error) => {
                tracing::debug!(%error, "cannot renew node lease");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn renew(
    client: &Client,
    config: &KubeletConfig,
    held: Option<Object>,
    node_uid: &str,
    now: Timestamp,
) -> Result<Object, Status> {
    let current = match held {
        Some(lease) => Some(lease),
        None => match client.get(&LEASES, NAMESPACE, &config.node_name).await {
            Ok(lease) => Some(lease),
            Err(status) if status.is_not_found() => None,
            Err(status) => return Err(status),
        },
    };
    match current {
        Some(current) => {
            let mut lease = current.as_ref().clone();
            fill(&mut lease, config, node_uid, now);
            client.update(&LEASES, lease).await
        }
        None => {
            let mut lease = doc!({
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"name": config.node_name.as_str(), "namespace": NAMESPACE}
            });
            fill(&mut lease, config, node_uid, now);
            client.create(&LEASES, NAMESPACE, lease).await
        }
    }
}

fn fill(lease: &mut Document, config: &KubeletConfig, node_uid: &str, now: Timestamp) {
    lease.set(
        &["metadata", "ownerReferences"],
        doc!([{"apiVersion": "v1", "kind": "Node", "name": config.node_name.as_str(), "uid": node_uid}]),
    );
    lease.set(&["spec", "holderIdentity"], config.node_name.as_str());
    lease.set(&["spec", "leaseDurationSeconds"], config.lease_duration.as_secs());
    lease.set(&["spec", "renewTime"], format_micro_time(now));
}
