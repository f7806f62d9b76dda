//! Tables for how many replicas use asks for.

use super::super::metrics::Sample;
use super::*;
use jiff::SignedDuration;
use skiff_apimachinery::doc;
use skiff_client::Cached;
use std::sync::Arc;
use std::time::Duration;

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

/// A pod that asks for a whole cpu and has this phase.
fn pod(name: &str, phase: &str) -> CachedPod {
    let pod = doc!({
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]},
        "status": {"phase": phase, "startTime": "2026-01-01T11:00:00Z", "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T11:00:10Z"}]}
    });
    Arc::new(Cached::decode(Arc::new(pod)).unwrap())
}

/// Pods `a`, `b` and so on with these amounts of use in thousandths; one without is still pending, or its use is unknown.
fn pods(uses: &[Use]) -> (Vec<CachedPod>, Samples) {
    let (mut pods, mut samples) = (Vec::new(), Samples::new());
    for (name, used) in ["a", "b", "c", "d", "e"].into_iter().zip(uses) {
        match used {
            Use::Of(value) => {
                let sample = Sample { value: *value, at: now(), window: SignedDuration::from_secs(30) };
                samples.insert(name.to_owned(), sample);
                pods.push(pod(name, "Running"));
            }
            Use::Pending => pods.push(pod(name, "Pending")),
            Use::Unknown => pods.push(pod(name, "Running")),
            Use::Failed => pods.push(pod(name, "Failed")),
        }
    }
    (pods, samples)
}

#[derive(Debug, Clone, Copy)]
enum Use {
    Of(i64),
    Pending,
    Unknown,
    Failed,
}

fn setting(pods: &[CachedPod], current: i64) -> Setting<'_> {
    let delays =
        Delays { cpu_initialization: Duration::from_secs(300), initial_readiness: Duration::from_secs(30) };
    Setting {
        namespace: "n",
        pods,
        current,
        present: current,
        tolerances: Tolerances { up: 0.1, down: 0.1 },
        delays,
        now: now(),
    }
}

/// What is seen, the pods' uses, wanted and current numbers, and what comes out.
type Case<'a> = (&'a str, &'a [Use], i64, i64, (i64, i64));

#[test]
fn percentages_of_requests_ask_for_replicas() {
    use Use::{Failed, Of, Pending, Unknown};
    let cases: [Case<'_>; 14] = [
        ("more", &[Of(300), Of(500), Of(700)], 3, 30, (5, 50)),
        ("fewer", &[Of(100), Of(300), Of(500), Of(250), Of(250)], 5, 50, (3, 28)),
        ("close enough", &[Of(1010), Of(1030), Of(1020)], 3, 100, (3, 102)),
        ("above by the tolerance", &[Of(110), Of(110)], 2, 10, (2, 11)),
        ("above the tolerance", &[Of(120), Of(120)], 2, 10, (3, 12)),
        ("one pending, growing", &[Of(500), Of(700), Pending], 3, 30, (4, 60)),
        ("two pending, growing turns", &[Of(400), Pending, Pending], 3, 30, (3, 40)),
        ("one pending, shrinking", &[Of(100), Of(100), Pending], 3, 50, (1, 10)),
        ("one failed", &[Of(300), Of(500), Failed], 2, 30, (3, 40)),
        ("one unknown, growing", &[Of(950), Unknown], 2, 40, (3, 95)),
        ("one unknown, growing within the tolerance", &[Of(500), Of(600), Unknown], 3, 35, (3, 55)),
        ("one unknown, shrinking", &[Of(100), Of(100), Of(100), Unknown], 4, 100, (2, 10)),
        ("one unknown, of a target above all", &[Of(1000), Unknown], 2, 300, (2, 100)),
        ("one unknown, shrinking turns", &[Of(100), Unknown], 2, 40, (2, 10)),
    ];
    for (case, uses, current, target, (replicas, percent)) in cases {
        let (pods, samples) = pods(uses);
        let (found, used) = setting(&pods, current).for_utilization(&samples, ("cpu", ""), target).unwrap();
        assert_eq!((found, used.percent), (replicas, percent), "{case}");
    }
}

#[test]
fn averages_ask_for_replicas() {
    use Use::{Of, Pending, Unknown};
    let cases: [Case<'_>; 6] = [
        ("more", &[Of(20_000), Of(10_000), Of(30_000)], 3, 15_000, (4, 20_000)),
        ("fewer", &[Of(12_000), Of(12_000), Of(12_000), Of(12_000), Of(12_000)], 5, 20_000, (3, 12_000)),
        ("close enough", &[Of(20_000), Of(21_000), Of(21_000)], 3, 20_000, (3, 20_666)),
        ("one pending", &[Of(50_000), Of(30_000), Pending], 3, 15_000, (6, 40_000)),
        ("one unknown, shrinking", &[Of(10_000), Unknown], 2, 20_000, (2, 10_000)),
        ("one unknown, growing", &[Of(50_000), Unknown], 2, 20_000, (3, 50_000)),
    ];
    for (case, uses, current, target, wanted) in cases {
        let (pods, samples) = pods(uses);
        let found = setting(&pods, current).for_average(&samples, "", target).unwrap();
        assert_eq!(found, wanted, "{case}");
    }
}

#[test]
fn what_cannot_be_worked_out_is_told() {
    use Use::{Of, Pending, Unknown};
    let error = |uses: &[Use], resource: &str| {
        let (pods, samples) = pods(uses);
        setting(&pods, 1).for_utilization(&samples, (resource, ""), 50).unwrap_err()
    };
    assert_eq!(error(&[], "cpu"), "no pods returned by selector while calculating replica count");
    let unready = "did not receive metrics for targeted pods (pods might be unready)";
    assert_eq!(error(&[Pending, Unknown], "cpu"), unready);
    assert_eq!(error(&[Of(1)], "memory"), "missing request for memory in container c of Pod a");
    let (known, _) = pods(&[Unknown]);
    let (_, others) = pods(&[Pending, Of(1)]);
    assert_eq!(
        setting(&known, 1).for_utilization(&others, ("cpu", ""), 50).unwrap_err(),
        "no metrics returned matched known pods"
    );
    assert_eq!(
        setting(&[], 1).for_total(9, 1).unwrap_err(),
        "unable to calculate ready pods: no pods returned by selector while calculating replica count"
    );
}

#[test]
fn totals_and_shares_ask_for_replicas() {
    let (pods, _) = pods(&[Use::Of(0), Use::Of(0), Use::Pending]);
    let total =
        |current: i64, used: i64, target: i64| setting(&pods, current).for_total(used, target).unwrap();
    assert_eq!(total(3, 20_000, 15_000), 3);
    assert_eq!(total(3, 40_000, 15_000), 6);
    assert_eq!(total(3, 15_500, 15_000), 3);
    assert_eq!(total(3, 5_000, 15_000), 1);
    assert_eq!(total(0, 20_000, 15_000), 2);
    assert_eq!(total(0, 0, 15_000), 0);
    assert_eq!(total(3, i64::MAX, 1), i64::from(i32::MAX));

    let share = |present: i64, used: i64, target: i64| setting(&[], present).for_share(used, target);
    assert_eq!(share(3, 8_600, 2_000), (5, 2_867));
    assert_eq!(share(3, 6_100, 2_000), (3, 2_034));
    assert_eq!(share(5, 2_000, 1_000), (2, 400));
    assert_eq!(share(0, 2_000, 1_000), (2, 2_000));
    assert_eq!(share(0, 0, 1_000), (0, 0));
    assert_eq!(share(2, i64::MAX, 1), (i64::from(i32::MAX), i64::MAX));
}
