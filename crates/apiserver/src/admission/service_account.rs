//! `ServiceAccount`: gives each pod an account, the account's pull secrets, and its token as a projected volume.

use super::{Operation, Plugin, Request};
use crate::objects::Objects;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, GroupResource, Status, doc};
use std::sync::Arc;

/// Where the token is mounted.
const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Lifetime of projected tokens, in seconds; the seven tell the API server that the token may be extended.
const TOKEN_LIFETIME: i64 = 3607;

/// The plugin.
pub struct ServiceAccount {
    objects: Arc<dyn Objects>,
}

impl ServiceAccount {
    /// Over current service accounts.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    fn apply(&self, request: &Request<'_>, pod: &mut Document) -> Result<(), Status> {
        if request.operation != Operation::Create || !request.is("", "pods") {
            return Ok(());
        }
        // Mirror pods tell what a kubelet runs from files; they may not use what others own.
        if pod.annotation("kubernetes.io/config.mirror").is_some() {
            return match pod.str_at(&["spec", "serviceAccountName"]) {
                "" => Ok(()),
                _ => Err(request.forbidden("a mirror pod may not reference service accounts")),
            };
        }
        if pod.str_at(&["spec", "serviceAccountName"]).is_empty() {
            pod.set(&["spec", "serviceAccountName"], "default");
        }
        let name = pod.str_at(&["spec", "serviceAccountName"]).to_owned();
        pod.set(&["spec", "serviceAccount"], name.as_str());
        let accounts = GroupResource::new("", "serviceaccounts");
        let account = self.objects.get(&accounts, request.namespace, &name).ok_or_else(|| {
            request.forbidden(&format!(
                "error looking up service account {}/{name}: serviceaccount {name:?} not found",
                request.namespace
            ))
        })?;
        if pod.array_at(&["spec", "imagePullSecrets"]).is_empty() {
            let secrets = account.array_at(&["imagePullSecrets"]);
            if !secrets.is_empty() {
                pod.set(&["spec", "imagePullSecrets"], secrets.to_vec());
            }
        }
        let wants_token = pod
            .bool_at(&["spec", "automountServiceAccountToken"])
            .or_else(|| account.bool_at(&["automountServiceAccountToken"]))
            .unwrap_or(true);
        if wants_token {
            mount_token(pod);
        }
        Ok(())
    }
}

/// Mounts the token into all containers that have nothing at its path, with one volume for those that get it.
fn mount_token(pod: &mut Document) {
    const PREFIX: &str = "kube-api-access-";
    let existing = pod
        .array_at(&["spec", "volumes"])
        .iter()
        .map(|volume| volume.str_at(&["name"]))
        .find(|name| name.starts_with(PREFIX))
        .map(str::to_owned);
    let (volume, is_new) = match existing {
        Some(name) => (name, false),
        None => (format!("{PREFIX}{}", random_suffix()), true),
    };
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        let Some(containers) = pod.at_mut(&["spec", list]).and_then(Document::as_array_mut) else { continue };
        for container in containers {
            let taken =
                container.array_at(&["volumeMounts"]).iter().any(|m| m.str_at(&["mountPath"]) == MOUNT_PATH);
            if !taken {
                container
                    .ensure(&["volumeMounts"])
                    .push(doc!({"name": volume.as_str(), "readOnly": true, "mountPath": MOUNT_PATH}));
                mounted = true;
            }
        }
    }
    if mounted && is_new {
        pod.ensure(&["spec", "volumes"]).push(token_volume(&volume));
    }
}

fn token_volume(name: &str) -> Document {
    doc!({"name": name, "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_LIFETIME, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [
            {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
        ]}}
    ]}})
}

fn random_suffix() -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    (0..5).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect()
}

impl Plugin for ServiceAccount {
    fn name(&self) -> &'static str {
        "ServiceAccount"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.apply(request, object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_mounted_once_and_not_over_what_the_pod_mounts_itself() {
        let mut pod = doc!({"spec": {
            "initContainers": [{"name": "i"}],
            "containers": [{"name": "a"}, {"name": "b", "volumeMounts": [{"name": "own", "mountPath": MOUNT_PATH}]}]
        }});
        mount_token(&mut pod);
        let once = pod.clone();
        mount_token(&mut pod);
        assert_eq!(pod, once);
        assert_eq!(pod.array_at(&["spec", "volumes"]).len(), 1);
        let mounts: Vec<usize> = pod
            .array_at(&["spec", "containers"])
            .iter()
            .map(|c| c.array_at(&["volumeMounts"]).len())
            .collect();
        assert_eq!(mounts, [1, 1]);
    }
}
