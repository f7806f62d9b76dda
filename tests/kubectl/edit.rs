//! `kubectl edit` with an editor that needs nobody.

use crate::session::session;

#[test]
fn edits_are_saved_as_patches() {
    session(
        r#"
        $ kubectl create configmap page --from-literal=a=b
        configmap/page created
        $ KUBE_EDITOR='sed -i "s/a: b/a: c/"' kubectl edit configmap page
        configmap/page edited
        $ KUBE_EDITOR='sed -i "s/a: b/a: c/"' kubectl edit configmap page
        Edit cancelled, no changes made.
        $ kubectl create deployment web --image=nginx --replicas=0
        deployment.apps/web created
        ~ kubectl get deployment web -o jsonpath='{.status.observedGeneration}'
        1
        $ KUBE_EDITOR='sed -i "s/observedGeneration: 1/observedGeneration: 5/"' kubectl edit deployment web --subresource=status
        deployment.apps/web edited
        $ KUBE_EDITOR='sed -i "s/replicas: 0/replicas: -1/"' kubectl edit deployment web
        error: deployments.apps "web" is invalid
        A copy of your changes has been stored to "$TMPDIR/kubectl-edit-<random>.yaml"
        error: Edit cancelled, no valid changes were saved.
        [exit 1]
        $ grep -h '^#' $TMPDIR/kubectl-edit-*.yaml | sort -u
        #
        # * spec.replicas: Invalid value: -1: must be greater than or equal to 0
        # Please edit the object below. Lines beginning with a '#' will be ignored,
        # and an empty file will abort the edit. If an error occurs while saving this file will be
        # deployments.apps "web" was not valid:
        # reopened with the relevant failures.
        "#,
    );
}
