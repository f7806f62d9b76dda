//! Servers come and go, shims die, data directories are cleared: what becomes of what runs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use skiff_cri::{Runtime, v1};
use support::{Node, shell};

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_adopts_what_runs() {
    let mut node = Node::new().await;
    let sandbox = node.sandbox().await;
    let id = node
        .start(&sandbox, shell("echo one; while [ ! -e /go ]; do sleep 0.02; done; echo two; exit 3"))
        .await;
    node.says_in_log(&id, "one").await;
    let before = node.status(&id).await;
    node.restart().await;
    let after = node.status(&id).await;
    assert_eq!(after, before);
    assert_eq!(
        node.runtime.pod_sandbox_status(sandbox.clone()).await.unwrap().state(),
        v1::PodSandboxState::SandboxReady
    );
    node.exec(&id, "touch /go").await;
    let status = node.ended(&id).await;
    assert_eq!(status.exit_code, 3);
    assert_eq!(node.log(&status), "one\ntwo\n");
}

/// The server of the test below, in a process of its own; nothing when run as a test.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_to_be_killed() {
    let Some(directory) = std::env::var_os(SERVER) else { return };
    let runtime = support::open_in(std::path::Path::new(&directory), CHILD_CGROUP).await.unwrap();
    let pod = support::pod_config(CHILD_CGROUP, std::path::Path::new(&directory));
    let request = v1::RunPodSandboxRequest { config: Some(pod), runtime_handler: String::new() };
    let sandbox = runtime.run_pod_sandbox(request).await.unwrap();
    let script = "i=0; while [ ! -e /go ]; do i=$((i+1)); echo $i; sleep 0.01; done; echo over; exit 6";
    let config = Some(shell(script));
    let request = v1::CreateContainerRequest { pod_sandbox_id: sandbox, config, sandbox_config: None };
    let id = runtime.create_container(request).await.unwrap();
    runtime.start_container(id).await.unwrap();
    std::future::pending::<()>().await;
}

