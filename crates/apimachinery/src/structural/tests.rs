//! Structural schemas as upstream judges, prunes, defaults and validates by them.

use super::*;
use crate::schema::{Field, Schema, SchemaRef, Type};
use crate::{Document, FieldErrors, FieldPath, doc};
use proptest::prelude::*;

fn metadata() -> SchemaRef {
    let text = || Schema { ty: Type::String, ..Schema::default() };
    let fields = vec![Field::new("name", text()), Field::new("namespace", text())];
    Schema { ty: Type::Object, fields, ..Schema::default() }.into()
}

fn schema(spec: Document) -> Schema {
    build(&doc!({"type": "object", "properties": {"spec": spec}}), &metadata())
}

fn texts(errors: &FieldErrors) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

fn crontab() -> Document {
    doc!({
        "type": "object",
        "required": ["cronSpec"],
        "properties": {
            "cronSpec": {"type": "string", "pattern": "^\\d+$", "maxLength": 5},
            "replicas": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
            "mode": {"type": "string", "enum": ["a", "b"]},
            "port": {"x-kubernetes-int-or-string": true},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "note": {"type": "string", "nullable": true},
            "when": {"type": "string", "format": "date-time"},
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "ports": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["number", "protocol"],
                "items": {
                    "type": "object", "required": ["number"],
                    "properties": {"number": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}}
                }
            },
            "template": {
                "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true
            }
        },
        "oneOf": [{"required": ["mode"]}, {"required": ["port"]}]
    })
}

#[test]
fn unknown_fields_are_pruned_unless_preserved() {
    let mut doc = doc!({
        "apiVersion": "a/v1", "kind": "K", "metadata": {"name": "x", "odd": 1}, "odd": 1,
        "spec": {"cronSpec": "1", "odd": {"x": 1}, "free": {"any": {"thing": 1}}, "labels": {"l": "v"},
                 "ports": [{"number": 1, "odd": 2}]}
    });
    let dropped = prune(&mut doc, &schema(crontab()));
    assert_eq!(dropped, ["metadata.odd", "odd", "spec.odd", "spec.ports[0].odd"]);
    assert_eq!(
        doc,
        doc!({
            "apiVersion": "a/v1", "kind": "K", "metadata": {"name": "x"},
            "spec": {"cronSpec": "1", "free": {"any": {"thing": 1}}, "labels": {"l": "v"}, "ports": [{"number": 1}]}
        })
    );
}

#[test]
fn defaults_fill_absent_fields_and_nulls_go() {
    let mut doc = doc!({"spec": {"replicas": null, "mode": null, "note": null, "ports": [{"number": 1}]}});
    let schema = schema(crontab());
    default(&mut doc, &schema);
    drop_nulls(&mut doc, &schema);
    assert_eq!(
        doc,
        doc!({"spec": {"replicas": 1, "note": null, "ports": [{"number": 1, "protocol": "TCP"}]}})
    );
}

