//! `kubectl set`: image, env, resources, serviceaccount, selector, subject.

use crate::session::session;

#[test]
fn parts_of_a_pod_template_are_set() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx:1 --replicas=0
        deployment.apps/web created
        $ kubectl set image deployment/web nginx=nginx:2
        deployment.apps/web image updated
        $ kubectl create configmap vars --from-literal=c=3
        configmap/vars created
        $ kubectl set env deployment/web A=1 B=2
        deployment.apps/web env updated
        $ kubectl set env deployment/web A- --from=configmap/vars --prefix=CFG_
        Warning: key c transferred to C
        deployment.apps/web env updated
        $ kubectl set env deployment/web --list --resolve
        # Deployment web, container nginx
        B=2
        CFG_C=3
        $ kubectl set resources deployment/web --limits=cpu=200m,memory=64Mi --requests=cpu=0.1
        deployment.apps/web resource requirements updated
        $ kubectl set resources deployment/web --limits=cpu=100m --requests=cpu=200m
        error: failed to patch resources update to pod template Deployment.apps "web" is invalid: spec.template.spec.containers[0].resources.requests: Invalid value: "200m": must be less than or equal to cpu limit of 100m
        [exit 1]
        $ kubectl set serviceaccount deployment/web robot
        deployment.apps/web serviceaccount updated
        $ kubectl get deployment web -o yaml | sed -n '/containers:/,/securityContext/p'
              containers:
              - env:
                - name: B
                  value: "2"
                - name: CFG_C
                  valueFrom:
                    configMapKeyRef:
                      key: c
                      name: vars
                image: nginx:2
                imagePullPolicy: IfNotPresent
                name: nginx
                resources:
                  limits:
                    cpu: 200m
                    memory: 64Mi
                  requests:
                    cpu: 100m
                terminationMessagePath: /dev/termination-log
                terminationMessagePolicy: File
              dnsPolicy: ClusterFirst
              restartPolicy: Always
              schedulerName: default-scheduler
              securityContext: {}
        "#,
    );
}

#[test]
fn selectors_and_subjects_are_set() {
    session(
        r#"
        $ kubectl create service clusterip web --tcp=80
        service/web created
        $ kubectl set selector service web tier=front,app=web -o jsonpath='{.spec.selector}'
        {"app":"web","tier":"front"}
        $ kubectl create rolebinding view --clusterrole=view --user=jane
        rolebinding.rbac.authorization.k8s.io/view created
        $ kubectl set subject rolebinding view --user=joe --group=team --serviceaccount=$NS:robot
        rolebinding.rbac.authorization.k8s.io/view subjects updated
        $ kubectl get rolebinding view -o wide
        NAME   ROLE               AGE     USERS       GROUPS   SERVICEACCOUNTS
        view   ClusterRole/view   <age>   jane, joe   team     $NS/robot
        "#,
    );
}
