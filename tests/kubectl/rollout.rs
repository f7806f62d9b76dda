//! `kubectl rollout`: status, history, pause, resume, undo, restart.

use crate::session::session;

#[test]
fn revisions_are_kept_and_come_back() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx:1 --replicas=0
        deployment.apps/web created
        $ kubectl annotate deployment web kubernetes.io/change-cause=first > /dev/null
        $ kubectl rollout status deployment/web | tail -1
        deployment "web" successfully rolled out
        $ kubectl set image deployment/web nginx=nginx:2
        deployment.apps/web image updated
        $ kubectl annotate deployment web kubernetes.io/change-cause=second --overwrite > /dev/null
        ~ kubectl rollout history deployment web
        deployment.apps/web
        REVISION   CHANGE-CAUSE
        1          first
        2          second
        $ kubectl rollout history deployment web --revision=2
        deployment.apps/web with revision #2
        Pod Template:
          Labels:\tapp=web
        \tpod-template-hash=<hash>
          Annotations:\tkubernetes.io/change-cause: second
          Containers:
           nginx:
            Image:\tnginx:2
            Port:\t<none>
            Host Port:\t<none>
            Environment:\t<none>
            Mounts:\t<none>
          Volumes:\t<none>
        [1.30..]   Node-Selectors:\t<none>
        [1.30..]   Tolerations:\t<none>
        $ kubectl rollout undo deployment web
        deployment.apps/web rolled back
        ~ kubectl rollout history deployment web
        deployment.apps/web
        REVISION   CHANGE-CAUSE
        2          second
        3          first
        $ kubectl rollout undo deployment web --to-revision=3
        deployment.apps/web skipped rollback (current template already matches revision 3)
        "#,
    );
}

#[test]
fn a_rollout_is_paused_resumed_and_restarted() {
    session(
        r#"
        $ kubectl create deployment web --image=nginx:1 --replicas=0
        deployment.apps/web created
        $ kubectl rollout pause deployment web
        deployment.apps/web paused
        $ kubectl rollout undo deployment web
        error: no rollout history found for deployment "web"
        [exit 1]
        $ kubectl rollout resume deployment web
        deployment.apps/web resumed
        $ kubectl rollout restart deployment web -o jsonpath='{.spec.template.metadata.annotations}'
        {"kubectl.kubernetes.io/restartedAt":"<time>"}
        $ kubectl scale deployment web --replicas=1
        deployment.apps/web scaled
        ~ kubectl rollout status deployment web --watch=false
        Waiting for deployment "web" rollout to finish: 0 of 1 updated replicas are available...
        $ kubectl rollout status deployment web --timeout=1s
        Waiting for deployment "web" rollout to finish: 0 of 1 updated replicas are available...
        error: timed out waiting for the condition
        [exit 1]
        "#,
    );
}
