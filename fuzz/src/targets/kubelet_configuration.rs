//! `KubeletConfiguration` files.

use crate::{Target, Verdict, target};
use skiff_kubelet::{KubeletConfig, configuration};

/// See [`Target`].
pub const TARGET: Target = Target { name: "kubelet_configuration", seeds: &[
    b"apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\naddress: 0.0.0.0\nport: 10250\nauthentication:\n  anonymous: {enabled: false}\n  x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}\nclusterDNS: [10.96.0.10, 'fd00::a']\nclusterDomain: cluster.local\nhealthzPort: 10248\nnodeStatusReportFrequency: 5m0s\nnodeLeaseDurationSeconds: 40\nregisterWithTaints: [{key: a, value: b, effect: NoSchedule}]\ncontainerLogMaxSize: 5Mi\ncontainerLogMaxFiles: 5\nmaxPods: 42\npodPidsLimit: -1\nseccompDefault: true\nregisterNode: true\nrotateCertificates: true\n",
    br#"{"apiVersion":"kubelet.config.k8s.io/v1beta1","kind":"KubeletConfiguration","resolvConf":"/etc/resolv.conf","cgroupRoot":"/","podLogsDir":"/var/log/pods","providerID":"x","tlsCertFile":"a","tlsPrivateKeyFile":"b","evictionHard":{"memory.available":"1Gi"}}"#,
], made: target::none, run };

fn run(input: &[u8]) -> Verdict {
    let mut config = KubeletConfig::default();
    // What is refused is told; nothing is written that could be read back.
    let _ = configuration::read(&String::from_utf8_lossy(input), &mut config);
    Ok(())
}
