//! Volumes, and the rules of each type.

use super::{Case, check, of_spec};

/// What is wrong with a volume `v` that has these fields; paths are shown from the volume on.
fn check_volumes(cases: &[(&str, &[&str])]) {
    for (given, expected) in cases {
        let spec = format!(r#"{{"volumes": [{{"name": "v", {given}}}]}}"#);
        let expected: Vec<String> = expected.iter().map(|text| format!("spec.volumes[0]{text}")).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check(&[(given, &spec, &expected)], of_spec);
    }
}

#[test]
fn volumes_have_names_and_one_type() {
    let malformed = format!(r#"spec.volumes[0].name: Invalid value: "A": {}"#, super::LABEL);
    let cases: [Case<'_>; 6] = [
        ("no name", r#"{"volumes": [{"emptyDir": {}}]}"#, &["spec.volumes[0].name: Required value"]),
        ("a bad name", r#"{"volumes": [{"name": "A"}]}"#, &[&malformed]),
        (
            "one name twice",
            r#"{"volumes": [{"name": "a"}, {"name": "a"}]}"#,
            &[r#"spec.volumes[1].name: Duplicate value: "a""#],
        ),
        (
            "no type",
            r#"{"volumes": [{"name": "a", "what": {}}]}"#,
            &["spec.volumes[0]: Required value: must specify a volume type"],
        ),
        (
            "several types",
            r#"{"volumes": [{"name": "a", "emptyDir": {}, "hostPath": {}, "cephfs": {}, "downwardAPI": {}}]}"#,
            &[
                "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
                "spec.volumes[0].cephFS: Forbidden: may not specify more than 1 volume type",
                "spec.volumes[0].downwarAPI: Forbidden: may not specify more than 1 volume type",
            ],
        ),
        (
            "a claim that is made for another volume",
            r#"{"volumes": [
                {"name": "a", "persistentVolumeClaim": {"claimName": "p-b"}},
                {"name": "b", "ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}}
            ]}"#,
            &[
                r#"spec.volumes[0].persistentVolumeClaim.claimName: Invalid value: "p-b": must not reference a PVC that gets created for an ephemeral volume"#,
            ],
        ),
    ];
    check(&cases, of_spec);
}

#[test]
fn volumes_of_the_node() {
    check_volumes(&[
        (r#""emptyDir": {"sizeLimit": "1Gi"}"#, &[]),
        (
            r#""emptyDir": {"sizeLimit": "-1"}"#,
            &[".emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity"],
        ),
        (r#""hostPath": {}"#, &[".hostPath.path: Required value"]),
        (
            r#""hostPath": {"path": "/a/../b", "type": "x"}"#,
            &[
                r#".hostPath.path: Invalid value: "/a/../b": must not contain '..'"#,
                r#".hostPath.type: Unsupported value: "x": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket""#,
            ],
        ),
        (
            r#""gitRepo": {"directory": "/a"}"#,
            &[
                ".gitRepo.repository: Required value",
                r#".gitRepo.directory: Invalid value: "/a": must be a relative path"#,
            ],
        ),
        (r#""image": {}"#, &[".image.reference: Required value"]),
        (
            r#""image": {"reference": "i", "pullPolicy": "x"}"#,
            &[
                r#".image.pullPolicy: Unsupported value: "x": supported values: "Always", "IfNotPresent", "Never""#,
            ],
        ),
    ]);
}

#[test]
fn volumes_of_clouds() {
    const PARTITION: &str = "Invalid value: 256: must be between 1 and 255, inclusive";
    let google = format!(".persistentDisk.partition: {PARTITION}");
    let amazon = format!(".awsElasticBlockStore.partition: {PARTITION}");
    check_volumes(&[
        (r#""gcePersistentDisk": {"partition": 256}"#, &[".persistentDisk.pdName: Required value", &google]),
        (
            r#""awsElasticBlockStore": {"partition": 256}"#,
            &[".awsElasticBlockStore.volumeID: Required value", &amazon],
        ),
        (
            r#""azureFile": {}"#,
            &[".azureFile.secretName: Required value", ".azureFile.shareName: Required value"],
        ),
        (r#""azureDisk": {"diskName": "d", "diskURI": "https://x"}"#, &[]),
        (
            r#""azureDisk": {"kind": "Managed", "cachingMode": "x"}"#,
            &[
                ".azureDisk.diskName: Required value",
                ".azureDisk.diskURI: Required value",
                r#".azureDisk.cachingMode: Unsupported value: "x": supported values: "None", "ReadOnly", "ReadWrite""#,
                r#".azureDisk.diskURI: Unsupported value: "": supported values: "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}""#,
            ],
        ),
        (
            r#""azureDisk": {"diskName": "d", "diskURI": "/x", "kind": "x"}"#,
            &[
                r#".azureDisk.kind: Unsupported value: "x": supported values: "Dedicated", "Managed", "Shared""#,
                r#".azureDisk.diskURI: Unsupported value: "/x": supported values: "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd""#,
            ],
        ),
        (r#""vsphereVolume": {}"#, &[".vsphereVolume.volumePath: Required value"]),
        (r#""photonPersistentDisk": {}"#, &[".photonPersistentDisk.pdID: Required value"]),
        (r#""portworxVolume": {}"#, &[".portworxVolume.volumeID: Required value"]),
        (
            r#""cinder": {"secretRef": {}}"#,
            &[".cinder.volumeID: Required value", ".cinder.secretRef.name: Required value"],
        ),
    ]);
}

#[test]
fn volumes_of_storage_systems() {
    const REGISTRY: &str = "must be a host:port pair or multiple pairs separated by commas";
    let registry = format!(r#".quobyte.registry: Invalid value: "a": {REGISTRY}"#);
    let no_registry = format!(".quobyte.registry: Required value: {REGISTRY}");
    let tenant =
        format!(r#""quobyte": {{"registry": "a:1", "volume": "v", "tenant": "{}"}}"#, "t".repeat(65));
    check_volumes(&[
        (r#""nfs": {"server": "s", "path": "/p"}"#, &[]),
        (
            r#""nfs": {}"#,
            &[
                ".nfs.server: Required value",
                ".nfs.path: Required value",
                r#".nfs.path: Invalid value: "": must be an absolute path"#,
            ],
        ),
        (r#""glusterfs": {}"#, &[".glusterfs.endpoints: Required value", ".glusterfs.path: Required value"]),
        (r#""flocker": {}"#, &[".flocker: Required value: one of datasetName and datasetUUID is required"]),
        (
            r#""flocker": {"datasetName": "a/b", "datasetUUID": "c"}"#,
            &[
                r#".flocker: Invalid value: "resource": datasetName and datasetUUID can not be specified simultaneously"#,
                r#".flocker.datasetName: Invalid value: "a/b": must not contain '/'"#,
            ],
        ),
        (r#""rbd": {}"#, &[".rbd.monitors: Required value", ".rbd.image: Required value"]),
        (r#""cephfs": {}"#, &[".cephfs.monitors: Required value"]),
        (r#""quobyte": {"registry": "a:1,[::1]:2", "volume": "v"}"#, &[]),
        (r#""quobyte": {}"#, &[&no_registry, ".quobyte.volume: Required value"]),
        (
            r#""quobyte": {"registry": "a,b:1", "volume": "v"}"#,
            &[
                r#".quobyte.registry: Invalid value: "a,b:1": must be a host:port pair or multiple pairs separated by commas"#,
            ],
        ),
        (r#""quobyte": {"registry": "a", "volume": "v"}"#, &[&registry]),
        (
            &tenant,
            &[".quobyte.tenant: Required value: must be a UUID and may not exceed a length of 64 characters"],
        ),
        (r#""storageos": {}"#, &[".storageos.volumeName: Required value"]),
        (
            r#""scaleIO": {}"#,
            &[
                ".scaleIO.gateway: Required value",
                ".scaleIO.system: Required value",
                ".scaleIO.volumeName: Required value",
            ],
        ),
    ]);
}

#[test]
fn volumes_on_storage_networks() {
    let long = format!(
        r#""iscsi": {{"targetPortal": "{}", "iqn": "iqn.2001-04.com.example:a", "initiatorName": "iqn.2001-04.com.example:b"}}"#,
        "t".repeat(63)
    );
    check_volumes(&[
        (
            r#""iscsi": {"targetPortal": "t", "iqn": "iqn.2001-04.com.example:storage.disk1", "lun": 255}"#,
            &[],
        ),
        (r#""iscsi": {"targetPortal": "t", "iqn": "eui.0123456789abcdef"}"#, &[]),
        (r#""iscsi": {"targetPortal": "t", "iqn": "naa.62004567ba64678d0123456789abcdef"}"#, &[]),
        (r#""iscsi": {}"#, &[".iscsi.targetPortal: Required value", ".iscsi.iqn: Required value"]),
        (
            r#""iscsi": {"targetPortal": "t", "iqn": "x"}"#,
            &[r#".iscsi.iqn: Invalid value: "x": must be valid format starting with iqn, eui, or naa"#],
        ),
        (
            r#""iscsi": {"targetPortal": "t", "iqn": "iqn.2001-4.com.example:a", "lun": 256, "chapAuthSession": true, "initiatorName": "naa.1"}"#,
            &[
                r#".iscsi.iqn: Invalid value: "iqn.2001-4.com.example:a": must be valid format"#,
                ".iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive",
                ".iscsi.secretRef: Required value",
                r#".iscsi.initiatorname: Invalid value: "naa.1": must be valid format"#,
            ],
        ),
        (
            &long,
            &[
                r#".name: Invalid value: "v": Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified."#,
            ],
        ),
        (r#""fc": {"wwids": ["a"]}"#, &[]),
        (
            r#""fc": {}"#,
            &[".fc.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both"],
        ),
        (
            r#""fc": {"targetWWNs": ["a"], "wwids": ["b"]}"#,
            &[
                r#".fc.targetWWNs: Invalid value: ["a"]: targetWWNs and wwids can not be specified simultaneously"#,
                ".fc.lun: Required value: lun is required if targetWWNs is specified",
            ],
        ),
        (
            r#""fc": {"targetWWNs": ["a"], "lun": 256}"#,
            &[".fc.lun: Invalid value: 256: must be between 0 and 255, inclusive"],
        ),
    ]);
}

#[test]
fn volumes_of_drivers() {
    let name = format!(r#".csi.name: Invalid value: "A": {}"#, super::SUBDOMAIN);
    let long = format!(r#""csi": {{"driver": "{}"}}"#, "d".repeat(64));
    check_volumes(&[
        (r#""csi": {"driver": "A.example.com"}"#, &[]),
        (r#""csi": {}"#, &[".csi.driver: Required value"]),
        (&long, &[".csi.driver: Too long: may not be more than 63 bytes"]),
        (
            r#""csi": {"driver": "d", "nodePublishSecretRef": {}}"#,
            &[".csi.nodePublishSecretRef.name: Required value"],
        ),
        (r#""csi": {"driver": "d", "nodePublishSecretRef": {"name": "A"}}"#, &[&name]),
        (
            r#""flexVolume": {"options": {"a": "b", "x.KUBERNETES.io/y": "z"}}"#,
            &[
                ".flexVolume.driver: Required value",
                r#".flexVolume.options[x.KUBERNETES.io/y]: Invalid value: "x.KUBERNETES.io/y": kubernetes.io and k8s.io namespaces are reserved"#,
            ],
        ),
    ]);
}

#[test]
fn claims_made_with_the_pod() {
    let claim = |metadata: &str, spec: &str| {
        format!(r#""ephemeral": {{"volumeClaimTemplate": {{"metadata": {metadata}, "spec": {spec}}}}}"#)
    };
    const AT: &str = ".ephemeral.volumeClaimTemplate";
    let at = |rest: &str| format!("{AT}{rest}");
    let rest = r#""accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}"#;
    let valid = format!("{{{rest}}}");
    let with = |more: &str| claim("{}", &format!("{{{rest}, {more}}}"));
    check_volumes(&[
        (r#""ephemeral": {}"#, &[&at(": Required value")]),
        (&claim(r#"{"labels": {"a": "b"}, "creationTimestamp": null, "name": ""}"#, &valid), &[]),
        (
            &claim(r#"{"name": "a", "uid": "b"}"#, &valid),
            &[
                &at(".metadata.name: Forbidden: cannot be set"),
                &at(".metadata.uID: Forbidden: cannot be set"),
            ],
        ),
        (
            &claim("{}", "{}"),
            &[
                &at(".spec.accessModes: Required value: at least 1 access mode is required"),
                &at(".spec.resources[storage]: Required value"),
            ],
        ),
        (
            &claim(
                "{}",
                r#"{"accessModes": ["x", "ReadWriteOncePod", "ReadWriteMany"], "resources": {"requests": {"storage": "0"}}}"#,
            ),
            &[
                &at(
                    r#".spec.accessModes: Unsupported value: "x": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod""#,
                ),
                &at(".spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"),
                &at(r#".spec.resources[storage]: Invalid value: "0": must be greater than zero"#),
            ],
        ),
        (
            &with(r#""volumeMode": "x""#),
            &[&at(r#".spec.volumeMode: Unsupported value: "x": supported values: "Block", "Filesystem""#)],
        ),
        (
            &with(r#""dataSource": {"name": "a", "kind": "x"}"#),
            &[&at(
                r#".spec.dataSource: Invalid value: "x": must be 'PersistentVolumeClaim' when referencing the default apiGroup"#,
            )],
        ),
        (
            &with(
                r#""dataSource": {"name": "a", "kind": "PersistentVolumeClaim"}, "dataSourceRef": {"name": "b", "kind": "PersistentVolumeClaim"}"#,
            ),
            &[&at(
                ".spec: Invalid value: spec.volumes[0].ephemeral.volumeClaimTemplate.spec.dataSource: must match dataSourceRef",
            )],
        ),
        (
            &with(
                r#""dataSource": {"name": "a", "kind": "PersistentVolumeClaim"}, "dataSourceRef": {"name": "a", "kind": "PersistentVolumeClaim", "namespace": "n"}"#,
            ),
            &[&at(
                ".spec: Invalid value: spec.volumes[0].ephemeral.volumeClaimTemplate.spec.dataSource: may not be specified when dataSourceRef.namespace is specified",
            )],
        ),
    ]);
}
