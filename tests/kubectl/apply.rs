//! `kubectl apply`, merged by the client: what it says it did, the last applied configuration, pruning, field validation.

use crate::session::session;

#[test]
fn apply_says_whether_it_created_configured_or_left_alone() {
    session(
        r#"
        $ cat > page.yaml <<END
        > apiVersion: v1
        > kind: ConfigMap
        > metadata: {name: page, labels: {app: web}}
        > data: {a: b}
        > END
        $ kubectl apply -f page.yaml
        configmap/page created
        $ kubectl apply -f page.yaml
        configmap/page unchanged
        $ sed -i 's/a: b/a: c/' page.yaml
        $ kubectl apply -f page.yaml --dry-run=client
        configmap/page configured (dry run)
        $ kubectl apply -f page.yaml --dry-run=server -o yaml
        apiVersion: v1
        data:
          a: c
        kind: ConfigMap
        metadata:
          annotations:
            kubectl.kubernetes.io/last-applied-configuration: |
              {"apiVersion":"v1","data":{"a":"c"},"kind":"ConfigMap","metadata":{"annotations":{},"labels":{"app":"web"},"name":"page","namespace":"$NS"}}
          creationTimestamp: "<time>"
          labels:
            app: web
          name: page
          namespace: $NS
          resourceVersion: "<version>"
          uid: <uid>
        $ kubectl apply -f page.yaml
        configmap/page configured
        $ kubectl create configmap bare --from-literal=a=b
        configmap/bare created
        $ sed 's/name: page/name: bare/' page.yaml | kubectl apply -f -
        Warning: resource configmaps/bare is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.
        configmap/bare configured
        "#,
    );
}

#[test]
fn apply_keeps_the_last_applied_configuration() {
    session(
        r#"
        $ cat > page.yaml <<END
        > apiVersion: v1
        > kind: ConfigMap
        > metadata: {name: page}
        > data: {a: b}
        > END
        $ kubectl apply -f page.yaml
        configmap/page created
        $ kubectl apply view-last-applied configmap/page
        apiVersion: v1
        data:
          a: b
        kind: ConfigMap
        metadata:
          annotations: {}
          name: page
          namespace: $NS
        $ KUBE_EDITOR='sed -i "s/a: b/a: c/"' kubectl apply edit-last-applied configmap/page
        configmap/page edited
        $ kubectl get configmap page -o jsonpath='{.metadata.annotations} {.data}'
        {"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"v1\",\"data\":{\"a\":\"c\"},\"kind\":\"ConfigMap\",\"metadata\":{\"annotations\":{},\"name\":\"page\",\"namespace\":\"$NS\"}}\n"} {"a":"b"}
        $ sed -i 's/a: b/a: d/' page.yaml
        $ kubectl apply set-last-applied -f page.yaml
        configmap/page configured
        "#,
    );
}

#[test]
fn apply_prunes_what_the_manifest_no_longer_holds() {
    session(
        r#"
        $ cat > all.yaml <<END
        > apiVersion: v1
        > kind: ConfigMap
        > metadata: {name: one, labels: {set: demo}}
        > ---
        > apiVersion: v1
        > kind: ConfigMap
        > metadata: {name: two, labels: {set: demo}}
        > ---
        > apiVersion: v1
        > kind: Service
        > metadata: {name: web, labels: {set: demo}}
        > spec: {ports: [{port: 80}]}
        > END
        $ kubectl apply -f all.yaml
        configmap/one created
        configmap/two created
        service/web created
        $ sed -i '4,$d' all.yaml
        $ kubectl apply -f all.yaml -l set=demo --prune 2>&1 | sed 's/.*Deprecated: /Deprecated: /'
        configmap/one unchanged
        Deprecated: kubectl apply will no longer prune non-namespaced resources by default when used with the --namespace flag in a future release. To preserve the current behaviour, list the resources you want to target explicitly in the --prune-allowlist flag.
        configmap/two pruned
        Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice
        service/web pruned
        $ kubectl get configmaps,services -l set=demo -o name
        configmap/one
        "#,
    );
}

#[test]
fn apply_is_told_of_fields_that_the_kind_does_not_have() {
    session(
        r#"
        $ cat > page.yaml <<END
        > apiVersion: v1
        > kind: ConfigMap
        > metadata: {name: page, lables: {a: b}}
        > data: {a: b}
        > dta: {a: b}
        > END
        $ kubectl apply -f page.yaml
        Error from server (BadRequest): error when creating "page.yaml": ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta", unknown field "metadata.lables"
        [exit 1]
        $ kubectl apply --validate=warn -f page.yaml
        Warning: unknown field "dta"
        Warning: unknown field "metadata.lables"
        configmap/page created
        $ sed 's/a: b}$/a: 1}/' page.yaml | kubectl create --validate=ignore -f -
        Error from server (BadRequest): error when creating "STDIN": ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string
        [exit 1]
        $ kubectl create -n elsewhere --validate=ignore -f page.yaml
        Error from server (NotFound): error when creating "page.yaml": namespaces "elsewhere" not found
        [exit 1]
        "#,
    );
}

#[test]
fn apply_cannot_change_what_a_pod_keeps() {
    session(
        r#"
        $ cat > pod.yaml <<END
        > apiVersion: v1
        > kind: Pod
        > metadata: {name: web}
        > spec: {containers: [{name: web, image: nginx}]}
        > END
        $ kubectl apply -f pod.yaml
        pod/web created
        $ sed -i 's/image: nginx/image: nginx, env: [{name: A, value: b}]/' pod.yaml
        $ kubectl apply -f pod.yaml 2>&1 | head -1
        The Pod "web" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)
        $ kubectl apply -f pod.yaml --force --grace-period=0
        pod/web configured
        "#,
    );
}
