//! A terminal with one kubectl on its PATH, in directories and a namespace of its own.

use crate::cluster::Cluster;
use crate::mask::Mask;
use skiff_testkit::Kubectl;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// How many seconds a command may take.
const DEADLINE: &str = "60";

/// A terminal.
pub struct Terminal {
    dir: TempDir,
    namespace: String,
    kubeconfig: String,
    mask: Mask,
}

impl Terminal {
    pub fn open(cluster: &Cluster, kubectl: &Kubectl) -> Self {
        let namespace = cluster.make_namespace(kubectl.minor());
        let dir = tempfile::tempdir().unwrap();
        for part in ["bin", "home", "tmp", "work"] {
            fs::create_dir(dir.path().join(part)).unwrap();
        }
        symlink(kubectl.path(), dir.path().join("bin/kubectl")).unwrap();
        let context = dir.path().join("context");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: session\ncontexts:\n- name: session\n  context: {{cluster: default, user: default, namespace: {namespace}}}\n"
        );
        fs::write(&context, text).unwrap();
        let kubeconfig = format!("{}:{}", context.display(), cluster.kubeconfig().display());
        let shown = |path: &str| dir.path().join(path).to_string_lossy().into_owned();
        let mask = Mask::new(vec![
            (namespace.clone(), "$NS"),
            (shown("work"), "$PWD"),
            (shown("tmp"), "$TMPDIR"),
            (cluster.url(), "$SERVER"),
        ]);
        Self { dir, namespace, kubeconfig, mask }
    }

    fn part(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a command and shows what it printed.
    pub fn run(&self, command: &str) -> Vec<String> {
        let output = Command::new("timeout")
            .args([DEADLINE, "sh", "-c", &format!("exec 2>&1\n{command}")])
            .current_dir(self.part("work"))
            .env("PATH", path_with(&self.part("bin")))
            .env("HOME", self.part("home"))
            .env("TMPDIR", self.part("tmp"))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("NS", &self.namespace)
            .envs([("TZ", "UTC"), ("LC_ALL", "C"), ("TERM", "dumb")])
            // a command is over before collecting its garbage pays
            .envs([("GOGC", "off"), ("GOMAXPROCS", "1")])
            .env_remove("KUBECTL_EXTERNAL_DIFF")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let mut lines = self.mask.lines(&String::from_utf8_lossy(&output.stdout));
        if !output.status.success() {
            lines.push(output.status.code().map_or("[killed]".to_owned(), |code| format!("[exit {code}]")));
        }
        lines
    }
}

fn path_with(first: &Path) -> String {
    format!("{}:{}", first.display(), std::env::var("PATH").unwrap_or_default())
}
