//! What containers, sandboxes and images use.

use crate::cgroup::Usage;
use crate::container::{Container, Phase};
use crate::embedded::{Core, now};
use crate::error::{Outcome, RuntimeError};
use crate::sandbox::{Sandbox, SandboxStage};
use skiff_cri::v1::{
    ContainerAttributes, ContainerStats, CpuUsage, FilesystemIdentifier, FilesystemUsage,
    ImageFsInfoResponse, LinuxPodSandboxStats, MemoryUsage, NetworkInterfaceUsage, NetworkUsage,
    PodSandboxAttributes, PodSandboxStats, ProcessUsage, SwapUsage, UInt64Value,
};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Walking a file system costs, so its result is used for so long.
const DISK_FRESH_NANOSECONDS: i64 = 30_000_000_000;
/// The interface that a pod has its primary address on.
const DEFAULT_INTERFACE: &str = "eth0";

/// What was measured before: rates need two points in time, and disk use is expensive.
#[derive(Default)]
pub struct Samples {
    cpu: Mutex<HashMap<String, CpuSample>>,
    disk: Mutex<HashMap<PathBuf, DiskSample>>,
}

#[derive(Clone, Copy)]
struct CpuSample {
    at: i64,
    nanoseconds: u64,
    rate: u64,
}

#[derive(Clone, Copy)]
struct DiskSample {
    at: i64,
    bytes: u64,
    inodes: u64,
}

impl Samples {
    /// Forgets what is gone.
    pub fn forget(&self, id: &str) {
        self.cpu.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        disk.retain(|path, _| !path.iter().any(|part| part == id));
    }

    /// Nanoseconds of CPU time per second since the last sample.
    fn cpu_rate(&self, id: &str, at: i64, nanoseconds: u64) -> u64 {
        let mut samples = self.cpu.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = match samples.get(id) {
            Some(last) if at > last.at && nanoseconds >= last.nanoseconds => {
                let elapsed = u128::from(at.abs_diff(last.at));
                let used = u128::from(nanoseconds - last.nanoseconds);
                u64::try_from(used * 1_000_000_000 / elapsed).unwrap_or(u64::MAX)
            }
            Some(last) => last.rate,
            None => 0,
        };
        samples.insert(id.to_owned(), CpuSample { at, nanoseconds, rate });
        rate
    }
}

impl Core {
    /// Use of one container.
    pub async fn container_stats(self: Arc<Self>, id: &str) -> Outcome<ContainerStats> {
        let container = self.container(id)?;
        self.stats_of(&container).await
    }

    /// Use of all sandboxes that are ready.
    pub async fn sandbox_stats(self: Arc<Self>) -> Outcome<Vec<PodSandboxStats>> {
        let mut all = Vec::new();
        for sandbox in self.sandboxes() {
            if sandbox.stage() == SandboxStage::Ready {
                all.push(self.stats_of_sandbox(&sandbox).await?);
            }
        }
        Ok(all)
    }

    /// Use of the disk by images and containers.
    pub async fn image_filesystem(self: Arc<Self>) -> Outcome<ImageFsInfoResponse> {
        let images = self.disk_usage(self.layout.layers()).await?;
        let containers = self.disk_usage(self.layout.containers()).await?;
        Ok(ImageFsInfoResponse { image_filesystems: vec![images], container_filesystems: vec![containers] })
    }

    async fn stats_of(&self, container: &Container) -> Outcome<ContainerStats> {
        let (running, attributes) = container.read(|record| {
            let attributes = ContainerAttributes {
                id: record.id.clone(),
                metadata: record.config.metadata.clone(),
                labels: record.config.labels.clone(),
                annotations: record.config.annotations.clone(),
            };
            (record.phase == Phase::Running, attributes)
        });
        let writable_layer = Some(self.disk_usage(container.directory.join("upper")).await?);
        if !running {
            return Ok(ContainerStats {
                attributes: Some(attributes),
                writable_layer,
                ..ContainerStats::default()
            });
        }
        let (at, usage) = (now(), self.cgroups.usage(container.cgroup()));
        Ok(ContainerStats {
            attributes: Some(attributes),
            cpu: Some(self.cpu(&container.id, at, &usage)),
            memory: Some(memory(at, &usage)),
            writable_layer,
            swap: usage.swap_bytes.map(|bytes| SwapUsage {
                timestamp: at,
                swap_available_bytes: None,
                swap_usage_bytes: value(Some(bytes)),
            }),
        })
    }

    async fn stats_of_sandbox(&self, sandbox: &Sandbox) -> Outcome<PodSandboxStats> {
        let record = sandbox.record();
        let (at, usage) = (now(), self.cgroups.usage(&record.cgroup_parent));
        let mut containers = Vec::new();
        for container in self.containers_of(&sandbox.id) {
            if container.phase() == Phase::Running {
                containers.push(self.stats_of(&container).await?);
            }
        }
        let network = record.shim_pid.filter(|_| record.has_network()).and_then(|pid| network_usage(pid, at));
        Ok(PodSandboxStats {
            attributes: Some(PodSandboxAttributes {
                id: record.id.clone(),
                metadata: record.config.metadata.clone(),
                labels: record.config.labels.clone(),
                annotations: record.config.annotations.clone(),
            }),
            linux: Some(LinuxPodSandboxStats {
                cpu: Some(self.cpu(&record.id, at, &usage)),
                memory: Some(memory(at, &usage)),
                network,
                process: Some(ProcessUsage { timestamp: at, process_count: value(usage.processes) }),
                containers,
            }),
            windows: None,
        })
    }

