//! `kubectl describe`.

use crate::session::session;

#[test]
fn a_pod_and_its_service_are_described() {
    session(
        r#"
        $ kubectl create -f - <<END
        > apiVersion: v1
        > kind: Pod
        > metadata: {name: web, labels: {app: web}, annotations: {note: hello}}
        > spec:
        >   initContainers: [{name: setup, image: busybox, command: [sh, -c, 'true']}]
        >   containers:
        >   - name: web
        >     image: nginx:1
        >     ports: [{name: http, containerPort: 80}]
        >     env: [{name: A, value: b}, {name: C, valueFrom: {configMapKeyRef: {name: vars, key: c}}}]
        >     resources: {requests: {cpu: 100m}, limits: {cpu: 200m, memory: 64Mi}}
        >     readinessProbe: {httpGet: {path: /, port: http}}
        >     volumeMounts: [{name: data, mountPath: /data}]
        >   volumes: [{name: data, emptyDir: {}}]
        >   nodeSelector: {disk: ssd}
        > END
        pod/web created
        ~ kubectl get events -o name | wc -l
        1
        $ kubectl describe pod web
        Name:             web
        Namespace:        $NS
        Priority:         0
        Service Account:  default
        Node:             <none>
        Labels:           app=web
        Annotations:      note: hello
        Status:           Pending
        IP:
        IPs:              <none>
        Init Containers:
          setup:
            Image:      busybox
            Port:       <none>
            Host Port:  <none>
            Command:
              sh
              -c
              true
            Environment:  <none>
            Mounts:
              /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-<random> (ro)
        Containers:
          web:
            Image:      nginx:1
            Port:       80/TCP
            Host Port:  0/TCP
            Limits:
              cpu:     200m
              memory:  64Mi
            Requests:
              cpu:      100m
              memory:   64Mi
            Readiness:  http-get http://:http/ delay=0s timeout=1s period=10s #success=1 #failure=3
            Environment:
              A:  b
              C:  <set to the key 'c' of config map 'vars'>  Optional: false
            Mounts:
              /data from data (rw)
              /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-<random> (ro)
        Conditions:
          Type           Status
          PodScheduled   False
        Volumes:
          data:
            Type:       EmptyDir (a temporary directory that shares a pod's lifetime)
            Medium:
            SizeLimit:  <unset>
          kube-api-access-<random>:
            Type:                    Projected (a volume that contains injected data from multiple sources)
            TokenExpirationSeconds:  3607
            ConfigMapName:           kube-root-ca.crt
        [..1.32]     ConfigMapOptional:       <nil>
        [1.33..]     Optional:                false
            DownwardAPI:             true
        QoS Class:                   Burstable
        Node-Selectors:              disk=ssd
        Tolerations:                 node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
                                     node.kubernetes.io/unreachable:NoExecute op=Exists for 300s
        Events:
          Type     Reason            Age    From               Message
          ----     ------            ----   ----               -------
          Warning  FailedScheduling  <age>  default-scheduler  no nodes available to schedule pods
        $ kubectl patch pod web --subresource=status --type=merge -p '{"status":{"phase":"Running","podIP":"192.0.2.9","podIPs":[{"ip":"192.0.2.9"}],"conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[{"name":"web","image":"nginx:1","imageID":"sha256:1","ready":true,"restartCount":0,"state":{"running":{"startedAt":"2026-01-02T03:04:05Z"}}}]}}'
        pod/web patched
        $ kubectl get pod web -o wide
        NAME   READY   STATUS    RESTARTS   AGE     IP          NODE     NOMINATED NODE   READINESS GATES
        web    1/1     Running   0          <age>   192.0.2.9   <none>   <none>           <none>
        $ kubectl create service clusterip web --tcp=80:http
        service/web created
        ~ kubectl get endpoints web
        Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice
        NAME   ENDPOINTS      AGE
        web    192.0.2.9:80   <age>
        ~ kubectl get endpointslices -o custom-columns=TYPE:.addressType,PORTS:.ports[*].port,ENDPOINTS:.endpoints[*].addresses[*]
        TYPE   PORTS   ENDPOINTS
        IPv4   80      192.0.2.9
        $ kubectl describe service web
        [..1.30] Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice
        [..1.30] Name:              web
        [..1.30] Namespace:         $NS
        [..1.30] Labels:            app=web
        [..1.30] Annotations:       <none>
        [..1.30] Selector:          app=web
        [..1.30] Type:              ClusterIP
        [..1.30] IP Family Policy:  SingleStack
        [..1.30] IP Families:       IPv4
        [..1.30] IP:                <ip>
        [..1.30] IPs:               <ip>
        [..1.30] Port:              80-http  80/TCP
        [..1.30] TargetPort:        http/TCP
        [..1.30] Endpoints:         192.0.2.9:80
        [..1.30] Session Affinity:  None
        [..1.30] Events:            <none>
        [1.31..] Name:                     web
        [1.31..] Namespace:                $NS
        [1.31..] Labels:                   app=web
        [1.31..] Annotations:              <none>
        [1.31..] Selector:                 app=web
        [1.31..] Type:                     ClusterIP
        [1.31..] IP Family Policy:         SingleStack
        [1.31..] IP Families:              IPv4
        [1.31..] IP:                       <ip>
        [1.31..] IPs:                      <ip>
        [1.31..] Port:                     80-http  80/TCP
        [1.31..] TargetPort:               http/TCP
        [1.31..] Endpoints:                192.0.2.9:80
        [1.31..] Session Affinity:         None
        [1.31..] Internal Traffic Policy:  Cluster
        [1.31..] Events:                   <none>
        "#,
    );
}

#[test]
fn a_deployment_is_described() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx --replicas=2
        deployment.apps/web created
        ~ kubectl get deployment,events -o jsonpath='{.items[*].status.conditions[*].reason} {.items[*].reason}' | tr ' ' '\n' | sort
        FailedScheduling
        FailedScheduling
        MinimumReplicasUnavailable
        ReplicaSetUpdated
        ScalingReplicaSet
        SuccessfulCreate
        SuccessfulCreate
        $ kubectl describe deployment web
        Name:                   web
        Namespace:              $NS
        CreationTimestamp:      <time>
        Labels:                 app=web
        Annotations:            deployment.kubernetes.io/revision: 1
        Selector:               app=web
        Replicas:               2 desired | 2 updated | 2 total | 0 available | 2 unavailable
        StrategyType:           RollingUpdate
        MinReadySeconds:        0
        RollingUpdateStrategy:  25% max unavailable, 25% max surge
        Pod Template:
          Labels:  app=web
          Containers:
           nginx:
        [..1.29]     Image:        nginx
        [..1.29]     Port:         <none>
        [..1.29]     Host Port:    <none>
        [..1.29]     Environment:  <none>
        [..1.29]     Mounts:       <none>
        [..1.29]   Volumes:        <none>
        [1.30..]     Image:         nginx
        [1.30..]     Port:          <none>
        [1.30..]     Host Port:     <none>
        [1.30..]     Environment:   <none>
        [1.30..]     Mounts:        <none>
        [1.30..]   Volumes:         <none>
        [1.30..]   Node-Selectors:  <none>
        [1.30..]   Tolerations:     <none>
        Conditions:
          Type           Status  Reason
          ----           ------  ------
          Available      False   MinimumReplicasUnavailable
          Progressing    True    ReplicaSetUpdated
        OldReplicaSets:  <none>
        NewReplicaSet:   web-<hash> (2/2 replicas created)
        Events:
          Type    Reason             Age    From                   Message
          ----    ------             ----   ----                   -------
          Normal  ScalingReplicaSet  <age>  deployment-controller  Scaled up replica set web-<hash> from 0 to 2
        $ kubectl describe replicaset -l app=web | grep -v pod-template-hash
        Name:           web-<hash>
        Namespace:      $NS
        Labels:         app=web
        Annotations:    deployment.kubernetes.io/desired-replicas: 2
                        deployment.kubernetes.io/max-replicas: 3
                        deployment.kubernetes.io/revision: 1
        Controlled By:  Deployment/web
        Replicas:       2 current / 2 desired
        Pods Status:    0 Running / 2 Waiting / 0 Succeeded / 0 Failed
        Pod Template:
          Labels:  app=web
          Containers:
           nginx:
        [..1.29]     Image:        nginx
        [..1.29]     Port:         <none>
        [..1.29]     Host Port:    <none>
        [..1.29]     Environment:  <none>
        [..1.29]     Mounts:       <none>
        [..1.29]   Volumes:        <none>
        [1.30..]     Image:         nginx
        [1.30..]     Port:          <none>
        [1.30..]     Host Port:     <none>
        [1.30..]     Environment:   <none>
        [1.30..]     Mounts:        <none>
        [1.30..]   Volumes:         <none>
        [1.30..]   Node-Selectors:  <none>
        [1.30..]   Tolerations:     <none>
        Events:
          Type    Reason            Age    From                   Message
          ----    ------            ----   ----                   -------
          Normal  SuccessfulCreate  <age>  replicaset-controller  Created pod: web-<hash>-<random>
          Normal  SuccessfulCreate  <age>  replicaset-controller  Created pod: web-<hash>-<random>
        "#,
    );
}

