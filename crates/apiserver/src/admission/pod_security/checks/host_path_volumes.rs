//! `hostPathVolumes`: pods mount no files of the node.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};
use crate::admission::pod_security::pod::present;
use crate::admission::pod_security::words::{plural, quoted};

/// The check.
pub const CHECK: Check = Check {
    id: "hostPathVolumes",
    level: Level::Baseline,
    versions: &[VersionedCheck { minimum: Version::Minor(0), overrides: &[], check_pod: since_1_0 }],
};

fn since_1_0(pod: Pod<'_>) -> Option<Violation> {
    let bad: Vec<&str> = pod
        .spec()
        .array_at(&["volumes"])
        .iter()
        .filter(|volume| present(volume, "hostPath").is_some())
        .map(|volume| volume.str_at(&["name"]))
        .collect();
    (!bad.is_empty()).then(|| Violation {
        reason: "hostPath volumes",
        detail: format!("{} {}", plural(bad.len(), "volume", "volumes"), quoted(&bad)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, hold};
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn no_path_of_the_node_is_mounted() {
        hold(
            &CHECK,
            LATEST,
            &[
                (doc!({"spec": {}}), ""),
                (doc!({"spec": {"volumes": [{"name": "a", "emptyDir": {}}]}}), ""),
                (
                    doc!({"spec": {"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}}),
                    "hostPath volumes (volume \"a\")",
                ),
                (
                    doc!({"spec": {"volumes": [
                        {"name": "b", "hostPath": {}}, {"name": "c", "nfs": {}}, {"name": "a", "hostPath": {}}
                    ]}}),
                    "hostPath volumes (volumes \"b\", \"a\")",
                ),
            ],
        );
    }
}
