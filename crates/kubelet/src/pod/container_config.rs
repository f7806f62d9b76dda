//! The CRI configuration of one container.

use super::environment::Environment;
use super::security::{ImageUser, SecuritySettings, container_context};
use super::{ContainerView, PodView, expansion, resources};
use crate::names::{
    CONTAINER_HASH, CONTAINER_NAME, GRACE_PERIOD, POD_NAME, POD_NAMESPACE, POD_UID, RESTART_COUNT,
    TERMINATION_MESSAGE_FILE, TERMINATION_MESSAGE_PATH, TERMINATION_MESSAGE_POLICY,
};
use skiff_cri::v1::{ContainerConfig, ContainerMetadata, ImageSpec, KeyValue, LinuxContainerConfig, Mount};
use std::collections::HashMap;
use std::path::PathBuf;

/// What a container's configuration is made from, beside the pod and its spec.
pub struct ContainerContext<'a> {
    /// How often it was restarted before.
    pub restart_count: u32,
    /// The image as the runtime knows it.
    pub image_ref: String,
    /// The user that the image names.
    pub image_user: ImageUser,
    /// Its environment.
    pub environment: &'a Environment,
    /// Its mounts.
    pub mounts: Vec<Mount>,
    /// File of the host that takes its termination message.
    pub termination_message: Option<PathBuf>,
    /// Container whose processes it sees, for debugging ones.
    pub target_id: Option<String>,
    /// Memory of the machine in bytes.
    pub memory_capacity: i64,
    /// Node-wide security choices.
    pub security: SecuritySettings<'a>,
}

/// The configuration of a container.
pub fn container_config(
    pod: &PodView,
    container: ContainerView<'_>,
    context: ContainerContext<'_>,
) -> ContainerConfig {
    let spec = container.spec;
    let lookup = |name: &str| context.environment.get(name).map(str::to_owned);
    let expanded = |list: &Option<Vec<String>>| -> Vec<String> {
        list.iter().flatten().map(|text| expansion::expand(text, lookup)).collect()
    };
    let security = container_context(
        pod,
        container,
        &context.image_user,
        context.target_id.as_deref(),
        context.security,
    );
    ContainerConfig {
        metadata: Some(ContainerMetadata { name: spec.name.clone(), attempt: context.restart_count }),
        image: Some(ImageSpec {
            image: context.image_ref.clone(),
            user_specified_image: spec.image.clone().unwrap_or_default(),
            ..ImageSpec::default()
        }),
        command: expanded(&spec.command),
        args: expanded(&spec.args),
        working_dir: spec.working_dir.clone().unwrap_or_default(),
        envs: context
            .environment
            .iter()
            .map(|(key, value)| KeyValue { key: key.to_owned(), value: value.to_owned() })
            .collect(),
        labels: labels(pod, &spec.name),
        annotations: annotations(pod, container, &context),
        log_path: format!("{}/{}.log", spec.name, context.restart_count),
        stdin: spec.stdin == Some(true),
        stdin_once: spec.stdin_once == Some(true),
        tty: spec.tty == Some(true),
        linux: Some(LinuxContainerConfig {
            resources: Some(resources::linux_resources(pod, spec, context.memory_capacity)),
            security_context: Some(security),
        }),
        mounts: context.mounts,
        ..ContainerConfig::default()
    }
}

fn labels(pod: &PodView, container: &str) -> HashMap<String, String> {
    [
        (POD_NAME, pod.name()),
        (POD_NAMESPACE, pod.namespace()),
        (POD_UID, pod.uid()),
        (CONTAINER_NAME, container),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}

fn annotations(
    pod: &PodView,
    container: ContainerView<'_>,
    context: &ContainerContext<'_>,
) -> HashMap<String, String> {
    let spec = container.spec;
    let mut out: HashMap<String, String> = [
        (CONTAINER_HASH, container.hash()),
        (RESTART_COUNT, context.restart_count.to_string()),
        (
            TERMINATION_MESSAGE_PATH,
            spec.termination_message_path.clone().unwrap_or_else(|| "/dev/termination-log".into()),
        ),
        (
            TERMINATION_MESSAGE_POLICY,
            spec.termination_message_policy.clone().unwrap_or_else(|| "File".into()),
        ),
        (GRACE_PERIOD, pod.spec().termination_grace_period_seconds.unwrap_or(30).to_string()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    if let Some(file) = &context.termination_message {
        out.insert(TERMINATION_MESSAGE_FILE.into(), file.to_string_lossy().into_owned());
    }
    out
}
