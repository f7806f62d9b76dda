//! `kubectl expose` and `kubectl run`.

use crate::session::session;

#[test]
fn what_has_a_selector_is_exposed() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx --port=8080 --replicas=0
        deployment.apps/web created
        $ kubectl expose deployment web
        service/web exposed
        $ kubectl expose deployment web --name=web2 --port=80 --target-port=http --type=NodePort --labels=a=b
        service/web2 exposed
        $ kubectl expose service web2 --name=web3 --port=81 --protocol=UDP
        service/web3 exposed
        $ kubectl expose deployment web --port=80
        Error from server (AlreadyExists): services "web" already exists
        [exit 1]
        $ kubectl get services -o wide --show-labels
        NAME   TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)         AGE     SELECTOR   LABELS
        web    ClusterIP   <ip>         <none>        8080/TCP        <age>   app=web    app=web
        web2   NodePort    <ip>         <none>        80:<port>/TCP   <age>   app=web    a=b
        web3   ClusterIP   <ip>         <none>        81/UDP          <age>   app=web    a=b
        "#,
    );
}

#[test]
fn a_pod_is_run() {
    session(
        r#"
        $ kubectl run one --image=busybox --restart=OnFailure --labels=app=one --env=A=b --port=80 --dry-run=server -o yaml -- date
        apiVersion: v1
        kind: Pod
        metadata:
          creationTimestamp: "<time>"
          generation: 1
          labels:
            app: one
          name: one
          namespace: $NS
          uid: <uid>
        spec:
          containers:
          - args:
            - date
            env:
            - name: A
              value: b
            image: busybox
            imagePullPolicy: Always
            name: one
            ports:
            - containerPort: 80
              protocol: TCP
            resources: {}
            terminationMessagePath: /dev/termination-log
            terminationMessagePolicy: File
            volumeMounts:
            - mountPath: /var/run/secrets/kubernetes.io/serviceaccount
              name: kube-api-access-<random>
              readOnly: true
          dnsPolicy: ClusterFirst
          enableServiceLinks: true
          preemptionPolicy: PreemptLowerPriority
          priority: 0
          restartPolicy: OnFailure
          schedulerName: default-scheduler
          securityContext: {}
          serviceAccount: default
          serviceAccountName: default
          terminationGracePeriodSeconds: 30
          tolerations:
          - effect: NoExecute
            key: node.kubernetes.io/not-ready
            operator: Exists
            tolerationSeconds: 300
          - effect: NoExecute
            key: node.kubernetes.io/unreachable
            operator: Exists
            tolerationSeconds: 300
          volumes:
          - name: kube-api-access-<random>
            projected:
              defaultMode: 420
              sources:
              - serviceAccountToken:
                  expirationSeconds: 3607
                  path: token
              - configMap:
                  items:
                  - key: ca.crt
                    path: ca.crt
                  name: kube-root-ca.crt
              - downwardAPI:
                  items:
                  - fieldRef:
                      apiVersion: v1
                      fieldPath: metadata.namespace
                    path: namespace
        status:
          phase: Pending
          qosClass: BestEffort
        $ kubectl run two --image=busybox --expose --port=80
        service/two created
        pod/two created
        $ kubectl get pods,services
        NAME      READY   STATUS    RESTARTS   AGE
        pod/two   0/1     Pending   0          <age>

        NAME          TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE
        service/two   ClusterIP   <ip>         <none>        80/TCP    <age>
        $ kubectl run Three --image=busybox
        The Pod "Three" is invalid:
        * metadata.name: Invalid value: "Three": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
        * spec.containers[0].name: Invalid value: "Three": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')
        [exit 1]
        $ kubectl run six --image=busybox --overrides='{"spec":{"dnsPolicy":"Sometimes"}}'
        The Pod "six" is invalid: spec.dnsPolicy: Unsupported value: "Sometimes": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"
        [exit 1]
        "#,
    );
}
