//! Security contexts: what of pod and container reaches the runtime, and the check of `runAsNonRoot`.

use super::{ContainerView, PodView, Role};
use k8s_openapi::api::core::v1::{AppArmorProfile, PodSecurityContext, SeccompProfile, SecurityContext};
use skiff_cri::v1::security_profile::ProfileType;
use skiff_cri::v1::{
    Capability, Int64Value, LinuxContainerSecurityContext, LinuxSandboxSecurityContext, NamespaceMode,
    NamespaceOption, SeLinuxOption, SecurityProfile, SupplementalGroupsPolicy,
};
use std::path::Path;
use std::sync::LazyLock;

/// Paths of /proc and /sys that an unprivileged container does not see.
const MASKED_PATHS: &[&str] = &[
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];
/// Paths of /proc that an unprivileged container sees read-only.
const READ_ONLY_PATHS: &[&str] = &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// The user that an image names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageUser {
    /// Numeric id.
    pub uid: Option<i64>,
    /// Name, if it is no number.
    pub name: String,
}

/// Node-wide choices.
#[derive(Debug, Clone, Copy)]
pub struct SecuritySettings<'a> {
    /// Whether RuntimeDefault is the seccomp profile of containers that name none.
    pub seccomp_default: bool,
    /// Directory of localhost profiles.
    pub seccomp_root: &'a Path,
}

static NO_POD_CONTEXT: LazyLock<PodSecurityContext> = LazyLock::new(PodSecurityContext::default);
static NO_CONTEXT: LazyLock<SecurityContext> = LazyLock::new(SecurityContext::default);

fn contexts<'a>(
    pod: &'a PodView,
    container: ContainerView<'a>,
) -> (&'a PodSecurityContext, &'a SecurityContext) {
    (
        pod.spec().security_context.as_ref().unwrap_or(&NO_POD_CONTEXT),
        container.spec.security_context.as_ref().unwrap_or(&NO_CONTEXT),
    )
}

/// Whether any container of the pod is privileged.
pub fn has_privileged(pod: &PodView) -> bool {
    pod.containers().any(|c| contexts(pod, c).1.privileged == Some(true))
}

/// Refuses a container that must not run as root but would.
///
/// # Errors
/// Upstream's text.
pub fn verify_non_root(pod: &PodView, container: ContainerView<'_>, image: &ImageUser) -> Result<(), String> {
    let (of_pod, own) = contexts(pod, container);
    if own.run_as_non_root.or(of_pod.run_as_non_root) != Some(true) {
        return Ok(());
    }
    let whom = format!("(pod: {:?}, container: {})", pod.full_name(), container.spec.name);
    match own.run_as_user.or(of_pod.run_as_user) {
        Some(0) => Err(format!("container's runAsUser breaks non-root policy {whom}")),
        Some(_) => Ok(()),
        None => match image.uid {
            Some(0) => Err(format!("container has runAsNonRoot and image will run as root {whom}")),
            None if !image.name.is_empty() => Err(format!(
                "container has runAsNonRoot and image has non-numeric user ({}), cannot verify user is non-root {whom}",
                image.name
            )),
            _ => Ok(()),
        },
    }
}

/// How containers share namespaces with node, pod, or a target container.
pub fn namespaces(pod: &PodView, target_id: Option<&str>) -> NamespaceOption {
    let spec = pod.spec();
    let node_or = |flag: Option<bool>, other: NamespaceMode| {
        if flag == Some(true) { NamespaceMode::Node } else { other }
    };
    let own_pid = match target_id {
        Some(_) => NamespaceMode::Target,
        None if spec.share_process_namespace == Some(true) => NamespaceMode::Pod,
        None => NamespaceMode::Container,
    };
    NamespaceOption {
        network: node_or(spec.host_network, NamespaceMode::Pod).into(),
        pid: node_or(spec.host_pid, own_pid).into(),
        ipc: node_or(spec.host_ipc, NamespaceMode::Pod).into(),
        target_id: target_id.unwrap_or("").to_owned(),
        userns_options: None,
    }
}

/// The security context of a container.
pub fn container_context(
    pod: &PodView,
    container: ContainerView<'_>,
    image: &ImageUser,
    target_id: Option<&str>,
    settings: SecuritySettings<'_>,
) -> LinuxContainerSecurityContext {
    let (of_pod, own) = contexts(pod, container);
    let privileged = own.privileged == Some(true);
    let user = own.run_as_user.or(of_pod.run_as_user).or(image.uid);
    let unmasked = own.proc_mount.as_deref() == Some("Unmasked");
    let paths = |list: &[&str]| {
        if unmasked || privileged { Vec::new() } else { list.iter().map(|p| (*p).to_owned()).collect() }
    };
    let seccomp = if privileged {
        unconfined()
    } else {
        seccomp_profile(own.seccomp_profile.as_ref().or(of_pod.seccomp_profile.as_ref()), settings)
    };
    LinuxContainerSecurityContext {
        capabilities: own.capabilities.as_ref().map(|c| Capability {
            add_capabilities: c.add.clone().unwrap_or_default(),
            drop_capabilities: c.drop.clone().unwrap_or_default(),
            add_ambient_capabilities: Vec::new(),
        }),
        privileged,
        namespace_options: Some(namespaces(pod, target_id.filter(|_| container.role == Role::Ephemeral))),
        selinux_options: own.se_linux_options.as_ref().or(of_pod.se_linux_options.as_ref()).map(|o| {
            SeLinuxOption {
                user: o.user.clone().unwrap_or_default(),
                role: o.role.clone().unwrap_or_default(),
                r#type: o.type_.clone().unwrap_or_default(),
                level: o.level.clone().unwrap_or_default(),
            }
        }),
        run_as_user: user.map(|value| Int64Value { value }),
        run_as_group: own.run_as_group.or(of_pod.run_as_group).map(|value| Int64Value { value }),
        run_as_username: if user.is_none() { image.name.clone() } else { String::new() },
        readonly_rootfs: own.read_only_root_filesystem == Some(true),
        supplemental_groups: supplemental_groups(of_pod),
        supplemental_groups_policy: groups_policy(of_pod).into(),
        no_new_privs: own.allow_privilege_escalation == Some(false),
        masked_paths: paths(MASKED_PATHS),
        readonly_paths: paths(READ_ONLY_PATHS),
        seccomp: Some(seccomp),
        apparmor: own.app_armor_profile.as_ref().or(of_pod.app_armor_profile.as_ref()).map(apparmor_profile),
        ..LinuxContainerSecurityContext::default()
    }
}

