//! What sources of persistent volumes mean when they do not say.

use skiff_apimachinery::Document;

/// A source, a field of it, and its default.
const TEXTS: [(&str, &str, &str); 10] = [
    ("hostPath", "type", ""),
    ("iscsi", "iscsiInterface", "default"),
    ("rbd", "pool", "rbd"),
    ("rbd", "user", "admin"),
    ("rbd", "keyring", "/etc/ceph/keyring"),
    ("azureDisk", "cachingMode", "ReadWrite"),
    ("azureDisk", "kind", "Shared"),
    ("azureDisk", "fsType", "ext4"),
    ("scaleIO", "storageMode", "ThinProvisioned"),
    ("scaleIO", "fsType", "xfs"),
];

/// Fills in the source of a volume's specification.
pub(crate) fn source(spec: &mut Document) {
    for (source, field, value) in TEXTS {
        if let Some(source) = spec.get_mut(source).filter(|source| !source.is_null()) {
            source.set_default(&[field], value);
        }
    }
    if let Some(disk) = spec.get_mut("azureDisk").filter(|disk| !disk.is_null()) {
        disk.set_default(&["readOnly"], false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn sources_are_filled_in() {
        let cases = [
            (doc!({"hostPath": {"path": "/a"}}), doc!({"hostPath": {"path": "/a", "type": ""}})),
            (doc!({"iscsi": {"iqn": "q"}}), doc!({"iscsi": {"iqn": "q", "iscsiInterface": "default"}})),
            (
                doc!({"rbd": {"pool": "p"}}),
                doc!({"rbd": {"pool": "p", "user": "admin", "keyring": "/etc/ceph/keyring"}}),
            ),
            (
                doc!({"azureDisk": {}}),
                doc!({"azureDisk": {
                    "cachingMode": "ReadWrite", "kind": "Shared", "fsType": "ext4", "readOnly": false
                }}),
            ),
            (doc!({"scaleIO": {}}), doc!({"scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"}})),
            (doc!({"nfs": {"path": "/a"}}), doc!({"nfs": {"path": "/a"}})),
        ];
        for (mut given, expected) in cases {
            source(&mut given);
            assert_eq!(given, expected);
        }
    }
}
