//! `seLinuxOptions`: containers keep to SELinux types made for containers, and choose neither user nor role.
//! 1.31 let in the type for container engines.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};
use crate::admission::pod_security::setters::Setters;
use crate::admission::pod_security::words::{plural, quoted};
use std::collections::BTreeSet;

/// The check.
pub const CHECK: Check = Check {
    id: "seLinuxOptions",
    level: Level::Baseline,
    versions: &[
        VersionedCheck { minimum: Version::Minor(0), overrides: &[], check_pod: since_1_0 },
        VersionedCheck { minimum: Version::Minor(31), overrides: &[], check_pod: since_1_31 },
    ],
};

fn since_1_0(pod: Pod<'_>) -> Option<Violation> {
    check(pod, &["container_t", "container_init_t", "container_kvm_t"])
}

fn since_1_31(pod: Pod<'_>) -> Option<Violation> {
    check(pod, &["container_t", "container_init_t", "container_kvm_t", "container_engine_t"])
}

fn check(pod: Pod<'_>, allowed: &[&str]) -> Option<Violation> {
    let mut types = BTreeSet::new();
    let (mut sets_user, mut sets_role) = (false, false);
    let setters = Setters::find(pod, |context| {
        let options = &context["seLinuxOptions"];
        let kind = options.str_at(&["type"]);
        let is_bad_type = !kind.is_empty() && !allowed.contains(&kind);
        if is_bad_type {
            types.insert(kind);
        }
        let has_user = !options.str_at(&["user"]).is_empty();
        let has_role = !options.str_at(&["role"]).is_empty();
        sets_user |= has_user;
        sets_role |= has_role;
        is_bad_type || has_user || has_role
    })?;
    let mut what: Vec<String> = Vec::new();
    if !types.is_empty() {
        what.push(format!("{} {}", plural(types.len(), "type", "types"), quoted(&types)));
    }
    if sets_user {
        what.push("user may not be set".to_owned());
    }
    if sets_role {
        what.push("role may not be set".to_owned());
    }
    Some(Violation {
        reason: "seLinuxOptions",
        detail: format!("{setters} set forbidden securityContext.seLinuxOptions: {}", what.join("; ")),
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, containers, hold, pod};
    use super::*;
    use skiff_apimachinery::{Document, doc};

    fn kind(kind: &str) -> Document {
        doc!({"seLinuxOptions": {"type": kind, "level": "s0:c1"}})
    }

    #[test]
    fn only_types_of_containers_may_be_set() {
        hold(
            &CHECK,
            LATEST,
            &[
                (containers([Document::NULL, doc!({"seLinuxOptions": {}})]), ""),
                (pod(kind(""), [kind("container_t"), kind("container_init_t"), kind("container_kvm_t")]), ""),
                (
                    pod(kind("spc_t"), []),
                    "seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type \"spc_t\")",
                ),
                (
                    pod(kind("spc_t"), [kind("bin_t"), doc!({"seLinuxOptions": {"user": "u", "role": "r"}})]),
                    "seLinuxOptions (pod and containers \"a\", \"b\" set forbidden \
                     securityContext.seLinuxOptions: types \"bin_t\", \"spc_t\"; user may not be set; role \
                     may not be set)",
                ),
                (
                    containers([doc!({"seLinuxOptions": {"role": "r"}})]),
                    "seLinuxOptions (container \"a\" set forbidden securityContext.seLinuxOptions: role may \
                     not be set)",
                ),
            ],
        );
    }

    #[test]
    fn the_type_of_container_engines_came_with_1_31() {
        let pod = || containers([kind("container_engine_t")]);
        hold(&CHECK, Version::Minor(31), &[(pod(), "")]);
        hold(
            &CHECK,
            Version::Minor(30),
            &[(
                pod(),
                "seLinuxOptions (container \"a\" set forbidden securityContext.seLinuxOptions: type \
                 \"container_engine_t\")",
            )],
        );
    }
}
