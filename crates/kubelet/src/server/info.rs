//! The plain answers of the node server: health, pods, configuration, statistics, metrics; and the choice of handler.

use super::query::Query;
use super::route::Route;
use super::streams::Command;
use super::{Answer, NodeServer, json, text};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use jiff::Timestamp;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, doc};
use skiff_cri::v1::{CpuUsage, MemoryUsage, PodSandboxStats, UInt64Value};

impl NodeServer {
    pub(super) async fn handle(&self, route: Route, request: Request<Incoming>) -> Answer {
        let streaming =
            matches!(route, Route::Exec(_) | Route::Attach(_) | Route::Run(_) | Route::PortForward(_));
        let fits = match *request.method() {
            Method::GET => true,
            Method::POST => streaming,
            _ => false,
        };
        if !fits {
            return text(StatusCode::METHOD_NOT_ALLOWED, "405: Method Not Allowed");
        }
        match route {
            Route::Healthz => text(StatusCode::OK, "ok"),
            Route::Pods => json(&self.pod_list(false)),
            Route::RunningPods => json(&self.pod_list(true)),
            Route::Configz => json(&self.configuration()),
            Route::Metrics => self.metrics(),
            Route::Stats => self.summary().await,
            Route::ContainerLogs(target) => self.container_logs(target, &request).await,
            Route::Exec(target) => {
                let command = Query::parse(request.uri().query()).all("command");
                if command.is_empty() {
                    return text(StatusCode::BAD_REQUEST, "you must specify at least 1 command");
                }
                self.remote_command(target, Command::Exec(command), request).await
            }
            Route::Attach(target) => self.remote_command(target, Command::Attach, request).await,
            Route::Run(target) => self.run_command(target, &request).await,
            Route::PortForward(target) => self.port_forward(target, request).await,
            Route::NotFound => text(StatusCode::NOT_FOUND, "404 page not found\n"),
        }
    }

    fn pod_list(&self, running_only: bool) -> Document {
        let pods = self.pods.list();
        let phase = |object: &Document| object.str_at(&["status", "phase"]) == "Running";
        let items: Document = pods
            .iter()
            .map(|pod| pod.object().as_ref())
            .filter(|object| !running_only || phase(object))
            .cloned()
            .collect();
        doc!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})
    }

    fn configuration(&self) -> Document {
        let config = &self.agent.config;
        doc!({"kubeletconfig": {
            "address": config.address.to_string(),
            "port": config.port,
            "nodeStatusReportFrequency": format!("{}s", config.node_status_report_frequency.as_secs()),
            "nodeLeaseDurationSeconds": config.lease_duration.as_secs(),
            "clusterDomain": config.cluster_domain.as_str(),
            "clusterDNS": config.cluster_dns.iter().map(|ip| ip.to_string()).collect::<Vec<_>>(),
            "cgroupRoot": config.cgroup_root.as_str(),
            "cgroupDriver": "cgroupfs",
            "maxPods": config.max_pods,
            "podPidsLimit": config.pod_pids_limit.map_or(Document::from(-1), Document::from),
            "resolvConf": config.resolver_config.to_string_lossy(),
            "containerLogMaxSize": config.container_log_max_size.to_string(),
            "containerLogMaxFiles": config.container_log_max_files,
            "seccompDefault": config.seccomp_default
        }})
    }

    fn metrics(&self) -> Answer {
        let pods = self.pods.list();
        let running = pods.iter().filter(|pod| pod.status().phase.as_deref() == Some("Running"));
        let containers = running.clone().flat_map(|pod| pod.status().container_statuses.iter().flatten());
        let up =
            containers.filter(|status| status.state.as_ref().is_some_and(|state| state.running.is_some()));
        let body = format!(
            concat!(
                "# HELP kubelet_node_name [ALPHA] The node's name. The count is always 1.\n",
                "# TYPE kubelet_node_name gauge\n",
                "kubelet_node_name{{node=\"{node}\"}} 1\n",
                "# HELP kubelet_running_pods [ALPHA] Number of pods that have a running pod sandbox\n",
                "# TYPE kubelet_running_pods gauge\n",
                "kubelet_running_pods {pods}\n",
                "# HELP kubelet_running_containers [ALPHA] Number of containers currently running\n",
                "# TYPE kubelet_running_containers gauge\n",
                "kubelet_running_containers{{container_state=\"running\"}} {containers}\n",
            ),
            node = self.agent.config.node_name,
            pods = running.count(),
            containers = up.count(),
        );
        text(StatusCode::OK, body)
    }

    async fn summary(&self) -> Answer {
        let stats = match self.agent.runtime.list_pod_sandbox_stats().await {
            Ok(stats) => stats,
            Err(error) => return text(StatusCode::INTERNAL_SERVER_ERROR, error.message),
        };
        let pods: Document = stats.iter().filter_map(|one| self.pod_stats(one)).collect();
        json(&doc!({"node": {"nodeName": self.agent.config.node_name.as_str()}, "pods": pods}))
    }

    fn pod_stats(&self, stats: &PodSandboxStats) -> Option<Document> {
        let metadata = stats.attributes.as_ref()?.metadata.as_ref()?;
        let linux = stats.linux.as_ref()?;
        let containers: Document = linux
            .containers
            .iter()
            .map(|one| {
                let name =
                    one.attributes.as_ref().and_then(|a| a.metadata.as_ref()).map_or("", |m| m.name.as_str());
                doc!({"name": name, "cpu": cpu(one.cpu.as_ref()), "memory": memory(one.memory.as_ref())})
            })
            .collect();
        Some(doc!({
            "podRef": {
                "name": metadata.name.as_str(), "namespace": metadata.namespace.as_str(), "uid": metadata.uid.as_str()
            },
            "cpu": cpu(linux.cpu.as_ref()),
            "memory": memory(linux.memory.as_ref()),
            "containers": containers
        }))
    }
}

fn value(number: Option<&UInt64Value>) -> Document {
    number.map_or(Document::NULL, |number| number.value.into())
}

fn time(nanoseconds: i64) -> Document {
    Timestamp::from_nanosecond(nanoseconds.into()).map_or(Document::NULL, |time| format_time(time).into())
}

fn cpu(usage: Option<&CpuUsage>) -> Document {
    usage.map_or(Document::NULL, |usage| {
        doc!({
            "time": time(usage.timestamp),
            "usageNanoCores": value(usage.usage_nano_cores.as_ref()),
            "usageCoreNanoSeconds": value(usage.usage_core_nano_seconds.as_ref())
        })
    })
}

fn memory(usage: Option<&MemoryUsage>) -> Document {
    usage.map_or(Document::NULL, |usage| {
        doc!({
            "time": time(usage.timestamp),
            "availableBytes": value(usage.available_bytes.as_ref()),
            "usageBytes": value(usage.usage_bytes.as_ref()),
            "workingSetBytes": value(usage.working_set_bytes.as_ref()),
            "rssBytes": value(usage.rss_bytes.as_ref()),
            "pageFaults": value(usage.page_faults.as_ref()),
            "majorPageFaults": value(usage.major_page_faults.as_ref())
        })
    })
}
