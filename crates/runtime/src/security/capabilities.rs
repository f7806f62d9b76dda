//! Capability names and sets.

use crate::error::{Outcome, RuntimeError};
use skiff_cri::v1::LinuxContainerSecurityContext;
use skiff_shim::protocol::spec::CapabilitySpec;

/// The kernel's capabilities in the order of their numbers.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// What a container may do unless told otherwise, as containerd has it.
const DEFAULT: [&str; 14] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FSETID",
    "FOWNER",
    "MKNOD",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SETFCAP",
    "SETPCAP",
    "NET_BIND_SERVICE",
    "SYS_CHROOT",
    "KILL",
    "AUDIT_WRITE",
];

const ALL: u64 = (1 << NAMES.len()) - 1;

/// The sets of a container.
pub fn resolve(security: &LinuxContainerSecurityContext) -> Outcome<CapabilitySpec> {
    let asked = security.capabilities.clone().unwrap_or_default();
    let ambient = mask(&asked.add_ambient_capabilities)?;
    if security.privileged {
        return Ok(CapabilitySpec { bounding: ALL, ambient });
    }
    let default = DEFAULT.iter().filter_map(|name| number(name)).fold(0, |set, number| set | 1 << number);
    let (add, drop) = (mask(&asked.add_capabilities)?, mask(&asked.drop_capabilities)?);
    // As containerd has it: ALL first, then single ones, so that `drop: [ALL], add: [CHOWN]` leaves CHOWN.
    let start = match (add == ALL, drop == ALL) {
        (true, _) => ALL,
        (false, true) => 0,
        (false, false) => default,
    };
    let added = start | if add == ALL { 0 } else { add };
    let bounding = added & !if drop == ALL { 0 } else { drop };
    Ok(CapabilitySpec { bounding: bounding | ambient, ambient })
}

/// True if a set has a capability.
pub fn has(set: u64, name: &str) -> bool {
    number(name).is_some_and(|number| set & (1 << number) != 0)
}

fn mask(names: &[String]) -> Outcome<u64> {
    names.iter().try_fold(0, |set, name| {
        let bare = name.to_ascii_uppercase();
        let bare = bare.strip_prefix("CAP_").unwrap_or(&bare);
        if bare == "ALL" {
            return Ok(ALL);
        }
        number(bare)
            .map(|number| set | 1 << number)
            .ok_or_else(|| RuntimeError::Invalid(format!("unknown capability \"CAP_{bare}\"")))
    })
}

fn number(name: &str) -> Option<usize> {
    NAMES.iter().position(|known| *known == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_cri::v1::Capability;

    fn bounding(add: &[&str], drop: &[&str]) -> u64 {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let capabilities = Some(Capability {
            add_capabilities: list(add),
            drop_capabilities: list(drop),
            ..Default::default()
        });
        resolve(&LinuxContainerSecurityContext { capabilities, ..Default::default() }).unwrap().bounding
    }

    #[test]
    fn the_default_set_is_containerds() {
        assert_eq!(bounding(&[], &[]), 0xa804_25fb);
    }

    #[test]
    fn single_capabilities_are_added_and_dropped() {
        assert!(has(bounding(&["NET_ADMIN"], &[]), "NET_ADMIN"));
        assert!(!has(bounding(&[], &["CAP_NET_RAW"]), "NET_RAW"));
        assert_eq!(bounding(&["CHOWN"], &["ALL"]), 1);
        assert_eq!(bounding(&["ALL"], &["KILL"]), ALL & !(1 << 5));
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let capabilities =
            Some(Capability { add_capabilities: vec!["FLY".to_owned()], ..Default::default() });
        assert!(resolve(&LinuxContainerSecurityContext { capabilities, ..Default::default() }).is_err());
    }
}
