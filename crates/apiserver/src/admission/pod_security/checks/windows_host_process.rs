//! `windowsHostProcess`: no container on Windows runs as a process of the node.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};
use crate::admission::pod_security::setters::Setters;

/// The check.
pub const CHECK: Check = Check {
    id: "windowsHostProcess",
    level: Level::Baseline,
    versions: &[VersionedCheck { minimum: Version::Minor(0), overrides: &[], check_pod: since_1_0 }],
};

fn since_1_0(pod: Pod<'_>) -> Option<Violation> {
    let setters =
        Setters::find(pod, |context| context.bool_at(&["windowsOptions", "hostProcess"]) == Some(true))?;
    Some(Violation {
        reason: "hostProcess",
        detail: format!("{setters} must not set securityContext.windowsOptions.hostProcess=true"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, containers, hold, pod};
    use super::*;
    use skiff_apimachinery::{Document, doc};

    #[test]
    fn nothing_runs_as_a_process_of_the_node() {
        let process = |value: bool| doc!({"windowsOptions": {"hostProcess": value}});
        hold(
            &CHECK,
            LATEST,
            &[
                (containers([Document::NULL, doc!({"windowsOptions": {}})]), ""),
                (pod(process(false), [process(false)]), ""),
                (
                    pod(process(true), []),
                    "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
                ),
                (
                    pod(process(true), [process(true), process(false), process(true)]),
                    "hostProcess (pod and containers \"a\", \"c\" must not set \
                     securityContext.windowsOptions.hostProcess=true)",
                ),
            ],
        );
    }
}