#[test]
fn errors_read_as_upstream_writes_them() {
    let schema = schema(crontab());
    let errors = |spec: Document| texts(&validate(&doc!({"spec": spec}), &schema));
    let cases = [
        (
            doc!({"cronSpec": "1", "mode": "a", "replicas": "x"}),
            r#"spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string""#,
        ),
        (doc!({"mode": "a"}), "spec.cronSpec: Required value"),
        (
            doc!({"cronSpec": "x", "mode": "a"}),
            r#"spec.cronSpec: Invalid value: "x": spec.cronSpec in body should match '^\d+$'"#,
        ),
        (doc!({"cronSpec": "123456", "mode": "a"}), "spec.cronSpec: Too long: may not be more than 5 bytes"),
        (
            doc!({"cronSpec": "1", "mode": "c"}),
            r#"spec.mode: Unsupported value: "c": supported values: "a", "b""#,
        ),
        (
            doc!({"cronSpec": "1", "mode": "a", "replicas": 11}),
            "spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10",
        ),
        (
            doc!({"cronSpec": "1", "port": true}),
            r#"spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean""#,
        ),
        (
            doc!({"cronSpec": "1", "mode": "a", "when": "now"}),
            r#"spec.when: Invalid value: "now": spec.when in body must be of type date-time: "now""#,
        ),
        (doc!({"cronSpec": "1", "mode": "a", "set": ["x", "x"]}), r#"spec.set[1]: Duplicate value: "x""#),
        (
            doc!({"cronSpec": "1", "mode": "a", "ports": [{"number": 1, "protocol": "TCP"}, {"number": 1, "protocol": "TCP"}]}),
            r#"spec.ports[1]: Duplicate value: {"number":1,"protocol":"TCP"}"#,
        ),
        (
            doc!({"cronSpec": "1", "mode": "a", "port": 1}),
            r#"<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives"#,
        ),
        (
            doc!({"cronSpec": "1", "mode": "a", "template": {"kind": "x"}}),
            "spec.template.apiVersion: Required value",
        ),
    ];
    for (spec, expected) in cases {
        assert_eq!(errors(spec.clone()), [expected], "{spec}");
    }
    assert!(errors(doc!({"cronSpec": "1", "port": "http", "note": null})).is_empty());
}

#[test]
fn descriptions_have_to_be_structural() {
    let wrong = doc!({
        "properties": {
            "a": {"type": "array"},
            "b": {},
            "c": {"type": "object", "anyOf": [{"type": "object", "properties": {"x": {"minimum": 1}}}]},
            "d": {"type": "array", "x-kubernetes-list-type": "map", "items": {"type": "string"}},
            "e": {"type": "string", "pattern": "("}
        }
    });
    assert_eq!(
        texts(&super::errors(&wrong, &FieldPath::new("s"))),
        [
            "s.properties[a].items: Required value: must be specified",
            "s.properties[b].type: Required value: must not be empty for specified object fields",
            "s.properties[c].anyOf[0].type: Forbidden: must be empty to be structural",
            "s.properties[c].properties[x]: Required value: because it is defined in s.properties[c].anyOf[0].properties[x]",
            "s.properties[e].pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: error parsing regexp",
            "s.type: Required value: must not be empty at the root",
        ]
    );
    assert_eq!(
        texts(&keyword_errors(&wrong, &FieldPath::new("s"))),
        [
            "s.properties[d].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
            "s.properties[d].items.type: Invalid value: \"string\": must be object if parent array's x-kubernetes-list-type is map",
        ]
    );
    let fine = doc!({"type": "object", "properties": {"spec": (crontab())}});
    assert!(super::errors(&fine, &FieldPath::new("s")).is_empty());
    assert!(keyword_errors(&fine, &FieldPath::new("s")).is_empty());
    let either = doc!({"type": "object", "properties": {
        "p": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]}
    }});
    assert!(super::errors(&either, &FieldPath::new("s")).is_empty());
}

