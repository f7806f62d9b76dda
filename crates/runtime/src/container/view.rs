//! Containers in CRI's words.

use super::{Container, ContainerRecord, Phase};
use crate::embedded::Core;
use crate::sandbox::view::has_labels;
use skiff_cri::v1::{self, ContainerState, ImageSpec};

impl Container {
    /// Its status.
    pub fn status(&self) -> v1::ContainerStatus {
        self.read(ContainerRecord::status)
    }
}

impl ContainerRecord {
    fn state(&self) -> ContainerState {
        match self.phase {
            Phase::Created | Phase::Starting => ContainerState::ContainerCreated,
            Phase::Running => ContainerState::ContainerRunning,
            Phase::Exited => ContainerState::ContainerExited,
        }
    }

    fn image(&self) -> ImageSpec {
        ImageSpec { image: self.image_name.clone(), ..ImageSpec::default() }
    }

    fn status(&self) -> v1::ContainerStatus {
        let end = self.end.as_ref();
        let user = &self.spec.process.user;
        v1::ContainerStatus {
            id: self.id.clone(),
            metadata: self.config.metadata.clone(),
            state: self.state().into(),
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: end.map_or(0, |end| end.at),
            exit_code: end.map_or(0, |end| end.code),
            image: Some(self.image()),
            image_ref: self.image_ref.clone(),
            reason: end.map(|end| end.reason.clone()).unwrap_or_default(),
            message: end.map(|end| end.message.clone()).unwrap_or_default(),
            labels: self.config.labels.clone(),
            annotations: self.config.annotations.clone(),
            mounts: self.config.mounts.clone(),
            log_path: self.log_path.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
            resources: Some(v1::ContainerResources { linux: Some(self.resources.clone()), windows: None }),
            image_id: self.image_id.clone(),
            user: Some(v1::ContainerUser {
                linux: Some(v1::LinuxContainerUser {
                    uid: user.uid.into(),
                    gid: user.gid.into(),
                    supplemental_groups: user.groups.iter().map(|group| i64::from(*group)).collect(),
                }),
            }),
        }
    }

    fn summary(&self) -> v1::Container {
        v1::Container {
            id: self.id.clone(),
            pod_sandbox_id: self.sandbox.clone(),
            metadata: self.config.metadata.clone(),
            image: Some(self.image()),
            image_ref: self.image_ref.clone(),
            state: self.state().into(),
            created_at: self.created_at,
            labels: self.config.labels.clone(),
            annotations: self.config.annotations.clone(),
            image_id: self.image_id.clone(),
        }
    }
}

impl Core {
    /// Containers that match a filter.
    pub fn list_containers(&self, filter: &v1::ContainerFilter) -> Vec<v1::Container> {
        let containers = self.containers();
        let summaries = containers.iter().map(|container| container.read(ContainerRecord::summary));
        summaries.filter(|container| matches(filter, container)).collect()
    }
}

fn matches(filter: &v1::ContainerFilter, container: &v1::Container) -> bool {
    let state = filter.state.as_ref().is_none_or(|wanted| wanted.state == container.state);
    container.id.starts_with(&filter.id)
        && container.pod_sandbox_id.starts_with(&filter.pod_sandbox_id)
        && state
        && has_labels(&filter.label_selector, &container.labels)
}