#[test]
fn config_and_namespaces_are_described() {
    session(
        r#"
        $ kubectl create secret generic keys --from-literal=a=b
        secret/keys created
        $ kubectl create configmap vars --from-literal=c=d
        configmap/vars created
        $ kubectl create quota small --hard=secrets=2
        resourcequota/small created
        ~ kubectl describe quota small
        Name:       small
        Namespace:  $NS
        Resource    Used  Hard
        --------    ----  ----
        secrets     1     2
        $ kubectl describe secret/keys configmap/vars serviceaccount/default namespace/$NS
        Name:         keys
        Namespace:    $NS
        Labels:       <none>
        Annotations:  <none>

        Type:  Opaque

        Data
        ====
        a:  1 bytes


        Name:         vars
        Namespace:    $NS
        Labels:       <none>
        Annotations:  <none>

        Data
        ====
        c:
        ----
        d
        [1.31..]

        BinaryData
        ====

        Events:  <none>


        Name:                default
        Namespace:           $NS
        Labels:              <none>
        Annotations:         <none>
        Image pull secrets:  <none>
        Mountable secrets:   <none>
        Tokens:              <none>
        Events:              <none>


        Name:         $NS
        Labels:       kubernetes.io/metadata.name=$NS
        Annotations:  <none>
        Status:       Active

        Resource Quotas
          Name:     small
          Resource  Used  Hard
          --------  ---   ---
          secrets   1     2

        No LimitRange resource.
        "#,
    );
}
