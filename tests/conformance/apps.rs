//! [sig-apps]: what needs no containers.

use crate::api_operations::{Operations, StatusChanges, supports_api_operations};
use crate::harness::Api;
use crate::resources::{POD_DISRUPTION_BUDGETS, labelled, named, yaml};
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::{
    CONTROLLER_REVISIONS, CRON_JOBS, DAEMON_SETS, JOBS, PODS, REPLICATION_CONTROLLERS, RESOURCE_QUOTAS,
};
use skiff_testkit::wait;
use std::time::Duration;

/// `CronJob should support CronJob API operations`
#[test]
fn should_support_cron_job_api_operations() {
    // On the 31st of February nothing runs.
    let object = |_: usize| {
        yaml(
            r#"
spec:
  schedule: "0 0 31 2 *"
  concurrencyPolicy: Allow
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: OnFailure
          containers: [{name: c, image: "example.test/busybox:1", command: [sleep, "300"]}]
"#,
        )
    };
    let patch = doc!({
        "metadata": {"annotations": {"patchedstatus": "true"}},
        "status": {"lastScheduleTime": "2026-01-02T03:04:05Z"}
    });
    let update = doc!({
        "metadata": {"annotations": {"updatedstatus": "true"}},
        "status": {"lastScheduleTime": "2026-01-02T03:05:05Z"}
    });
    let status = Some(StatusChanges { patch, update });
    supports_api_operations(&Operations { resource: CRON_JOBS, object: &object, status });
}

/// `ReplicationController should surface a failure condition on a common issue like exceeded quota`
#[test]
fn should_surface_a_failure_condition_on_a_common_issue_like_exceeded_quota() {
    const NAME: &str = "condition-test";
    let api = Api::for_pods();
    api.of(&RESOURCE_QUOTAS).create(named(NAME, doc!({"spec": {"hard": {"pods": "2"}}})));
    api.eventually("the quota is counted", || {
        let quota = api.of(&RESOURCE_QUOTAS).get(NAME);
        if quota["status"]["hard"]["pods"] == doc!("2") { Ok(()) } else { Err(quota.to_string()) }
    });
    let controllers = api.of(&REPLICATION_CONTROLLERS);
    let object = yaml(
        "
spec:
  replicas: 3
  selector: {name: condition-test}
  template:
    metadata: {labels: {name: condition-test}}
    spec: {containers: [{name: pause, image: 'example.test/pause:1'}]}
",
    );
    controllers.create(named(NAME, object));
    let failure = |controller: &Document| {
        let conditions = controller.array_at(&["status", "conditions"]);
        conditions.iter().find(|condition| condition.str_at(&["type"]) == "ReplicaFailure").cloned()
    };
    let told = api.eventually("the failure is told", || {
        let controller = controllers.get(NAME);
        let observed = controller.i64_at(&["status", "observedGeneration"]) == Some(controller.generation());
        failure(&controller).filter(|_| observed).ok_or_else(|| controller["status"].to_string())
    });
    assert_eq!((told.str_at(&["status"]), told.str_at(&["reason"])), ("True", "FailedCreate"));
    assert!(told.str_at(&["message"]).contains("exceeded quota: condition-test"), "{told}");
    controllers.edit(NAME, |controller| controller.set(&["spec", "replicas"], 2));
    api.eventually("the failure is over", || {
        let controller = controllers.get(NAME);
        let observed = controller.i64_at(&["status", "observedGeneration"]) == Some(controller.generation());
        if observed && failure(&controller).is_none() {
            Ok(())
        } else {
            Err(controller["status"].to_string())
        }
    });
}

