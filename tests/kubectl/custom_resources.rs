//! Custom resources, which kubectl treats as any other.

use crate::session::session;

#[test]
fn a_custom_resource_is_explained_printed_scaled_and_validated() {
    session(
        r#"
        $ cat > definition.yaml <<END
        > apiVersion: apiextensions.k8s.io/v1
        > kind: CustomResourceDefinition
        > metadata: {name: boats.$NS.example.com}
        > spec:
        >   group: $NS.example.com
        >   scope: Namespaced
        >   names: {plural: boats, kind: Boat, shortNames: [bt]}
        >   versions:
        >   - name: v1
        >     served: true
        >     storage: true
        >     subresources: {status: {}, scale: {specReplicasPath: .spec.sails, statusReplicasPath: .status.sails}}
        >     selectableFields: [{jsonPath: .spec.color}]
        >     additionalPrinterColumns:
        >     - {name: Length, type: integer, jsonPath: .spec.length}
        >     - {name: Color, type: string, jsonPath: .spec.color, priority: 1}
        >     schema:
        >       openAPIV3Schema:
        >         description: A boat that floats.
        >         type: object
        >         properties:
        >           spec:
        >             type: object
        >             required: [length]
        >             properties:
        >               length: {type: integer, minimum: 1, description: Metres from stem to stern.}
        >               sails: {type: integer, default: 2}
        >               color: {type: string, enum: [red, blue]}
        >           status: {type: object, properties: {sails: {type: integer}}}
        > END
        $ kubectl create -f definition.yaml
        customresourcedefinition.apiextensions.k8s.io/boats.$NS.example.com created
        $ kubectl wait --for=condition=Established --timeout=20s crd/boats.$NS.example.com
        customresourcedefinition.apiextensions.k8s.io/boats.$NS.example.com condition met
        $ printf 'apiVersion: %s.example.com/v1\nkind: Boat\nmetadata: {name: argo}\nspec: {length: 30, color: red}\n' $NS > argo.yaml
        $ kubectl apply -f argo.yaml
        boat.$NS.example.com/argo created
        $ kubectl scale boats.$NS.example.com argo --replicas=5
        boat.$NS.example.com/argo scaled
        $ kubectl get bt.$NS.example.com -o wide
        NAME   LENGTH   COLOR
        argo   30       red
        $ kubectl get boats.$NS.example.com --field-selector=spec.color=red -o custom-columns=NAME:.metadata.name,SAILS:.spec.sails
        NAME   SAILS
        argo   5
        $ sed 's/length: 30/length: 30, engine: big/; s/argo/raft/' argo.yaml | kubectl apply -f -
        Error from server (BadRequest): error when creating "STDIN": Boat in version "v1" cannot be handled as a Boat: strict decoding error: unknown field "spec.engine"
        [exit 1]
        $ sed 's/length: 30/length: 0/; s/argo/raft/' argo.yaml | kubectl apply -f -
        The Boat "raft" is invalid: spec.length: Invalid value: 0: spec.length in body should be greater than or equal to 1
        [exit 1]
        $ kubectl explain boats.$NS.example.com
        GROUP:      $NS.example.com
        KIND:       Boat
        VERSION:    v1

        DESCRIPTION:
            A boat that floats.

        FIELDS:
          apiVersion\t<string>
            APIVersion defines the versioned schema of this representation of an object.
            Servers should convert recognized schemas to the latest internal value, and
            may reject unrecognized values. More info:
            https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources

          kind\t<string>
            Kind is a string value representing the REST resource this object
            represents. Servers may infer this from the endpoint the client submits
            requests to. Cannot be updated. In CamelCase. More info:
            https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds

          metadata\t<ObjectMeta>
            Standard object's metadata. More info:
            https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata

          spec\t<Object>
            <no description>

          status\t<Object>
            <no description>
        $ kubectl explain boats.$NS.example.com.spec
        GROUP:      $NS.example.com
        KIND:       Boat
        VERSION:    v1

        FIELD: spec <Object>

        [1.30..]
        DESCRIPTION:
            <empty>
        FIELDS:
          color\t<string>
        [1.30..]   enum: red, blue
            <no description>

          length\t<integer> -required-
            Metres from stem to stern.

          sails\t<integer>
            <no description>
        $ kubectl delete crd boats.$NS.example.com
        customresourcedefinition.apiextensions.k8s.io "boats.$NS.example.com" deleted
        "#,
    );
}
