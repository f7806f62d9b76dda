//! `kubectl label` and `kubectl annotate`.

use crate::session::session;

#[test]
fn labels_and_annotations_are_set_overwritten_and_taken_off() {
    session(
        r#"
        $ kubectl create configmap page --from-literal=a=b
        configmap/page created
        $ kubectl label configmap page tier=front app=web
        configmap/page labeled
        $ kubectl label configmap page tier=back
        error: 'tier' already has a value (front), and --overwrite is false
        [exit 1]
        $ kubectl label configmap page tier=back app- --overwrite
        configmap/page labeled
        $ kubectl label configmaps --all set=demo
        configmap/kube-root-ca.crt labeled
        configmap/page labeled
        $ kubectl get configmaps -L tier,set --show-labels
        NAME               DATA   AGE     TIER   SET    LABELS
        kube-root-ca.crt   1      <age>          demo   set=demo
        page               1      <age>   back   demo   set=demo,tier=back
        $ kubectl label configmap page 'bad key=x'
        The ConfigMap "page" is invalid: metadata.labels: Invalid value: "bad key": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
        [exit 1]
        $ kubectl label configmap page tier=front --resource-version=1 --overwrite
        Error from server (Conflict): Operation cannot be fulfilled on configmaps "page": the object has been modified; please apply your changes to the latest version and try again
        [exit 1]
        $ kubectl annotate configmap page note='any text at all: 1'
        [..1.27] configmap/page annotate
        [1.28..] configmap/page annotated
        $ kubectl annotate configmap page --list
        note=any text at all: 1
        $ kubectl annotate configmap page note-
        [..1.27] configmap/page annotate
        [1.28..] configmap/page annotated
        $ kubectl annotate configmap page 'a/b/c=d'
        The ConfigMap "page" is invalid: metadata.annotations: Invalid value: "a/b/c": a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')
        [exit 1]
        "#,
    );
}
