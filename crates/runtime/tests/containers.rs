//! Containers from start to end: what they see, what they leave, what becomes of them.

mod support;

use skiff_cri::{Runtime, v1};
use support::{Node, shell};

#[tokio::test(flavor = "multi_thread")]
async fn a_container_runs_logs_and_ends_with_its_code() {
    let node = Node::new().await;
    let (status, log) = node.run(shell("echo hello; echo world >&2; printf unfinished; exit 7")).await;
    assert_eq!((status.exit_code, status.reason.as_str()), (7, "Error"));
    assert_eq!(log, "hello\nworld\nunfinished\n");
    assert!(status.finished_at >= status.started_at && status.started_at > 0);
}
