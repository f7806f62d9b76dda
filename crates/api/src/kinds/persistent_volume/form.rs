//! The structs of persistent volumes as upstream's messages show them.

use crate::kinds::internal_form::Field;
use crate::kinds::node_selector::SELECTOR;

const SECRET: &[Field] = &[Field::text("name", "Name"), Field::text("namespace", "Namespace")];

/// `core.ObjectReference`.
pub(crate) const OBJECT_REFERENCE: &[Field] = &[
    Field::text("kind", "Kind"),
    Field::text("namespace", "Namespace"),
    Field::text("name", "Name"),
    Field::text("uid", "UID"),
    Field::text("apiVersion", "APIVersion"),
    Field::text("resourceVersion", "ResourceVersion"),
    Field::text("fieldPath", "FieldPath"),
];

/// `core.VolumeNodeAffinity`.
pub(crate) const NODE_AFFINITY: &[Field] = &[Field::pointer("required", "Required", SELECTOR)];

/// `core.PersistentVolumeSource`.
pub(crate) const SOURCE: &[Field] = &[
    Field::pointer("gcePersistentDisk", "GCEPersistentDisk", GCE_PERSISTENT_DISK),
    Field::pointer("awsElasticBlockStore", "AWSElasticBlockStore", AWS_ELASTIC_BLOCK_STORE),
    Field::pointer("hostPath", "HostPath", HOST_PATH),
    Field::pointer("glusterfs", "Glusterfs", GLUSTERFS),
    Field::pointer("nfs", "NFS", NFS),
    Field::pointer("rbd", "RBD", RBD),
    Field::pointer("quobyte", "Quobyte", QUOBYTE),
    Field::pointer("iscsi", "ISCSI", ISCSI),
    Field::pointer("flexVolume", "FlexVolume", FLEX_VOLUME),
    Field::pointer("cinder", "Cinder", CINDER),
    Field::pointer("cephfs", "CephFS", CEPHFS),
    Field::pointer("fc", "FC", FC),
    Field::pointer("flocker", "Flocker", FLOCKER),
    Field::pointer("azureFile", "AzureFile", AZURE_FILE),
    Field::pointer("vsphereVolume", "VsphereVolume", VSPHERE_VOLUME),
    Field::pointer("azureDisk", "AzureDisk", AZURE_DISK),
    Field::pointer("photonPersistentDisk", "PhotonPersistentDisk", PHOTON_PERSISTENT_DISK),
    Field::pointer("portworxVolume", "PortworxVolume", PORTWORX_VOLUME),
    Field::pointer("scaleIO", "ScaleIO", SCALE_IO),
    Field::pointer("local", "Local", LOCAL),
    Field::pointer("storageos", "StorageOS", STORAGE_OS),
    Field::pointer("csi", "CSI", CSI),
];

/// `core.PersistentVolumeSpec`.
pub(crate) const SPEC: &[Field] = &[
    Field::map("capacity", "Capacity"),
    Field::embedded(SOURCE),
    Field::value("accessModes", "AccessModes"),
    Field::pointer("claimRef", "ClaimRef", OBJECT_REFERENCE),
    Field::text("persistentVolumeReclaimPolicy", "PersistentVolumeReclaimPolicy"),
    Field::text("storageClassName", "StorageClassName"),
    Field::value("mountOptions", "MountOptions"),
    Field::value("volumeMode", "VolumeMode"),
    Field::pointer("nodeAffinity", "NodeAffinity", NODE_AFFINITY),
    Field::value("volumeAttributesClassName", "VolumeAttributesClassName"),
];

const GCE_PERSISTENT_DISK: &[Field] = &[
    Field::text("pdName", "PDName"),
    Field::text("fsType", "FSType"),
    Field::integer("partition", "Partition"),
    Field::boolean("readOnly", "ReadOnly"),
];
const AWS_ELASTIC_BLOCK_STORE: &[Field] = &[
    Field::text("volumeID", "VolumeID"),
    Field::text("fsType", "FSType"),
    Field::integer("partition", "Partition"),
    Field::boolean("readOnly", "ReadOnly"),
];
const HOST_PATH: &[Field] = &[Field::text("path", "Path"), Field::value("type", "Type")];
const GLUSTERFS: &[Field] = &[
    Field::text("endpoints", "EndpointsName"),
    Field::text("path", "Path"),
    Field::boolean("readOnly", "ReadOnly"),
    Field::value("endpointsNamespace", "EndpointsNamespace"),
];
const NFS: &[Field] =
    &[Field::text("server", "Server"), Field::text("path", "Path"), Field::boolean("readOnly", "ReadOnly")];
