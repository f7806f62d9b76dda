//! Tables for metrics of all kinds, and for those that cannot be read.

use super::*;

fn metric(kind: &str, field: &str, source: Document) -> Document {
    let mut metric = doc!({"type": kind});
    metric.insert(field, source);
    metric
}

/// What a single metric decides about three replicas after a reading.
fn metered(metric: &Document, reading: Result<Reading, String>) -> decision::Decision {
    let object = with(autoscaler(), &["spec", "metrics"], doc!([metric.clone()]));
    let target = Target { readings: vec![reading], ..target(3, 0) };
    decided(object, target)
}

fn per_pod(value: i64) -> Reading {
    let sample = Sample { value, at: now(), window: SignedDuration::from_secs(30) };
    Reading::Pods((0..3).map(|number| (format!("web-{number}"), sample)).collect())
}

#[test]
fn each_kind_of_metric_proposes_and_is_told_of() {
    let average = || doc!({"type": "AverageValue", "averageValue": "10"});
    let total = || doc!({"type": "Value", "value": "10"});
    let object = || doc!({"apiVersion": "v1", "kind": "Service", "name": "main"});
    let hits = || doc!({"name": "hits"});
    let cases = [
        (
            metric("Resource", "resource", doc!({"name": "memory", "target": average()})),
            per_pod(20_000),
            "memory resource",
            doc!({"name": "memory", "current": {"averageValue": "20"}}),
        ),
        (
            metric(
                "ContainerResource",
                "containerResource",
                doc!({"name": "cpu", "container": "c",
                "target": {"type": "Utilization", "averageUtilization": 50}}),
            ),
            per_pod(1000),
            "cpu container resource utilization (percentage of request)",
            doc!({"name": "cpu", "container": "c", "current": {"averageUtilization": 100, "averageValue": "1"}}),
        ),
        (
            metric("Pods", "pods", doc!({"metric": hits(), "target": average()})),
            per_pod(20_000),
            "pods metric hits",
            doc!({"metric": hits(), "current": {"averageValue": "20"}}),
        ),
        (
            metric(
                "Object",
                "object",
                doc!({"metric": hits(), "describedObject": object(), "target": total()}),
            ),
            Reading::Values(vec![20_000]),
            "Service metric hits",
            doc!({"metric": hits(), "describedObject": object(), "current": {"value": "20"}}),
        ),
        (
            metric(
                "Object",
                "object",
                doc!({"metric": hits(), "describedObject": object(), "target": average()}),
            ),
            Reading::Values(vec![60_000]),
            "external metric hits(nil)",
            doc!({"metric": hits(), "describedObject": object(), "current": {"averageValue": "20"}}),
        ),
        (
            metric(
                "External",
                "external",
                doc!({"metric": {"name": "q", "selector": {"matchLabels": {"a": "b"}}}, "target": total()}),
            ),
            Reading::Values(vec![15_000, 5_000]),
            "external metric q(&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},})",
            doc!({"metric": {"name": "q", "selector": {"matchLabels": {"a": "b"}}}, "current": {"value": "20"}}),
        ),
        (
            metric("External", "external", doc!({"metric": hits(), "target": average()})),
            Reading::Values(vec![60_000]),
            "external metric hits(nil)",
            doc!({"metric": hits(), "current": {"averageValue": "20"}}),
        ),
    ];
    for (metric, reading, name, current) in cases {
        let decision = metered(&metric, Ok(reading));
        assert_eq!(decision.sizes, rescale(3, 6, &format!("{name} above target")), "{metric}");
        let told = decision.metrics[0].as_object().unwrap().values().nth(1).cloned();
        assert_eq!(told, Some(current), "{metric}");
    }
}

