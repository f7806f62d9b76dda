//! Containers from start to end: what they see, what they leave, what becomes of them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use skiff_cri::{Code, Runtime, v1};
use support::{IMAGE, Node, shell};

#[tokio::test(flavor = "multi_thread")]
async fn a_container_runs_logs_and_ends_with_its_code() {
    let node = Node::new().await;
    let (status, log) = node.run(shell("echo hello; echo world >&2; printf unfinished; exit 7")).await;
    assert_eq!((status.exit_code, status.reason.as_str()), (7, "Error"));
    assert_eq!(log, "hello\nworld\nunfinished\n");
    assert!(status.finished_at >= status.started_at && status.started_at > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_line_says_when_and_where_it_came_from() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let id = node.start(&sandbox, shell("echo out; sleep 0.1; echo err >&2; sleep 0.1; printf part")).await;
    let status = node.ended(&id).await;
    let text = std::fs::read_to_string(&status.log_path).unwrap();
    let fields: Vec<Vec<&str>> = text.lines().map(|line| line.splitn(4, ' ').collect()).collect();
    assert_eq!(
        fields.iter().map(|line| line[1..].join(" ")).collect::<Vec<_>>(),
        ["stdout F out", "stderr F err", "stdout P part"]
    );
    assert!(fields.iter().all(|line| line[0].len() == 30 && line[0].ends_with('Z')), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_sees_its_own_world() {
    let node = Node::new().await;
    let seen = node
        .says(
            "echo pid $$; hostname; echo $HOSTNAME $HOME $PATH; cat /proc/self/mounts | grep -c ' / overlay '; \
             ls /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx /dev/shm /dev/mqueue -d; \
             readlink /dev/stdin; ls /sys/fs/cgroup/memory/memory.limit_in_bytes; stat -c %a /dev/shm /tmp; \
             echo x > /dev/null; echo written > /file; cat /file",
        )
        .await;
    assert_eq!(
        seen,
        "pid 1\npodhost\npodhost /root /bin\n1\n/dev/full\n/dev/mqueue\n/dev/null\n/dev/ptmx\n/dev/random\n/dev/shm\n\
         /dev/tty\n/dev/urandom\n/dev/zero\n/proc/self/fd/0\n/sys/fs/cgroup/memory/memory.limit_in_bytes\n1777\n1777\n\
         written\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn environment_directory_and_user_are_as_asked() {
    let node = Node::new().await;
    let mut config = support::secured(shell("id; pwd; echo $COLOR"), |security| {
        security.run_as_username = "web".to_owned();
        security.supplemental_groups = vec![2000];
    });
    config.working_dir = "/srv/deep".to_owned();
    config.envs = vec![v1::KeyValue { key: "COLOR".to_owned(), value: "blue".to_owned() }];
    let (_, log) = node.run(config).await;
    assert_eq!(log, "uid=33(web) gid=33(web) groups=33(web),44(extra),2000\n/srv/deep\nblue\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_of_a_pod_share_network_ipc_and_shared_memory_but_not_processes() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let say = "for n in net ipc uts pid mnt; do readlink /proc/self/ns/$n; done";
    let first = node.start(&sandbox, shell("echo shared > /dev/shm/file; sleep 100")).await;
    let second = node.start(&sandbox, shell("sleep 100")).await;
    let (one, two) = (node.exec(&first, say).await, node.exec(&second, say).await);
    let lines = |response: &v1::ExecSyncResponse| {
        String::from_utf8(response.stdout.clone()).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (one, two) = (lines(&one), lines(&two));
    assert_eq!(one[..3], two[..3]);
    assert!(one[3] != two[3] && one[4] != two[4]);
    for (position, name) in ["net", "ipc", "uts"].iter().enumerate() {
        let host = std::fs::read_link(format!("/proc/self/ns/{name}")).unwrap();
        assert_ne!(host.to_str().unwrap(), one[position]);
    }
    assert_eq!(node.exec(&second, "cat /dev/shm/file").await.stdout, b"shared\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_may_share_its_processes() {
    let node = Node::new().await;
    let mut pod = node.pod_config();
    let namespaces = v1::NamespaceOption { pid: v1::NamespaceMode::Pod.into(), ..Default::default() };
    let security =
        v1::LinuxSandboxSecurityContext { namespace_options: Some(namespaces.clone()), ..Default::default() };
    pod.linux.as_mut().unwrap().security_context = Some(security);
    let sandbox = node.sandbox_with(pod).await;
    let shared = |script: &str| {
        support::secured(shell(script), |security| security.namespace_options = Some(namespaces.clone()))
    };
    let first = node.start(&sandbox, shared("sleep 100 & sleep 1000")).await;
    let second = node.start(&sandbox, shared("sleep 2000")).await;
    // The shells become their commands in their own time.
    let both = "for i in $(seq 100); do out=$(ps); case $out in *'sleep 1000'*'sleep 2000'*) break;; esac; sleep 0.1; done; echo \"$out\"";
    let seen = String::from_utf8(node.exec(&second, both).await.stdout).unwrap();
    assert!(seen.contains("1 0") || seen.lines().any(|line| line.trim_start().starts_with("1 ")), "{seen}");
    assert!(seen.contains("sleep 1000") && seen.contains("sleep 2000"), "{seen}");
    // Its whole tree goes with a container, though the namespace lives on.
    node.runtime.stop_container(first.clone(), 0).await.unwrap();
    assert_eq!(node.status(&first).await.exit_code, 137);
    let seen = String::from_utf8(node.exec(&second, "ps").await.stdout).unwrap();
    assert!(!seen.contains("sleep 100\n") && !seen.contains("sleep 1000"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_is_a_start_error() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    for (program, text) in [
        ("nonsense", r#"exec: "nonsense": executable file not found in $PATH"#),
        ("/no/such", r#"exec: "/no/such": stat /no/such: no such file or directory"#),
        ("/etc/passwd", r#"exec: "/etc/passwd": permission denied"#),
    ] {
        let mut config = shell("");
        config.command = vec![program.to_owned()];
        let id = node.create(&sandbox, config).await;
        let error = node.runtime.start_container(id.clone()).await.unwrap_err();
        assert!(error.message.contains(text), "{error}");
        let status = node.status(&id).await;
        assert_eq!((status.exit_code, status.reason.as_str()), (128, "StartError"));
        assert!(status.message.contains(text));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_asks_first_and_kills_after_the_timeout() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let polite =
        node.start(&sandbox, shell("trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done")).await;
    let deaf = node.start(&sandbox, shell("trap '' TERM; echo ready; while :; do sleep 0.05; done")).await;
    for id in [&polite, &deaf] {
        node.says_in_log(id, "ready").await;
    }
    node.runtime.stop_container(polite.clone(), 20).await.unwrap();
    assert_eq!(node.status(&polite).await.exit_code, 3);
    node.runtime.stop_container(deaf.clone(), 1).await.unwrap();
    assert_eq!(node.status(&deaf).await.exit_code, 137);
    // Again, and of what never was: nothing to do.
    node.runtime.stop_container(deaf, 1).await.unwrap();
    node.runtime.stop_container("0123".to_owned(), 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_container_takes_its_children_along() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let id = node
        .start(&sandbox, shell("for i in 1 2 3; do (sleep 100 & sleep 100) & done; echo ready; sleep 100"))
        .await;
    node.says_in_log(&id, "ready").await;
    let cgroup = std::path::PathBuf::from(format!("/sys/fs/cgroup/pids{}/pod/{id}", node.cgroup));
    assert!(cgroup.exists());
    node.runtime.stop_container(id.clone(), 0).await.unwrap();
    node.until("the cgroup is gone", || !cgroup.exists()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mounts_are_made_with_the_access_asked_for() {
    let node = Node::new().await;
    let folder = node.directory.path().join("volume");
    std::fs::create_dir_all(folder.join("inner")).unwrap();
    std::fs::write(folder.join("file"), "content").unwrap();
    let mount = |target: &str, source: std::path::PathBuf, readonly| v1::Mount {
        container_path: target.to_owned(),
        host_path: source.display().to_string(),
        readonly,
        ..Default::default()
    };
    let mut config = shell(
        "cat /data/file /one; echo more >> /data/new; (echo x > /ro/y) 2>/dev/null || echo refused; cat /etc/hosts; \
         grep -c ' /made/by/host ' /proc/mounts",
    );
    std::fs::write(folder.join("hosts"), "127.0.0.1 pod\n").unwrap();
    config.mounts = vec![
        mount("/data", folder.clone(), false),
        mount("/ro", folder.clone(), true),
        mount("/one", folder.join("file"), true),
        mount("/etc/hosts", folder.join("hosts"), false),
        mount("/made/by/host", node.directory.path().join("missing"), false),
    ];
    let (status, log) = node.run(config).await;
    assert_eq!(log, "contentcontentrefused\n127.0.0.1 pod\n1\n");
    assert_eq!(status.mounts.len(), 5);
    assert_eq!(std::fs::read_to_string(folder.join("new")).unwrap(), "more\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_mounted_inside_proc() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let mut config = shell("true");
    config.mounts = vec![v1::Mount {
        container_path: "/proc/self/attr".to_owned(),
        host_path: node.directory.path().join("x").display().to_string(),
        ..Default::default()
    }];
    let id = node.create(&sandbox, config).await;
    let error = node.runtime.start_container(id).await.unwrap_err();
    assert!(error.message.contains("inside /proc") || error.message.contains("mkdir"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_filter_by_state_sandbox_and_labels() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let running = node.start(&sandbox, shell("sleep 100")).await;
    let ended = node.start(&sandbox, shell("true")).await;
    node.ended(&ended).await;
    let list = |filter: v1::ContainerFilter| {
        let runtime = node.runtime.clone();
        async move {
            let list = runtime.list_containers(filter).await.unwrap();
            list.into_iter().map(|container| container.id).collect::<Vec<_>>()
        }
    };
    let state = Some(v1::ContainerStateValue { state: v1::ContainerState::ContainerRunning.into() });
    assert_eq!(list(v1::ContainerFilter { state, ..Default::default() }).await, vec![running.clone()]);
    let filter = v1::ContainerFilter { pod_sandbox_id: sandbox.clone(), ..Default::default() };
    assert_eq!(list(filter).await.len(), 2);
    let label_selector = [("app".to_owned(), "other".to_owned())].into();
    assert!(list(v1::ContainerFilter { label_selector, ..Default::default() }).await.is_empty());
    let sandboxes = node.runtime.list_pod_sandbox(v1::PodSandboxFilter::default()).await.unwrap();
    assert_eq!(sandboxes[0].state(), v1::PodSandboxState::SandboxReady);
    node.runtime.stop_pod_sandbox(sandbox.clone()).await.unwrap();
    assert_eq!(node.status(&running).await.exit_code, 137);
    let status = node.runtime.pod_sandbox_status(sandbox.clone()).await.unwrap();
    assert_eq!(status.state(), v1::PodSandboxState::SandboxNotready);
    node.runtime.remove_pod_sandbox(sandbox.clone()).await.unwrap();
    node.runtime.remove_pod_sandbox(sandbox.clone()).await.unwrap();
    assert_eq!(node.runtime.container_status(running).await.unwrap_err().code, Code::NotFound);
    assert_eq!(node.runtime.pod_sandbox_status(sandbox).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_image_is_not_found() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let mut config = shell("true");
    config.image.as_mut().unwrap().image = "example.test/other:1".to_owned();
    let request =
        v1::CreateContainerRequest { pod_sandbox_id: sandbox, config: Some(config), sandbox_config: None };
    assert_eq!(node.runtime.create_container(request).await.unwrap_err().code, Code::NotFound);
    let image = v1::ImageSpec { image: IMAGE.to_owned(), ..Default::default() };
    assert!(node.runtime.image_status(image).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_log_is_opened_anew() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let id =
        node.start(&sandbox, shell("echo first; while [ ! -e /go ]; do sleep 0.02; done; echo second")).await;
    node.says_in_log(&id, "first").await;
    let path = node.status(&id).await.log_path;
    std::fs::rename(&path, format!("{path}.old")).unwrap();
    node.runtime.reopen_container_log(id.clone()).await.unwrap();
    node.exec(&id, "touch /go").await;
    let status = node.ended(&id).await;
    assert_eq!(node.log(&status), "second\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_may_live_in_the_hosts_namespaces() {
    let node = Node::new().await;
    let host = v1::NamespaceMode::Node.into();
    let namespaces = v1::NamespaceOption { network: host, pid: host, ipc: host, ..Default::default() };
    let mut pod = node.pod_config();
    let security =
        v1::LinuxSandboxSecurityContext { namespace_options: Some(namespaces.clone()), ..Default::default() };
    pod.linux.as_mut().unwrap().security_context = Some(security);
    let sandbox = node.sandbox_with(pod).await;
    let status = node.runtime.pod_sandbox_status(sandbox.clone()).await.unwrap();
    assert_eq!(status.network.unwrap().ip, "");
    let config = support::secured(shell("(sleep 4321 &); echo ready; sleep 1000"), |security| {
        security.namespace_options = Some(namespaces);
    });
    let id = node.start(&sandbox, config).await;
    node.says_in_log(&id, "ready").await;
    let seen = node.exec(&id, "for n in net ipc uts pid; do readlink /proc/self/ns/$n; done").await.stdout;
    let own = ["net", "ipc", "uts", "pid"].map(|name| {
        std::fs::read_link(format!("/proc/self/ns/{name}")).unwrap().to_str().unwrap().to_owned() + "\n"
    });
    assert_eq!(String::from_utf8(seen).unwrap(), own.concat());
    // Nothing but its cgroup holds its processes together here.
    node.runtime.stop_container(id.clone(), 0).await.unwrap();
    let cgroup = std::path::PathBuf::from(format!("/sys/fs/cgroup/pids{}/pod/{id}", node.cgroup));
    node.until("the cgroup is gone", || !cgroup.exists()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debug_container_joins_the_processes_of_its_target() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let target = node.start(&sandbox, shell("sleep 4321")).await;
    let config = support::secured(shell("ps; cat /proc/1/cmdline | tr '\\0' ' '"), |security| {
        security.namespace_options = Some(v1::NamespaceOption {
            pid: v1::NamespaceMode::Target.into(),
            target_id: target.clone(),
            ..Default::default()
        });
    });
    let mut config = config;
    config.log_path = "debug.log".to_owned();
    let id = node.start(&sandbox, config).await;
    let status = node.ended(&id).await;
    assert!(node.log(&status).contains("sleep 4321"), "{}", node.log(&status));
    assert_eq!(node.status(&target).await.state(), v1::ContainerState::ContainerRunning);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_mount_may_be_so_all_the_way_down() {
    let node = Node::new().await;
    // The machine's /dev has a mount below it, which a mount made for this test would have to be.
    let mount = |target: &str, recursive| v1::Mount {
        container_path: target.to_owned(),
        host_path: "/dev".to_owned(),
        readonly: true,
        recursive_read_only: recursive,
        ..Default::default()
    };
    let mut config = shell(
        "for d in /plain /deep; do (touch $d/skiff-test) 2>/dev/null && echo wrote; (touch $d/shm/skiff-test && rm $d/shm/skiff-test) 2>/dev/null && echo wrote below; done; true",
    );
    config.mounts = vec![mount("/plain", false), mount("/deep", true)];
    let (_, log) = node.run(config).await;
    let expected = if std::fs::read_to_string("/proc/mounts").unwrap().contains(" /dev/shm ") {
        "wrote below\n"
    } else {
        ""
    };
    assert_eq!(log, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_for_root_alone() {
    use std::os::unix::fs::PermissionsExt;
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let id = node.create(&sandbox, shell("true")).await;
    let record = node.data_dir().join("runtime/containers").join(id).join("record.json");
    assert_eq!(record.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(node.data_dir().join("runtime").metadata().unwrap().permissions().mode() & 0o777, 0o700);
}
