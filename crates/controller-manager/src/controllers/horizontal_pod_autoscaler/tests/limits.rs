//! Tables for what was recommended and done before, and for rules about speed.

use super::*;

/// Recommendations and how many seconds ago they were made; sizes before and after changes, and how long ago these were.
type Past<'p> = (&'p [(i64, i64)], &'p [(i64, i64, i64)]);

/// A decision, and what two of its conditions say.
type Told<'t> = (Sizes, &'t str, &'t str);

fn remembering(world: Autoscaler, (recommendations, rescales): Past<'_>) -> Autoscaler {
    let mut memory = Memory::default();
    for (replicas, seconds) in recommendations {
        memory.recommendations.push(Recommendation { replicas: *replicas, at: before(*seconds) });
    }
    for (from, to, seconds) in rescales {
        memory.rescales.push(Rescale { from: *from, to: *to, at: before(*seconds) });
    }
    Autoscaler { memory, ..world }
}

#[test]
fn a_target_does_not_shrink_below_what_was_recommended_lately() {
    let decide = |used: i64, recommendations: &[(i64, i64)]| {
        let world = remembering(world(autoscaler(), Ok(target(6, used))), (recommendations, &[]));
        decision::of(&world)
    };
    let held = decide(100, &[(5, 60), (3, 30)]);
    assert_eq!(held.sizes, rescale(6, 5, BELOW));
    assert_eq!(conditions(&held)[0], "AbleToScale=True ScaleDownStabilized");
    assert_eq!(held.recommendation, Some(2));
    assert_eq!(decide(100, &[(6, 300)]).sizes, Sizes::Right(6));
    assert_eq!(decide(100, &[(6, 301)]).sizes, rescale(6, 2, BELOW));
}

#[test]
fn rules_hold_a_target_back() {
    let ruled = |behavior: Document| {
        let wide = with(with(autoscaler(), &["spec", "minReplicas"], 1), &["spec", "maxReplicas"], 100);
        with(wide, &["spec", "behavior"], behavior)
    };
    let decide = |behavior: Document, (replicas, used): (i64, i64), past: Past<'_>| {
        let world = world(ruled(behavior), Ok(target(replicas, used)));
        let decision = decision::of(&remembering(world, past));
        let conditions = conditions(&decision);
        (decision.sizes, conditions[0].clone(), conditions[2].clone())
    };
    let by_one = |direction: &str| {
        let rules = doc!({"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]});
        let mut behavior = Document::object();
        behavior.insert(direction, rules);
        behavior
    };
    let (ready, up, down) = (
        "AbleToScale=True ReadyForNewScale",
        "ScalingLimited=True ScaleUpLimit",
        "ScalingLimited=True ScaleDownLimit",
    );
    type Case<'a> = (&'a str, Document, (i64, i64), Past<'a>, Told<'a>);
    let cases: [Case<'_>; 8] = [
        ("defaults", doc!({}), (3, 2000), (&[], &[]), (rescale(3, 7, ABOVE), ready, up)),
        ("one at a time", by_one("scaleUp"), (3, 1000), (&[], &[]), (rescale(3, 4, ABOVE), ready, up)),
        ("one was added", by_one("scaleUp"), (4, 1000), (&[], &[(3, 4, 59)]), (Sizes::Right(4), ready, up)),
        (
            "one was added long ago",
            by_one("scaleUp"),
            (4, 1000),
            (&[], &[(3, 4, 60)]),
            (rescale(4, 5, ABOVE), ready, up),
        ),
        (
            "one less at a time",
            by_one("scaleDown"),
            (5, 100),
            (&[], &[]),
            (rescale(5, 4, BELOW), ready, down),
        ),
        (
            "never less",
            doc!({"scaleDown": {"selectPolicy": "Disabled"}}),
            (5, 100),
            (&[], &[]),
            (Sizes::Right(5), ready, down),
        ),
        (
            "hesitation to grow",
            doc!({"scaleUp": {"stabilizationWindowSeconds": 60}}),
            (3, 1000),
            (&[(4, 30)], &[]),
            (
                rescale(3, 4, ABOVE),
                "AbleToScale=True ScaleUpStabilized",
                "ScalingLimited=False DesiredWithinRange",
            ),
        ),
        (
            "no hesitation to shrink",
            doc!({"scaleDown": {"stabilizationWindowSeconds": 0}}),
            (5, 200),
            (&[(5, 30)], &[]),
            (rescale(5, 2, BELOW), ready, "ScalingLimited=False DesiredWithinRange"),
        ),
    ];
    for (case, behavior, target, past, (sizes, able, limited)) in cases {
        let found = decide(behavior, target, past);
        assert_eq!(found, (sizes, able.to_owned(), limited.to_owned()), "{case}");
    }
}

#[test]
fn a_tolerance_of_its_own_counts() {
    let behavior = doc!({"scaleUp": {"tolerance": "0"}, "scaleDown": {"tolerance": "500m"}});
    let picky = with(autoscaler(), &["spec", "behavior"], behavior);
    assert_eq!(decided(picky.clone(), target(4, 520)).sizes, rescale(4, 5, ABOVE));
    assert_eq!(decided(picky, target(4, 260)).sizes, Sizes::Right(4));
}
