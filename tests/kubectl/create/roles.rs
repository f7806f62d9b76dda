//! `kubectl create role`, `clusterrole` and their bindings.

use crate::session::session;

#[test]
fn cluster_roles_hold_rules_urls_or_a_selector() {
    session(
        r#"
        $ kubectl create clusterrole $NS-reader --verb=get,list --resource=pods,deployments.apps/scale --resource-name=web -o jsonpath='{.rules}'
        [{"apiGroups":[""],"resourceNames":["web"],"resources":["pods"],"verbs":["get","list"]},{"apiGroups":["apps"],"resourceNames":["web"],"resources":["deployments/scale"],"verbs":["get","list"]}]
        $ kubectl create clusterrole $NS-urls --verb=get --non-resource-url=/logs/*,/healthz -o jsonpath='{.rules}'
        [{"nonResourceURLs":["/logs/*","/healthz"],"verbs":["get"]}]
        $ kubectl create clusterrole $NS-all --aggregation-rule=rbac.example.com/to=$NS
        clusterrole.rbac.authorization.k8s.io/$NS-all created
        $ kubectl create clusterrolebinding $NS-readers --clusterrole=$NS-reader --user=jane --group=team --serviceaccount=$NS:default
        clusterrolebinding.rbac.authorization.k8s.io/$NS-readers created
        $ kubectl get clusterrolebinding $NS-readers -o wide
        NAME          ROLE                     AGE     USERS   GROUPS   SERVICEACCOUNTS
        $NS-readers   ClusterRole/$NS-reader   <age>   jane    team     $NS/default
        $ kubectl delete clusterrole,clusterrolebinding $NS-reader $NS-urls $NS-all $NS-readers --ignore-not-found
        clusterrole.rbac.authorization.k8s.io "$NS-reader" deleted
        clusterrole.rbac.authorization.k8s.io "$NS-urls" deleted
        clusterrole.rbac.authorization.k8s.io "$NS-all" deleted
        clusterrolebinding.rbac.authorization.k8s.io "$NS-readers" deleted
        "#,
    );
}

#[test]
fn roles_are_bound_within_a_namespace() {
    session(
        r#"
        $ kubectl create role reader --verb=get --verb=list --resource=pods,pods/log
        role.rbac.authorization.k8s.io/reader created
        $ kubectl create rolebinding readers --role=reader --user=jane --serviceaccount=$NS:default
        rolebinding.rbac.authorization.k8s.io/readers created
        $ kubectl create rolebinding viewers --clusterrole=view --group=team
        rolebinding.rbac.authorization.k8s.io/viewers created
        $ kubectl get role,rolebindings -o wide
        NAME                                    CREATED AT
        role.rbac.authorization.k8s.io/reader   <time>

        NAME                                            ROLE               AGE     USERS   GROUPS   SERVICEACCOUNTS
        rolebinding.rbac.authorization.k8s.io/readers   Role/reader        <age>   jane             $NS/default
        rolebinding.rbac.authorization.k8s.io/viewers   ClusterRole/view   <age>           team
        $ kubectl create role reader --verb=get --resource=pods
        Error from server (AlreadyExists): roles.rbac.authorization.k8s.io "reader" already exists
        [exit 1]
        "#,
    );
}
