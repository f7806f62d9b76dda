//! What a server refuses to start with: one clear line, exit code 1, nothing damaged.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

use skiff_testkit::server::binary;
use skiff_testkit::{Options, Server};
use std::net::TcpListener;
use std::process::Command;

fn refused(arguments: &[&str]) -> String {
    let output = Command::new(binary()).arg("server").args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    let lines: Vec<&str> = errors.lines().filter(|line| line.starts_with("skiff: ")).collect();
    assert_eq!(lines.len(), 1, "{errors}");
    lines[0].to_owned()
}

#[test]
fn a_wrong_flag() {
    assert!(refused(&["--https-listen-prot", "1"]).contains("--https-listen-prot"));
}

#[test]
fn a_used_port() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let dir = tempfile();
    let line = refused(&[
        "--disable-agent",
        "--bind-address",
        "127.0.0.1",
        "--node-ip",
        "127.0.0.1",
        "--https-listen-port",
        &port,
        "--data-dir",
        &dir.join("data").to_string_lossy(),
    ]);
    assert!(line.contains(&port), "{line}");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_second_server_on_the_same_directory() {
    let server = Server::start(Options::default());
    let data = server.path("data");
    let line = refused(&["--disable-agent", "--node-ip", "127.0.0.1", "--data-dir", &data.to_string_lossy()]);
    assert!(line.contains("in use by another server"), "{line}");
    assert!(server.kubectl(&["get", "namespace", "default"]).contains("Active"));
}

#[test]
fn a_newer_data_directory() {
    let dir = tempfile();
    std::fs::write(dir.join("format"), "999\n").unwrap();
    let line = refused(&["--disable-agent", "--node-ip", "127.0.0.1", "--data-dir", &dir.to_string_lossy()]);
    assert!(line.contains("format 999") && line.contains("newer"), "{line}");
    assert_eq!(std::fs::read_to_string(dir.join("format")).unwrap(), "999\n");
    std::fs::remove_dir_all(dir).unwrap();
}

fn tempfile() -> std::path::PathBuf {
    let unique = format!("skiff-refusals-{}-{:?}", std::process::id(), std::thread::current().id());
    let dir = std::env::temp_dir().join(unique);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}