/// The security context of a sandbox.
pub fn sandbox_context(pod: &PodView, settings: SecuritySettings<'_>) -> LinuxSandboxSecurityContext {
    let of_pod = pod.spec().security_context.as_ref().unwrap_or(&NO_POD_CONTEXT);
    LinuxSandboxSecurityContext {
        namespace_options: Some(namespaces(pod, None)),
        run_as_user: of_pod.run_as_user.map(|value| Int64Value { value }),
        run_as_group: of_pod.run_as_group.map(|value| Int64Value { value }),
        supplemental_groups: supplemental_groups(of_pod),
        supplemental_groups_policy: groups_policy(of_pod).into(),
        privileged: has_privileged(pod),
        seccomp: Some(seccomp_profile(of_pod.seccomp_profile.as_ref(), settings)),
        ..LinuxSandboxSecurityContext::default()
    }
}

fn supplemental_groups(of_pod: &PodSecurityContext) -> Vec<i64> {
    of_pod.supplemental_groups.iter().flatten().copied().chain(of_pod.fs_group).collect()
}

fn groups_policy(of_pod: &PodSecurityContext) -> SupplementalGroupsPolicy {
    match of_pod.supplemental_groups_policy.as_deref() {
        Some("Strict") => SupplementalGroupsPolicy::Strict,
        _ => SupplementalGroupsPolicy::Merge,
    }
}

fn unconfined() -> SecurityProfile {
    SecurityProfile { profile_type: ProfileType::Unconfined.into(), localhost_ref: String::new() }
}

fn seccomp_profile(profile: Option<&SeccompProfile>, settings: SecuritySettings<'_>) -> SecurityProfile {
    let runtime_default =
        SecurityProfile { profile_type: ProfileType::RuntimeDefault.into(), localhost_ref: String::new() };
    match profile.map(|p| (p.type_.as_str(), p.localhost_profile.as_deref())) {
        Some(("RuntimeDefault", _)) => runtime_default,
        Some(("Localhost", file)) => SecurityProfile {
            profile_type: ProfileType::Localhost.into(),
            localhost_ref: settings.seccomp_root.join(file.unwrap_or("")).to_string_lossy().into_owned(),
        },
        None if settings.seccomp_default => runtime_default,
        _ => unconfined(),
    }
}

fn apparmor_profile(profile: &AppArmorProfile) -> SecurityProfile {
    let profile_type = match profile.type_.as_str() {
        "Localhost" => ProfileType::Localhost,
        "Unconfined" => ProfileType::Unconfined,
        _ => ProfileType::RuntimeDefault,
    };
    SecurityProfile {
        profile_type: profile_type.into(),
        localhost_ref: profile.localhost_profile.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::pod;
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn root_is_refused_where_it_must_not_be() {
        let root = ImageUser { uid: Some(0), name: String::new() };
        let named = ImageUser { uid: None, name: "app".into() };
        let id = ImageUser { uid: Some(7), name: String::new() };
        for (pod_user, image, want) in [
            (
                Some(0),
                &id,
                Some("container's runAsUser breaks non-root policy (pod: \"web_default(u1)\", container: a)"),
            ),
            (Some(5), &root, None),
            (
                None,
                &root,
                Some(
                    "container has runAsNonRoot and image will run as root (pod: \"web_default(u1)\", container: a)",
                ),
            ),
            (None, &id, None),
            (
                None,
                &named,
                Some(
                    "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root (pod: \"web_default(u1)\", container: a)",
                ),
            ),
        ] {
            let mut spec = doc!({"containers": [{"name": "a"}], "securityContext": {"runAsNonRoot": true}});
            if let Some(user) = pod_user {
                spec.set(&["securityContext", "runAsUser"], user);
            }
            let pod = pod(spec, doc!({}));
            let container = pod.container("a").unwrap();
            assert_eq!(verify_non_root(&pod, container, image).err().as_deref(), want);
        }
    }

    #[test]
    fn privileged_containers_are_unconfined_and_unmasked() {
        let pod = pod(
            doc!({"containers": [{"name": "a", "securityContext": {"privileged": true, "seccompProfile": {"type": "RuntimeDefault"}}}]}),
            doc!({}),
        );
        let settings = SecuritySettings { seccomp_default: true, seccomp_root: Path::new("/s") };
        let context =
            container_context(&pod, pod.container("a").unwrap(), &ImageUser::default(), None, settings);
        assert!(context.privileged && context.masked_paths.is_empty());
        assert_eq!(context.seccomp.unwrap().profile_type, i32::from(ProfileType::Unconfined));
    }
}
