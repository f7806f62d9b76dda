//! What a failed pod means for its Job, by exit codes of its containers and by its conditions (KEP-3329).

use super::job_pod::{JobPod, containers, init_containers};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition};
use skiff_apimachinery::Document;
use skiff_client::Cached;

/// The rules of a Job; the first that matches decides.
#[derive(Debug, Clone, Copy)]
pub(super) struct FailurePolicy<'a>(&'a [Document]);

/// What the rule that matches asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// The failure is none.
    Ignore,
    /// It is one like any other.
    Count,
    /// The index is given up.
    FailIndex,
    /// The Job is given up; why.
    FailJob(String),
}

/// What a rule matched.
enum Match<'a> {
    Container { name: &'a str, exit_code: i32 },
    Condition(&'a PodCondition),
}

impl<'a> FailurePolicy<'a> {
    /// Of these rules.
    pub(super) fn of(rules: &'a [Document]) -> Self {
        Self(rules)
    }

    /// What is asked for about this pod.
    pub(super) fn action(self, pod: &JobPod) -> Option<Action> {
        let pod = &pod.pod;
        self.0.iter().enumerate().find_map(|(index, rule)| {
            let matched = matched(rule, pod)?;
            match rule.str_at(&["action"]) {
                "Ignore" => Some(Action::Ignore),
                "Count" => Some(Action::Count),
                "FailIndex" => Some(Action::FailIndex),
                "FailJob" => Some(Action::FailJob(matched.reason_to_fail(pod, index))),
                _ => None,
            }
        })
    }

    /// Whether the failure of this pod counts.
    pub(super) fn counts(self, pod: &JobPod) -> bool {
        self.action(pod) != Some(Action::Ignore)
    }
}

impl Match<'_> {
    fn reason_to_fail(&self, pod: &Document, index: usize) -> String {
        let (namespace, pod) = (pod.namespace(), pod.name());
        match self {
            Self::Container { name, exit_code } => format!(
                "Container {name} for pod {namespace}/{pod} failed with exit code {exit_code} matching FailJob rule at index {index}"
            ),
            Self::Condition(condition) => {
                let kind = &condition.type_;
                format!("Pod {namespace}/{pod} has condition {kind} matching FailJob rule at index {index}")
            }
        }
    }
}

fn matched<'p>(rule: &Document, pod: &'p Cached<Pod>) -> Option<Match<'p>> {
    match rule.get("onExitCodes").filter(|codes| !codes.is_null()) {
        Some(codes) => containers(pod).chain(init_containers(pod)).find_map(|container| {
            let exit_code = exit_code(container)?;
            let named = codes.str_at(&["containerName"]);
            let asked = named.is_empty() || named == container.name;
            (asked && asks_for(codes, exit_code))
                .then_some(Match::Container { name: &container.name, exit_code })
        }),
        None => {
            let patterns = rule.array_at(&["onPodConditions"]);
            let mut conditions = pod.typed.status.iter().flat_map(|status| &status.conditions).flatten();
            let is_asked_for = |condition: &&PodCondition| {
                patterns.iter().any(|pattern| {
                    pattern.str_at(&["type"]) == condition.type_
                        && pattern.str_at(&["status"]) == condition.status
                })
            };
            conditions.find(is_asked_for).map(Match::Condition)
        }
    }
}

/// With what a container failed.
fn exit_code(container: &ContainerStatus) -> Option<i32> {
    let terminated = container.state.as_ref()?.terminated.as_ref()?;
    (terminated.exit_code != 0).then_some(terminated.exit_code)
}

