//! `kubectl create service` and `ingress`.

use crate::session::session;

#[test]
fn services_are_made_of_every_type() {
    session(
        r#"
        $ kubectl create service clusterip web --tcp=80:8080 --tcp=443 -o yaml
        apiVersion: v1
        kind: Service
        metadata:
          creationTimestamp: "<time>"
          labels:
            app: web
          name: web
          namespace: $NS
          resourceVersion: "<version>"
          uid: <uid>
        spec:
          clusterIP: <ip>
          clusterIPs:
          - <ip>
          internalTrafficPolicy: Cluster
          ipFamilies:
          - IPv4
          ipFamilyPolicy: SingleStack
          ports:
          - name: 80-8080
            port: 80
            protocol: TCP
            targetPort: 8080
          - name: "443"
            port: 443
            protocol: TCP
            targetPort: 443
          selector:
            app: web
          sessionAffinity: None
          type: ClusterIP
        status:
          loadBalancer: {}
        $ kubectl create service clusterip headless --clusterip=None --tcp=5432
        service/headless created
        $ kubectl create service nodeport door --tcp=80
        service/door created
        $ kubectl create service loadbalancer front --tcp=80:http
        service/front created
        $ kubectl create service externalname away --external-name=example.com
        service/away created
        $ kubectl get services -o wide
        NAME       TYPE           CLUSTER-IP   EXTERNAL-IP   PORT(S)          AGE     SELECTOR
        away       ExternalName   <none>       example.com   <none>           <age>   app=away
        door       NodePort       <ip>         <none>        80:<port>/TCP    <age>   app=door
        front      LoadBalancer   <ip>         <pending>     80:<port>/TCP    <age>   app=front
        headless   ClusterIP      None         <none>        5432/TCP         <age>   app=headless
        web        ClusterIP      <ip>         <none>        80/TCP,443/TCP   <age>   app=web
        $ kubectl create service nodeport low --tcp=80 --node-port=80
        error: failed to create NodePort service: Service "low" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is <port>-<port>
        [exit 1]
        "#,
    );
}

#[test]
fn ingresses_are_made_of_rules() {
    session(
        r#"
        $ kubectl create ingress simple --class=nginx --rule='example.com/=web:80' --rule='example.com/api*=api:http,tls=web-tls' --annotation=a=b -o yaml
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata:
          annotations:
            a: b
          creationTimestamp: "<time>"
          generation: 1
          name: simple
          namespace: $NS
          resourceVersion: "<version>"
          uid: <uid>
        spec:
          ingressClassName: nginx
          rules:
          - host: example.com
            http:
              paths:
              - backend:
                  service:
                    name: web
                    port:
                      number: 80
                path: /
                pathType: Exact
              - backend:
                  service:
                    name: api
                    port:
                      name: http
                path: /api
                pathType: Prefix
          tls:
          - hosts:
            - example.com
            secretName: web-tls
        status:
          loadBalancer: {}
        $ kubectl create ingress catch --default-backend=web:80
        ingress.networking.k8s.io/catch created
        $ kubectl get ingress
        NAME     CLASS    HOSTS         ADDRESS   PORTS     AGE
        catch    <none>   *                       80        <age>
        simple   nginx    example.com             80, 443   <age>
        "#,
    );
}