#[test]
fn what_cannot_be_read_is_told_of_in_full() {
    let average = || doc!({"type": "AverageValue", "averageValue": "10"});
    let total = || doc!({"type": "Value", "value": "10"});
    let percent = doc!({"type": "Utilization", "averageUtilization": 50});
    let (object, hits) =
        (doc!({"apiVersion": "v1", "kind": "Service", "name": "main"}), doc!({"name": "hits"}));
    let cases = [
        (
            metric("Resource", "resource", doc!({"name": "cpu", "target": percent.clone()})),
            "FailedGetResourceMetric",
            "failed to get cpu utilization: unable to get metrics for resource cpu: away",
            "failed to get cpu resource metric value: failed to get cpu utilization: unable to get metrics for resource cpu: away",
        ),
        (
            metric("Resource", "resource", doc!({"name": "cpu", "target": average()})),
            "FailedGetResourceMetric",
            "failed to get cpu usage: unable to get metrics for resource cpu: away",
            "failed to get cpu resource metric value: failed to get cpu usage: unable to get metrics for resource cpu: away",
        ),
        (
            metric("Resource", "resource", doc!({"name": "cpu", "target": {}})),
            "FailedGetResourceMetric",
            "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
            "failed to get cpu resource metric value: invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
        ),
        (
            metric(
                "ContainerResource",
                "containerResource",
                doc!({"name": "cpu", "container": "c", "target": percent}),
            ),
            "FailedGetContainerResourceMetric",
            "failed to get cpu utilization: unable to get metrics for resource cpu: away",
            "failed to get c container metric value: failed to get cpu utilization: unable to get metrics for resource cpu: away",
        ),
        (
            metric("Pods", "pods", doc!({"metric": hits.clone(), "target": average()})),
            "FailedGetPodsMetric",
            "unable to get metric hits: away",
            "failed to get pods metric value: unable to get metric hits: away",
        ),
        (
            metric(
                "Object",
                "object",
                doc!({"metric": hits.clone(), "describedObject": object.clone(), "target": total()}),
            ),
            "FailedGetObjectMetric",
            "unable to get metric hits: Service on n main/away",
            "failed to get object metric value: unable to get metric hits: Service on n main/away",
        ),
        (
            metric(
                "Object",
                "object",
                doc!({"metric": hits.clone(), "describedObject": object.clone(), "target": average()}),
            ),
            "FailedGetObjectMetric",
            "unable to get metric hits: Service on n main/away",
            "failed to get object metric value: failed to get hits object metric: unable to get metric hits: Service on n main/away",
        ),
        (
            metric("External", "external", doc!({"metric": hits.clone(), "target": total()})),
            "FailedGetExternalMetric",
            "unable to get external metric n/hits/nil: away",
            "failed to get hits external metric value: failed to get external metric hits: unable to get external metric n/hits/nil: away",
        ),
        (
            metric("External", "external", doc!({"metric": hits, "target": average()})),
            "FailedGetExternalMetric",
            "unable to get external metric n/hits/nil: away",
            "failed to get hits external metric value: failed to get hits external metric: unable to get external metric n/hits/nil: away",
        ),
        (
            metric("Moon", "moon", doc!({})),
            "InvalidMetricSourceType",
            "unknown metric source type \"Moon\"",
            "unknown metric source type \"Moon\"",
        ),
    ];
    for (metric, reason, cause, error) in cases {
        let decision = metered(&metric, Err("away".to_owned()));
        let all = format!("invalid metrics (1 invalid out of 1), first error is: {error}");
        assert_eq!(told(&decision), [(reason, cause), ("FailedComputeMetricsReplicas", all.as_str())]);
        assert_eq!(decision.sizes, Sizes::Current(3));
        assert_eq!(decision.metrics, [doc!({"type": ""})]);
        let active = decision.conditions.into_documents().pop().unwrap();
        assert_eq!(active.str_at(&["reason"]), reason);
        assert_eq!(
            active.str_at(&["message"]),
            format!("the HPA was unable to compute the replica count: {cause}")
        );
    }
}

#[test]
fn beside_a_metric_that_cannot_be_read_the_target_may_grow_but_not_shrink() {
    let hits = metric(
        "Pods",
        "pods",
        doc!({"metric": {"name": "hits"}, "target": {"type": "AverageValue", "averageValue": "10"}}),
    );
    let mut object = autoscaler();
    object.ensure(&["spec", "metrics"]).push(hits);
    let half_read = |replicas: i64, used: i64| {
        let mut target = target(replicas, used);
        target.readings.push(Err("away".to_owned()));
        decided(object.clone(), target)
    };
    let grows = half_read(3, 1000);
    assert_eq!(grows.sizes, rescale(3, 6, ABOVE));
    assert_eq!(told(&grows), [("FailedGetPodsMetric", "unable to get metric hits: away")]);
    assert_eq!(conditions(&grows)[1], "ScalingActive=True ValidMetricFound");
    assert_eq!(half_read(3, 500).sizes, Sizes::Right(3));
    let shrinks = half_read(4, 300);
    assert_eq!(shrinks.sizes, Sizes::Current(4));
    assert_eq!(conditions(&shrinks)[1], "ScalingActive=False FailedGetPodsMetric");
}

#[test]
fn the_largest_proposal_counts() {
    let hits = metric(
        "Pods",
        "pods",
        doc!({"metric": {"name": "hits"}, "target": {"type": "AverageValue", "averageValue": "10"}}),
    );
    let mut object = autoscaler();
    object.ensure(&["spec", "metrics"]).push(hits);
    let mut target = target(3, 100);
    target.readings.push(Ok(per_pod(15_000)));
    assert_eq!(decided(object, target).sizes, rescale(3, 5, "pods metric hits above target"));
}

#[test]
fn pods_must_be_known_and_nobody_elses() {
    let without = |selector: &str| {
        let mut target = target(3, 1000);
        target.scale = Arc::new(with(Document::clone(&target.scale), &["status", "selector"], selector));
        target
    };
    let mut contested = target(3, 1000);
    contested.rivals.push(ObjectKey::new("n", "other"));
    let unread = "couldn't convert selector into a corresponding internal selector object: ";
    let rivals = "pods by selector app=web are controlled by multiple HPAs: [n/web n/other]";
    let cases = [
        (
            without(""),
            "SelectorRequired",
            "InvalidSelector",
            "selector is required",
            "the HPA target's scale is missing a selector",
        ),
        (without("a in"), "InvalidSelector", "InvalidSelector", unread, unread),
        (contested, "AmbiguousSelector", "AmbiguousSelector", rivals, rivals),
    ];
    for (target, event, reason, error, message) in cases {
        let decision = decided(autoscaler(), target);
        let [first, second] = told(&decision).try_into().unwrap();
        assert_eq!((first.0, second.0), (event, "FailedComputeMetricsReplicas"));
        assert!(first.1.starts_with(error) && first.1 == second.1, "{first:?} {second:?}");
        assert_eq!(decision.sizes, Sizes::Current(3));
        assert!(decision.metrics.is_empty());
        let active = decision.conditions.clone().into_documents().pop().unwrap();
        assert_eq!((active.str_at(&["status"]), active.str_at(&["reason"])), ("False", reason));
        assert!(active.str_at(&["message"]).starts_with(message));
    }
}
