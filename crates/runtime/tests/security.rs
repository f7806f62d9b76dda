//! What processes in containers may do, as the kernel sees it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use skiff_cri::{Runtime, v1};
use support::{Node, secured, shell};

/// The lines of /proc/self/status that tell.
const STATUS: &str = "grep -E '^(Uid|CapPrm|CapEff|CapBnd|CapInh|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status | tr '\\t' ' '";
const DEFAULT_CAPABILITIES: &str = "00000000a80425fb";
const NONE: &str = "0000000000000000";

fn default_seccomp() -> Option<v1::SecurityProfile> {
    Some(v1::SecurityProfile {
        profile_type: v1::security_profile::ProfileType::RuntimeDefault.into(),
        localhost_ref: String::new(),
    })
}

fn status_lines(uid: &str, effective: &str, bounding: &str, no_new_privs: u8, seccomp: u8) -> String {
    format!(
        "Uid: {uid} {uid} {uid} {uid}\nCapInh: {NONE}\nCapPrm: {effective}\nCapEff: {effective}\nCapBnd: {bounding}\nCapAmb: {NONE}\n\
         NoNewPrivs: {no_new_privs}\nSeccomp: {seccomp}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn root_is_confined_by_seccomp_and_the_default_capabilities() {
    let node = Node::new().await;
    let (_, log) = node.run(secured(shell(STATUS), |security| security.seccomp = default_seccomp())).await;
    assert_eq!(log, status_lines("0", DEFAULT_CAPABILITIES, DEFAULT_CAPABILITIES, 0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_is_confined_and_holds_no_capability() {
    let node = Node::new().await;
    for no_new_privs in [false, true] {
        let config = secured(shell(STATUS), |security| {
            security.seccomp = default_seccomp();
            security.run_as_user = Some(v1::Int64Value { value: 1000 });
            security.no_new_privs = no_new_privs;
        });
        let (_, log) = node.run(config).await;
        assert_eq!(log, status_lines("1000", NONE, DEFAULT_CAPABILITIES, no_new_privs.into(), 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_confined_like_its_container() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    for (uid, effective) in [(0, DEFAULT_CAPABILITIES), (1000, NONE)] {
        let config = secured(shell("sleep 1000"), |security| {
            security.seccomp = default_seccomp();
            security.run_as_user = Some(v1::Int64Value { value: uid });
        });
        let id = node.start(&sandbox, config).await;
        let response = node.exec(&id, STATUS).await;
        let expected = status_lines(&uid.to_string(), effective, DEFAULT_CAPABILITIES, 0, 2);
        assert_eq!(String::from_utf8(response.stdout).unwrap(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_profile_refuses_namespaces_and_mounts() {
    let node = Node::new().await;
    let script = "unshare -U true 2>/dev/null || echo refused; mount -t tmpfs none /tmp 2>/dev/null || echo refused; (true)";
    let config = secured(shell(script), |security| {
        security.seccomp = default_seccomp();
        // The profile itself is to refuse, not a missing capability.
        security.capabilities =
            Some(v1::Capability { add_capabilities: vec!["NET_ADMIN".to_owned()], ..Default::default() });
    });
    assert_eq!(node.run(config).await.1, "refused\nrefused\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_of_the_node_is_taken() {
    let node = Node::new().await;
    let path = node.directory.path().join("profile.json");
    let profile = r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],
        "syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}"#;
    std::fs::write(&path, profile).unwrap();
    let config =
        secured(shell("busybox mkdir /x 2>/dev/null || echo refused; touch /y && echo fine"), |security| {
            security.seccomp = Some(v1::SecurityProfile {
                profile_type: v1::security_profile::ProfileType::Localhost.into(),
                localhost_ref: path.display().to_string(),
            });
        });
    assert_eq!(node.run(config).await.1, "refused\nfine\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_capabilities_are_gone_and_ambient_ones_reach_other_users() {
    let node = Node::new().await;
    let config = secured(shell(STATUS), |security| {
        security.capabilities =
            Some(v1::Capability { drop_capabilities: vec!["ALL".to_owned()], ..Default::default() });
    });
    assert_eq!(node.run(config).await.1, status_lines("0", NONE, NONE, 0, 0));
    let config = secured(shell("grep CapEff /proc/self/status"), |security| {
        security.run_as_user = Some(v1::Int64Value { value: 1000 });
        let add_ambient_capabilities = vec!["NET_BIND_SERVICE".to_owned()];
        security.capabilities = Some(v1::Capability { add_ambient_capabilities, ..Default::default() });
    });
    assert_eq!(node.run(config).await.1, "CapEff:\t0000000000000400\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_root_leaves_volumes_writable() {
    let node = Node::new().await;
    let folder = node.directory.path().join("volume");
    std::fs::create_dir(&folder).unwrap();
    let mut config = secured(
        shell("touch /x 2>/dev/null || echo refused; touch /data/x /dev/shm/x && echo fine"),
        |security| security.readonly_rootfs = true,
    );
    config.mounts = vec![v1::Mount {
        container_path: "/data".to_owned(),
        host_path: folder.display().to_string(),
        ..Default::default()
    }];
    assert_eq!(node.run(config).await.1, "refused\nfine\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn masked_paths_are_empty_and_read_only_ones_refuse() {
    let node = Node::new().await;
    let script = "[ ! -e /proc/kcore ] || head -c 1 /proc/kcore; cat /proc/keys | head -c 1 | grep -c .; ls /sys/firmware | grep -c .; \
        (echo 1 > /proc/sys/kernel/domainname) 2>/dev/null || echo refused; (touch /sys/x) 2>/dev/null || echo refused; true";
    assert_eq!(node.says(script).await, "0\n0\nrefused\nrefused\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_beyond_the_common_ones_are_refused() {
    let node = Node::new().await;
    // /dev/kmsg: character device 1:11.
    let script = "mknod /tmp/kmsg c 1 11 && (cat /tmp/kmsg | head -c 1 | grep -q . && echo read || echo refused) 2>/dev/null";
    assert_eq!(node.says(script).await, "refused\n");
    assert_eq!(node.says("head -c 3 /dev/zero | tr '\\0' z; echo").await, "zzz\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_privileged_container_is_not_confined() {
    let node = Node::new().await;
    let script = "mount -t tmpfs none /tmp && echo mounted; ls /dev/kmsg; grep Seccomp: /proc/self/status; \
        echo 1 > /proc/sys/net/ipv4/ip_forward && echo written";
    let config = secured(shell(script), |security| {
        security.privileged = true;
        security.seccomp = default_seccomp();
    });
    assert_eq!(node.run(config).await.1, "mounted\n/dev/kmsg\nSeccomp:\t0\nwritten\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn sysctls_of_a_pod_are_set_in_its_namespaces_alone() {
    let node = Node::new().await;
    let host = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    let mut pod = node.pod_config();
    let linux = pod.linux.as_mut().unwrap();
    linux.sysctls = [("net.ipv4.ip_unprivileged_port_start", "79"), ("kernel.shm_rmid_forced", "1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let sandbox = node.sandbox_with(pod).await;
    let script = "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced";
    let id = node.start(&sandbox, shell(script)).await;
    let status = node.ended(&id).await;
    assert_eq!(node.log(&status), "79\n1\n");
    assert_eq!(std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap(), host);
    node.runtime.remove_pod_sandbox(sandbox).await.unwrap();
}
