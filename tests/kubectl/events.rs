//! `kubectl events` and `kubectl get events`.

use crate::session::session;

#[test]
fn events_tell_the_story_of_a_deployment() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx --replicas=1
        deployment.apps/web created
        ~ kubectl events --for deployment/web
        LAST SEEN   TYPE     REASON              OBJECT           MESSAGE
        <age>       Normal   ScalingReplicaSet   Deployment/web   Scaled up replica set web-<hash> from 0 to 1
        ~ kubectl events --types=Warning
        LAST SEEN   TYPE      REASON             OBJECT                    MESSAGE
        <age>       Warning   FailedScheduling   Pod/web-<hash>-<random>   no nodes available to schedule pods
        $ kubectl get events --field-selector involvedObject.kind!=Deployment --sort-by=.reason -o wide
        LAST SEEN   TYPE      REASON             OBJECT                    SUBOBJECT   SOURCE                  MESSAGE                               FIRST SEEN   COUNT   NAME
        <age>       Warning   FailedScheduling   pod/web-<hash>-<random>               default-scheduler       no nodes available to schedule pods   <age>        1       web-<hash>-<random>.<random>
        <age>       Normal    SuccessfulCreate   replicaset/web-<hash>                 replicaset-controller   Created pod: web-<hash>-<random>      <age>        1       web-<hash>.<random>
        $ kubectl get events.events.k8s.io --field-selector regarding.kind=Pod
        LAST SEEN   TYPE      REASON             OBJECT                    MESSAGE
        <age>       Warning   FailedScheduling   pod/web-<hash>-<random>   no nodes available to schedule pods
        $ kubectl get events --field-selector involvedObject.colour=red
        Error from server (BadRequest): Unable to find "/v1, Resource=events" that match label selector "", field selector "involvedObject.colour=red": field label not supported: involvedObject.colour
        [exit 1]
        "#,
    );
}
