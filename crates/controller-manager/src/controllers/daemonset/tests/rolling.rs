//! Tables for replacing old pods by new ones.

use super::{OLD, done_about, leaving, new_pod, node, pod, set, tainted, unready, with};
use skiff_apimachinery::{Document, doc};

/// The set, whose new pods come beside the old ones.
fn surging() -> Document {
    with(set(), &["spec", "updateStrategy", "rollingUpdate"], doc!({"maxUnavailable": 0, "maxSurge": 1}))
}

#[test]
fn old_pods_are_replaced_within_max_unavailable() {
    let nodes = || vec![node("a"), node("b"), node("c")];
    let two =
        |value: Document| with(set(), &["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"], value);
    let (a, b, c) = (pod("a1", "a", OLD), pod("b1", "b", OLD), pod("c1", "c", OLD));
    let all_old = vec![a.clone(), b.clone(), c.clone()];
    let on_delete = with(set(), &["spec", "updateStrategy"], doc!({"type": "OnDelete"}));
    let neither =
        with(set(), &["spec", "updateStrategy", "rollingUpdate"], doc!({"maxUnavailable": 0, "maxSurge": 0}));
    let slow = with(set(), &["spec", "minReadySeconds"], 7200);
    let cases = [
        ("one at a time", set(), all_old.clone(), vec!["delete a1"]),
        ("two at a time", two(doc!(2)), all_old.clone(), vec!["delete a1", "delete b1"]),
        ("a percentage is rounded up", two(doc!("34%")), all_old.clone(), vec!["delete a1", "delete b1"]),
        ("limits of zero count as one", neither, all_old.clone(), vec!["delete a1"]),
        ("on delete", on_delete, all_old.clone(), vec![]),
        (
            "unavailable old pods go first",
            set(),
            vec![a.clone(), unready(b.clone()), c.clone()],
            vec!["delete b1"],
        ),
        (
            "a new pod is not available yet",
            set(),
            vec![unready(new_pod("a2", "a")), b.clone(), c.clone()],
            vec![],
        ),
        ("an old pod is leaving", set(), vec![leaving(a.clone()), b.clone(), c.clone()], vec![]),
        ("the next one", set(), vec![new_pod("a2", "a"), b.clone(), c.clone()], vec!["delete b1"]),
        (
            "ready is not available",
            slow,
            vec![new_pod("a2", "a"), new_pod("b2", "b"), with(c, &["metadata", "name"], "c0")],
            vec!["delete c0"],
        ),
        ("nodes are put right first", set(), vec![a, b], vec!["create c"]),
    ];
    for (case, set, pods, wanted) in cases {
        assert_eq!(done_about(set, nodes(), pods), wanted, "{case}");
    }
}

#[test]
fn a_surge_makes_new_pods_beside_old_ones() {
    let nodes = || vec![node("a"), node("b")];
    let (a, b) = (pod("a1", "a", OLD), pod("b1", "b", OLD));
    let slow = with(surging(), &["spec", "minReadySeconds"], 7200);
    let cases = [
        ("one beside", surging(), vec![a.clone(), b.clone()], vec!["create a"]),
        (
            "unavailable old pods do not count",
            surging(),
            vec![unready(a.clone()), b.clone()],
            vec!["create a", "create b"],
        ),
        ("the new one starts", surging(), vec![a.clone(), unready(new_pod("a2", "a")), b.clone()], vec![]),
        ("the new one serves", surging(), vec![a.clone(), new_pod("a2", "a"), b.clone()], vec!["delete a1"]),
        (
            "the new one serves for too short",
            slow,
            vec![a.clone(), new_pod("a2", "a"), new_pod("b2", "b")],
            vec![],
        ),
        (
            "the old one broke",
            surging(),
            vec![unready(a.clone()), unready(new_pod("a2", "a")), b.clone()],
            vec!["delete a1"],
        ),
        ("a node has none", surging(), vec![new_pod("a2", "a")], vec!["create b"]),
        ("all pods of a node are leaving", surging(), vec![new_pod("a2", "a"), leaving(b)], vec!["create b"]),
    ];
    for (case, set, pods, wanted) in cases {
        assert_eq!(done_about(set, nodes(), pods), wanted, "{case}");
    }
    // A pod on a node that is no longer for it goes once as many others serve as are wanted.
    let nodes = || vec![tainted("a"), node("b")];
    for (other, wanted) in [(new_pod("b2", "b"), vec!["delete a1"]), (unready(new_pod("b2", "b")), vec![])] {
        assert_eq!(done_about(surging(), nodes(), vec![a.clone(), other]), wanted);
    }
}
