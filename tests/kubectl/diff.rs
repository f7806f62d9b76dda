//! `kubectl diff`: exit code 1 and the difference between what is and what would be.

use crate::session::session;

#[test]
fn diff_shows_what_apply_would_change() {
    session(
        r#"
        $ cat > web.yaml <<END
        > apiVersion: apps/v1
        > kind: Deployment
        > metadata: {name: web}
        > spec:
        >   replicas: 0
        >   selector: {matchLabels: {app: web}}
        >   template:
        >     metadata: {labels: {app: web}}
        >     spec: {containers: [{name: web, image: 'nginx:1'}]}
        > END
        $ kubectl diff -f web.yaml
        diff -u -N $TMPDIR/LIVE-<random>/apps.v1.Deployment.$NS.web $TMPDIR/MERGED-<random>/apps.v1.Deployment.$NS.web
        --- $TMPDIR/LIVE-<random>/apps.v1.Deployment.$NS.web\t<time>
        +++ $TMPDIR/MERGED-<random>/apps.v1.Deployment.$NS.web\t<time>
        @@ -0,0 +1,38 @@
        +apiVersion: apps/v1
        +kind: Deployment
        +metadata:
        +  creationTimestamp: "<time>"
        +  generation: 1
        +  name: web
        +  namespace: $NS
        +  uid: <uid>
        +spec:
        +  progressDeadlineSeconds: 600
        +  replicas: 0
        +  revisionHistoryLimit: 10
        +  selector:
        +    matchLabels:
        +      app: web
        +  strategy:
        +    rollingUpdate:
        +      maxSurge: 25%
        +      maxUnavailable: 25%
        +    type: RollingUpdate
        +  template:
        +    metadata:
        +      labels:
        +        app: web
        +    spec:
        +      containers:
        +      - image: nginx:1
        +        imagePullPolicy: IfNotPresent
        +        name: web
        +        resources: {}
        +        terminationMessagePath: /dev/termination-log
        +        terminationMessagePolicy: File
        +      dnsPolicy: ClusterFirst
        +      restartPolicy: Always
        +      schedulerName: default-scheduler
        +      securityContext: {}
        +      terminationGracePeriodSeconds: 30
        +status: {}
        [exit 1]
        $ kubectl apply --server-side -f web.yaml
        deployment.apps/web serverside-applied
        $ kubectl rollout status deployment/web | tail -1
        deployment "web" successfully rolled out
        $ kubectl diff -f web.yaml
        $ sed -i 's/nginx:1/nginx:2/; s/replicas: 0/replicas: 0\n  paused: true/' web.yaml
        $ kubectl diff -f web.yaml
        diff -u -N $TMPDIR/LIVE-<random>/apps.v1.Deployment.$NS.web $TMPDIR/MERGED-<random>/apps.v1.Deployment.$NS.web
        --- $TMPDIR/LIVE-<random>/apps.v1.Deployment.$NS.web\t<time>
        +++ $TMPDIR/MERGED-<random>/apps.v1.Deployment.$NS.web\t<time>
        @@ -4,12 +4,13 @@
           annotations:
             deployment.kubernetes.io/revision: "1"
           creationTimestamp: "<time>"
        -  generation: 1
        +  generation: 2
           name: web
           namespace: $NS
           resourceVersion: "<version>"
           uid: <uid>
         spec:
        +  paused: true
           progressDeadlineSeconds: 600
           replicas: 0
           revisionHistoryLimit: 10
        @@ -27,7 +28,7 @@
                 app: web
             spec:
               containers:
        -      - image: nginx:1
        +      - image: nginx:2
                 imagePullPolicy: IfNotPresent
                 name: web
                 resources: {}
        [exit 1]
        $ kubectl diff --server-side -f web.yaml | grep '^[-+] '
        -  generation: 1
        +  generation: 2
        +  paused: true
        -      - image: nginx:1
        +      - image: nginx:2
        "#,
    );
}
