//! Tables for what autoscalers decide, do and tell.

mod limits;
mod metering;

use super::*;
use crate::plan::Failure;
use jiff::SignedDuration;
use memory::Recommendation;
use metrics::{Sample, Samples};
use skiff_apimachinery::{Reason, doc};
use skiff_client::resources::DEPLOYMENTS;

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

fn before(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

fn with(mut object: Document, path: &[&str], value: impl Into<Document>) -> Document {
    object.set(path, value);
    object
}

/// An autoscaler of two to six replicas, which are to use half of the cpu that they ask for.
fn autoscaler() -> Document {
    let target = doc!({"type": "Utilization", "averageUtilization": 50});
    doc!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "n", "uid": "h"},
        "spec": {"minReplicas": 2, "maxReplicas": 6,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]}
    })
}

/// A running pod that asks for a whole cpu.
fn pod(name: &str) -> CachedPod {
    let pod = doc!({
        "metadata": {"name": name, "namespace": "n", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]},
        "status": {"phase": "Running", "startTime": "2026-01-01T11:00:00Z", "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T11:00:10Z"}]}
    });
    Arc::new(Cached::decode(Arc::new(pod)).unwrap())
}

/// A target of so many replicas, each of which uses so much in thousandths.
fn target(replicas: i64, used: i64) -> Target {
    let scale = doc!({
        "apiVersion": "autoscaling/v1", "kind": "Scale",
        "metadata": {"name": "web", "namespace": "n", "resourceVersion": "7"},
        "spec": {"replicas": replicas}, "status": {"replicas": replicas, "selector": "app=web"}
    });
    let names: Vec<String> = (0..replicas).map(|number| format!("web-{number}")).collect();
    let sample = Sample { value: used, at: now(), window: SignedDuration::from_secs(30) };
    let samples: Samples = names.iter().map(|name| (name.clone(), sample)).collect();
    Target {
        resource: DEPLOYMENTS,
        scale: Arc::new(scale),
        pods: names.iter().map(|name| pod(name)).collect(),
        rivals: vec![ObjectKey::new("n", "web")],
        readings: vec![Ok(Reading::Pods(samples))],
    }
}

fn world(object: Document, target: Result<Target, String>) -> Autoscaler {
    let object = Arc::new(Cached::decode(Arc::new(object)).unwrap());
    Autoscaler { object, config: Arc::default(), target, memory: Memory::default(), at: now() }
}

fn decided(object: Document, target: Target) -> decision::Decision {
    decision::of(&world(object, Ok(target)))
}

fn rescale(from: i64, to: i64, reason: &str) -> Sizes {
    Sizes::Rescale { from, to, reason: reason.to_owned() }
}

/// Type, status and reason of each condition.
fn conditions(decision: &decision::Decision) -> Vec<String> {
    let documents = decision.conditions.clone().into_documents();
    let text = |condition: &Document| {
        let part = |field: &str| condition.str_at(&[field]).to_owned();
        format!("{}={} {}", part("type"), part("status"), part("reason"))
    };
    documents.iter().map(text).collect()
}

fn told(decision: &decision::Decision) -> Vec<(&str, &str)> {
    decision.notices.iter().map(|notice| (notice.reason, notice.message.as_str())).collect()
}

const ABOVE: &str = "cpu resource utilization (percentage of request) above target";
const BELOW: &str = "All metrics below target";

#[test]
fn the_target_follows_what_its_pods_use() {
    let cases = [
        ("grows", 3, 1000, rescale(3, 6, ABOVE)),
        ("shrinks", 4, 300, rescale(4, 3, BELOW)),
        ("stays", 3, 500, Sizes::Right(3)),
        ("stays within the tolerance", 3, 550, Sizes::Right(3)),
        ("at most the maximum", 4, 1000, rescale(4, 6, ABOVE)),
        ("at least the minimum", 4, 10, rescale(4, 2, BELOW)),
        ("stays at the maximum", 6, 1000, Sizes::Right(6)),
        ("above the maximum", 8, 0, rescale(8, 6, "Current number of replicas above Spec.MaxReplicas")),
        ("below the minimum", 1, 1000, rescale(1, 2, "Current number of replicas below Spec.MinReplicas")),
        ("switched off", 0, 0, Sizes::Right(0)),
    ];
    for (case, replicas, used, wanted) in cases {
        assert_eq!(decided(autoscaler(), target(replicas, used)).sizes, wanted, "{case}");
    }
}

#[test]
fn conditions_tell_what_holds_it_back() {
    let able = |reason: &str| format!("AbleToScale=True {reason}");
    let valid = "ScalingActive=True ValidMetricFound".to_owned();
    let free = "ScalingLimited=False DesiredWithinRange".to_owned();
    let limited = |reason: &str| format!("ScalingLimited=True {reason}");
    let ready = || able("ReadyForNewScale");
    let wide = with(autoscaler(), &["spec", "maxReplicas"], 100);
    let cases = [
        (autoscaler(), 3, 500, vec![ready(), valid.clone(), free]),
        (autoscaler(), 4, 1000, vec![ready(), valid.clone(), limited("TooManyReplicas")]),
        (autoscaler(), 4, 10, vec![ready(), valid.clone(), limited("TooFewReplicas")]),
        (wide, 4, 2000, vec![ready(), valid, limited("ScaleUpLimit")]),
        (autoscaler(), 8, 0, vec![able("SucceededGetScale")]),
        (
            autoscaler(),
            0,
            0,
            vec![able("SucceededGetScale"), "ScalingActive=False ScalingDisabled".to_owned()],
        ),
    ];
    for (object, replicas, used, wanted) in cases {
        assert_eq!(conditions(&decided(object, target(replicas, used))), wanted, "{replicas} {used}");
    }
}

