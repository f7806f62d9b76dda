//! `kubectl create configmap`, `secret`, `serviceaccount`, `token` and `namespace`.

use crate::session::session;

#[test]
fn config_maps_are_made_from_literals_files_and_environment_files() {
    session(
        r#"
        $ printf 'one\ntwo\n' > lines.txt; printf 'A=1\n# a remark\nB=two words\n' > vars.env; printf '\377\376' > binary
        $ kubectl create configmap files --from-file=lines.txt --from-file=key=vars.env --from-file=binary -o yaml
        apiVersion: v1
        binaryData:
          binary: //4=
        data:
          key: |
            A=1
            # a remark
            B=two words
          lines.txt: |
            one
            two
        kind: ConfigMap
        metadata:
          creationTimestamp: "<time>"
          name: files
          namespace: $NS
          resourceVersion: "<version>"
          uid: <uid>
        $ kubectl create configmap env --from-env-file=vars.env -o jsonpath='{.data}'
        {"A":"1","B":"two words"}
        $ kubectl create configmap literals --from-literal=a=b --from-literal=c=d
        configmap/literals created
        $ kubectl get configmap literals files env
        NAME       DATA   AGE
        literals   2      <age>
        files      3      <age>
        env        2      <age>
        $ kubectl create configmap literals --from-literal=a=b
        error: failed to create configmap: configmaps "literals" already exists
        [exit 1]
        $ kubectl create configmap Bad --from-literal=a=b
        error: failed to create configmap: ConfigMap "Bad" is invalid: metadata.name: Invalid value: "Bad": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
        [exit 1]
        "#,
    );
}

#[test]
fn secrets_are_made_of_every_type() {
    session(
        r#"
        $ openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout tls.key -out tls.crt -subj /CN=web 2>/dev/null
        $ kubectl create secret generic literals --from-literal=user=admin --from-literal=password=hunter2 -o yaml
        apiVersion: v1
        data:
          password: aHVudGVyMg==
          user: YWRtaW4=
        kind: Secret
        metadata:
          creationTimestamp: "<time>"
          name: literals
          namespace: $NS
          resourceVersion: "<version>"
          uid: <uid>
        type: Opaque
        $ kubectl create secret tls web --cert=tls.crt --key=tls.key
        secret/web created
        $ kubectl create secret docker-registry pull --docker-server=registry.example.com --docker-username=u --docker-password=p
        secret/pull created
        $ kubectl get secrets
        NAME       TYPE                             DATA   AGE
        literals   Opaque                           2      <age>
        pull       kubernetes.io/dockerconfigjson   1      <age>
        web        kubernetes.io/tls                2      <age>
        $ kubectl create secret generic bad --type=kubernetes.io/tls --from-literal=tls.crt=x
        error: failed to create secret Secret "bad" is invalid: data[tls.key]: Required value
        [exit 1]
        "#,
    );
}

#[test]
fn service_accounts_get_tokens() {
    session(
        r#"
        $ kubectl create serviceaccount robot
        serviceaccount/robot created
        $ kubectl create token robot --duration=1h --audience=a.example.com -o jsonpath='{.spec}'
        {"audiences":["a.example.com"],"boundObjectRef":null,"expirationSeconds":3600}
        $ TOKEN=$(kubectl create token robot) && sed "s/client-.*-data:.*//; s/user:$/user: {token: $TOKEN}/" ${KUBECONFIG#*:} > robot.yaml && kubectl --kubeconfig=robot.yaml get pods
        Error from server (Forbidden): pods is forbidden: User "system:serviceaccount:$NS:robot" cannot list resource "pods" in API group "" in the namespace "default"
        [exit 1]
        $ kubectl create token robot --duration=1m
        error: failed to create token: TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes
        [exit 1]
        $ kubectl create token nobody
        error: failed to create token: serviceaccounts "nobody" not found
        [exit 1]
        "#,
    );
}

#[test]
fn namespaces_carry_their_name_as_a_label() {
    session(
        r#"
        $ kubectl create namespace $NS-child
        namespace/$NS-child created
        $ kubectl get namespace $NS-child --show-labels
        NAME        STATUS   AGE     LABELS
        $NS-child   Active   <age>   kubernetes.io/metadata.name=$NS-child
        $ kubectl create namespace Upper
        The Namespace "Upper" is invalid: metadata.name: Invalid value: "Upper": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')
        [exit 1]
        $ kubectl delete namespace $NS-child
        namespace "$NS-child" deleted
        "#,
    );
}
