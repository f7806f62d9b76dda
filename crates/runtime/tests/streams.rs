//! Commands in containers, attached clients, forwarded ports.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use skiff_cri::streams::TerminalSize;
use skiff_cri::{Code, Runtime, v1};
use support::{Node, PATIENCE, shell};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn exec(id: &str, script: &str) -> v1::ExecRequest {
    let cmd = ["sh", "-c", script].map(str::to_owned).to_vec();
    v1::ExecRequest { container_id: id.to_owned(), cmd, tty: false, stdin: true, stdout: true, stderr: true }
}

async fn read_all(reader: Option<skiff_cri::streams::Reader>) -> String {
    let mut text = String::new();
    let reading = async { reader.unwrap().read_to_string(&mut text).await };
    tokio::time::timeout(PATIENCE, reading).await.unwrap().unwrap();
    text
}

async fn sleeping(node: &Node) -> String {
    let sandbox = node.sandbox().await;
    node.start(&sandbox, shell("sleep 1000")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn exec_sync_collects_output_and_code() {
    let node = Node::new().await;
    let id = sleeping(&node).await;
    let response = node.exec(&id, "echo out; echo err >&2; exit 9").await;
    assert_eq!(
        (response.stdout.as_slice(), response.stderr.as_slice(), response.exit_code),
        (&b"out\n"[..], &b"err\n"[..], 9)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn exec_sync_caps_what_it_collects() {
    let node = Node::new().await;
    let id = sleeping(&node).await;
    let response = node.exec(&id, "dd if=/dev/zero bs=1048576 count=20 2>/dev/null").await;
    assert_eq!((response.stdout.len(), response.exit_code), (16 << 20, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn exec_sync_ends_at_its_deadline_and_kills_the_command() {
    let node = Node::new().await;
    let id = sleeping(&node).await;
    let cmd = ["sh", "-c", "sleep 54321"].map(str::to_owned).to_vec();
    let request = v1::ExecSyncRequest { container_id: id.clone(), cmd, timeout: 1 };
    assert_eq!(node.runtime.exec_sync(request).await.unwrap_err().code, Code::DeadlineExceeded);
    let gone = "for i in 1 2 3 4 5 6 7 8 9; do ps | grep -v grep | grep -q 'sleep 54321' || exit 0; sleep 0.1; done; exit 1";
    assert_eq!(node.exec(&id, gone).await.exit_code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_not_there_is_an_error() {
    let node = Node::new().await;
    let id = sleeping(&node).await;
    let request = v1::ExecRequest { cmd: vec!["nonsense".to_owned()], ..exec(&id, "") };
    let error = node.runtime.exec(request).await.err().unwrap();
    assert!(error.message.contains(r#"exec: "nonsense": executable file not found in $PATH"#), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exec_passes_input_until_it_is_closed() {
    let node = Node::new().await;
    let id = sleeping(&node).await;
    let mut session = node.runtime.exec(exec(&id, "cat; echo done; exit 4")).await.unwrap();
    let mut stdin = session.stdin.take().unwrap();
    stdin.write_all(b"ping\n").await.unwrap();
    drop(stdin);
    assert_eq!(read_all(session.stdout.take()).await, "ping\ndone\n");
    assert_eq!(session.exit.await.unwrap(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_session_kills_its_command() {
    let node = Node::new().await;
    let id = sleeping(&node).await;
    let session = node.runtime.exec(exec(&id, "echo $$; sleep 54321")).await.unwrap();
    assert!(String::from_utf8(node.exec(&id, "ps").await.stdout).unwrap().contains("sleep 54321"));
    drop(session);
    let gone = "for i in 1 2 3 4 5 6 7 8 9; do ps | grep -v grep | grep -q 'sleep 54321' || exit 0; sleep 0.1; done; exit 1";
    assert_eq!(node.exec(&id, gone).await.exit_code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn exec_with_a_terminal_has_one_that_can_be_resized() {
    let node = Node::new().await;
    let id = sleeping(&node).await;
    let request = v1::ExecRequest {
        tty: true,
        ..exec(
            &id,
            "tty=1; [ -t 0 ] && echo yes; echo $TERM; read go; while stty size | grep -q '^0'; do sleep 0.01; done; stty size; exit 3",
        )
    };
    let mut session = node.runtime.exec(request).await.unwrap();
    assert!(session.stderr.is_none());
    session.resize.as_ref().unwrap().send(TerminalSize { width: 132, height: 43 }).await.unwrap();
    let mut stdin = session.stdin.take().unwrap();
    stdin.write_all(b"\n").await.unwrap();
    let said = read_all(session.stdout.take()).await;
    // The terminal echoes the line whenever it comes, so blank lines do not count.
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, ["yes", "xterm", "43 132"], "{said:?}");
    assert_eq!(session.exit.await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn attach_shares_the_streams_of_the_main_process() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let mut config = shell("echo before; while read line; do echo got $line; done; echo end >&2; exit 5");
    (config.stdin, config.stdin_once) = (true, true);
    let id = node.start(&sandbox, config).await;
    let request =
        v1::AttachRequest { container_id: id.clone(), stdin: true, stdout: true, stderr: true, tty: false };
    let mut session = node.runtime.attach(request).await.unwrap();
    let mut stdin = session.stdin.take().unwrap();
    stdin.write_all(b"one\ntwo\n").await.unwrap();
    drop(stdin);
    let (stdout, stderr) = tokio::join!(read_all(session.stdout.take()), read_all(session.stderr.take()));
    assert!(stdout.ends_with("got one\ngot two\n"), "{stdout}");
    assert_eq!(stderr, "end\n");
    assert_eq!(session.exit.await.unwrap(), 5);
    let status = node.ended(&id).await;
    assert_eq!(node.log(&status), "before\ngot one\ngot two\nend\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_gets_everything_before_the_end() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let mut config = shell("read go; head -c 300000 /dev/zero | tr '\\0' x; exit 2");
    config.stdin = true;
    let id = node.start(&sandbox, config).await;
    let request =
        v1::AttachRequest { container_id: id.clone(), stdin: true, stdout: true, stderr: false, tty: false };
    let mut session = node.runtime.attach(request).await.unwrap();
    session.stdin.as_mut().unwrap().write_all(b"\n").await.unwrap();
    // Nobody reads until the pipes are full, which the log shows.
    let path = node.status(&id).await.log_path;
    node.until("much was said", || std::fs::metadata(&path).is_ok_and(|file| file.len() > 64 << 10)).await;
    assert_eq!(read_all(session.stdout.take()).await.len(), 300_000);
    assert_eq!(session.exit.await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_does_not_stop_the_container() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let id =
        node.start(&sandbox, shell("while [ ! -e /go ]; do echo tick; sleep 0.01; done; echo over")).await;
    let request =
        v1::AttachRequest { container_id: id.clone(), stdin: false, stdout: true, stderr: true, tty: false };
    let mut session = node.runtime.attach(request).await.unwrap();
    let mut tick = [0; 5];
    session.stdout.as_mut().unwrap().read_exact(&mut tick).await.unwrap();
    drop(session);
    node.exec(&id, "touch /go").await;
    let status = node.ended(&id).await;
    assert_eq!(status.exit_code, 0);
    assert!(node.log(&status).ends_with("over\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_with_a_terminal_logs_what_it_shows() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let mut config =
        shell("[ -t 1 ] && echo terminal; ls -l /dev/console | grep -c '136,'; read line; echo got $line");
    (config.tty, config.stdin) = (true, true);
    let id = node.start(&sandbox, config).await;
    let request =
        v1::AttachRequest { container_id: id.clone(), stdin: true, stdout: true, stderr: false, tty: true };
    let mut session = node.runtime.attach(request).await.unwrap();
    session.stdin.take().unwrap().write_all(b"word\n").await.unwrap();
    let status = node.ended(&id).await;
    let log = node.log(&status);
    assert!(log.contains("terminal\n") && log.contains("got word"), "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_are_reached_inside_the_pod() {
    let node = Node::new().await;
    let sandbox = node.sandbox().await;
    let id = node
        .start(
            &sandbox,
            shell("mkdir() { :; }; echo hello > /tmp/index.html; httpd -f -p 127.0.0.1:8080 -h /tmp"),
        )
        .await;
    let ready =
        "for i in 1 2 3 4 5 6 7 8 9; do wget -qO- http://127.0.0.1:8080/ && exit 0; sleep 0.1; done; exit 1";
    assert_eq!(node.exec(&id, ready).await.exit_code, 0);
    let mut stream = node.runtime.port_forward(sandbox.clone(), 8080).await.unwrap();
    stream.writer.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.reader.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("hello\n"), "{answer}");
    let error = node.runtime.port_forward(sandbox, 9).await.err().unwrap();
    assert!(error.message.contains("failed to connect to localhost:9 inside pod"), "{error}");
}