/// `ControllerRevision [Serial] should manage the lifecycle of a ControllerRevision`
#[test]
fn should_manage_the_lifecycle_of_a_controller_revision() {
    const NAME: &str = "e2e-daemon-set";
    let api = Api::with_nodes(&["node-a", "node-b"]);
    let sets = api.of(&DAEMON_SETS);
    let selector = format!("daemonset-name={NAME}");
    let mut object =
        yaml("spec: {template: {spec: {containers: [{name: app, image: 'example.test/app:1'}]}}}");
    object.set(&["spec", "selector", "matchLabels", "daemonset-name"], NAME);
    object.set(&["spec", "template", "metadata", "labels", "daemonset-name"], NAME);
    let set = sets.create(labelled("daemonset-name", NAME, named(NAME, object)));
    api.eventually("a pod on each node", || {
        let mut nodes: Vec<String> = api
            .of(&PODS)
            .list(&selector)
            .iter()
            .map(|pod| pod.str_at(&["spec", "nodeName"]).to_owned())
            .collect();
        nodes.sort_unstable();
        if nodes == ["node-a", "node-b"] { Ok(()) } else { Err(format!("{nodes:?}")) }
    });
    assert_eq!(sets.everywhere().list(&selector).len(), 1);

    let revisions = api.of(&CONTROLLER_REVISIONS);
    let until = |count: usize| {
        api.eventually(&format!("{count} revisions"), || {
            let found = revisions.everywhere().list(&selector);
            if found.len() == count { Ok(found) } else { Err(format!("{found:?}")) }
        })
    };
    let first = until(1).remove(0);
    let owner = &first.owner_references()[0];
    assert_eq!((owner.str_at(&["kind"]), owner.str_at(&["uid"])), ("DaemonSet", set.uid()));
    assert_eq!(
        revisions.mark(first.name(), "labels", first.name(), "patched").label(first.name()),
        Some("patched")
    );

    let mut second = named("e2e-daemon-set-made-by-hand", doc!({"data": &first["data"]}));
    second.set(&["metadata", "labels"], first["metadata"]["labels"].clone());
    second.set(&["metadata", "ownerReferences"], first["metadata"]["ownerReferences"].clone());
    second.insert("revision", first.i64_at(&["revision"]).unwrap_or(0) + 1);
    let second = revisions.create(second);
    until(2);
    revisions.delete(first.name());
    until(1);
    let key = second.name();
    let updated = revisions.edit(key, |revision| revision.set(&["metadata", "labels", key], "updated"));
    assert_eq!(updated.label(key), Some("updated"));
    sets.strategic_patch(NAME, doc!({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 1}}}}));
    until(2);
    revisions.delete_collection(&format!("{key}=updated"));
    let last = until(1).remove(0);
    assert_eq!(last.i64_at(&["revision"]), Some(3), "{last}");
}

/// A budget over the pods with the label `foo: bar`.
fn budget(minimum: impl Into<Document>) -> Document {
    doc!({"spec": {"minAvailable": (minimum.into()), "selector": {"matchLabels": {"foo": "bar"}}}})
}

/// Waits until the controller has seen a budget as it is now.
fn processed(api: &Api, name: &str) -> Document {
    api.eventually(&format!("the budget {name} is processed"), || {
        let budget = api.of(&POD_DISRUPTION_BUDGETS).get(name);
        let observed = budget.i64_at(&["status", "observedGeneration"]).unwrap_or(0);
        if observed >= budget.generation() { Ok(budget) } else { Err(budget.to_string()) }
    })
}

/// `DisruptionController should create a PodDisruptionBudget`
#[test]
fn should_create_a_pod_disruption_budget() {
    let api = Api::new();
    let budgets = api.of(&POD_DISRUPTION_BUDGETS);
    budgets.create(named("foo", budget("1%")));
    assert_eq!(processed(&api, "foo")["spec"]["minAvailable"], doc!("1%"));
    let updated = budgets.edit("foo", |budget| budget.set(&["spec", "minAvailable"], "2%"));
    assert_eq!(updated["spec"]["minAvailable"], doc!("2%"));
    processed(&api, "foo");
    let patched = budgets.strategic_patch("foo", doc!({"spec": {"minAvailable": "3%"}}));
    assert_eq!(patched["spec"]["minAvailable"], doc!("3%"));
    processed(&api, "foo");
    budgets.delete("foo");
    budgets.gone("foo");
}

