//! How stable a metric's name and labels are, as upstream promises it: told in its help and counted by
//! `registered_metrics_total`.

/// What upstream promises about a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stability {
    /// Nothing.
    Alpha,
    /// Labels are only added.
    Beta,
    /// Nothing changes.
    Stable,
}

/// Upstream's stable metrics of components that run here, sorted.
const STABLE: &[&str] = &[
    "apiserver_admission_controller_admission_duration_seconds",
    "apiserver_admission_step_admission_duration_seconds",
    "apiserver_admission_webhook_admission_duration_seconds",
    "apiserver_current_inflight_requests",
    "apiserver_longrunning_requests",
    "apiserver_request_duration_seconds",
    "apiserver_request_total",
    "apiserver_requested_deprecated_apis",
    "apiserver_response_sizes",
    "apiserver_storage_objects",
    "apiserver_storage_size_bytes",
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "container_start_time_seconds",
    "cronjob_controller_job_creation_skew_duration_seconds",
    "job_controller_job_pods_finished_total",
    "job_controller_job_sync_duration_seconds",
    "job_controller_job_syncs_total",
    "job_controller_jobs_finished_total",
    "kube_pod_resource_limit",
    "kube_pod_resource_request",
    "kubernetes_healthcheck",
    "kubernetes_healthchecks_total",
    "node_collector_evictions_total",
    "node_cpu_usage_seconds_total",
    "node_memory_working_set_bytes",
    "pod_cpu_usage_seconds_total",
    "pod_memory_working_set_bytes",
    "resource_scrape_error",
    "scheduler_framework_extension_point_duration_seconds",
    "scheduler_pending_pods",
    "scheduler_pod_scheduling_attempts",
    "scheduler_preemption_attempts_total",
    "scheduler_preemption_victims",
    "scheduler_queue_incoming_pods_total",
    "scheduler_schedule_attempts_total",
    "scheduler_scheduling_attempt_duration_seconds",
];

/// Upstream's beta metrics of components that run here, sorted.
const BETA: &[&str] = &[
    "apiserver_authentication_config_controller_automatic_reload_last_timestamp_seconds",
    "apiserver_authentication_config_controller_automatic_reloads_total",
    "apiserver_authorization_config_controller_automatic_reload_last_timestamp_seconds",
    "apiserver_authorization_config_controller_automatic_reloads_total",
    "apiserver_cel_compilation_duration_seconds",
    "apiserver_cel_evaluation_duration_seconds",
    "apiserver_flowcontrol_current_executing_requests",
    "apiserver_flowcontrol_current_executing_seats",
    "apiserver_flowcontrol_current_inqueue_requests",
    "apiserver_flowcontrol_dispatched_requests_total",
    "apiserver_flowcontrol_nominal_limit_seats",
    "apiserver_flowcontrol_rejected_requests_total",
    "apiserver_flowcontrol_request_wait_duration_seconds",
    "apiserver_validating_admission_policy_check_duration_seconds",
    "apiserver_validating_admission_policy_check_total",
    "apiserver_validation_declarative_validation_mismatch_total",
    "apiserver_validation_declarative_validation_panic_total",
    "disabled_metrics_total",
    "hidden_metrics_total",
    "kubernetes_feature_enabled",
    "prober_probe_total",
    "registered_metrics_total",
    "scheduler_pod_scheduling_sli_duration_seconds",
    "statefulset_controller_statefulset_max_unavailable",
    "statefulset_controller_statefulset_unavailable_replicas",
];

impl Stability {
    /// Every level, in the order in which they are told.
    pub(crate) const ALL: [Self; 3] = [Self::Alpha, Self::Beta, Self::Stable];

    /// What upstream promises about the metric of this name.
    pub(crate) fn of(name: &str) -> Self {
        let among = |names: &[&str]| names.binary_search(&name).is_ok();
        if among(STABLE) {
            Self::Stable
        } else if among(BETA) {
            Self::Beta
        } else {
            Self::Alpha
        }
    }

    /// As help texts and labels write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Alpha => "ALPHA",
            Self::Beta => "BETA",
            Self::Stable => "STABLE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_so_that_names_are_found() {
        assert!(STABLE.is_sorted() && BETA.is_sorted());
        for (name, level) in [
            ("apiserver_request_total", Stability::Stable),
            ("kubernetes_feature_enabled", Stability::Beta),
            ("kubernetes_build_info", Stability::Alpha),
        ] {
            assert_eq!(Stability::of(name), level, "{name}");
        }
    }
}