const RBD: &[Field] = &[
    Field::value("monitors", "CephMonitors"),
    Field::text("image", "RBDImage"),
    Field::text("fsType", "FSType"),
    Field::text("pool", "RBDPool"),
    Field::text("user", "RadosUser"),
    Field::text("keyring", "Keyring"),
    Field::pointer("secretRef", "SecretRef", SECRET),
    Field::boolean("readOnly", "ReadOnly"),
];
const QUOBYTE: &[Field] = &[
    Field::text("registry", "Registry"),
    Field::text("volume", "Volume"),
    Field::boolean("readOnly", "ReadOnly"),
    Field::text("user", "User"),
    Field::text("group", "Group"),
    Field::text("tenant", "Tenant"),
];
const ISCSI: &[Field] = &[
    Field::text("targetPortal", "TargetPortal"),
    Field::text("iqn", "IQN"),
    Field::integer("lun", "Lun"),
    Field::text("iscsiInterface", "ISCSIInterface"),
    Field::text("fsType", "FSType"),
    Field::boolean("readOnly", "ReadOnly"),
    Field::value("portals", "Portals"),
    Field::boolean("chapAuthDiscovery", "DiscoveryCHAPAuth"),
    Field::boolean("chapAuthSession", "SessionCHAPAuth"),
    Field::pointer("secretRef", "SecretRef", SECRET),
    Field::value("initiatorName", "InitiatorName"),
];
const FLEX_VOLUME: &[Field] = &[
    Field::text("driver", "Driver"),
    Field::text("fsType", "FSType"),
    Field::pointer("secretRef", "SecretRef", SECRET),
    Field::boolean("readOnly", "ReadOnly"),
    Field::map("options", "Options"),
];
const CINDER: &[Field] = &[
    Field::text("volumeID", "VolumeID"),
    Field::text("fsType", "FSType"),
    Field::boolean("readOnly", "ReadOnly"),
    Field::pointer("secretRef", "SecretRef", SECRET),
];
const CEPHFS: &[Field] = &[
    Field::value("monitors", "Monitors"),
    Field::text("path", "Path"),
    Field::text("user", "User"),
    Field::text("secretFile", "SecretFile"),
    Field::pointer("secretRef", "SecretRef", SECRET),
    Field::boolean("readOnly", "ReadOnly"),
];
const FC: &[Field] = &[
    Field::value("targetWWNs", "TargetWWNs"),
    Field::value("lun", "Lun"),
    Field::text("fsType", "FSType"),
    Field::boolean("readOnly", "ReadOnly"),
    Field::value("wwids", "WWIDs"),
];
const FLOCKER: &[Field] =
    &[Field::text("datasetName", "DatasetName"), Field::text("datasetUUID", "DatasetUUID")];
const AZURE_FILE: &[Field] = &[
    Field::text("secretName", "SecretName"),
    Field::text("shareName", "ShareName"),
    Field::boolean("readOnly", "ReadOnly"),
    Field::value("secretNamespace", "SecretNamespace"),
];
const VSPHERE_VOLUME: &[Field] = &[
    Field::text("volumePath", "VolumePath"),
    Field::text("fsType", "FSType"),
    Field::text("storagePolicyName", "StoragePolicyName"),
    Field::text("storagePolicyID", "StoragePolicyID"),
];
const AZURE_DISK: &[Field] = &[
    Field::text("diskName", "DiskName"),
    Field::text("diskURI", "DataDiskURI"),
    Field::value("cachingMode", "CachingMode"),
    Field::value("fsType", "FSType"),
    Field::value("readOnly", "ReadOnly"),
    Field::value("kind", "Kind"),
];
const PHOTON_PERSISTENT_DISK: &[Field] = &[Field::text("pdID", "PdID"), Field::text("fsType", "FSType")];
const PORTWORX_VOLUME: &[Field] = &[
    Field::text("volumeID", "VolumeID"),
    Field::text("fsType", "FSType"),
    Field::boolean("readOnly", "ReadOnly"),
];
const SCALE_IO: &[Field] = &[
    Field::text("gateway", "Gateway"),
    Field::text("system", "System"),
    Field::pointer("secretRef", "SecretRef", SECRET),
    Field::boolean("sslEnabled", "SSLEnabled"),
    Field::text("protectionDomain", "ProtectionDomain"),
    Field::text("storagePool", "StoragePool"),
    Field::text("storageMode", "StorageMode"),
    Field::text("volumeName", "VolumeName"),
    Field::text("fsType", "FSType"),
    Field::boolean("readOnly", "ReadOnly"),
];
const LOCAL: &[Field] = &[Field::text("path", "Path"), Field::value("fsType", "FSType")];
const STORAGE_OS: &[Field] = &[
    Field::text("volumeName", "VolumeName"),
    Field::text("volumeNamespace", "VolumeNamespace"),
    Field::text("fsType", "FSType"),
    Field::boolean("readOnly", "ReadOnly"),
    Field::pointer("secretRef", "SecretRef", OBJECT_REFERENCE),
];
const CSI: &[Field] = &[
    Field::text("driver", "Driver"),
    Field::text("volumeHandle", "VolumeHandle"),
    Field::boolean("readOnly", "ReadOnly"),
    Field::text("fsType", "FSType"),
    Field::map("volumeAttributes", "VolumeAttributes"),
    Field::pointer("controllerPublishSecretRef", "ControllerPublishSecretRef", SECRET),
    Field::pointer("nodeStageSecretRef", "NodeStageSecretRef", SECRET),
    Field::pointer("nodePublishSecretRef", "NodePublishSecretRef", SECRET),
    Field::pointer("controllerExpandSecretRef", "ControllerExpandSecretRef", SECRET),
    Field::pointer("nodeExpandSecretRef", "NodeExpandSecretRef", SECRET),
];
