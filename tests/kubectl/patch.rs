//! `kubectl patch` with its three types, and of subresources.

use crate::session::session;

#[test]
fn the_three_types_differ_in_how_they_treat_lists() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx --image=busybox --replicas=0
        deployment.apps/web created
        $ kubectl patch deployment web -p '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","image":"nginx:2"}]}}}}' -o jsonpath='{.spec.template.spec.containers[*].image}'
        nginx:2 busybox
        $ kubectl patch configmap kube-root-ca.crt -p '{"metadata":{"labels":null}}'
        configmap/kube-root-ca.crt patched (no change)
        $ kubectl patch deployment web --type=merge -p '{"spec":{"template":{"spec":{"containers":[{"name":"only","image":"one"}]}}}}'
        deployment.apps/web patched
        $ kubectl patch deployment web --type=json -p '[{"op":"test","path":"/spec/replicas","value":0},{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"two"},{"op":"add","path":"/metadata/labels/tier","value":"front"}]'
        deployment.apps/web patched
        $ kubectl get deployment web -o wide --show-labels
        NAME   READY   UP-TO-DATE   AVAILABLE   AGE     CONTAINERS   IMAGES   SELECTOR   LABELS
        web    0/0     0            0           <age>   only         two      app=web    app=web,tier=front
        "#,
    );
}

#[test]
fn patches_are_refused_in_upstreams_words() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx --replicas=0
        deployment.apps/web created
        $ kubectl patch deployment web --type=json -p '[{"op":"test","path":"/spec/replicas","value":1}]'
        The request is invalid: the server rejected our request due to an error in our request
        [exit 1]
        $ kubectl patch deployment web --type=merge -p '{"spec":{"replicas":"many"}}' 2>&1 | sed 's/{.*}/{...}/'
        The request is invalid: patch: Invalid value: "{...}": json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32
        $ kubectl patch deployment web -p '{"spec":{"replicas":"many"}}'
        The request is invalid: patch: Invalid value: "map[spec:map[replicas:many]]": unrecognized type: int32
        [exit 1]
        $ kubectl patch deployment web -p '{"spec":{"replicas":-1}}'
        The Deployment "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0
        [exit 1]
        $ kubectl patch deployment web -p '{"spec":{"selector":{"matchLabels":{"app":"other"}}}}'
        The Deployment "web" is invalid:
        * spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`
        * spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable
        [exit 1]
        $ kubectl patch deployment web -p '{"metadata":{"name":"other"}}'
        Error from server (BadRequest): the name of the object (other) does not match the name on the URL (web)
        [exit 1]
        $ kubectl patch deployment web -p '{"metadata":{"resourceVersion":"1"}}'
        Error from server (Conflict): Operation cannot be fulfilled on deployments.apps "web": the object has been modified; please apply your changes to the latest version and try again
        [exit 1]
        "#,
    );
}

#[test]
fn subresources_are_patched() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx --replicas=0
        deployment.apps/web created
        $ kubectl patch deployment web --subresource=scale --type=merge -p '{"spec":{"replicas":2}}'
        scale.autoscaling/web patched
        $ kubectl patch deployment web --subresource=status --type=merge -p '{"status":{"collisionCount":3},"spec":{"replicas":7}}' -o jsonpath='{.spec.replicas} {.status.collisionCount}'
        2 3
        $ kubectl patch deployment web --subresource=paint --type=merge -p '{}'
        [..1.31] error: invalid subresource value: "paint". Must be one of [status scale]
        [1.32..] Error from server (NotFound): the server could not find the requested resource
        [exit 1]
        "#,
    );
}