/// `DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a collection of
/// PodDisruptionBudgets`
#[test]
fn should_list_and_delete_a_collection_of_pod_disruption_budgets() {
    let (api, other) = (Api::new(), Api::new());
    let selector = format!("special={}", api.namespace);
    for (api, name) in [(&api, "foo"), (&api, "foo2"), (&other, "foo3")] {
        let object = labelled("special", selector.trim_start_matches("special="), named(name, budget("1%")));
        api.of(&POD_DISRUPTION_BUDGETS).create(object);
    }
    let budgets = api.of(&POD_DISRUPTION_BUDGETS);
    assert_eq!(budgets.everywhere().list(&selector).len(), 3);
    assert_eq!(budgets.list(&selector).len(), 2);
    budgets.delete_collection(&selector);
    budgets.none(&selector);
    assert_eq!(budgets.everywhere().list(&selector).len(), 1);
}

/// `DisruptionController should update/patch PodDisruptionBudget status`
#[test]
fn should_update_and_patch_pod_disruption_budget_status() {
    let api = Api::for_pods();
    let (budgets, pods) = (api.of(&POD_DISRUPTION_BUDGETS), api.of(&PODS));
    budgets.create(named("foo", budget(1)));
    let pod = yaml("spec: {containers: [{name: pause, image: 'example.test/pause:1'}]}");
    pods.create(labelled("foo", "bar", named("pod-0", pod)));
    let ready = doc!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    pods.patch_subresource("pod-0", "status", doc!({"status": ready}));
    api.eventually("the pod is counted", || {
        let budget = budgets.get("foo");
        if budget.i64_at(&["status", "currentHealthy"]) == Some(1) { Ok(()) } else { Err(budget.to_string()) }
    });
    let gone = || doc!({"pod-0": "2026-01-02T03:04:05Z"});
    let updated =
        budgets.edit_subresource("foo", "status", |budget| budget.set(&["status", "disruptedPods"], gone()));
    assert_eq!(updated["status"]["disruptedPods"], gone());
    // Nothing was disrupted so long ago: the controller forgets it.
    let forgotten = || {
        api.eventually("the disruption is forgotten", || {
            let budget = budgets.get("foo");
            let left = budget
                .at(&["status", "disruptedPods"])
                .and_then(Document::as_object)
                .is_some_and(|map| !map.is_empty());
            if left { Err(budget.to_string()) } else { Ok(()) }
        });
    };
    forgotten();
    let patched = budgets.patch_subresource("foo", "status", doc!({"status": {"disruptedPods": (gone())}}));
    assert_eq!(patched["status"]["disruptedPods"], gone());
    forgotten();
}

/// `CronJob [Slow] should not schedule jobs when suspended`
#[test]
fn should_not_schedule_jobs_when_suspended() {
    let api = Api::for_pods();
    let job = |suspend: bool| {
        let mut object = yaml(
            r#"
spec:
  schedule: "*/1 * * * ?"
  concurrencyPolicy: Allow
  jobTemplate: {spec: {template: {spec: {restartPolicy: OnFailure, containers: [{name: c, image: "example.test/busybox:1"}]}}}}
"#,
        );
        object.set(&["spec", "suspend"], suspend);
        object
    };
    api.of(&CRON_JOBS).create(named("suspended", job(true)));
    api.of(&CRON_JOBS).create(named("running", job(false)));
    // When the one has been started the other would have been too.
    let started = wait::until("a job", Duration::from_secs(90), || {
        let jobs = api.of(&JOBS).list("");
        if jobs.is_empty() { Err("none yet") } else { Ok(jobs) }
    });
    assert!(started.iter().all(|job| job.name().starts_with("running-")), "{started:?}");
    let suspended = api.of(&CRON_JOBS).get("suspended");
    assert!(suspended.at(&["status", "lastScheduleTime"]).is_none(), "{suspended}");
    assert!(suspended.array_at(&["status", "active"]).is_empty(), "{suspended}");
}