    fn cpu(&self, id: &str, at: i64, usage: &Usage) -> CpuUsage {
        let rate = usage.cpu_nanoseconds.map(|nanoseconds| self.samples.cpu_rate(id, at, nanoseconds));
        CpuUsage {
            timestamp: at,
            usage_core_nano_seconds: value(usage.cpu_nanoseconds),
            usage_nano_cores: value(rate),
        }
    }

    async fn disk_usage(&self, path: PathBuf) -> Outcome<FilesystemUsage> {
        let at = now();
        let known = {
            let samples = self.samples.disk.lock().unwrap_or_else(PoisonError::into_inner);
            samples.get(&path).copied().filter(|sample| at - sample.at < DISK_FRESH_NANOSECONDS)
        };
        let sample = match known {
            Some(sample) => sample,
            None => {
                let walked = path.clone();
                let sample = tokio::task::spawn_blocking(move || walk(&walked, at)).await;
                let sample = sample.map_err(RuntimeError::internal)?;
                let mut samples = self.samples.disk.lock().unwrap_or_else(PoisonError::into_inner);
                samples.insert(path.clone(), sample);
                sample
            }
        };
        Ok(FilesystemUsage {
            timestamp: sample.at,
            fs_id: Some(FilesystemIdentifier { mountpoint: path.display().to_string() }),
            used_bytes: value(Some(sample.bytes)),
            inodes_used: value(Some(sample.inodes)),
        })
    }
}

fn memory(at: i64, usage: &Usage) -> MemoryUsage {
    let available =
        usage.memory_limit_bytes.zip(usage.working_set_bytes).map(|(limit, used)| limit.saturating_sub(used));
    MemoryUsage {
        timestamp: at,
        working_set_bytes: value(usage.working_set_bytes),
        available_bytes: value(available),
        usage_bytes: value(usage.memory_bytes),
        rss_bytes: value(usage.rss_bytes),
        page_faults: value(usage.page_faults),
        major_page_faults: value(usage.major_page_faults),
    }
}

/// The shim lives in the pod's network namespace.
fn network_usage(shim: i32, at: i64) -> Option<NetworkUsage> {
    let table = std::fs::read_to_string(format!("/proc/{shim}/net/dev")).ok()?;
    let interfaces: Vec<_> =
        table.lines().filter_map(interface).filter(|interface| interface.name != "lo").collect();
    let default_interface = interfaces.iter().find(|interface| interface.name == DEFAULT_INTERFACE).cloned();
    Some(NetworkUsage { timestamp: at, default_interface, interfaces })
}

/// A line of /proc/net/dev: a name, eight numbers of reception, eight of transmission.
fn interface(line: &str) -> Option<NetworkInterfaceUsage> {
    let (name, numbers) = line.split_once(':')?;
    let numbers: Vec<u64> = numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let number = |position: usize| numbers.get(position).copied();
    number(10)?;
    Some(NetworkInterfaceUsage {
        name: name.trim().to_owned(),
        rx_bytes: value(number(0)),
        rx_errors: value(number(2)),
        tx_bytes: value(number(8)),
        tx_errors: value(number(10)),
    })
}

/// Adds up a tree. Files that go meanwhile are not counted.
fn walk(root: &Path, at: i64) -> DiskSample {
    use std::os::unix::fs::MetadataExt;
    let mut sample = DiskSample { at, bytes: 0, inodes: 0 };
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            let Ok(metadata) = entry.metadata() else { continue };
            sample.bytes += metadata.blocks() * 512;
            sample.inodes += 1;
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    sample
}

fn value(number: Option<u64>) -> Option<UInt64Value> {
    number.map(|value| UInt64Value { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_the_use_between_two_samples() {
        let samples = Samples::default();
        assert_eq!(samples.cpu_rate("a", 0, 100), 0);
        assert_eq!(samples.cpu_rate("a", 2_000_000_000, 100 + 1_000_000_000), 500_000_000);
        // The same moment again: the last rate.
        assert_eq!(samples.cpu_rate("a", 2_000_000_000, 100 + 1_000_000_000), 500_000_000);
    }

    #[test]
    fn network_counters_are_found_in_the_kernels_table() {
        let found = interface("  eth0: 100 1 2 0 0 0 0 0 300 3 4 0 0 0 0 0").unwrap();
        assert_eq!(found.name, "eth0");
        assert_eq!((found.rx_bytes, found.tx_bytes), (value(Some(100)), value(Some(300))));
        assert_eq!(found.tx_errors, value(Some(4)));
        assert!(interface("Inter-|   Receive").is_none());
    }
}
