//! `kubectl replace`, of objects and of subresources.

use crate::session::session;

#[test]
fn replace_needs_an_object_and_minds_preconditions() {
    session(
        r#"
        $ cat > page.yaml <<END
        > apiVersion: v1
        > kind: ConfigMap
        > metadata: {name: page}
        > data: {a: b}
        > END
        $ kubectl replace -f page.yaml
        Error from server (NotFound): error when replacing "page.yaml": configmaps "page" not found
        [exit 1]
        $ kubectl create -f page.yaml
        configmap/page created
        $ sed -i 's/a: b/a: c/' page.yaml
        $ kubectl replace -f page.yaml -o yaml > read.yaml
        $ sed 's/uid: .*/uid: 00000000-0000-0000-0000-000000000000/' read.yaml | kubectl replace -f -
        Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on configmaps "page": Precondition failed: UID in precondition: <uid>, UID in object meta: <uid>
        [exit 1]
        $ sed 's/resourceVersion: .*/resourceVersion: "1"/' read.yaml | kubectl replace -f -
        Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on configmaps "page": the object has been modified; please apply your changes to the latest version and try again
        [exit 1]
        $ kubectl replace --force -f page.yaml
        configmap "page" deleted
        configmap/page replaced
        $ sed 's/^data/immutable: true\ndata/' page.yaml | kubectl replace -f -
        configmap/page replaced
        $ kubectl replace -f page.yaml
        The ConfigMap "page" is invalid: immutable: Forbidden: field is immutable when `immutable` is set
        [exit 1]
        "#,
    );
}

#[test]
fn the_status_is_replaced_by_itself() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx --replicas=0 -o yaml > read.yaml
        $ sed 's/resourceVersion: .*//; s/replicas: 0/replicas: 1/; s/status: {}/status: {collisionCount: 7}/' read.yaml | kubectl replace --subresource=status -f -
        deployment.apps/web replaced
        $ kubectl get deployment web -o jsonpath='{.spec.replicas} {.status.collisionCount}'
        0 7
        "#,
    );
}
