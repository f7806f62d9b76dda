//! `kubectl auth`: can-i, whoami, reconcile; and what those read who may not.

use crate::session::session;

#[test]
fn rights_are_told_for_oneself_and_for_others() {
    session(
        r#"
        $ kubectl auth can-i list pods --as=jane
        no
        [exit 1]
        $ kubectl create rolebinding viewers --clusterrole=view --user=jane
        rolebinding.rbac.authorization.k8s.io/viewers created
        ~ kubectl auth can-i list pods --as=jane
        yes
        $ kubectl auth can-i get pods --subresource=log --as=jane
        yes
        $ kubectl auth can-i list pods -A --as=jane
        no
        [exit 1]
        $ kubectl auth can-i get /healthz --as=jane
        yes
        $ kubectl create role reader --verb=get,list --resource=configmaps,pods/log --resource-name=one
        role.rbac.authorization.k8s.io/reader created
        $ kubectl create rolebinding joe --role=reader --user=joe
        rolebinding.rbac.authorization.k8s.io/joe created
        ~ kubectl auth can-i get configmaps/one --as=joe
        yes
        $ kubectl auth can-i --list --as=joe
        Resources                                       Non-Resource URLs   Resource Names   Verbs
        selfsubjectreviews.authentication.k8s.io        []                  []               [create]
        selfsubjectaccessreviews.authorization.k8s.io   []                  []               [create]
        selfsubjectrulesreviews.authorization.k8s.io    []                  []               [create]
        configmaps                                      []                  [one]            [get list]
        pods/log                                        []                  [one]            [get list]
                                                        [/api/*]            []               [get]
                                                        [/api]              []               [get]
                                                        [/apis/*]           []               [get]
                                                        [/apis]             []               [get]
                                                        [/healthz]          []               [get]
                                                        [/healthz]          []               [get]
                                                        [/livez]            []               [get]
                                                        [/livez]            []               [get]
                                                        [/openapi/*]        []               [get]
                                                        [/openapi]          []               [get]
                                                        [/readyz]           []               [get]
                                                        [/readyz]           []               [get]
                                                        [/version/]         []               [get]
                                                        [/version/]         []               [get]
                                                        [/version]          []               [get]
                                                        [/version]          []               [get]
        "#,
    );
}

#[test]
fn the_forbidden_is_named() {
    session(
        r#"
        $ kubectl get configmaps --as=joe
        Error from server (Forbidden): configmaps is forbidden: User "joe" cannot list resource "configmaps" in API group "" in the namespace "$NS"
        [exit 1]
        $ kubectl get nodes --as=joe
        Error from server (Forbidden): nodes is forbidden: User "joe" cannot list resource "nodes" in API group "" at the cluster scope
        [exit 1]
        $ kubectl create deployment web --image=nginx --as=joe
        error: failed to create deployment: deployments.apps is forbidden: User "joe" cannot create resource "deployments" in API group "apps" in the namespace "$NS"
        [exit 1]
        $ kubectl get --raw /logs --as=joe
        Error from server (Forbidden): forbidden: User "joe" cannot get path "/logs"
        [exit 1]
        $ kubectl get configmaps --as=joe --as-group=system:masters -o name
        configmap/kube-root-ca.crt
        "#,
    );
}

#[test]
fn one_is_told_who_one_is() {
    session(
        r#"
        [1.28..] $ kubectl auth whoami
        [1.28..] ATTRIBUTE                                           VALUE
        [1.28..] Username                                            system:admin
        [1.28..] Groups                                              [system:masters system:authenticated]
        [1.28..] Extra: authentication.kubernetes.io/credential-id   [X509SHA256=<digest>]
        [1.28..] $ kubectl auth whoami --as=jane --as-group=team --as-uid=7 -o yaml
        [1.28..] apiVersion: authentication.k8s.io/v1
        [1.28..] kind: SelfSubjectReview
        [1.28..] metadata:
        [1.28..]   creationTimestamp: "<time>"
        [1.28..] status:
        [1.28..]   userInfo:
        [1.28..]     groups:
        [1.28..]     - team
        [1.28..]     - system:authenticated
        [1.28..]     uid: "7"
        [1.28..]     username: jane
        "#,
    );
}

#[test]
fn roles_are_reconciled() {
    session(
        r#"
        $ kubectl create role reader --verb=get,list,watch --resource=pods
        role.rbac.authorization.k8s.io/reader created
        $ kubectl create rolebinding joe --role=reader --user=joe
        rolebinding.rbac.authorization.k8s.io/joe created
        $ cat > rbac.yaml <<END
        > apiVersion: rbac.authorization.k8s.io/v1
        > kind: Role
        > metadata: {name: reader, namespace: $NS}
        > rules:
        > - {apiGroups: [''], resources: [secrets], verbs: [get]}
        > ---
        > apiVersion: rbac.authorization.k8s.io/v1
        > kind: RoleBinding
        > metadata: {name: joe, namespace: $NS}
        > roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
        > subjects:
        > - {apiGroup: rbac.authorization.k8s.io, kind: User, name: ann}
        > END
        $ kubectl auth reconcile -f rbac.yaml
        role.rbac.authorization.k8s.io/reader reconciled
        \treconciliation required update
        \tmissing rules added:
        \t\t{Verbs:[get] APIGroups:[] Resources:[secrets] ResourceNames:[] NonResourceURLs:[]}
        rolebinding.rbac.authorization.k8s.io/joe reconciled
        \treconciliation required update
        \tmissing subjects added:
        \t\t{Kind:User APIGroup:rbac.authorization.k8s.io Name:ann Namespace:}
        $ kubectl auth reconcile -f rbac.yaml --remove-extra-permissions --remove-extra-subjects
        role.rbac.authorization.k8s.io/reader reconciled
        \treconciliation required update
        \textra rules removed:
        \t\t{Verbs:[get] APIGroups:[] Resources:[pods] ResourceNames:[] NonResourceURLs:[]}
        \t\t{Verbs:[list] APIGroups:[] Resources:[pods] ResourceNames:[] NonResourceURLs:[]}
        \t\t{Verbs:[watch] APIGroups:[] Resources:[pods] ResourceNames:[] NonResourceURLs:[]}
        rolebinding.rbac.authorization.k8s.io/joe reconciled
        \treconciliation required update
        \textra subjects removed:
        \t\t{Kind:User APIGroup:rbac.authorization.k8s.io Name:joe Namespace:}
        $ kubectl get rolebinding joe -o wide
        NAME   ROLE          AGE     USERS   GROUPS   SERVICEACCOUNTS
        joe    Role/reader   <age>   ann
        "#,
    );
}
