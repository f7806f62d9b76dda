//! `kubectl apply --server-side`: owners of fields, and conflicts between them.

use crate::session::session;

#[test]
fn another_manager_is_told_of_a_conflict_and_may_force_it() {
    session(
        r#"
        $ cat > page.yaml <<END
        > apiVersion: v1
        > kind: ConfigMap
        > metadata: {name: page}
        > data: {a: b, c: d}
        > END
        $ kubectl apply --server-side -f page.yaml
        configmap/page serverside-applied
        $ sed -i 's/a: b/a: x/' page.yaml
        $ kubectl apply --server-side --field-manager=other -f page.yaml
        error: Apply failed with 1 conflict: conflict with "kubectl": .data.a
        Please review the fields above--they currently have other managers. Here
        are the ways you can resolve this warning:
        * If you intend to manage all of these fields, please re-run the apply
          command with the `--force-conflicts` flag.
        * If you do not intend to manage all of the fields, please edit your
          manifest to remove references to the fields that should keep their
          current managers.
        * You may co-own fields by updating your manifest to match the existing
          value; in this case, you'll become the manager if the other manager(s)
          stop managing the field (remove it from their configuration).
        See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts
        [exit 1]
        $ kubectl apply --server-side --field-manager=other --force-conflicts -f page.yaml
        configmap/page serverside-applied
        $ kubectl get configmap page --show-managed-fields -o yaml
        apiVersion: v1
        data:
          a: x
          c: d
        kind: ConfigMap
        metadata:
          creationTimestamp: "<time>"
          managedFields:
          - apiVersion: v1
            fieldsType: FieldsV1
            fieldsV1:
              f:data:
                f:c: {}
            manager: kubectl
            operation: Apply
            time: "<time>"
          - apiVersion: v1
            fieldsType: FieldsV1
            fieldsV1:
              f:data:
                f:a: {}
                f:c: {}
            manager: other
            operation: Apply
            time: "<time>"
          name: page
          namespace: $NS
          resourceVersion: "<version>"
          uid: <uid>
        "#,
    );
}

#[test]
fn conflicts_are_listed_by_manager() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx --replicas=0
        deployment.apps/web created
        $ kubectl patch deployment web --field-manager=patcher -p '{"spec":{"paused":true}}'
        deployment.apps/web patched
        $ cat > web.yaml <<END
        > apiVersion: apps/v1
        > kind: Deployment
        > metadata: {name: web}
        > spec:
        >   paused: false
        >   replicas: 1
        >   selector: {matchLabels: {app: web}}
        >   template: {metadata: {labels: {app: web}}, spec: {containers: [{name: nginx, image: 'nginx:2'}]}}
        > END
        $ kubectl apply --server-side -f web.yaml 2>&1 | head -6
        error: Apply failed with 3 conflicts: conflicts with "kubectl-create" using apps/v1:
        - .spec.replicas
        - .spec.template.spec.containers[name="nginx"].image
        conflicts with "patcher" using apps/v1:
        - .spec.paused
        Please review the fields above--they currently have other managers. Here
        $ kubectl apply --server-side --force-conflicts -f web.yaml -o jsonpath='{.spec.replicas} {.spec.paused}'
        1
        "#,
    );
}

#[test]
fn a_configuration_that_its_kind_does_not_take_is_refused() {
    session(
        r#"
        $ cat > web.yaml <<END
        > apiVersion: apps/v1
        > kind: Deployment
        > metadata: {name: web}
        > spec:
        >   replicas: 1
        >   selector: {matchLabels: {app: web}}
        >   template: {metadata: {labels: {app: web}}, spec: {containers: [{name: nginx, image: nginx}]}}
        > END
        $ sed 's/image:/imge:/' web.yaml | kubectl apply --server-side -f -
        Error from server: failed to create typed patch object ($NS/web; apps/v1, Kind=Deployment): .spec.template.spec.containers[name="nginx"].imge: field not declared in schema
        [exit 1]
        $ sed 's/replicas: 1/replicas: one/' web.yaml | kubectl apply --server-side -f -
        Error from server: failed to create typed patch object ($NS/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string
        [exit 1]
        $ sed 's/image: nginx/image: 1/' web.yaml | kubectl apply --server-side -f -
        Error from server: failed to create typed patch object ($NS/web; apps/v1, Kind=Deployment): .spec.template.spec.containers[name="nginx"].image: expected string, got &value.valueUnstructured{Value:1}
        [exit 1]
        $ sed 's/name: nginx, //' web.yaml | kubectl apply --server-side -f -
        Error from server: failed to create typed patch object ($NS/web; apps/v1, Kind=Deployment): .spec.template.spec.containers: element 0: associative list with keys has an element that omits key field "name" (and doesn't have default value)
        [exit 1]
        "#,
    );
}
