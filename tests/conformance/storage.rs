//! [sig-storage]: kinds that need no volumes, and [sig-node] [DRA] CRUD tests.

use crate::api_operations::{Operations, supports_api_operations};
use crate::resources::{
    CSI_DRIVERS, CSI_NODES, CSI_STORAGE_CAPACITIES, DEVICE_CLASSES, RESOURCE_CLAIM_TEMPLATES,
    RESOURCE_CLAIMS, RESOURCE_SLICES, STORAGE_CLASSES, VOLUME_ATTACHMENTS, yaml,
};
use skiff_client::Resource;
use skiff_client::resources::VOLUME_ATTRIBUTES_CLASSES;

fn check(resource: Resource, object: &str) {
    let object = |_: usize| yaml(object);
    supports_api_operations(&Operations { resource, object: &object, status: None });
}

/// `CSIInlineVolumes should run through the lifecycle of a CSIDriver`
#[test]
fn should_run_through_the_lifecycle_of_a_csi_driver() {
    check(
        CSI_DRIVERS,
        "spec: {attachRequired: false, podInfoOnMount: true, volumeLifecycleModes: [Ephemeral]}",
    );
}

/// `CSINodes CSI Conformance should run through the lifecycle of a csinode`
#[test]
fn should_run_through_the_lifecycle_of_a_csinode() {
    check(CSI_NODES, "spec: {drivers: [{name: e2e-driver.example.com, nodeID: e2e-node, topologyKeys: []}]}");
}

/// `CSIStorageCapacity should support CSIStorageCapacities API operations`
#[test]
fn should_support_csi_storage_capacities_api_operations() {
    check(CSI_STORAGE_CAPACITIES, "{storageClassName: e2e-storage-class, capacity: 1Gi}");
}

/// `StorageClasses CSI Conformance should run through the lifecycle of a StorageClass`
#[test]
fn should_run_through_the_lifecycle_of_a_storage_class() {
    check(
        STORAGE_CLASSES,
        "{provisioner: e2e-fake-provisioner, reclaimPolicy: Delete, volumeBindingMode: Immediate}",
    );
}

/// `VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment`
#[test]
fn should_run_through_the_lifecycle_of_a_volume_attachment() {
    check(
        VOLUME_ATTACHMENTS,
        "spec: {attacher: e2e-driver.example.com, nodeName: e2e-node, source: {persistentVolumeName: e2e-pv}}",
    );
}

/// `VolumeAttributesClass should run through the lifecycle of a VolumeAttributesClass`
#[test]
fn should_run_through_the_lifecycle_of_a_volume_attributes_class() {
    check(VOLUME_ATTRIBUTES_CLASSES, "{driverName: e2e-fake-csi-driver, parameters: {iops: '1000'}}");
}

/// `[DRA] CRUD Tests resource.k8s.io/v1 DeviceClass`
#[test]
fn crud_tests_resource_k8s_io_v1_device_class() {
    check(
        DEVICE_CLASSES,
        r#"spec: {selectors: [{cel: {expression: 'device.driver == "driver.example.com"'}}]}"#,
    );
}

/// `[DRA] CRUD Tests resource.k8s.io/v1 ResourceClaim`
#[test]
fn crud_tests_resource_k8s_io_v1_resource_claim() {
    check(
        RESOURCE_CLAIMS,
        "spec: {devices: {requests: [{name: req-0, exactly: {deviceClassName: example-class}}]}}",
    );
}

/// `[DRA] CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate`
#[test]
fn crud_tests_resource_k8s_io_v1_resource_claim_template() {
    check(
        RESOURCE_CLAIM_TEMPLATES,
        "spec: {spec: {devices: {requests: [{name: req-0, exactly: {deviceClassName: example-class}}]}}}",
    );
}

/// `[DRA] CRUD Tests resource.k8s.io/v1 ResourceSlice`
#[test]
fn crud_tests_resource_k8s_io_v1_resource_slice() {
    check(
        RESOURCE_SLICES,
        "
spec:
  driver: driver.example.com
  nodeName: e2e-node
  pool: {name: pool, generation: 1, resourceSliceCount: 1}
  devices: [{name: device-0}]
",
    );
}
