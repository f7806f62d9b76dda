//! A container's devices: the nodes below its /dev, and what its cgroup lets it use.

use crate::cgroup::DeviceRule;
use crate::error::{At, Outcome, RuntimeError};
use rustix::fs::{FileType, Stat, major, minor};
use skiff_cri::v1::{ContainerConfig, LinuxContainerSecurityContext};
use skiff_shim::protocol::spec::{DeviceKind, DeviceSpec};
use std::path::Path;

/// Nodes that every container has: path, major and minor number.
const COMMON: [(&str, u32, u32); 6] = [
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];

/// Folders of the host's /dev that are not devices of the host.
const NOT_DEVICES: [&str; 7] = ["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"];

/// Nodes to make.
pub fn nodes(config: &ContainerConfig, security: &LinuxContainerSecurityContext) -> Outcome<Vec<DeviceSpec>> {
    let common = COMMON.map(|(path, major, minor)| DeviceSpec {
        path: path.to_owned(),
        kind: DeviceKind::Character,
        major,
        minor,
        mode: 0o666,
        uid: 0,
        gid: 0,
    });
    let mut nodes = common.to_vec();
    if security.privileged {
        collect(Path::new("/dev"), "/dev", &mut nodes)?;
    }
    for device in &config.devices {
        let source = Path::new(&device.host_path);
        let target =
            if device.container_path.is_empty() { &device.host_path } else { &device.container_path };
        let stat = rustix::fs::stat(source).at("find device", source)?;
        match node(target, &stat) {
            Some(node) => nodes.push(node),
            None if source.is_dir() => collect(source, target, &mut nodes)?,
            None => {
                return Err(RuntimeError::Invalid(format!("{} is not a device node", source.display())));
            }
        }
    }
    Ok(nodes)
}

/// What the cgroup allows: the devices every container has, pseudo-terminals, and those asked for with their permissions. Making nodes harms
/// nobody, using them could.
pub fn rules(
    config: &ContainerConfig,
    security: &LinuxContainerSecurityContext,
    nodes: &[DeviceSpec],
) -> Vec<DeviceRule> {
    if security.privileged {
        return vec![DeviceRule { kind: 'a', major: None, minor: None, access: String::new() }];
    }
    let rule =
        |kind, major, minor, access: &str| DeviceRule { kind, major, minor, access: access.to_owned() };
    let mut rules = vec![rule('c', None, None, "m"), rule('b', None, None, "m")];
    rules.extend(COMMON.map(|(_, major, minor)| rule('c', Some(major), Some(minor), "rwm")));
    // /dev/console, /dev/ptmx and the terminals behind it.
    rules.extend([
        rule('c', Some(5), Some(1), "rwm"),
        rule('c', Some(5), Some(2), "rwm"),
        rule('c', Some(136), None, "rwm"),
    ]);
    for device in &config.devices {
        let target =
            if device.container_path.is_empty() { &device.host_path } else { &device.container_path };
        let access = if device.permissions.is_empty() { "rwm" } else { &device.permissions };
        let below = format!("{target}/");
        for node in nodes.iter().filter(|node| node.path == *target || node.path.starts_with(&below)) {
            let kind = if node.kind == DeviceKind::Block { 'b' } else { 'c' };
            rules.push(rule(kind, Some(node.major), Some(node.minor), access));
        }
    }
    rules
}

fn collect(source: &Path, target: &str, nodes: &mut Vec<DeviceSpec>) -> Outcome<()> {
    for entry in std::fs::read_dir(source).at("list", source)? {
        let entry = entry.at("list", source)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if NOT_DEVICES.contains(&name.as_str()) || name == "console" {
            continue;
        }
        let path = format!("{target}/{name}");
        // A device may go while it is looked at.
        let Ok(stat) = rustix::fs::lstat(entry.path()) else { continue };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => collect(&entry.path(), &path, nodes)?,
            _ => nodes
                .extend(node(&path, &stat).filter(|node| nodes.iter().all(|known| known.path != node.path))),
        }
    }
    Ok(())
}

fn node(path: &str, stat: &Stat) -> Option<DeviceSpec> {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::CharacterDevice => DeviceKind::Character,
        FileType::BlockDevice => DeviceKind::Block,
        _ => return None,
    };
    Some(DeviceSpec {
        path: path.to_owned(),
        kind,
        major: major(stat.st_rdev),
        minor: minor(stat.st_rdev),
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
    })
}
