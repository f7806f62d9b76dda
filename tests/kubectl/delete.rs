//! `kubectl delete`: by name, label and all; waiting; what hangs on an owner.

use crate::session::session;

#[test]
fn objects_are_deleted_by_name_label_and_all() {
    session(
        r#"
        $ for name in a b c d e; do printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, labels: {name: %s}}\n---\n' $name $name; done > all.yaml
        $ kubectl create -f all.yaml
        configmap/a created
        configmap/b created
        configmap/c created
        configmap/d created
        configmap/e created
        $ kubectl delete configmap a
        configmap "a" deleted
        $ kubectl delete configmap a
        Error from server (NotFound): configmaps "a" not found
        [exit 1]
        $ kubectl delete configmap b c --wait=false
        configmap "b" deleted
        configmap "c" deleted
        $ kubectl delete configmap -l name=d
        configmap "d" deleted
        $ kubectl delete configmap e --dry-run=server
        configmap "e" deleted (server dry run)
        $ kubectl delete -f all.yaml --ignore-not-found
        configmap "e" deleted
        $ kubectl delete secrets --all
        No resources found
        $ kubectl delete namespace default
        Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not be deleted
        [exit 1]
        "#,
    );
}

#[test]
fn a_finalizer_holds_what_is_deleted() {
    session(
        r#"
        $ kubectl create -f - <<END
        > apiVersion: v1
        > kind: ConfigMap
        > metadata: {name: held, finalizers: [example.com/hold]}
        > END
        configmap/held created
        $ kubectl delete configmap held --timeout=1s
        configmap "held" deleted
        error: timed out waiting for the condition on configmaps/held
        [exit 1]
        $ kubectl get configmap held -o jsonpath='{.metadata.deletionGracePeriodSeconds} {.metadata.finalizers}'
        0 ["example.com/hold"]
        $ kubectl patch configmap held --type=merge -p '{"metadata":{"finalizers":["example.com/other"]}}'
        The ConfigMap "held" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/other"}
        [exit 1]
        $ kubectl patch configmap held --type=merge -p '{"metadata":{"finalizers":null}}'
        configmap/held patched
        $ kubectl get configmap held
        Error from server (NotFound): configmaps "held" not found
        [exit 1]
        "#,
    );
}

#[test]
fn dependents_are_released_or_go_with_their_owner() {
    session(
        r#"
        $ kubectl create configmap owner --from-literal=a=b -o yaml > owner.yaml
        $ kubectl create -f - <<END
        > apiVersion: v1
        > kind: ConfigMap
        > metadata: {name: dependent, ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: owner, $(grep -o 'uid: .*' owner.yaml)}]}
        > END
        configmap/dependent created
        $ kubectl delete configmap owner --cascade=orphan
        configmap "owner" deleted
        $ kubectl get configmap dependent -o jsonpath='{.metadata.name} {.metadata.ownerReferences}'
        dependent
        $ kubectl create deployment web --image=nginx --replicas=1
        deployment.apps/web created
        ~ kubectl get rs,pods -o name
        replicaset.apps/web-<hash>
        pod/web-<hash>-<random>
        $ kubectl delete deployment web --cascade=foreground
        deployment.apps "web" deleted
        $ kubectl get rs,pods -o name
        "#,
    );
}

#[test]
fn pods_are_deleted_with_grace_or_without() {
    session(
        r#"
        $ kubectl run one --image=nginx
        pod/one created
        $ kubectl run two --image=nginx
        pod/two created
        $ kubectl delete pod one --now
        pod "one" deleted
        $ kubectl delete pod two --grace-period=0 --force
        Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.
        pod "two" force deleted
        $ kubectl get pods
        No resources found in $NS namespace.
        "#,
    );
}
