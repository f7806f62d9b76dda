//! A container's mounts: what every container has, then what the pod asks for, parents before what lies in them.

use super::create::Ingredients;
use crate::cgroup::{Hierarchy, View};
use crate::error::{At, Outcome, RuntimeError};
use crate::sandbox::{HOSTNAME, HOSTS, RESOLV_CONF};
use skiff_cri::v1::{self, MountPropagation};
use skiff_shim::protocol::spec::{Access, MountSource, MountSpec, Propagation};
use std::path::{Path, PathBuf};

/// All mounts in order.
pub fn mounts(
    cgroups: &dyn Hierarchy,
    ingredients: &Ingredients<'_>,
    sandbox: &Path,
) -> Outcome<Vec<MountSpec>> {
    let &Ingredients { config, cgroup, security, .. } = ingredients;
    let mut asked = config.mounts.iter().map(asked_mount).collect::<Outcome<Vec<_>>>()?;
    let view = if security.privileged { View::ReadWrite } else { View::ReadOnly };
    let mut all = base_mounts(view);
    all.extend(cgroups.mounts(cgroup, view));
    all.push(MountSpec { target: "/dev/shm".to_owned(), what: MountSource::SharedMemory });
    for (name, target) in
        [(HOSTNAME, "/etc/hostname"), (HOSTS, "/etc/hosts"), (RESOLV_CONF, "/etc/resolv.conf")]
    {
        let access = if security.readonly_rootfs { Access::ReadOnly } else { Access::ReadWrite };
        all.push(bind(sandbox.join(name), target, access, Propagation::Private));
    }
    // A pod's own mount takes the place of one that every container has, with what lies below.
    all.retain(|mount| !asked.iter().any(|own| is_at_or_below(&mount.target, &own.target)));
    asked.sort_by_key(|mount| depth(&mount.target));
    all.extend(asked);
    Ok(all)
}

fn base_mounts(view: View) -> Vec<MountSpec> {
    let mut sysfs = vec!["nosuid", "noexec", "nodev"];
    if view == View::ReadOnly {
        sysfs.push("ro");
    }
    vec![
        filesystem("/proc", "proc", "", &["nosuid", "noexec", "nodev"]),
        filesystem("/dev", "tmpfs", "mode=755,size=65536k", &["nosuid", "strictatime"]),
        filesystem("/dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5", &["nosuid", "noexec"]),
        filesystem("/dev/mqueue", "mqueue", "", &["nosuid", "noexec", "nodev"]),
        filesystem("/sys", "sysfs", "", &sysfs),
    ]
}

fn asked_mount(mount: &v1::Mount) -> Outcome<MountSpec> {
    let invalid = |text: String| Err(RuntimeError::Invalid(text));
    let target = match mount.container_path.as_str() {
        path if path.starts_with('/') => clean(path),
        path => clean(&format!("/{path}")),
    };
    if target == "/" {
        return invalid("a container's root cannot be mounted over".to_owned());
    }
    if mount.image.as_ref().is_some_and(|image| !image.image.is_empty()) {
        return invalid(format!("mount of an image at {target} is not supported"));
    }
    if !(mount.uid_mappings.is_empty() && mount.gid_mappings.is_empty()) {
        return invalid(format!("id-mapped mount at {target} is not supported"));
    }
    let source = PathBuf::from(&mount.host_path);
    if !source.exists() {
        std::fs::create_dir_all(&source).at("create", &source)?;
    }
    let access = match (mount.readonly, mount.recursive_read_only) {
        (_, true) => Access::RecursiveReadOnly,
        (true, false) => Access::ReadOnly,
        (false, false) => Access::ReadWrite,
    };
    let propagation = match mount.propagation() {
        MountPropagation::PropagationPrivate => Propagation::Private,
        MountPropagation::PropagationHostToContainer => Propagation::HostToContainer,
        MountPropagation::PropagationBidirectional => Propagation::Bidirectional,
    };
    Ok(bind(source, &target, access, propagation))
}

fn bind(source: PathBuf, target: &str, access: Access, propagation: Propagation) -> MountSpec {
    MountSpec { target: target.to_owned(), what: MountSource::Bind { source, access, propagation } }
}

fn filesystem(target: &str, kind: &str, data: &str, flags: &[&str]) -> MountSpec {
    MountSpec {
        target: target.to_owned(),
        what: MountSource::Filesystem {
            kind: kind.to_owned(),
            data: data.to_owned(),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        },
    }
}

fn is_at_or_below(path: &str, above: &str) -> bool {
    path == above || path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

fn depth(path: &str) -> usize {
    path.split('/').filter(|part| !part.is_empty()).count()
}

/// A path without empty parts, `.` and `..`.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        assert_eq!(clean("/a//b/./../c/"), "/a/c");
        assert_eq!(clean("/.."), "/");
    }

    #[test]
    fn below_means_below_a_folder_not_a_longer_name() {
        assert!(is_at_or_below("/sys/fs/cgroup", "/sys"));
        assert!(!is_at_or_below("/system", "/sys"));
    }

    #[test]
    fn the_root_cannot_be_mounted_over() {
        let mount = v1::Mount {
            container_path: "/a/..".to_owned(),
            host_path: "/tmp".to_owned(),
            ..Default::default()
        };
        assert!(asked_mount(&mount).is_err());
    }
}
