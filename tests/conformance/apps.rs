//! [sig-apps]: what needs no pods.

use crate::api_operations::{Operations, StatusChanges, supports_api_operations};
use crate::resources::{CRON_JOBS, yaml};
use skiff_apimachinery::doc;

/// `CronJob should support CronJob API operations`
#[test]
fn should_support_cron_job_api_operations() {
    // On the 31st of February nothing runs.
    let object = |_: usize| {
        yaml(
            r#"
spec:
  schedule: "0 0 31 2 *"
  concurrencyPolicy: Allow
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: OnFailure
          containers: [{name: c, image: "example.test/busybox:1", command: [sleep, "300"]}]
"#,
        )
    };
    let patch = doc!({
        "metadata": {"annotations": {"patchedstatus": "true"}},
        "status": {"lastScheduleTime": "2026-01-02T03:04:05Z"}
    });
    let update = doc!({
        "metadata": {"annotations": {"updatedstatus": "true"}},
        "status": {"lastScheduleTime": "2026-01-02T03:05:05Z"}
    });
    let status = Some(StatusChanges { patch, update });
    supports_api_operations(&Operations { resource: CRON_JOBS, object: &object, status });
}
