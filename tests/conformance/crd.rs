//! Custom resources for the tests that need one.

use crate::harness::Api;
use crate::resources::{named, yaml};
use skiff_apimachinery::{Document, doc};
use skiff_client::Resource;
use skiff_client::resources::CUSTOM_RESOURCE_DEFINITIONS;

/// A schema that lets everything pass.
pub fn any() -> Document {
    doc!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// A definition that is not yet created: one version `v1` with a status subresource, in a group of the test's own.
pub fn definition(api: &Api, singular: &str, scope: &str, schema: Document) -> Document {
    let plural = format!("{singular}s");
    let group = group(api);
    let kind = kind(singular);
    named(
        &format!("{plural}.{group}"),
        doc!({"spec": {
            "group": group.as_str(),
            "scope": scope,
            "names": {
                "plural": plural.as_str(), "singular": singular, "kind": kind.as_str(),
                "listKind": format!("{kind}List")
            },
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": schema}
            }]
        }}),
    )
}

/// The test's API group.
pub fn group(api: &Api) -> String {
    format!("{}.example.com", api.namespace)
}

/// The kind of a singular name.
pub fn kind(singular: &str) -> String {
    singular[..1].to_uppercase() + &singular[1..]
}

/// Creates a definition and waits until its objects are served.
pub fn establish(api: &Api, definition: Document) -> Resource {
    let names = &definition["spec"]["names"];
    let resource = Resource {
        group: definition.str_at(&["spec", "group"]).to_owned().into(),
        version: "v1".into(),
        plural: names.str_at(&["plural"]).to_owned().into(),
        kind: names.str_at(&["kind"]).to_owned().into(),
        namespaced: definition.str_at(&["spec", "scope"]) == "Namespaced",
    };
    let definitions = api.of(&CUSTOM_RESOURCE_DEFINITIONS);
    let name = definitions.create(definition).name().to_owned();
    api.eventually("the definition is established", || {
        let read = definitions.get(&name);
        if has_condition(&read, "Established") && has_condition(&read, "NamesAccepted") {
            Ok(())
        } else {
            Err(read["status"].to_string())
        }
    });
    let path = format!("/apis/{}/{}", resource.api_version(), resource.plural);
    api.eventually("the custom resource is served", || {
        api.run(api.client().transport().get_path(&path)).map_err(|status| status.to_string())
    });
    resource
}

/// Whether a condition is true.
pub fn has_condition(object: &Document, kind: &str) -> bool {
    let is_true = |c: &Document| c.str_at(&["type"]) == kind && c.str_at(&["status"]) == "True";
    object.array_at(&["status", "conditions"]).iter().any(is_true)
}

/// The schema of upstream's field validation tests; the text says more about `spec`.
pub fn cron_schema(spec: &str) -> Document {
    let mut schema = yaml(
        r#"
type: object
properties:
  spec:
    type: object
    properties:
      foo: {type: string}
      cronSpec: {type: string, pattern: '^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$'}
      ports:
        type: array
        x-kubernetes-list-map-keys: [containerPort, protocol]
        x-kubernetes-list-type: map
        items:
          type: object
          required: [containerPort, protocol]
          properties:
            containerPort: {format: int32, type: integer}
            hostIP: {type: string}
            hostPort: {format: int32, type: integer}
            name: {type: string}
            protocol: {type: string}
"#,
    );
    crate::api_operations::overlay(schema.ensure(&["properties", "spec"]), &yaml(spec));
    schema
}
