//! [sig-api-machinery] CustomResourcePublishOpenAPI: what the OpenAPI documents say of custom resources, and what kubectl
//! makes of it.

use crate::crd::any;
use crate::harness::Api;
use crate::kubectl::{Kubectl, with_each};
use crate::resources::{named, yaml};
use regex::Regex;
use skiff_apimachinery::{Document, doc};
use skiff_client::PatchKind;
use skiff_client::resources::CUSTOM_RESOURCE_DEFINITIONS;

const FOO: &str = "
description: Foo CRD for Testing
type: object
properties:
  spec:
    type: object
    description: Specification of Foo
    properties:
      bars:
        description: List of Bars and their specs.
        type: array
        items:
          type: object
          required: [name]
          properties:
            name: {description: Name of Bar., type: string}
            age: {description: Age of Bar., type: string}
            feeling: {description: Whether Bar is feeling great., type: string, enum: [Great, Down]}
            bazs: {description: List of Bazs., type: array, items: {type: string}}
  status:
    description: Status of Foo
    type: object
    properties:
      bars:
        description: List of Bars and their statuses.
        type: array
        items:
          type: object
          properties:
            name: {description: Name of Bar., type: string}
            available: {description: Whether the Bar is installed., type: boolean}
            quxType: {description: Indicates to external qux type., pattern: in-tree|out-of-tree, type: string}
";

/// The text says more about the object, and about its specification.
fn waldo(object: &str, spec: &str) -> Document {
    yaml(&format!(
        "
description: {object}
type: object
properties:
  spec:
    description: Specification of Waldo
    type: object
    {spec}
    properties: {{dummy: {{description: Dummy property., type: object}}}}
  status:
    description: Status of Waldo
    type: object
    properties:
      bars: {{description: List of Bars and their statuses., type: array, items: {{type: object}}}}
"
    ))
}

/// A definition and what it makes the API server publish.
struct Published<'a> {
    api: &'a Api,
    definition: Document,
}

impl<'a> Published<'a> {
    /// Creates a definition of these versions, the first of them stored, and waits until each is published.
    fn new(
        api: &'a Api,
        (group, name): (&str, &str),
        versions: &[&str],
        schema: &Document,
        wanted: Option<&Document>,
    ) -> Self {
        let group = format!("{}-test-{group}.example.com", api.namespace);
        let kind = format!("E2e{}{name}", api.namespace.replace('-', ""));
        let (singular, list) = (kind.to_lowercase(), format!("{kind}List"));
        let plural = format!("{singular}s");
        let version = |(i, name): (usize, &&str)| {
            let schema = doc!({"openAPIV3Schema": (schema.clone())});
            doc!({"name": (*name), "served": true, "storage": (i == 0), "schema": schema})
        };
        let served: Vec<Document> = versions.iter().enumerate().map(version).collect();
        let definition = named(
            &format!("{plural}.{group}"),
            doc!({"spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"plural": plural, "singular": singular, "kind": kind, "listKind": list},
                "versions": served
            }}),
        );
        let definition = api.of(&CUSTOM_RESOURCE_DEFINITIONS).create(definition);
        let published = Self { api, definition };
        versions.iter().for_each(|version| published.wait(version, wanted));
        published
    }

    fn name(&self, field: &str) -> &str {
        self.definition.str_at(&["spec", "names", field])
    }

    /// The name of a version's definition in the OpenAPI document.
    fn definition_name(&self, version: &str) -> String {
        let group: Vec<&str> = self.definition.str_at(&["spec", "group"]).split('.').rev().collect();
        format!("{}.{version}.{}", group.join("."), self.name("kind"))
    }

    /// What is published of a version, without what every kind has.
    fn read(&self, version: &str) -> Option<Document> {
        let mut document = self.api.path("/openapi/v2");
        let mut found = document.remove(&["definitions", &self.definition_name(version)])?;
        for field in ["metadata", "apiVersion", "kind"] {
            found.remove(&["properties", field]);
        }
        found.remove(&["x-kubernetes-group-version-kind"]);
        Some(found)
    }

    /// Waits until a version is published, with this schema if there is one.
    fn wait(&self, version: &str, wanted: Option<&Document>) {
        self.api.eventually(&self.definition_name(version), || match (self.read(version), wanted) {
            (None, _) => Err("not published".to_owned()),
            (Some(found), Some(wanted)) if found != *wanted => Err(found.to_string()),
            (Some(_), _) => Ok(()),
        });
    }

    /// Waits until a version is published no longer.
    fn wait_gone(&self, version: &str) {
        self.api.eventually(&self.definition_name(version), || match self.read(version) {
            None => Ok(()),
            Some(_) => Err("still published".to_owned()),
        });
    }

    /// Deletes the definition and waits until its versions are published no longer.
    fn withdraw(&self) {
        let definitions = self.api.of(&CUSTOM_RESOURCE_DEFINITIONS);
        let name = self.definition.name();
        let versions = definitions.get(name)["spec"]["versions"].clone();
        definitions.delete(name);
        for version in versions.as_array().unwrap() {
            self.wait_gone(version.str_at(&["name"]));
        }
    }

    /// An object as upstream's tests write them.
    fn object(&self, name: &str, rest: &str) -> String {
        let (kind, group) = (self.name("kind"), self.definition.str_at(&["spec", "group"]));
        format!(r#"{{"kind":"{kind}","apiVersion":"{group}/v1","metadata":{{"name":"{name}"}},{rest}}}"#)
    }

    /// kubectl creates and deletes, applies and deletes an object.
    fn take(&self, kubectl: &Kubectl<'_>, name: &str, rest: &str) {
        for verb in ["create", "apply"] {
            kubectl.run_with(&self.object(name, rest), &[verb, "-f", "-"]);
            kubectl.run(&["delete", self.name("plural"), name]);
        }
    }

    /// kubectl explains the kind, or a field of it, so that the pattern fits.
    #[track_caller]
    fn explain(&self, kubectl: &Kubectl<'_>, field: &str, pattern: &str) {
        let text = kubectl.run(&["explain", &format!("{}{field}", self.name("plural"))]);
        let pattern = Regex::new(&format!("(?s){pattern}")).unwrap();
        assert!(pattern.is_match(&text), "{pattern} does not fit:\n{text}");
    }
}

