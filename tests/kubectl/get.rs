//! `kubectl get`: selection, every output format, watching.

use crate::session::session;

#[test]
fn objects_are_selected_and_printed_in_every_format() {
    session(
        r#"
        $ kubectl create -f - <<END
        > apiVersion: v1
        > kind: ConfigMap
        > metadata: {name: one}
        > data: {a: b}
        > ---
        > apiVersion: v1
        > kind: ConfigMap
        > metadata: {name: two, labels: {tier: front}}
        > data: {c: d, e: f}
        > END
        configmap/one created
        configmap/two created
        $ kubectl get configmap one two -o json
        {
            "apiVersion": "v1",
            "items": [
                {
                    "apiVersion": "v1",
                    "data": {
                        "a": "b"
                    },
                    "kind": "ConfigMap",
                    "metadata": {
                        "creationTimestamp": "<time>",
                        "name": "one",
                        "namespace": "$NS",
                        "resourceVersion": "<version>",
                        "uid": "<uid>"
                    }
                },
                {
                    "apiVersion": "v1",
                    "data": {
                        "c": "d",
                        "e": "f"
                    },
                    "kind": "ConfigMap",
                    "metadata": {
                        "creationTimestamp": "<time>",
                        "labels": {
                            "tier": "front"
                        },
                        "name": "two",
                        "namespace": "$NS",
                        "resourceVersion": "<version>",
                        "uid": "<uid>"
                    }
                }
            ],
            "kind": "List",
            "metadata": {
                "resourceVersion": ""
            }
        }
        $ kubectl get configmap one -o yaml
        apiVersion: v1
        data:
          a: b
        kind: ConfigMap
        metadata:
          creationTimestamp: "<time>"
          name: one
          namespace: $NS
          resourceVersion: "<version>"
          uid: <uid>
        $ kubectl get configmap two -o jsonpath-as-json='{.data}'
        [
            {
                "c": "d",
                "e": "f"
            }
        ]
        $ kubectl get configmap -o go-template='{{range .items}}{{.metadata.name}} {{len .data}}{{"\n"}}{{end}}'
        kube-root-ca.crt 1
        one 1
        two 2
        $ kubectl get configmap -o custom-columns=NAME:.metadata.name,A:.data.a,TIER:.metadata.labels.tier --sort-by=.metadata.resourceVersion
        NAME               A        TIER
        kube-root-ca.crt   <none>   <none>
        one                b        <none>
        two                <none>   front
        $ kubectl get configmap -L tier --show-labels --show-kind
        NAME                         DATA   AGE     TIER    LABELS
        configmap/kube-root-ca.crt   1      <age>           <none>
        configmap/one                1      <age>           <none>
        configmap/two                2      <age>   front   tier=front
        $ kubectl get configmap one -o wide --server-print=false
        NAME   AGE
        one    <age>
        $ kubectl get configmap -l 'tier notin (front)' -o name --chunk-size=1
        configmap/kube-root-ca.crt
        configmap/one
        $ kubectl get configmap --field-selector metadata.name!=one -o name
        configmap/kube-root-ca.crt
        configmap/two
        "#,
    );
}

#[test]
fn what_cannot_be_found_is_told() {
    session(
        r#"
        $ kubectl get configmap kube-root-ca.crt three -o name
        configmap/kube-root-ca.crt
        Error from server (NotFound): configmaps "three" not found
        [exit 1]
        $ kubectl get configmap -l 'tier in (' -o name
        Error from server (BadRequest): Unable to find "/v1, Resource=configmaps" that match label selector "tier in (", field selector "": unable to parse requirement: found '', expected: ',', ')' or identifier
        [exit 1]
        $ kubectl get configmap --field-selector data.a=b
        Error from server (BadRequest): Unable to find "/v1, Resource=configmaps" that match label selector "", field selector "data.a=b": field label not supported: data.a
        [exit 1]
        $ kubectl get boats
        error: the server doesn't have a resource type "boats"
        [exit 1]
        $ kubectl get secrets
        No resources found in $NS namespace.
        $ kubectl get --raw /nowhere
        Error from server (NotFound): the server could not find the requested resource
        [exit 1]
        $ kubectl get configmap kube-root-ca.crt --subresource=status
        Error from server (NotFound): the server could not find the requested resource
        [exit 1]
        "#,
    );
}

#[test]
fn what_a_deployment_makes_is_listed_by_category() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx --replicas=1
        deployment.apps/web created
        ~ kubectl get all -o wide
        NAME                      READY   STATUS    RESTARTS   AGE     IP       NODE     NOMINATED NODE   READINESS GATES
        pod/web-<hash>-<random>   0/1     Pending   0          <age>   <none>   <none>   <none>           <none>

        NAME                  READY   UP-TO-DATE   AVAILABLE   AGE     CONTAINERS   IMAGES   SELECTOR
        deployment.apps/web   0/1     1            0           <age>   nginx        nginx    app=web

        NAME                         DESIRED   CURRENT   READY   AGE     CONTAINERS   IMAGES   SELECTOR
        replicaset.apps/web-<hash>   1         1         0       <age>   nginx        nginx    app=web,pod-template-hash=<hash>
        "#,
    );
}

#[test]
fn changes_are_watched() {
    session(
        r#"
        $ kubectl create configmap one --from-literal=a=b
        configmap/one created
        $ (kubectl get configmap one -w --output-watch-events > table 2>&1 & echo $! > table.pid)
        $ (kubectl get configmap one -w --output-watch-events -o jsonpath='{.type} {.object.data}{"\n"}' > paths 2>&1 & echo $! > paths.pid)
        ~ cat table paths
        EVENT   NAME   DATA   AGE
        ADDED   one    1      <age>
        ADDED {"a":"b"}
        $ kubectl patch configmap one --type=merge -p '{"data":{"c":"d"}}'
        configmap/one patched
        $ kubectl delete configmap one
        configmap "one" deleted
        ~ cat table
        EVENT      NAME   DATA   AGE
        ADDED      one    1      <age>
        MODIFIED   one    2      <age>
        DELETED    one    2      <age>
        ~ cat paths
        ADDED {"a":"b"}
        MODIFIED {"a":"b","c":"d"}
        DELETED {"a":"b","c":"d"}
        $ kill $(cat table.pid paths.pid)
        "#,
    );
}