#[test]
fn a_target_without_a_scale_is_told_of_and_the_status_stays() {
    let status = doc!({"currentReplicas": 3, "desiredReplicas": 4, "currentMetrics": [{"type": "Resource"}]});
    let why = "deployments.apps \"web\" not found";
    let world = world(with(autoscaler(), &["status"], status.clone()), Err(why.to_owned()));
    let decision = decision::of(&world);
    assert_eq!(told(&decision), [("FailedGetScale", why)]);
    assert_eq!(conditions(&decision), ["AbleToScale=False FailedGetScale"]);
    let mut written = concluded(&world, &Report::default()).unwrap();
    let conditions = written.remove(&["conditions"]).unwrap().into_array();
    assert_eq!(written, status);
    assert_eq!(
        conditions[0].str_at(&["message"]),
        format!("the HPA controller was unable to get the target's current scale: {why}")
    );
}

fn concluded(world: &Autoscaler, report: &Report) -> Option<Document> {
    let plan = status::conclude(world, report, now());
    plan.writes().next().map(|write| write.call.body.as_ref().unwrap()["status"].clone())
}

#[test]
fn the_scale_is_written_and_told_of() {
    let plan = plan(&world(autoscaler(), Ok(target(3, 1000))));
    assert_eq!(plan.requeue_after, Some(Duration::from_secs(15)));
    let [Action::Write(write)] = plan.actions.as_slice() else { panic!("{plan:?}") };
    assert_eq!((write.call.verb, write.call.subresource.as_str()), (Verb::Update, "scale"));
    let body = write.call.body.as_ref().unwrap();
    assert_eq!((body.i64_at(&["spec", "replicas"]), body.resource_version()), (Some(6), "7"));
    let success = write.success.as_ref().unwrap();
    let what = format!("New size: 6; reason: {ABOVE}");
    assert_eq!((success.reason, &success.message), ("SuccessfulRescale", &what));
    let failure = write.failure.as_ref().unwrap();
    assert_eq!((failure.reason, failure.message.clone()), ("FailedRescale", format!("{what}; error: ")));
}

#[test]
fn the_status_tells_sizes_metrics_and_what_became_of_the_scale() {
    let metric = doc!({"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 100, "averageValue": "1"}}});
    let scaled = concluded(&world(autoscaler(), Ok(target(3, 1000))), &Report::default()).unwrap();
    assert_eq!(scaled["currentMetrics"], doc!([metric.clone()]));
    assert_eq!(
        (scaled.i64_at(&["currentReplicas"]), scaled.i64_at(&["desiredReplicas"])),
        (Some(3), Some(6))
    );
    assert_eq!(scaled.str_at(&["lastScaleTime"]), "2026-01-01T12:00:00Z");
    let first = &scaled.array_at(&["conditions"])[0];
    assert_eq!(
        (first.str_at(&["reason"]), first.str_at(&["message"])),
        ("SucceededRescale", "the HPA controller was able to update the target scale to 6")
    );

    let call = Call::new(Verb::Update, &DEPLOYMENTS, "n", "web");
    let refused = Status::new(403, Reason::Forbidden, "no");
    let report = Report { failures: vec![Failure { call, status: refused }], ..Report::default() };
    let old = with(autoscaler(), &["status", "desiredReplicas"], 3);
    let failed = concluded(&world(old, Ok(target(3, 1000))), &report).unwrap();
    assert_eq!((failed.i64_at(&["desiredReplicas"]), failed.get("lastScaleTime")), (Some(3), None));
    let first = &failed.array_at(&["conditions"])[0];
    assert_eq!(
        (first.str_at(&["status"]), first.str_at(&["reason"]), first.str_at(&["message"])),
        ("False", "FailedUpdateScale", "the HPA controller was unable to update the target scale: no")
    );

    // Nothing new is not written.
    let rested =
        concluded(&world(with(autoscaler(), &["status"], scaled), Ok(target(6, 500))), &Report::default());
    let rested = with(autoscaler(), &["status"], rested.unwrap());
    assert_eq!(concluded(&world(rested, Ok(target(6, 500))), &Report::default()), None);
}

#[test]
fn one_that_waits_only_comes_back() {
    let waiting = World::Waiting(Duration::from_secs(4));
    let plan = HorizontalPodAutoscalerController::plan(&waiting, now());
    assert_eq!(plan, Plan { requeue_after: Some(Duration::from_secs(4)), ..Plan::default() });
    let concluded = HorizontalPodAutoscalerController::conclude(&waiting, &Report::default(), now());
    assert_eq!(concluded, Plan::nothing());
}