/// `CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD with validation schema`
#[test]
fn works_for_crd_with_validation_schema() {
    let api = Api::new();
    let schema = yaml(FOO);
    let foos = Published::new(&api, ("foo", "foo"), &["v1"], &schema, Some(&schema));
    with_each(&api, |kubectl| {
        let name = kubectl.named("test-foo");
        foos.take(kubectl, &name, r#""spec":{"bars":[{"name":"test-bar"}]}"#);
        for (rest, complaint) in [
            (
                r#""spec":{"bars":[{"name":"test-bar","feeling":"NonExistentValue"}]}"#,
                r#"Unsupported value: "NonExistentValue""#,
            ),
            (r#""spec":{"foo":true}"#, r#"unknown field "spec.foo""#),
            (r#""spec":{"bars":[{"age":"10"}]}"#, "spec.bars[0].name: Required value"),
        ] {
            for verb in ["create", "apply"] {
                let refused = kubectl.refused(&foos.object(&name, rest), &[verb, "-f", "-"]);
                assert!(refused.contains(complaint), "{refused}");
            }
        }
        foos.explain(
            kubectl,
            "",
            "DESCRIPTION:.*Foo CRD for Testing.*FIELDS:.*apiVersion.*<string>.*APIVersion defines.*spec.*<Object>.*Specification of Foo",
        );
        foos.explain(
            kubectl,
            ".metadata",
            "DESCRIPTION:.*Standard object's metadata.*FIELDS:.*creationTimestamp.*<string>.*CreationTimestamp is a timestamp",
        );
        foos.explain(
            kubectl,
            ".spec",
            r"DESCRIPTION:.*Specification of Foo.*FIELDS:.*bars.*<\[\]Object>.*List of Bars and their specs",
        );
        foos.explain(
            kubectl,
            ".spec.bars",
            r"FIELD:.*bars.*<\[\]Object>.*DESCRIPTION:.*List of Bars and their specs.*FIELDS:.*bazs.*<\[\]string>.*List of Bazs.*name.*<string>.*Name of Bar",
        );
        let refused = kubectl.refused("", &["explain", &format!("{}.spec.bars2", foos.name("plural"))]);
        assert!(refused.contains(r#"field "bars2" does not exist"#), "{refused}");
    });
    foos.withdraw();
}

/// `CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD without validation schema`
#[test]
fn works_for_crd_without_validation_schema() {
    let api = Api::new();
    let wanted = doc!({"type": "object"});
    let empties = Published::new(&api, ("empty", "empty"), &["v1"], &any(), Some(&wanted));
    with_each(&api, |kubectl| {
        empties.take(kubectl, &kubectl.named("test-cr"), r#""a":{"b":[{"c":"d"}]}"#);
        empties.explain(kubectl, "", "DESCRIPTION:.*<empty>");
    });
    empties.withdraw();
}

/// `CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving unknown fields at the schema root`
#[test]
fn works_for_crd_preserving_unknown_fields_at_the_schema_root() {
    let api = Api::new();
    let mut schema = waldo("preserve-unknown-properties at root for Testing", "");
    schema.insert("x-kubernetes-preserve-unknown-fields", true);
    let waldos = Published::new(&api, ("unknown-at-root", "waldo"), &["v1"], &schema, None);
    with_each(&api, |kubectl| {
        waldos.take(kubectl, &kubectl.named("test-cr"), r#""a":{"b":[{"c":"d"}]}"#);
        waldos.explain(kubectl, "", &format!("KIND:.*{}", waldos.name("kind")));
    });
    waldos.withdraw();
}

/// `CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving unknown fields in an embedded object`
#[test]
fn works_for_crd_preserving_unknown_fields_in_an_embedded_object() {
    let api = Api::new();
    let schema = waldo(
        "preserve-unknown-properties in nested field for Testing",
        "x-kubernetes-preserve-unknown-fields: true",
    );
    let waldos = Published::new(&api, ("unknown-in-nested", "waldo"), &["v1"], &schema, None);
    with_each(&api, |kubectl| {
        waldos.take(kubectl, &kubectl.named("test-cr"), r#""spec":{"a":null,"b":[{"c":"d"}]}"#);
        let text = "DESCRIPTION:.*preserve-unknown-properties in nested field for Testing";
        waldos.explain(kubectl, "", text);
    });
    waldos.withdraw();
}

/// `CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of different groups`
#[test]
fn works_for_multiple_crds_of_different_groups() {
    let api = Api::new();
    let (foo, waldo) = (yaml(FOO), waldo("Waldo CRD for Testing", ""));
    let foos = Published::new(&api, ("foo", "foo"), &["v1"], &foo, Some(&foo));
    let waldos = Published::new(&api, ("waldo", "waldo"), &["v1beta1"], &waldo, Some(&waldo));
    foos.wait("v1", Some(&foo));
    foos.withdraw();
    waldos.withdraw();
}

/// `CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of same group but different versions`
#[test]
fn works_for_multiple_crds_of_same_group_but_different_versions() {
    let api = Api::new();
    let (foo, waldo) = (yaml(FOO), waldo("Waldo CRD for Testing", ""));
    Published::new(&api, ("multi-ver", "foo"), &["v2", "v3"], &foo, Some(&foo)).withdraw();

    let foos = Published::new(&api, ("common-group", "foo"), &["v4"], &foo, Some(&foo));
    let waldos = Published::new(&api, ("common-group", "waldo"), &["v5"], &waldo, Some(&waldo));
    foos.wait("v4", Some(&foo));
    foos.withdraw();
    waldos.withdraw();
}

/// `CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of same group and version but different
/// kinds`
#[test]
fn works_for_multiple_crds_of_same_group_and_version_but_different_kinds() {
    let api = Api::new();
    let (foo, waldo) = (yaml(FOO), waldo("Waldo CRD for Testing", ""));
    let foos = Published::new(&api, ("common-group", "foo"), &["v6"], &foo, Some(&foo));
    let waldos = Published::new(&api, ("common-group", "waldo"), &["v6"], &waldo, Some(&waldo));
    foos.wait("v6", Some(&foo));
    foos.withdraw();
    waldos.withdraw();
}

/// `CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] updates the published spec when one version gets renamed`
#[test]
fn updates_the_published_spec_when_one_version_gets_renamed() {
    let api = Api::new();
    let foo = yaml(FOO);
    let foos = Published::new(&api, ("multi-ver", "foo"), &["v2", "v3"], &foo, Some(&foo));
    let patch = doc!([
        {"op": "test", "path": "/spec/versions/1/name", "value": "v3"},
        {"op": "replace", "path": "/spec/versions/1/name", "value": "v4"}
    ]);
    let definitions = api.of(&CUSTOM_RESOURCE_DEFINITIONS);
    definitions.try_patch(foos.definition.name(), "", PatchKind::Json, patch).unwrap();
    foos.wait("v4", Some(&foo));
    foos.wait_gone("v3");
    foos.wait("v2", Some(&foo));
    foos.withdraw();
}

/// `CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] removes definition from spec when one version gets changed to not
/// be served`
#[test]
fn removes_definition_from_spec_when_one_version_gets_changed_to_not_be_served() {
    let api = Api::new();
    let foo = yaml(FOO);
    let foos = Published::new(&api, ("multi-to-single-ver", "foo"), &["v5", "v6alpha1"], &foo, Some(&foo));
    api.of(&CUSTOM_RESOURCE_DEFINITIONS).edit(foos.definition.name(), |definition| {
        definition.ensure(&["spec", "versions"]).make_array()[1].insert("served", false);
    });
    foos.wait_gone("v6alpha1");
    foos.wait("v5", Some(&foo));
    foos.withdraw();
}
