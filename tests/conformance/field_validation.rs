//! [sig-api-machinery] FieldValidation.

use crate::crd::{any, cron_schema, definition, establish, kind};
use crate::harness::Api;
use crate::raw::Response;
use skiff_apimachinery::Document;

const STRICT: &str = "fieldManager=field_validation_mgr&fieldValidation=Strict";

/// Creates a Deployment whose text says more in its metadata and spec.
fn create_deployment(metadata: &str, spec: &str) -> Response {
    let api = Api::new();
    let body = format!(
        r#"{{"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {{"name": "my-dep", {metadata} "labels": {{"app": "nginx"}}}},
        "spec": {{{spec} "selector": {{"matchLabels": {{"app": "nginx"}}}},
        "template": {{"metadata": {{"labels": {{"app": "nginx"}}}},
        "spec": {{"containers": [{{"name": "nginx", "image": "nginx:latest"}}]}}}}}}}}"#
    );
    let path = format!("/apis/apps/v1/namespaces/{}/deployments?{STRICT}", api.namespace);
    api.request("POST", &path).body("application/json", body).send()
}

/// Applies a custom resource: with a schema for it, and with texts for its root, metadata and spec.
fn apply_custom(schema: Document, metadata: &str, root: &str, spec: &str) -> Response {
    let api = Api::new();
    let singular = "noxu";
    let resource = establish(&api, definition(&api, singular, "Cluster", schema));
    let version = resource.api_version();
    // The lines are upstream's: an error names one.
    let body = format!(
        "\napiVersion: {version}\nkind: {}\nmetadata:\n  name: mytest\n{metadata}  finalizers:\n  - test-finalizer\n\
         {root}spec:\n{spec}  cronSpec: \"* * * * */5\"\n  ports:\n  - name: x\n    containerPort: 80\n    protocol: TCP",
        kind(singular)
    );
    let path = format!("/apis/{version}/{}/mytest?{STRICT}", resource.plural);
    api.request("PATCH", &path).body("application/apply-patch+yaml", body).send()
}

#[track_caller]
fn says(response: &Response, text: &str) {
    let message = response.document().str_at(&["message"]).to_owned();
    assert!(response.code >= 400 && message.contains(text), "{}: {message}", response.code);
}

#[track_caller]
fn applied(response: &Response) {
    assert!(matches!(response.code, 200 | 201), "{}: {}", response.code, response.text());
    assert_eq!(response.document().name(), "mytest");
}

/// `FieldValidation should detect unknown and duplicate fields of a typed object`
#[test]
fn should_detect_unknown_and_duplicate_fields_of_a_typed_object() {
    let response = create_deployment("", r#""unknownField": "foo", "replicas": 2, "replicas": 3,"#);
    says(
        &response,
        r#"strict decoding error: unknown field "spec.unknownField", duplicate field "spec.replicas""#,
    );
}

/// `FieldValidation should detect unknown metadata fields of a typed object`
#[test]
fn should_detect_unknown_metadata_fields_of_a_typed_object() {
    let response = create_deployment(r#""unknownMeta": "foo","#, "");
    says(&response, r#"strict decoding error: unknown field "metadata.unknownMeta""#);
}

/// `FieldValidation should create/apply a valid CR for CRD with validation schema`
#[test]
fn should_create_apply_a_valid_cr_for_crd_with_validation_schema() {
    applied(&apply_custom(cron_schema("{}"), "", "", "  foo: foo1\n"));
}

/// `FieldValidation should create/apply a CR with unknown fields for CRD with no validation schema`
#[test]
fn should_create_apply_a_cr_with_unknown_fields_for_crd_with_no_validation_schema() {
    let response = apply_custom(any(), "", "", "  unknown: uk1\n");
    applied(&response);
    assert_eq!(response.document().str_at(&["spec", "unknown"]), "uk1");
}

/// `FieldValidation should create/apply an invalid CR with extra properties for CRD with validation schema`
#[test]
fn should_create_apply_an_invalid_cr_with_extra_properties_for_crd_with_validation_schema() {
    let response = apply_custom(cron_schema("{}"), "", "unknownField: unknown\n", "  foo: foo1\n");
    says(&response, ".unknownField: field not declared in schema");
}

/// `FieldValidation should detect unknown metadata fields in both the root and embedded object of a CR`
#[test]
fn should_detect_unknown_metadata_fields_in_both_the_root_and_embedded_object_of_a_cr() {
    let embedded = "
x-kubernetes-preserve-unknown-fields: true
properties:
  template:
    type: object
    x-kubernetes-embedded-resource: true
    properties:
      metadata: {type: object, properties: {name: {type: string}}}
      spec: {type: object}
";
    let template = "  template:\n    apiVersion: foo/v1\n    kind: Sub\n    metadata:\n      \
                    unknownSubMeta: unknown\n      name: subobject\n  foo: foo1\n";
    let response = apply_custom(cron_schema(embedded), "  unknownMeta: unknown\n", "", template);
    let text = response.text();
    let either = [
        ".spec.template.metadata.unknownSubMeta: field not declared in schema",
        ".metadata.unknownMeta: field not declared in schema",
    ];
    assert!(response.code >= 400 && either.iter().any(|e| text.contains(e)), "{}: {text}", response.code);
}

/// `FieldValidation should detect duplicates in a CR when preserving unknown fields`
#[test]
fn should_detect_duplicates_in_a_cr_when_preserving_unknown_fields() {
    let schema = cron_schema("x-kubernetes-preserve-unknown-fields: true");
    let response = apply_custom(schema, "", "", "  unknown: uk1\n  foo: foo1\n  foo: foo2\n");
    says(&response, r#"line 11: key "foo" already set in map"#);
}
