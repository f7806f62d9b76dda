//! Tables for the claims of pods.

use super::*;
use crate::plan::Failure;
use skiff_apimachinery::Reason;

/// The set, each of whose pods has a claim.
fn storing(deleted: &str, scaled: &str) -> Document {
    let templates = doc!([{"metadata": {"name": "data"}, "spec": {}}]);
    let policy = doc!({"whenDeleted": deleted, "whenScaled": scaled});
    let set = with(set(), &["spec", "persistentVolumeClaimRetentionPolicy"], policy);
    with(set, &["spec", "volumeClaimTemplates"], templates)
}

/// A pod with the volume of its claim.
fn mounted(mut pod: Document, ordinal: i64) -> Document {
    claims::mount(&storing("Retain", "Retain"), ordinal, &mut pod);
    pod
}

fn owned_by_pod(claim: Document, uid: &str) -> Document {
    let pod = doc!({"apiVersion": "v1", "kind": "Pod", "name": claim.name().trim_start_matches("data-"), "uid": uid, "controller": true});
    with(claim, &["metadata", "ownerReferences"], doc!([pod]))
}

#[test]
fn claims_come_before_pods_and_go_as_the_policy_says() {
    let kept = || storing("Retain", "Retain");
    let shrinking = |replicas: i64| with(storing("Retain", "Delete"), &["spec", "replicas"], replicas);
    let pods = |ordinals: &[i64]| -> Vec<Document> {
        ordinals.iter().map(|ordinal| mounted(new_pod(*ordinal), *ordinal)).collect()
    };
    let waiting = vec![in_phase(mounted(new_pod(0), 0), "Pending")];
    let cases = [
        ("first the claim", kept(), vec![], vec![], vec!["create claim data-web-0", "create web-0"]),
        ("one that is there", kept(), vec![], vec![claim(0)], vec!["create web-0"]),
        ("one that leaves", kept(), vec![], vec![leaving(claim(0))], vec![]),
        ("a pod waits for its claim", kept(), waiting, vec![], vec!["create claim data-web-0"]),
        (
            "one without a volume",
            with(kept(), &["spec", "replicas"], 1),
            vec![new_pod(0)],
            vec![claim(0)],
            vec!["update web-0"],
        ),
        (
            "claims go with the set",
            with(storing("Delete", "Retain"), &["spec", "replicas"], 1),
            pods(&[0]),
            vec![claim(0)],
            vec!["update claim data-web-0"],
        ),
        (
            "claims go with pods that are too many",
            shrinking(1),
            pods(&[0, 1]),
            vec![claim(0), claim(1)],
            vec!["update claim data-web-1", "delete web-1"],
        ),
        (
            "a claim goes with the pod before",
            shrinking(1),
            vec![],
            vec![owned_by_pod(claim(0), "before")],
            vec![],
        ),
        (
            "a pod is wanted again",
            shrinking(1),
            pods(&[0]),
            vec![owned_by_pod(claim(0), "web-0")],
            vec!["update claim data-web-0"],
        ),
        (
            "all at once",
            parallel(with(kept(), &["spec", "replicas"], 2)),
            vec![],
            vec![],
            vec!["create claim data-web-0", "create web-0", "create claim data-web-1", "create web-1"],
        ),
    ];
    for (case, set, pods, claims, wanted) in cases {
        assert_eq!(done(&plan(&stored(set, pods, claims), now())), wanted, "{case}");
    }
}

fn told(plan: &Plan) -> Vec<(&str, &str)> {
    let notices = plan.actions.iter().filter_map(|action| match action {
        Action::Tell(notice) => Some((notice.reason, notice.message.as_str())),
        _ => None,
    });
    notices.collect()
}

#[test]
fn a_claim_that_cannot_be_had_is_told_of() {
    let set = || storing("Retain", "Retain");
    let waiting = plan(&stored(set(), vec![], vec![leaving(claim(0))]), now());
    let why = "create Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted";
    assert_eq!(told(&waiting), [("FailedCreate", why)]);

    let world = stored(set(), vec![], vec![]);
    let creation = plan(&world, now()).writes().next().unwrap().clone();
    assert_eq!(
        (creation.success.unwrap().message.as_str(), creation.failure.unwrap().message.as_str()),
        (
            "create Claim data-web-0 Pod web-0 in StatefulSet web success",
            "create Claim data-web-0 for Pod web-0 in StatefulSet web failed error: "
        )
    );
    let status = Status::new(403, Reason::Forbidden, "exceeded quota");
    let report = Report { failures: vec![Failure { call: creation.call, status }], ..Report::default() };
    let why =
        "create Pod web-0 in StatefulSet web failed error: failed to create PVC data-web-0: exceeded quota";
    assert_eq!(told(&StatefulSetController::conclude(&world, &report, now())), [("FailedCreate", why)]);
}
