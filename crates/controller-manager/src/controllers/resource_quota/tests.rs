//! Tables for recounts: what is written, and which changes of a quota ask for one.

use super::*;
use skiff_client::Verb;

const PERIOD: Duration = Duration::from_secs(300);

fn quota(hard: Document, status: Document) -> Document {
    doc!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "n", "uid": "u", "resourceVersion": "7"},
        "spec": {"hard": hard}, "status": status
    })
}

fn pod(cpu: &str, phase: &str) -> Document {
    doc!({
        "metadata": {"namespace": "n"},
        "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]},
        "status": {"phase": phase}
    })
}

fn counted(plural: &'static str, objects: Vec<Document>) -> Counted {
    Counted { resource: GroupResource::new("", plural), objects: objects.into_iter().map(Arc::new).collect() }
}

fn planned(quota: Document, counted: Vec<Counted>) -> Plan {
    plan(&World { quota: Arc::new(quota), counted, sync_period: PERIOD }, Timestamp::UNIX_EPOCH)
}

fn written(plan: &Plan) -> Option<Document> {
    plan.writes().next().and_then(|write| write.call.body.clone())
}

#[test]
fn a_new_quota_gets_its_limits_and_what_is_used() {
    let hard = doc!({"pods": "5", "requests.cpu": "2", "configmaps": "3", "services": "1"});
    let plan = planned(
        quota(hard.clone(), doc!({})),
        vec![
            counted("configmaps", vec![doc!({}), doc!({})]),
            counted("pods", vec![pod("500m", "Running"), pod("1", "Pending"), pod("1", "Succeeded")]),
            counted("services", vec![]),
        ],
    );
    let call = &plan.writes().next().unwrap().call;
    assert_eq!((call.verb, call.subresource.as_str(), call.name.as_str()), (Verb::Update, "status", "q"));
    let body = written(&plan).unwrap();
    assert_eq!(body.resource_version(), "7");
    let used = doc!({"pods": "2", "requests.cpu": "1500m", "configmaps": "2", "services": "0"});
    assert_eq!(body["status"], doc!({"hard": hard, "used": used}));
}

#[test]
fn a_status_that_is_right_is_not_written_again() {
    let hard = doc!({"requests.cpu": "2"});
    let told = quota(hard.clone(), doc!({"hard": hard, "used": {"requests.cpu": "1000m"}}));
    let plan = planned(told, vec![counted("pods", vec![pod("1", "Running")])]);
    assert_eq!(written(&plan), None);
}

#[test]
fn only_what_is_limited_is_told_to_be_used() {
    let status = doc!({"hard": {"pods": "1", "secrets": "1"}, "used": {"pods": "1", "secrets": "1"}});
    let plan = planned(quota(doc!({"pods": "2"}), status), vec![counted("pods", vec![pod("1", "Running")])]);
    assert_eq!(written(&plan).unwrap()["status"], doc!({"hard": {"pods": "2"}, "used": {"pods": "1"}}));
}

#[test]
fn what_cannot_be_counted_now_keeps_its_amount() {
    let hard = doc!({"pods": "2", "count/widgets.example.com": "9", "count/gadgets.example.com": "9"});
    let status = doc!({"hard": hard.clone(), "used": {"pods": "2", "count/widgets.example.com": "4"}});
    let plan = planned(quota(hard, status), vec![counted("pods", vec![])]);
    let used = doc!({"pods": "0", "count/widgets.example.com": "4"});
    assert_eq!(written(&plan).unwrap()["status"]["used"], used);
}

#[test]
fn objects_outside_the_scopes_are_not_counted() {
    let mut scoped = quota(doc!({"pods": "2"}), doc!({}));
    scoped.set(&["spec", "scopes"], doc!(["BestEffort"]));
    let mut idle = pod("1", "Running");
    idle.set(&["spec", "containers"], doc!([{"name": "c"}]));
    let plan = planned(scoped, vec![counted("pods", vec![pod("1", "Running"), idle])]);
    assert_eq!(written(&plan).unwrap()["status"]["used"], doc!({"pods": "1"}));
}

#[test]
fn every_quota_is_counted_again_after_a_while() {
    assert_eq!(planned(quota(doc!({}), doc!({})), vec![]).requeue_after, Some(PERIOD));
}

#[test]
fn new_limits_and_lost_usage_ask_for_a_recount_and_charges_do_not() {
    let hard = || doc!({"pods": "5"});
    let told = |pods: &str| quota(hard(), doc!({"hard": hard(), "used": {"pods": pods}}));
    let mut scoped = told("1");
    scoped.set(&["spec", "scopeSelector", "matchExpressions"], doc!([{"scopeName": "PriorityClass"}]));
    let cases = [
        ("a charge", told("1"), told("2"), false),
        ("another limit", told("1"), quota(doc!({"pods": "6"}), doc!({})), true),
        ("another selector", told("1"), scoped, true),
        ("usage taken away", told("1"), quota(hard(), doc!({"hard": hard()})), true),
        (
            "limits overwritten",
            told("1"),
            quota(hard(), doc!({"hard": {"pods": "9"}, "used": {"pods": "1"}})),
            true,
        ),
        ("nothing", quota(hard(), doc!({})), quota(hard(), doc!({})), false),
        ("the first count", quota(hard(), doc!({})), told("1"), false),
    ];
    for (what, old, new, asks) in cases {
        assert_eq!(asks_for_recount(&old, &new), asks, "{what}");
    }
}
