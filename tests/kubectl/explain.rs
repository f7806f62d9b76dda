//! `kubectl explain`, from the OpenAPI documents.

use crate::session::session;

#[test]
fn kinds_and_fields_are_explained() {
    session(
        r#"
        $ kubectl explain configmap
        KIND:       ConfigMap
        VERSION:    v1

        DESCRIPTION:
            ConfigMap holds configuration data for pods to consume.

        FIELDS:
          apiVersion\t<string>
            APIVersion defines the versioned schema of this representation of an object.
            Servers should convert recognized schemas to the latest internal value, and
            may reject unrecognized values. More info:
            https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources

          binaryData\t<map[string]string>
            BinaryData contains the binary data. Each key must consist of alphanumeric
            characters, '-', '_' or '.'. BinaryData can contain byte sequences that are
            not in the UTF-8 range. The keys stored in BinaryData must not overlap with
            the ones in the Data field, this is enforced during validation process.
            Using this field will require 1.10+ apiserver and kubelet.

          data\t<map[string]string>
            Data contains the configuration data. Each key must consist of alphanumeric
            characters, '-', '_' or '.'. Values with non-UTF-8 byte sequences must use
            the BinaryData field. The keys stored in Data must not overlap with the keys
            in the BinaryData field, this is enforced during validation process.

          immutable\t<boolean>
            Immutable, if set to true, ensures that data stored in the ConfigMap cannot
            be updated (only object metadata can be modified). If not set to true, the
            field can be modified at any time. Defaulted to nil.

          kind\t<string>
            Kind is a string value representing the REST resource this object
            represents. Servers may infer this from the endpoint the client submits
            requests to. Cannot be updated. In CamelCase. More info:
            https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds

          metadata\t<ObjectMeta>
            Standard object's metadata. More info:
            https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata
        $ kubectl explain deployment.spec.strategy
        GROUP:      apps
        KIND:       Deployment
        VERSION:    v1

        FIELD: strategy <DeploymentStrategy>
        [1.30..]

        DESCRIPTION:
            The deployment strategy to use to replace existing pods with new ones.
            DeploymentStrategy describes how to replace existing pods with new ones.

        FIELDS:
          rollingUpdate\t<RollingUpdateDeployment>
            Rolling update config params. Present only if DeploymentStrategyType =
            RollingUpdate.

          type\t<string>
        [1.30..]   enum: Recreate, RollingUpdate
            Type of deployment. Can be "Recreate" or "RollingUpdate". Default is
            RollingUpdate.
        $ kubectl explain deployment.spec.strategy --recursive | tail -4
        [..1.29]     maxSurge\t<IntOrString>
            maxUnavailable\t<IntOrString>
          type\t<string>
        [1.30..]   enum: Recreate, RollingUpdate
        $ kubectl explain pod.spec.containers.imagePullPolicy
        KIND:       Pod
        VERSION:    v1

        FIELD: imagePullPolicy <string>
        [1.30..] ENUM:
        [1.30..]     Always
        [1.30..]     IfNotPresent
        [1.30..]     Never

        DESCRIPTION:
            Image pull policy. One of Always, Never, IfNotPresent. Defaults to Always if
            :latest tag is specified, or IfNotPresent otherwise. Cannot be updated. More
            info: https://kubernetes.io/docs/concepts/containers/images#updating-images
        $ kubectl explain hpa --api-version=autoscaling/v1 | head -6
        GROUP:      autoscaling
        KIND:       HorizontalPodAutoscaler
        VERSION:    v1

        DESCRIPTION:
            configuration of a horizontal pod autoscaler.
        $ kubectl explain pod.spec.nothing
        KIND:       Pod
        VERSION:    v1

        error: field "nothing" does not exist
        [exit 1]
        "#,
    );
}
