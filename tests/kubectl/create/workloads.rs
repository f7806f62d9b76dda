//! `kubectl create deployment`, `job` and `cronjob`.

use crate::session::session;

#[test]
fn deployments_get_their_defaults() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx --replicas=0 --port=80 --dry-run=server -o yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          creationTimestamp: "<time>"
          generation: 1
          labels:
            app: web
          name: web
          namespace: $NS
          uid: <uid>
        spec:
          progressDeadlineSeconds: 600
          replicas: 0
          revisionHistoryLimit: 10
          selector:
            matchLabels:
              app: web
          strategy:
            rollingUpdate:
              maxSurge: 25%
              maxUnavailable: 25%
            type: RollingUpdate
          template:
            metadata:
              creationTimestamp: null
              labels:
                app: web
            spec:
              containers:
              - image: nginx
                imagePullPolicy: Always
                name: nginx
                ports:
                - containerPort: 80
                  protocol: TCP
                resources: {}
                terminationMessagePath: /dev/termination-log
                terminationMessagePolicy: File
              dnsPolicy: ClusterFirst
              restartPolicy: Always
              schedulerName: default-scheduler
              securityContext: {}
              terminationGracePeriodSeconds: 30
        status: {}
        $ kubectl create deployment web --image=nginx:1.27 --image=busybox --replicas=0
        deployment.apps/web created
        $ kubectl get deployment web -o wide
        NAME   READY   UP-TO-DATE   AVAILABLE   AGE     CONTAINERS      IMAGES               SELECTOR
        web    0/0     0            0           <age>   nginx,busybox   nginx:1.27,busybox   app=web
        "#,
    );
}

#[test]
fn jobs_are_made_alone_or_from_a_cron_job() {
    session(
        r#"
        $ kubectl create job once --image=busybox --dry-run=server -o yaml -- date
        apiVersion: batch/v1
        kind: Job
        metadata:
          creationTimestamp: "<time>"
          generation: 1
          name: once
          namespace: $NS
          uid: <uid>
        spec:
          backoffLimit: 6
          completionMode: NonIndexed
          completions: 1
          manualSelector: false
          parallelism: 1
        [1.28..]   podReplacementPolicy: TerminatingOrFailed
          selector:
            matchLabels:
              batch.kubernetes.io/controller-uid: <uid>
          suspend: false
          template:
            metadata:
              creationTimestamp: null
              labels:
                batch.kubernetes.io/controller-uid: <uid>
                batch.kubernetes.io/job-name: once
                controller-uid: <uid>
                job-name: once
            spec:
              containers:
              - command:
                - date
                image: busybox
                imagePullPolicy: Always
                name: once
                resources: {}
                terminationMessagePath: /dev/termination-log
                terminationMessagePolicy: File
              dnsPolicy: ClusterFirst
              restartPolicy: Never
              schedulerName: default-scheduler
              securityContext: {}
              terminationGracePeriodSeconds: 30
        status: {}
        $ kubectl create cronjob nightly --image=busybox --schedule='0 3 * * *' --restart=OnFailure -- date -u
        cronjob.batch/nightly created
        $ kubectl get cronjobs -o wide
        NAME      SCHEDULE    TIMEZONE   SUSPEND   ACTIVE   LAST SCHEDULE   AGE     CONTAINERS   IMAGES    SELECTOR
        nightly   0 3 * * *   <none>     False     0        <none>          <age>   nightly      busybox   <none>
        $ kubectl create job now --from=cronjob/nightly -o jsonpath='{.metadata.annotations} {.metadata.ownerReferences[0].name} {.spec.template.spec.containers[0].command}'
        {"cronjob.kubernetes.io/instantiate":"manual"} nightly ["date","-u"]
        $ kubectl create cronjob wrong --image=busybox --schedule='0 3 * * *' --restart=Always
        error: failed to create cronjob: CronJob.batch "wrong" is invalid: spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"
        [exit 1]
        "#,
    );
}