#[test]
fn metadata_and_logic_are_only_restricted() {
    let wrong = doc!({
        "type": "object", "additionalProperties": {"type": "string"},
        "properties": {
            "metadata": {"type": "object", "description": "mine"},
            "kind": {"type": "integer"},
            "either": {"allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}], "x-kubernetes-int-or-string": true},
            "inner": {"type": "object", "x-kubernetes-embedded-resource": true},
            "list": {"type": "array", "items": {"type": "string"}, "not": {"items": {"default": 0, "nullable": true}}}
        },
        "oneOf": [{"properties": {"metadata": {}}, "x-kubernetes-validations": [{"rule": "true"}]}]
    });
    assert_eq!(
        texts(&super::errors(&wrong, &FieldPath::new("s"))),
        [
            "s.additionalProperties: Forbidden: must not be used at the root",
            "s.oneOf[0].properties[metadata]: Forbidden: must not be specified in a nested context",
            "s.oneOf[0].x-kubernetes-validations: Forbidden: must be empty to be structural",
            "s.properties[inner].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
            r#"s.properties[kind].type: Invalid value: "integer": must be string"#,
            "s.properties[list].not.items.default: Forbidden: must be undefined to be structural",
            "s.properties[list].not.items.nullable: Forbidden: must be false to be structural",
            "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
        ]
    );
}

#[test]
fn values_are_judged_by_type_and_by_rules_at_once() {
    let schema = schema(doc!({"type": "object", "minProperties": 1, "properties": {
        "mode": {"type": "string", "enum": ["a"]},
        "when": {"type": "string", "format": "date-time"},
        "names": {"type": "array", "minItems": 2, "maxItems": 3, "items": {"type": "string", "minLength": 2, "pattern": "^a"}},
        "labels": {"type": "object", "maxProperties": 1, "additionalProperties": {"type": "string"}},
        "either": {"type": "object", "anyOf": [
            {"required": ["a"]}, {"required": ["b"], "properties": {"c": {"minimum": 1}}}
        ], "properties": {"a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "integer"}}},
        "all": {"type": "integer", "allOf": [{"minimum": 2}, {"multipleOf": 2}]},
        "not": {"type": "integer", "not": {"minimum": 2}}
    }}));
    let cases = [
        (doc!({}), vec!["spec: Invalid value: 0: spec in body should have at least 1 properties"]),
        (
            doc!({"mode": 5}),
            vec![
                r#"spec.mode: Invalid value: "integer": spec.mode in body must be of type string: "integer""#,
                r#"spec.mode: Unsupported value: 5: supported values: "a""#,
            ],
        ),
        (
            doc!({"when": 5}),
            vec![
                r#"spec.when: Invalid value: "int64": spec.when in body must be of type date-time: "int64""#,
            ],
        ),
        (
            doc!({"mode": null}),
            vec![r#"spec.mode: Invalid value: "null": spec.mode in body must be of type string: "null""#],
        ),
        (
            doc!({"names": ["b"]}),
            vec![
                r#"spec.names[0]: Invalid value: "b": spec.names[0] in body should be at least 2 chars long"#,
                "spec.names: Invalid value: 1: spec.names in body should have at least 2 items",
            ],
        ),
        (
            doc!({"names": ["aa", "aa", "aa", "ba"]}),
            vec![
                r#"spec.names[3]: Invalid value: "ba": spec.names[3] in body should match '^a'"#,
                "spec.names: Too many: 4: must have at most 3 items",
            ],
        ),
        (
            doc!({"labels": {"a": 1}}),
            vec![
                r#"spec.labels.a: Invalid value: "integer": spec.labels.a in body must be of type string: "integer""#,
            ],
        ),
        (doc!({"labels": {"a": "1", "b": 2}}), vec!["spec.labels: Too many: 2: must have at most 1 items"]),
        (
            doc!({"either": {"c": 1}}),
            vec![
                r#"<nil>: Invalid value: "": "spec.either" must validate at least one schema (anyOf)"#,
                "spec.either.b: Required value",
            ],
        ),
        (
            doc!({"all": 1}),
            vec![
                "spec.all: Invalid value: 1: spec.all in body should be greater than or equal to 2",
                "spec.all: Invalid value: 1: spec.all in body should be a multiple of 2",
                r#"<nil>: Invalid value: "": "spec.all" must validate all the schemas (allOf). None validated"#,
            ],
        ),
        (
            doc!({"not": 2}),
            vec![r#"<nil>: Invalid value: "": "spec.not" must not validate the schema (not)"#],
        ),
    ];
    for (spec, expected) in cases {
        assert_eq!(texts(&validate(&doc!({"spec": spec.clone()}), &schema)), expected, "{spec}");
    }
}

#[test]
fn embedded_objects_say_what_they_are() {
    let template = doc!({
        "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true
    });
    let schema = schema(doc!({"type": "object", "properties": {"template": template}}));
    let errors = |template: Document| texts(&validate(&doc!({"spec": {"template": template}}), &schema));
    assert_eq!(errors(doc!({"apiVersion": "v1", "kind": "Pod"})), Vec::<String>::new());
    assert_eq!(
        errors(doc!({"apiVersion": "a/b/c", "kind": ""})),
        [
            r#"spec.template.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c"#,
            "spec.template.kind: Required value",
        ]
    );
}

proptest! {
    #[test]
    fn pruning_and_defaulting_twice_change_nothing_more(
        keys in proptest::collection::btree_map("(replicas|odd|labels|free|ports)", 0..4_i64, 0..5)
    ) {
        let spec: Document = keys.into_iter().collect();
        let schema = schema(crontab());
        let mut once = doc!({"spec": spec});
        prune(&mut once, &schema);
        default(&mut once, &schema);
        let mut twice = once.clone();
        prop_assert!(prune(&mut twice, &schema).is_empty());
        default(&mut twice, &schema);
        prop_assert_eq!(once, twice);
    }
}
