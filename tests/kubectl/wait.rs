//! `kubectl wait`: conditions, JSON paths, creation, deletion, and what a timeout says.

use crate::session::session;

#[test]
fn waiting_ends_when_the_condition_is_met() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx --replicas=0
        deployment.apps/web created
        $ kubectl wait deployment/web --for=condition=Available --timeout=20s
        deployment.apps/web condition met
        $ kubectl wait deployment --all --for=jsonpath='{.status.observedGeneration}'=1 --timeout=20s
        deployment.apps/web condition met
        [1.28..] $ kubectl wait deployment/web --for=jsonpath='{.spec.replicas}' --timeout=20s
        [1.28..] deployment.apps/web condition met
        $ kubectl wait configmap/nowhere --for=delete --timeout=20s
        [1.31..] $ (kubectl wait configmap/late --for=create --timeout=20s > late 2>&1 &)
        [1.31..] $ kubectl create configmap late --from-literal=a=b
        [1.31..] configmap/late created
        [1.31..] ~ cat late
        [1.31..] configmap/late condition met
        "#,
    );
}

#[test]
fn waiting_in_vain_says_for_what() {
    session(
        r#"
        $ kubectl create configmap page --from-literal=a=b
        configmap/page created
        $ kubectl wait configmap/page --for=jsonpath='{.data.a}'=c --timeout=1s
        error: timed out waiting for the condition on configmaps/page
        [exit 1]
        $ kubectl wait configmap/page --for=condition=Ready --timeout=1s
        error: timed out waiting for the condition on configmaps/page
        [exit 1]
        $ kubectl wait configmap/page --for=delete --timeout=1s
        error: timed out waiting for the condition on configmaps/page
        [exit 1]
        $ kubectl wait configmap/nowhere --for=condition=Ready --timeout=1s
        Error from server (NotFound): configmaps "nowhere" not found
        [exit 1]
        "#,
    );
}
