//! `kubectl scale` and `kubectl autoscale`.

use crate::session::session;

#[test]
fn scale_sets_the_replicas_through_the_subresource() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx --replicas=0
        deployment.apps/web created
        $ kubectl scale deployment web --replicas=2
        deployment.apps/web scaled
        ~ kubectl get deployment web
        NAME   READY   UP-TO-DATE   AVAILABLE   AGE
        web    0/2     2            0           <age>
        $ kubectl scale --current-replicas=5 --replicas=1 deployment/web
        error: Expected replicas to be 5, was 2
        [exit 1]
        $ kubectl get deployment web --subresource=scale -o jsonpath='{.kind} {.spec} {.status}'
        Scale {"replicas":2} {"replicas":2,"selector":"app=web"}
        $ kubectl create -f - <<END
        > apiVersion: v1
        > kind: ReplicationController
        > metadata: {name: old}
        > spec: {replicas: 0, selector: {app: old}, template: {metadata: {labels: {app: old}}, spec: {containers: [{name: old, image: nginx}]}}}
        > END
        replicationcontroller/old created
        $ kubectl scale deployment,rc --all --replicas=0
        deployment.apps/web scaled
        replicationcontroller/old scaled
        $ kubectl scale configmap kube-root-ca.crt --replicas=1
        Error from server (NotFound): the server could not find the requested resource
        [exit 1]
        $ kubectl autoscale deployment web --min=2 --max=5 --cpu-percent=80
        horizontalpodautoscaler.autoscaling/web autoscaled
        $ kubectl get hpa web
        NAME   REFERENCE        TARGETS              MINPODS   MAXPODS   REPLICAS   AGE
        web    Deployment/web   cpu: <unknown>/80%   2         5         0          <age>
        $ kubectl get hpa web -o jsonpath='{.apiVersion} {.spec}'
        autoscaling/v2 {"maxReplicas":5,"metrics":[{"resource":{"name":"cpu","target":{"averageUtilization":80,"type":"Utilization"}},"type":"Resource"}],"minReplicas":2,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"}}
        "#,
    );
}
