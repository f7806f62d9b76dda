//! Tables for replacing old pods by new ones.

use super::{OLD, done_about, leaving, new_pod, of_size, parallel, pod, set, unready, with};
use skiff_apimachinery::{Document, doc};

fn old_pods(ordinals: &[i64]) -> Vec<Document> {
    ordinals.iter().map(|ordinal| pod(*ordinal, OLD)).collect()
}

fn limited(set: Document, limit: impl Into<Document>) -> Document {
    with(set, &["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"], limit)
}

fn partitioned(set: Document, partition: i64) -> Document {
    with(set, &["spec", "updateStrategy", "rollingUpdate", "partition"], partition)
}

#[test]
fn ordered_pods_are_replaced_from_the_highest_number_down() {
    let plain = with(set(), &["spec", "updateStrategy"], doc!({"type": "RollingUpdate"}));
    let on_delete = with(set(), &["spec", "updateStrategy"], doc!({"type": "OnDelete"}));
    let slow = with(set(), &["spec", "minReadySeconds"], 7200);
    let starting = with(set(), &["spec", "ordinals"], doc!({"start": 5}));
    let all = || old_pods(&[0, 1, 2]);
    let cases = [
        ("one at a time", set(), all(), vec!["delete web-2"]),
        ("without limits", plain, all(), vec!["delete web-2"]),
        ("the next one", set(), vec![pod(0, OLD), pod(1, OLD), new_pod(2)], vec!["delete web-1"]),
        (
            "not before the new one is ready",
            set(),
            vec![pod(0, OLD), pod(1, OLD), unready(new_pod(2))],
            vec![],
        ),
        ("nor before it is available", slow, vec![pod(0, OLD), pod(1, OLD), new_pod(2)], vec![]),
        ("nor while the old one leaves", set(), vec![pod(0, OLD), pod(1, OLD), leaving(pod(2, OLD))], vec![]),
        (
            "a broken old one must be helped",
            set(),
            vec![pod(0, OLD), pod(1, OLD), unready(pod(2, OLD))],
            vec![],
        ),
        ("down to the partition", partitioned(set(), 2), all(), vec!["delete web-2"]),
        ("not below it", partitioned(set(), 2), vec![pod(0, OLD), pod(1, OLD), new_pod(2)], vec![]),
        (
            "the partition counts from the first",
            partitioned(starting, 2),
            old_pods(&[5, 6, 7]),
            vec!["delete web-7"],
        ),
        ("two at a time", limited(set(), 2), all(), vec!["delete web-2", "delete web-1"]),
        ("a percentage is rounded down", limited(set(), "67%"), all(), vec!["delete web-2", "delete web-1"]),
        ("but not to nothing", limited(set(), "10%"), all(), vec!["delete web-2"]),
        ("on delete", on_delete, all(), vec![]),
        ("sizes are put right first", of_size(2), all(), vec!["delete web-2"]),
    ];
    for (case, set, pods, wanted) in cases {
        assert_eq!(done_about(set, pods), wanted, "{case}");
    }
}

#[test]
fn parallel_pods_are_replaced_within_the_limit_broken_ones_first() {
    let sized = |replicas: i64| parallel(of_size(replicas));
    let (broken, gone) = (|o: i64| unready(pod(o, OLD)), |o: i64| leaving(pod(o, OLD)));
    let old = |o: i64| pod(o, OLD);
    let cases = [
        ("one at a time", sized(3), old_pods(&[0, 1, 2]), vec!["delete web-2"]),
        ("a broken single one", sized(1), vec![broken(0)], vec!["delete web-0"]),
        ("a broken one counts", sized(3), vec![old(0), old(1), broken(2)], vec!["delete web-2"]),
        (
            "all broken ones",
            limited(sized(5), 2),
            vec![old(0), old(1), old(2), broken(3), broken(4)],
            vec!["delete web-4", "delete web-3"],
        ),
        ("one that leaves counts", sized(3), vec![old(0), old(1), gone(2)], vec![]),
        ("a new one that is not ready counts", sized(3), vec![old(0), old(1), unready(new_pod(2))], vec![]),
        (
            "one leaves, one is broken, one more may go",
            limited(sized(5), 3),
            vec![old(0), old(1), old(2), broken(3), gone(4)],
            vec!["delete web-3", "delete web-2"],
        ),
        (
            "low broken ones before high good ones",
            limited(sized(4), 2),
            vec![broken(0), broken(1), old(2), old(3)],
            vec!["delete web-1", "delete web-0"],
        ),
        (
            "then good ones from the top",
            limited(sized(5), 3),
            vec![broken(0), broken(1), old(2), old(3), old(4)],
            vec!["delete web-1", "delete web-0", "delete web-4"],
        ),
        (
            "at the partition",
            partitioned(sized(5), 2),
            vec![old(0), old(1), broken(2), old(3), old(4)],
            vec!["delete web-2"],
        ),
        (
            "below the partition",
            partitioned(sized(5), 2),
            vec![old(0), broken(1), old(2), old(3), old(4)],
            vec![],
        ),
        ("a missing one counts", sized(3), old_pods(&[0, 1]), vec!["create web-2"]),
    ];
    for (case, set, pods, wanted) in cases {
        assert_eq!(done_about(set, pods), wanted, "{case}");
    }
}

/// The revisions of the pods that are created.
fn created(set: Document, pods: Vec<Document>) -> Vec<(String, String)> {
    let plan = super::plan(&super::stored(set, pods, vec![]), super::now());
    let bodies = plan.writes().filter_map(|write| write.call.body.as_ref());
    let image = |pod: &Document| pod.array_at(&["spec", "containers"])[0].str_at(&["image"]).to_owned();
    bodies.map(|pod| (pod.label("controller-revision-hash").unwrap_or("").to_owned(), image(pod))).collect()
}

#[test]
fn pods_below_the_partition_come_back_as_they_were() {
    let updating = with(set(), &["status", "currentRevision"], OLD);
    let new = (super::current(), "v2".to_owned());
    let old = (OLD.to_owned(), OLD.to_owned());
    assert_eq!(created(partitioned(updating.clone(), 1), vec![]), std::slice::from_ref(&old));
    assert_eq!(created(partitioned(updating.clone(), 0), vec![]), std::slice::from_ref(&new));
    assert_eq!(created(partitioned(updating.clone(), 1), vec![pod(0, OLD)]), std::slice::from_ref(&new));
    // Without a partition those that were not updated yet come back as they were.
    let plain = with(updating, &["spec", "updateStrategy"], doc!({"type": "RollingUpdate"}));
    let half = with(plain.clone(), &["status", "currentReplicas"], 1);
    assert_eq!(created(half.clone(), vec![]), [old]);
    assert_eq!(created(half, vec![pod(0, OLD)]), std::slice::from_ref(&new));
    assert_eq!(created(plain, vec![]), [new]);
}
