//! `kubectl create poddisruptionbudget`, `priorityclass` and `quota`.

use crate::session::session;

#[test]
fn disruption_budgets_show_what_they_allow() {
    session(
        r#"
        $ kubectl create poddisruptionbudget half --selector=app=web --min-available=50%
        poddisruptionbudget.policy/half created
        $ kubectl create pdb one --selector=app=web --max-unavailable=1
        poddisruptionbudget.policy/one created
        $ kubectl get pdb
        NAME   MIN AVAILABLE   MAX UNAVAILABLE   ALLOWED DISRUPTIONS   AGE
        half   50%             N/A               0                     <age>
        one    N/A             1                 0                     <age>
        "#,
    );
}

#[test]
fn priority_classes_show_their_value() {
    session(
        r#"
        $ kubectl create priorityclass $NS-high --value=1000 --description='first in line'
        priorityclass.scheduling.k8s.io/$NS-high created
        $ kubectl create priorityclass $NS-never --value=-5 --preemption-policy=Never
        priorityclass.scheduling.k8s.io/$NS-never created
        $ kubectl get priorityclass $NS-high $NS-never
        NAME        VALUE   GLOBAL-DEFAULT   AGE     PREEMPTIONPOLICY
        $NS-high    1000    false            <age>   PreemptLowerPriority
        $NS-never   -5      false            <age>   Never
        $ kubectl create priorityclass $NS-too-high --value=1000000001
        error: failed to create priorityclass: PriorityClass.scheduling.k8s.io "$NS-too-high" is invalid: value: Forbidden: maximum allowed value of a user defined priority is 1000000000
        [exit 1]
        $ kubectl delete priorityclass $NS-high $NS-never
        priorityclass.scheduling.k8s.io "$NS-high" deleted
        priorityclass.scheduling.k8s.io "$NS-never" deleted
        "#,
    );
}

#[test]
fn quotas_show_what_is_used() {
    session(
        r#"
        $ kubectl create quota small --hard=cpu=1,memory=1Gi,pods=2,limits.cpu=3
        resourcequota/small created
        $ kubectl create quota idle --hard=pods=4 --scopes=BestEffort
        resourcequota/idle created
        ~ kubectl get quota
        NAME    REQUEST                              LIMIT             AGE
        idle    pods: 0/4                                              <age>
        small   cpu: 0/1, memory: 0/1Gi, pods: 0/2   limits.cpu: 0/3   <age>
        $ kubectl create quota wrong --hard=pods=4 --scopes=Foo
        error: failed to create quota: ResourceQuota "wrong" is invalid: spec.scopes: Invalid value: ["Foo"]: unsupported scope
        [exit 1]
        $ kubectl create quota wrong --hard=foo=1
        error: failed to create quota: ResourceQuota "wrong" is invalid: [spec.hard[foo]: Invalid value: "foo": must be a standard resource type or fully qualified, spec.hard[foo]: Invalid value: "foo": must be a standard resource for quota]
        [exit 1]
        "#,
    );
}
