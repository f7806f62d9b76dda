//! Sandboxes in CRI's words.

use super::{Sandbox, SandboxRecord, SandboxStage};
use crate::embedded::Core;
use skiff_cri::v1;
use std::collections::HashMap;

impl SandboxRecord {
    /// Ready or not.
    pub fn state(&self) -> v1::PodSandboxState {
        match self.stage {
            SandboxStage::Ready => v1::PodSandboxState::SandboxReady,
            _ => v1::PodSandboxState::SandboxNotready,
        }
    }

    /// Its status.
    pub fn status(&self) -> v1::PodSandboxStatus {
        let mut addresses = self.addresses.iter().map(ToString::to_string);
        v1::PodSandboxStatus {
            id: self.id.clone(),
            metadata: self.config.metadata.clone(),
            state: self.state().into(),
            created_at: self.created_at,
            network: Some(v1::PodSandboxNetworkStatus {
                ip: addresses.next().unwrap_or_default(),
                additional_ips: addresses.map(|ip| v1::PodIp { ip }).collect(),
            }),
            linux: Some(v1::LinuxPodSandboxStatus {
                namespaces: Some(v1::Namespace { options: Some(self.namespaces()) }),
            }),
            labels: self.config.labels.clone(),
            annotations: self.config.annotations.clone(),
            runtime_handler: self.runtime_handler.clone(),
        }
    }

    fn summary(&self) -> v1::PodSandbox {
        v1::PodSandbox {
            id: self.id.clone(),
            metadata: self.config.metadata.clone(),
            state: self.state().into(),
            created_at: self.created_at,
            labels: self.config.labels.clone(),
            annotations: self.config.annotations.clone(),
            runtime_handler: self.runtime_handler.clone(),
        }
    }
}

impl Core {
    /// Sandboxes that match a filter.
    pub fn list_sandboxes(&self, filter: &v1::PodSandboxFilter) -> Vec<v1::PodSandbox> {
        let sandboxes = self.sandboxes();
        let records = sandboxes.iter().map(|sandbox: &std::sync::Arc<Sandbox>| sandbox.record());
        records.map(|record| record.summary()).filter(|sandbox| matches(filter, sandbox)).collect()
    }
}

fn matches(filter: &v1::PodSandboxFilter, sandbox: &v1::PodSandbox) -> bool {
    let state = filter.state.as_ref().is_none_or(|wanted| wanted.state == sandbox.state);
    sandbox.id.starts_with(&filter.id) && state && has_labels(&filter.label_selector, &sandbox.labels)
}

/// True if `labels` has all of `wanted`.
pub fn has_labels(wanted: &HashMap<String, String>, labels: &HashMap<String, String>) -> bool {
    wanted.iter().all(|(name, value)| labels.get(name) == Some(value))
}
