//! `cargo xtask setup`: installs what a fresh Debian lacks. What is there is left alone, so a second run takes no time.

use anyhow::{Context, Result, bail, ensure};
use std::path::Path;
use std::process::Command;

/// How to see that a package is there.
enum Sign {
    /// A program on the path.
    Program(&'static str),
    /// A file.
    File(&'static str),
    /// A package of this name: the program alone may come from another, unsuitable package.
    Package,
}

/// Debian packages, and what each is for.
const PACKAGES: &[(&str, Sign, &str)] = &[
    ("build-essential", Sign::Program("cc"), "linking"),
    ("protobuf-compiler", Sign::Program("protoc"), "building the etcd client"),
    ("libprotobuf-dev", Sign::File("/usr/include/google/protobuf/any.proto"), "building the etcd client"),
    ("iproute2", Sign::Program("ip"), "network tests"),
    ("nftables", Sign::Program("nft"), "network tests: the oracle for rule sets"),
    ("conntrack", Sign::Program("conntrack"), "network tests"),
    ("openssl", Sign::Program("openssl"), "key tests"),
    ("busybox-static", Sign::Package, "images for tests and the demo"),
    ("etcd-server", Sign::Program("etcd"), "storage tests on etcd"),
    ("etcd-client", Sign::Program("etcdctl"), "storage tests on etcd"),
    ("curl", Sign::Program("curl"), "acceptance tests"),
    ("python3", Sign::Program("python3"), "acceptance tests"),
    ("kubernetes-client", Sign::Program("kubectl"), "acceptance tests: any kubectl will do"),
    ("ca-certificates", Sign::File("/etc/ssl/certs/ca-certificates.crt"), "pulling images"),
];

pub fn run(_arguments: &[String]) -> Result<()> {
    let missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|(package, sign, _)| !is_there(package, sign))
        .map(|(package, _, purpose)| {
            println!("missing: {package} ({purpose})");
            *package
        })
        .collect();
    if missing.is_empty() {
        println!("nothing to install");
        return Ok(());
    }
    ensure!(find("apt-get").is_some(), "no apt-get here; install by hand: {}", missing.join(" "));
    if !is_root() {
        bail!("installing needs root: sudo apt-get install --no-install-recommends {}", missing.join(" "));
    }
    apt(&["update", "-q"])?;
    let mut arguments = vec!["install", "-y", "-q", "--no-install-recommends"];
    arguments.extend(&missing);
    apt(&arguments)?;
    // a test starts its own etcd; a service of the machine would only hold the port
    if missing.contains(&"etcd-server") {
        let _ = Command::new("systemctl").args(["disable", "--now", "etcd"]).output();
    }
    println!("installed {}", missing.join(" "));
    Ok(())
}

fn is_there(package: &str, sign: &Sign) -> bool {
    match sign {
        Sign::Program(name) => find(name).is_some(),
        Sign::File(path) => Path::new(path).exists(),
        Sign::Package => Command::new("dpkg-query")
            .args(["-W", "-f", "${Status}", package])
            .output()
            .is_ok_and(|output| output.stdout.ends_with(b"ok installed")),
    }
}

fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    // system programs are not on every user's path
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn apt(arguments: &[&str]) -> Result<()> {
    println!("apt-get {}", arguments.join(" "));
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()
        .context("run apt-get")?;
    ensure!(status.success(), "apt-get failed");
    Ok(())
}