fn asks_for(codes: &Document, exit_code: i32) -> bool {
    let listed = codes.array_at(&["values"]).iter().any(|value| value.as_i64() == Some(i64::from(exit_code)));
    match codes.str_at(&["operator"]) {
        "In" => listed,
        "NotIn" => !listed,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::Spec;
    use super::*;
    use skiff_apimachinery::doc;
    use std::sync::Arc;

    fn pod(status: Document) -> JobPod {
        let pod = doc!({"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "status": status});
        let pod = Arc::new(Cached::decode(Arc::new(pod)).unwrap());
        JobPod::owned(pod, Spec::of(&doc!({})))
    }

    fn exited(name: &str, code: i64) -> Document {
        doc!({"name": name, "state": {"terminated": {"exitCode": code}}})
    }

    fn on_exit_codes(action: &str, operator: &str, values: Vec<i64>) -> Document {
        doc!({"action": action, "onExitCodes": {"operator": operator, "values": values}})
    }

    fn on_condition(action: &str) -> Document {
        doc!({"action": action, "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]})
    }

    fn action(rules: &[Document], pod: &JobPod) -> Option<Action> {
        FailurePolicy::of(rules).action(pod)
    }

    #[test]
    fn exit_codes_are_matched_of_containers_that_failed() {
        let mut of_main = on_exit_codes("Ignore", "In", vec![1, 2]);
        of_main.set(&["onExitCodes", "containerName"], "main");
        let two =
            pod(doc!({"phase": "Failed", "containerStatuses": [(exited("side", 0)), (exited("main", 2))]}));
        let init = pod(doc!({"phase": "Failed", "initContainerStatuses": [(exited("init", 5))]}));
        let running = pod(doc!({"containerStatuses": [{"name": "main", "state": {"running": {}}}]}));
        let ignored = Some(Action::Ignore);
        let cases = [
            ("in", on_exit_codes("Ignore", "In", vec![2]), &two, ignored.clone()),
            ("not in", on_exit_codes("Ignore", "NotIn", vec![3]), &two, ignored.clone()),
            ("listed", on_exit_codes("Ignore", "NotIn", vec![2]), &two, None),
            ("not listed", on_exit_codes("Ignore", "In", vec![3]), &two, None),
            ("an unknown operator", on_exit_codes("Ignore", "Like", vec![2]), &two, None),
            ("of a container", of_main.clone(), &two, ignored.clone()),
            ("of another container", of_main, &init, None),
            ("an init container", on_exit_codes("Ignore", "In", vec![5]), &init, ignored),
            ("still running", on_exit_codes("Ignore", "NotIn", vec![5]), &running, None),
            ("an unknown action", on_exit_codes("Wonder", "In", vec![2]), &two, None),
        ];
        for (case, rule, pod, expected) in cases {
            assert_eq!(action(&[rule], pod), expected, "{case}");
        }
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let status = doc!({
            "phase": "Failed", "containerStatuses": [(exited("main", 42))],
            "conditions": [{"type": "DisruptionTarget", "status": "True"}]
        });
        let pod = pod(status);
        let codes = |action: &str| on_exit_codes(action, "In", vec![42]);
        let other = on_exit_codes("Ignore", "In", vec![1]);
        let cases = [
            (vec![codes("Count"), codes("Ignore")], Some(Action::Count)),
            (vec![on_condition("Ignore"), codes("FailJob")], Some(Action::Ignore)),
            (vec![other.clone(), codes("FailIndex")], Some(Action::FailIndex)),
            (
                vec![other.clone(), codes("FailJob")],
                Some(Action::FailJob(
                    "Container main for pod n/p failed with exit code 42 matching FailJob rule at index 1"
                        .into(),
                )),
            ),
            (
                vec![on_condition("FailJob")],
                Some(Action::FailJob(
                    "Pod n/p has condition DisruptionTarget matching FailJob rule at index 0".into(),
                )),
            ),
            (vec![other], None),
            (vec![], None),
        ];
        for (rules, expected) in cases {
            let counts = expected != Some(Action::Ignore);
            assert_eq!(action(&rules, &pod), expected, "{rules:?}");
            assert_eq!(FailurePolicy::of(&rules).counts(&pod), counts, "{rules:?}");
        }
    }
}
