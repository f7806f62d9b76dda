//! Kubeconfig files.

use crate::{Target, Verdict, law, target};
use skiff_apimachinery::yaml;
use skiff_client::kubeconfig::{Access, Kubeconfig, KubeconfigError};

/// Below a file there are no files: what a path names is not read.
const NOWHERE: &str = "/dev/null";

/// See [`Target`].
pub const TARGET: Target = Target { name: "kubeconfig", seeds: &[
    b"apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    certificate-authority-data: UEVN\n    server: https://127.0.0.1:6443/\n    tls-server-name: x\n  name: here\ncontexts:\n- context: {cluster: here, user: me, namespace: web}\n  name: main\ncurrent-context: main\nusers:\n- name: me\n  user:\n    token: secret\n    client-certificate-data: UEVN\n    client-key-data: UEVN\n",
    b"{\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://[::1]\",\"insecure-skip-tls-verify\":true}}],\"users\":[{\"name\":\"u\",\"user\":{\"username\":\"a\",\"password\":\"b\",\"tokenFile\":\"t\"}}],\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\",\"user\":\"u\"}}],\"current-context\":\"x\"}",
    b"users:\n- name: p\n  user:\n    exec: {command: aws, args: [1]}\n",
], made: target::none, run };

fn run(input: &[u8]) -> Verdict {
    let Ok(access) = read(&String::from_utf8_lossy(input)) else { return Ok(()) };
    let written = yaml::encode(&access.to_document());
    let again = law::succeeds("what was written reads", read(&written))?;
    law::same("what was written reads back", &told(&again), &told(&access))
}

fn read(text: &str) -> Result<Access, KubeconfigError> {
    let mut config = Kubeconfig::parse(text)?;
    config.directory = NOWHERE.into();
    config.access(None)
}

/// All but the certificates: an empty one is written and counts as absent.
fn told(access: &Access) -> String {
    let server = (&access.server, access.insecure_skip_tls_verify, &access.tls_server_name);
    format!("{server:?} {:?}", (&access.token, &access.token_file, &access.basic))
}
