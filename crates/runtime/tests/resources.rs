//! Limits and use.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use skiff_cri::{Runtime, v1};
use support::{Node, shell};

fn limited(script: &str, resources: v1::LinuxContainerResources) -> v1::ContainerConfig {
    let mut config = shell(script);
    config.linux.as_mut().unwrap().resources = Some(resources);
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_the_kernels() {
    let node = Node::new().await;
    let resources = v1::LinuxContainerResources {
        cpu_period: 100_000,
        cpu_quota: 50_000,
        cpu_shares: 102,
        memory_limit_in_bytes: 32 << 20,
        oom_score_adj: 900,
        ..Default::default()
    };
    let script = "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes cpu/cpu.shares cpu/cpu.cfs_quota_us /proc/self/oom_score_adj";
    let sandbox = node.sandbox().await;
    let id = node.start(&sandbox, limited(&format!("{script}; sleep 1000"), resources.clone())).await;
    node.says_in_log(&id, "900").await;
    let path = node.status(&id).await.log_path;
    let log = std::fs::read_to_string(path).unwrap();
    let values: Vec<&str> = log.lines().filter_map(|line| line.rsplit(' ').next()).collect();
    assert_eq!(values, ["33554432", "102", "50000", "900"]);
    let linux =
        v1::LinuxContainerResources { memory_limit_in_bytes: 64 << 20, cpu_quota: -1, ..Default::default() };
    let request = v1::UpdateContainerResourcesRequest {
        container_id: id.clone(),
        linux: Some(linux),
        ..Default::default()
    };
    node.runtime.update_container_resources(request).await.unwrap();
    let output = node.exec(&id, script).await.stdout;
    assert_eq!(String::from_utf8(output).unwrap(), "67108864\n102\n-1\n900\n");
    let reported = node.status(&id).await.resources.unwrap().linux.unwrap();
    assert_eq!((reported.memory_limit_in_bytes, reported.cpu_shares), (64 << 20, 102));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_out_of_memory_says_so() {
    let node = Node::new().await;
    let resources = v1::LinuxContainerResources { memory_limit_in_bytes: 16 << 20, ..Default::default() };
    let (status, _) = node.run(limited("exec dd if=/dev/zero of=/dev/null bs=64M", resources)).await;
    assert_eq!((status.exit_code, status.reason.as_str()), (137, "OOMKilled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn use_is_measured() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let id = node
        .start(&sandbox, shell("head -c 1000000 /dev/zero > /file; echo ready; while :; do :; done"))
        .await;
    node.says_in_log(&id, "ready").await;
    let stats = node.runtime.container_stats(id.clone()).await.unwrap();
    let before = stats.cpu.unwrap().usage_core_nano_seconds.unwrap().value;
    assert!(stats.memory.unwrap().working_set_bytes.unwrap().value > 0);
    assert!(stats.writable_layer.unwrap().used_bytes.unwrap().value >= 1_000_000);
    let measured = async {
        loop {
            let pods = node.runtime.list_pod_sandbox_stats().await.unwrap();
            let linux = pods[0].linux.clone().unwrap();
            let cpu = linux.containers[0].cpu.unwrap();
            if cpu.usage_core_nano_seconds.unwrap().value > before && cpu.usage_nano_cores.unwrap().value > 0
            {
                return linux;
            }
        }
    };
    let linux = tokio::time::timeout(support::PATIENCE, measured).await.unwrap();
    assert!(linux.process.unwrap().process_count.unwrap().value >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shim_is_small() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let id = node.start(&sandbox, shell("echo ready; sleep 1000")).await;
    node.says_in_log(&id, "ready").await;
    let shim = node.shim_pid(&sandbox);
    let text = std::fs::read_to_string(format!("/proc/{shim}/smaps_rollup")).unwrap();
    let dirty = text.lines().find(|line| line.starts_with("Private_Dirty:")).unwrap();
    let kilobytes: u64 = dirty.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 1024, "{dirty}");
    println!("{dirty}");
}
