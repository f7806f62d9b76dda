//! Volumes that show objects as files.

use super::{of_spec, parse};

/// What is wrong with a volume `v` that has these fields; paths are shown from the volume on.
fn check_volumes(cases: &[(&str, &[&str])]) {
    for (given, expected) in cases {
        let spec = parse(&format!(r#"{{"volumes": [{{"name": "v", {given}}}]}}"#));
        let expected: Vec<String> = expected.iter().map(|text| format!("spec.volumes[0]{text}")).collect();
        assert_eq!(of_spec(spec), expected, "{given}");
    }
}

#[test]
fn keys_become_files_below_the_volume() {
    const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";
    let modes = [
        format!(".secret.defaultMode: Invalid value: 512: {MODE}"),
        format!(".secret.items[0].mode: Invalid value: -1: {MODE}"),
    ];
    check_volumes(&[
        (r#""secret": {"secretName": "s", "items": [{"key": "a", "path": "b/..c"}]}"#, &[]),
        (r#""secret": {}"#, &[".secret.secretName: Required value"]),
        (r#""configMap": {}"#, &[".configMap.name: Required value"]),
        (
            r#""secret": {"secretName": "s", "defaultMode": 512, "items": [{"key": "a", "path": "b", "mode": -1}]}"#,
            &[&modes[0], &modes[1]],
        ),
        (
            r#""configMap": {"name": "m", "items": [{}, {"key": "k", "path": "../a"}, {"key": "k", "path": "..a"}, {"key": "k", "path": "/a"}]}"#,
            &[
                ".configMap.items[0].key: Required value",
                ".configMap.items[0].path: Required value",
                r#".configMap.items[1].path: Invalid value: "../a": must not contain '..'"#,
                r#".configMap.items[2].path: Invalid value: "..a": must not start with '..'"#,
                r#".configMap.items[3].path: Invalid value: "/a": must be a relative path"#,
            ],
        ),
    ]);
}

#[test]
fn files_show_what_the_pod_is() {
    check_volumes(&[
        (r#""downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.labels"}}]}"#, &[]),
        (
            r#""downwardAPI": {"items": [{"path": "a", "resourceFieldRef": {"containerName": "c", "resource": "limits.cpu"}}]}"#,
            &[],
        ),
        (
            r#""downwardAPI": {"items": [{}]}"#,
            &[
                ".downwardAPI.path: Required value",
                ".downwardAPI: Required value: one of fieldRef and resourceFieldRef is required",
            ],
        ),
        (
            r#""downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "status.podIP"}, "resourceFieldRef": {}}]}"#,
            &[
                r#".downwardAPI.fieldRef.fieldPath: Unsupported value: "status.podIP": supported values: "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid""#,
                r#".downwardAPI: Invalid value: "resource": fieldRef and resourceFieldRef can not be specified simultaneously"#,
            ],
        ),
        (
            r#""downwardAPI": {"items": [{"path": "a", "resourceFieldRef": {"resource": "limits.cpu"}}]}"#,
            &[".downwardAPI.resourceFieldRef.containerName: Required value"],
        ),
    ]);
}

#[test]
fn sources_of_one_volume_do_not_collide() {
    check_volumes(&[
        (
            r#""projected": {"sources": [
                {"secret": {"name": "s", "items": [{"key": "k", "path": "a"}]}},
                {"configMap": {"name": "m", "items": [{"key": "k", "path": "a"}]}}
            ]}"#,
            &[r#".projected: Invalid value: "m": conflicting duplicate paths"#],
        ),
        (
            r#""projected": {"sources": [{"secret": {"name": "s"}, "configMap": {}}]}"#,
            &[
                ".projected.sources[0].configMap.name: Required value",
                ".projected.sources[0]: Forbidden: may not specify more than 1 volume type per source",
            ],
        ),
        (
            r#""projected": {"sources": [{"serviceAccountToken": {"expirationSeconds": 599, "path": "../t"}}]}"#,
            &[
                ".projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes",
                r#".projected.path: Invalid value: "../t": must not contain '..'"#,
            ],
        ),
        (
            r#""projected": {"sources": [{"serviceAccountToken": {"expirationSeconds": 4294967297}}]}"#,
            &[
                ".projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds",
                ".projected.path: Required value",
            ],
        ),
    ]);
}

#[test]
fn bundles_are_somebodys_or_have_a_name() {
    const AT: &str = ".projected.sources[0].clusterTrustBundle";
    let at = |rest: &str| format!("{AT}{rest}");
    let both = at(
        r#": Invalid value: {"Name":"a","SignerName":"b.c/d","LabelSelector":null,"Optional":null,"Path":"p"}: only one of name and signerName may be used"#,
    );
    let none = at(": Required value: either name or signerName must be specified");
    let path = at(".path: Required value");
    let selector =
        at(r#".labelSelector: Invalid value: {}: labelSelector must be unset if name is specified"#);
    let form = at(
        r#".signerName: Invalid value: "x": must be a fully qualified domain and path of the form 'example.com/signer-name'"#,
    );
    let domain = at(
        r#".signerName: Invalid value: "x": should be a domain with at least two segments separated by dots"#,
    );
    let label = at(&format!(r#".signerName: Invalid value: "A.b": validating label "A": {}"#, super::LABEL));
    let name = at(&format!(
        r#".name: Invalid value: "A": not a valid clustertrustbundlename: {}"#,
        super::SUBDOMAIN
    ));
    let cases: [(&str, &[&str]); 9] = [
        (r#"{"name": "b.c:d:e", "path": "p"}"#, &[]),
        (r#"{"signerName": "b.c/d", "path": "p"}"#, &[]),
        (r#"{"name": "a", "signerName": "b.c/d", "path": "p"}"#, &[&both]),
        ("{}", &[&none, &path]),
        (r#"{"name": "a", "labelSelector": {}, "path": "p"}"#, &[&selector]),
        (r#"{"name": "A", "path": "p"}"#, &[&name]),
        (r#"{"signerName": "x", "path": "p"}"#, &[&form]),
        (r#"{"signerName": "x/y", "path": "p"}"#, &[&domain]),
        (r#"{"signerName": "A.b/y", "path": "p"}"#, &[&label]),
    ];
    for (given, expected) in cases {
        let volume = format!(r#""projected": {{"sources": [{{"clusterTrustBundle": {given}}}]}}"#);
        check_volumes(&[(&volume, expected)]);
    }
}

#[test]
fn certificates_of_the_pods_own() {
    const AT: &str = ".projected.sources[0].podCertificate";
    let at = |rest: &str| format!("{AT}{rest}");
    let key = at(
        r#".keyType: Unsupported value: "x": supported values: "RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519""#,
    );
    let short =
        at(".maxExpirationSeconds: Invalid value: 3599: if provided, maxExpirationSeconds must be >= 3600");
    let long =
        at(".maxExpirationSeconds: Invalid value: 86401: if provided, maxExpirationSeconds must be <= 86400");
    let none = at(
        ": Required value: specify at least one of credentialBundlePath, keyPath, and certificateChainPath",
    );
    let twice = r#".projected: Invalid value: "a": conflicting duplicate paths"#;
    let cases: [(&str, &[&str]); 6] = [
        (
            r#"{"signerName": "a.b/c", "keyType": "ED25519", "keyPath": "k", "maxExpirationSeconds": 86401}"#,
            &[],
        ),
        (r#"{"signerName": "a.b/c", "keyType": "x", "keyPath": "k"}"#, &[&key]),
        (
            r#"{"signerName": "a.b/c", "keyType": "ED25519", "keyPath": "k", "maxExpirationSeconds": 3599}"#,
            &[&short],
        ),
        (
            r#"{"signerName": "kubernetes.io/c", "keyType": "ED25519", "keyPath": "k", "maxExpirationSeconds": 86401}"#,
            &[&long],
        ),
        (r#"{"signerName": "a.b/c", "keyType": "ED25519"}"#, &[&none]),
        (
            r#"{"signerName": "a.b/c", "keyType": "ED25519", "keyPath": "a", "certificateChainPath": "a"}"#,
            &[twice],
        ),
    ];
    for (given, expected) in cases {
        let volume = format!(r#""projected": {{"sources": [{{"podCertificate": {given}}}]}}"#);
        check_volumes(&[(&volume, expected)]);
    }
}