const SERVER: &str = "SKIFF_TEST_SERVER";
const CHILD_CGROUP: &str = "/skiff-runtime-killed";

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_server_harms_nothing() {
    let mut node = Node::in_cgroup(CHILD_CGROUP).await;
    node.kill_server().await;
    let mut server = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_server_to_be_killed"])
        .env(SERVER, node.data_dir())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let log = node.data_dir().join("logs/main/0.log");
    let lines = || std::fs::read_to_string(&log).unwrap_or_default().lines().count();
    node.until("it logs", || lines() > 3).await;
    server.kill().await.unwrap();
    let before = lines();
    node.until("it goes on logging", || lines() > before + 10).await;
    node.restart().await;
    let containers = node.runtime.list_containers(v1::ContainerFilter::default()).await.unwrap();
    let id = &containers[0].id;
    assert_eq!(containers[0].state(), v1::ContainerState::ContainerRunning);
    node.exec(id, "touch /go").await;
    let status = node.ended(id).await;
    assert_eq!(status.exit_code, 6);
    let numbers: Vec<String> = node.log(&status).lines().map(str::to_owned).collect();
    let expected = (1..numbers.len()).map(|number| number.to_string()).chain(["over".to_owned()]);
    assert_eq!(numbers, expected.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_pods_start_at_once_and_are_adopted_at_once() {
    let mut node = Node::new().await;
    let pods = (0..30).map(|_| async {
        let sandbox = node.sandbox().await;
        node.start(&sandbox, shell("sleep 1000")).await
    });
    let containers = futures::future::join_all(pods).await;
    node.restart().await;
    for id in &containers {
        assert_eq!(node.status(id).await.state(), v1::ContainerState::ContainerRunning);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_while_no_server_was_there_is_known() {
    let mut node = Node::new().await;
    let sandbox = node.sandbox().await;
    let id = node.start(&sandbox, shell("while [ ! -e /go ]; do sleep 0.02; done; echo bye; exit 5")).await;
    let exits = node.data_dir().join("runtime/sandboxes").join(&sandbox).join("exits").join(&id);
    let go = node.data_dir().join("runtime/containers").join(&id).join("upper/go");
    node.kill_server().await;
    // Through the container's own root: writing to a layer in use is not for anybody else.
    let pid = node.process_of(&id);
    std::fs::write(format!("/proc/{pid}/root/go"), "").unwrap();
    assert!(go.exists());
    node.until("the exit is recorded", || exits.exists()).await;
    node.restart().await;
    let status = node.status(&id).await;
    assert_eq!((status.state(), status.exit_code), (v1::ContainerState::ContainerExited, 5));
    assert_eq!(node.log(&status), "bye\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_death_of_a_shim_is_the_death_of_its_sandbox() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let id = node.start(&sandbox, shell("trap '' TERM; sleep 1000")).await;
    let shim = rustix::process::Pid::from_raw(node.shim_pid(&sandbox)).unwrap();
    rustix::process::kill_process(shim, rustix::process::Signal::KILL).unwrap();
    let status = node.ended(&id).await;
    assert_eq!(status.reason, "Unknown");
    let state = node.runtime.pod_sandbox_status(sandbox.clone()).await.unwrap().state();
    assert_eq!(state, v1::PodSandboxState::SandboxNotready);
    node.runtime.stop_pod_sandbox(sandbox.clone()).await.unwrap();
    node.runtime.remove_pod_sandbox(sandbox).await.unwrap();
    node.until("its processes are gone", || node.traces().iter().all(|trace| !trace.starts_with("process")))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shim_that_died_without_a_server_is_noticed() {
    let mut node = Node::new().await;
    let sandbox = node.sandbox().await;
    let id = node.start(&sandbox, shell("sleep 1000")).await;
    let shim = rustix::process::Pid::from_raw(node.shim_pid(&sandbox)).unwrap();
    node.kill_server().await;
    rustix::process::kill_process(shim, rustix::process::Signal::KILL).unwrap();
    node.until("the shim is gone", || {
        !std::path::Path::new(&format!("/proc/{}/ns/net", shim.as_raw_pid())).exists()
    })
    .await;
    node.restart().await;
    assert_eq!(node.status(&id).await.exit_code, 255);
    let list = node.runtime.list_pod_sandbox(v1::PodSandboxFilter::default()).await.unwrap();
    assert_eq!(list[0].state(), v1::PodSandboxState::SandboxNotready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_shim_is_refused_with_one_line() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let folder = node.data_dir().join("runtime/sandboxes").join(&sandbox);
    std::fs::rename(folder.join("shim.sock"), folder.join("shim.sock.real")).unwrap();
    // Through a descriptor: a socket's path may not be as long as this one.
    let opened = std::fs::File::open(&folder).unwrap();
    let short = format!("/proc/self/fd/{}/shim.sock", std::os::fd::AsRawFd::as_raw_fd(&opened));
    let listener = tokio::net::UnixListener::bind(short).unwrap();
    tokio::spawn(async move {
        use skiff_shim::protocol::{Answer, frame};
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.read_u8().await.unwrap();
            stream.write_all(&frame::encode(&Answer::Hello { version: 99, pid: 1 }).unwrap()).await.unwrap();
        }
    });
    let error = node.open_again().await.err().unwrap().to_string();
    assert!(error.contains("newer skiff (shim protocol 99, this skiff speaks 1)"), "{error}");
    assert!(!error.contains('\n'));
    std::fs::rename(folder.join("shim.sock.real"), folder.join("shim.sock")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_data_directory_is_refused() {
    let node = Node::new().await;
    let format = node.data_dir().join("runtime/format");
    std::fs::write(&format, "2\n").unwrap();
    let error = node.open_again().await.err().unwrap().to_string();
    assert!(error.contains("has format 2, this skiff knows 1"), "{error}");
    std::fs::write(&format, "1\n").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn clean_up_removes_every_pod_without_a_server() {
    let mut node = Node::new().await;
    for _ in 0..3 {
        let sandbox = node.sandbox().await;
        node.start(&sandbox, shell("(sleep 1000 &); sleep 1000")).await;
    }
    node.kill_server().await;
    skiff_runtime::cleanup(&node.data_dir()).unwrap();
    assert!(node.traces().is_empty(), "{:?}", node.traces());
    // Images stay, and cleaning up a clean directory is nothing.
    skiff_runtime::cleanup(&node.data_dir()).unwrap();
    node.restart().await;
    assert_eq!(node.runtime.list_images().await.unwrap().len(), 1);
    assert!(node.runtime.list_pod_sandbox(v1::PodSandboxFilter::default()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_data_directory_is_no_obstacle() {
    let node = Node::deep(200).await;
    assert_eq!(node.says("echo fine").await, "fine\n");
}
