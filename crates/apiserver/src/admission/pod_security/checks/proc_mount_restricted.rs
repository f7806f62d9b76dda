//! `procMount_restricted`: parts of `/proc` stay hidden, whether or not the pod has a user namespace of its
//! own. Before 1.35 the baseline check said the same.

use super::{Check, Level, Version, VersionedCheck, proc_mount_baseline};

/// The check.
pub const CHECK: Check = Check {
    id: "procMount_restricted",
    level: Level::Restricted,
    versions: &[VersionedCheck {
        minimum: Version::Minor(35),
        overrides: &[proc_mount_baseline::CHECK.id],
        check_pod: proc_mount_baseline::since_1_0,
    }],
};

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, containers, hold, in_user_namespace};
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn a_user_namespace_makes_no_difference() {
        let pod = |kind: &str| in_user_namespace(containers([doc!({"procMount": kind})]));
        hold(
            &CHECK,
            LATEST,
            &[
                (pod("Default"), ""),
                (
                    pod("Unmasked"),
                    "procMount (container \"a\" must not set securityContext.procMount to \"Unmasked\")",
                ),
            ],
        );
        hold(&CHECK, Version::Minor(34), &[(pod("Unmasked"), "")]);
    }
}
